/*
 * Connections that are closed for us, while sockets that they carried are still unread.
 *
 * What waits in a client's queue is in flight on our own user, and the kernel has one limit of that
 * for all clients together. Were such a connection forgotten as soon as the client says that it
 * will send no more, a client could let any number of sockets pile up. So its end is only shut down
 * and stays one of its user's connections, the unread sockets counted, until the queue is read or
 * the client's end is closed.
 *
 * What the client had sent and nobody read is thrown away meanwhile: the client's own end could be
 * among it, which would then never be closed. And so it stays where its user's account is full
 * (closer.h): what it had sent is closed one after the other, or the close of the connection would
 * take as long as all of it together.
 */
#ifndef SOCKD_DAEMON_DRAIN_H
#define SOCKD_DAEMON_DRAIN_H

#include <stdbool.h>

struct broker;
struct connection;
struct user;

int drain_new(struct broker *broker);
void drain_free(struct broker *broker);

/* For hang_up(): keeps its reference and its place among the user's connections. */
void drain_begin(struct connection *connection);
/* The loop has something of it; nothing is done where it was let go since. */
void drain_receive(struct connection *connection);
/* Goes on with those whose users' accounts were full (closer.h). */
void drain_resume(struct broker *broker);
/* Lets go of what the user has read since; returns whether there was any. Frees connections: not
 * while events that were fetched are handled, except where receive_hold() holds them. */
bool drain_make_room(struct user *user);

#endif
