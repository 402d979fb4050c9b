/* The helper threads: jobs come back to the loop, limits hold, what hangs hangs nothing else. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "daemon/worker.h"
#include "proto/macro.h"
#include "tests/suite.h"

#define WAITING_MAX 64u

struct test_job {
	struct job job;
	int gate;	      /* -1, or a pipe to be waited on */
	_Atomic pid_t ran_in; /* read while it runs */
	pid_t done_in;
	bool blocked; /* SIGTERM was */
	bool cancelled;
	bool finished;
};

static sd_event *event;
static struct worker *worker;
static unsigned n_done;

static void wait_for_pipe(int fd)
{
	char byte;

	if (read(fd, &byte, 1) < 0)
		return; /* ended by a signal: all the same here */
}

static void test_run(struct job *job)
{
	struct test_job *test = (struct test_job *)job;
	sigset_t mask;

	test->ran_in = gettid();
	(void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
	test->blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGHUP) == 1;
	if (test->gate >= 0)
		wait_for_pipe(test->gate);
}

static void test_done(struct job *job)
{
	struct test_job *test = (struct test_job *)job;

	test->done_in = gettid();
	test->cancelled = job->cancelled;
	test->finished = true;
	n_done++;
}

static struct test_job make_job(int gate)
{
	return (struct test_job){
		.job = {.run = test_run, .done = test_done},
		.gate = gate,
	};
}

static void setup(void)
{
	n_done = 0;
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(worker_new(event, 3, WAITING_MAX, &worker), 0);
}

static void teardown(void)
{
	worker = worker_free(worker);
	event = sd_event_unref(event);
}

static void turn_until(unsigned n)
{
	for (unsigned i = 0; i < 500 && n_done < n; i++)
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
	ck_assert_uint_eq(n_done, n);
}

static void wait_until_busy(size_t n)
{
	for (unsigned i = 0; i < 20000 && worker_busy(worker) != n; i++)
		(void)usleep(1000);
	ck_assert_uint_eq(worker_busy(worker), n);
}

START_TEST(job_runs_in_a_thread_and_is_done_on_the_loop)
{
	struct test_job test = make_job(-1);

	ck_assert_int_eq(worker_submit_take(worker, &test.job), 0);
	turn_until(1);
	ck_assert_int_ne(test.ran_in, gettid());
	ck_assert_int_ne(test.ran_in, 0);
	ck_assert_int_eq(test.done_in, gettid());
	ck_assert(test.blocked);
	ck_assert(!test.cancelled);
	ck_assert_uint_eq(worker_busy(worker), 0);
}
END_TEST

START_TEST(many_jobs_all_come_back)
{
	struct test_job jobs[50];

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = make_job(-1);
		ck_assert_int_eq(worker_submit_take(worker, &jobs[i].job), 0);
	}
	turn_until(ARRAY_SIZE(jobs));
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		ck_assert(jobs[i].finished && jobs[i].ran_in != 0);
}
END_TEST

START_TEST(a_hanging_job_does_not_stop_the_others)
{
	struct test_job hanging, others[20];
	int gate[2];

	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
	hanging = make_job(gate[0]);
	ck_assert_int_eq(worker_submit_take(worker, &hanging.job), 0);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = make_job(-1);
		ck_assert_int_eq(worker_submit_take(worker, &others[i].job), 0);
	}
	turn_until(ARRAY_SIZE(others));
	ck_assert(!hanging.finished);
	ck_assert_uint_eq(worker_busy(worker), 1);
	ck_assert_int_eq(write(gate[1], "x", 1), 1);
	turn_until(ARRAY_SIZE(others) + 1);
	ck_assert(hanging.finished);
	(void)close(gate[0]);
	(void)close(gate[1]);
}
END_TEST

START_TEST(all_threads_busy_and_queue_full_is_eagain)
{
	struct test_job jobs[3 + WAITING_MAX], one_more;
	int gate[2];

	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
	for (size_t i = 0; i < 3; i++) {
		jobs[i] = make_job(gate[0]);
		ck_assert_int_eq(worker_submit_take(worker, &jobs[i].job), 0);
	}
	/* The queue counts what waits for a thread, so the three must have begun. */
	for (unsigned i = 0; i < 20000 && !(jobs[0].ran_in && jobs[1].ran_in && jobs[2].ran_in);
		i++)
		(void)usleep(1000);
	for (size_t i = 3; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = make_job(-1);
		ck_assert_int_eq(worker_submit_take(worker, &jobs[i].job), 0);
	}
	one_more = make_job(-1);
	ck_assert_int_eq(worker_submit_take(worker, &one_more.job), -EAGAIN);
	wait_until_busy(ARRAY_SIZE(jobs));
	ck_assert_int_eq(write(gate[1], "xxx", 3), 3);
	turn_until(ARRAY_SIZE(jobs));
	ck_assert_int_eq(worker_submit_take(worker, &one_more.job), 0);
	turn_until(ARRAY_SIZE(jobs) + 1);
	(void)close(gate[0]);
	(void)close(gate[1]);
}
END_TEST

