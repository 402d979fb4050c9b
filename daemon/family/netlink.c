/*
 * Netlink sockets. All writes are judged by the kernel at the time of the call, with the
 * credentials of the caller: the broker sends the client's own messages on the client's own socket,
 * and the answer arrives there.
 *
 * Where the broker joins a group or sends, its capabilities count, not the holder's. So only what
 * really needs no privilege is free here.
 */
#include <linux/capability.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "daemon/family/netlink-judge.h"
#include "daemon/generic.h"
#include "daemon/privilege.h"
#include "proto/netlink-interfaces.h"
#include "proto/netlink-route.h"
#include "proto/netlink-sender.h"

#define CAPABILITY(cap) (UINT64_C(1) << (cap))
#define AUDIT_CAPABILITIES \
	(CAPABILITY(CAP_AUDIT_CONTROL) | CAPABILITY(CAP_AUDIT_WRITE) | CAPABILITY(CAP_AUDIT_READ))
#define GROUPS_IN_ADDRESS 32
#define JUDGED_MAX 64u /* messages in a request whose interfaces are judged */

/*
 * May any process join this group? Generic netlink's and audit's have groups that the kernel guards
 * by themselves, and which they are is known at run time only.
 */
static bool group_is_free(int protocol, uint32_t group)
{
	return protocol != NETLINK_GENERIC && protocol != NETLINK_AUDIT && group <= INT32_MAX &&
	       constant_netlink_group_is_free(protocol, (int)group);
}

/*
 * May any process send this message, and would the kernel answer the broker no more than it? For
 * socket diagnosis it would: TCP's MD5 keys and the marks of sockets go to CAP_NET_ADMIN only.
 */
static bool message_is_free(int protocol, int type)
{
	return protocol != NETLINK_SOCK_DIAG && constant_netlink_message_is_free(protocol, type);
}

static bool messages_all_judged(const struct rule *rule)
{
	int protocol = rule->protocols[0];

	for (size_t i = 0; i < rule->messages.n; i++) {
		const struct range *range = &rule->messages.items[i];

		for (uint64_t type = range->first; type <= range->last; type++)
			if (!netlink_is_judged(protocol, (int)type) &&
				!constant_netlink_message_is_free(protocol, (int)type))
				return false;
	}
	return true;
}

static int check_interfaces(
	const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	int protocol = rule->protocols[0];

	if (!rule->has_messages || (protocol != NETLINK_ROUTE && protocol != NETLINK_GENERIC))
		return family_bad_rule(what, what_size, ret_key, "interfaces",
			"\"interfaces\" limits what messages may touch; it needs "
			"\"protocol\": \"route\" or \"generic\", and \"messages\"");
	if (protocol == NETLINK_GENERIC && !messages_all_judged(rule))
		return family_bad_rule(what, what_size, ret_key, "messages",
			"with \"interfaces\" only commands of ethtool, macsec and wireguard can be "
			"judged; take the others out, or \"interfaces\"");
	if (!messages_all_judged(rule))
		return family_bad_rule(what, what_size, ret_key, "messages",
			"with \"interfaces\" only RTM_{NEW,DEL,SET}LINK and RTM_{NEW,DEL}{ADDR,"
			"ROUTE,NEIGH} can be judged; take the others out, or \"interfaces\"");
	return 0;
}

