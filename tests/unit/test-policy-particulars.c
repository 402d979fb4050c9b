/* What a decision says beside yes and no, and of which steps a rule speaks. */
#include <check.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/policy-fixture.h"

#define RULE(name, body) "{\"name\": \"" name "\", \"peers\": \"any\", " body "}"
#define DENY "\"effect\": \"deny\", "
#define TCP_OF "\"family\": \"inet\", \"type\": \"stream\", \"protocol\": \"tcp\", "
#define NAMESPACE_B "\"netns\": \"b\""

static struct fixture fixture;
static struct policy_decision decision;

static void setup(void)
{
	fixture_make(&fixture);
	memset(&decision, 0xff, sizeof decision);
}

static void teardown(void)
{
	fixture_remove(&fixture);
}

static struct policy *load(const char *rules)
{
	char text[2048];

	snprintf(text, sizeof text, "{\"rules\": [%s]}", rules);
	return fixture_policy(&fixture, text);
}

static int place(void *data _unused_, struct policy_place *ret)
{
	*ret = (struct policy_place){.unit = "x.service"};
	return 0;
}

/* The name of the rule that allows it; "" where nothing does. */
static const char *ask_as(const struct policy *policy, const struct policy_subject *subject,
	struct policy_query query)
{
	if (!query.apply)
		query.fd = -1;
	policy_decide(policy, subject, &query, &decision);
	ck_assert(decision.allowed == (decision.reason[0] == '\0'));
	return decision.allowed ? decision.rule.name : "";
}

static const char *ask(const struct policy *policy, struct policy_query query)
{
	const struct policy_subject subject = {.uid = 7, .listener = "main", .place = place};

	return ask_as(policy, &subject, query);
}

#define TCP .domain = AF_INET, .type = SOCK_STREAM
#define ROUTE .domain = AF_NETLINK, .type = SOCK_RAW, .protocol = NETLINK_ROUTE
#define STEPS(list) .steps = (list), .n_steps = ARRAY_SIZE(list)

static const int number = 80;
static const struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = 0x5050};
#define BIND \
	{ \
		.kind = WIRE_STEP_BIND, .address = &port, .address_size = sizeof port \
	}
#define MARK \
	{ \
		.kind = WIRE_STEP_OPTION, .a = SOL_SOCKET, .b = SO_MARK, .data = &number, \
		.data_size = sizeof number \
	}

/* Each decision is a whole one, whatever stood there. */
START_TEST(nothing_is_left_of_the_decision_before)
{
	struct policy *policy = load(RULE("r",
		TCP_OF "\"netns\": \"blue\", \"owner\": \"peer\", \"mark\": 5, \"interfaces\": "
		       "\"eth0\""));

	ck_assert_str_eq(ask(policy, (struct policy_query){TCP}), "r");
	ck_assert_int_eq(decision.netns, RULE_NETNS_NAMED);
	ck_assert_str_eq(decision.netns_name, "blue");
	ck_assert(decision.owner_peer);
	ck_assert(decision.has_mark);
	ck_assert_uint_eq(decision.mark, 5);
	ck_assert_str_eq(decision.device, "eth0");
	ck_assert_ptr_null(decision.limits);
	ck_assert_ptr_null(decision.devices);
	memset(&decision, 0xff, sizeof decision);
	ck_assert_str_eq(
		ask(policy, (struct policy_query){.domain = AF_INET, .type = SOCK_DGRAM}), "");
	ck_assert_int_eq(decision.netns, RULE_NETNS_UNSAID);
	ck_assert_ptr_null(decision.netns_name);
	ck_assert(!decision.owner_peer);
	ck_assert(!decision.has_mark);
	ck_assert_uint_eq(decision.mark, 0);
	ck_assert_ptr_null(decision.device);
	ck_assert_ptr_null(decision.limits);
	ck_assert_ptr_null(decision.devices);
	ck_assert_int_eq(decision.step, -1);
	policy_unref(policy);
}
END_TEST

