/*
 * The socket filter (classic BPF) that keeps a CAN socket to some interfaces and identifiers.
 *
 * Pure: makes the program, attaches nothing. Identifiers are read from the frame, so only on a raw
 * socket: BCM, ISO-TP and J1939 pass other things up, of which only ISO-TP and J1939 tell the
 * interface.
 */
#ifndef SOCKD_DAEMON_FAMILY_CAN_FILTER_H
#define SOCKD_DAEMON_FAMILY_CAN_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/policy/identifiers.h"

#define CAN_FILTER_INTERFACES_MAX 64u
/* Preludes of 48, two for each interface, six for each of the identifiers. */
#define CAN_FILTER_MAX (48u + 2u * CAN_FILTER_INTERFACES_MAX + 6u * IDENTIFIERS_MAX)

struct can_bounds {
	bool nothing;			       /* lets nothing pass */
	const int *interfaces;		       /* indexes; n 0: from every one */
	size_t n_interfaces;		       /* at most CAN_FILTER_INTERFACES_MAX */
	const struct identifiers *identifiers; /* NULL: every frame */
};

/* Returns the number of instructions. */
size_t can_filter_build(
	const struct can_bounds *bounds, struct sock_filter program[static CAN_FILTER_MAX]);

#endif
