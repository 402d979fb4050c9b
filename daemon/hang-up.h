/*
 * The end of a connection, of whichever side.
 */
#ifndef SOCKD_DAEMON_HANG_UP_H
#define SOCKD_DAEMON_HANG_UP_H

struct connection;

/* A request in work is finished without an answer. What the client has not read yet drains. May
 * free the connection. */
void hang_up(struct connection *connection);

#endif
