#include "daemon/connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/listener.h"
#include "daemon/manager.h"
#include "daemon/netns.h"
#include "daemon/request.h"
#include "proto/macro.h"
#include "proto/transport.h"

#define BATCH 16u	/* requests of one connection in one turn of the loop */
#define PROBE_TURNS 16u /* how often it is tried whether a connection is busy */

static void audit_peer(struct listener *listener, uid_t uid, pid_t pid, int error, const char *text)
{
	struct manager *manager = listener->manager;
	struct audit_record record = {.event = AUDIT_PEER, .uid = uid, .pid = pid, .error = error};

	(void)sd_event_now(manager->event, CLOCK_REALTIME, &record.time_usec);
	snprintf(record.listener, sizeof record.listener, "%s", listener->name);
	snprintf(record.text, sizeof record.text, "%s", text);
	audit_push(manager->audit, &record);
}

static void link_to_user(struct connection *connection)
{
	struct user *user = connection->user;

	connection->next_of_user = user->connection_list;
	if (user->connection_list)
		user->connection_list->previous_of_user = connection;
	user->connection_list = connection;
	user->connections++;
}

static void unlink_from_user(struct connection *connection)
{
	struct user *user = connection->user;

	if (connection->previous_of_user)
		connection->previous_of_user->next_of_user = connection->next_of_user;
	else
		user->connection_list = connection->next_of_user;
	if (connection->next_of_user)
		connection->next_of_user->previous_of_user = connection->previous_of_user;
	user->connections--;
	user->unread_fds -= connection->unread_fds;
	connection->unread_fds = 0;
}

struct connection *connection_ref(struct connection *connection)
{
	connection->references++;
	return connection;
}

struct connection *connection_unref(struct connection *connection)
{
	if (!connection || --connection->references > 0)
		return NULL;
	user_unref(connection->user);
	peer_done(&connection->peer);
	free(connection->waiting);
	free(connection);
	return NULL;
}

void connection_close(struct connection *connection)
{
	struct manager *manager = connection->manager;
	struct worker *worker = manager->worker;

	if (connection->fd < 0)
		return;
	sd_event_source_disable_unref(TAKE_PTR(connection->io));
	sd_event_source_disable_unref(TAKE_PTR(connection->exit));
	unlink_from_user(connection);
	TAILQ_REMOVE(&manager->connections, connection, entry);
	manager->n_connections--;
	request_connection_gone(connection);
	/* What still waits in its queue may be slow to close, and a client's descriptor may hang.
	 */
	worker_close_take(worker, connection->waiting_fds, connection->n_waiting_fds);
	connection->n_waiting_fds = 0;
	worker_close_take(worker, &connection->fd, 1);
	connection->fd = -1;
	if (connection->netns_fd >= 0)
		close_quietly(TAKE_FD(connection->netns_fd));
	connection_unref(connection);
}

static int set_events(struct connection *connection)
{
	uint32_t events = connection->waiting ? EPOLLOUT : connection->in_work ? 0 : EPOLLIN;
	return sd_event_source_set_io_events(connection->io, events);
}

/* Counts again what is certainly unread: nothing where the queue is empty. */
static void refresh_unread(struct user *user)
{
	for (struct connection *c = user->connection_list; c; c = c->next_of_user) {
		int queued = 0;
		if (c->unread_fds == 0 || ioctl(c->fd, SIOCOUTQ, &queued) < 0 || queued > 0)
			continue;
		user->unread_fds -= c->unread_fds;
		c->unread_fds = 0;
	}
}

bool connection_has_room(struct connection *connection, size_t n)
{
	struct user *user = connection->user;
	size_t max = connection->manager->unread_fds_max;

	if (user->unread_fds + n <= max)
		return true;
	refresh_unread(user);
	return user->unread_fds + n <= max;
}

static void count_unread(struct connection *connection, size_t n)
{
	connection->unread_fds += n;
	connection->user->unread_fds += n;
}

static bool keep_for_later(struct connection *connection, const void *packet, size_t size,
	const int *fds, size_t n_fds)
{
	connection->waiting = malloc(size);
	if (!connection->waiting)
		return false;
	memcpy(connection->waiting, packet, size);
	connection->waiting_size = size;
	if (n_fds > 0)
		memcpy(connection->waiting_fds, fds, n_fds * sizeof *fds);
	connection->n_waiting_fds = n_fds;
	return set_events(connection) >= 0;
}

enum reply_fate connection_reply(
	struct connection *connection, const struct wire_reply *reply, const int *fds, size_t n_fds)
{
	unsigned char packet[sizeof(struct wire_header) + sizeof(struct wire_answer) +
			     sizeof(struct wire_welcome) + WIRE_TEXT_MAX];

	if (connection->fd < 0)
		return REPLY_LOST;
	ssize_t size = wire_encode_reply(reply, packet, sizeof packet);
	int r = size < 0 ? (int)size
			 : transport_send(
				   connection->fd, packet, (size_t)size, fds, n_fds, MSG_DONTWAIT);
	if (r >= 0) {
		count_unread(connection, n_fds);
		return REPLY_SENT;
	}
	if (r == -EAGAIN && keep_for_later(connection, packet, (size_t)size, fds, n_fds))
		return REPLY_KEPT;
	if (r != -EPIPE && r != -ECONNRESET)
		audit_peer(connection->listener, connection->peer.uid, connection->peer.pid, -r,
			"the reply could not be sent; the connection is closed");
	connection_close(connection);
	return REPLY_LOST;
}