/* To a new socket, which its rule can hold; what is the client's own it has had in its hands. */
START_TEST(a_filter_is_for_new_sockets)
{
	struct policy *policy = load(RULE("r",
		"\"family\": \"can\", \"type\": \"raw\", \"protocol\": \"raw\", \"mark\": 7, "
		"\"identifiers\": 5"));
	struct policy_query query = {.domain = AF_CAN, .type = SOCK_RAW, .protocol = 1};

	ck_assert_str_eq(ask(policy, query), "r");
	ck_assert_ptr_nonnull(decision.limits);
	ck_assert_uint_eq(decision.mark, 7);
	query.apply = true;
	query.netns = WIRE_NETNS_PEER;
	(void)ask(policy, query);
	ck_assert_ptr_null(decision.limits);
	policy_unref(policy);
}
END_TEST

/* On the client's own socket before its bind; another option says nothing of a device. */
START_TEST(a_device_is_set_where_it_confines)
{
	struct policy *policy =
		load(RULE("r", TCP_OF "\"interfaces\": \"eth0\", \"ports\": "
				      "\"1-65535\", \"options\": {\"SO_MARK\": 80}"));
	const struct wire_step mark[] = {MARK}, both[] = {MARK, BIND};
	struct policy_query query = {TCP, STEPS(both)};

	ck_assert_str_eq(ask(policy, query), "r");
	ck_assert_pstr_eq(decision.device, "eth0");
	query.apply = true;
	query.netns = WIRE_NETNS_PEER;
	ck_assert_str_eq(ask(policy, query), "r");
	ck_assert_pstr_eq(decision.device, "eth0");
	query.steps = mark;
	query.n_steps = ARRAY_SIZE(mark);
	ck_assert_str_eq(ask(policy, query), "r");
	ck_assert_ptr_null(decision.device);
	policy_unref(policy);
}
END_TEST

/* A group that takes a right is joined by a bind or by an option: each is spoken of. */
START_TEST(a_denied_group_is_denied_on_both_ways)
{
	const struct sockaddr_nl joined = {
		.nl_family = AF_NETLINK, .nl_groups = UINT32_C(1) << (RTNLGRP_IPV4_MROUTE_R - 1)};
	const struct sockaddr_nl plain = {
		.nl_family = AF_NETLINK, .nl_groups = UINT32_C(1) << (RTNLGRP_LINK - 1)};
	const int group = RTNLGRP_IPV4_MROUTE_R, other = RTNLGRP_IPV6_MROUTE_R;
	const struct wire_step bind[] = {
		{.kind = WIRE_STEP_BIND, .address = &joined, .address_size = sizeof joined}};
	const struct wire_step bind_plain[] = {
		{.kind = WIRE_STEP_BIND, .address = &plain, .address_size = sizeof plain}};
	const struct wire_step join[] = {{.kind = WIRE_STEP_OPTION,
		.a = SOL_NETLINK,
		.b = NETLINK_ADD_MEMBERSHIP,
		.data = &group,
		.data_size = sizeof group}};
	const struct wire_step join_other[] = {{.kind = WIRE_STEP_OPTION,
		.a = SOL_NETLINK,
		.b = NETLINK_ADD_MEMBERSHIP,
		.data = &other,
		.data_size = sizeof other}};
	struct policy *policy =
		load(RULE("all", "\"family\": \"netlink\", \"protocol\": \"route\", "
				 "\"groups\": [30, 31]") "," RULE("not",
			DENY "\"family\": \"netlink\", \"protocol\": \"route\", \"groups\": 30"));

	ck_assert_str_eq(ask(policy, (struct policy_query){ROUTE}), "all");
	ck_assert_str_eq(ask(policy, (struct policy_query){ROUTE, STEPS(bind_plain)}), "all");
	ck_assert_str_eq(ask(policy, (struct policy_query){ROUTE, STEPS(join_other)}), "all");
	ck_assert_str_eq(ask(policy, (struct policy_query){ROUTE, STEPS(bind)}), "");
	ck_assert_str_eq(decision.rule.name, "not");
	ck_assert_str_eq(ask(policy, (struct policy_query){ROUTE, STEPS(join)}), "");
	ck_assert_str_eq(decision.rule.name, "not");
	policy_unref(policy);
}
END_TEST

