/*
 * What sockd-run costs the programs that run under it: calls of processes that take turns.
 *
 * The processes are exec'd (client.c), one of them under a supervisor, others in what they are
 * compared with (run-report.h). They take turns (turns.h).
 */
#ifndef SOCKD_BENCH_RUN_H
#define SOCKD_BENCH_RUN_H

#include "bench/load.h"
#include "bench/run-call.h"
#include "bench/run-report.h"

/* Starts client.c in each of its surroundings and lets them take turns. Returns 0 or -1. */
int measure_run(
	const struct servers *servers, const struct load_servers *pids, struct report *report);

#endif
