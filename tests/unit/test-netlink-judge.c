/* Hostile and honest netlink messages before the judge. Interfaces are real ones of a namespace of
 * its own. */
#include <check.h>
#include <linux/audit.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/lwtunnel.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/nexthop.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <linux/veth.h>
#include <linux/xfrm.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "daemon/family/netlink-judge.h"
#include "proto/macro.h"

struct buffer {
	_Alignas(8) unsigned char bytes[4096];
	size_t size;
};

static size_t start(struct buffer *b, int type, int flags, const void *header, size_t header_size)
{
	struct nlmsghdr message = {
		.nlmsg_type = (uint16_t)type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
	};
	size_t at = b->size;

	memcpy(b->bytes + b->size, &message, sizeof message);
	memcpy(b->bytes + b->size + sizeof message, header, header_size);
	b->size += sizeof message + header_size;
	return at;
}

static size_t put(struct buffer *b, int type, const void *data, size_t size)
{
	struct nlattr attribute = {
		.nla_len = (uint16_t)(sizeof attribute + size),
		.nla_type = (uint16_t)type,
	};
	size_t at = b->size;

	memcpy(b->bytes + b->size, &attribute, sizeof attribute);
	if (size > 0)
		memcpy(b->bytes + b->size + sizeof attribute, data, size);
	b->size += NLA_ALIGN(sizeof attribute + size);
	return at;
}

static void put_text(struct buffer *b, int type, const char *text)
{
	put(b, type, text, strlen(text) + 1);
}

static void put_number(struct buffer *b, int type, uint32_t number)
{
	put(b, type, &number, sizeof number);
}

static void end_nested(struct buffer *b, size_t at)
{
	struct nlattr attribute;

	memcpy(&attribute, b->bytes + at, sizeof attribute);
	attribute.nla_len = (uint16_t)(b->size - at);
	memcpy(b->bytes + at, &attribute, sizeof attribute);
}

static void finish(struct buffer *b, size_t at)
{
	uint32_t size = (uint32_t)(b->size - at);

	memcpy(b->bytes + at, &size, sizeof size);
}

static char *names[] = {"lo", "t*"};
static struct range types[] = {{RTM_NEWLINK, RTM_SETLINK}, {RTM_NEWADDR, RTM_DELADDR},
	{RTM_NEWROUTE, RTM_DELROUTE}, {RTM_NEWNEIGH, RTM_DELNEIGH}};
static struct rule rule;
static char why[POLICY_REASON_MAX];
static int fd = -1;

static void setup(void)
{
	memset(&rule, 0, sizeof rule);
	rule.has_messages = rule.has_interfaces = true;
	rule.messages = (struct ranges){types, ARRAY_SIZE(types)};
	rule.interfaces = (struct names){names, ARRAY_SIZE(names)};
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ck_assert_int_ge(fd, 0);
}

static void teardown(void)
{
	close_quietly(fd);
}

static bool within(const struct buffer *b)
{
	why[0] = '\0';
	return netlink_messages_within(
		&rule, NETLINK_ROUTE, fd, b->bytes, b->size, why, sizeof why);
}

#define assert_refused(b, words) \
	do { \
		ck_assert(!within(b)); \
		ck_assert_msg(strstr(why, words) != NULL, "reason is \"%s\"", why); \
	} while (0)
#define assert_allowed(b) ck_assert_msg(within(b), "refused: %s", why)

static size_t start_link(struct buffer *b, int type, int flags, int index)
{
	struct ifinfomsg link = {.ifi_index = index};

	return start(b, type, flags, &link, sizeof link);
}

/* What `ip link add NAME type KIND` sends. */
static void make_link(struct buffer *b, const char *name, const char *kind)
{
	size_t at = start_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	put_text(b, IFLA_IFNAME, name);
	size_t info = put(b, IFLA_LINKINFO, NULL, 0);
	put(b, IFLA_INFO_KIND, kind, strlen(kind));
	end_nested(b, info);
	finish(b, at);
}

START_TEST(creates_named_links_only)
{
	struct buffer b = {0};

	make_link(&b, "t0", "dummy");
	assert_allowed(&b);
	b.size = 0;
	make_link(&b, "eth7", "dummy");
	assert_refused(&b, "interface eth7 is not in");
	b.size = 0;
	make_link(&b, "t%d", "dummy");
	assert_refused(&b, "may become another");
	b.size = 0;
	make_link(&b, "t0", "vxlan");
	assert_refused(&b, "kind of link");
	b.size = 0;
	make_link(&b, "t0", "vlan");
	assert_refused(&b, "needs the link");
	b.size = 0;
	finish(&b, start_link(&b, RTM_NEWLINK, NLM_F_CREATE, 0));
	assert_refused(&b, "names no interface");
}
END_TEST

/* The kernel puts these on the device below where they are made on one of their kind. */
START_TEST(a_link_sits_where_it_says)
{
	static const char *const elsewhere[] = {"macvlan", "macvtap", "ipvlan"};
	struct buffer b = {0};

	for (int i = -1; i < (int)ARRAY_SIZE(elsewhere); i++) {
		b.size = 0;
		make_link(&b, "t0", i < 0 ? "vlan" : elsewhere[i]);
		put_number(&b, IFLA_LINK, if_nametoindex("lo"));
		finish(&b, 0);
		if (i < 0)
			assert_allowed(&b);
		else
			assert_refused(&b, "kind of link");
	}
}
END_TEST

/* The kernel makes up the name of a link that is found by nothing but an alternative name or an
 * index, which another message of the same packet may have freed. */
START_TEST(a_new_link_needs_a_name_of_its_own)
{
	struct buffer b = {0};
	size_t at = start_link(&b, RTM_NEWLINK, NLM_F_CREATE, 0);

	put_text(&b, IFLA_ALT_IFNAME, "t0");
	finish(&b, at);
	assert_refused(&b, "needs a name");
	b.size = 0;
	at = start_link(&b, RTM_NEWLINK, NLM_F_CREATE, (int)if_nametoindex("lo"));
	finish(&b, at);
	assert_refused(&b, "needs a name");
}
END_TEST

START_TEST(finds_interfaces_by_index)
{
	struct buffer b = {0};
	size_t at = start_link(&b, RTM_NEWLINK, 0, (int)if_nametoindex("lo"));

	finish(&b, at);
	assert_allowed(&b);
	put_text(&b, IFLA_IFNAME, "eth7"); /* a rename out of the rule */
	finish(&b, at);
	assert_refused(&b, "eth7");

	names[0] = "other";
	b.size = 0;
	at = start_link(&b, RTM_DELLINK, 0, (int)if_nametoindex("lo"));
	finish(&b, at);
	assert_refused(&b, "interface lo is not in");
	put_text(&b, IFLA_IFNAME, "t0"); /* the kernel goes by the index */
	finish(&b, at);
	assert_refused(&b, "interface lo is not in");
	b.size = 0;
	finish(&b, start_link(&b, RTM_DELLINK, 0, 99999));
	assert_refused(&b, "no interface 99999");
	b.size = 0;
	finish(&b, start_link(&b, RTM_DELLINK, 0, -1));
	assert_refused(&b, "no interface");
	close_quietly(TAKE_FD(fd));
	b.size = 0;
	finish(&b, start_link(&b, RTM_DELLINK, 0, 1));
	assert_refused(&b, "socket of the client's own");
}
END_TEST

