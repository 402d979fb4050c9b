#include "daemon/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/connection.h"
#include "daemon/hang-up.h"
#include "proto/macro.h"
#include "proto/transport.h"

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
	if (connection_set_events(connection) >= 0)
		return true;
	connection->n_waiting_fds = 0; /* the caller's still */
	return false;
}

enum reply_fate reply_send(
	struct connection *connection, const struct wire_reply *reply, const int *fds, size_t n_fds)
{
	unsigned char packet[WIRE_REPLY_MAX];

	if (connection->fd < 0)
		return REPLY_LOST;
	ssize_t size = wire_encode_reply(reply, packet, sizeof packet);
	int r = size < 0 ? (int)size
			 : transport_send(
				   connection->fd, packet, (size_t)size, fds, n_fds, MSG_DONTWAIT);
	if (r >= 0) {
		connection_count_unread(connection, n_fds);
		return REPLY_SENT;
	}
	if (r == -EAGAIN && keep_for_later(connection, packet, (size_t)size, fds, n_fds))
		return REPLY_KEPT;
	if (r != -EPIPE && r != -ECONNRESET)
		connection_audit(connection->listener, &connection->peer, -r,
			"the reply could not be sent; the connection is closed");
	hang_up(connection);
	return REPLY_LOST;
}

void reply_close_take(struct connection *connection, enum reply_fate fate, const int *fds,
	size_t n_fds, bool close_sleeps)
{
	if (fate == REPLY_KEPT)
		return;
	if (close_sleeps || fate == REPLY_LOST)
		closer_take(connection->broker->closer, connection->user->uid, fds, n_fds);
	else
		/* At once, several too: who closes its own before it asks again is not told that it
		 * has too many. */
		for (size_t i = 0; i < n_fds; i++)
			close_quietly(fds[i]);
}

void reply_send_waiting(struct connection *connection)
{
	int r = transport_send(connection->fd, connection->waiting, connection->waiting_size,
		connection->waiting_fds, connection->n_waiting_fds, MSG_DONTWAIT);
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		hang_up(connection);
		return;
	}
	connection_count_unread(connection, connection->n_waiting_fds);
	closer_take(connection->broker->closer, connection->user->uid, connection->waiting_fds,
		connection->n_waiting_fds);
	connection->n_waiting_fds = 0;
	free(TAKE_PTR(connection->waiting));
	(void)connection_set_events(connection);
}

void reply_error(struct connection *connection, enum wire_verb verb, uint64_t serial, int error,
	enum wire_origin origin, int step, const char *text)
{
	size_t length = MIN_OF(strlen(text), WIRE_TEXT_MAX);
	struct wire_reply reply = {
		.verb = verb,
		.serial = serial,
		.answer =
			{
				.error = error,
				.origin = origin,
				.step = step,
				.text_size = (uint32_t)length,
			},
		.text = text,
	};
	(void)reply_send(connection, &reply, NULL, 0);
}
