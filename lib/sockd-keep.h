/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sockets handed on through the broker: by ticket (share, fromshare) and by name (the store).
 *
 * A ticket is printable text that travels by any means, an environment variable, a file, a pipe. In
 * the other process sockd_fromshare() turns it into the same open socket: the same in the kernel,
 * not a new one. The store keeps sockets by name, so that a program can end and its successor go on
 * with them. Both ends are subject to the broker's policy, which gives nothing that no rule names;
 * see sockd.policy(5), "actions". What the broker keeps survives its own restart and its own death
 * where systemd runs it (its FileDescriptorStoreMax=), not where it is started by hand.
 *
 * All of it needs the broker: nothing here is done by the kernel alone. All functions are
 * thread-safe and may be used on both sides of fork(2); none may be called from a signal handler.
 * An exchange with the broker takes at most 10 seconds.
 *
 * On failure every function returns -1 and sets errno, sockd_reason() has the words; on success
 * errno is left as it was. Errors that all have in common:
 *
 *   ECONNREFUSED  there is no broker
 *   EOPNOTSUPP    the broker is too old to keep sockets
 *   EACCES        no rule of the policy gives it
 *   EDQUOT        this user has as many sockets kept as it may have
 *   ENFILE        the broker keeps as many sockets as it can
 *   EAGAIN        the broker has too much to do; try again
 *   ETIMEDOUT     the broker did not answer in time
 *
 * See libsockd(3), sockd_share(3), sockd_store(3).
 */
#ifndef SOCKD_KEEP_H
#define SOCKD_KEEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a ticket, with its terminating NUL. */
#define SOCKD_TICKET_SIZE 71

/* How long a ticket is good where the sharer does not say, and at most; in microseconds. */
#define SOCKD_TICKET_USUAL INT64_C(30000000)
#define SOCKD_TICKET_LONGEST INT64_C(3600000000)

/* Who may take a shared socket. */
enum sockd_taker {
	SOCKD_FOR_ANYONE = 0,  /* whoever has the ticket */
	SOCKD_FOR_PROCESS = 1, /* the process of this pid, as the caller's pid namespace has it */
	SOCKD_FOR_PIDFD = 2,   /* the process that this pidfd (pidfd_open(2)) refers to */
	SOCKD_FOR_USER = 3,    /* a process of this user, as the caller's user namespace has it */
	SOCKD_FOR_GROUP = 4,   /* a process with this group, be it a supplementary one; likewise */
};

/*
 * Gives a socket to the broker for one other process to take, and writes a ticket for it into
 * buffer: "sockd-" and 64 hexadecimal digits, with a NUL, SOCKD_TICKET_SIZE bytes. The descriptor
 * stays the caller's, who may close it at once: the broker has one of its own.
 *
 * who is a pid, a pidfd, a user or a group as taker says; 0 for SOCKD_FOR_ANYONE. A process is held
 * by its pidfd, so that a later one of the same pid is not taken for it. timeout_usec: how long the
 * ticket is good, in microseconds, from 1 to SOCKD_TICKET_LONGEST; 0 means SOCKD_TICKET_USUAL. What
 * is not taken by then is closed by the broker and reported in its audit trail.
 *
 * A ticket works once. Whoever has it may use it, so treat it as a password: environment and
 * arguments of a process can be read by others of its user, and bind it to its taker where that is
 * known. The broker never writes it down.
 *
 * Returns 0. Errors: EBADF no descriptor; ENOTSOCK no socket; EINVAL the taker, who or timeout_usec
 * cannot be, or the descriptor is a connection to the broker itself; ENOSPC size is less than
 * SOCKD_TICKET_SIZE; ESRCH there is no such process. As Python's socket.share() of Windows.
 */
int sockd_share(int fd, enum sockd_taker taker, int64_t who, int64_t timeout_usec, char *buffer,
	size_t size);

/*
 * Takes the socket that a ticket is for. Returns a descriptor, close-on-exec, that the caller owns.
 * Blanks and a newline around the ticket are passed over.
 *
 * Errors: EINVAL the text is no ticket; ENOENT there is no such ticket: it is wrong, used, expired
 * or for another, which are not told apart; EAGAIN this user has put too many wrong tickets: wait
 * for some seconds; EMFILE this process has no descriptor free (the socket is then lost). As
 * Python's socket.fromshare() of Windows.
 */
int sockd_fromshare(const char *ticket);

/* A name in the store: 1 to SOCKD_NAME_MAX letters, digits, dots, underscores or hyphens. */
#define SOCKD_NAME_MAX 127

/* Flags of the store. */
#define SOCKD_NEW 1u	/* store: fail with EEXIST where the name is taken, instead of replacing */
#define SOCKD_TAKE 2u	/* fetch: the broker keeps it no longer */
#define SOCKD_COMMON 4u /* all: a name common to several users; a rule must name it as such */

/*
 * Gives a socket to the broker to be kept under a name. The descriptor stays the caller's. A name
 * belongs to the user that stores it; with SOCKD_COMMON to all whom a rule gives it. A socket that
 * the name stood for is replaced, at once and whole: nobody finds the name missing meanwhile.
 * timeout_usec: for how long, in microseconds, at most 2^52 (142 years); 0 means for good. Nothing
 * is for longer than this system runs.
 *
 * Returns 0. Errors: EBADF, ENOTSOCK, EINVAL as sockd_share(), also for a name that cannot be;
 * EEXIST with SOCKD_NEW.
 */
int sockd_store(int fd, const char *name, int64_t timeout_usec, unsigned flags);

/*
 * Returns a descriptor of the socket that is stored under a name, close-on-exec, that the caller
 * owns. The broker keeps the socket, unless flags has SOCKD_TAKE. Errors: EINVAL; ENOENT there is
 * no such name; EMFILE this process has no descriptor free.
 */
int sockd_fetch(const char *name, unsigned flags);

/* Ends the keeping of a name; the broker closes its copy. Returns 0. Errors: EINVAL, ENOENT. */
int sockd_forget(const char *name, unsigned flags);

/* A socket in the store. */
struct sockd_stored {
	char name[SOCKD_NAME_MAX + 1];
	int domain, type, protocol; /* as socket(2) */
	unsigned flags;		    /* SOCKD_COMMON */
	int64_t age_usec;	    /* since it was stored, in microseconds */
	int64_t left_usec;	    /* until it is forgotten; -1: for good */
};

/*
 * Lists the names of this user, and the common ones that it may fetch, sorted by name. Stores an
 * array in *ret that the caller frees with free(3), NULL where there are none, and returns the
 * number of its members; on failure -1, with *ret as it was. Errors: ENOMEM;
 * EINVAL ret is NULL; EMSGSIZE the broker's list has no end.
 */
int sockd_stored(struct sockd_stored **ret);

#ifdef __cplusplus
}
#endif

#endif
