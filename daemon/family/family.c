#include "daemon/family/family.h"

#include <linux/capability.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

#define CAPABILITY(cap) (UINT64_C(1) << (cap))

const struct family *family_get(int domain)
{
	switch (domain) {
	case AF_BLUETOOTH:
		return &family_bluetooth;
	case AF_INET:
		return &family_inet;
	case AF_INET6:
		return &family_inet6;
	case AF_PACKET:
		return &family_packet;
	case AF_NETLINK:
		return &family_netlink;
	case AF_VSOCK:
		return &family_vsock;
	case AF_UNIX:
		return &family_unix;
	case AF_ALG:
		return &family_alg;
	case AF_KEY:
		return &family_key;
	case AF_QIPCRTR:
		return &family_qipcrtr;
	case AF_RDS:
		return &family_rds;
	case AF_SMC:
		return &family_smc;
	case AF_TIPC:
		return &family_tipc;
	case AF_XDP:
		return &family_xdp;
	case AF_CAN:
		return &family_can;
	default:
		return &family_plain;
	}
}

int family_effective_protocol(int domain, int type, int protocol)
{
	const struct family *family = family_get(domain);

	return family->effective_protocol ? family->effective_protocol(type, protocol) : protocol;
}

bool family_no(char *why, size_t why_size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return false;
}

int family_bad_rule(char *what, size_t what_size, const char **ret_key, const char *key,
	const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(what, what_size, format, arguments);
	va_end(arguments);
	*ret_key = key;
	return -EINVAL;
}

int family_check_keys(const struct rule *rule, uint32_t known, const char *name, char *what,
	size_t what_size, const char **ret_key)
{
	const struct {
		uint32_t bit;
		bool used;
		const char *key;
	} keys[] = {
		{RULE_KEY_PORTS, rule->has_ports, "ports"},
		{RULE_KEY_ADDRESSES, rule->has_addresses, "addresses"},
		{RULE_KEY_INTERFACES, rule->has_interfaces, "interfaces"},
		{RULE_KEY_GROUPS, rule->has_groups, "groups"},
		{RULE_KEY_MESSAGES, rule->has_messages, "messages"},
		{RULE_KEY_IDENTIFIERS, rule->identifiers != NULL, "identifiers"},
		{RULE_KEY_DIRECTION, rule->direction != RULE_DIRECTION_BOTH, "direction"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].used && !(known & keys[i].bit))
			return family_bad_rule(what, what_size, ret_key, keys[i].key,
				"a rule cannot limit %s sockets by \"%s\"; take the key out, or "
				"name "
				"another \"family\"",
				name, keys[i].key);
	return 0;
}

bool family_has_step(const struct policy_query *query, enum wire_step_kind kind)
{
	for (size_t i = 0; i < query->n_steps; i++)
		if (query->steps[i].kind == kind)
			return true;
	return false;
}

bool family_rule_has(const int *items, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (items[i] == value)
			return true;
	return false;
}

bool family_ranges_meet(const struct ranges *ranges, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (ranges->items[i].first <= last && ranges->items[i].last >= first)
			return true;
	return false;
}

const char *family_rule_device(const struct rule *rule)
{
	const char *name;

	if (!rule->has_interfaces || rule->interfaces.n != 1)
		return NULL;
	name = rule->interfaces.items[0];
	return strchr(name, '*') ? NULL : name;
}

/* The name as the kernel takes it: up to the first NUL, at most IFNAMSIZ - 1 bytes. */
static void read_interface(const struct wire_step *step, char ret[static IFNAMSIZ])
{
	size_t size = strnlen(step->data ? step->data : "", MIN_OF(step->data_size, IFNAMSIZ - 1u));

	if (size > 0)
		memcpy(ret, step->data, size);
	ret[size] = '\0';
}

static bool option_value_fits(const struct option_info *info, const struct wire_step *step)
{
	switch (info->value) {
	case OPTION_INT:
		return step->data_size == sizeof(int);
	case OPTION_INTERFACE:
		return step->data_size <= IFNAMSIZ;
	case OPTION_BYTES:
		return step->data_size <= WIRE_OPTION_MAX;
	}
	return false;
}

