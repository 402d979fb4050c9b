#include "daemon/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "daemon/cutter.h"
#include "daemon/privilege.h"
#include "daemon/thread.h"
#include "proto/macro.h"

#define IDLE_SECONDS 10
#define END_MSEC 500 /* for jobs that run at the end */
/* How often a job is cut short that waits for what a client holds. */
#define CUT_JOB_NSEC 200000000

struct job_list {
	struct job *first, *last;
	size_t n;
};

struct worker {
	pthread_mutex_t lock; /* for everything below but the event source */
	size_t references;    /* the owner, and each thread */
	bool ending;	      /* no job begins any more */
	bool abandoned;	      /* nor is one finished */

	pthread_cond_t job_waits; /* at the end: one has run */
	struct job_list waiting, finished;
	size_t threads_max, n_threads, n_idle, n_running;
	size_t waiting_max; /* beside those that idle threads will take at once */

	int event_fd;
	sd_event_source *source;
};

static void list_append(struct job_list *list, struct job *job)
{
	job->next = NULL;
	if (list->last)
		list->last->next = job;
	else
		list->first = job;
	list->last = job;
	list->n++;
}

static struct job *list_pop(struct job_list *list)
{
	struct job *job = list->first;

	if (!job)
		return NULL;
	list->first = job->next;
	if (!list->first)
		list->last = NULL;
	list->n--;
	job->next = NULL;
	return job;
}

/* Lets go of the lock and of one reference; the last one out frees. */
static void unlock_and_unref(struct worker *worker)
{
	bool last = --worker->references == 0;

	(void)pthread_mutex_unlock(&worker->lock);
	if (!last)
		return;
	close_quietly(worker->event_fd);
	(void)pthread_cond_destroy(&worker->job_waits);
	(void)pthread_mutex_destroy(&worker->lock);
	free(worker);
}

/* Starts a thread that holds a reference. Called with the lock held. */
static int start_thread(struct worker *worker, void *(*run)(void *))
{
	worker->references++;
	int r = thread_start_detached(run, worker);
	if (r < 0)
		worker->references--;
	return r;
}

static void run_job(struct worker *worker, struct job *job)
{
	worker->n_running++;
	job->cancelled = false;
	(void)pthread_mutex_unlock(&worker->lock);

	privilege_apply_to_thread();
	job->run(job);

	(void)pthread_mutex_lock(&worker->lock);
	worker->n_running--;
	if (worker->abandoned)
		return;
	list_append(&worker->finished, job);
	if (worker->ending)
		(void)pthread_cond_broadcast(&worker->job_waits);
	else if (worker->finished.n == 1)
		(void)eventfd_write(worker->event_fd, 1);
}

static void *job_thread(void *data)
{
	struct worker *worker = data;
	bool timed_out = false;
	struct cutter cutter;

	(void)pthread_setname_np(pthread_self(), "sockd-job");
	cutter_init(&cutter);
	(void)pthread_mutex_lock(&worker->lock);
	while (!worker->ending) {
		struct job *job = list_pop(&worker->waiting);

		if (job) {
			cutter_run(&cutter, job->uncut ? 0 : CUT_JOB_NSEC);
			run_job(worker, job);
			timed_out = false;
			continue;
		}
		if (timed_out)
			break;

		struct timespec until;
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += IDLE_SECONDS;
		worker->n_idle++;
		cutter_run(&cutter, 0);
		timed_out = pthread_cond_timedwait(&worker->job_waits, &worker->lock, &until) ==
			    ETIMEDOUT;
		worker->n_idle--;
	}
	worker->n_threads--;
	unlock_and_unref(worker);
	cutter_done(&cutter);
	return NULL;
}

static int make_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int r;

	r = pthread_condattr_init(&attributes);
	if (r != 0)
		return -r;
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	r = pthread_cond_init(condition, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return -r;
}

