/*
 * What was measured of programs under sockd-run.
 */
#ifndef SOCKD_BENCH_RUN_REPORT_H
#define SOCKD_BENCH_RUN_REPORT_H

#include <stddef.h>

#include "bench/run-call.h"

enum run_process {
	RUN_PLAIN,
	RUN_SUPERVISED,
	RUN_SENDING, /* the same, but its user may send netlink messages: sends are looked at */
	RUN_PRELOADED,
	RUN_FILTERED, /* under a filter that lets everything through: the least one there can be */
	N_RUN_PROCESSES,
};

enum crowd_kind {
	CROWD_FLOOR,
	CROWD_QUIET,
	CROWD_BESIDE_SLOW,
	N_CROWD_KINDS,
};

/* Of one call; nanoseconds. median 0: the process does not make the call. */
struct run_latency {
	double median, p99;
	double ratio; /* to the floor; of an untouched call: to the plain process, in turns */
};

struct crowd {
	double opens;		     /* a second */
	double median, p99, longest; /* of one open, of all threads but the slow one; nanoseconds */
};

struct run_report {
	struct run_latency latencies[N_RUN_CALLS][N_RUN_PROCESSES];
	struct crowd crowds[N_CROWD_KINDS];
	size_t n_slow;
	double slow_median; /* of the slow requests */
	double beside_slow; /* p99 beside them, times that without, slot by slot */
};

struct limit;

/* Stores at most max; returns how many there are. */
size_t run_report_limits(const struct run_report *report, struct limit *ret, size_t max);
void run_report_print(const struct run_report *report);
/* With a comma at the end. */
void run_report_print_json(const struct run_report *report);

#endif