static bool option_listed(const struct rule_option *option, const struct wire_step *step)
{
	char name[IFNAMSIZ];
	uint32_t value;

	if (option->any)
		return true;
	switch (option->info->value) {
	case OPTION_INT:
		memcpy(&value, step->data, sizeof value);
		return ranges_contain(&option->values, value);
	case OPTION_INTERFACE:
		read_interface(step, name);
		return name[0] != '\0' && names_match(&option->texts, name);
	case OPTION_BYTES:
		return false;
	}
	return false;
}

static bool is_option(const struct wire_step *step, int level, int option)
{
	return step->a == level && step->b == option;
}

static bool device_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	char name[IFNAMSIZ];

	if (step->b != SO_BINDTODEVICE)
		return family_no(why, why_size,
			"the rule limits interfaces: use SO_BINDTODEVICE with a name, not "
			"SO_BINDTOIFINDEX");
	read_interface(step, name);
	if (name[0] == '\0')
		return family_no(why, why_size,
			"the rule limits interfaces: SO_BINDTODEVICE may not be undone");
	if (!names_match(&rule->interfaces, name))
		return family_no(
			why, why_size, "interface %s is not in the rule's \"interfaces\"", name);
	return true;
}

/* Of a switch all that turns it on is listed where one of it is. The kernel takes a shorter value,
 * too, and reads one byte of it. */
static bool switch_denied(const struct rule_option *option, const struct wire_step *step)
{
	static const char zeros[sizeof(int)];

	if (option->any)
		return true;
	if (memcmp(step->data ? step->data : zeros, zeros, MIN_OF(step->data_size, sizeof zeros)) ==
		0)
		return ranges_contain(&option->values, 0);
	return family_ranges_meet(&option->values, 1, UINT32_MAX);
}

static bool value_denied(const struct rule_option *option, const struct wire_step *step)
{
	if (option_is_switch(option->info))
		return switch_denied(option, step);
	/* A value of the wrong size is in no allow rule either. */
	return option_value_fits(option->info, step) && option_listed(option, step);
}

