/*
 * What the command line asks for, in numbers: the arguments of socket(2) and the steps. Owns what
 * the steps point to.
 */
#ifndef SOCKD_CLIENT_PLAN_H
#define SOCKD_CLIENT_PLAN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "client/arguments.h"
#include "proto/wire.h"

struct plan {
	int domain, type, protocol;
	size_t n_steps;
	struct wire_step steps[WIRE_STEPS_MAX];
	bool elsewhere; /* perhaps in another network namespace than ours */
	union {
		struct {
			struct sockaddr_storage address;
			char interface[WIRE_INTERFACE_MAX + 1]; /* beside the address */
		};
		unsigned char value[WIRE_OPTION_MAX];
	} memory[WIRE_STEPS_MAX];
};

/* Returns 0, or a negative errno after saying what is wrong. */
int plan_make(const struct arguments *arguments, struct plan *ret);

#endif