START_TEST(refuses_what_leads_elsewhere)
{
	static const int attributes[] = {IFLA_NET_NS_PID, IFLA_NET_NS_FD, IFLA_TARGET_NETNSID,
		IFLA_NEW_NETNSID, IFLA_NEW_IFINDEX, IFLA_GROUP, IFLA_XDP, IFLA_VF_PORTS,
		IFLA_AF_SPEC, IFLA_PROP_LIST, IFLA_LINK_NETNSID, IFLA_VFINFO_LIST, 200, 0,
		IFLA_NET_NS_PID | NLA_F_NESTED, IFLA_NET_NS_FD | NLA_F_NET_BYTEORDER,
		IFLA_NET_NS_FD | NLA_F_NESTED | NLA_F_NET_BYTEORDER};

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		struct buffer b = {0};
		size_t at = start_link(&b, RTM_SETLINK, 0, 0);
		char words[32];

		put_text(&b, IFLA_IFNAME, "t0");
		put_number(&b, attributes[i], 1);
		finish(&b, at);
		snprintf(words, sizeof words, "attribute %d is not", attributes[i] & NLA_TYPE_MASK);
		assert_refused(&b, words);
	}
}
END_TEST

START_TEST(judges_master_and_lower_link)
{
	struct buffer b = {0};
	size_t at = start_link(&b, RTM_NEWLINK, 0, (int)if_nametoindex("lo"));

	put_number(&b, IFLA_MASTER, 0);
	finish(&b, at);
	assert_allowed(&b);
	b.size = at;
	at = start_link(&b, RTM_NEWLINK, 0, 0);
	put_text(&b, IFLA_IFNAME, "t0");
	put_number(&b, IFLA_MASTER, if_nametoindex("lo"));
	finish(&b, at);
	assert_allowed(&b);
	names[0] = "other";
	assert_refused(&b, "interface lo");
	b.size = 0;
	at = start_link(&b, RTM_NEWLINK, NLM_F_CREATE, 0);
	put_text(&b, IFLA_IFNAME, "t0");
	put_number(&b, IFLA_LINK, if_nametoindex("lo"));
	finish(&b, at);
	assert_refused(&b, "interface lo");
	b.size = 0;
	at = start_link(&b, RTM_NEWLINK, NLM_F_CREATE, 0);
	put_text(&b, IFLA_IFNAME, "t0");
	put(&b, IFLA_LINK, "\1\0", 2);
	finish(&b, at);
	assert_refused(&b, "no interface index");
}
END_TEST

/* `ip link add t0 type veth peer name PEER`, with one more attribute in the peer where extra is not
 * 0. */
static void make_veth(struct buffer *b, const char *peer, int index, int extra)
{
	struct ifinfomsg header = {.ifi_index = index};
	size_t at = start_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	put_text(b, IFLA_IFNAME, "t0");
	size_t info = put(b, IFLA_LINKINFO, NULL, 0);
	put(b, IFLA_INFO_KIND, "veth", 4);
	size_t data = put(b, IFLA_INFO_DATA, NULL, 0);
	size_t nested = put(b, VETH_INFO_PEER | NLA_F_NESTED, &header, sizeof header);
	if (peer)
		put_text(b, IFLA_IFNAME, peer);
	if (extra)
		put_number(b, extra, 1);
	end_nested(b, nested);
	end_nested(b, data);
	end_nested(b, info);
	finish(b, at);
}

START_TEST(judges_the_peer_of_a_veth)
{
	struct buffer b = {0};

	make_veth(&b, "t1", 0, 0);
	assert_allowed(&b);
	b.size = 0;
	make_veth(&b, "t1", 0, IFLA_MTU);
	assert_allowed(&b);
	b.size = 0;
	make_veth(&b, "eth7", 0, 0);
	assert_refused(&b, "interface eth7");
	b.size = 0;
	make_veth(&b, NULL, 0, 0);
	assert_refused(&b, "peer needs a name");
	b.size = 0;
	make_veth(&b, "t1", 5, 0);
	assert_refused(&b, "interface index");
	b.size = 0;
	make_veth(&b, "t1", 0, IFLA_NET_NS_PID);
	assert_refused(&b, "veth peer: attribute 19");
	b.size = 0;
	make_link(&b, "t0", "veth"); /* the kernel would choose the peer's name */
	assert_refused(&b, "needs a peer");
}
END_TEST

START_TEST(refuses_doubles)
{
	struct buffer b = {0};
	size_t at = start_link(&b, RTM_SETLINK, 0, 0);

	put_text(&b, IFLA_IFNAME, "t0");
	put_text(&b, IFLA_IFNAME | NLA_F_NESTED, "eth7");
	finish(&b, at);
	assert_refused(&b, "there twice");
	b.size = 0;
	at = start_link(&b, RTM_NEWLINK, NLM_F_CREATE, 0);
	put_text(&b, IFLA_IFNAME, "t0");
	size_t info = put(&b, IFLA_LINKINFO, NULL, 0);
	put_text(&b, IFLA_INFO_KIND, "dummy");
	put_text(&b, IFLA_INFO_KIND, "vxlan");
	end_nested(&b, info);
	finish(&b, at);
	assert_refused(&b, "there twice");
}
END_TEST

START_TEST(refuses_truncation)
{
	struct buffer whole = {0};

	make_veth(&whole, "t1", 0, 0);
	/* A packet cut anywhere, and one whose header claims the cut size. */
	for (size_t size = 0; size < whole.size; size++) {
		struct buffer b = whole;

		b.size = size;
		ck_assert_msg(!within(&b), "cut at %zu", size);
		if (size < sizeof(struct nlmsghdr))
			continue;
		finish(&b, 0);
		/* With its name alone, padded or not, the message is whole again. */
		bool whole_again = size == 39 || size == 40;
		ck_assert_msg(within(&b) == whole_again, "shortened to %zu", size);
	}
	/* Attributes of impossible length. */
	for (unsigned length = 0; length < 4; length++) {
		struct buffer b = {0};
		size_t at = start_link(&b, RTM_SETLINK, 0, 0);
		struct nlattr attribute = {.nla_len = (uint16_t)length, .nla_type = IFLA_IFNAME};

		put_text(&b, IFLA_MTU, "abc");
		memcpy(b.bytes + b.size, &attribute, sizeof attribute);
		b.size += sizeof attribute;
		finish(&b, at);
		assert_refused(&b, "an attribute of");
	}
}
END_TEST

