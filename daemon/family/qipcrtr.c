/*
 * Qualcomm IPC router sockets. The kernel has them in its first network namespace alone. A socket
 * may be bound again and again; each time ports under 16384, and those from 2^31 up (among them the
 * name server's, which is called the control port), need CAP_NET_ADMIN, the others nothing. So a
 * rule's "ports" are those of the first kind that its sockets may have, and no more can be said.
 */
#include <linux/capability.h>
#include <linux/qrtr.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

/* The kernel compares a port as a signed number with QRTR_MIN_EPH_SOCKET. */
#define FREE_PORT_FIRST 0x4000u
#define FREE_PORT_LAST 0x7fffffffu

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (rule->has_ports &&
		(ranges_contain(&rule->ports, 0) ||
			family_ranges_meet(&rule->ports, FREE_PORT_FIRST, FREE_PORT_LAST)))
		return family_bad_rule(what, what_size, ret_key, "ports",
			"the holder of a qipcrtr socket may bind it to 0 (a free port) and to any "
			"port from 16384 to 2147483647; list only others, which need a privilege");
	return family_check_keys(rule, RULE_KEY_PORTS, "qipcrtr", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	uint64_t needed;

	if (rule->deny)
		return 0;
	needed = family_option_capabilities(rule);
	if (rule->has_ports)
		needed |= UINT64_C(1) << CAP_NET_ADMIN;
	return needed;
}

static bool bind_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	struct sockaddr_qrtr address;

	if (step->address_size < sizeof address)
		return family_no(why, why_size, "not an address of a qipcrtr socket");
	memcpy(&address, step->address, sizeof address);
	if (address.sq_family != AF_QIPCRTR)
		return family_no(why, why_size, "not an address of a qipcrtr socket");
	bool listed = rule->has_ports && ranges_contain(&rule->ports, address.sq_port);
	bool needs_right = address.sq_port != 0 &&
			   (address.sq_port < FREE_PORT_FIRST || address.sq_port > FREE_PORT_LAST);

	if (rule->deny)
		return listed;
	if (needs_right && !listed)
		return family_no(why, why_size,
			"qipcrtr port %u needs a privilege and is not in the rule's \"ports\"",
			address.sq_port);
	return true;
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	if (step->kind == WIRE_STEP_OPTION)
		return family_option_within(rule, query, step, why, why_size);
	return bind_within(rule, step, why, why_size);
}

const struct family family_qipcrtr = {
	.name = "qipcrtr",
	.domain = AF_QIPCRTR,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) |
		      STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_CONNECT),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND),
	/* A port is given back after a grace period. */
	.close_sleeps = true,
	.judges_denied_ports = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = family_open_freely,
	.step_sleeps = family_step_may_sleep,
	.open = family_open_plainly,
	.poll_is_lockless = true,
	.bind = family_bind_plainly,
};
