/*
 * What is seen of the requests that the supervisor puts to the broker: told (--verbose), only told
 * and not put (--dry-run), or learnt from (--learn).
 */
#ifndef SOCKD_CLIENT_RUN_OBSERVE_H
#define SOCKD_CLIENT_RUN_OBSERVE_H

#include "client/run/call.h"
#include "client/run/options.h"

/* Before there are threads. Returns 0, or a negative errno after saying what is wrong. */
int observe_start(const struct options *options);

/* Whose call this thread answers from here on. */
void observe_call(const struct call *call);

/* In a process of ours in another network namespace, whose memory is not the supervisor's: nothing
 * is learnt there. */
void observe_elsewhere(void);

/* The supervisor has sent a call to such a process. */
void observe_sent_elsewhere(void);

/* The program has ended, or all has: what was learnt is written. */
void observe_end(void);

#endif
