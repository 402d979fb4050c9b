/*
 * Reads the policy anew. That reads files and the user database, which can be slow: it is done in a
 * worker, and the new policy takes effect on the loop, as a whole or not at all.
 */
#ifndef SOCKD_DAEMON_RELOAD_H
#define SOCKD_DAEMON_RELOAD_H

struct broker;

/*
 * Starts a reload; what is wrong with the new policy goes to standard error. Where done is not NULL
 * it is called at the end with data, the result and what is wrong in words; broker->reload_data,
 * set to NULL before, takes that back. Returns 0; -EALREADY: one is under way (without done another
 * one follows it, so that no signal is lost); or another negative errno.
 */
int reload_start(struct broker *broker, void (*done)(void *data, int result, const char *errors),
	void *data);

#endif
