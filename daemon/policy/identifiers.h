/*
 * The CAN identifiers that a rule names. Immutable once read; owned by the rule.
 *
 * Standard identifiers (11 bits) and extended ones (29 bits) are two spaces: 0x123 is not
 * 0x00000123. The priority of a CAN XL frame counts as a standard identifier.
 */
#ifndef SOCKD_DAEMON_POLICY_IDENTIFIERS_H
#define SOCKD_DAEMON_POLICY_IDENTIFIERS_H

#include <linux/can.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/policy/ranges.h"

/* Each takes some instructions of a filter, which has at most 4096. */
#define IDENTIFIERS_MAX 256u

/* Every identifier whose bits under the mask are these. */
struct identifier_mask {
	uint32_t identifier, mask;
	bool extended;
};

struct identifiers {
	struct ranges standard, extended; /* sorted */
	struct identifier_mask *masks;
	size_t n_masks;
	bool errors; /* error frames too */
};

struct identifiers *identifiers_free(struct identifiers *identifiers); /* returns NULL */
/* With CAN_EFF_FLAG where it is extended; any other flag, or bit beyond its kind, is in no list. */
bool identifiers_contain(const struct identifiers *identifiers, canid_t identifier);

#endif