START_TEST(sees_every_message_of_a_packet)
{
	struct buffer b = {0};

	make_link(&b, "t0", "dummy");
	make_link(&b, "eth7", "dummy");
	assert_refused(&b, "interface eth7");
	b.size = 0;
	make_link(&b, "t0", "dummy");
	make_link(&b, "t1", "dummy");
	assert_allowed(&b);
	memset(b.bytes + b.size, 0, 16);
	b.size += 8; /* less than a message */
	assert_refused(&b, "no message");
	b.size += 8; /* a header of zeros */
	assert_refused(&b, "message of 0 bytes");
	b.size = 0;
	make_link(&b, "t0", "dummy");
	struct tcmsg queue = {.tcm_ifindex = 1};
	finish(&b, start(&b, RTM_NEWQDISC, 0, &queue, sizeof queue));
	assert_refused(&b, "RTM_NEWQDISC");
}
END_TEST

static bool request_within(const struct wire_step *steps, size_t n_steps)
{
	const struct policy_query query = {.apply = true,
		.domain = AF_NETLINK,
		.type = SOCK_RAW,
		.protocol = NETLINK_ROUTE,
		.steps = steps,
		.n_steps = n_steps,
		.fd = fd};

	for (size_t i = 0; i < n_steps; i++)
		if (family_get(AF_NETLINK)
				->step_within(&rule, &query, &steps[i], why, sizeof why) ==
			rule.deny)
			return rule.deny;
	return !rule.deny;
}

static struct wire_step send_step(const struct buffer *b)
{
	return (struct wire_step){.kind = WIRE_STEP_SEND, .data = b->bytes, .data_size = b->size};
}

/* Without a name the interface lo is meant. */
static void make_many(struct buffer *b, size_t n, const char *name)
{
	b->size = 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = start_link(b, RTM_SETLINK, 0, name ? 0 : (int)if_nametoindex("lo"));
		if (name)
			put_text(b, IFLA_IFNAME, name);
		finish(b, at);
	}
}

/* Judging takes calls of the kernel for each message, which everybody else waits for. */
START_TEST(judges_so_many_messages_and_no_more)
{
	static struct buffer b, other;

	make_many(&b, 64, "t0");
	struct wire_step steps[2] = {send_step(&b)};
	ck_assert_msg(request_within(steps, 1), "refused: %s", why);
	/* Before any is judged: the name would be another reason. */
	make_many(&b, 65, "eth7");
	steps[0] = send_step(&b);
	ck_assert(!request_within(steps, 1));
	ck_assert_msg(strstr(why, "more than 64") && strstr(why, "fewer at a time"),
		"reason is \"%s\"", why);
	/* In one packet or in several steps. */
	make_many(&b, 40, "eth7");
	make_many(&other, 25, "eth7");
	steps[0] = send_step(&b);
	steps[1] = send_step(&other);
	ck_assert(!request_within(steps, 2));
	ck_assert_msg(strstr(why, "more than 64") != NULL, "reason is \"%s\"", why);
	/* A deny rule speaks of what it would be too much to judge, and of no other message. */
	rule.deny = true;
	names[0] = "other";
	make_many(&b, 64, NULL);
	steps[0] = send_step(&b);
	ck_assert(!request_within(steps, 1));
	make_many(&b, 65, NULL);
	steps[0] = send_step(&b);
	ck_assert(request_within(steps, 1));
	rule.messages = (struct ranges){types + 1, 1};
	ck_assert(!request_within(steps, 1));
	/* Without "interfaces" there is nothing to judge. */
	rule.deny = rule.has_interfaces = false;
	rule.messages = (struct ranges){types, ARRAY_SIZE(types)};
	ck_assert_msg(request_within(steps, 1), "refused: %s", why);
}
END_TEST

START_TEST(refuses_odd_names)
{
	static const struct {
		const char *bytes;
		size_t size;
	} odd[] = {{"", 0}, {"\0", 1}, {"t0\0x", 4}, {"t0\0\0", 4}, {"t123456789012345", 16},
		{"t/0", 4}};

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct buffer b = {0};
		size_t at = start_link(&b, RTM_SETLINK, 0, 0);

		put(&b, IFLA_IFNAME, odd[i].bytes, odd[i].size);
		finish(&b, at);
		assert_refused(&b, "interface name");
	}
	struct buffer b = {0};
	size_t at = start_link(&b, RTM_SETLINK, 0, 0);
	put(&b, IFLA_IFNAME, "t0", 2); /* without its NUL, as nla_strscpy() takes it */
	finish(&b, at);
	assert_allowed(&b);
}
END_TEST

START_TEST(judges_addresses)
{
	struct ifaddrmsg header = {
		.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = if_nametoindex("lo")};
	struct buffer b = {0};
	size_t at = start(&b, RTM_NEWADDR, NLM_F_CREATE, &header, sizeof header);

	put_number(&b, IFA_LOCAL, 1);
	put_number(&b, IFA_ADDRESS, 1);
	finish(&b, at);
	assert_allowed(&b);
	put_number(&b, IFA_TARGET_NETNSID, 1);
	finish(&b, at);
	assert_refused(&b, "address: attribute 10");
	names[0] = "other";
	b.size = 0;
	finish(&b, start(&b, RTM_DELADDR, 0, &header, sizeof header));
	assert_refused(&b, "interface lo");
	header.ifa_family = AF_UNSPEC;
	b.size = 0;
	finish(&b, start(&b, RTM_DELADDR, 0, &header, sizeof header));
	assert_refused(&b, "family 0");
}
END_TEST

/* Programs that ask for addresses take it for the interface's name. */
START_TEST(a_label_is_no_other_interface)
{
	static const struct {
		const char *label, *words;
	} cases[] = {{"lo", NULL}, {"lo:1", NULL}, {"t0:web", NULL},
		{"eth7", "interface eth7 is not"}, {"eth7:1", "interface eth7 is not"},
		{"lo1", "interface lo1 is not"}, {"lo.1:2", "interface lo.1 is not"},
		{":1", "is no label"}, {"", "is no label"}, {"t12345678901234:", "is no label"}};
	struct ifaddrmsg header = {
		.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = if_nametoindex("lo")};
	struct buffer b = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		b.size = 0;
		size_t at = start(&b, RTM_NEWADDR, NLM_F_CREATE, &header, sizeof header);
		put_text(&b, IFA_LABEL, cases[i].label);
		finish(&b, at);
		if (cases[i].words)
			assert_refused(&b, cases[i].words);
		else
			assert_allowed(&b);
		/* One that somebody else gave can go. */
		b.size = 0;
		at = start(&b, RTM_DELADDR, 0, &header, sizeof header);
		put_text(&b, IFA_LABEL, cases[i].label);
		finish(&b, at);
		assert_allowed(&b);
	}
}
END_TEST

