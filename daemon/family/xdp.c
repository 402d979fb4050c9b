/*
 * AF_XDP sockets. CAP_NET_RAW is asked for when one is opened and never again: its holder registers
 * memory of its own and binds to any queue of any interface of the namespace. The broker can do
 * neither for it. The memory would be the broker's, and binding comes after it and may name another
 * socket by its descriptor, which would be one of the broker's.
 */
#include <linux/capability.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (rule->has_interfaces)
		return family_bad_rule(what, what_size, ret_key, "interfaces",
			"an XDP socket is bound by its holder, who chooses interface and queue; "
			"take \"interfaces\" out, or confine by a network namespace (\"netns\")");
	return family_check_keys(rule, 0, "XDP", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	if (rule->deny)
		return 0;
	return UINT64_C(1) << CAP_NET_RAW | family_option_capabilities(rule);
}

const struct family family_xdp = {
	.name = "xdp",
	.domain = AF_XDP,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = family_step_freely,
	.open_within = family_open_freely,
	/* Rings are memory to be found. */
	.step_sleeps = family_step_may_sleep,
	.open = family_open_plainly,
	/* Polling a bound one sends what is in its ring, under a mutex that its holder can keep: by
	 * registering memory whose pages do not come. */
	.poll_is_lockless = false,
	.bind = family_bind_plainly,
};
