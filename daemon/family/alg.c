/*
 * AF_ALG sockets: the kernel's ciphers and hashes. No capability is asked for. Binding chooses type
 * and name of the algorithm, and may be repeated whenever no accepted socket is open, so that a
 * rule cannot say which. A key is bytes (ALG_SET_KEY); by the serial number of a key it would be
 * looked up in the broker's keyrings, so that this option is not one the broker knows.
 */
#include <linux/if_alg.h>
#include <stddef.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

/* What the kernel takes at least: a name of one byte. */
#define ADDRESS_MIN (offsetof(struct sockaddr_alg, salg_name) + 1)

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (rule->has_addresses)
		return family_bad_rule(what, what_size, ret_key, "addresses",
			"the holder of an AF_ALG socket may bind it to another algorithm; take "
			"\"addresses\" out");
	return family_check_keys(rule, 0, "AF_ALG", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	return rule->deny ? 0 : family_option_capabilities(rule);
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	const struct sockaddr_alg *address = step->address;

	if (step->kind == WIRE_STEP_OPTION)
		return family_option_within(rule, query, step, why, why_size);
	if (rule->deny)
		return false;
	if (step->kind == WIRE_STEP_BIND &&
		(step->address_size < ADDRESS_MIN || address->salg_family != AF_ALG))
		return family_no(why, why_size, "not an address of an AF_ALG socket");
	return true;
}

const struct family family_alg = {
	.name = "alg",
	.domain = AF_ALG,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	/* An accepted one takes the lock of its parent. */
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = family_open_freely,
	/* Binding may load the algorithm's module and test it. */
	.step_sleeps = family_step_may_sleep,
	.open = family_open_plainly,
	.poll_is_lockless = true,
	.bind = family_bind_plainly,
};
