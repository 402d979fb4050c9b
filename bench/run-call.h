/*
 * The calls that are measured with and without sockd-run.
 */
#ifndef SOCKD_BENCH_RUN_CALL_H
#define SOCKD_BENCH_RUN_CALL_H

#include <stdint.h>

enum run_call {
	RUN_FLOOR,	   /* the floor's open, to compare with */
	RUN_SOCKET,	   /* socket() of a raw ICMP socket, and close() */
	RUN_BIND_ORDINARY, /* bind() to a port that everyone may have: intercepted, not brokered */
	RUN_BIND_PRIVILEGED,
	RUN_MARK,    /* setsockopt(SO_MARK) */
	RUN_NETLINK, /* send() of an RTM_NEWLINK that changes nothing */
	/* Untouched: none of these comes to a supervisor. */
	RUN_GETPPID,
	RUN_UNTOUCHED = RUN_GETPPID,
	RUN_WRITE_NULL,
	RUN_NODELAY,
	RUN_PIPE,
	/* These do something: the others show what any filter costs that has nothing to decide. */
	RUN_DATAGRAM,
	RUN_WORKING = RUN_DATAGRAM,
	RUN_SOCKET_STREAM,
	RUN_CONNECTION,
	N_RUN_CALLS,
};

struct run_call_info {
	const char *name;
	/* The one for which n calls are timed. Returns the nanoseconds; ends the process, after
	 * saying why, where a call fails. */
	int64_t (*time)(unsigned n);
	unsigned together; /* how many calls are timed at once */
};

extern const struct run_call_info run_calls[N_RUN_CALLS];

/* Where the floor listens. */
void run_call_set_floor(const char *path);

#endif
