/*
 * TIPC sockets. No capability is asked for anywhere. A socket may be bound to any number of service
 * types and ranges, one after the other and for as long as it lives, and the kernel has nothing
 * that would end this (a socket filter is never run, either), so a rule cannot say which.
 */
#include <linux/tipc.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (rule->has_ports || rule->has_addresses)
		return family_bad_rule(what, what_size, ret_key,
			rule->has_ports ? "ports" : "addresses",
			"the holder of a TIPC socket may bind it to further service types at any "
			"time; take \"%s\" out, or confine by a network namespace (\"netns\")",
			rule->has_ports ? "ports" : "addresses");
	return family_check_keys(rule, 0, "TIPC", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	return rule->deny ? 0 : family_option_capabilities(rule);
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	const struct sockaddr_tipc *address = step->address;

	if (step->kind == WIRE_STEP_OPTION)
		return family_option_within(rule, query, step, why, why_size);
	if (rule->deny)
		return false;
	if (step->kind == WIRE_STEP_BIND &&
		(step->address_size < sizeof *address || address->family != AF_TIPC))
		return family_no(why, why_size, "not an address of a TIPC socket");
	return true;
}

const struct family family_tipc = {
	.name = "tipc",
	.domain = AF_TIPC,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND) |
		      STEP_BIT(WIRE_STEP_CONNECT) | STEP_BIT(WIRE_STEP_LISTEN),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	/* Waits for what is still on its way to the peer. */
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = family_open_freely,
	.step_sleeps = family_step_may_sleep,
	.open = family_open_plainly,
	.poll_is_lockless = true,
	.bind = family_bind_plainly,
};