START_TEST(only_messages_of_the_rule_are_sent)
{
	struct policy *policy = load(RULE("r", "\"family\": \"netlink\", \"protocol\": \"route\", "
					       "\"messages\": [\"RTM_NEWLINK\"]"));
	struct nlmsghdr message = {.nlmsg_len = sizeof message, .nlmsg_type = RTM_NEWLINK};
	const struct wire_step send[] = {
		{.kind = WIRE_STEP_SEND, .data = &message, .data_size = sizeof message}};
	const struct policy_query query = {
		ROUTE, .apply = true, .netns = WIRE_NETNS_PEER, .fd = -1, STEPS(send)};

	ck_assert_str_eq(ask(policy, query), "r");
	message.nlmsg_type = RTM_NEWQDISC;
	ck_assert_str_eq(ask(policy, query), "");
	ck_assert_int_eq(decision.step, 0);
	policy_unref(policy);
	/* Who may not send one may have the socket. */
	policy = load(RULE("r", "\"family\": \"netlink\", \"protocol\": \"route\"") "," RULE("not",
		DENY
		"\"family\": \"netlink\", \"protocol\": \"route\", \"messages\": \"RTM_NEWLINK\""));
	ck_assert_str_eq(ask(policy, (struct policy_query){ROUTE}), "r");
	policy_unref(policy);
}
END_TEST

/* Whatever the number of a step is, and whatever stands behind an address. */
START_TEST(what_is_no_step_is_not_done)
{
	static const unsigned kinds[] = {0, WIRE_STEP_SEND + 1, 32, 33, 64 + WIRE_STEP_BIND, 255};
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	struct policy *policy = load(RULE("r", "\"family\": \"inet\"") "," RULE(
		"n", "\"family\": \"netlink\", \"protocol\": \"route\""));
	struct wire_step steps[] = {BIND};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		steps[0].kind = (uint8_t)kinds[i];
		ck_assert_str_eq(ask(policy, (struct policy_query){TCP, STEPS(steps)}), "");
		ck_assert_int_eq(decision.step, 0);
	}
	/* Of an interface: an inet address has none, nor has netlink's. */
	steps[0].kind = WIRE_STEP_BIND;
	ck_assert_str_eq(ask(policy, (struct policy_query){TCP, STEPS(steps)}), "r");
	steps[0].address = &address;
	steps[0].address_size = sizeof address;
	ck_assert_str_eq(ask(policy, (struct policy_query){ROUTE, STEPS(steps)}), "n");
	steps[0].data = "lo";
	steps[0].data_size = 2;
	for (unsigned kind = WIRE_STEP_BIND; kind <= WIRE_STEP_CONNECT; kind++) {
		steps[0].kind = (uint8_t)kind;
		ck_assert_str_eq(ask(policy, (struct policy_query){ROUTE, STEPS(steps)}), "");
	}
	policy_unref(policy);
}
END_TEST

/* Who is not in the broker's user namespace has no user that a socket could be of; and on a socket
 * of its own nothing is opened. */
START_TEST(no_socket_is_of_a_stranger)
{
	static const struct policy_strangers strangers = {.uid = 65534, .gid = 65534};
	struct policy *policy = load(RULE("own", TCP_OF "\"ports\": \"1-65535\", \"owner\": "
							"\"peer\""));
	const struct wire_step bind[] = {BIND};
	struct policy_subject subject = {.uid = 65534, .strangers = &strangers, .listener = "main"};
	const struct policy_query opens = {TCP, STEPS(bind)};
	struct policy_query applies = opens;

	applies.apply = true;
	applies.netns = WIRE_NETNS_PEER;
	ck_assert_str_eq(ask_as(policy, &subject, opens), "");
	ck_assert_ptr_nonnull(strstr(decision.reason, "not in sockd's user namespace"));
	ck_assert_str_eq(ask_as(policy, &subject, applies), "own");
	subject.strangers = NULL;
	ck_assert_str_eq(ask_as(policy, &subject, opens), "own");
	subject.uid = 0;
	ck_assert_str_eq(ask_as(policy, &subject, opens), "");
	ck_assert_str_eq(ask_as(policy, &subject, applies), "own");
	policy_unref(policy);
}
END_TEST