/* As a client's socket may be held for ever: no signal helps. */
static void run_stubbornly(struct job *job)
{
	struct test_job *test = (struct test_job *)job;
	char byte;

	test->ran_in = gettid();
	while (read(test->gate, &byte, 1) < 0 && errno == EINTR)
		;
}

START_TEST(free_cancels_what_has_not_begun_and_leaves_what_hangs)
{
	/* The running one is abandoned: it must outlive the worker. */
	static struct test_job running[3];
	struct test_job waiting = make_job(-1);
	int gate[2];

	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
	for (size_t i = 0; i < ARRAY_SIZE(running); i++) {
		running[i] = make_job(gate[0]);
		running[i].job.run = run_stubbornly;
		ck_assert_int_eq(worker_submit_take(worker, &running[i].job), 0);
	}
	for (unsigned i = 0;
		i < 20000 && !(running[0].ran_in && running[1].ran_in && running[2].ran_in); i++)
		(void)usleep(1000);
	ck_assert_int_eq(worker_submit_take(worker, &waiting.job), 0);
	worker = worker_free(worker);
	ck_assert(waiting.finished && waiting.cancelled);
	ck_assert_int_eq(waiting.ran_in, 0);
	for (size_t i = 0; i < ARRAY_SIZE(running); i++)
		ck_assert(!running[i].finished);
	/* The threads end; the last one frees the rest (the leak check sees to it). */
	ck_assert_int_eq(write(gate[1], "xxx", 3), 3);
	(void)usleep(100000);
	for (size_t i = 0; i < ARRAY_SIZE(running); i++)
		ck_assert(!running[i].finished);
}
END_TEST

static void submit_again(struct job *job)
{
	struct test_job *test = (struct test_job *)job;

	test_done(job);
	if (n_done < 5 && !job->cancelled)
		ck_assert_int_eq(worker_submit_take(worker, &test->job), 0);
}

START_TEST(done_may_submit)
{
	struct test_job test = make_job(-1);

	test.job.done = submit_again;
	ck_assert_int_eq(worker_submit_take(worker, &test.job), 0);
	turn_until(5);
}
END_TEST

static void run_for_a_moment(struct job *job)
{
	test_run(job);
	(void)usleep(50000);
}

START_TEST(free_finishes_what_runs)
{
	struct test_job test = make_job(-1);

	test.job.run = run_for_a_moment;
	ck_assert_int_eq(worker_submit_take(worker, &test.job), 0);
	for (unsigned i = 0; i < 20000 && !test.ran_in; i++)
		(void)usleep(1000);
	worker = worker_free(worker);
	ck_assert(test.finished && !test.cancelled);
}
END_TEST

static void free_the_worker(struct job *job)
{
	test_done(job);
	worker = worker_free(worker);
}

START_TEST(done_may_free_the_worker)
{
	struct test_job test = make_job(-1);

	test.job.done = free_the_worker;
	ck_assert_int_eq(worker_submit_take(worker, &test.job), 0);
	turn_until(1);
	ck_assert_ptr_null(worker);
}
END_TEST

START_TEST(a_hanging_job_does_not_stop_the_exit)
{
	pid_t child;
	int status;

	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		sd_event *own_event = NULL;
		struct worker *own = NULL;
		struct test_job *test = calloc(1, sizeof(*test));
		int gate[2];

		(void)alarm(5);
		if (!test || pipe2(gate, O_CLOEXEC) < 0 || sd_event_new(&own_event) < 0 ||
			worker_new(own_event, 1, 1, &own) < 0)
			_exit(1);
		*test = make_job(gate[0]);
		if (worker_submit_take(own, &test->job) < 0)
			_exit(2);
		(void)usleep(50000);
		(void)worker_free(own);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(no_threads_is_an_error)
{
	struct worker *none = NULL;

	ck_assert_int_eq(worker_new(event, 0, 1, &none), -EINVAL);
	ck_assert_ptr_null(none);
	ck_assert_ptr_null(worker_free(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *cases = tcase_create("worker");
	TCase *exits = tcase_create("exit");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 30);
	tcase_add_test(cases, job_runs_in_a_thread_and_is_done_on_the_loop);
	tcase_add_test(cases, many_jobs_all_come_back);
	tcase_add_test(cases, a_hanging_job_does_not_stop_the_others);
	tcase_add_test(cases, all_threads_busy_and_queue_full_is_eagain);
	tcase_add_test(cases, free_cancels_what_has_not_begun_and_leaves_what_hangs);
	tcase_add_test(cases, free_finishes_what_runs);
	tcase_add_test(cases, done_may_submit);
	tcase_add_test(cases, done_may_free_the_worker);
	tcase_add_test(cases, no_threads_is_an_error);
	suite_add_tcase(suite, cases);

	/* Forks, and so begins without any thread. */
	tcase_add_test(exits, a_hanging_job_does_not_stop_the_exit);
	suite_add_tcase(suite, exits);
	return suite_run(suite);
}
