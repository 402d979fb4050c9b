/*
 * Numbers into a table or JSON.
 */
#ifndef SOCKD_BENCH_REPORT_H
#define SOCKD_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/contender.h"
#include "bench/run-report.h"

/* Of one contender; times are of one socket, in nanoseconds. */
struct latency {
	double median, p99, ratio; /* ratio: to the floor, the median of all rounds */
};

struct throughput {
	double floor, sockd, ratio;    /* opens a second */
	double floor_busy, sockd_busy; /* of one processor, the server's share */
};

struct neighbour {
	double median, p99, longest; /* nanoseconds */
	size_t opens;
};

struct limit {
	const char *name;
	double value, bound;
	bool at_least;
};

struct report {
	bool free_helpers; /* sockd's loop alone is held to the processor */
	unsigned rules, rounds, operations, clients, processors;
	struct latency latencies[N_CONTENDERS];
	struct throughput throughput;
	struct neighbour neighbour;
	struct run_report run;
};

/* The value at this share (0 to 1) of the sorted values; sorts them in place. 0 of none. */
double quantile(double *values, size_t n, double share);

void report_print(const struct report *report);
void report_print_json(const struct report *report);

#endif