START_TEST(judges_routes_and_neighbours)
{
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
	struct ndmsg neighbour = {.ndm_family = AF_INET, .ndm_ifindex = (int)if_nametoindex("lo")};
	struct buffer b = {0};
	size_t at = start(&b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);

	finish(&b, at);
	assert_refused(&b, "names no interface");
	put_number(&b, RTA_OIF, if_nametoindex("lo"));
	finish(&b, at);
	assert_allowed(&b);
	put_number(&b, RTA_NH_ID, 1);
	finish(&b, at);
	assert_refused(&b, "route: attribute 30");
	route.rtm_type = RTN_BLACKHOLE;
	b.size = 0;
	at = start(&b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
	put_number(&b, RTA_OIF, if_nametoindex("lo"));
	finish(&b, at);
	assert_refused(&b, "type 6");

	b.size = 0;
	at = start(&b, RTM_NEWNEIGH, NLM_F_CREATE, &neighbour, sizeof neighbour);
	put_number(&b, NDA_DST, 1);
	finish(&b, at);
	assert_allowed(&b);
	put_number(&b, NDA_MASTER, 1);
	finish(&b, at);
	assert_refused(&b, "neighbour: attribute 9");
	neighbour.ndm_family = AF_BRIDGE;
	b.size = 0;
	finish(&b, start(&b, RTM_NEWNEIGH, 0, &neighbour, sizeof neighbour));
	assert_refused(&b, "family 7");
}
END_TEST

static void make_route(struct buffer *b, int type, int flags, int rtm_table, int attribute)
{
	struct rtmsg route = {.rtm_family = AF_INET,
		.rtm_type = RTN_UNICAST,
		.rtm_table = (unsigned char)rtm_table};

	b->size = 0;
	size_t at = start(b, type, flags, &route, sizeof route);
	put_number(b, RTA_OIF, if_nametoindex("lo"));
	if (attribute)
		put_number(b, RTA_TABLE, (uint32_t)attribute);
	finish(b, at);
}

/* Beside an equal route of another interface, before it or in its place. */
START_TEST(a_new_route_is_one_of_its_own)
{
	static const int refused[] = {0, NLM_F_CREATE, NLM_F_EXCL, NLM_F_CREATE | NLM_F_REPLACE,
		NLM_F_CREATE | NLM_F_APPEND, NLM_F_CREATE | NLM_F_EXCL | NLM_F_REPLACE,
		NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND};
	struct buffer b = {0};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		make_route(&b, RTM_NEWROUTE, refused[i], RT_TABLE_MAIN, 0);
		assert_refused(&b, "only be added");
	}
	make_route(&b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, RT_TABLE_MAIN, 0);
	assert_allowed(&b);
	make_route(&b, RTM_DELROUTE, 0, RT_TABLE_MAIN, 0);
	assert_allowed(&b);
}
END_TEST

/* There a route by a next hop object goes by any interface that is named. */
START_TEST(no_route_of_ipv6_is_deleted)
{
	struct rtmsg route = {.rtm_family = AF_INET6, .rtm_type = RTN_UNICAST};
	struct buffer b = {0};
	size_t at = start(&b, RTM_DELROUTE, 0, &route, sizeof route);

	put_number(&b, RTA_OIF, if_nametoindex("lo"));
	finish(&b, at);
	assert_refused(&b, "next hop object");
	b.size = 0;
	at = start(&b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
	put_number(&b, RTA_OIF, if_nametoindex("lo"));
	finish(&b, at);
	assert_allowed(&b);
	make_route(&b, RTM_DELROUTE, 0, RT_TABLE_MAIN, 0);
	assert_allowed(&b);
	rule.has_interfaces = false;
	b.size = 0;
	at = start(&b, RTM_DELROUTE, 0, &route, sizeof route);
	put_number(&b, RTA_OIF, if_nametoindex("lo"));
	finish(&b, at);
	assert_allowed(&b);
}
END_TEST

/* There it could stand before the address of another interface. */
START_TEST(a_route_is_not_in_the_table_of_addresses)
{
	static const int types_of_route[] = {RTM_NEWROUTE, RTM_DELROUTE};
	struct buffer b = {0};

	for (size_t i = 0; i < ARRAY_SIZE(types_of_route); i++) {
		int type = types_of_route[i], flags = NLM_F_CREATE | NLM_F_EXCL;

		make_route(&b, type, flags, RT_TABLE_LOCAL, 0);
		assert_refused(&b, "table local");
		make_route(&b, type, flags, RT_TABLE_UNSPEC, RT_TABLE_LOCAL);
		assert_refused(&b, "table local");
		make_route(&b, type, flags, RT_TABLE_MAIN, RT_TABLE_LOCAL);
		assert_refused(&b, "table local");
		make_route(&b, type, flags, RT_TABLE_UNSPEC, 1000);
		assert_allowed(&b);
	}
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
	b.size = 0;
	size_t at = start(&b, RTM_DELROUTE, 0, &route, sizeof route);
	put_number(&b, RTA_OIF, if_nametoindex("lo"));
	put(&b, RTA_TABLE, "\xff", 1);
	finish(&b, at);
	assert_refused(&b, "no number of a table");
}
END_TEST

START_TEST(reads_are_free_but_not_of_elsewhere)
{
	struct ifinfomsg link = {0};
	struct rtgenmsg general = {0};
	struct buffer b = {0};
	size_t at = start(&b, RTM_GETLINK, NLM_F_DUMP, &link, sizeof link);

	put_number(&b, IFLA_EXT_MASK, 1);
	finish(&b, at);
	assert_allowed(&b);
	put_number(&b, IFLA_TARGET_NETNSID | NLA_F_NESTED, 1);
	finish(&b, at);
	assert_refused(&b, "another network namespace");
	/* The old dump request: one byte of header, then attributes. */
	b.size = 0;
	at = start(&b, RTM_GETLINK, NLM_F_DUMP, &general, sizeof general);
	b.size += 3;
	put_number(&b, IFLA_TARGET_NETNSID, 1);
	finish(&b, at);
	assert_refused(&b, "another network namespace");
	/* A strict dump of IPv6 multicast and anycast addresses looks there too. */
	static const int types_of_address[] = {RTM_GETADDR, RTM_GETMULTICAST, RTM_GETANYCAST};
	for (size_t i = 0; i < ARRAY_SIZE(types_of_address); i++) {
		struct ifaddrmsg address = {.ifa_family = AF_INET6};
		b.size = 0;
		at = start(&b, types_of_address[i], NLM_F_DUMP, &address, sizeof address);
		finish(&b, at);
		assert_allowed(&b);
		put_number(&b, IFA_TARGET_NETNSID, 1);
		finish(&b, at);
		assert_refused(&b, "another network namespace");
	}
	/* Descriptors and process numbers would be the broker's. */
	static const int others[] = {NETNSA_PID, NETNSA_FD, NETNSA_TARGET_NSID};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		b.size = 0;
		at = start(&b, RTM_GETNSID, 0, &general, sizeof general);
		b.size += 3;
		put_number(&b, others[i], 1);
		finish(&b, at);
		assert_refused(&b, "another network namespace");
	}
	/* Of bonds the kernel tells the privileged more: such a question goes without the right. */
	rule.has_interfaces = false;
	b.size = 0;
	finish(&b, start(&b, RTM_GETLINK, NLM_F_DUMP, &link, sizeof link));
	assert_allowed(&b);
	finish(&b, start(&b, RTM_GETADDR, NLM_F_DUMP, &link, sizeof link));
	assert_allowed(&b);
	link.ifi_index = 1;
	finish(&b, start(&b, RTM_SETLINK, 0, &link, sizeof link));
	assert_refused(&b, "a packet of its own");
	/* Socket diagnosis tells a privileged asker keys. */
	ck_assert(!netlink_messages_within(
		&rule, NETLINK_SOCK_DIAG, fd, b.bytes, b.size, why, sizeof why));
}
END_TEST

