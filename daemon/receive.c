#include "daemon/receive.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/clock.h"
#include "daemon/connection.h"
#include "daemon/drain.h"
#include "daemon/hang-up.h"
#include "daemon/listener.h"
#include "daemon/netns.h"
#include "daemon/release.h"
#include "daemon/reply.h"
#include "daemon/request.h"
#include "daemon/round.h"
#include "proto/macro.h"
#include "proto/transport.h"

#define BATCH 32u /* requests of a client that is alone, in one turn of the loop */
#define TURNS_WITHOUT_LOOK_MAX 15
#define PRESSURE_USEC 10000u /* how often one user's limit may cause looks that free nothing */
#define PRESSURE_SHARE 4     /* and of the time, one part in so many, such that do */
#define LONG_TURN_USEC 1000000u
#define MANY 4 /* clients, so that their answers are sent together */

static void link_to_user(struct connection *connection)
{
	struct user *user = connection->user;

	connection->next_of_user = user->connection_list;
	if (user->connection_list)
		user->connection_list->previous_of_user = connection;
	user->connection_list = connection;
	user->connections++;
}

/* For events that are as old as the loop's turn, which whoever stopped sockd may have made long.
 * Costs a look at the clock. */
static bool is_gone_since(const struct connection *connection)
{
	struct pollfd ends = {.fd = connection->fd};

	return clock_usec(CLOCK_REALTIME_COARSE) > connection->broker->turn_usec + LONG_TURN_USEC &&
	       poll(&ends, 1, 0) > 0 && ends.revents & POLLHUP;
}

/*
 * Returns whether there was a request. That of a peer that is gone (both ways, so that none could
 * be answered) was given up, mostly because it took too long: whoever made it was told that it
 * failed. It ends with the connection, as does all that may be behind it.
 */
static bool receive(struct connection *connection, bool gone)
{
	struct broker *broker = connection->broker;
	struct transport_message message = {0};
	int fds[WIRE_COUNT_MAX];

	/* All that can come in fits, so that none is closed here: closing could hang. */
	int r = transport_receive_keeping(connection->fd, broker->packet, sizeof broker->packet,
		fds, ARRAY_SIZE(fds), MSG_DONTWAIT, &message);
	if (r == -EAGAIN)
		return false;
	if (r < 0) {
		release_fds_take(connection, fds, message.n_fds);
		connection_audit(connection->listener, &connection->peer, -r,
			r == -EMSGSIZE ? "a packet is longer than 128 KiB; the connection is closed"
				       : "a packet or its control message cannot be received; "
					 "the connection is closed");
		hang_up(connection);
		return false;
	}
	if (message.size == 0 || gone || is_gone_since(connection)) {
		release_fds_take(connection, fds, message.n_fds);
		hang_up(connection);
		return false;
	}
	request_handle_take(connection, &message, fds);
	return true;
}

/* In work, or waiting to be closed or recorded, for the user to ask for more; or had of the loop's
 * time. */
static bool has_too_much(const struct connection *connection)
{
	const struct broker *broker = connection->broker;
	const struct user *user = connection->user;

	return user->jobs >= broker_jobs_per_user(broker) ||
	       closer_is_full(broker->closer, user->uid) ||
	       audit_limit_must_wait(broker->audit_limit, user) || round_must_wait(connection);
}

static void look_less(struct connection *connection)
{
	unsigned pause = MIN_OF(connection->look_pause * 2u + 1, TURNS_WITHOUT_LOOK_MAX);

	connection->look_pause = connection->turns_without_look = (uint8_t)pause;
}

/*
 * Reads a request. A client that is alone tends to run as soon as it has its reply, and to have the
 * next request there at once: to look again saves the way round the loop; where that was in vain,
 * it is left for a turn, and for longer each time that it was in vain again. (That the peer's pidfd
 * is not asked between two requests does no harm: no pid comes round again so soon.)
 */
static void serve(struct connection *connection, bool alone, bool gone)
{
	for (unsigned i = 0; i < (alone ? BATCH : 1); i++) {
		if (i == 1 && connection->turns_without_look > 0) {
			connection->turns_without_look--;
			return;
		}
		if (has_too_much(connection)) {
			connection->stalled = true;
			(void)connection_set_events(connection);
			return;
		}
		bool any = receive(connection, gone);
		round_charge(connection);
		if (!any) {
			if (i == 1)
				look_less(connection);
			return;
		}
		if (i == 1)
			connection->look_pause = 0;
		if (connection->fd < 0 || connection->waiting || connection->in_work ||
			round_is_turn_over(connection->broker))
			return;
	}
}

static void on_connection(struct connection *connection, uint32_t events, bool alone)
{
	connection_ref(connection);
	if (connection->fd < 0) /* ended, or ended since */
		drain_receive(connection);
	else if (connection->waiting && events & EPOLLOUT)
		reply_send_waiting(connection);
	else if (connection->waiting || connection->in_work || connection->stalled) {
		if (events & (EPOLLHUP | EPOLLERR))
			hang_up(connection);
	} else
		serve(connection, alone, events & EPOLLHUP);
	round_charge(connection);
	connection_unref(connection);
}

static_assert(offsetof(struct connection, netns_fd) <= 2 * CACHE_LINE, "prefetched in part");

