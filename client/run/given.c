#include "client/run/given.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

/* A program that is stopped while it is given one must not keep the others waiting. */
#define PATIENCE_USEC 100000

/* Read by whoever gives one, written by nobody: who can have it for writing is alone. */
static pthread_rwlock_t given_lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

void given_begin(void)
{
	pthread_rwlock_rdlock(&given_lock);
}

void given_end(void)
{
	pthread_rwlock_unlock(&given_lock);
}

static bool is_alone_until(int64_t deadline)
{
	const struct timespec until = span_timespec(deadline);

	if (pthread_rwlock_clockwrlock(&given_lock, CLOCK_MONOTONIC, &until) != 0)
		return false;
	pthread_rwlock_unlock(&given_lock);
	return true;
}

void given_wait(void)
{
	(void)is_alone_until(span_now() + PATIENCE_USEC);
}

int given_bind(int fd, const struct sockaddr *address, socklen_t size, bind_function *bind_by)
{
	bool is_alone = is_alone_until(0);
	int r = bind_by(fd, address, size);

	if (r == 0 || is_alone || (errno != EADDRINUSE && errno != EBUSY))
		return r;
	given_wait();
	return bind_by(fd, address, size);
}
