/*
 * Processes that take turns: they share a memory, inherited as a memfd, that holds the steps in the
 * order in which they are done, each by one process, and the times that they took.
 */
#ifndef SOCKD_BENCH_TURNS_H
#define SOCKD_BENCH_TURNS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/run-call.h"
#include "bench/run-report.h"

struct run_step {
	uint8_t call; /* enum run_call */
	uint8_t process;
	uint16_t round;
	uint32_t sample; /* its first; there are run_step_samples() of them */
};

struct run_memory {
	size_t size; /* of all of it, in bytes */
	uint32_t n_steps, operations;
	_Atomic uint32_t n_ready;
	_Atomic uint32_t turns[N_RUN_PROCESSES]; /* 1 + the step that may be done; a futex each */
	size_t first_step, first_sample;	 /* offsets */
};

static inline struct run_step *run_steps(struct run_memory *memory)
{
	return (struct run_step *)((char *)memory + memory->first_step);
}

/* Nanoseconds of one call. */
static inline double *run_samples(struct run_memory *memory)
{
	return (double *)((char *)memory + memory->first_sample);
}

/* Calls that cost next to nothing are timed many at once. */
static inline uint32_t run_step_samples(enum run_call call, uint32_t operations)
{
	return run_calls[call].together > 1 ? 1 : operations;
}

/* Gives the turn to whoever's step it is. */
void run_pass_turn(struct run_memory *memory, uint32_t step);

/* In a client: warms up and does the steps of this process. Returns the exit status. */
int run_take_turns(struct run_memory *memory, enum run_process process, const char *floor);

#endif
