/*
 * Packet sockets. Opened with protocol 0, so that nothing arrives before filter and bind have been
 * done. What is handed over is the whole family's power in its network namespace: the holder may
 * bind again to any interface and protocol and send anything from anywhere, so a rule cannot limit
 * that (a locked filter limits what is received).
 */
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (rule->has_interfaces)
		return family_bad_rule(what, what_size, ret_key, "interfaces",
			"the holder of a packet socket may bind it to another interface and send "
			"from any; take \"interfaces\" out, or confine by a network namespace "
			"(\"netns\")");
	if (rule->n_protocols > 0)
		return family_bad_rule(what, what_size, ret_key, "protocol",
			"the holder of a packet socket may bind it to another protocol; take "
			"\"protocol\" out");
	return family_check_keys(rule, 0, "packet", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	if (rule->deny)
		return 0;
	return UINT64_C(1) << CAP_NET_RAW | family_option_capabilities(rule);
}

/* Memberships and rings take rtnl or wait for a grace period. */
static bool step_sleeps(const struct wire_step *step)
{
	return step->kind == WIRE_STEP_SEND ||
	       (step->kind == WIRE_STEP_OPTION && step->a != SOL_SOCKET);
}

static int open_packet(int domain, int type, int protocol)
{
	/* The obsolete type has no protocol in its address: it can only be opened with it. */
	return family_open_plainly(domain, type, type == SOCK_PACKET ? protocol : 0);
}

static int bind_packet(int fd, int type, int protocol, const void *address, size_t size)
{
	struct sockaddr_ll link = {.sll_family = AF_PACKET};

	if (type == SOCK_PACKET || (address && size < sizeof link))
		return family_bind_plainly(fd, type, protocol, address, size);
	if (address)
		memcpy(&link, address, sizeof link);
	/* Network byte order on both sides; the kernel cuts socket(2)'s argument to 16 bits too. */
	if (link.sll_protocol == 0)
		link.sll_protocol = (uint16_t)protocol;
	if (!address && link.sll_protocol == 0)
		return 0;
	return family_bind_plainly(fd, type, protocol, &link, sizeof link);
}

/* SO_PROTOCOL is 0 on every packet socket; the obsolete type does not tell it at all. */
static int own_protocol(int fd, int type)
{
	struct sockaddr_ll link = {0};
	socklen_t size = sizeof link;

	if (type == SOCK_PACKET || getsockname(fd, (struct sockaddr *)&link, &size) < 0)
		return 0;
	return link.sll_protocol;
}

const struct family family_packet = {
	.name = "packet",
	.domain = AF_PACKET,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) |
		      STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_SEND),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = family_step_freely,
	.open_within = family_open_freely,
	.step_sleeps = step_sleeps,
	.open = open_packet,
	.own_protocol = own_protocol,
	.poll_is_lockless = true,
	.marks_packets = true,
	.bind = bind_packet,
};
