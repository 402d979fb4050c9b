/*
 * The policy that --learn writes: what the calls of a program needed, and no more.
 *
 * A file that an earlier run has written is read first and extended, because the first refusal
 * often ends a program; any other file is left alone. learn_open() belongs before the first thread;
 * learn_add() may be called from several. What is learnt is checked like any input: names of
 * programs, addresses and messages are the program's own words.
 */
#ifndef SOCKD_CLIENT_RUN_LEARN_H
#define SOCKD_CLIENT_RUN_LEARN_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/wire.h"

enum learn_kind {
	LEARN_SOCKET, /* the socket itself, as socket(2) asks for it */
	LEARN_BIND,   /* the others: one step on a socket of the program's own */
	LEARN_OPTION,
	LEARN_SEND,
};

struct learn_call {
	enum learn_kind kind;
	int domain, type, protocol; /* as for socket(2); of a socket, what the kernel tells of it */
	const struct wire_step *step; /* of all but LEARN_SOCKET */
	const char *netns; /* where the socket is opened, "broker", "peer" or a name, as --netns
			      says it; NULL: in the program's own, which is the broker's too */
	pid_t pid;
	const char *program; /* /proc/PID/comm; NULL: unknown */
	bool granted;	     /* the policy in force gives it already */
	const char *reason;  /* of a refusal, as the broker says it; NULL: none */
	int fd; /* a copy of the socket, borrowed: tells of interfaces and controllers what the
		   step does not; 0: not at hand */
};

struct learn;
struct learn_seen;

/*
 * The rules are for this user. Returns 0; -EEXIST where there is a file that no --learn has
 * written, or that is no regular file; another negative errno. learn_reason() then has the words.
 */
int learn_open(const char *path, uid_t uid, struct learn **ret);
/*
 * Takes note of a call. Returns 0; -EOPNOTSUPP where no rule can give it, which the file then says;
 * -EINVAL where the kernel would take it from nobody; -E2BIG, -ENOMEM.
 */
int learn_add(struct learn *learn, const struct learn_call *call);
/* The same in two steps: what it needs as things are now, by its kind, socket, step and fd (NULL:
 * no memory), and all else later. */
struct learn_seen *learn_look(const struct learn_call *call);
int learn_add_seen(
	struct learn *learn, const struct learn_call *call, const struct learn_seen *seen);
struct learn_seen *learn_seen_free(struct learn_seen *seen); /* returns NULL */
/* Writes the file as a whole or not at all. Returns 0 or a negative errno, and learn_reason() has
 * the words. */
int learn_write(struct learn *learn);
void learn_free(struct learn *learn);

/* What went wrong last in learn_open() or learn_write() of this thread, for people. */
const char *learn_reason(void);

#endif
