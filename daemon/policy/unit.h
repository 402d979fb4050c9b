/*
 * The keys of a rule that say where systemd must keep the peer: "unit", "slice", "user-unit". All
 * that a rule names of these must hold, beside its peers and listener.
 */
#ifndef SOCKD_DAEMON_POLICY_UNIT_H
#define SOCKD_DAEMON_POLICY_UNIT_H

#include <stdbool.h>

#include "daemon/policy/node.h"
#include "daemon/policy/policy.h"
#include "daemon/policy/rule.h"

/* Reads the keys of a rule. Returns 0 or -ENOMEM. */
int unit_parse(const struct node *node, struct rule *rule);
/* Does the rule name any of them? */
bool unit_is_named(const struct rule *rule);
/* Is the peer where the rule says? */
bool unit_matches(const struct rule *rule, const struct policy_place *place);
/* What does not match, in words. */
void unit_describe_mismatch(
	const struct rule *rule, const struct policy_place *place, char *text, size_t size);

#endif
