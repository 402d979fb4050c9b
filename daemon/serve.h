/*
 * Serves a request that was read: decided by the policy, carried out on the loop or in a worker,
 * handed over.
 */
#ifndef SOCKD_DAEMON_SERVE_H
#define SOCKD_DAEMON_SERVE_H

#include "daemon/task.h"

/*
 * Decides, carries out and answers. The query is filled in, and all that the task owns is given
 * back in the end, be it by a worker. The packet is the one in the broker's buffer.
 */
void serve_task(struct task *task, size_t packet_size);

/* The peer as the policy sees it; borrows the connection. */
struct policy_subject serve_subject(struct connection *connection);

#endif
