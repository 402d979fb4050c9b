#include "daemon/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "daemon/clock.h"
#include "daemon/privilege.h"
#include "daemon/thread.h"
#include "proto/macro.h"

#define IDLE_SECONDS 10
#define END_MSEC 500 /* for jobs that run at the end */
/*
 * A close can be made to hang (SO_LINGER on a connection whose other end is silent). While one has
 * not come back for this long, the next descriptors go to another thread.
 */
#define CLOSE_PATIENCE_USEC UINT64_C(50000)
#define CLOSERS_MAX 64u
/* Nor does one wait alone that has seen a close take so long: more such may be behind it. */
#define CLOSE_SLOW_USEC UINT64_C(1000)
/*
 * A signal that comes again and again ends such a wait: a lingering close is interruptible. What is
 * sent goes on without us, and nothing is lost by it; so this is soon, or a client that lets
 * thousands linger would keep everybody's closes waiting.
 */
#define CUT_SIGNAL SIGUSR2
#define CUT_CLOSE_NSEC 2000000
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

	pthread_cond_t close_waits;
	int *fds; /* to be closed: fds[close_first] to fds[close_end - 1] */
	size_t close_first, close_end, fds_size;
	size_t n_closers, n_closers_idle;
	uint64_t n_given; /* descriptors to be closed, ever; each has its number, from 1 */
	uint64_t closing[CLOSERS_MAX]; /* the numbers that closing threads are at; 0: none */
	uint64_t close_begun_usec;     /* when a closing thread last took a descriptor */

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
	for (size_t i = worker->close_first; i < worker->close_end; i++)
		close_quietly(worker->fds[i]);
	free(worker->fds);
	close_quietly(worker->event_fd);
	(void)pthread_cond_destroy(&worker->job_waits);
	(void)pthread_cond_destroy(&worker->close_waits);
	(void)pthread_mutex_destroy(&worker->lock);
	free(worker);
}

/* Starts a thread that holds a reference and belongs to nobody. Called with the lock held. */
static int start_thread(struct worker *worker, void *(*run)(void *))
{
	pthread_t thread;
	int r;

	worker->references++;
	r = thread_start(run, worker, &thread);
	if (r < 0) {
		worker->references--;
		return r;
	}
	(void)pthread_detach(thread);
	return 0;
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

static void on_cut(int signal _unused_)
{
}

/* The timer that sends a thread the signal. Without one lingering closes take their time. */
struct cutter {
	bool usable;
	long nsec; /* 0: it does not run */
	timer_t timer;
};

static void cutter_init(struct cutter *cutter)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = CUT_SIGNAL};
	sigset_t set;

	event._sigev_un._tid = gettid();
	sigemptyset(&set);
	sigaddset(&set, CUT_SIGNAL);
	cutter->nsec = 0;
	cutter->usable = timer_create(CLOCK_MONOTONIC, &event, &cutter->timer) == 0 &&
			 pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0;
}

static void cutter_run(struct cutter *cutter, long nsec)
{
	const struct itimerspec when = {.it_interval.tv_nsec = nsec, .it_value.tv_nsec = nsec};

	if (cutter->usable && cutter->nsec != nsec)
		(void)timer_settime(cutter->timer, 0, &when, NULL);
	cutter->nsec = nsec;
}

