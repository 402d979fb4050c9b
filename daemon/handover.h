/*
 * The end of an allowed request: its grant is recorded, the sockets are watched, sent and closed.
 */
#ifndef SOCKD_DAEMON_HANDOVER_H
#define SOCKD_DAEMON_HANDOVER_H

#include "daemon/task.h"

/* Uses up the descriptors of the task's outcome; its own socket (APPLY) stays the task's. */
void hand_over(struct task *task);

#endif
