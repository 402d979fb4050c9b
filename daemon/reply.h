/*
 * What is sent to a client.
 */
#ifndef SOCKD_DAEMON_REPLY_H
#define SOCKD_DAEMON_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/wire.h"

struct connection;

enum reply_fate {
	REPLY_SENT, /* the descriptors are still the caller's */
	REPLY_KEPT, /* no room yet: the descriptors are the connection's now */
	REPLY_LOST, /* the connection is closed; the descriptors are still the caller's */
};
enum reply_fate reply_send(struct connection *connection, const struct wire_reply *reply,
	const int *fds, size_t n_fds);
/* What is to become of the caller's copies after it. close_sleeps: as hand_over_close_sleeps(). */
void reply_close_take(struct connection *connection, enum reply_fate fate, const int *fds,
	size_t n_fds, bool close_sleeps);
/* The connection's queue has room again for the one that was kept. */
void reply_send_waiting(struct connection *connection);
/* Answers with an error that is no decision: nothing is audited. */
void reply_error(struct connection *connection, enum wire_verb verb, uint64_t serial, int error,
	enum wire_origin origin, int step, const char *text);

#endif
