/*
 * IPv4 and IPv6: stream, datagram, raw and ping sockets, and whichever of MPTCP, SCTP, UDP-Lite and
 * DCCP the kernel has.
 *
 * What holds after the hand-over, measured: a port that was asked for stays (a holder's
 * connect(AF_UNSPEC) frees one that the kernel chose, and the address with it); a bound device
 * stays on TCP and MPTCP alone, and on IPv6 only once the socket is bound, because binding to a
 * link-local address moves it to that address's interface. A mark stays, and goes over to what is
 * accepted, but for SCTP.
 *
 * A socket that was accepted has the device and the mark of its listener, and neither its port nor
 * its address for good: connect(AF_UNSPEC) frees it from both, and on IPv6 from the device. MPTCP
 * opens further paths as its path manager likes, by any interface; the mark is on them.
 */
#include <arpa/inet.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

#define PRIVILEGED_PORT_LAST 1023u
#define PROTOCOL_MPTCP 262
#define PROTOCOL_SMC 256

static int effective_protocol(int type, int protocol)
{
	return protocol != 0 ? protocol : constant_inet_protocol(type);
}

/* Every protocol of the rule keeps its bound device. */
static bool keeps_device(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_types; i++)
		if (rule->types[i] != SOCK_STREAM)
			return false;
	for (size_t i = 0; i < rule->n_protocols; i++)
		if (rule->protocols[i] != 0 && rule->protocols[i] != IPPROTO_TCP &&
			rule->protocols[i] != PROTOCOL_MPTCP)
			return false;
	return rule->n_types > 0 && rule->n_protocols > 0;
}

static bool may_be_raw(const struct rule *rule)
{
	return rule->n_types == 0 || family_rule_has(rule->types, rule->n_types, SOCK_RAW);
}

/* A device that stays on the socket itself, and not on all that comes of it. */
static int check_device(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (!keeps_device(rule))
		return family_bad_rule(what, what_size, ret_key, "interfaces",
			"connect(AF_UNSPEC) frees any but a TCP or MPTCP socket from its device; "
			"add "
			"\"type\": \"stream\" and \"protocol\": \"tcp\" or \"mptcp\", or confine "
			"by "
			"a network namespace (\"netns\")");
	if (!rule->has_mark && family_rule_has(rule->protocols, rule->n_protocols, PROTOCOL_MPTCP))
		return family_bad_rule(what, what_size, ret_key, "interfaces",
			"the kernel opens further paths of an MPTCP connection by any interface; "
			"add \"mark\", which they have and which a firewall can hold to the "
			"interfaces, or take \"mptcp\" out");
	if (!rule->has_mark && family_rule_has(rule->families, rule->n_families, AF_INET6))
		return family_bad_rule(what, what_size, ret_key, "interfaces",
			"what an IPv6 socket accepts can be bound to another interface; add "
			"\"mark\", which it has and which a firewall can hold to the interfaces, "
			"or "
			"take \"inet6\" out, or confine by a network namespace (\"netns\")");
	return 0;
}

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	int r = family_check_keys(rule, RULE_KEY_PORTS | RULE_KEY_ADDRESSES | RULE_KEY_INTERFACES,
		"inet", what, what_size, ret_key);
	if (r < 0 || rule->deny)
		return r;
	if ((rule->has_ports || rule->has_addresses) && may_be_raw(rule))
		return family_bad_rule(what, what_size, ret_key,
			rule->has_ports ? "ports" : "addresses",
			"a raw socket has no port and its holder may bind it again; add \"type\": "
			"\"stream\" or \"dgram\"");
	if (rule->has_ports && ranges_contain(&rule->ports, 0))
		return family_bad_rule(what, what_size, ret_key, "ports",
			"the holder may give a port of the kernel's choice (0) back and take "
			"another; list ports from 1 on");
	if (rule->has_addresses &&
		family_rule_has(rule->protocols, rule->n_protocols, IPPROTO_SCTP))
		return family_bad_rule(what, what_size, ret_key, "addresses",
			"the holder of an SCTP socket may add addresses to it; take \"addresses\" "
			"or the protocol out");
	if (rule->has_mark && family_rule_has(rule->protocols, rule->n_protocols, IPPROTO_SCTP))
		return family_bad_rule(what, what_size, ret_key, "mark",
			"what an SCTP socket accepts does not have it; take \"mark\" or the "
			"protocol out");
	if (rule->has_mark && family_rule_has(rule->protocols, rule->n_protocols, PROTOCOL_SMC))
		return family_bad_rule(what, what_size, ret_key, "mark",
			"what an SMC socket sends over shared memory does not have it; take "
			"\"mark\" or the protocol out");
	return rule->has_interfaces ? check_device(rule, what, what_size, ret_key) : 0;
}

