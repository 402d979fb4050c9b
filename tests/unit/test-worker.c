/* The helper threads: jobs come back to the loop, limits hold, what hangs hangs nothing else. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "daemon/worker.h"
#include "proto/macro.h"

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
	for (unsigned i = 0; i < 2000 && worker_busy(worker) != n; i++)
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
	for (unsigned i = 0; i < 2000 && !(jobs[0].ran_in && jobs[1].ran_in && jobs[2].ran_in); i++)
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

static void wait_until_closed(int fd)
{
	for (unsigned i = 0; i < 2000 && fcntl(fd, F_GETFD) >= 0; i++)
		(void)usleep(1000);
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(errno, EBADF);
}

START_TEST(descriptors_are_closed)
{
	int fds[600], copy[600];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		copy[i] = fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fds[i], 0);
	}
	worker_close_take(worker, fds, 1);
	worker_close_take(worker, fds + 1, 250);
	memset(fds, 0, sizeof(int) * 251); /* it has its own copy */
	worker_close_take(worker, fds + 251, ARRAY_SIZE(fds) - 251);
	worker_close_take(worker, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(copy); i++)
		wait_until_closed(copy[i]);
}
END_TEST

/* A TCP connection with unread data and a linger time: its last close waits. */
static int make_lingering(int seconds, int *ret_peer)
{
	struct linger linger = {.l_onoff = 1, .l_linger = seconds};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	static const char data[65536];
	int listener, fd, small = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0)
		ck_abort_msg("loopback: %m");
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, size), 0);
	*ret_peer = accept(listener, NULL, NULL);
	ck_assert_int_ge(*ret_peer, 0);
	(void)close(listener);
	while (send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

START_TEST(a_hanging_close_does_not_stop_the_others)
{
	struct timespec before, after;
	int peer, lingering = make_lingering(3, &peer);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	worker_close_take(worker, &lingering, 1);
	(void)usleep(200000);
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	worker_close_take(worker, &fd, 1);
	wait_until_closed(fd);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_lt(
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000,
		1000);
	(void)close(peer);
}
END_TEST

static void wait_for_mark(uint64_t mark)
{
	for (int i = 0; i < 5000 && !worker_has_closed(worker, mark); i++)
		(void)usleep(1000);
	ck_assert(worker_has_closed(worker, mark));
}

/* A mark is reached when all before it are closed, in whatever order that happens. */
START_TEST(marks)
{
	int peer, lingering = make_lingering(3, &peer);
	uint64_t before = worker_close_mark(worker);
	int fds[300];

	/* Nothing cuts it short for now. */
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction cut;
	ck_assert_int_eq(sigaction(SIGUSR2, &ignore, &cut), 0);
	ck_assert(worker_has_closed(worker, before));
	worker_close_take(worker, &lingering, 1);
	uint64_t mark = worker_close_mark(worker);
	ck_assert_uint_eq(mark, before + 1);
	ck_assert(worker_has_closed(worker, before));
	ck_assert(!worker_has_closed(worker, mark));
	ck_assert_int_eq(sigaction(SIGUSR2, &cut, NULL), 0);
	(void)usleep(100000);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	worker_close_take(worker, fds, ARRAY_SIZE(fds));
	uint64_t last = worker_close_mark(worker);
	wait_for_mark(last);
	ck_assert(worker_has_closed(worker, mark));
	wait_until_closed(lingering);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), -1);
	(void)close(peer);
}
END_TEST

/* More lingering closes than there are threads to close: each of them is cut short. */
START_TEST(no_close_hangs_for_long)
{
	int peers[70], lingering[ARRAY_SIZE(peers)];
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		lingering[i] = make_lingering(600, &peers[i]);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		worker_close_take(worker, &lingering[i], 1);
		(void)usleep(60000); /* time to see that the last one hangs */
	}
	worker_close_take(worker, &fd, 1);
	wait_until_closed(fd);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		wait_until_closed(lingering[i]);
		(void)close(peers[i]);
	}
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
	SRunner *runner;
	int failed;

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
	tcase_add_test(cases, descriptors_are_closed);
	tcase_add_test(cases, a_hanging_close_does_not_stop_the_others);
	tcase_add_test(cases, marks);
	tcase_add_test(cases, no_close_hangs_for_long);
	tcase_add_test(cases, no_threads_is_an_error);
	suite_add_tcase(suite, cases);

	/* Forks, and so begins without any thread. */
	tcase_add_test(exits, a_hanging_job_does_not_stop_the_exit);
	suite_add_tcase(suite, exits);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