/* Numbers of generic netlink's families, and not of their commands. */
static bool messages_have_types(const struct rule *rule)
{
	for (size_t i = 0; rule->has_messages && i < rule->messages.n; i++)
		if (rule->messages.items[i].first <= UINT16_MAX)
			return true;
	return false;
}

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	const char *key = rule->has_messages ? "messages"
			  : rule->has_groups ? "groups"
					     : "interfaces";
	int r = family_check_keys(rule, RULE_KEY_INTERFACES | RULE_KEY_GROUPS | RULE_KEY_MESSAGES,
		"netlink", what, what_size, ret_key);

	if (r < 0)
		return r;
	if (rule_find_option(rule, option_by_number(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP)) ||
		rule_find_option(rule, option_by_number(SOL_NETLINK, NETLINK_DROP_MEMBERSHIP)))
		return family_bad_rule(what, what_size, ret_key, "options",
			"which groups may be joined and left \"groups\" says; name them there, and "
			"take NETLINK_ADD_MEMBERSHIP and NETLINK_DROP_MEMBERSHIP out");
	if (!rule->has_messages && !rule->has_groups && !rule->has_interfaces)
		return 0;
	if (rule->n_protocols != 1)
		return family_bad_rule(what, what_size, ret_key, key,
			"the numbers of \"%s\" mean something else in each netlink protocol; name "
			"exactly one \"protocol\"",
			key);
	if (rule->protocols[0] == NETLINK_GENERIC && messages_have_types(rule))
		return family_bad_rule(what, what_size, ret_key, "messages",
			"generic netlink gives its families numbers as they come, so a number "
			"may mean another one tomorrow; give names of commands, such as "
			"\"ETHTOOL_MSG_FEATURES_SET\"");
	if (rule->has_messages && !rule->deny && rule->protocols[0] == NETLINK_KOBJECT_UEVENT)
		return family_bad_rule(what, what_size, ret_key, "messages",
			"a kernel event sent by a client would be taken for the kernel's; take "
			"\"messages\" out");
	if (rule->has_messages && !netlink_types_tell(rule->protocols[0]))
		return family_bad_rule(what, what_size, ret_key, "messages",
			"what a message of connector, fib_lookup and iscsi does, its type does not "
			"say; take \"messages\" out");
	return rule->has_interfaces ? check_interfaces(rule, what, what_size, ret_key) : 0;
}

static bool needs_admin(const struct rule *rule)
{
	int protocol = rule->n_protocols == 1 ? rule->protocols[0] : -1;

	for (size_t i = 0; rule->has_messages && i < rule->messages.n; i++) {
		const struct range *range = &rule->messages.items[i];

		if (range->first != range->last || range->first > UINT16_MAX ||
			!message_is_free(protocol, (int)range->first))
			return true;
	}
	for (size_t i = 0; rule->has_groups && i < rule->groups.n; i++) {
		const struct range *range = &rule->groups.items[i];

		if (range->first != range->last || !group_is_free(protocol, range->first))
			return true;
	}
	return false;
}

static uint64_t capabilities(const struct rule *rule)
{
	uint64_t needed;

	if (rule->deny)
		return 0;
	needed = family_option_capabilities(rule);
	if (needs_admin(rule))
		needed |= rule->protocols[0] == NETLINK_AUDIT ? AUDIT_CAPABILITIES
							      : CAPABILITY(CAP_NET_ADMIN);
	return needed;
}

static bool group_within(const struct rule *rule, const struct policy_query *query, uint32_t group,
	char *why, size_t why_size)
{
	bool listed = rule->has_groups && ranges_contain(&rule->groups, group);
	const char *name;

	if (rule->deny || listed || group_is_free(query->protocol, group))
		return listed || !rule->deny;
	name = constant_netlink_group_name(query->protocol, (int)group);
	return family_no(why, why_size, "netlink group %u%s%s%s is not in the rule's \"groups\"",
		group, name ? " (" : "", name ? name : "", name ? ")" : "");
}

static bool bind_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	struct sockaddr_nl address;

	if (step->address_size < sizeof address)
		return family_no(why, why_size, "not an address of a netlink socket");
	memcpy(&address, step->address, sizeof address);
	if (address.nl_family != AF_NETLINK)
		return family_no(why, why_size, "not an address of a netlink socket");
	for (uint32_t group = 1; group <= GROUPS_IN_ADDRESS; group++) {
		if (!(address.nl_groups & UINT32_C(1) << (group - 1)))
			continue;
		/* An allow rule must have all of them, a deny rule one. */
		bool within = group_within(rule, query, group, why, why_size);
		if (within == rule->deny)
			return within;
	}
	return !rule->deny;
}

static bool option_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	uint32_t group;

	if (step->a != SOL_NETLINK ||
		(step->b != NETLINK_ADD_MEMBERSHIP && step->b != NETLINK_DROP_MEMBERSHIP))
		return family_option_within(rule, query, step, why, why_size);
	if (step->data_size != sizeof group)
		return family_no(
			why, why_size, "a netlink group is an int, not %zu bytes", step->data_size);
	memcpy(&group, step->data, sizeof group);
	return group_within(rule, query, group, why, why_size);
}

