/*
 * What the command line asks for, in numbers: the arguments of socket(2) and the steps. Owns what
 * the steps point to.
 */
#ifndef SOCKD_CLIENT_PLAN_H
#define SOCKD_CLIENT_PLAN_H

#include <sys/socket.h>

#include "client/arguments.h"
#include "proto/wire.h"

struct plan {
	int domain, type, protocol;
	size_t n_steps;
	struct wire_step steps[WIRE_STEPS_MAX];
	union {
		struct sockaddr_storage address;
		unsigned char value[WIRE_OPTION_MAX];
	} memory[WIRE_STEPS_MAX];
};

/* Returns 0, or a negative errno after saying what is wrong. */
int plan_make(const struct arguments *arguments, struct plan *ret);

#endif
