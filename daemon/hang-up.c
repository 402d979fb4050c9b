#include "daemon/hang-up.h"

#include <sys/epoll.h>

#include "daemon/broker.h"
#include "daemon/connection.h"
#include "daemon/drain.h"
#include "proto/macro.h"

void hang_up(struct connection *connection)
{
	struct broker *broker = connection->broker;
	struct worker *worker = broker->worker;

	if (connection->fd < 0)
		return;
	sd_event_source_disable_unref(TAKE_PTR(connection->exit));
	TAILQ_REMOVE(&broker->connections, connection, entry);
	grants_end(broker->grants, connection);
	/* What still waits in its queue may be slow to close, and a client's descriptor may hang.
	 */
	worker_close_take(worker, connection->waiting_fds, connection->n_waiting_fds);
	connection->n_waiting_fds = 0;
	if (connection->netns_fd >= 0)
		close_quietly(TAKE_FD(connection->netns_fd));
	if (connection_has_unread(connection)) {
		drain_begin(connection);
		return;
	}
	(void)epoll_ctl(broker->loop_epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	connection_unlink(connection);
	worker_close_take(worker, &connection->fd, 1);
	connection->fd = -1;
	connection_unref(connection);
}
