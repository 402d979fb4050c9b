/*
 * PF_KEY sockets. CAP_NET_ADMIN is asked for when one is opened and never again, so that its holder
 * has the namespace's whole database of security associations and policies: to read, with the keys,
 * and to change. A rule gives all of it or none.
 */
#include <linux/capability.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	return family_check_keys(rule, 0, "PF_KEY", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	return rule->deny ? 0 : UINT64_C(1) << CAP_NET_ADMIN | family_option_capabilities(rule);
}

const struct family family_key = {
	.name = "key",
	.domain = AF_KEY,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	/* After a grace period. */
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = family_step_freely,
	.open_within = family_open_freely,
	.step_sleeps = family_step_may_sleep,
	.open = family_open_plainly,
	.poll_is_lockless = true,
	.bind = family_bind_plainly,
};