/* What the rule lists of an option that does the same as this one; NULL: nothing. */
static const struct rule_option *find_twin(const struct rule *rule, const struct option_info *info)
{
	static const struct {
		int level, option;
	} twins[][2] = {
		{{IPPROTO_IP, IP_TRANSPARENT}, {IPPROTO_IPV6, IPV6_TRANSPARENT}},
		{{SOL_SOCKET, SO_BINDTODEVICE}, {SOL_SOCKET, SO_BINDTOIFINDEX}},
		/* IP_IPSEC_POLICY and IP_XFRM_POLICY, and those of IPv6 */
		{{IPPROTO_IP, 16}, {IPPROTO_IP, 17}},
		{{IPPROTO_IPV6, 34}, {IPPROTO_IPV6, 35}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(twins); i++)
		for (size_t j = 0; j < 2; j++)
			if (twins[i][j].level == info->level && twins[i][j].option == info->option)
				return rule_find_option(rule,
					option_by_number(twins[i][!j].level, twins[i][!j].option));
	return NULL;
}

static bool twin_denied(
	const struct rule *rule, const struct option_info *info, const struct wire_step *step)
{
	const struct rule_option *twin = find_twin(rule, info);

	/* A name and an index are not compared: each device is denied then. */
	return twin && (twin->info->value != info->value || value_denied(twin, step));
}

static bool option_denied(
	const struct rule *rule, const struct option_info *info, const struct wire_step *step)
{
	const struct rule_option *option = rule_find_option(rule, info);
	char name[IFNAMSIZ];

	if (rule->has_interfaces && is_option(step, SOL_SOCKET, SO_BINDTODEVICE)) {
		read_interface(step, name);
		if (names_match(&rule->interfaces, name))
			return true;
	}
	return (option && value_denied(option, step)) || twin_denied(rule, info, step);
}

static bool is_device(const struct wire_step *step)
{
	return is_option(step, SOL_SOCKET, SO_BINDTODEVICE) ||
	       is_option(step, SOL_SOCKET, SO_BINDTOIFINDEX);
}

/* Free for the holder, but not when it is the broker that sets it. */
static bool option_is_traded(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, const char **ret_reason)
{
	/* All sockets opened by the broker would be of one uid and so of one group. */
	if (is_option(step, SOL_SOCKET, SO_REUSEPORT) && !query->apply && !rule->owner_peer) {
		*ret_reason = "SO_REUSEPORT would share the port with every other socket that the "
			      "broker opened; the rule needs \"owner\": \"peer\" or the option";
		return true;
	}
	/* The holder may set a device, not change it; with the broker's capability both are one. */
	if (query->apply && is_device(step)) {
		*ret_reason = "changing the device a socket is bound to takes a rule that lists "
			      "the option or the interface";
		return true;
	}
	return false;
}

bool family_option_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	const struct option_info *info = option_of_family(query->domain, step->a, step->b);
	const struct rule_option *option;
	const char *reason = NULL;

	/* The same numbers mean other things in other families: IP_TTL is HCI_FILTER on a Bluetooth
	 * socket. */
	if (!info || !option_is_for_family(info, query->domain))
		return family_no(why, why_size,
			"socket option %d of level %d is not one the broker knows for this family",
			step->b, step->a);
	if (rule->deny)
		return option_denied(rule, info, step);
	if (!option_value_fits(info, step))
		return family_no(why, why_size, "%s: a value of %zu bytes is not one it can have",
			info->name, step->data_size);
	if (rule->has_interfaces && is_device(step))
		return device_within(rule, step, why, why_size);
	/* The holder of a new socket may bind it to a device, once. */
	if (!query->apply && is_device(step))
		return true;
	if (!option_is_traded(rule, query, step, &reason) &&
		option_is_free(info, step->data, step->data_size))
		return true;
	option = rule_find_option(rule, info);
	if (!option && reason)
		return family_no(why, why_size, "%s", reason);
	if (!option)
		return family_no(why, why_size, "%s is not in the rule's \"options\"", info->name);
	if (!option_listed(option, step))
		return family_no(
			why, why_size, "%s: the rule does not permit this value", info->name);
	return true;
}

uint64_t family_option_capabilities(const struct rule *rule)
{
	uint64_t capabilities = 0;

	for (size_t i = 0; i < rule->n_options && !rule->deny; i++) {
		const struct option_info *info = rule->options[i].info;

		if (info->level == SOL_NETLINK && info->option == NETLINK_LISTEN_ALL_NSID)
			capabilities |= CAPABILITY(CAP_NET_BROADCAST);
		else if (info->right == OPTION_ADMIN || info->right == OPTION_INIT_ADMIN)
			capabilities |= CAPABILITY(CAP_NET_ADMIN);
		else if (info->right == OPTION_RAW || info->value == OPTION_INTERFACE ||
			 (info->level == SOL_SOCKET && info->option == SO_BINDTOIFINDEX))
			capabilities |= CAPABILITY(CAP_NET_RAW);
	}
	return capabilities;
}

bool family_step_freely(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	if (step->kind == WIRE_STEP_OPTION)
		return family_option_within(rule, query, step, why, why_size);
	return !rule->deny;
}

bool family_open_freely(const struct rule *rule _unused_, const struct policy_query *query _unused_,
	char *why _unused_, size_t why_size _unused_)
{
	return true;
}

bool family_any_step_sleeps(int domain, const struct wire_step *steps, size_t n)
{
	const struct family *family = family_get(domain);

	for (size_t i = 0; i < n; i++)
		if (family->step_sleeps(&steps[i]))
			return true;
	return false;
}

bool family_step_may_sleep(const struct wire_step *step)
{
	return step->kind != WIRE_STEP_OPTION || step->a != SOL_SOCKET;
}

int family_open_plainly(int domain, int type, int protocol)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	return fd < 0 ? negative_errno() : fd;
}

int family_bind_plainly(
	int fd, int type _unused_, int protocol _unused_, const void *address, size_t size)
{
	if (!address)
		return 0;
	return bind(fd, address, (socklen_t)size) < 0 ? negative_errno() : 0;
}