static uint64_t capabilities(const struct rule *rule)
{
	uint64_t needed;

	if (rule->deny)
		return 0;
	needed = family_option_capabilities(rule);
	if (may_be_raw(rule) || rule->has_interfaces)
		needed |= UINT64_C(1) << CAP_NET_RAW;
	if (rule->has_ports && family_ranges_meet(&rule->ports, 1, PRIVILEGED_PORT_LAST))
		needed |= UINT64_C(1) << CAP_NET_BIND_SERVICE;
	return needed;
}

struct endpoint {
	unsigned port;
	bool link_scope; /* bound to the interface of its scope identifier */
};

/* The kernel takes AF_UNSPEC for AF_INET, and SCTP an IPv4 address on IPv6: neither is needed. */
static bool read_endpoint(int domain, const struct wire_step *step, struct endpoint *ret)
{
	if (domain == AF_INET) {
		struct sockaddr_in in;

		if (step->address_size < sizeof in)
			return false;
		memcpy(&in, step->address, sizeof in);
		*ret = (struct endpoint){.port = ntohs(in.sin_port)};
		return in.sin_family == AF_INET;
	}
	struct sockaddr_in6 in6;

	if (step->address_size < sizeof in6)
		return false;
	memcpy(&in6, step->address, sizeof in6);
	*ret = (struct endpoint){
		.port = ntohs(in6.sin6_port),
		/* Also ff01::, ff02::: which of them the kernel asks a scope for does not matter.
		 */
		.link_scope =
			in6.sin6_scope_id != 0 && (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ||
							  IN6_IS_ADDR_MULTICAST(&in6.sin6_addr)),
	};
	return in6.sin6_family == AF_INET6;
}

static bool address_listed(const struct rule *rule, const struct wire_step *step)
{
	for (size_t i = 0; i < rule->n_prefixes; i++)
		if (address_prefix_contains(&rule->prefixes[i], step->address, step->address_size))
			return true;
	return false;
}

static bool is_ping(const struct policy_query *query)
{
	return query->type == SOCK_DGRAM &&
	       (query->protocol == IPPROTO_ICMP || query->protocol == IPPROTO_ICMPV6);
}

static bool sets_device(const struct wire_step *step)
{
	return step->kind == WIRE_STEP_OPTION && step->a == SOL_SOCKET &&
	       step->b == SO_BINDTODEVICE;
}

/*
 * On a client's own socket, before this bind step: is it bound to one of the rule's devices, or is
 * the broker about to do it? Once bound, an IPv4 socket stays so without CAP_NET_RAW. A device set
 * after the bind does not count: that step may fail, and the socket would stay bound to the port on
 * all of them.
 */
static bool device_holds(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	char name[IFNAMSIZ + 1] = "";
	socklen_t size = IFNAMSIZ;
	bool in_steps = false;

	if (query->domain != AF_INET)
		return family_no(why, why_size,
			"the rule limits interfaces, and its holder may move an IPv6 socket to "
			"another one until it is bound; ask for a new one with a bind step");
	for (size_t i = 0; i < query->n_steps; i++) {
		if (!sets_device(&query->steps[i]))
			continue;
		if (&query->steps[i] < step)
			return true;
		in_steps = true;
	}
	if (!in_steps && family_rule_device(rule))
		return true;
	if (query->fd < 0 || getsockopt(query->fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size) < 0 ||
		name[0] == '\0' || !names_match(&rule->interfaces, name))
		return family_no(why, why_size,
			"the rule limits interfaces: bind the socket to one of them first "
			"(SO_BINDTODEVICE)");
	return true;
}

static bool bind_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	struct endpoint endpoint;
	unsigned port;

	if (!read_endpoint(query->domain, step, &endpoint))
		return family_no(why, why_size, "not an address of an %s socket",
			query->domain == AF_INET ? "inet" : "inet6");
	port = endpoint.port;
	/* No deny rule has addresses: the holder chooses its own. */
	if (rule->deny)
		return rule->has_ports && ranges_contain(&rule->ports, port);
	if (query->type == SOCK_RAW)
		return true;
	if (rule->has_ports && !ranges_contain(&rule->ports, port))
		return family_no(why, why_size, "port %u is not in the rule's \"ports\"", port);
	if (!rule->has_ports && port > 0 && port <= PRIVILEGED_PORT_LAST && !is_ping(query))
		return family_no(
			why, why_size, "port %u is privileged and the rule has no \"ports\"", port);
	if (rule->has_addresses && port == 0)
		return family_no(why, why_size,
			"the rule lists \"addresses\": with a port of the kernel's choice (0) its "
			"holder could bind the socket again; name a port");
	if (rule->has_addresses && effective_protocol(query->type, query->protocol) == IPPROTO_SCTP)
		return family_no(why, why_size,
			"the rule lists \"addresses\", and the holder of an SCTP socket may add "
			"any to it");
	if (rule->has_addresses && !address_listed(rule, step))
		return family_no(why, why_size, "the address is not in the rule's \"addresses\"");
	if (rule->has_interfaces && endpoint.link_scope)
		return family_no(why, why_size,
			"the rule limits interfaces: leave the scope identifier out of the "
			"address");
	if (rule->has_interfaces && query->apply)
		return device_holds(rule, query, step, why, why_size);
	return true;
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		return family_option_within(rule, query, step, why, why_size);
	case WIRE_STEP_BIND:
		return bind_within(rule, query, step, why, why_size);
	default:
		return !rule->deny;
	}
}

