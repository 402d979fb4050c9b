/*
 * The process's one connection to the broker: made when first needed, made anew when it is lost or
 * when the caller is no longer who made it, and used by one thread at a time.
 *
 * Nothing of an exchange is seen by the caller: signals and cancellation wait until it is over,
 * SIGPIPE is not raised, and it takes at most BROKER_TIMEOUT seconds, however often it is tried.
 */
#ifndef SOCKD_LIB_BROKER_H
#define SOCKD_LIB_BROKER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/wire.h"

#define BROKER_TIMEOUT 10

/*
 * Sends a request with descriptors, which stay the caller's, and waits for the answer. As
 * broker_exchange(), which has the words; the whole reply is stored but for its text.
 */
struct broker_call {
	const struct wire_request *request;
	const int *send;
	size_t n_send;
	bool once;
	int *fds; /* where those of the answer go */
	size_t n_fds;
	/* Of STORED: WIRE_REPLY_MAX bytes, which the names of the reply then point into. */
	unsigned char *room;
	size_t room_size;
	bool repeated; /* set: one that may have been carried out was put again */
};
int broker_call(struct broker_call *call, struct wire_reply *ret);

/*
 * Sends a request, with descriptor fd where it is not -1, and waits for the answer. Where the
 * connection breaks before that the request is put again; with once set not where the broker had
 * read it. *ret_repeated (which may be NULL) tells whether one that may have been carried out was
 * put again.
 *
 * Returns 0 where the broker answered, which may be a refusal: then *ret is the answer, its words
 * are the thread's reason, and on success exactly n_fds descriptors, close-on-exec, are in fds,
 * owned by the caller. Returns a negative errno where there was no answer (the words then say why);
 * nothing is owed.
 */
int broker_exchange(const struct wire_request *request, int fd, bool once, int *fds, size_t n_fds,
	struct wire_answer *ret, bool *ret_repeated);

/* Called before an answer is waited for on this connection, in threads that have a slot of their
 * own. To be set once, before there are such threads. */
void broker_set_waiting(void (*waiting)(int connection));

/* Is there a broker that answers? Makes the connection where none stands. Returns 0 or a negative
 * errno; the words then say why not. ret_may_send (or NULL): as the policy was when the connection
 * was made, may a rule let us have anything sent? */
int broker_reach(bool *ret_may_send);

#endif