int netlink_message_number(int protocol, const struct nlmsghdr *message)
{
	return protocol == NETLINK_GENERIC ? generic_number(message) : message->nlmsg_type;
}

static bool is_first_send(const struct policy_query *query, const struct wire_step *step)
{
	for (size_t i = 0; i < query->n_steps; i++)
		if (query->steps[i].kind == WIRE_STEP_SEND)
			return step == &query->steps[i];
	return false;
}

#define NF(subsystem, message) (NFNL_SUBSYS_##subsystem << 8 | (message))

/*
 * What does the same under another number, or that and more: a deny rule for the second is for the
 * first too. In numbers where old headers have no name.
 */
static const struct {
	int protocol;
	int type, like;
} twins[] = {
	/* Changes a link that is there; the first also makes one. */
	{NETLINK_ROUTE, RTM_NEWLINK, RTM_SETLINK},
	{NETLINK_ROUTE, RTM_SETLINK, RTM_NEWLINK},
	/* Deletes, and says nothing where there is none: NFT_MSG_DESTROY... */
	{NETLINK_NETFILTER, NF(NFTABLES, 26), NF(NFTABLES, NFT_MSG_DELTABLE)},
	{NETLINK_NETFILTER, NF(NFTABLES, 27), NF(NFTABLES, NFT_MSG_DELCHAIN)},
	{NETLINK_NETFILTER, NF(NFTABLES, 28), NF(NFTABLES, NFT_MSG_DELRULE)},
	{NETLINK_NETFILTER, NF(NFTABLES, 29), NF(NFTABLES, NFT_MSG_DELSET)},
	{NETLINK_NETFILTER, NF(NFTABLES, 30), NF(NFTABLES, NFT_MSG_DELSETELEM)},
	{NETLINK_NETFILTER, NF(NFTABLES, 31), NF(NFTABLES, NFT_MSG_DELOBJ)},
	{NETLINK_NETFILTER, NF(NFTABLES, 32), NF(NFTABLES, NFT_MSG_DELFLOWTABLE)},
	/* Reads, and begins to count anew: ..._RESET, ..._CTRZERO */
	{NETLINK_NETFILTER, NF(NFTABLES, 21), NF(NFTABLES, NFT_MSG_GETOBJ)},
	{NETLINK_NETFILTER, NF(NFTABLES, 25), NF(NFTABLES, NFT_MSG_GETRULE)},
	{NETLINK_NETFILTER, NF(NFTABLES, 33), NF(NFTABLES, NFT_MSG_GETSETELEM)},
	{NETLINK_NETFILTER, NF(CTNETLINK, 3), NF(CTNETLINK, 1)},
	{NETLINK_NETFILTER, NF(ACCT, 2), NF(ACCT, 1)},
	/* IPSET_CMD_LIST and IPSET_CMD_SAVE */
	{NETLINK_NETFILTER, NF(IPSET, 7), NF(IPSET, 8)},
	{NETLINK_NETFILTER, NF(IPSET, 8), NF(IPSET, 7)},
	/* Adds where there is none, or completes what ALLOCSPI began. */
	{NETLINK_XFRM, XFRM_MSG_UPDPOLICY, XFRM_MSG_NEWPOLICY},
	{NETLINK_XFRM, XFRM_MSG_UPDSA, XFRM_MSG_NEWSA},
	/* What has expired for good is deleted. */
	{NETLINK_XFRM, XFRM_MSG_POLEXPIRE, XFRM_MSG_DELPOLICY},
	{NETLINK_XFRM, XFRM_MSG_EXPIRE, XFRM_MSG_DELSA},
};