/* A deny rule for one namespace is for its peers, listeners and ports, as one for all is. */
START_TEST(a_deny_rule_for_a_namespace_says_for_whom)
{
	static const struct {
		const char *deny;
		bool allowed;
	} cases[] = {
		{"", false},
		{", \"ports\": 80", true},
		{", \"listener\": \"other\"", true},
		{", \"listener\": \"main\"", false},
		{", \"unit\": \"y.service\"", true},
		{", \"unit\": \"x.service\"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char rules[512];
		/* The last is never for this peer: that there is one says nothing of the others. */
		snprintf(rules, sizeof rules,
			"%s,{\"name\": \"not\", \"peers\": \"any\", " DENY
			"\"family\": \"inet\", " NAMESPACE_B
			"%s},{\"name\": \"never\", \"peers\": \"any\", " DENY
			"\"family\": \"inet\", \"unit\": \"z.service\", " NAMESPACE_B "}",
			RULE("r", TCP_OF NAMESPACE_B), cases[i].deny);
		struct policy *policy = load(rules);
		ck_assert_msg(
			(ask(policy, (struct policy_query){TCP})[0] != '\0') == cases[i].allowed,
			"case %zu: %s", i, decision.reason);
		policy_unref(policy);
	}
}
END_TEST

/* Which namespace a request asks for, and which a rule is about. */
START_TEST(a_namespace_is_asked_for_by_its_word)
{
	static const enum wire_netns asked[] = {
		WIRE_NETNS_DEFAULT, WIRE_NETNS_PEER, WIRE_NETNS_BROKER};
	static const struct {
		const char *rule;
		bool here[3], foreign[3]; /* as asked[] */
	} cases[] = {
		{RULE("r", "\"family\": \"inet\""), {true, true, true}, {false, false, false}},
		{RULE("r", "\"family\": \"inet\", \"netns\": \"peer\""), {true, true, true},
			{true, true, false}},
		{RULE("r", "\"family\": \"inet\", \"netns\": \"broker\""), {true, true, true},
			{true, false, true}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy *policy = load(cases[i].rule);
		for (size_t j = 0; j < ARRAY_SIZE(asked); j++) {
			struct policy_subject subject = {.uid = 7, .listener = "main"};
			const struct policy_query query = {TCP, .netns = asked[j]};
			bool allowed = ask_as(policy, &subject, query)[0] != '\0';
			ck_assert_msg(allowed == cases[i].here[j], "here %zu %zu", i, j);
			subject.foreign_netns = true;
			allowed = ask_as(policy, &subject, query)[0] != '\0';
			ck_assert_msg(allowed == cases[i].foreign[j], "foreign %zu %zu", i, j);
		}
		policy_unref(policy);
	}
}
END_TEST

/* However the index finds them. */
START_TEST(the_first_rule_that_denies_is_named)
{
	struct policy *policy = load(RULE("all", "\"family\": \"inet\"") "," RULE(
		"first", DENY "\"family\": \"inet\"") "," RULE("second",
		DENY TCP_OF "\"netns\": \"peer\"") "," RULE("third", DENY "\"family\": \"inet\""));

	ck_assert_str_eq(ask(policy, (struct policy_query){TCP}), "");
	ck_assert_str_eq(decision.rule.name, "first");
	policy_unref(policy);
}
END_TEST

/* Among the options a device is listed by its name, and an end of it is none. */
START_TEST(a_device_may_be_an_option)
{
	static const struct {
		const char *name;
		bool allowed;
	} cases[] = {{"eth0", true}, {"eth1", true}, {"lo", false}, {"", false}};
	struct policy *policy = load(RULE("r", "\"family\": \"inet\", \"type\": \"dgram\", "
					       "\"options\": {\"SO_BINDTODEVICE\": [\"eth*\"]}"));

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct wire_step steps[] = {{.kind = WIRE_STEP_OPTION,
			.a = SOL_SOCKET,
			.b = SO_BINDTODEVICE,
			.data = cases[i].name,
			.data_size = (uint32_t)strlen(cases[i].name)}};
		struct policy_query query = {.domain = AF_INET, .type = SOCK_DGRAM, STEPS(steps)};

		/* Whoever opens one may do so once by himself. */
		ck_assert_str_eq(ask(policy, query), "r");
		query.apply = true;
		query.netns = WIRE_NETNS_PEER;
		ck_assert_msg((ask(policy, query)[0] != '\0') == cases[i].allowed, "case %zu", i);
	}
	policy_unref(policy);
}
END_TEST

/* Who is told that nothing of his can be sent is never right where a rule may yet say otherwise. */
START_TEST(it_is_known_who_may_send)
{
#define OF_ROUTE "\"family\": \"netlink\", \"protocol\": \"route\""
	static const gid_t three[] = {1, 2, 3};
	static const struct {
		const char *rules;
		struct policy_subject subject;
		bool expected;
	} cases[] = {
		{"", {.uid = 0}, false},
		{RULE("r", OF_ROUTE ", \"messages\": \"any\""), {.uid = 7}, true},
		{RULE("r", OF_ROUTE ", \"messages\": [\"RTM_NEWLINK\"], \"listener\": \"x\", "
				    "\"unit\": \"x.service\", \"netns\": \"peer\""),
			{.uid = 7}, true},
		{RULE("r", OF_ROUTE), {.uid = 7}, false},
		{RULE("r", OF_ROUTE ", \"groups\": [\"RTNLGRP_NEIGH\"]"), {.uid = 7}, false},
		{RULE("r", DENY OF_ROUTE ", \"messages\": \"any\""), {.uid = 7}, false},
		{RULE("r", "\"family\": \"netlink\", \"actions\": \"share\""), {.uid = 7}, false},
		{RULE("r", "\"family\": \"bluetooth\", \"protocol\": \"hci\", \"channels\": "
			   "[\"raw\"], \"opcodes\": [\"HCI_OP_RESET\"]"),
			{.uid = 7}, true},
		{RULE("r", "\"family\": \"bluetooth\", \"protocol\": \"hci\", \"channels\": "
			   "[\"raw\"]"),
			{.uid = 7}, false},
		{"{\"name\": \"r\", \"peers\": {\"uid\": [7, \"10-19\"], \"gid\": "
		 "\"50-52\"}, " OF_ROUTE ", \"messages\": \"any\"}",
			{.uid = 15}, true},
		{"{\"name\": \"r\", \"peers\": {\"uid\": [7, \"10-19\"], \"gid\": "
		 "\"50-52\"}, " OF_ROUTE ", \"messages\": \"any\"}",
			{.uid = 20, .gid = 49}, false},
		{"{\"name\": \"r\", \"peers\": {\"uid\": [7, \"10-19\"], \"gid\": "
		 "\"50-52\"}, " OF_ROUTE ", \"messages\": \"any\"}",
			{.uid = 20, .gid = 52}, true},
		{"{\"name\": \"r\", \"peers\": {\"gid\": 51}, " OF_ROUTE
		 ", \"messages\": \"any\"}, {\"name\": \"s\", \"peers\": {\"gid\": 3}, " OF_ROUTE
		 ", \"messages\": \"any\"}",
			{.uid = 20, .groups = three, .n_groups = 3}, true},
		{"{\"name\": \"r\", \"peers\": {\"gid\": 51}, " OF_ROUTE ", \"messages\": \"any\"}",
			{.uid = 51, .groups = three, .n_groups = 3}, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy *policy = load(cases[i].rules);
		ck_assert_msg(policy_may_send(policy, &cases[i].subject) == cases[i].expected,
			"case %zu", i);
		policy_unref(policy);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy-particulars");
	TCase *tests = tcase_create("policy-particulars");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_is_left_of_the_decision_before);
	tcase_add_test(tests, a_filter_is_for_new_sockets);
	tcase_add_test(tests, a_device_is_set_where_it_confines);
	tcase_add_test(tests, a_denied_group_is_denied_on_both_ways);
	tcase_add_test(tests, only_messages_of_the_rule_are_sent);
	tcase_add_test(tests, what_is_no_step_is_not_done);
	tcase_add_test(tests, no_socket_is_of_a_stranger);
	tcase_add_test(tests, a_deny_rule_for_a_namespace_says_for_whom);
	tcase_add_test(tests, a_namespace_is_asked_for_by_its_word);
	tcase_add_test(tests, the_first_rule_that_denies_is_named);
	tcase_add_test(tests, a_device_may_be_an_option);
	tcase_add_test(tests, it_is_known_who_may_send);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
