/* Bench's side of crowd.h. */
#include "bench/crowd.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "bench/clock.h"
#include "bench/start.h"
#include "proto/macro.h"

#define N_CLIENTS 2

static void begin(void *data)
{
	struct crowd_memory *memory = data;

	if (atomic_load(&memory->n_ready) == N_CLIENTS * CROWD_THREADS &&
		atomic_load(&memory->start_nsec) == 0)
		atomic_store(&memory->start_nsec, now_nsec() + 100000000);
}

static void summarise(struct crowd_memory *memory, struct run_report *report)
{
	const size_t slots = CROWD_SLOTS / N_CROWD_KINDS;
	double opens[CROWD_SLOTS / N_CROWD_KINDS];

	for (unsigned kind = 0; kind < N_CROWD_KINDS; kind++) {
		struct crowd_samples *samples = &memory->opened[kind];
		size_t n = MIN_OF(atomic_load(&samples->n), CROWD_SAMPLES_MAX);
		for (size_t i = 0; i < slots; i++)
			opens[i] = (double)memory->opens[i * N_CROWD_KINDS + kind] * 1e9 /
				   (double)CROWD_SLOT_NSEC;
		report->crowds[kind] = (struct crowd){
			.opens = quantile(opens, slots, 0.5),
			.median = quantile(samples->nsec, n, 0.5),
			.p99 = quantile(samples->nsec, n, 0.99),
			.longest = quantile(samples->nsec, n, 1.0),
		};
	}
	report->n_slow = MIN_OF(atomic_load(&memory->slow.n), CROWD_SAMPLES_MAX);
	report->slow_median = quantile(memory->slow.nsec, report->n_slow, 0.5);
}

int measure_crowd(
	const struct servers *servers, const struct load_servers *pids, struct report *report)
{
	struct start_programs programs;
	struct crowd_memory *memory;
	pid_t clients[N_CLIENTS];

	if (start_open_programs(&programs) < 0)
		return -1;
	load_pin(pids->floor, LOAD_ALL);
	load_pin(pids->sockd, LOAD_ALL);
	int fd = start_make_memory(sizeof *memory, &memory);
	struct start start = {
		.programs = &programs,
		.process = RUN_PLAIN,
		.socket = servers->sockd,
		.memory = fd,
		.mode = "crowd",
		.first = servers->floor,
	};
	clients[0] = start_client(&start);
	start.process = RUN_SUPERVISED;
	start.first = NULL;
	clients[1] = start_client(&start);
	int r = start_wait(clients, N_CLIENTS, begin, memory);
	if (r == 0)
		summarise(memory, &report->run);
	(void)munmap(memory, sizeof *memory);
	close_quietly(fd);
	start_close_programs(&programs);
	return r;
}
