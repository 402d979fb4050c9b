/*
 * Helper threads for what may sleep: steps on a client's own socket, module loading. (What is only
 * closed: closer.h.)
 *
 * A job runs in a thread and is then finished on the event loop. A hostile client can make a job
 * hang (it may hold the lock of its own socket for ever); the number of threads and of jobs that
 * one user may have in work is therefore bounded by the caller, and a thread that hangs costs no
 * other user anything: threads are made on demand up to the limit, kept for a while, and ended when
 * idle.
 *
 * All functions are for the loop's thread only. Make the worker after privilege_drop() and
 * privilege_fence(): threads inherit both. Before each job a thread lowers its capabilities to
 * those of the last privilege_reduce().
 */
#ifndef SOCKD_DAEMON_WORKER_H
#define SOCKD_DAEMON_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct worker;

struct job {
	void (*run)(struct job *job);  /* in a thread: touches only the job */
	void (*done)(struct job *job); /* on the loop; owns the job and frees it */
	struct job *next;	       /* the worker's */
	bool cancelled; /* set for done(): run() was never called, the worker ended */
	bool uncut;	/* no signal wakes it: what it waits for is no client's doing */
};

/* waiting_max: of the jobs that wait while every thread is busy. */
int worker_new(sd_event *event, size_t threads_max, size_t waiting_max, struct worker **ret);
/*
 * Jobs that have run are finished, jobs that no thread has begun are finished as cancelled. Those
 * that are running have half a second; one that hangs for longer is abandoned, done() is never
 * called for it. Returns NULL.
 */
struct worker *worker_free(struct worker *worker);
/* Takes the job. Returns 0, or -EAGAIN where no thread can be had (the job stays the caller's). */
int worker_submit_take(struct worker *worker, struct job *job);
/* Jobs that wait or run. */
size_t worker_busy(const struct worker *worker);

#endif
