/*
 * Vsock sockets. A rule's "ports" are vsock's (32 bits), its "addresses" context identifiers:
 * numbers, or any, hypervisor, local and host. A bound vsock socket cannot be bound again, so a
 * bind step holds.
 */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "daemon/privilege.h"
#include "proto/vm-sockets.h"

#define RESERVED_PORT_LAST 1023u

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	return family_check_keys(
		rule, RULE_KEY_PORTS | RULE_KEY_ADDRESSES, "vsock", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	uint64_t needed;

	if (rule->deny)
		return 0;
	needed = family_option_capabilities(rule);
	if (rule->has_ports && family_ranges_meet(&rule->ports, 0, RESERVED_PORT_LAST))
		needed |= UINT64_C(1) << CAP_NET_BIND_SERVICE;
	return needed;
}

static bool cid_listed(const struct rule *rule, uint32_t cid)
{
	static const struct {
		uint32_t cid;
		const char *name;
	} names[] = {
		{VMADDR_CID_ANY, "any"},
		{VMADDR_CID_HYPERVISOR, "hypervisor"},
		{VMADDR_CID_LOCAL, "local"},
		{VMADDR_CID_HOST, "host"},
	};
	char number[16];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].cid == cid && names_match(&rule->address_patterns, names[i].name))
			return true;
	(void)snprintf(number, sizeof number, "%u", cid);
	return names_match(&rule->address_patterns, number);
}

static bool bind_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	struct sockaddr_vm address;

	if (step->address_size < sizeof address)
		return family_no(why, why_size, "not an address of a vsock socket");
	memcpy(&address, step->address, sizeof address);
	if (address.svm_family != AF_VSOCK)
		return family_no(why, why_size, "not an address of a vsock socket");
	bool port_listed = rule->has_ports && ranges_contain(&rule->ports, address.svm_port);
	/* No deny rule has addresses: the holder chooses its own. */
	if (rule->deny)
		return port_listed;
	if (!port_listed && (rule->has_ports || address.svm_port <= RESERVED_PORT_LAST))
		return family_no(why, why_size, "vsock port %u is not in the rule's \"ports\"",
			address.svm_port);
	if (rule->has_addresses && !cid_listed(rule, address.svm_cid))
		return family_no(why, why_size,
			"context identifier %u is not in the rule's \"addresses\"",
			address.svm_cid);
	return true;
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		return family_option_within(rule, query, step, why, why_size);
	case WIRE_STEP_BIND:
		return bind_within(rule, step, why, why_size);
	default:
		return !rule->deny;
	}
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

static bool step_sleeps(const struct wire_step *step)
{
	return step->kind == WIRE_STEP_SEND || step->kind == WIRE_STEP_CONNECT;
}

/* What is opened with CAP_NET_ADMIN the kernel marks as trusted for good: a VMCI hypervisor lets it
 * connect to what others may not reach. */
static int open_untrusted(int domain, int type, int protocol)
{
	int had = privilege_lower(CAP_NET_ADMIN);

	if (had < 0)
		return had;
	int fd = family_open_plainly(domain, type, protocol);
	privilege_restore(CAP_NET_ADMIN, had);
	return fd;
}

const struct family family_vsock = {
	.name = "vsock",
	.domain = AF_VSOCK,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) |
		      STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_CONNECT) |
		      STEP_BIT(WIRE_STEP_LISTEN) | STEP_BIT(WIRE_STEP_SEND),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND),
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = open_within,
	.step_sleeps = step_sleeps,
	.open = open_untrusted,
	.bind = family_bind_plainly,
};
