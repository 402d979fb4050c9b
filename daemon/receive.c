#include "daemon/receive.h"

#include <errno.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/connection.h"
#include "daemon/listener.h"
#include "daemon/netns.h"
#include "daemon/request.h"
#include "proto/macro.h"
#include "proto/transport.h"

#define BATCH 16u	/* requests of one connection in one turn of the loop */
#define PROBE_TURNS 16u /* how often it is tried whether a connection is busy */

static void link_to_user(struct connection *connection)
{
	struct user *user = connection->user;

	connection->next_of_user = user->connection_list;
	if (user->connection_list)
		user->connection_list->previous_of_user = connection;
	user->connection_list = connection;
	user->connections++;
}

/* Returns whether there was a request. */
static bool receive(struct connection *connection)
{
	struct broker *broker = connection->broker;
	struct transport_message message;
	int fds[WIRE_COUNT_MAX];

	int r = transport_receive(connection->fd, broker->packet, sizeof broker->packet, fds,
		ARRAY_SIZE(fds), MSG_DONTWAIT, &message);
	if (r == -EAGAIN)
		return false;
	if (r < 0) {
		connection_audit(connection->listener, connection->peer.uid, connection->peer.pid,
			-r,
			r == -EMSGSIZE ? "a packet is longer than 128 KiB; the connection is closed"
				       : "a packet or its control message cannot be received; "
					 "the connection is closed");
		connection_close(connection);
		return false;
	}
	if (message.size == 0) {
		worker_close_take(broker->worker, fds, message.n_fds);
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
		if (connection->user->jobs >= broker_jobs_per_user(connection->broker)) {
			connection->stalled = true;
			(void)connection_set_events(connection);
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
		connection_send_waiting(connection);
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
	sd_event *event = connection->broker->event;
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

void receive_accept_take(struct listener *listener, int fd)
{
	struct broker *broker = listener->broker;
	_cleanup_close_ int owned = fd;
	struct peer peer;

	int r = peer_read(owned, &peer);
	if (r < 0) {
		connection_audit(listener, (uid_t)-1, 0, -r, "the peer's identity cannot be read");
		return;
	}
	struct connection *connection = calloc(1, sizeof *connection);
	struct user *user = users_get(broker->users, peer.uid);
	const char *refusal = NULL;
	if (!connection || !user)
		refusal = "no memory for a connection";
	else if (user->connections >= broker_connections_per_user(broker))
		refusal = "the user has as many connections as it may have";
	else if (broker->n_connections >= broker->connections_max)
		refusal = "there are as many connections as there may be";
	if (refusal) {
		connection_audit(listener, peer.uid, peer.pid, EMFILE, refusal);
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
		.fd = TAKE_FD(owned),
		.netns_fd = -1,
		.references = 1,
		.foreign = peer.netns_cookie != netns_own_cookie(),
	};
	TAILQ_INSERT_TAIL(&broker->connections, connection, entry);
	broker->n_connections++;
	link_to_user(connection);
	if (watch(connection) < 0)
		connection_close(connection);
}
