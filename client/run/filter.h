/*
 * What of a program's system calls comes to the supervisor: the seccomp filter. It decides on
 * register values only, so that all other calls run as if it were not there.
 *
 * Notified are socket(2) of what an unprivileged user may not open, bind(2), setsockopt(2) of what
 * needs a capability, sends and writes on the descriptor numbers of the windows (window.h) where
 * they may come to anything, and what takes a thread to other namespaces (residents.h). Whatever is
 * not notified is judged by the kernel as ever: the filter gives nothing away.
 */
#ifndef SOCKD_CLIENT_RUN_FILTER_H
#define SOCKD_CLIENT_RUN_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>

#include "client/run/window.h"

struct filter_choice {
	bool any_namespace;  /* sockets of all families but AF_UNIX come from another namespace */
	bool allow_io_uring; /* else io_uring_setup(2) says ENOSYS */
	bool sends;	     /* those in the windows are notified */
	struct window windows[WINDOWS];
};

/* Returns 0; -EOPNOTSUPP where no filter could tell the calls apart. */
int filter_can_be_made(void);

/* The caller frees ret->filter. Returns 0 or a negative errno. */
int filter_make(const struct filter_choice *choice, struct sock_fprog *ret);

/*
 * Puts the calling process, which has one thread, under the filter for good. Returns the listener,
 * close-on-exec, or a negative errno: -EBUSY where a supervisor is there already. From Linux 5.19 a
 * call that was received is interrupted by no signal but a deadly one.
 */
int filter_install(const struct sock_fprog *program);

/* Can the kernel give a descriptor and the answer in one (from Linux 5.14)? */
bool filter_can_answer(int listener);

#endif
