/*
 * The library among others that have handlers of pthread_atfork(3): those that are there before it
 * run while it expects fork.
 */
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"
#include "tests/suite.h"

#define FORKS 20
#define SECONDS_MAX 20

static const char policy[] =
	"{ \"rules\": [{ \"name\": \"ping\", \"peers\": { \"uid\": 65534 },"
	" \"family\": \"inet\", \"type\": \"raw\", \"protocol\": \"icmp\" }] }";

static struct broker broker;

/* What the handlers do. */
static void (*in_prepare)(void), (*in_parent)(void), (*in_child)(void);

static void call(void (*function)(void))
{
	if (function)
		function();
}

static void prepare(void)
{
	call(in_prepare);
}

static void parent(void)
{
	call(in_parent);
}

static void child(void)
{
	call(in_child);
}

/* Before the library's own. */
static __attribute__((constructor(101))) void come_first(void)
{
	(void)pthread_atfork(prepare, parent, child);
}

static void setup(void)
{
	ck_assert_int_eq(broker_start_here(&broker, policy), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
}

static int open_and_close(void)
{
	int fd = sockd_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (fd < 0)
		return -1;
	(void)close(fd);
	return 0;
}

/* So that the next request makes one anew. */
static void close_connection(void)
{
	int domain;
	socklen_t size = sizeof domain;

	for (int fd = 3; fd < 1024; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX)
			(void)close(fd);
}

static bool has_blocked_signals(void)
{
	sigset_t blocked;

	return pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0 || !sigisemptyset(&blocked);
}

/* Where the handlers hang, with all signals blocked too. */
static int forks_within(void *data _unused_)
{
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(has_blocked_signals() || open_and_close() < 0);
		EXPECT(pid > 0 && wait_for(pid) == 0);
		EXPECT(!has_blocked_signals() && open_and_close() == 0);
	}
	return 0;
}

static void run_in_time(int (*function)(void *data))
{
	pid_t pid = fork_as(CLIENT_UID, function, NULL);
	int64_t until = now_usec() + SECONDS_MAX * INT64_C(1000000);
	siginfo_t info = {0};

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == 0 && now_usec() < until)
		(void)usleep(10000);
	if (info.si_pid == 0)
		(void)kill(pid, SIGKILL);
	ck_assert_int_eq(wait_for(pid), 0);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint n_opened, n_failed;

static void take_lock(void)
{
	(void)pthread_mutex_lock(&lock);
}

static void leave_lock(void)
{
	(void)pthread_mutex_unlock(&lock);
}

static void renew_lock(void)
{
	(void)pthread_mutex_init(&lock, NULL);
}

static void *open_under_lock(void *ending)
{
	while (!atomic_load((atomic_bool *)ending)) {
		take_lock();
		close_connection();
		(void)usleep(1000); /* until the other one is about to fork */
		atomic_fetch_add(open_and_close() == 0 ? &n_opened : &n_failed, 1);
		leave_lock();
		(void)usleep(1000); /* or it would be this one's again and again */
	}
	return NULL;
}

/* Another thread asks the broker while it has what a handler waits for. */
static int locks(void *data _unused_)
{
	static atomic_bool ending;
	pthread_t thread;

	in_prepare = take_lock;
	in_parent = leave_lock;
	in_child = renew_lock;
	EXPECT(pthread_create(&thread, NULL, open_under_lock, &ending) == 0);
	while (atomic_load(&n_opened) + atomic_load(&n_failed) == 0)
		(void)usleep(1000);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(has_blocked_signals() || open_and_close() < 0);
		EXPECT(pid > 0 && wait_for(pid) == 0);
		(void)usleep(2000);
	}
	atomic_store(&ending, true);
	EXPECT(pthread_join(thread, NULL) == 0);
	EXPECT(atomic_load(&n_failed) == 0);
	return 0;
}

static void *look_at_signals(void *data _unused_)
{
	if (has_blocked_signals())
		atomic_fetch_add(&n_failed, 1);
	return NULL;
}

static void start_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, look_at_signals, NULL) != 0 ||
		pthread_join(thread, NULL) != 0 || atomic_load(&n_failed) > 0)
		abort();
}

/* As of libraries that have threads of their own, which end before fork. */
static int threads(void *data)
{
	in_prepare = in_parent = in_child = start_thread;
	return forks_within(data);
}

static void fork_once(void)
{
	static bool within;

	if (within)
		return;
	within = true;
	pid_t pid = fork();
	if (pid == 0)
		_exit(open_and_close() < 0);
	if (pid < 0 || wait_for(pid) != 0 || open_and_close() < 0)
		abort();
	within = false;
}

static int forks_in_prepare(void *data)
{
	in_prepare = fork_once;
	return forks_within(data);
}

static int forks_in_parent(void *data)
{
	in_parent = fork_once;
	return forks_within(data);
}

static int forks_in_child(void *data)
{
	in_child = fork_once;
	return forks_within(data);
}

static void open_anew(void)
{
	close_connection();
	if (open_and_close() < 0)
		abort();
}

static int requests(void *data)
{
	in_prepare = in_parent = in_child = open_anew;
	return forks_within(data);
}

static int (*const ways[])(void *data) = {
	locks,
	threads,
	forks_in_prepare,
	forks_in_parent,
	forks_in_child,
	requests,
};

START_TEST(handlers_of_others)
{
	run_in_time(ways[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fork-handlers");
	TCase *tcase = tcase_create("fork-handlers");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, handlers_of_others, 0, ARRAY_SIZE(ways));
	suite_add_tcase(suite, tcase);
	return suite_run_as_root(suite);
}
