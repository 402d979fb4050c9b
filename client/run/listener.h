/*
 * What is said to the kernel through a listener.
 */
#ifndef SOCKD_CLIENT_RUN_LISTENER_H
#define SOCKD_CLIENT_RUN_LISTENER_H

#include <errno.h>
#include <sys/ioctl.h>

#include "proto/macro.h"

/*
 * Returns what the kernel returned, or a negative errno. Each of these calls, but the one that
 * receives, first waits for a lock; a stop of this process ends that (EINTR) before anything is
 * done, although every signal is blocked.
 */
static inline int listener_tell(int listener, unsigned long request, void *argument)
{
	int r;

	do
		r = ioctl(listener, request, argument);
	while (r < 0 && errno == EINTR);
	return r < 0 ? negative_errno() : r;
}

#endif
