/* The threads that close: what hangs hangs nothing else, marks, and users' accounts. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "daemon/broker.h"
#include "daemon/closer.h"
#include "daemon/connection.h"
#include "daemon/release.h"
#include "proto/macro.h"
#include "tests/suite.h"

#define USER 1000u
#define OTHER 1064u /* of the same bucket */

static sd_event *event;
static struct closer *closer;
static unsigned n_rooms;

static void on_room(void *data)
{
	ck_assert_ptr_eq(data, &n_rooms);
	n_rooms++;
}

static void setup(void)
{
	n_rooms = 0;
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(closer_new(event, on_room, &n_rooms, &closer), 0);
}

static void teardown(void)
{
	closer = closer_free(closer);
	event = sd_event_unref(event);
}

/* In the program and its daemon parts, see Makefile.am: so many calls find memory, and the next one
 * does not. */
static int calls_left = -1;
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	return calls_left >= 0 && calls_left-- == 0 ? NULL : __real_calloc(n, size);
}

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
	closer_take(closer, USER, fds, 1);
	closer_take(closer, USER, fds + 1, 250);
	memset(fds, 0, sizeof(int) * 251); /* it has its own copy */
	closer_take(closer, USER, fds + 251, ARRAY_SIZE(fds) - 251);
	closer_take(closer, USER, NULL, 0);
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

	closer_take(closer, USER, &lingering, 1);
	(void)usleep(200000);
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	closer_take(closer, USER, &fd, 1);
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
	for (int i = 0; i < 5000 && !closer_has_closed(closer, mark); i++)
		(void)usleep(1000);
	ck_assert(closer_has_closed(closer, mark));
}

/* A mark is reached when all before it are closed, in whatever order that happens. */
START_TEST(marks)
{
	int peer, lingering = make_lingering(3, &peer);
	uint64_t before = closer_mark(closer);
	int fds[300];

	/* Nothing cuts it short for now. */
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction cut;
	ck_assert_int_eq(sigaction(SIGUSR2, &ignore, &cut), 0);
	ck_assert(closer_has_closed(closer, before));
	closer_take(closer, USER, &lingering, 1);
	uint64_t mark = closer_mark(closer);
	ck_assert_uint_eq(mark, before + 1);
	ck_assert(closer_has_closed(closer, before));
	ck_assert(!closer_has_closed(closer, mark));
	ck_assert_int_eq(sigaction(SIGUSR2, &cut, NULL), 0);
	(void)usleep(100000);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	closer_take(closer, USER, fds, ARRAY_SIZE(fds));
	uint64_t last = closer_mark(closer);
	wait_for_mark(last);
	ck_assert(closer_has_closed(closer, mark));
	wait_until_closed(lingering);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), -1);
	(void)close(peer);
}
END_TEST

/* As for a job that hangs while sockd ends. */
START_TEST(marks_outlive_their_closer)
{
	int peer, lingering = make_lingering(3, &peer);
	struct closer *kept = closer_ref(closer);

	closer_take(closer, USER, &lingering, 1);
	uint64_t mark = closer_mark(kept);
	closer = closer_free(closer);
	for (int i = 0; i < 5000 && !closer_has_closed(kept, mark); i++)
		(void)usleep(1000);
	ck_assert(closer_has_closed(kept, mark));
	ck_assert_ptr_null(closer_unref(kept));
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
		closer_take(closer, USER, &lingering[i], 1);
		(void)usleep(60000); /* time to see that the last one hangs */
	}
	closer_take(closer, USER, &fd, 1);
	wait_until_closed(fd);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		wait_until_closed(lingering[i]);
		(void)close(peers[i]);
	}
}
END_TEST

/* Nothing cuts a close short until it is ended. */
static struct sigaction hold_cuts(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction cut;

	ck_assert_int_eq(sigaction(SIGUSR2, &ignore, &cut), 0);
	return cut;
}