/* The number of its twin, or its own. */
static int like(int protocol, const struct nlmsghdr *message)
{
	const unsigned only_new = NLM_F_CREATE | NLM_F_EXCL;
	int type = message->nlmsg_type;

	if (protocol == NETLINK_ROUTE && type == RTM_NEWLINK &&
		(message->nlmsg_flags & only_new) == only_new)
		return type;
	/* These are about a bridge's port. */
	if (protocol == NETLINK_ROUTE && type == RTM_SETLINK && message->nlmsg_len > NLMSG_HDRLEN &&
		((const unsigned char *)message)[NLMSG_HDRLEN] == AF_BRIDGE)
		return type;
	for (size_t i = 0; i < ARRAY_SIZE(twins); i++)
		if (twins[i].protocol == protocol && twins[i].type == type)
			return twins[i].like;
	return type;
}

/* Does the rule name this message? */
static bool is_listed(const struct rule *rule, int protocol, const struct nlmsghdr *message)
{
	int number = netlink_message_number(protocol, message);

	if (!rule->has_messages)
		return false;
	if (ranges_contain(&rule->messages, (uint32_t)number))
		return true;
	return rule->deny && protocol != NETLINK_GENERIC &&
	       ranges_contain(&rule->messages, (uint32_t)like(protocol, message));
}

/* The kernel is asked for the interfaces of each message, on the loop and for each rule. */
static bool is_too_much_to_judge(const struct rule *rule, const struct policy_query *query)
{
	size_t judged = 0;

	for (size_t i = 0; i < query->n_steps; i++) {
		const struct wire_step *step = &query->steps[i];
		const struct nlmsghdr *message = step->data;
		int64_t left = step->kind == WIRE_STEP_SEND ? (int64_t)step->data_size : 0;

		for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
			int number = netlink_message_number(query->protocol, message);

			if (is_listed(rule, query->protocol, message) &&
				netlink_is_judged(query->protocol, number) && ++judged > JUDGED_MAX)
				return true;
		}
	}
	return false;
}

static bool send_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	struct sockaddr_nl address;

	if (rule->has_interfaces && is_first_send(query, step) && is_too_much_to_judge(rule, query))
		return rule->deny ||
		       family_no(why, why_size,
			       "more than %u messages in a request are too many to judge by "
			       "\"interfaces\"; send fewer at a time",
			       JUDGED_MAX);
	if (step->address_size > 0 && !rule->deny) {
		if (step->address_size < sizeof address)
			return family_no(why, why_size, "not an address of a netlink socket");
		memcpy(&address, step->address, sizeof address);
		if (address.nl_family != AF_NETLINK || address.nl_pid != 0 ||
			address.nl_groups != 0)
			return family_no(why, why_size,
				"the broker sends netlink messages to the kernel only (0:0x0)");
	}
	return netlink_messages_within(
		rule, query->protocol, query->fd, step->data, step->data_size, why, why_size);
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		return option_within(rule, query, step, why, why_size);
	case WIRE_STEP_BIND:
		return bind_within(rule, query, step, why, why_size);
	case WIRE_STEP_SEND:
		return send_within(rule, query, step, why, why_size);
	default:
		return !rule->deny;
	}
}

/* Batches of nfnetlink are framed by two messages that do nothing of themselves. */
static bool frames_a_batch(const struct rule *rule, int protocol, int type)
{
	return protocol == NETLINK_NETFILTER && !rule->deny && rule->has_messages &&
	       (type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END);
}

static bool not_listed(
	int protocol, int number, const struct nlmsghdr *message, char *why, size_t why_size)
{
	const char *name = constant_netlink_message_name(protocol, number);

	if (protocol == NETLINK_GENERIC && !name)
		return family_no(why, why_size,
			"generic netlink message %u: not a command that a rule can name, as it is "
			"for everybody, or not one that sockd knows",
			message->nlmsg_type);
	return family_no(why, why_size,
		"netlink message %u%s%s%s is not in the rule's \"messages\"", message->nlmsg_type,
		name ? " (" : "", name ? name : "", name ? ")" : "");
}

