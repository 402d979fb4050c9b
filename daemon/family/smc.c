/*
 * SMC sockets: streams over shared memory, with a TCP socket inside that they begin with and fall
 * back to. Binding binds that one, with the capability that its port needs, so a bind is judged as
 * TCP's. Protocol 0 is over IPv4, protocol 1 over IPv6. A bound device reaches the inner socket
 * only later, in connect and listen.
 */
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

#define PROTOCOL_SMC6 1
#define PRIVILEGED_PORT_LAST 1023u

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (rule->has_interfaces)
		return family_bad_rule(what, what_size, ret_key, "interfaces",
			"an SMC socket takes over a device only when it connects or listens; take "
			"\"interfaces\" out, or confine by a network namespace (\"netns\")");
	if (!rule->deny && rule->has_ports && ranges_contain(&rule->ports, 0))
		return family_bad_rule(what, what_size, ret_key, "ports",
			"the holder may give a port of the kernel's choice (0) back and take "
			"another; list ports from 1 on");
	return family_check_keys(
		rule, RULE_KEY_PORTS | RULE_KEY_ADDRESSES, "SMC", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	uint64_t needed;

	if (rule->deny)
		return 0;
	needed = family_option_capabilities(rule);
	if (rule->has_ports && family_ranges_meet(&rule->ports, 1, PRIVILEGED_PORT_LAST))
		needed |= UINT64_C(1) << CAP_NET_BIND_SERVICE;
	return needed;
}

static struct policy_query as_tcp(const struct policy_query *query)
{
	struct policy_query tcp = *query;

	tcp.domain = query->protocol == PROTOCOL_SMC6 ? AF_INET6 : AF_INET;
	tcp.type = SOCK_STREAM;
	tcp.protocol = IPPROTO_TCP;
	return tcp;
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	struct policy_query tcp = as_tcp(query);

	if (step->kind == WIRE_STEP_OPTION)
		return family_option_within(rule, query, step, why, why_size);
	return family_inet.step_within(rule, &tcp, step, why, why_size);
}

static bool open_within(
	const struct rule *rule, const struct policy_query *query, char *why, size_t why_size)
{
	struct policy_query tcp = as_tcp(query);

	return family_inet.open_within(rule, &tcp, why, why_size);
}

const struct family family_smc = {
	.name = "smc",
	.domain = AF_SMC,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND) |
		      STEP_BIT(WIRE_STEP_CONNECT) | STEP_BIT(WIRE_STEP_LISTEN),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND),
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = open_within,
	.step_sleeps = family_step_may_sleep,
	.open = family_open_plainly,
	.poll_is_lockless = true,
	.bind = family_bind_plainly,
};
