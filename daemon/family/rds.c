/*
 * RDS sockets. No capability is asked for, whatever the port. Addresses are those of inet and
 * inet6. A bound socket cannot be bound again and sends from nowhere else, so that ports and
 * addresses hold; also a port of the kernel's choice. A socket filter is never run.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (rule->deny && rule->has_ports)
		return family_bad_rule(what, what_size, ret_key, "ports",
			"no port of RDS needs a privilege, so that denying some cannot be kept; "
			"deny "
			"the socket, or limit the allow rules");
	return family_check_keys(
		rule, RULE_KEY_PORTS | RULE_KEY_ADDRESSES, "RDS", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	return rule->deny ? 0 : family_option_capabilities(rule);
}

static bool read_port(const struct wire_step *step, unsigned *ret)
{
	union {
		sa_family_t family;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {0};

	if (step->address_size < sizeof address.family)
		return false;
	memcpy(&address, step->address, MIN_OF(step->address_size, sizeof address));
	switch (address.family) {
	case AF_INET:
		*ret = ntohs(address.in.sin_port);
		return step->address_size >= sizeof address.in;
	case AF_INET6:
		*ret = ntohs(address.in6.sin6_port);
		return step->address_size >= sizeof address.in6;
	default:
		return false;
	}
}

static bool address_listed(const struct rule *rule, const struct wire_step *step)
{
	for (size_t i = 0; i < rule->n_prefixes; i++)
		if (address_prefix_contains(&rule->prefixes[i], step->address, step->address_size))
			return true;
	return false;
}

static bool bind_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	unsigned port;

	if (!read_port(step, &port))
		return family_no(why, why_size,
			"not an address of an RDS socket, which has those of inet and inet6");
	if (rule->has_ports && !ranges_contain(&rule->ports, port))
		return family_no(why, why_size, "port %u is not in the rule's \"ports\"", port);
	if (rule->has_addresses && !address_listed(rule, step))
		return family_no(why, why_size, "the address is not in the rule's \"addresses\"");
	return true;
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	if (step->kind == WIRE_STEP_OPTION)
		return family_option_within(rule, query, step, why, why_size);
	return !rule->deny && bind_within(rule, step, why, why_size);
}

static bool open_within(
	const struct rule *rule, const struct policy_query *query, char *why, size_t why_size)
{
	if ((rule->has_ports || rule->has_addresses) && !family_has_step(query, WIRE_STEP_BIND))
		return family_no(why, why_size,
			"the rule lists \"%s\": a socket that is not bound could be bound "
			"elsewhere by its holder; ask for it with a bind step",
			rule->has_ports ? "ports" : "addresses");
	return true;
}

const struct family family_rds = {
	.name = "rds",
	.domain = AF_RDS,
	.open_steps =
		STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_CONNECT),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	.close_sleeps = true,
	.judges_denied_ports = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = open_within,
	/* Binding looks for a transport, setting one may load its module. */
	.step_sleeps = family_step_may_sleep,
	.open = family_open_plainly,
	.poll_is_lockless = true,
	.bind = family_bind_plainly,
};