static void cutter_done(struct cutter *cutter)
{
	if (cutter->usable)
		(void)timer_delete(cutter->timer);
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

/* There are no more threads than places. Called with the lock held. */
static uint64_t *note_closing(struct worker *worker, uint64_t number)
{
	uint64_t *place = worker->closing;

	while (*place != 0)
		place++;
	*place = number;
	return place;
}

static void *close_thread(void *data);

/* Called with the lock held. */
static void add_closer(struct worker *worker)
{
	if (worker->n_closers < CLOSERS_MAX && start_thread(worker, close_thread) >= 0)
		worker->n_closers++;
}

static void *close_thread(void *data)
{
	struct worker *worker = data;
	struct cutter cutter;

	(void)pthread_setname_np(pthread_self(), "sockd-close");
	privilege_drop_all_in_thread();
	cutter_init(&cutter);

	(void)pthread_mutex_lock(&worker->lock);
	for (;;) {
		if (worker->close_first < worker->close_end) {
			uint64_t waiting = worker->close_end - worker->close_first;
			int fd = worker->fds[worker->close_first++];
			uint64_t *place = note_closing(worker, worker->n_given - waiting + 1);

			uint64_t begun = clock_usec(CLOCK_MONOTONIC);

			worker->close_begun_usec = begun;
			(void)pthread_mutex_unlock(&worker->lock);
			cutter_run(&cutter, CUT_CLOSE_NSEC);
			(void)close(fd);
			bool slow = clock_usec(CLOCK_MONOTONIC) - begun >= CLOSE_SLOW_USEC;
			(void)pthread_mutex_lock(&worker->lock);
			*place = 0;
			if (slow && worker->close_first < worker->close_end)
				add_closer(worker);
			continue;
		}
		worker->close_first = worker->close_end = 0;
		if (worker->ending || worker->n_closers_idle > 0)
			break; /* one that waits is enough */
		worker->n_closers_idle++;
		cutter_run(&cutter, 0);
		(void)pthread_cond_wait(&worker->close_waits, &worker->lock);
		worker->n_closers_idle--;
	}
	worker->n_closers--;
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

	const struct sigaction cut = {.sa_handler = on_cut};

	if (threads_max == 0)
		return -EINVAL;
	if (sigaction(CUT_SIGNAL, &cut, NULL) < 0)
		return negative_errno();
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
	r = make_condition(&worker->close_waits);
	if (r < 0)
		goto no_close_condition;

	worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = worker->event_fd < 0 ? negative_errno() : 0;
	if (r == 0)
		r = sd_event_add_io(
			event, &worker->source, worker->event_fd, EPOLLIN, on_finished, worker);
	if (r >= 0) {
		(void)sd_event_source_set_description(worker->source, "worker");
		(void)pthread_mutex_lock(&worker->lock);
		worker->n_closers = 1;
		r = start_thread(worker, close_thread);
		(void)pthread_mutex_unlock(&worker->lock);
	}
	if (r < 0) {
		(void)worker_free(worker);
		return r;
	}
	*ret = worker;
	return 0;

no_close_condition:
	(void)pthread_cond_destroy(&worker->job_waits);
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
	(void)pthread_cond_broadcast(&worker->close_waits);
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

/* Makes room for n more descriptors. Called with the lock held. */
static int reserve_fds(struct worker *worker, size_t n)
{
	size_t used = worker->close_end - worker->close_first;
	size_t size;
	int *fds;

	if (worker->close_first > 0) {
		memmove(worker->fds, worker->fds + worker->close_first, used * sizeof(int));
		worker->close_first = 0;
		worker->close_end = used;
	}
	if (used + n <= worker->fds_size)
		return 0;
	size = MAX_OF(MAX_OF(worker->fds_size * 2, used + n), (size_t)256);
	fds = reallocarray(worker->fds, size, sizeof(int));
	if (!fds)
		return -ENOMEM;
	worker->fds = fds;
	worker->fds_size = size;
	return 0;
}

void worker_close_take(struct worker *worker, const int *fds, size_t n)
{
	bool here;

	if (n == 0)
		return;
	(void)pthread_mutex_lock(&worker->lock);
	here = worker->ending ||
	       (worker->close_end + n > worker->fds_size && reserve_fds(worker, n) < 0);
	if (!here) {
		memcpy(worker->fds + worker->close_end, fds, n * sizeof(int));
		worker->close_end += n;
		worker->n_given += n;
		if (worker->n_closers_idle > 0)
			(void)pthread_cond_signal(&worker->close_waits);
		else if (clock_usec(CLOCK_MONOTONIC) - worker->close_begun_usec >
			 CLOSE_PATIENCE_USEC)
			add_closer(worker);
	}
	(void)pthread_mutex_unlock(&worker->lock);

	if (here)
		for (size_t i = 0; i < n; i++)
			close_quietly(fds[i]);
}

uint64_t worker_close_mark(struct worker *worker)
{
	(void)pthread_mutex_lock(&worker->lock);
	uint64_t mark = worker->n_given;
	(void)pthread_mutex_unlock(&worker->lock);
	return mark;
}

bool worker_has_closed(struct worker *worker, uint64_t mark)
{
	(void)pthread_mutex_lock(&worker->lock);
	bool has_closed = worker->n_given - (worker->close_end - worker->close_first) >= mark;
	for (size_t i = 0; i < CLOSERS_MAX; i++)
		has_closed &= worker->closing[i] == 0 || worker->closing[i] > mark;
	(void)pthread_mutex_unlock(&worker->lock);
	return has_closed;
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
