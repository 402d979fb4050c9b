/*
 * The measurements: each one forks unprivileged clients, lets the contenders take turns and fills
 * in its part of the report. They return 0, or -1 where a client failed (and said why).
 */
#ifndef SOCKD_BENCH_LOAD_H
#define SOCKD_BENCH_LOAD_H

#include <sys/types.h>

#include "bench/contender.h"
#include "bench/report.h"

/* A batch takes as long as many single opens: fewer of them are done in a round. */
#define LOAD_BATCH_SHARE 8u

struct load_servers {
	pid_t floor, sockd;
};

unsigned load_processors(void);
/* Puts all threads of a process (0: the caller) on one processor, the index-th of those it may use;
 * ALL: on all. */
#define LOAD_ALL (-1)
void load_pin(pid_t pid, int index);

/* Lets all threads of a process but its first one go where they like. */
void load_free_helpers(pid_t pid);

/* One client and one server on one processor; report->free_helpers: but sockd's helper threads
 * where they like. */
int measure_latency(
	const struct servers *servers, const struct load_servers *pids, struct report *report);
/* Many clients, all that runs on any processor, as it would be without a measurement. */
int measure_throughput(
	const struct servers *servers, const struct load_servers *pids, struct report *report);
/* One client's opens while another opens and closes packet sockets. */
int measure_neighbour(
	const struct servers *servers, const struct load_servers *pids, struct report *report);

#endif
