/* Hostile and honest netlink messages before the judge: links, and packets as a whole. */
#include <net/if.h>
#include <sched.h>
#include <stdio.h>

#include "tests/unit/netlink-fixture.h"

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

/* A bridge's own messages have the interface's master for their object. */
START_TEST(link_messages_are_of_no_bridge)
{
	static const struct {
		int family;
		bool allowed;
	} cases[] = {{AF_UNSPEC, true}, {AF_INET, true}, {AF_INET6, true}, {AF_BRIDGE, false},
		{AF_PACKET, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ifinfomsg link = {.ifi_family = (unsigned char)cases[i].family,
			.ifi_index = (int)if_nametoindex("lo")};
		struct buffer b = {0};

		finish(&b, start(&b, RTM_SETLINK, NLM_F_CREATE, &link, sizeof link));
		ck_assert_msg(within(&b) == cases[i].allowed, "family %d", cases[i].family);
		ck_assert(cases[i].allowed || strstr(why, "link messages of family"));
	}
}
END_TEST

START_TEST(a_header_is_whole)
{
	struct ifinfomsg link = {.ifi_index = (int)if_nametoindex("lo")};
	struct buffer b = {0};

	finish(&b, start(&b, RTM_SETLINK, 0, &link, sizeof link - NLMSG_ALIGNTO));
	assert_refused(&b, "shorter than its own header");
}
END_TEST

START_TEST(judges_a_link_by_its_alternative_name)
{
	static const int types_of_link[] = {RTM_SETLINK, RTM_DELLINK};

	for (size_t i = 0; i < ARRAY_SIZE(types_of_link); i++) {
		struct buffer b = {0};
		size_t at = start_link(&b, types_of_link[i], 0, 0);

		put_text(&b, IFLA_ALT_IFNAME, "t0");
		finish(&b, at);
		assert_allowed(&b);
		b.size = 0;
		at = start_link(&b, types_of_link[i], 0, 0);
		put_text(&b, IFLA_ALT_IFNAME, "eth7");
		finish(&b, at);
		assert_refused(&b, "interface eth7");
		put_text(&b, IFLA_IFNAME, "t0");
		finish(&b, at);
		assert_refused(&b, "interface eth7");
	}
}
END_TEST

START_TEST(a_master_is_a_whole_number)
{
	struct buffer b = {0};
	size_t at = start_link(&b, RTM_SETLINK, 0, (int)if_nametoindex("lo"));

	put(&b, IFLA_MASTER, "\0\0", 2);
	finish(&b, at);
	assert_refused(&b, "no interface index");
}
END_TEST

/* Link information with a kind of so many bytes and, where data is not NULL, its data. */
static void change_kind(struct buffer *b, int flags, const void *kind, size_t kind_size,
	const void *data, size_t data_size)
{
	b->size = 0;
	size_t at = start_link(b, RTM_NEWLINK, flags, flags ? 0 : (int)if_nametoindex("lo"));
	put_text(b, IFLA_IFNAME, "t0");
	size_t info = put(b, IFLA_LINKINFO, NULL, 0);
	if (kind)
		put(b, IFLA_INFO_KIND, kind, kind_size);
	if (data)
		put(b, IFLA_INFO_DATA, data, data_size);
	end_nested(b, info);
	finish(b, at);
}

START_TEST(a_kind_is_one_whole_word)
{
	static const struct {
		const char *kind;
		size_t size;
		const char *words; /* NULL: allowed */
	} cases[] = {
		{"dummy", 5, NULL},
		{"dummy", 6, NULL},
		{"dummy\0", 7, "no string"},
		{"dummy\0x", 7, "no string"},
		{"dumm", 4, "kind of link"},
		{"v", 1, "kind of link"},
		{"", 0, "kind of link"},
		{"dummyx", 6, "kind of link"},
		{NULL, 0, "without a kind"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer b;

		change_kind(&b, NLM_F_CREATE, cases[i].kind, cases[i].size, NULL, 0);
		if (cases[i].words)
			assert_refused(&b, cases[i].words);
		else
			assert_allowed(&b);
	}
}
END_TEST

/* What is made needs more than what is changed. */
START_TEST(a_change_of_a_kind_is_judged_by_what_it_holds)
{
	static const struct nlattr other = {.nla_len = sizeof other, .nla_type = 2};
	static const struct {
		struct nlattr header;
		unsigned char bytes[12];
	} cut = {.header = {.nla_len = sizeof cut, .nla_type = VETH_INFO_PEER}};
	struct buffer b;

	change_kind(&b, 0, "vlan", 4, NULL, 0);
	assert_allowed(&b);
	change_kind(&b, 0, "veth", 4, NULL, 0);
	assert_allowed(&b);
	change_kind(&b, 0, "veth", 4, &other, sizeof other);
	assert_refused(&b, "veth: attribute 2");
	change_kind(&b, 0, "veth", 4, &cut, sizeof cut);
	assert_refused(&b, "needs a peer");
	change_kind(&b, NLM_F_CREATE, "veth", 4, &other, sizeof other);
	assert_refused(&b, "veth: attribute 2");
	change_kind(&b, 0, "dummy", 5, &other, sizeof other);
	assert_allowed(&b);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("netlink-judge");

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
	tcase_add_test(tests, sees_through_alternative_names);
	tcase_add_test(tests, an_alternative_name_with_a_colon_is_no_way_round);
	tcase_add_test(tests, link_messages_are_of_no_bridge);
	tcase_add_test(tests, a_header_is_whole);
	tcase_add_test(tests, judges_a_link_by_its_alternative_name);
	tcase_add_test(tests, a_master_is_a_whole_number);
	tcase_add_test(tests, a_kind_is_one_whole_word);
	tcase_add_test(tests, a_change_of_a_kind_is_judged_by_what_it_holds);
	return run_judging("netlink-judge", tests);
}
