/* Bench's side of crowd.h. */
#include "bench/crowd.h"

#include <string.h>
#include <sys/mman.h>

#include "bench/clock.h"
#include "bench/start.h"
#include "proto/macro.h"

#define N_CLIENTS 2
#define SLOTS (CROWD_SLOTS / N_CROWD_KINDS)

static void begin(void *data)
{
	struct crowd_memory *memory = data;

	if (atomic_load(&memory->n_ready) == N_CLIENTS * CROWD_THREADS &&
		atomic_load(&memory->start_nsec) == 0)
		atomic_store(&memory->start_nsec, now_nsec() + 100000000);
}

static size_t n_of(const struct crowd_samples *samples)
{
	return MIN_OF(atomic_load(&samples->n), CROWD_SAMPLES_MAX);
}

/* The medians of its slots. */
static struct crowd summarise(struct crowd_memory *memory, enum crowd_kind kind, double p99[SLOTS])
{
	double opens[SLOTS], median[SLOTS], longest[SLOTS];

	for (unsigned i = 0; i < SLOTS; i++) {
		struct crowd_samples *samples = &memory->opened[i * N_CROWD_KINDS + kind];
		size_t n = n_of(samples);
		opens[i] = (double)atomic_load(&samples->n) * 1e9 / (double)CROWD_SLOT_NSEC;
		median[i] = quantile(samples->nsec, n, 0.5);
		p99[i] = quantile(samples->nsec, n, 0.99);
		longest[i] = quantile(samples->nsec, n, 1.0);
	}
	struct crowd crowd = {
		.opens = quantile(opens, SLOTS, 0.5),
		.median = quantile(median, SLOTS, 0.5),
		.longest = quantile(longest, SLOTS, 1.0),
	};
	memcpy(opens, p99, sizeof opens); /* which stays in the order of time */
	crowd.p99 = quantile(opens, SLOTS, 0.5);
	return crowd;
}

static void fill_in(struct crowd_memory *memory, struct run_report *report)
{
	double p99[N_CROWD_KINDS][SLOTS], ratios[SLOTS];

	for (int kind = 0; kind < N_CROWD_KINDS; kind++)
		report->crowds[kind] = summarise(memory, kind, p99[kind]);
	for (unsigned i = 0; i < SLOTS; i++)
		ratios[i] = p99[CROWD_QUIET][i] > 0
				    ? p99[CROWD_BESIDE_SLOW][i] / p99[CROWD_QUIET][i]
				    : 0;
	report->beside_slow = quantile(ratios, SLOTS, 0.5);
	report->n_slow = n_of(&memory->slow);
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
		fill_in(memory, &report->run);
	(void)munmap(memory, sizeof *memory);
	close_quietly(fd);
	start_close_programs(&programs);
	return r;
}