/* A link with one attribute more, at the top, or in the peer of a kind that has one. */
static void make_pair(struct buffer *b, const char *kind, int peer_type, int top, int extra)
{
	struct ifinfomsg header = {0};
	size_t at = start_link(b, RTM_NEWLINK, NLM_F_CREATE, 0);
	put_text(b, IFLA_IFNAME, "a0");
	if (top)
		put_number(b, top, 1);
	size_t info = put(b, IFLA_LINKINFO, NULL, 0);
	put_text(b, IFLA_INFO_KIND, kind);
	size_t data = put(b, IFLA_INFO_DATA, NULL, 0);
	size_t peer = put(b, peer_type, &header, sizeof header);
	if (extra)
		put_number(b, extra, 1);
	end_nested(b, peer);
	end_nested(b, data);
	end_nested(b, info);
	finish(b, at);
}

/* A rule without "interfaces" gives every one of the socket's own namespace, and no other. */
/* The kernel leaves what is malformed within an attribute of a read, and reads the next one. */
START_TEST(nothing_hides_behind_what_is_malformed)
{
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
	uint16_t program = LWTUNNEL_ENCAP_BPF;
	struct buffer b = {0};
	size_t at;

	for (size_t size = 1; size <= 6; size++) {
		b.size = 0;
		at = start_link(&b, RTM_GETLINK, NLM_F_DUMP, 0);
		put(&b, IFLA_LINKINFO, "\1\0\0\0\0\0", size);
		finish(&b, at);
		assert_allowed(&b);
		put_number(&b, IFLA_TARGET_NETNSID, 0);
		finish(&b, at);
		assert_refused(&b, "another network namespace");
	}
	rule.has_interfaces = false;
	b.size = 0;
	at = start_link(&b, RTM_NEWLINK, 0, 1);
	put(&b, IFLA_LINKINFO, "\1", 1);
	finish(&b, at);
	assert_refused(&b, "malformed");
	b.size = 0;
	at = start(&b, RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof route);
	put(&b, RTA_MULTIPATH, "\1", 1);
	finish(&b, at);
	assert_refused(&b, "malformed");
	put(&b, RTA_ENCAP_TYPE, &program, sizeof program);
	finish(&b, at);
	assert_refused(&b, "descriptor");
}
END_TEST

START_TEST(writes_stay_in_their_namespace)
{
	static const int leading[] = {IFLA_NET_NS_PID, IFLA_NET_NS_FD, IFLA_TARGET_NETNSID,
		IFLA_LINK_NETNSID, IFLA_NET_NS_PID | NLA_F_NESTED, IFLA_XDP};
	static const struct {
		const char *kind;
		int peer;
	} kinds[] = {{"veth", VETH_INFO_PEER}, {"vxcan", 1}, {"netkit", 1}};
	struct buffer b = {0};

	rule.has_interfaces = false;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		b.size = 0;
		make_pair(&b, kinds[k].kind, kinds[k].peer, 0, 0);
		assert_allowed(&b);
		b.size = 0;
		make_pair(&b, kinds[k].kind, kinds[k].peer, IFLA_MTU, IFLA_MTU);
		assert_allowed(&b);
		for (size_t i = 0; i < ARRAY_SIZE(leading); i++) {
			b.size = 0;
			make_pair(&b, kinds[k].kind, kinds[k].peer, leading[i], 0);
			assert_refused(&b, "another network namespace");
			b.size = 0;
			make_pair(&b, kinds[k].kind, kinds[k].peer, 0, leading[i]);
			assert_refused(&b, "another network namespace");
		}
	}
	/* Kinds that are made of a descriptor, which would be one of the broker's. */
	b.size = 0;
	make_pair(&b, "gtp", 1, 0, 0);
	assert_refused(&b, "descriptor");
	b.size = 0;
	make_pair(&b, "ppp", 1, 0, 0);
	assert_refused(&b, "descriptor");
	/* What the kernel may read otherwise than we do is not sent. */
	b.size = 0;
	size_t at = start_link(&b, RTM_SETLINK, 0, 1);
	put_number(&b, IFLA_MTU, 1500);
	memset(b.bytes + b.size, 0, 2);
	b.size += 2;
	finish(&b, at);
	assert_refused(&b, "malformed");

	static struct range all[] = {{0, UINT16_MAX}};
	struct rtgenmsg general = {0};
	rule.messages = (struct ranges){all, 1};
	b.size = 0;
	at = start(&b, RTM_NEWNSID, 0, &general, sizeof general);
	b.size += 3;
	put_number(&b, NETNSA_PID, 1);
	finish(&b, at);
	assert_refused(&b, "another network namespace");
}
END_TEST

/* A route or next hop by the encapsulation's numbers, with one attribute in it. */
static void put_encap(
	struct buffer *b, int type_attribute, int data_attribute, uint16_t type, int inside)
{
	put(b, type_attribute, &type, sizeof type);
	size_t data = put(b, data_attribute | NLA_F_NESTED, NULL, 0);
	put_number(b, inside, 3);
	end_nested(b, data);
}

/* A program in a route is given by its descriptor, which would be one of the broker's. */
START_TEST(no_route_has_a_program)
{
	static const struct {
		int type, inside;
		bool allowed;
	} cases[] = {{LWTUNNEL_ENCAP_BPF, LWT_BPF_XMIT, false},
		{LWTUNNEL_ENCAP_SEG6_LOCAL, SEG6_LOCAL_BPF, false},
		{LWTUNNEL_ENCAP_SEG6_LOCAL, SEG6_LOCAL_TABLE, true},
		{LWTUNNEL_ENCAP_IP, LWTUNNEL_IP_OPTS, true}};
	static struct range all[] = {{0, UINT16_MAX}};
	struct rtmsg route = {.rtm_family = AF_INET6, .rtm_type = RTN_UNICAST};
	struct nhmsg next_hop = {.nh_family = AF_INET6};
	struct buffer b = {0};

	rule.has_interfaces = false;
	rule.messages = (struct ranges){all, 1};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint16_t type = (uint16_t)cases[i].type;
		struct rtnexthop hop = {.rtnh_len = sizeof hop, .rtnh_ifindex = 1};

		b.size = 0;
		size_t at = start(&b, RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof route);
		put_encap(&b, RTA_ENCAP_TYPE, RTA_ENCAP, type, cases[i].inside);
		finish(&b, at);
		ck_assert_msg(within(&b) == cases[i].allowed, "route %zu: %s", i, why);

		b.size = 0;
		at = start(&b, RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof route);
		size_t hops = put(&b, RTA_MULTIPATH, &hop, sizeof hop);
		size_t second = b.size;
		memcpy(b.bytes + b.size, &hop, sizeof hop);
		b.size += sizeof hop;
		put_encap(&b, RTA_ENCAP_TYPE, RTA_ENCAP, type, cases[i].inside);
		hop.rtnh_len = (uint16_t)(b.size - second);
		memcpy(b.bytes + second, &hop, sizeof hop);
		end_nested(&b, hops);
		finish(&b, at);
		ck_assert_msg(within(&b) == cases[i].allowed, "next hops %zu: %s", i, why);

		b.size = 0;
		at = start(&b, RTM_NEWNEXTHOP, NLM_F_CREATE, &next_hop, sizeof next_hop);
		put_encap(&b, NHA_ENCAP_TYPE, NHA_ENCAP, type, cases[i].inside);
		finish(&b, at);
		ck_assert_msg(within(&b) == cases[i].allowed, "next hop %zu: %s", i, why);
	}
	/* Other families have other headers, and no encapsulation. */
	static const unsigned char can[] = {AF_CAN, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	b.size = 0;
	finish(&b, start(&b, RTM_NEWROUTE, 0, can, sizeof can));
	assert_allowed(&b);
}
END_TEST

