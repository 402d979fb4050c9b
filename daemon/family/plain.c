/*
 * Every family without a file of its own: what a rule allows is opened plainly.
 *
 * Nothing is known here of what a bind, a connect or a message of such a family means, and the
 * broker would do it with its capabilities (an HCI user channel, a port under 1024 of AF_SMC). So
 * only those are done that no capability changes; the holder does the rest.
 */
#include <linux/capability.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	return family_check_keys(rule, 0, "this family's", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	if (rule->deny)
		return 0;
	return UINT64_C(1) << CAP_NET_RAW | UINT64_C(1) << CAP_NET_ADMIN;
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	if (step->kind == WIRE_STEP_OPTION)
		return family_option_within(rule, query, step, why, why_size);
	if (rule->deny)
		return false;
	return family_no(why, why_size,
		"no rule can speak of what a socket of this family is bound to yet; ask for it "
		"unbound");
}

static bool step_sleeps(const struct wire_step *step)
{
	return step->kind == WIRE_STEP_BIND ||
	       (step->kind == WIRE_STEP_OPTION && step->a != SOL_SOCKET);
}

const struct family family_plain = {
	.name = "plain",
	.domain = AF_UNSPEC,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) |
		      STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_LISTEN),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = family_open_freely,
	.step_sleeps = step_sleeps,
	.open = family_open_plainly,
	.bind = family_bind_plainly,
};
