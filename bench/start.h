/*
 * Starting the clients that bench runs as programs, as an unprivileged user.
 */
#ifndef SOCKD_BENCH_START_H
#define SOCKD_BENCH_START_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bench/run-report.h"

/* Descriptors, so that a directory which is closed to the user does not keep a program from him. */
struct start_programs {
	int client, run, preload;
};

/* Of the build: client beside this program, the others where SOCKD_BUILD says. Returns 0, or -1
 * after saying why. */
int start_open_programs(struct start_programs *ret);
void start_close_programs(struct start_programs *programs);

struct start {
	const struct start_programs *programs;
	enum run_process process;
	const char *socket; /* the broker's */
	bool pinned;	    /* to the processor of the servers, with its supervisor */
	int memory;	    /* a memfd */
	const char *mode, *first, *second; /* the client's arguments; NULL: no more */
};

/* Returns the pid, or -1 after saying why. */
pid_t start_client(const struct start *start);

/* Waits for all; ends the others where one fails. idle is called meanwhile, every now and then; it
 * may be NULL. Returns 0, or -1. */
int start_wait(const pid_t *pids, size_t n, void (*idle)(void *data), void *data);

/* Memory to share with clients. Returns a memfd, with *ret the memory; ends the process where there
 * is none. */
int start_make_memory(size_t size, void *ret_memory);

#endif
