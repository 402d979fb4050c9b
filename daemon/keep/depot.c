#include "daemon/keep/depot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <systemd/sd-daemon.h>

#include "daemon/clock.h"
#include "daemon/timer.h"
#include "daemon/worker.h"
#include "proto/macro.h"

#define SLACK_USEC 1000u
/* What the unit sets, where the manager does not say it itself (before systemd 254). */
#define ROOM_UNSAID 4096u
#define AGAIN_USEC 100000u
/* Of the manager's time: one part in so many, and so much at once. */
#define TIME_SHARE 4
#define BURST_USEC 100000
#define BATCH_MAX 8u
#define ANSWER_USEC_MAX 5000000u
/* What took longer was not all for us: the manager was at something else. */
#define TAKEN_USEC_MAX UINT64_C(500000)

struct operation {
	bool put;
	char name[DEPOT_NAME_MAX + 1];
	int fds[DEPOT_FDS_MAX]; /* owned */
	size_t n_fds;
	int result;
	void (*done)(void *data, int result);
	void *data;
	TAILQ_ENTRY(operation) entry;
};

/* What the manager is told in one go, and how long it takes for that. */
struct batch {
	struct job job; /* first: the worker hands it back */
	struct depot *depot;
	struct operation *operations[BATCH_MAX];
	unsigned n;
	uint64_t taken_usec;
};

struct depot {
	struct worker *worker;
	struct closer *closer;
	/* What is taken away was put there before, and waits for nothing else. */
	TAILQ_HEAD(, operation) to_remove;
	TAILQ_HEAD(, operation) waiting;
	size_t n_waiting;    /* in both */
	struct batch *batch; /* the next, or the one that the thread is at */
	bool busy;	     /* it is at one */
	sd_event_source *again;
	bool ending;
	int64_t time_left_usec, counted_usec;
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

static void tell_manager(struct operation *operation)
{
	char text[128];

	/* Not polled: a listener whose client hung up, or a connection that was reset, is as it
	 * is, and its owner's to deal with. */
	snprintf(text, sizeof text, "%s=1\nFDNAME=%s%s",
		operation->put ? "FDSTORE" : "FDSTOREREMOVE", operation->name,
		operation->put ? "\nFDPOLL=0" : "");
	int r;
	do
		r = sd_pid_notify_with_fds(0, 0, text, operation->fds,
			operation->put ? (unsigned)operation->n_fds : 0);
	while (r == -EINTR);
	operation->result = r > 0 ? 0 : r < 0 ? r : -ENOTCONN;
}

static void run(struct job *job)
{
	struct batch *batch = (struct batch *)job;
	uint64_t begun = clock_usec(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < batch->n; i++)
		tell_manager(batch->operations[i]);
	/* Until it has read all that. A manager that does not answer is busy. */
	while (sd_notify_barrier(0, ANSWER_USEC_MAX) == -EINTR)
		;
	batch->taken_usec = MIN_OF(clock_usec(CLOCK_MONOTONIC) - begun, TAKEN_USEC_MAX);
}

static void finish(struct depot *depot, struct operation *operation)
{
	if (operation->done)
		operation->done(operation->data, operation->result);
	closer_take(depot->closer, CLOSER_OWN, operation->fds, operation->n_fds);
	free(operation);
}

static void finish_batch(struct depot *depot, bool cancelled)
{
	struct batch *batch = depot->batch;

	for (unsigned i = 0; i < batch->n; i++) {
		if (cancelled)
			batch->operations[i]->result = -ECANCELED;
		finish(depot, batch->operations[i]);
	}
	batch->n = 0;
	batch->taken_usec = 0;
}

static void done(struct job *job)
{
	struct batch *batch = (struct batch *)job;
	struct depot *depot = batch->depot;

	depot->time_left_usec -= (int64_t)batch->taken_usec;
	finish_batch(depot, job->cancelled);
	depot->busy = false;
	depot_work(depot);
}

static int on_again(sd_event_source *source _unused_, uint64_t usec _unused_, void *data)
{
	struct depot *depot = data;

	depot_work(depot);
	return 0;
}

/* How long what is to be put there has to wait. */
static uint64_t must_pause_usec(struct depot *depot)
{
	int64_t now = (int64_t)clock_usec(CLOCK_MONOTONIC);

	depot->time_left_usec = MIN_OF(
		depot->time_left_usec + (now - depot->counted_usec) / TIME_SHARE, BURST_USEC);
	depot->counted_usec = now;
	return depot->time_left_usec < 0 ? (uint64_t)-depot->time_left_usec * TIME_SHARE : 0;
}

static struct operation *take_next(struct depot *depot, uint64_t pause)
{
	struct operation *operation = TAILQ_FIRST(&depot->to_remove);

