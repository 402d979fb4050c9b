/*
 * Answers with a socket that wait to be sent together.
 *
 * An answer wakes its client, which asks anew and sleeps again before the next one comes: where
 * many clients are ready in one turn of the loop, most of what the kernel does then is to wake
 * them. Of some answers that are sent in a row, a client that has several connections finds all
 * when it is woken once; so they wait until there are enough of them, and no longer than the turn.
 */
#ifndef SOCKD_DAEMON_OUTBOX_H
#define SOCKD_DAEMON_OUTBOX_H

#include <stdbool.h>

#include "proto/wire.h"

/* More does not spare more, and keeps clients idle. */
#define OUTBOX_MAX 16u

struct broker;
struct connection;

struct outgoing {
	struct connection *connection; /* a reference */
	struct wire_reply reply;
	int fd;
	bool close_sleeps; /* as hand_over_close_sleeps() */
};

struct outbox {
	bool open;  /* answers may wait */
	unsigned n; /* none of their sockets is counted as unread yet */
	struct outgoing items[OUTBOX_MAX];
};

void outbox_open(struct broker *broker);
/* Sends what waits. Ends connections that cannot take it: only such as have an answer here. */
void outbox_send(struct broker *broker);
/* Sends what waits; no more may wait. */
void outbox_close(struct broker *broker);

/* Takes fd, which the reply carries, where answers may wait; else returns false. */
bool outbox_put_take(
	struct connection *connection, const struct wire_reply *reply, int fd, bool close_sleeps);

#endif
