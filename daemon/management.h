/*
 * The administrators' socket: one JSON object a line each way. Administrators are root and the user
 * that sockd runs as; whoever else the mode of the socket file lets in is told so, and no more.
 *
 *   {"verb":"list"}    the grants whose sockets are still open
 *   {"verb":"check"}   would this be allowed, by which rule, and if not why
 *   {"verb":"status"}  what the daemon is doing
 *   {"verb":"reload"}  read the policy anew
 */
#ifndef SOCKD_DAEMON_MANAGEMENT_H
#define SOCKD_DAEMON_MANAGEMENT_H

struct broker;
struct management;

/* Takes an accepted connection. */
void management_accept_take(struct broker *broker, int fd);
void management_close(struct management *management);

#endif