	if (operation)
		TAILQ_REMOVE(&depot->to_remove, operation, entry);
	else {
		operation = TAILQ_FIRST(&depot->waiting);
		if (!operation || (operation->put && pause > 0))
			return NULL;
		TAILQ_REMOVE(&depot->waiting, operation, entry);
	}
	depot->n_waiting--;
	return operation;
}

static void fill_batch(struct depot *depot, uint64_t pause)
{
	struct batch *batch = depot->batch;
	struct operation *operation;

	while (batch->n < BATCH_MAX && (operation = take_next(depot, pause)))
		batch->operations[batch->n++] = operation;
}

/* One batch at a time, so that their order is kept. */
void depot_work(struct depot *depot)
{
	if (depot->busy || depot->ending || depot->n_waiting + depot->batch->n == 0)
		return;
	uint64_t pause = must_pause_usec(depot);
	fill_batch(depot, pause);
	if (depot->batch->n == 0)
		(void)timer_set_in(depot->again, pause);
	else if (worker_submit_take(depot->worker, &depot->batch->job) < 0)
		(void)timer_set_in(depot->again, AGAIN_USEC); /* no thread can be made just now */
	else
		depot->busy = true;
}

int depot_new(sd_event *event, struct closer *closer, struct depot **ret)
{
	struct depot *depot = calloc(1, sizeof *depot);

	if (!depot)
		return -ENOMEM;
	depot->closer = closer;
	depot->time_left_usec = BURST_USEC;
	depot->counted_usec = (int64_t)clock_usec(CLOCK_MONOTONIC);
	TAILQ_INIT(&depot->to_remove);
	TAILQ_INIT(&depot->waiting);
	depot->batch = calloc(1, sizeof *depot->batch);
	if (!depot->batch) {
		free(depot);
		return -ENOMEM;
	}
	*depot->batch =
		(struct batch){.job = {.run = run, .done = done, .uncut = true}, .depot = depot};
	int r = timer_new(event, CLOCK_MONOTONIC, SLACK_USEC, on_again, depot, &depot->again);
	if (r >= 0)
		r = worker_new(event, 1, 1, &depot->worker);
	if (r < 0) {
		sd_event_source_disable_unref(depot->again);
		free(depot->batch);
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
	/* One that a thread still hangs at is that thread's. */
	if (!depot->busy) {
		finish_batch(depot, true);
		free(depot->batch);
	}
	while ((operation = take_next(depot, 0))) {
		operation->result = -ECANCELED;
		finish(depot, operation);
	}
	sd_event_source_disable_unref(depot->again);
	free(depot);
	return NULL;
}

static bool is_to_be_put(const struct depot *depot, const char *name)
{
	const struct operation *operation;

	TAILQ_FOREACH(operation, &depot->waiting, entry)
	if (operation->put && strcmp(operation->name, name) == 0)
		return true;
	return false;
}

static struct operation *add(struct depot *depot, const char *name, bool put)
{
	struct operation *operation = calloc(1, sizeof *operation);

	if (!operation)
		return NULL;
	operation->put = put;
	snprintf(operation->name, sizeof operation->name, "%s", name);
	if (put || is_to_be_put(depot, name))
		TAILQ_INSERT_TAIL(&depot->waiting, operation, entry);
	else
		TAILQ_INSERT_TAIL(&depot->to_remove, operation, entry);
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
			closer_take(depot->closer, CLOSER_OWN, copies, i);
			return r;
		}
	}
	struct operation *operation = add(depot, name, true);
	if (!operation) {
		closer_take(depot->closer, CLOSER_OWN, copies, n);
		return -ENOMEM;
	}
	memcpy(operation->fds, copies, sizeof copies);
	operation->n_fds = n;
	operation->done = callback;
	operation->data = data;
	return 0;
}

/* Without memory it stays there; what comes back in the end is judged by its own terms. */
void depot_remove(struct depot *depot, const char *name)
{
	if (depot && add(depot, name, false))
		depot_work(depot);
}
