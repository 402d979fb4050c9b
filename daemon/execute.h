/*
 * Carries out what the policy allowed: opens and prepares sockets, or does steps on a client's own.
 *
 * Runs on the loop where nothing can sleep, else in a worker; touches nothing but its arguments.
 */
#ifndef SOCKD_DAEMON_EXECUTE_H
#define SOCKD_DAEMON_EXECUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/policy/policy.h"
#include "proto/wire.h"

struct ranges;

struct plan {
	int fd;			    /* APPLY: the client's socket, borrowed; OPEN: -1 */
	int domain, type, protocol; /* as asked for: type may carry SOCK_NONBLOCK */
	unsigned count;
	const struct wire_step *steps;
	size_t n_steps;
	int netns_fd; /* borrowed; -1: the broker's own namespace */
	bool has_owner;
	uid_t owner;	    /* open under this fsuid */
	const char *device; /* bind to this interface first; NULL: none */
	bool has_mark;
	uint32_t mark;		      /* set this SO_MARK first */
	const struct rule *limits;    /* what the family holds a new socket to; NULL: nothing */
	const struct ranges *devices; /* APPLY: send only where the socket is on one of these */
};

struct outcome {
	int error; /* 0 or an errno, positive: the kernel's */
	int step;  /* the step that failed; -1: the opening itself */
	/* Not the kernel: the socket is on none of the plan's devices. */
	bool elsewhere;
	bool connecting;
	bool denied; /* not by the kernel: only the socket showed that its rule does not allow it */
	char why[160];
	size_t n_fds;
	int fds[WIRE_COUNT_MAX]; /* of OPEN; all owned by the caller, 0 of them on failure */
	/* What was opened before the failure, still to be closed (which may sleep). */
	size_t n_failed_fds;
};

void execute(const struct plan *plan, struct outcome *ret);

#endif