void connection_work_begun(struct connection *connection)
{
	connection->user->jobs++;
	connection->in_work = true;
	if (connection->fd >= 0)
		(void)set_events(connection);
}

void connection_work_ended(struct connection *connection)
{
	struct user *user = connection->user;

	user->jobs--;
	connection->in_work = false;
	if (connection->fd >= 0)
		(void)set_events(connection);
	for (struct connection *c = user->connection_list; c; c = c->next_of_user)
		if (c->stalled) {
			c->stalled = false;
			(void)set_events(c);
		}
}

int connection_netns(struct connection *connection)
{
	if (connection->netns_fd < 0) {
		int fd = netns_of_socket(connection->fd);
		if (fd < 0)
			return fd;
		connection->netns_fd = fd;
	}
	return connection->netns_fd;
}

static void send_waiting(struct connection *connection)
{
	int r = transport_send(connection->fd, connection->waiting, connection->waiting_size,
		connection->waiting_fds, connection->n_waiting_fds, MSG_DONTWAIT);
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		connection_close(connection);
		return;
	}
	count_unread(connection, connection->n_waiting_fds);
	worker_close_take(
		connection->manager->worker, connection->waiting_fds, connection->n_waiting_fds);
	connection->n_waiting_fds = 0;
	free(TAKE_PTR(connection->waiting));
	(void)set_events(connection);
}

/* Returns whether there was a request. */
static bool receive(struct connection *connection)
{
	struct manager *manager = connection->manager;
	struct transport_message message;
	int fds[WIRE_COUNT_MAX];

	int r = transport_receive(connection->fd, manager->packet, sizeof manager->packet, fds,
		ARRAY_SIZE(fds), MSG_DONTWAIT, &message);
	if (r == -EAGAIN)
		return false;
	if (r < 0) {
		audit_peer(connection->listener, connection->peer.uid, connection->peer.pid, -r,
			r == -EMSGSIZE ? "a packet is longer than 128 KiB; the connection is closed"
				       : "a packet or its control message cannot be received; "
					 "the connection is closed");
		connection_close(connection);
		return false;
	}
	if (message.size == 0) {
		worker_close_take(manager->worker, fds, message.n_fds);
		connection_close(connection);
		return false;
	}
	request_handle_take(connection, &message, fds);
	return true;
}

/*
 * Reads a request. Where the next ones tend to be there at once, as from a client that runs as soon
 * as the reply is sent, reads a few of them: that saves the way through the event loop. (That the
 * peer's pidfd is not asked in between does no harm: no pid comes round again so soon.)
 */
static void serve(struct connection *connection)
{
	unsigned tries = connection->busy || ++connection->turns % PROBE_TURNS == 0 ? BATCH : 1;

	for (unsigned i = 0; i < tries; i++) {
		if (connection->user->jobs >= manager_jobs_per_user(connection->manager)) {
			connection->stalled = true;
			(void)set_events(connection);
			return;
		}
		bool found = receive(connection);
		if (i > 0)
			connection->busy = found;
		if (!found || connection->fd < 0 || connection->waiting || connection->in_work)
			return;
	}
}

static int on_io(sd_event_source *source _unused_, int fd _unused_, uint32_t events, void *data)
{
	struct connection *connection = connection_ref(data);
	bool gone = events & (EPOLLHUP | EPOLLERR);

	if (connection->waiting && events & EPOLLOUT)
		send_waiting(connection);
	else if (connection->waiting || connection->in_work || connection->stalled) {
		if (gone)
			connection_close(connection);
	} else
		serve(connection);
	connection_unref(connection);
	return 0;
}

static int on_exit_of_peer(
	sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *data)
{
	connection_close(data);
	return 0;
}

static int watch(struct connection *connection)
{
	sd_event *event = connection->manager->event;
	int r = sd_event_add_io(event, &connection->io, connection->fd, EPOLLIN, on_io, connection);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &connection->exit, connection->peer.pidfd, EPOLLIN,
		on_exit_of_peer, connection);
	if (r < 0)
		return r;
	/* Before any request that a process with the same, reused pid could have sent. */
	return sd_event_source_set_priority(connection->exit, SD_EVENT_PRIORITY_IMPORTANT);
}

void connection_accept_take(struct listener *listener, int fd)
{
	struct manager *manager = listener->manager;
	_cleanup_close_ int owned = fd;
	struct peer peer;

	int r = peer_read(owned, &peer);
	if (r < 0) {
		audit_peer(listener, (uid_t)-1, 0, -r, "the peer's identity cannot be read");
		return;
	}
	struct connection *connection = calloc(1, sizeof *connection);
	struct user *user = users_get(manager->users, peer.uid);
	const char *refusal = NULL;
	if (!connection || !user)
		refusal = "no memory for a connection";
	else if (user->connections >= manager_connections_per_user(manager))
		refusal = "the user has as many connections as it may have";
	else if (manager->n_connections >= manager->connections_max)
		refusal = "there are as many connections as there may be";
	if (refusal) {
		audit_peer(listener, peer.uid, peer.pid, EMFILE, refusal);
		peer_done(&peer);
		user_unref(user);
		free(connection);
		return;
	}
	*connection = (struct connection){
		.manager = manager,
		.listener = listener,
		.user = user,
		.peer = peer,
		.fd = TAKE_FD(owned),
		.netns_fd = -1,
		.references = 1,
		.foreign = peer.netns_cookie != netns_own_cookie(),
	};
	TAILQ_INSERT_TAIL(&manager->connections, connection, entry);
	manager->n_connections++;
	link_to_user(connection);
	if (watch(connection) < 0)
		connection_close(connection);
}
