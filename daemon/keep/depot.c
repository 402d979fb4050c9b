#include "daemon/keep/depot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <systemd/sd-daemon.h>

#include "daemon/timer.h"
#include "proto/macro.h"

/* What the unit sets, where the manager does not say it itself (before systemd 254). */
#define SLACK_USEC 1000u
#define ROOM_UNSAID 4096u
#define AGAIN_USEC 100000u

struct operation {
	struct job job; /* first: the worker hands it back */
	struct depot *depot;
	bool put;
	char name[DEPOT_NAME_MAX + 1];
	int fds[DEPOT_FDS_MAX]; /* owned */
	size_t n_fds;
	int result;
	void (*done)(void *data, int result);
	void *data;
	TAILQ_ENTRY(operation) entry;
};

struct depot {
	struct worker *worker, *closer;
	TAILQ_HEAD(, operation) waiting;
	size_t n_waiting;
	struct operation *running;
	sd_event_source *again;
	bool ending;
};

size_t depot_room(void)
{
	const char *room = getenv("FDSTORE");
	char *end;

	if (!getenv("NOTIFY_SOCKET"))
		return 0;
	if (!room)
		return getenv("INVOCATION_ID") ? ROOM_UNSAID : 0;
	errno = 0;
	unsigned long value = strtoul(room, &end, 10);
	return errno != 0 || *end || end == room ? 0 : MIN_OF(value, 1000000UL);
}

static void run(struct job *job)
{
	struct operation *operation = (struct operation *)job;
	char text[128];

	/* Not polled: a listener whose client hung up, or a connection that was reset, is as it
	 * is, and its owner's to deal with. */
	snprintf(text, sizeof text, "%s=1\nFDNAME=%s%s",
		operation->put ? "FDSTORE" : "FDSTOREREMOVE", operation->name,
		operation->put ? "\nFDPOLL=0" : "");
	int r = sd_pid_notify_with_fds(
		0, 0, text, operation->fds, operation->put ? (unsigned)operation->n_fds : 0);
	operation->result = r > 0 ? 0 : r < 0 ? r : -ENOTCONN;
}

static void finish(struct operation *operation)
{
	if (operation->done)
		operation->done(operation->data, operation->result);
	worker_close_take(operation->depot->closer, operation->fds, operation->n_fds);
	free(operation);
}

static void pump(struct depot *depot);

static void done(struct job *job)
{
	struct operation *operation = (struct operation *)job;
	struct depot *depot = operation->depot;

	if (job->cancelled)
		operation->result = -ECANCELED;
	depot->running = NULL;
	finish(operation);
	pump(depot);
}

static int on_again(sd_event_source *source _unused_, uint64_t usec _unused_, void *data)
{
	struct depot *depot = data;

	pump(depot);
	return 0;
}

/* One at a time, so that their order is kept. */
static void pump(struct depot *depot)
{
	struct operation *operation = TAILQ_FIRST(&depot->waiting);

	if (depot->running || !operation || depot->ending)
		return;
	operation->job = (struct job){.run = run, .done = done};
	if (worker_submit_take(depot->worker, &operation->job) < 0) {
		/* No thread can be made just now. */
		(void)timer_set_in(depot->again, AGAIN_USEC);
		return;
	}
	TAILQ_REMOVE(&depot->waiting, operation, entry);
	depot->n_waiting--;
	depot->running = operation;
}

int depot_new(sd_event *event, struct worker *closer, struct depot **ret)
{
	struct depot *depot = calloc(1, sizeof *depot);

	if (!depot)
		return -ENOMEM;
	depot->closer = closer;
	TAILQ_INIT(&depot->waiting);
	int r = timer_new(event, CLOCK_MONOTONIC, SLACK_USEC, on_again, depot, &depot->again);
	if (r >= 0)
		r = worker_new(event, 1, &depot->worker);
	if (r < 0) {
		sd_event_source_disable_unref(depot->again);
		free(depot);
		return r;
	}
	*ret = depot;
	return 0;
}

struct depot *depot_free(struct depot *depot)
{
	struct operation *operation;

	if (!depot)
		return NULL;
	depot->ending = true;
	(void)worker_free(depot->worker);
	while ((operation = TAILQ_FIRST(&depot->waiting))) {
		TAILQ_REMOVE(&depot->waiting, operation, entry);
		operation->result = -ECANCELED;
		finish(operation);
	}
	sd_event_source_disable_unref(depot->again);
	free(depot);
	return NULL;
}

static struct operation *add(struct depot *depot, const char *name, bool put)
{
	struct operation *operation = calloc(1, sizeof *operation);

	if (!operation)
		return NULL;
	operation->depot = depot;
	operation->put = put;
	snprintf(operation->name, sizeof operation->name, "%s", name);
	TAILQ_INSERT_TAIL(&depot->waiting, operation, entry);
	depot->n_waiting++;
	return operation;
}

int depot_put(struct depot *depot, const char *name, const int *fds, size_t n,
	void (*callback)(void *data, int result), void *data)
{
	int copies[DEPOT_FDS_MAX] = {-1, -1};

	if (n > DEPOT_FDS_MAX)
		return -EINVAL;
	if (depot->n_waiting >= DEPOT_WAITING_MAX)
		return -EAGAIN;
	for (size_t i = 0; i < n; i++) {
		copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (copies[i] < 0) {
			int r = negative_errno();
			worker_close_take(depot->closer, copies, i);
			return r;
		}
	}
	struct operation *operation = add(depot, name, true);
	if (!operation) {
		worker_close_take(depot->closer, copies, n);
		return -ENOMEM;
	}
	memcpy(operation->fds, copies, sizeof copies);
	operation->n_fds = n;
	operation->done = callback;
	operation->data = data;
	pump(depot);
	return 0;
}

/* Without memory it stays there; what comes back in the end is judged by its own terms. */
void depot_remove(struct depot *depot, const char *name)
{
	if (depot && add(depot, name, false))
		pump(depot);
}
