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
/* The same for one that belongs to nobody, and is not joined. */
int thread_start_detached(void *(*run)(void *data), void *data);

/*
 * For a thread that nobody cancels and that makes many system calls. Where there are several
 * threads the C library marks the beginning and the end of each recvmsg(), sendmsg() and close()
 * with an atomic operation, so that it can be cancelled there; not so where a thread may be
 * cancelled at any time. This is set, and cancelling is turned off altogether.
 */
void thread_never_cancelled(void);

/*
 * Moves the calling thread off this processor where it is on it and may run on another one. For
 * work in the background of a loop that wakes it: the scheduler tends to put both on one processor,
 * where they take turns while another one idles.
 */
void thread_leave_cpu(int cpu);

#endif
