#include "lib/span.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/kernel.h"
#include "proto/macro.h"

#define USEC_PER_SEC INT64_C(1000000)

int64_t span_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

struct timespec span_timespec(int64_t usec)
{
	return (struct timespec){
		.tv_sec = (time_t)(usec / USEC_PER_SEC),
		.tv_nsec = (long)(usec % USEC_PER_SEC) * 1000,
	};
}

int64_t span_deadline(int64_t start, int64_t span)
{
	int64_t deadline;

	if (span < 0 || __builtin_add_overflow(start, span, &deadline))
		return SPAN_FOREVER;
	return deadline;
}

int64_t span_of_socket(int fd, int option)
{
	struct timeval value = {0};
	socklen_t size = sizeof value;
	int saved_errno = errno;
	int64_t usec;

	if (kernel_getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0) {
		errno = saved_errno;
		return SPAN_FOREVER;
	}
	if (__builtin_mul_overflow((int64_t)value.tv_sec, USEC_PER_SEC, &usec) ||
		__builtin_add_overflow(usec, (int64_t)value.tv_usec, &usec) || usec == 0)
		return SPAN_FOREVER;
	return usec;
}

int span_poll_once(struct pollfd *wait, nfds_t n, int64_t deadline)
{
	if (deadline == SPAN_FOREVER)
		return ppoll(wait, n, NULL, NULL);
	struct timespec left = span_timespec(MAX_OF(deadline - span_now(), 0));
	return ppoll(wait, n, &left, NULL);
}

int span_poll(int fd, short events, int64_t deadline)
{
	struct pollfd wait = {.fd = fd, .events = events};
	int saved_errno = errno, r;

	while ((r = span_poll_once(&wait, 1, deadline)) < 0)
		if (errno != EINTR) {
			r = negative_errno();
			errno = saved_errno;
			return r;
		}
	/* A queue of errors that nobody reads (MSG_ERRQUEUE) is told for ever; whoever calls again
	 * and again must not take the whole processor. */
	if (r > 0 && wait.revents == POLLERR)
		(void)span_poll_once(NULL, 0, span_deadline(span_now(), 1000));
	errno = saved_errno;
	return r;
}
