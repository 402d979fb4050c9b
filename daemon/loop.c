#include "daemon/loop.h"

#include <errno.h>
#include <sys/epoll.h>

#include "daemon/broker.h"
#include "daemon/clock.h"
#include "daemon/receive.h"
#include "daemon/thread.h"
#include "daemon/timer.h"
#include "proto/macro.h"

#define CLIENTS_IN_A_TURN 64
#define OTHERS_IN_A_TURN 64

int loop_new(struct broker *broker)
{
	struct epoll_event others = {.events = EPOLLIN}; /* no connection: data.ptr is NULL */

	int r = sd_event_default(&broker->event);
	if (r < 0)
		return r;
	broker->loop_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (broker->loop_epoll < 0 || epoll_ctl(broker->loop_epoll, EPOLL_CTL_ADD,
					      sd_event_get_fd(broker->event), &others) < 0)
		return negative_errno();
	return 0;
}

static bool is_finished(sd_event *event)
{
	return sd_event_get_state(event) == SD_EVENT_FINISHED;
}

/*
 * Lets sd-event do what is pending, in its own order. Returns 1 where more is pending, 0 where it
 * is armed, so that its descriptor tells when it is to be run again, or a negative errno.
 */
static int run_others(sd_event *event, bool pending)
{
	int r = pending ? 1 : sd_event_wait(event, 0);

	for (unsigned i = 0; r >= 0 && i < OTHERS_IN_A_TURN; i++) {
		if (r > 0)
			r = sd_event_dispatch(event);
		if (r < 0 || is_finished(event))
			return r;
		r = sd_event_prepare(event);
		if (r == 0)
			return 0;
	}
	return r;
}

static bool has_others(const struct epoll_event *ready, int n)
{
	for (int i = 0; i < n; i++)
		if (!ready[i].data.ptr)
			return true;
	return false;
}

int loop_run(struct broker *broker)
{
	sd_event *event = broker->event;
	struct epoll_event ready[CLIENTS_IN_A_TURN];
	int code, r = sd_event_prepare(event);

	thread_never_cancelled();
	while (r >= 0) {
		bool others = r > 0 || timer_was_set();
		bool more = others || broker->rounds.awaited;
		int n = epoll_wait(broker->loop_epoll, ready, CLIENTS_IN_A_TURN, more ? 0 : -1);

		if (n < 0 && errno != EINTR)
			return negative_errno();
		broker->turn_usec = clock_usec(CLOCK_REALTIME);
		others |= has_others(ready, n);
		/* Not to be asked for again: they are the last in the kernel's list now. */
		if (others) {
			receive_hold(ready, n);
			r = run_others(event, r > 0);
		}
		bool go_on = r >= 0 && !is_finished(event);
		if (go_on)
			receive_ready(broker, ready, n);
		if (others)
			receive_release(ready, n);
		if (!go_on)
			break;
	}
	return r < 0 || sd_event_get_exit_code(event, &code) < 0 ? r : code;
}
