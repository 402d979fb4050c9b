/* The daemon's loop: whoever is ready is served, whatever else there is to do. */
#include <check.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/broker.h"
#include "daemon/loop.h"
#include "daemon/receive.h"
#include "daemon/timer.h"
#include "proto/macro.h"
#include "tests/suite.h"

#define CLIENTS_MAX 511u
#define SERVED_IN_ALL 100000u
#define CODE 7

static struct broker broker;
static char clients[CLIENTS_MAX]; /* stand for connections, which the loop does not look into */
static unsigned served[CLIENTS_MAX], served_in_all, serve_until;
static int fds[CLIENTS_MAX + 1];
static bool sets_timer;
static sd_event_source *timer;

void receive_ready(struct broker *any _unused_, const struct epoll_event *ready, int n)
{
	for (int i = 0; i < n; i++)
		if (ready[i].data.ptr) {
			served[(char *)ready[i].data.ptr - clients]++;
			served_in_all++;
		}
	if (served_in_all >= serve_until)
		(void)timer_set_in(timer, 0);
	else if (sets_timer)
		(void)timer_set_in(timer, 3600000000u);
}

void receive_hold(const struct epoll_event *ready _unused_, int n _unused_)
{
}

void receive_release(const struct epoll_event *ready _unused_, int n _unused_)
{
}

static int on_end(sd_event_source *source, uint64_t usec _unused_, void *data _unused_)
{
	return sd_event_exit(sd_event_source_get_event(source), CODE);
}

static int on_always(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
	void *data _unused_)
{
	return 0;
}

static int always_ready(void)
{
	int fd = eventfd(1, EFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void serve_all(unsigned n, bool others)
{
	unsigned least = UINT32_MAX, most = 0;

	memset(served, 0, sizeof served);
	served_in_all = 0;
	serve_until = SERVED_IN_ALL;
	broker = (struct broker){.loop_epoll = -1};
	ck_assert_int_eq(loop_new(&broker), 0);
	ck_assert_int_eq(timer_new(broker.event, CLOCK_MONOTONIC, 1, on_end, NULL, &timer), 0);
	fds[CLIENTS_MAX] = always_ready();
	if (others)
		ck_assert_int_ge(sd_event_add_io(broker.event, NULL, fds[CLIENTS_MAX], EPOLLIN,
					 on_always, NULL),
			0);
	for (unsigned i = 0; i < n; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
		fds[i] = always_ready();
		ck_assert_int_eq(epoll_ctl(broker.loop_epoll, EPOLL_CTL_ADD, fds[i], &event), 0);
	}
	ck_assert_int_eq(loop_run(&broker), CODE);
	for (unsigned i = 0; i < n; i++) {
		least = MIN_OF(least, served[i]);
		most = MAX_OF(most, served[i]);
		close_quietly(fds[i]);
	}
	sd_event_source_disable_unref(timer);
	close_quietly(broker.loop_epoll);
	sd_event_unref(broker.event);
	close_quietly(fds[CLIENTS_MAX]);
	ck_assert_msg(least > 0 && most <= 2 * least, "of %u, one was served %u times, one %u", n,
		least, most);
}

static const unsigned crowds[] = {1, 63, 64, 127, 200, 255, CLIENTS_MAX};

START_TEST(all_are_served_alike)
{
	serve_all(crowds[_i], false);
}
END_TEST

START_TEST(all_are_served_alike_beside_other_work)
{
	serve_all(crowds[_i], true);
}
END_TEST

START_TEST(all_are_served_alike_while_they_set_timers)
{
	sets_timer = true;
	serve_all(crowds[_i], false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *loop = tcase_create("loop");

	tcase_add_loop_test(loop, all_are_served_alike, 0, ARRAY_SIZE(crowds));
	tcase_add_loop_test(loop, all_are_served_alike_beside_other_work, 0, ARRAY_SIZE(crowds));
	tcase_add_loop_test(
		loop, all_are_served_alike_while_they_set_timers, 0, ARRAY_SIZE(crowds));
	suite_add_tcase(suite, loop);
	return suite_run(suite);
}
