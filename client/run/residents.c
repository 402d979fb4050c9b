#include "client/run/residents.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "proto/macro.h"

#define RESIDENTS_MAX 64u

static struct {
	_Atomic bool known;
	unsigned n_places;
	pthread_mutex_t lock; /* for what follows */
	struct resident {
		pid_t tid; /* 0: nobody */
		int pidfd;
	} places[RESIDENTS_MAX];
} residents = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct resident *place_of(pid_t tid)
{
	return &residents.places[(unsigned)tid % residents.n_places];
}

void residents_begin(unsigned max)
{
	residents.n_places = MIN_OF(max, RESIDENTS_MAX);
	atomic_store(&residents.known, residents.n_places > 0);
}

void residents_end(void)
{
	atomic_store(&residents.known, false);
}

/* Under the lock. */
static void remove_from(struct resident *place)
{
	if (place->tid != 0)
		close_quietly(place->pidfd);
	place->tid = 0;
}

bool residents_has(pid_t tid)
{
	bool found = false;

	if (!atomic_load(&residents.known))
		return false;
	struct resident *place = place_of(tid);
	pthread_mutex_lock(&residents.lock);
	if (place->tid == tid) {
		struct pollfd ended = {.fd = place->pidfd, .events = POLLIN};
		found = poll(&ended, 1, 0) == 0;
		if (!found)
			remove_from(place);
	}
	pthread_mutex_unlock(&residents.lock);
	return found;
}

int residents_open(pid_t tid)
{
	return atomic_load(&residents.known) ? target_pidfd(tid) : -1;
}

void residents_add_take(pid_t tid, int pidfd)
{
	if (pidfd < 0)
		return;
	struct resident *place = place_of(tid);
	pthread_mutex_lock(&residents.lock);
	remove_from(place);
	*place = (struct resident){.tid = tid, .pidfd = pidfd};
	pthread_mutex_unlock(&residents.lock);
}
