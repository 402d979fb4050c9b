/* Hostile and honest netlink messages before the judge: addresses, routes, filters, and what leads
 * to other namespaces. */
#include <linux/if_addr.h>
#include <linux/lwtunnel.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/nexthop.h>
#include <linux/pkt_cls.h>
#include <linux/seg6_local.h>
#include <net/if.h>

#include "tests/unit/netlink-fixture.h"

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

/* By another interface than the rule's nothing goes, of whatever family. */
START_TEST(routes_and_neighbours_are_of_the_interface)
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNSPEC, AF_MPLS};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(families); i++) {
		const unsigned char family = (unsigned char)families[i / 2];
		const bool other = i % 2, known = family == AF_INET || family == AF_INET6;
		struct rtmsg route = {.rtm_family = family, .rtm_type = RTN_UNICAST};
		struct ifaddrmsg address = {
			.ifa_family = family, .ifa_index = if_nametoindex("lo")};
		struct ndmsg neighbour = {
			.ndm_family = family, .ndm_ifindex = (int)if_nametoindex("lo")};
		const char *words = known ? "interface lo" : "cannot be judged";
		struct buffer b = {0};

		names[0] = other ? "other" : "lo";
		size_t at =
			start(&b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
		put_number(&b, RTA_OIF, if_nametoindex("lo"));
		finish(&b, at);
		if (known && !other)
			assert_allowed(&b);
		else
			assert_refused(&b, words);
		b.size = 0;
		finish(&b, start(&b, RTM_NEWADDR, 0, &address, sizeof address));
		if (known && !other)
			assert_allowed(&b);
		else
			assert_refused(&b, words);
		b.size = 0;
		finish(&b, start(&b, RTM_NEWNEIGH, 0, &neighbour, sizeof neighbour));
		if (known && !other)
			assert_allowed(&b);
		else
			assert_refused(&b, words);
	}
}
END_TEST

/* Without a type the kernel deletes by what else is said. */
START_TEST(a_route_deleted_is_one_of_an_interface)
{
	static const struct {
		int message, type;
		bool allowed;
	} cases[] = {{RTM_DELROUTE, RTN_UNICAST, true}, {RTM_DELROUTE, RTN_UNSPEC, true},
		{RTM_DELROUTE, RTN_LOCAL, false}, {RTM_DELROUTE, RTN_BLACKHOLE, false},
		{RTM_NEWROUTE, RTN_UNSPEC, false}, {RTM_NEWROUTE, RTN_LOCAL, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rtmsg route = {
			.rtm_family = AF_INET, .rtm_type = (unsigned char)cases[i].type};
		struct buffer b = {0};
		size_t at = start(
			&b, cases[i].message, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);

		put_number(&b, RTA_OIF, if_nametoindex("lo"));
		finish(&b, at);
		ck_assert_msg(within(&b) == cases[i].allowed, "case %zu: %s", i, why);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("netlink-route");

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
	tcase_add_test(tests, routes_and_neighbours_are_of_the_interface);
	tcase_add_test(tests, a_route_deleted_is_one_of_an_interface);
	return run_judging("netlink-route", tests);
}
