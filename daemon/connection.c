#include "daemon/connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "daemon/broker.h"
#include "daemon/clock.h"
#include "daemon/listener.h"
#include "daemon/netns.h"
#include "proto/macro.h"

void connection_audit(
	struct listener *listener, const struct peer *peer, int error, const char *text)
{
	struct broker *broker = listener->broker;
	struct audit_record record = {
		.event = AUDIT_PEER,
		.uid = peer ? peer->uid : (uid_t)-1,
		.gid = peer ? peer->gid : (gid_t)-1,
		.pid = peer ? peer->pid : 0,
		.error = error,
		.time_usec = clock_usec(CLOCK_REALTIME),
		.listener = listener->name,
		.text = text,
	};

	audit_limit_push(broker->audit_limit, &record);
}

static void forget_unread(struct connection *connection)
{
	connection->user->unread_fds -= connection->unread_fds;
	connection->broker->unread_fds -= connection->unread_fds;
	connection->unread_fds = 0;
}

bool connection_has_unread(struct connection *connection)
{
	int fd = connection->fd >= 0 ? connection->fd : connection->draining_fd, queued = 0;

	if (connection->unread_fds > 0 && ioctl(fd, SIOCOUTQ, &queued) == 0 && queued == 0)
		forget_unread(connection);
	return connection->unread_fds > 0;
}

void connection_unlink(struct connection *connection)
{
	struct user *user = connection->user;

	if (connection->previous_of_user)
		connection->previous_of_user->next_of_user = connection->next_of_user;
	else
		user->connection_list = connection->next_of_user;
	if (connection->next_of_user)
		connection->next_of_user->previous_of_user = connection->previous_of_user;
	user->connections--;
	connection->broker->n_connections--;
	forget_unread(connection);
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

int connection_set_events(struct connection *connection)
{
	struct epoll_event event = {.data.ptr = connection};

	if (connection->waiting)
		event.events = EPOLLOUT;
	else if (!connection->in_work && !connection->stalled)
		event.events = EPOLLIN;
	return epoll_ctl(connection->broker->loop_epoll, EPOLL_CTL_MOD, connection->fd, &event) < 0
		       ? negative_errno()
		       : 0;
}

static bool has_room(const struct connection *connection, size_t n)
{
	const struct broker *broker = connection->broker;

	return connection->user->unread_fds + n <= broker->unread_fds_max &&
	       broker->unread_fds + n <= broker->unread_fds_max_in_all;
}

bool connection_has_room(struct connection *connection, size_t n)
{
	if (has_room(connection, n))
		return true;
	/* A client that asks has mostly read what it got: its own connection is asked first. */
	(void)connection_has_unread(connection);
	for (struct connection *c = connection->user->connection_list;
		c && !has_room(connection, n); c = c->next_of_user)
		(void)connection_has_unread(c);
	return has_room(connection, n);
}

void connection_count_unread(struct connection *connection, size_t n)
{
	connection->unread_fds += n;
	connection->user->unread_fds += n;
	connection->broker->unread_fds += n;
}

void connection_job_begun(struct connection *connection)
{
	connection->user->jobs++;
}

void connection_job_ended(struct connection *connection)
{
	struct user *user = connection->user;

	user->jobs--;
	for (struct connection *c = user->connection_list; c; c = c->next_of_user)
		if (c->stalled && c->fd >= 0) {
			c->stalled = false;
			(void)connection_set_events(c);
		}
}

void connection_work_begun(struct connection *connection)
{
	connection_job_begun(connection);
	connection->in_work = true;
	if (connection->fd >= 0)
		(void)connection_set_events(connection);
}

void connection_work_ended(struct connection *connection)
{
	connection->in_work = false;
	if (connection->fd >= 0)
		(void)connection_set_events(connection);
	connection_job_ended(connection);
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