START_TEST(what_one_user_left_is_not_waited_for_by_another)
{
	int peers[40], lingering[ARRAY_SIZE(peers)];
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct sigaction cut = hold_cuts();

	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		lingering[i] = make_lingering(600, &peers[i]);
	closer_take(closer, USER, lingering, ARRAY_SIZE(lingering));
	for (int i = 0; i < 20; i++) {
		(void)usleep(60000); /* time to see that the last one hangs */
		closer_take(closer, USER, (int[]){dup(STDERR_FILENO)}, 1);
	}
	closer_take(closer, OTHER, &fd, 1);
	wait_until_closed(fd);
	/* Behind those that a user's threads are at. */
	ck_assert_int_ge(fcntl(lingering[ARRAY_SIZE(lingering) - 1], F_GETFD), 0);
	ck_assert_int_eq(sigaction(SIGUSR2, &cut, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		wait_until_closed(lingering[i]);
		(void)close(peers[i]);
	}
}
END_TEST

static void run_until_room(unsigned n)
{
	for (int i = 0; i < 500 && n_rooms < n; i++)
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
	ck_assert_uint_eq(n_rooms, n);
}

START_TEST(an_account_is_full_until_half_of_it_is_closed)
{
	closer_charge(closer, USER, CLOSES_PER_USER);
	ck_assert(!closer_is_full(closer, USER));
	closer_charge(closer, USER, 1);
	ck_assert(closer_is_full(closer, USER));
	ck_assert(!closer_is_full(closer, OTHER));
	closer_charge(closer, OTHER, 1);
	ck_assert(!closer_is_full(closer, OTHER));
	closer_charge(closer, USER, 1000);
	closer_discharge(closer, USER, 1000 + CLOSES_PER_USER / 2);
	ck_assert(closer_is_full(closer, USER));
	ck_assert_int_ge(sd_event_run(event, 0), 0);
	ck_assert_uint_eq(n_rooms, 0);
	closer_discharge(closer, USER, 1);
	ck_assert(!closer_is_full(closer, USER));
	run_until_room(1);
	closer_discharge(closer, USER, CLOSES_PER_USER / 2);
	closer_discharge(closer, USER, 5); /* nothing is on it */
	ck_assert(!closer_is_full(closer, USER));
	/* The broker's own never is. */
	closer_charge(closer, CLOSER_OWN, 10 * CLOSES_PER_USER);
	ck_assert(!closer_is_full(closer, CLOSER_OWN));
}
END_TEST

START_TEST(what_is_closed_makes_room)
{
	int peer, lingering = make_lingering(600, &peer);
	struct sigaction cut = hold_cuts();

	closer_charge(closer, USER, CLOSES_PER_USER);
	closer_take(closer, USER, &lingering, 1);
	ck_assert(closer_is_full(closer, USER));
	closer_discharge(closer, USER, CLOSES_PER_USER / 2);
	ck_assert(closer_is_full(closer, USER));
	ck_assert_int_eq(sigaction(SIGUSR2, &cut, NULL), 0);
	run_until_room(1);
	ck_assert(!closer_is_full(closer, USER));
	wait_until_closed(lingering);
	(void)close(peer);
}
END_TEST

/* Else the broker would think that there is more to be closed than anything, and be deaf. */
START_TEST(what_could_not_be_charged_is_not_discharged)
{
	static struct broker broker;
	static struct connection connection = {.broker = &broker, .references = 2, .fd = -1};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	broker.closer = closer;
	ck_assert_int_eq(users_new(&broker.users), 0);
	connection.user = users_get(broker.users, USER);
	ck_assert_int_eq(worker_new(event, 1, 1, &broker.releaser), 0);
	calls_left = 1; /* for what is released, not for the account */
	release_fds_take(&connection, &fd, 1);
	ck_assert_int_eq(calls_left, -1);
	ck_assert_uint_eq(closer_count(closer), 0);
	ck_assert(closer_charge(closer, USER, 1));
	for (int i = 0; i < 500 && connection.user->jobs > 0; i++)
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
	ck_assert_uint_eq(connection.user->jobs, 0);
	ck_assert_uint_eq(closer_count(closer), 1);
	wait_until_closed(fd);
	broker.releaser = worker_free(broker.releaser);
	(void)user_unref(connection.user);
	broker.users = users_free(broker.users);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closer");
	TCase *cases = tcase_create("closer");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, descriptors_are_closed);
	tcase_add_test(cases, a_hanging_close_does_not_stop_the_others);
	tcase_add_test(cases, marks);
	tcase_add_test(cases, marks_outlive_their_closer);
	tcase_add_test(cases, no_close_hangs_for_long);
	tcase_add_test(cases, what_one_user_left_is_not_waited_for_by_another);
	tcase_add_test(cases, an_account_is_full_until_half_of_it_is_closed);
	tcase_add_test(cases, what_is_closed_makes_room);
	tcase_add_test(cases, what_could_not_be_charged_is_not_discharged);
	suite_add_tcase(suite, cases);

	return suite_run(suite);
}
