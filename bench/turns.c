/* A client's side of turns.h: steps done in turn. */
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/turns.h"

#define WARM_UP 200u
#define PATIENCE_SEC 60
#define SETTLE_USEC 10000

void run_pass_turn(struct run_memory *memory, uint32_t step)
{
	if (step >= memory->n_steps)
		return;
	_Atomic uint32_t *turn = &memory->turns[run_steps(memory)[step].process];
	atomic_store(turn, step + 1);
	(void)syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int wait_for_turn(_Atomic uint32_t *turn, uint32_t step)
{
	const struct timespec patience = {.tv_sec = PATIENCE_SEC};

	for (;;) {
		uint32_t now = atomic_load(turn);
		if (now == step + 1)
			return 0;
		if (syscall(SYS_futex, turn, FUTEX_WAIT, now, &patience, NULL, 0) < 0 &&
			errno == ETIMEDOUT) {
			fprintf(stderr, "bench: another client is not done with its turn\n");
			return -1;
		}
	}
}

static void do_step(struct run_memory *memory, const struct run_step *step)
{
	const struct run_call_info *call = &run_calls[step->call];
	uint32_t n = run_step_samples(step->call, memory->operations);
	double *samples = run_samples(memory) + step->sample;

	/* Who had the turn before may stay in the scheduler's queue for a while, with time to make
	 * up for; all that are measured after it would be switched away from more often. */
	if (step->call < RUN_UNTOUCHED)
		(void)usleep(SETTLE_USEC);
	/* After another process had the caches. */
	if (call->together > 1)
		(void)call->time(call->together / 10);
	for (uint32_t i = 0; i < n; i++)
		samples[i] = (double)call->time(call->together) / call->together;
}

static void warm_up(struct run_memory *memory, enum run_process process)
{
	for (int call = 0; call < N_RUN_CALLS; call++)
		for (uint32_t i = 0; i < memory->n_steps; i++) {
			const struct run_step *step = &run_steps(memory)[i];
			if (step->call != call || step->process != process)
				continue;
			(void)run_calls[call].time(WARM_UP);
			break;
		}
}

int run_take_turns(struct run_memory *memory, enum run_process process, const char *floor)
{
	struct run_step *steps = run_steps(memory);
	_Atomic uint32_t *turn = &memory->turns[process];

	run_call_set_floor(floor);
	/* One after the other: two cannot have a port at the same time. */
	while (atomic_load(&memory->n_ready) != process)
		(void)usleep(10000);
	warm_up(memory, process);
	atomic_fetch_add(&memory->n_ready, 1);
	for (uint32_t i = 0; i < memory->n_steps; i++) {
		if (steps[i].process != process)
			continue;
		if (wait_for_turn(turn, i) < 0)
			return EXIT_FAILURE;
		do_step(memory, &steps[i]);
		run_pass_turn(memory, i + 1);
	}
	return EXIT_SUCCESS;
}