/* A port that was asked for, as opposed to one that the kernel chose and the holder may give back.
 */
static bool binds_to_a_port(const struct policy_query *query)
{
	struct endpoint endpoint;

	for (size_t i = 0; i < query->n_steps; i++)
		if (query->steps[i].kind == WIRE_STEP_BIND &&
			read_endpoint(query->domain, &query->steps[i], &endpoint) &&
			endpoint.port != 0)
			return true;
	return false;
}

/* The step that does it; NULL: none. */
static const struct wire_step *device_step(const struct policy_query *query)
{
	for (size_t i = 0; i < query->n_steps; i++)
		if (sets_device(&query->steps[i]))
			return &query->steps[i];
	return NULL;
}

/* Something may come in or go out after it. */
static bool opens_up(const struct wire_step *step)
{
	return step->kind != WIRE_STEP_OPTION && step->kind != WIRE_STEP_FILTER;
}

static bool opens_up_before(const struct policy_query *query, const struct wire_step *device)
{
	for (const struct wire_step *step = query->steps; step < device; step++)
		if (opens_up(step))
			return true;
	return false;
}

static bool open_within(
	const struct rule *rule, const struct policy_query *query, char *why, size_t why_size)
{
	if ((rule->has_ports || rule->has_addresses) && !binds_to_a_port(query))
		return family_no(why, why_size,
			"the rule lists \"%s\": a socket that is not bound could be bound "
			"elsewhere by its holder; ask for it with a bind step",
			rule->has_ports ? "ports" : "addresses");
	if (rule->has_mark && effective_protocol(query->type, query->protocol) == IPPROTO_SCTP)
		return family_no(why, why_size,
			"the rule sets a mark, which what an SCTP socket accepts does not have");
	if (rule->has_mark && query->protocol == PROTOCOL_SMC)
		return family_no(why, why_size,
			"the rule sets a mark, which what an SMC socket sends over shared memory "
			"does not have");
	if (!rule->has_interfaces)
		return true;
	const struct wire_step *device = device_step(query);
	if (device && opens_up_before(query, device))
		return family_no(why, why_size,
			"the rule lists \"interfaces\": set SO_BINDTODEVICE first, before the "
			"socket "
			"is bound or connected");
	if (!family_rule_device(rule) && !device)
		return family_no(why, why_size,
			"the rule lists \"interfaces\": ask for the socket bound to one of them "
			"(SO_BINDTODEVICE)");
	if (query->domain == AF_INET6 && !binds_to_a_port(query))
		return family_no(why, why_size,
			"the rule lists \"interfaces\": the holder of an IPv6 socket may move it "
			"to another one until it is bound; ask for it with a bind step that names "
			"a port");
	return true;
}

/* Options of one protocol may take rtnl (memberships) or load a module (congestion control). */
static bool step_sleeps(const struct wire_step *step)
{
	if (step->kind == WIRE_STEP_SEND)
		return true;
	if (step->kind != WIRE_STEP_OPTION || step->a == SOL_SOCKET)
		return false;
	if (step->a == IPPROTO_IP)
		return step->b != IP_TOS && step->b != IP_TTL && step->b != IP_HDRINCL &&
		       step->b != IP_TRANSPARENT && step->b != IP_FREEBIND &&
		       step->b != IP_RECVERR && step->b != IP_PKTINFO && step->b != IP_MTU_DISCOVER;
	if (step->a == IPPROTO_IPV6)
		return step->b != IPV6_V6ONLY && step->b != IPV6_TCLASS &&
		       step->b != IPV6_UNICAST_HOPS && step->b != IPV6_TRANSPARENT &&
		       step->b != IPV6_FREEBIND && step->b != IPV6_RECVERR &&
		       step->b != IPV6_RECVPKTINFO;
	return true;
}

#define INET_TABLE \
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) | \
		      STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_CONNECT) | \
		      STEP_BIT(WIRE_STEP_LISTEN) | STEP_BIT(WIRE_STEP_SEND), \
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND), \
	.check_rule = check_rule, .capabilities = capabilities, .step_within = step_within, \
	.open_within = open_within, .step_sleeps = step_sleeps, .open = family_open_plainly, \
	.effective_protocol = effective_protocol, .poll_is_lockless = true, .marks_packets = true, \
	.bind = family_bind_plainly

const struct family family_inet = {
	.name = "inet",
	.domain = AF_INET,
	INET_TABLE,
};

const struct family family_inet6 = {
	.name = "inet6",
	.domain = AF_INET6,
	INET_TABLE,
};
