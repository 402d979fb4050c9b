/*
 * The clock of all measurements.
 */
#ifndef SOCKD_BENCH_CLOCK_H
#define SOCKD_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void sleep_until_nsec(int64_t nsec)
{
	const struct timespec until = {.tv_sec = nsec / 1000000000, .tv_nsec = nsec % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
		;
}

#endif
