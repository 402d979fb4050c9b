#include "daemon/hang-up.h"

#include <sys/epoll.h>

#include "daemon/broker.h"
#include "daemon/connection.h"
#include "daemon/drain.h"
#include "proto/macro.h"

void hang_up(struct connection *connection)
{
	struct broker *broker = connection->broker;
	const uid_t uid = connection->user->uid;

	if (connection->fd < 0)
		return;
	sd_event_source_disable_unref(TAKE_PTR(connection->exit));
	TAILQ_REMOVE(&broker->connections, connection, entry);
	grants_end(broker->grants, connection);
	/* What still waits in its queue may be slow to close, and a client's descriptor may hang.
	 */
	closer_take(broker->closer, uid, connection->waiting_fds, connection->n_waiting_fds);
	connection->n_waiting_fds = 0;
	if (connection->netns_fd >= 0)
		close_quietly(TAKE_FD(connection->netns_fd));
	/* With a full account it stays one of its user's connections, of which there are so many
	 * only. */
	if (connection_has_unread(connection) || closer_is_full(broker->closer, uid)) {
		drain_begin(connection);
		return;
	}
	(void)epoll_ctl(broker->loop_epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	connection_unlink(connection);
	closer_take(broker->closer, uid, &connection->fd, 1);
	connection->fd = -1;
	connection_unref(connection);
}