static void make_filter(struct buffer *b, const char *kind, int actions, const char *action)
{
	struct tcmsg header = {.tcm_family = AF_UNSPEC, .tcm_ifindex = 1};

	b->size = 0;
	size_t at = start(b, RTM_NEWTFILTER, NLM_F_CREATE, &header, sizeof header);
	put_text(b, TCA_KIND, kind);
	size_t options = put(b, TCA_OPTIONS, NULL, 0);
	size_t list = put(b, actions, NULL, 0);
	size_t first = put(b, 1, NULL, 0);
	put(b, TCA_ACT_KIND, action, strlen(action));
	end_nested(b, first);
	end_nested(b, list);
	end_nested(b, options);
	finish(b, at);
}

START_TEST(no_filter_has_a_program)
{
	static struct range all[] = {{0, UINT16_MAX}};
	struct tcamsg header = {0};
	struct buffer b = {0};

	rule.has_interfaces = false;
	rule.messages = (struct ranges){all, 1};
	make_filter(&b, "u32", TCA_U32_ACT, "gact");
	assert_allowed(&b);
	make_filter(&b, "bpf", TCA_BPF_ACT, "gact");
	assert_refused(&b, "descriptor");
	make_filter(&b, "u32", TCA_U32_ACT, "bpf");
	assert_refused(&b, "descriptor");
	make_filter(&b, "flower", TCA_FLOWER_ACT, "bpf");
	assert_refused(&b, "descriptor");
	b.size = 0;
	size_t at = start(&b, RTM_NEWACTION, NLM_F_CREATE, &header, sizeof header);
	size_t list = put(&b, TCA_ACT_TAB, NULL, 0);
	size_t first = put(&b, 1, NULL, 0);
	put(&b, TCA_ACT_KIND, "bpf\0x", 5); /* the kernel's string ends there too */
	end_nested(&b, first);
	end_nested(&b, list);
	finish(&b, at);
	assert_refused(&b, "descriptor");
}
END_TEST

/* Without it the kernel changes the one that is there, of whatever kind. */
START_TEST(a_filter_needs_its_kind)
{
	static struct range all[] = {{0, UINT16_MAX}};
	struct tcmsg header = {.tcm_family = AF_UNSPEC, .tcm_ifindex = 1};
	struct buffer b = {0};

	rule.has_interfaces = false;
	rule.messages = (struct ranges){all, 1};
	size_t at = start(&b, RTM_NEWTFILTER, NLM_F_CREATE, &header, sizeof header);
	finish(&b, at);
	assert_refused(&b, "malformed");
	size_t options = put(&b, TCA_OPTIONS, NULL, 0);
	put_text(&b, TCA_KIND, "u32");
	put_number(&b, TCA_BPF_FD, 3);
	end_nested(&b, options);
	finish(&b, at);
	assert_refused(&b, "malformed");
	put_text(&b, TCA_KIND, "u32");
	finish(&b, at);
	assert_allowed(&b);
	/* A chain without one has no template. */
	b.size = 0;
	finish(&b, start(&b, RTM_NEWCHAIN, NLM_F_CREATE, &header, sizeof header));
	assert_allowed(&b);
}
END_TEST

START_TEST(batches_of_nfnetlink)
{
	static struct range listed[] = {{0x0a00, 0x0a00}};
	struct nfgenmsg header = {0};
	struct buffer b = {0};

	rule.has_interfaces = false;
	rule.messages = (struct ranges){listed, 1};
	finish(&b, start(&b, NFNL_MSG_BATCH_BEGIN, 0, &header, sizeof header));
	size_t middle = start(&b, 0x0a00, 0, &header, sizeof header);
	finish(&b, middle);
	finish(&b, start(&b, NFNL_MSG_BATCH_END, 0, &header, sizeof header));
	ck_assert(netlink_messages_within(
		&rule, NETLINK_NETFILTER, fd, b.bytes, b.size, why, sizeof why));
	uint16_t other = 0x0a06;
	memcpy(b.bytes + middle + 4, &other, sizeof other);
	ck_assert(!netlink_messages_within(
		&rule, NETLINK_NETFILTER, fd, b.bytes, b.size, why, sizeof why));
}
END_TEST

/* An expression of a rule of nftables, with the name of what it matches by. */
static void make_expression(struct buffer *b, int type, const char *name, const char *match)
{
	struct nfgenmsg header = {.nfgen_family = AF_INET};

	b->size = 0;
	size_t at = start(b, NFNL_SUBSYS_NFTABLES << 8 | type, 0, &header, sizeof header);
	put_text(b, NFTA_RULE_TABLE, "bpf");
	put_text(b, NFTA_RULE_CHAIN, "match");
	size_t list = put(b, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, NULL, 0);
	size_t first = put(b, NFTA_LIST_ELEM, NULL, 0);
	/* The name counts wherever it stands, and with a NUL or without. */
	size_t data = put(b, NFTA_EXPR_DATA, NULL, 0);
	put_text(b, NFTA_MATCH_NAME, match);
	end_nested(b, data);
	put(b, NFTA_EXPR_NAME, name, strlen(name));
	end_nested(b, first);
	end_nested(b, list);
	finish(b, at);
}

static bool within_protocol(int protocol, const struct buffer *b)
{
	why[0] = '\0';
	return netlink_messages_within(&rule, protocol, fd, b->bytes, b->size, why, sizeof why);
}

static bool audit_within(int type, uint32_t mask, size_t size)
{
	struct buffer b = {0};

	finish(&b, start(&b, type, 0, &mask, size));
	return within_protocol(NETLINK_AUDIT, &b);
}

