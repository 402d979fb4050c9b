/* The kernel's clocks in microseconds, as sd-event counts them. */
#ifndef SOCKD_DAEMON_CLOCK_H
#define SOCKD_DAEMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_usec(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

#endif
