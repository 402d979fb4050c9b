/*
 * A request under construction: what sockd_request_… adds up (request.c) and what opening it
 * carries out, here or by the broker (request-open.c).
 */
#ifndef SOCKD_LIB_REQUEST_H
#define SOCKD_LIB_REQUEST_H

#include <stdint.h>

#include "proto/wire.h"

struct sockd_request {
	struct wire_request wire;     /* an OPEN; each step's address and data are in memory[] */
	void *memory[WIRE_STEPS_MAX]; /* owned */
	int error;		      /* the first of an addition, positive */
	uint64_t grant;
};

/* NULL, "peer", "broker" or a name under /run/netns. 0, or -EINVAL: no such name can be. */
int request_choose_netns(struct wire_request *request, const char *name);

#endif
