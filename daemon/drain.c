#include "daemon/drain.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/connection.h"
#include "daemon/release.h"
#include "daemon/timer.h"
#include "proto/macro.h"
#include "proto/transport.h"

/* Nothing tells that a queue was read. The pauses between looks grow while nothing new comes. */
#define LOOK_USEC_MIN 100000u
#define LOOK_USEC_MAX 2000000u
#define LOOK_SLACK_USEC 50000u
#define LOOKS_IN_TURN 1024u

static void watch(struct connection *connection, int operation)
{
	struct epoll_event readable = {.events = EPOLLIN, .data.ptr = connection};

	(void)epoll_ctl(
		connection->broker->loop_epoll, operation, connection->draining_fd, &readable);
}

static void unwatch(struct connection *connection)
{
	watch(connection, EPOLL_CTL_DEL);
}

static void let_go(struct connection *connection)
{
	struct broker *broker = connection->broker;

	unwatch(connection);
	TAILQ_REMOVE(&broker->draining, connection, entry);
	broker->n_draining--;
	connection_unlink(connection);
	closer_take(broker->closer, connection->user->uid, &connection->draining_fd, 1);
	connection->draining_fd = -1;
	connection_unref(connection);
}

/* Returns whether it is gone. */
static bool look(struct connection *connection)
{
	if (!connection->drained || connection_has_unread(connection))
		return false;
	let_go(connection);
	return true;
}

static int on_time(sd_event_source *timer, uint64_t usec _unused_, void *data)
{
	struct broker *broker = data;

	for (size_t n = MIN_OF(broker->n_draining, LOOKS_IN_TURN); n > 0; n--) {
		struct connection *connection = TAILQ_FIRST(&broker->draining);

		/* Those that stay take turns. */
		TAILQ_REMOVE(&broker->draining, connection, entry);
		TAILQ_INSERT_TAIL(&broker->draining, connection, entry);
		(void)look(connection);
	}
	if (broker->n_draining == 0)
		return 0;
	broker->drain_pause_usec = MIN_OF(broker->drain_pause_usec * 2, LOOK_USEC_MAX);
	return timer_set_in(timer, broker->drain_pause_usec);
}

int drain_new(struct broker *broker)
{
	return timer_new(broker->event, CLOCK_MONOTONIC, LOOK_SLACK_USEC, on_time, broker,
		&broker->drain_timer);
}

void drain_free(struct broker *broker)
{
	struct connection *connection;

	while ((connection = TAILQ_FIRST(&broker->draining)))
		let_go(connection);
	broker->drain_timer = sd_event_source_disable_unref(broker->drain_timer);
}

void drain_begin(struct connection *connection)
{
	struct broker *broker = connection->broker;

	connection->draining_fd = TAKE_FD(connection->fd);
	connection->stalled = false;
	free(TAKE_PTR(connection->waiting));
	/* The client sees the end once it has read the rest, and can send nothing more. */
	(void)shutdown(connection->draining_fd, SHUT_RDWR);
	watch(connection, EPOLL_CTL_MOD);
	TAILQ_INSERT_TAIL(&broker->draining, connection, entry);
	broker->n_draining++;
	broker->drain_pause_usec = LOOK_USEC_MIN;
	if (broker->n_draining == 1)
		(void)timer_set_in(broker->drain_timer, LOOK_USEC_MIN);
}

void drain_receive(struct connection *connection)
{
	struct broker *broker = connection->broker;
	struct transport_message message = {0};
	int fds[WIRE_COUNT_MAX];

	if (connection->draining_fd < 0)
		return;
	if (closer_is_full(broker->closer, connection->user->uid)) {
		connection->stalled = true;
		unwatch(connection);
		return;
	}
	int r = transport_receive_keeping(connection->draining_fd, broker->packet,
		sizeof broker->packet, fds, ARRAY_SIZE(fds), MSG_DONTWAIT, &message);
	release_fds_take(connection, fds, message.n_fds);
	if (r == -EMSGSIZE || r == -EBADMSG || (r >= 0 && message.has_credentials))
		return;
	/* That was the end, which the kernel would tell again and again. */
	unwatch(connection);
	connection->drained = true;
	(void)look(connection);
}

void drain_resume(struct broker *broker)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &broker->draining, entry)
	if (connection->stalled) {
		connection->stalled = false;
		watch(connection, EPOLL_CTL_ADD);
	}
}

bool drain_make_room(struct user *user)
{
	bool any = false;

	for (struct connection *next, *c = user->connection_list; c; c = next) {
		next = c->next_of_user;
		if (c->draining_fd >= 0)
			any |= look(c);
	}
	return any;
}