static int on_finished(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct worker *worker = data;
	eventfd_t ignored;
	size_t n;

	(void)source;
	(void)events;
	(void)eventfd_read(fd, &ignored);

	(void)pthread_mutex_lock(&worker->lock);
	worker->references++; /* done() may free the worker */
	n = worker->finished.n;
	while (n-- > 0) {
		struct job *job = list_pop(&worker->finished);

		if (!job)
			break;
		(void)pthread_mutex_unlock(&worker->lock);
		job->done(job);
		(void)pthread_mutex_lock(&worker->lock);
	}
	/* What has finished since then waits for the next turn of the loop. */
	if (worker->finished.n > 0)
		(void)eventfd_write(worker->event_fd, 1);
	unlock_and_unref(worker);
	return 0;
}

int worker_new(sd_event *event, size_t threads_max, size_t waiting_max, struct worker **ret)
{
	struct worker *worker;
	int r;

	if (threads_max == 0)
		return -EINVAL;
	r = cutter_install();
	if (r < 0)
		return r;
	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return -ENOMEM;
	worker->references = 1;
	worker->threads_max = threads_max;
	worker->waiting_max = waiting_max;
	worker->event_fd = -1;

	r = -pthread_mutex_init(&worker->lock, NULL);
	if (r < 0)
		goto no_lock;
	r = make_condition(&worker->job_waits);
	if (r < 0)
		goto no_job_condition;

	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = worker->event_fd < 0 ? negative_errno() : 0;
	if (r == 0)
		r = sd_event_add_io(
			event, &worker->source, worker->event_fd, EPOLLIN, on_finished, worker);
	if (r < 0) {
		(void)worker_free(worker);
		return r;
	}
	(void)sd_event_source_set_description(worker->source, "worker");
	*ret = worker;
	return 0;

no_job_condition:
	(void)pthread_mutex_destroy(&worker->lock);
no_lock:
	free(worker);
	return r;
}

/* Called with the lock held. */
static void finish_all(struct worker *worker)
{
	struct job *job;

	while ((job = list_pop(&worker->finished)) || (job = list_pop(&worker->waiting))) {
		/* A job of the second list has no thread; one of the first has run. */
		(void)pthread_mutex_unlock(&worker->lock);
		job->done(job);
		(void)pthread_mutex_lock(&worker->lock);
	}
}

struct worker *worker_free(struct worker *worker)
{
	struct timespec until;

	if (!worker)
		return NULL;
	worker->source = sd_event_source_disable_unref(worker->source);

	(void)pthread_mutex_lock(&worker->lock);
	worker->ending = true;
	(void)pthread_cond_broadcast(&worker->job_waits);
	finish_all(worker);
	/* Most of those that run are done in a moment. */
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += END_MSEC * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (worker->n_running > 0 &&
		pthread_cond_timedwait(&worker->job_waits, &worker->lock, &until) != ETIMEDOUT)
		;
	finish_all(worker);
	worker->abandoned = true;
	unlock_and_unref(worker);
	return NULL;
}

int worker_submit_take(struct worker *worker, struct job *job)
{
	int r = 0;

	(void)pthread_mutex_lock(&worker->lock);
	if (worker->ending)
		r = -EAGAIN;
	else if (worker->n_idle <= worker->waiting.n && worker->n_threads < worker->threads_max) {
		r = start_thread(worker, job_thread);
		if (r >= 0)
			worker->n_threads++;
		else
			r = worker->n_threads > 0 ? 0 : -EAGAIN;
	}
	if (r == 0 && worker->waiting.n > worker->n_idle &&
		worker->waiting.n - worker->n_idle >= worker->waiting_max)
		r = -EAGAIN;
	if (r == 0) {
		job->cancelled = true; /* until a thread takes it */
		list_append(&worker->waiting, job);
		(void)pthread_cond_signal(&worker->job_waits);
	}
	(void)pthread_mutex_unlock(&worker->lock);
	return r;
}

size_t worker_busy(const struct worker *worker)
{
	struct worker *unlocked = (struct worker *)worker;
	size_t n;

	(void)pthread_mutex_lock(&unlocked->lock);
	n = worker->n_running + worker->waiting.n;
	(void)pthread_mutex_unlock(&unlocked->lock);
	return n;
}