static bool message_within(const struct rule *rule, int protocol, int fd,
	const struct nlmsghdr *message, char *why, size_t why_size)
{
	int number = netlink_message_number(protocol, message);
	bool judged = rule->has_interfaces && netlink_is_judged(protocol, number);
	bool listed = is_listed(rule, protocol, message);

	if (rule->deny) {
		if (rule->has_messages && !listed)
			return false;
		if (rule->has_interfaces)
			return judged && netlink_interfaces_within(&rule->interfaces, true,
						 protocol, number, fd, message, why, why_size);
		return rule->has_messages;
	}
	/* What is judged by its interfaces has attributes that are known to stay. */
	if (protocol == NETLINK_ROUTE && !judged && !netlink_route_stays_home(message))
		return family_no(why, why_size,
			"netlink message %d names another network namespace, a process or a "
			"descriptor, or is malformed",
			number);
	if (netlink_is_about_sender(protocol, message))
		return family_no(why, why_size,
			"netlink message %d names a descriptor or the process that sends it, which "
			"would be sockd's",
			number);
	if (message_is_free(protocol, number) || frames_a_batch(rule, protocol, number))
		return true;
	if (!listed)
		return not_listed(protocol, number, message, why, why_size);
	if (!rule->has_interfaces)
		return true;
	if (!judged)
		return family_no(why, why_size,
			"which interface netlink message %d touches cannot be told", number);
	return netlink_interfaces_within(
		&rule->interfaces, false, protocol, number, fd, message, why, why_size);
}

/* The kernel tells the privileged more of bonds: what asks for links is sent without the right, and
 * what else is in its packet would be too. */
static bool asks_beside(int protocol, const void *data, size_t size)
{
	const struct nlmsghdr *message = data;
	bool asks = false, does = false;
	int64_t left = (int64_t)size;

	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		asks = asks || message->nlmsg_type == RTM_GETLINK;
		does = does || !constant_netlink_message_is_free(protocol, message->nlmsg_type);
	}
	return protocol == NETLINK_ROUTE && asks && does;
}

static bool messages_within(const struct rule *rule, int protocol, int fd, const void *data,
	size_t size, char *why, size_t why_size)
{
	const unsigned char *at = data;
	size_t left = size;

	if (size == 0)
		return rule->deny ? false : family_no(why, why_size, "an empty netlink packet");
	if (!rule->deny && asks_beside(protocol, data, size))
		return family_no(why, why_size,
			"RTM_GETLINK is sent in a packet of its own, without what needs a rule");
	while (left > 0) {
		struct nlmsghdr header;

		if (left < sizeof header)
			return family_no(why, why_size,
				"the netlink packet ends in %zu bytes that are no message", left);
		memcpy(&header, at, sizeof header);
		if (header.nlmsg_len < sizeof header || header.nlmsg_len > left)
			return family_no(why, why_size,
				"a netlink message of %u bytes where there are %zu",
				header.nlmsg_len, left);
		bool within = message_within(
			rule, protocol, fd, (const struct nlmsghdr *)at, why, why_size);
		if (within == rule->deny)
			return within;
		size_t step = MIN_OF((size_t)NLMSG_ALIGN(header.nlmsg_len), left);
		at += step;
		left -= step;
	}
	return !rule->deny;
}

bool netlink_messages_within(const struct rule *rule, int protocol, int fd, const void *data,
	size_t size, char *why, size_t why_size)
{
	/* Else looking up a name lays it down, for each name. */
	int had = rule->has_interfaces ? privilege_lower(CAP_NET_ADMIN) : 0;
	bool within = messages_within(rule, protocol, fd, data, size, why, why_size);

	privilege_restore(CAP_NET_ADMIN, had);
	return within;
}

/* Joining a group may take a lock of the protocol's or load its module. */
static bool step_sleeps(const struct wire_step *step)
{
	return step->kind == WIRE_STEP_SEND || step->kind == WIRE_STEP_BIND ||
	       (step->kind == WIRE_STEP_OPTION && step->a == SOL_NETLINK &&
		       step->b == NETLINK_ADD_MEMBERSHIP);
}

/* No connect: a peer chosen with the broker's capability would stay the holder's to send to. */
const struct family family_netlink = {
	.name = "netlink",
	.domain = AF_NETLINK,
	.close_sleeps = true,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) |
		      STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_SEND),
	.apply_steps =
		STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_SEND),
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = family_open_freely,
	.step_sleeps = step_sleeps,
	.open = family_open_plainly,
	.poll_is_lockless = true,
	.bind = family_bind_plainly,
};