/* It would be the broker that is named, or what is the broker's. */
START_TEST(nothing_is_about_who_sends_it)
{
	static struct range all[] = {{0, UINT16_MAX}};
	struct inet_diag_req_v2 request = {.sdiag_family = AF_INET6};
	struct inet_diag_req old = {.idiag_family = AF_INET};
	struct buffer b = {0};

	rule.has_interfaces = false;
	rule.messages = (struct ranges){all, 1};
	make_expression(&b, 6, "match", "bpf");
	ck_assert(!within_protocol(NETLINK_NETFILTER, &b));
	ck_assert_ptr_nonnull(strstr(why, "descriptor"));
	make_expression(&b, 12, "match", "bpf"); /* elements of sets have expressions too */
	ck_assert(!within_protocol(NETLINK_NETFILTER, &b));
	make_expression(&b, 6, "match", "comment");
	ck_assert_msg(within_protocol(NETLINK_NETFILTER, &b), "%s", why); /* the table is "bpf" */
	make_expression(&b, 6, "counter", "bpf");
	ck_assert_msg(within_protocol(NETLINK_NETFILTER, &b), "%s", why);

	/* INET_DIAG_REQ_SK_BPF_STORAGES */
	b.size = 0;
	size_t at = start(&b, 20, NLM_F_DUMP, &request, sizeof request);
	put_number(&b, INET_DIAG_REQ_BYTECODE, 0);
	finish(&b, at);
	ck_assert_msg(within_protocol(NETLINK_SOCK_DIAG, &b), "%s", why);
	put_number(&b, 2 | NLA_F_NESTED, 0);
	finish(&b, at);
	ck_assert(!within_protocol(NETLINK_SOCK_DIAG, &b));
	b.size = 0;
	at = start(&b, TCPDIAG_GETSOCK, NLM_F_DUMP, &old, sizeof old);
	put_number(&b, 2, 0);
	finish(&b, at);
	ck_assert(!within_protocol(NETLINK_SOCK_DIAG, &b));

	/* RDMA_NLDEV_CMD_SET, RDMA_NLDEV_NET_NS_FD */
	b.size = 0;
	at = start(&b, 5 << 10 | 2, 0, NULL, 0);
	put_number(&b, 1, 0);
	finish(&b, at);
	ck_assert_msg(within_protocol(NETLINK_RDMA, &b), "%s", why);
	put_number(&b, 68, 0);
	finish(&b, at);
	ck_assert(!within_protocol(NETLINK_RDMA, &b));

	ck_assert(audit_within(AUDIT_GET, 0, 0));
	ck_assert(audit_within(AUDIT_SET, AUDIT_STATUS_RATE_LIMIT, 4));
	ck_assert(!audit_within(AUDIT_SET, AUDIT_STATUS_PID | AUDIT_STATUS_RATE_LIMIT, 4));
	ck_assert(!audit_within(AUDIT_SET, AUDIT_STATUS_PID, 1));
	ck_assert(!audit_within(AUDIT_TTY_SET, 0, 0));
	ck_assert(!audit_within(AUDIT_TTY_GET, 0, 0));
}
END_TEST

static bool nftables_message_within(int type)
{
	struct nfgenmsg header = {0};
	struct buffer b = {0};

	finish(&b, start(&b, NFNL_SUBSYS_NFTABLES << 8 | type, 0, &header, sizeof header));
	return netlink_messages_within(
		&rule, NETLINK_NETFILTER, fd, b.bytes, b.size, why, sizeof why);
}

/* NFT_MSG_DEL... and NFT_MSG_DESTROY... of tables, chains, rules, sets, elements, objects and flow
 * tables, which only the second part of these numbers old headers do not have. */
START_TEST(deny_of_deletion_is_of_destruction_too)
{
	static const int deletes[] = {2, 5, 8, 11, 14, 20, 24};
	static struct range one[1];

	rule.has_interfaces = false;
	rule.messages = (struct ranges){one, 1};
	for (size_t i = 0; i < ARRAY_SIZE(deletes); i++) {
		int destroys = 26 + (int)i;

		one[0].first = one[0].last = (uint32_t)(NFNL_SUBSYS_NFTABLES << 8 | deletes[i]);
		rule.deny = true;
		ck_assert(nftables_message_within(deletes[i]));
		for (int type = 26; type <= 33; type++)
			ck_assert_msg(nftables_message_within(type) == (type == destroys),
				"deny %d, message %d", deletes[i], type);
		ck_assert(!nftables_message_within(0));
		/* An allow rule is for what it says. */
		rule.deny = false;
		ck_assert(nftables_message_within(deletes[i]));
		ck_assert(!nftables_message_within(destroys));
		/* And a deny of the second for that alone. */
		rule.deny = true;
		one[0].first = one[0].last = (uint32_t)(NFNL_SUBSYS_NFTABLES << 8 | destroys);
		ck_assert(!nftables_message_within(deletes[i]));
		ck_assert(nftables_message_within(destroys));
	}
}
END_TEST

/* Does a deny rule for one message speak of another? */
static bool denies(int protocol, int denied, int type, int flags, int family)
{
	struct ifinfomsg header = {.ifi_family = (unsigned char)family, .ifi_index = 1};
	struct range one = {(uint32_t)denied, (uint32_t)denied};
	struct buffer b = {0};

	rule.deny = true;
	rule.has_interfaces = false;
	rule.messages = (struct ranges){&one, 1};
	finish(&b, start(&b, type, flags, &header, sizeof header));
	bool denied_too = within_protocol(protocol, &b);
	/* An allow rule is for what it says. */
	rule.deny = false;
	ck_assert(type == denied || !within_protocol(protocol, &b));
	return denied_too;
}

