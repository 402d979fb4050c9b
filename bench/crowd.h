/*
 * Many threads of one process that open sockets at once.
 *
 * Time slots of three kinds in turns: the floor's clients, threads under a supervisor, and the same
 * while one of them makes nothing but slow requests: it binds packet sockets that have received,
 * which the kernel lets wait until no processor looks at them any more, some 10 milliseconds.
 */
#ifndef SOCKD_BENCH_CROWD_H
#define SOCKD_BENCH_CROWD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/load.h"
#include "bench/run-report.h"

#define CROWD_THREADS 64u
#define CROWD_SAMPLES_MAX 50000u
/* As in load.c, the beginning of a slot is not counted. */
#define CROWD_RUN_IN_NSEC INT64_C(100000000)
#define CROWD_SLOT_NSEC INT64_C(200000000)
#define CROWD_PERIOD_NSEC (CROWD_RUN_IN_NSEC + CROWD_SLOT_NSEC + INT64_C(30000000))

#define CROWD_SLOTS (24u * N_CROWD_KINDS)

struct crowd_samples {
	_Atomic size_t n;
	double nsec[CROWD_SAMPLES_MAX];
};

struct crowd_memory {
	_Atomic uint32_t n_ready;		  /* threads */
	_Atomic int64_t start_nsec;		  /* 0: not yet known */
	struct crowd_samples opened[CROWD_SLOTS]; /* after the run-in */
	struct crowd_samples slow;
};

/* In a client: takes part in the slots of the floor, or in those of the supervised. Returns the
 * exit status. floor: the path; NULL: supervised. */
int crowd_take_part(struct crowd_memory *memory, const char *floor);

/* Returns 0 or -1. The floor must be one that serves many. */
int measure_crowd(
	const struct servers *servers, const struct load_servers *pids, struct report *report);

#endif
