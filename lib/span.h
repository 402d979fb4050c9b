/*
 * Spans of time and the waiting for a descriptor, in microseconds of CLOCK_MONOTONIC. SPAN_FOREVER
 * is no end, as a span and as a deadline. Everything here may be called from a signal handler.
 */
#ifndef SOCKD_LIB_SPAN_H
#define SOCKD_LIB_SPAN_H

#include <poll.h>
#include <stdint.h>
#include <time.h>

#define SPAN_FOREVER INT64_C(-1)

int64_t span_now(void);

/* The same span, or time of the clock, as the system calls want it. */
struct timespec span_timespec(int64_t usec);

/* When a span that began then ends. */
int64_t span_deadline(int64_t start, int64_t span);

/* What SO_RCVTIMEO or SO_SNDTIMEO says; SPAN_FOREVER also for what is no socket. errno is left as
 * it was. */
int64_t span_of_socket(int fd, int option);

/*
 * Waits until the descriptor is ready, or has an error or an end to tell; signals do not end it.
 * Returns 1, 0 where the deadline has passed, or a negative errno. errno is left as it was.
 */
int span_poll(int fd, short events, int64_t deadline);
/* One call of ppoll(2), with its errors, until the deadline at the most. */
int span_poll_once(struct pollfd *wait, nfds_t n, int64_t deadline);

#endif
