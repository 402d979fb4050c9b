#include "daemon/outbox.h"

#include "daemon/broker.h"
#include "daemon/connection.h"
#include "daemon/reply.h"
#include "daemon/round.h"
#include "proto/macro.h"

static void send_take(struct outgoing *outgoing)
{
	enum reply_fate fate = reply_send(outgoing->connection, &outgoing->reply, &outgoing->fd, 1);

	reply_close_take(outgoing->connection, fate, &outgoing->fd, 1, outgoing->close_sleeps);
	round_charge(outgoing->connection);
	outgoing->fd = -1;
	outgoing->connection = connection_unref(outgoing->connection);
}

void outbox_open(struct broker *broker)
{
	broker->outbox.open = true;
}

void outbox_send(struct broker *broker)
{
	struct outbox *outbox = &broker->outbox;
	unsigned n = outbox->n;

	outbox->n = 0;
	for (unsigned i = 0; i < n; i++)
		send_take(&outbox->items[i]);
}

void outbox_close(struct broker *broker)
{
	outbox_send(broker);
	broker->outbox.open = false;
}

bool outbox_put_take(
	struct connection *connection, const struct wire_reply *reply, int fd, bool close_sleeps)
{
	struct broker *broker = connection->broker;
	struct outbox *outbox = &broker->outbox;

	if (!outbox->open)
		return false;
	outbox->items[outbox->n++] = (struct outgoing){
		.connection = connection_ref(connection),
		.reply = *reply,
		.fd = fd,
		.close_sleeps = close_sleeps,
	};
	if (outbox->n == OUTBOX_MAX) {
		round_charge(connection);
		outbox_send(broker);
	}
	return true;
}
