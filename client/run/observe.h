/*
 * What is seen of the requests that the supervisor puts to the broker: told (--verbose), only told
 * and not put (--dry-run), or learnt from (--learn).
 */
#ifndef SOCKD_CLIENT_RUN_OBSERVE_H
#define SOCKD_CLIENT_RUN_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/run/call.h"
#include "client/run/options.h"
#include "proto/wire.h"

/* Before there are threads. Returns 0, or a negative errno after saying what is wrong. */
int observe_start(const struct options *options);

/* Is anything seen? */
bool observe_is_on(void);

/* Whose call this thread answers from here on. */
void observe_call(const struct call *call);

/* A request that was put to the broker in another network namespace, to be learnt from here. */
struct observation {
	uint32_t size; /* of the request's packet; 0: none is to be learnt from */
	bool granted;
	char reason[WIRE_TEXT_MAX + 1];
	unsigned char packet[WIRE_OPTION_MAX + 512];
};

/* In a process of ours in another network namespace, whose memory is not the supervisor's: what is
 * to be learnt from the requests put from here on is stored there, of each the last. */
void observe_elsewhere(struct observation *observation);

/* Learns from what such a process has sent back, which is checked. fd: the program's own socket, as
 * with the call. */
void observe_brought_home(const struct observation *observation, int fd);

/* The program has ended, or all has: what was learnt is written. goes_on: others that it has left
 * behind have not. */
void observe_end(bool goes_on);

#endif