static void prefetch(const struct connection *connection)
{
	if (!connection)
		return;
	__builtin_prefetch(connection);
	__builtin_prefetch((const char *)connection + CACHE_LINE);
}

/* For the next turn, as all others that are ready: they are of one user. */
static bool may_be_left(const struct connection *connection)
{
	return round_is_turn_over(connection->broker) && round_is_alone(connection);
}

void receive_ready(struct broker *broker, const struct epoll_event *ready, int n)
{
	if (round_begin_turn(broker, n != 0))
		receive_resume(broker);
	if (n >= MANY)
		outbox_open(broker);
	for (int i = 0; i < n; i++) {
		if (i + 1 < n)
			prefetch(ready[i + 1].data.ptr);
		if (ready[i].data.ptr && !may_be_left(ready[i].data.ptr))
			on_connection(ready[i].data.ptr, ready[i].events, n == 1);
	}
	outbox_close(broker);
}

void receive_resume(struct broker *broker)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &broker->connections, entry)
	if (connection->stalled) {
		connection->stalled = false;
		(void)connection_set_events(connection);
	}
	drain_resume(broker);
}

void receive_hold(const struct epoll_event *ready, int n)
{
	for (int i = 0; i < n; i++)
		if (ready[i].data.ptr)
			(void)connection_ref(ready[i].data.ptr);
}

void receive_release(const struct epoll_event *ready, int n)
{
	for (int i = 0; i < n; i++)
		connection_unref(ready[i].data.ptr);
}

static int on_exit_of_peer(
	sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *data)
{
	hang_up(data);
	return 0;
}

static int watch(struct connection *connection)
{
	sd_event *event = connection->broker->event;
	struct epoll_event readable = {.events = EPOLLIN, .data.ptr = connection};

	if (epoll_ctl(connection->broker->loop_epoll, EPOLL_CTL_ADD, connection->fd, &readable) < 0)
		return negative_errno();
	int r = sd_event_add_io(event, &connection->exit, connection->peer.pidfd, EPOLLIN,
		on_exit_of_peer, connection);
	if (r < 0)
		return r;
	/* Before any request that a process with the same, reused pid could have sent. */
	return sd_event_source_set_priority(connection->exit, SD_EVENT_PRIORITY_IMPORTANT);
}

/* And nothing is left that it had asked for. */
static bool has_left(const struct connection *connection)
{
	char byte;

	return recv(connection->fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool hang_up_where_left(struct user *user)
{
	bool any = false;

	for (struct connection *next, *c = user->connection_list; c; c = next) {
		next = c->next_of_user;
		if (c->fd < 0 || !has_left(c))
			continue;
		hang_up(c);
		any = true;
	}
	return any;
}

/* Who ends a connection can have another at once, whether or not the loop has come to the end of
 * the old one. */
static void make_room(struct user *user)
{
	uint64_t now = clock_usec(CLOCK_MONOTONIC);

	if (now < user->room_after_usec)
		return;
	uint64_t begun = clock_usec(CLOCK_THREAD_CPUTIME_ID);
	bool left = hang_up_where_left(user);
	bool read = drain_make_room(user);
	uint64_t took = clock_usec(CLOCK_THREAD_CPUTIME_ID) - begun;
	/* Who leaves one of a thousand again and again makes others wait to connect no longer. */
	user->room_after_usec = now + (left || read ? took * PRESSURE_SHARE : PRESSURE_USEC);
}

static bool may_connect(const struct broker *broker, struct user *user)
{
	unsigned max = broker_connections_per_user(broker);

	if (user->connections >= max)
		make_room(user);
	return user->connections < max;
}

void receive_accept_take(struct listener *listener, int fd)
{
	struct broker *broker = listener->broker;
	struct peer peer;

	int r = peer_read(fd, &peer);
	if (r < 0) {
		connection_audit(listener, NULL, -r, "the peer's identity cannot be read");
		/* What already waits in its queue may be slow to close. */
		closer_take(broker->closer, CLOSER_OWN, &fd, 1);
		return;
	}
	struct connection *connection =
		aligned_alloc(alignof(struct connection), sizeof *connection);
	struct user *user = users_get(broker->users, peer.uid);
	const char *refusal = NULL;
	if (!connection || !user)
		refusal = "no memory for a connection";
	else if (!may_connect(broker, user))
		refusal = "the user has as many connections as it may have";
	else if (broker->n_connections >= broker->connections_max)
		refusal = "there are as many connections as there may be";
	if (refusal) {
		connection_audit(listener, &peer, EMFILE, refusal);
		closer_take(broker->closer, peer.uid, &fd, 1);
		peer_done(&peer);
		user_unref(user);
		free(connection);
		return;
	}
	*connection = (struct connection){
		.broker = broker,
		.listener = listener,
		.user = user,
		.peer = peer,
		.fd = fd,
		.draining_fd = -1,
		.netns_fd = -1,
		.references = 1,
		.foreign = peer.netns_cookie != netns_own_cookie(),
		.netns = netns_number_of_socket(fd, peer.netns_cookie),
	};
	TAILQ_INSERT_TAIL(&broker->connections, connection, entry);
	broker->n_connections++;
	link_to_user(connection);
	if (watch(connection) < 0)
		hang_up(connection);
	else
		transport_pass_fds(fd, true);
}
