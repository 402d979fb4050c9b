/*
 * A signal that comes again and again and ends what a thread of ours waits for: a lingering close,
 * a lock that a client holds. A thread has one, for as long as it lives.
 */
#ifndef SOCKD_DAEMON_CUTTER_H
#define SOCKD_DAEMON_CUTTER_H

#include <stdbool.h>
#include <time.h>

struct cutter {
	bool usable; /* without one, such waits take their time */
	long nsec;   /* 0: it does not run */
	timer_t timer;
};

/* Once in the process, before any of the others. Returns 0 or a negative errno. */
int cutter_install(void);
/* For the calling thread. */
void cutter_init(struct cutter *cutter);
/* So often from now on; 0: not any more. */
void cutter_run(struct cutter *cutter, long nsec);
void cutter_done(struct cutter *cutter);

#endif
