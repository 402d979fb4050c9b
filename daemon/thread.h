/*
 * Starts the daemon's helper threads, all in one way: signals that another process can send are
 * blocked, so that only the event loop sees them.
 */
#ifndef SOCKD_DAEMON_THREAD_H
#define SOCKD_DAEMON_THREAD_H

#include <pthread.h>

/* Starts a thread; it is joinable. Returns 0 or a negative errno. It gives itself a name: for
 * another thread that takes writing in /proc, which the fence refuses. */
int thread_start(void *(*run)(void *data), void *data, pthread_t *ret);

#endif
