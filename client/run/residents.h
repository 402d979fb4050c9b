/*
 * Threads that were found in the namespaces they were started in, and need not be looked at again
 * at each of their calls: a thread has no capability there, so that nothing but its own unshare(2)
 * or setns(2) can take it elsewhere, and these come to us. From the first of them on nobody is
 * taken for a resident any more.
 *
 * A number may come to mean another thread. A resident's is known by its pidfd, which the kernel
 * marks before it gives the number away. Thread-safe.
 */
#ifndef SOCKD_CLIENT_RUN_RESIDENTS_H
#define SOCKD_CLIENT_RUN_RESIDENTS_H

#include <stdbool.h>

#include "client/run/target.h"

/* From here on up to so many may be known, each by a descriptor; else there never are any. */
void residents_begin(unsigned max);
/* One moves, perhaps: is about to be let. */
void residents_end(void);

bool residents_has(pid_t tid);

/* Opened before the thread is looked at; -1 where there is none to be had. */
int residents_open(pid_t tid);
/* The thread was at home, and waited in its call the whole time since its pidfd was opened. */
void residents_add_take(pid_t tid, int pidfd);

#endif
