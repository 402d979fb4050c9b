/*
 * Where systemd keeps a process: its unit and slice, read from its control group.
 *
 * libsystemd reads the path, and it reads it from the outside in: the unit is the first component
 * below the slices. What lies below that, a service whose control groups are delegated to it makes
 * as it likes, and gives it any name. The unit of a user's own manager lies there; its name is that
 * user's choice.
 */
#ifndef SOCKD_DAEMON_PLACE_H
#define SOCKD_DAEMON_PLACE_H

#include <sys/types.h>

#include "daemon/policy/policy.h"

/* Immutable; counted by reference, because grants outlive the connections that they came by. Only
 * for the loop's thread. */
struct place {
	unsigned references;
	struct policy_place names; /* owned */
};

/*
 * Reads the place of a process of which a pidfd is held: where that says afterwards that the
 * process has ended, what was read may be another one's, and the answer is -ESRCH. -ENODATA: the
 * broker cannot see the process's control group.
 */
int place_read(pid_t pid, int pidfd, struct place **ret);
struct place *place_ref(struct place *place);
struct place *place_unref(struct place *place); /* returns NULL */

#endif
