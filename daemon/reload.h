/*
 * Reads the policy anew. That reads files and the user database, which can be slow: it is done in a
 * worker, and the new policy takes effect on the loop, as a whole or not at all.
 */
#ifndef SOCKD_DAEMON_RELOAD_H
#define SOCKD_DAEMON_RELOAD_H

struct broker;
struct management;

/*
 * Starts a reload; what is wrong with the new policy goes to standard error. The waiter, where
 * there is one, is told by management_reloaded(). Returns 0; -EALREADY: one is under way (without a
 * waiter another one follows it, so that no signal is lost); or another negative errno.
 */
int reload_start(struct broker *broker, struct management *waiter);

#endif
