/*
 * The end of an allowed request: its grant is recorded, the sockets are watched, sent and closed.
 */
#ifndef SOCKD_DAEMON_HANDOVER_H
#define SOCKD_DAEMON_HANDOVER_H

#include "daemon/task.h"

/*
 * OPEN: records, sends, watches and closes. Uses up the descriptors of the task's outcome.
 */
void hand_over(struct task *task);
/*
 * May the close of a socket that was just handed over wait? Its new holder may have closed it
 * already, which makes ours the last; and may have given it a linger time and unsent data before.
 */
bool hand_over_close_sleeps(const struct policy_query *query);

/*
 * APPLY, in three parts, so that the client's own socket is watched and no longer held when the
 * answer arrives: before the work (on the loop), after it (in the worker), and the answer (on the
 * loop). Prepare returns 0 or a negative errno.
 */
int hand_back_prepare(struct task *task);
void hand_back_in_worker(struct task *task);
void hand_back_finish(struct task *task);

#endif
