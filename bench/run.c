/* Bench's side of run.h. */
#include "bench/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/start.h"
#include "bench/turns.h"
#include "proto/macro.h"

/* How often in a round processes take turns with an untouched call. */
#define ALTERNATIONS 10u
#define TURNS_MAX (ALTERNATIONS * ARRAY_SIZE(compared))

/* An untouched call is compared in these. */
static const enum run_process compared[] = {RUN_PLAIN, RUN_SUPERVISED, RUN_SENDING, RUN_FILTERED};

/* Those who make the call, in the order of a round. */
static unsigned turns_of(enum run_call call, unsigned round, enum run_process ret[TURNS_MAX])
{
	unsigned n = 0;

	if (call == RUN_FLOOR) {
		ret[n++] = RUN_PLAIN;
	} else if (call >= RUN_UNTOUCHED) {
		for (; n < TURNS_MAX; n++)
			ret[n] = compared[(n + n / ARRAY_SIZE(compared) + round) %
					  ARRAY_SIZE(compared)];
	} else {
		if (call == RUN_BIND_ORDINARY)
			ret[n++] = RUN_PLAIN;
		ret[n++] = call == RUN_NETLINK ? RUN_SENDING : RUN_SUPERVISED;
		ret[n++] = RUN_PRELOADED;
	}
	return n;
}

/* Fills in the steps, or only counts them and their samples. */
static void plan(const struct report *report, struct run_step *steps, uint32_t *ret_steps,
	uint32_t *ret_samples)
{
	enum run_process turns[TURNS_MAX];
	uint32_t n_steps = 0, n_samples = 0;

	for (unsigned round = 0; round < report->rounds; round++)
		for (unsigned i = 0; i < N_RUN_CALLS; i++) {
			enum run_call call = (i + round) % N_RUN_CALLS;
			unsigned n = turns_of(call, round, turns);
			for (unsigned turn = 0; turn < n; turn++, n_steps++) {
				if (steps)
					steps[n_steps] = (struct run_step){
						.call = (uint8_t)call,
						.process = (uint8_t)turns[turn],
						.round = (uint16_t)round,
						.sample = n_samples,
					};
				n_samples += run_step_samples(call, report->operations);
			}
		}
	*ret_steps = n_steps;
	*ret_samples = n_samples;
}

static int make_memory(const struct report *report, struct run_memory **ret)
{
	struct run_memory *memory;
	uint32_t n_steps, n_samples;

	plan(report, NULL, &n_steps, &n_samples);
	size_t first_step = (sizeof *memory + 63) / 64 * 64;
	size_t first_sample = (first_step + n_steps * sizeof(struct run_step) + 63) / 64 * 64;
	size_t size = first_sample + n_samples * sizeof(double);
	int fd = start_make_memory(size, &memory);
	memory->size = size;
	memory->first_step = first_step;
	memory->first_sample = first_sample;
	memory->n_steps = n_steps;
	memory->operations = report->operations;
	plan(report, run_steps(memory), &n_steps, &n_samples);
	*ret = memory;
	return fd;
}

struct samples {
	double *values;
	size_t n;
};

/* All that a process took for a call, in one round or (negative) in all. */
static void collect(struct run_memory *memory, enum run_call call, enum run_process process,
	int round, struct samples *ret)
{
	ret->n = 0;
	for (uint32_t i = 0; i < memory->n_steps; i++) {
		const struct run_step *step = &run_steps(memory)[i];
		if (step->call != call || step->process != process ||
			(round >= 0 && step->round != round))
			continue;
		uint32_t n = run_step_samples(call, memory->operations);
		memcpy(ret->values + ret->n, run_samples(memory) + step->sample,
			n * sizeof *ret->values);
		ret->n += n;
	}
}

static double median_of_round(struct run_memory *memory, enum run_call call,
	enum run_process process, unsigned round, struct samples *scratch)
{
	collect(memory, call, process, (int)round, scratch);
	return quantile(scratch->values, scratch->n, 0.5);
}

static struct run_latency summarise(struct run_memory *memory, unsigned rounds, enum run_call call,
	enum run_process process, struct samples *scratch, double *ratios)
{
	const enum run_call other = call >= RUN_UNTOUCHED ? call : RUN_FLOOR;
	struct run_latency latency = {0};

	collect(memory, call, process, -1, scratch);
	if (scratch->n == 0)
		return latency;
	latency.median = quantile(scratch->values, scratch->n, 0.5);
	latency.p99 = quantile(scratch->values, scratch->n, 0.99);
	for (unsigned round = 0; round < rounds; round++)
		ratios[round] = median_of_round(memory, call, process, round, scratch) /
				median_of_round(memory, other, RUN_PLAIN, round, scratch);
	latency.ratio = quantile(ratios, rounds, 0.5);
	return latency;
}

static void fill_in(struct run_memory *memory, struct report *report)
{
	struct samples scratch = {.values = malloc(memory->size)};
	double *ratios = malloc(report->rounds * sizeof *ratios);

	if (!scratch.values || !ratios)
		abort();
	for (int call = 0; call < N_RUN_CALLS; call++)
		for (int process = 0; process < N_RUN_PROCESSES; process++)
			report->run.latencies[call][process] =
				summarise(memory, report->rounds, call, process, &scratch, ratios);
	free(scratch.values);
	free(ratios);
}

struct watch {
	struct run_memory *memory;
	const struct load_servers *pids;
	bool begun, free_helpers;
};

static void watch(void *data)
{
	struct watch *watch = data;

	if (watch->free_helpers)
		load_free_helpers(watch->pids->sockd);
	if (watch->begun || atomic_load(&watch->memory->n_ready) < N_RUN_PROCESSES)
		return;
	watch->begun = true;
	run_pass_turn(watch->memory, 0);
}

int measure_run(
	const struct servers *servers, const struct load_servers *pids, struct report *report)
{
	struct start_programs programs;
	struct run_memory *memory;
	pid_t clients[N_RUN_PROCESSES];

	if (start_open_programs(&programs) < 0)
		return -1;
	int fd = make_memory(report, &memory);
	for (int process = 0; process < N_RUN_PROCESSES; process++) {
		char number[16];
		snprintf(number, sizeof number, "%d", process);
		clients[process] = start_client(&(const struct start){
			.programs = &programs,
			.process = process,
			.socket = servers->sockd,
			.pinned = true,
			.memory = fd,
			.mode = "turns",
			.first = number,
			.second = servers->floor,
		});
	}
	struct watch watched = {
		.memory = memory, .pids = pids, .free_helpers = report->free_helpers};
	int r = start_wait(clients, N_RUN_PROCESSES, watch, &watched);
	if (r == 0)
		fill_in(memory, report);
	(void)munmap(memory, memory->size);
	close_quietly(fd);
	start_close_programs(&programs);
	return r;
}