START_TEST(deny_has_no_other_number)
{
	static const struct {
		int protocol, denied, type;
		bool both;
	} twins[] = {
		{NETLINK_ROUTE, RTM_SETLINK, RTM_NEWLINK, true},
		{NETLINK_NETFILTER, 0x0a07, 0x0a19, false}, /* NFT_MSG_GETRULE, _RESET */
		{NETLINK_NETFILTER, 0x0a0d, 0x0a21, false}, /* NFT_MSG_GETSETELEM, _RESET */
		{NETLINK_NETFILTER, 0x0a13, 0x0a15, false}, /* NFT_MSG_GETOBJ, _RESET */
		{NETLINK_NETFILTER, 0x0101, 0x0103, false}, /* IPCTNL_MSG_CT_GET, _CTRZERO */
		{NETLINK_NETFILTER, 0x0701, 0x0702, false}, /* NFNL_MSG_ACCT_GET, _CTRZERO */
		{NETLINK_NETFILTER, 0x0607, 0x0608, true},  /* IPSET_CMD_LIST, IPSET_CMD_SAVE */
		{NETLINK_XFRM, XFRM_MSG_NEWPOLICY, XFRM_MSG_UPDPOLICY, false},
		{NETLINK_XFRM, XFRM_MSG_NEWSA, XFRM_MSG_UPDSA, false},
		{NETLINK_XFRM, XFRM_MSG_DELPOLICY, XFRM_MSG_POLEXPIRE, false},
		{NETLINK_XFRM, XFRM_MSG_DELSA, XFRM_MSG_EXPIRE, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(twins); i++) {
		int protocol = twins[i].protocol, denied = twins[i].denied, type = twins[i].type;

		ck_assert_msg(denies(protocol, denied, denied, 0, 0), "twins %zu", i);
		ck_assert_msg(denies(protocol, denied, type, 0, 0), "twins %zu", i);
		ck_assert_msg(
			denies(protocol, type, denied, 0, 0) == twins[i].both, "twins %zu", i);
	}
	/* What only makes a link changes none, and a bridge's port is set by SETLINK alone. */
	ck_assert(denies(NETLINK_ROUTE, RTM_SETLINK, RTM_NEWLINK, NLM_F_CREATE, 0));
	ck_assert(!denies(NETLINK_ROUTE, RTM_SETLINK, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0));
	ck_assert(!denies(NETLINK_ROUTE, RTM_NEWLINK, RTM_SETLINK, 0, AF_BRIDGE));
}
END_TEST

START_TEST(deny_speaks_of_its_interfaces)
{
	static char *denied[] = {"t9"};
	struct buffer b = {0};

	rule.deny = true;
	rule.interfaces = (struct names){denied, 1};
	make_link(&b, "t0", "dummy");
	ck_assert(!within(&b));
	make_link(&b, "t9", "dummy");
	ck_assert(within(&b));
	b.size = 0;
	make_veth(&b, "t9", 0, 0);
	ck_assert(within(&b));
	/* What cannot be judged is spoken of. */
	b.size = 0;
	make_link(&b, "t0", "vxlan");
	ck_assert(within(&b));
}
END_TEST

/* A message before it, or another process, may give the name to an interface of the rule's. */
START_TEST(deny_speaks_of_links_by_name)
{
	static char *denied[] = {"t9"};
	static const int kinds[][2] = {{RTM_SETLINK, 0}, {RTM_DELLINK, 0}, {RTM_NEWLINK, 0},
		{RTM_NEWLINK, NLM_F_CREATE}, {RTM_NEWLINK, NLM_F_CREATE | NLM_F_REPLACE}};
	static const char *const by[] = {"t5", "lo"};
	struct buffer b = {0};

	rule.deny = true;
	rule.interfaces = (struct names){denied, 1};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t j = 0; j < ARRAY_SIZE(by); j++) {
			b.size = 0;
			size_t at = start_link(&b, kinds[i][0], kinds[i][1], 0);
			put_text(&b, IFLA_IFNAME, by[j]);
			finish(&b, at);
			ck_assert_msg(within(&b), "message %zu by %s", i, by[j]);
		}
	/* An allow rule's names are all its own. */
	rule.deny = false;
	rule.interfaces = (struct names){names, ARRAY_SIZE(names)};
	assert_allowed(&b);
	/* By its index, or where there must be none of the name. */
	rule.deny = true;
	rule.interfaces = (struct names){denied, 1};
	b.size = 0;
	finish(&b, start_link(&b, RTM_SETLINK, 0, (int)if_nametoindex("lo")));
	ck_assert(!within(&b));
	make_link(&b, "t5", "dummy");
	ck_assert(!within(&b));
}
END_TEST

/* The kernel finds an interface by its alternative names too; the rule means the real one. */
/* In a namespace of its own, lo has this name too; false: there are none here. */
static bool give_alternative_name(const char *name)
{
	struct buffer b = {0};
	int reply[64];

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	teardown();
	setup();
	size_t at = start_link(&b, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND,
		(int)if_nametoindex("lo"));
	size_t list = put(&b, IFLA_PROP_LIST | NLA_F_NESTED, NULL, 0);
	put_text(&b, IFLA_ALT_IFNAME, name);
	end_nested(&b, list);
	finish(&b, at);
	ck_assert_int_eq(send(fd, b.bytes, b.size, 0), (ssize_t)b.size);
	ck_assert_int_gt(recv(fd, reply, sizeof reply, 0), 0);
	ck_assert_int_eq(reply[4], 0);
	return true;
}

/* The call that looks a name up ends it at a colon, netlink does not. */
START_TEST(an_alternative_name_with_a_colon_is_no_way_round)
{
	struct buffer b = {0};

	if (!give_alternative_name("t5:x"))
		return;
	names[0] = "t5*";
	size_t at = start_link(&b, RTM_SETLINK, 0, 0);
	put_text(&b, IFLA_IFNAME, "t5:x");
	finish(&b, at);
	assert_refused(&b, "may become another one");
}
END_TEST

START_TEST(sees_through_alternative_names)
{
	struct buffer b = {0};
	size_t at;

	if (!give_alternative_name("t5"))
		return;
	names[0] = "other";
	b.size = 0;
	at = start_link(&b, RTM_SETLINK, 0, 0);
	put_text(&b, IFLA_IFNAME, "t5");
	finish(&b, at);
	assert_refused(&b, "interface lo");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("netlink-judge");
	TCase *tests = tcase_create("messages");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, creates_named_links_only);
	tcase_add_test(tests, a_link_sits_where_it_says);
	tcase_add_test(tests, a_new_link_needs_a_name_of_its_own);
	tcase_add_test(tests, finds_interfaces_by_index);
	tcase_add_test(tests, refuses_what_leads_elsewhere);
	tcase_add_test(tests, judges_master_and_lower_link);
	tcase_add_test(tests, judges_the_peer_of_a_veth);
	tcase_add_test(tests, refuses_doubles);
	tcase_add_test(tests, refuses_truncation);
	tcase_add_test(tests, sees_every_message_of_a_packet);
	tcase_add_test(tests, judges_so_many_messages_and_no_more);
	tcase_add_test(tests, refuses_odd_names);
	tcase_add_test(tests, judges_addresses);
	tcase_add_test(tests, a_label_is_no_other_interface);
	tcase_add_test(tests, judges_routes_and_neighbours);
	tcase_add_test(tests, a_new_route_is_one_of_its_own);
	tcase_add_test(tests, a_route_is_not_in_the_table_of_addresses);
	tcase_add_test(tests, no_route_of_ipv6_is_deleted);
	tcase_add_test(tests, reads_are_free_but_not_of_elsewhere);
	tcase_add_test(tests, nothing_hides_behind_what_is_malformed);
	tcase_add_test(tests, writes_stay_in_their_namespace);
	tcase_add_test(tests, no_route_has_a_program);
	tcase_add_test(tests, no_filter_has_a_program);
	tcase_add_test(tests, a_filter_needs_its_kind);
	tcase_add_test(tests, batches_of_nfnetlink);
	tcase_add_test(tests, nothing_is_about_who_sends_it);
	tcase_add_test(tests, deny_of_deletion_is_of_destruction_too);
	tcase_add_test(tests, deny_has_no_other_number);
	tcase_add_test(tests, deny_speaks_of_its_interfaces);
	tcase_add_test(tests, deny_speaks_of_links_by_name);
	tcase_add_test(tests, sees_through_alternative_names);
	tcase_add_test(tests, an_alternative_name_with_a_colon_is_no_way_round);
	suite_add_tcase(suite, tests);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
