/*
 * Which sockets the policy lets be handed on: rules with "actions", and that they and those about
 * opening know nothing of each other.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/suite.h"
#include "tests/unit/policy-fixture.h"

static struct fixture fixture;

static void setup(void)
{
	fixture_make(&fixture);
}

static void teardown(void)
{
	fixture_remove(&fixture);
}

struct question {
	enum policy_action action;
	uid_t uid;
	const char *name;
	bool common;
	bool foreign, in_peers, in_brokers;
	const char *netns; /* that the socket lives in */
	int domain, type;
	const char *listener;
};

static const char *netns_of_socket_asked;
static bool netns_unknown;

static int is_in(void *data _unused_, const char *netns)
{
	if (netns_unknown)
		return -EPERM;
	return netns_of_socket_asked && strcmp(netns, netns_of_socket_asked) == 0;
}

static const struct policy_strangers *strangers;
static const char *unit; /* NULL: it cannot be told */

static int place(void *data _unused_, struct policy_place *ret)
{
	*ret = (struct policy_place){.unit = unit};
	return unit ? 0 : -ESRCH;
}

static struct policy_decision decision;
static const gid_t further_group = 200;

/* The name of the rule that allows it; "" where nothing does. */
static const char *ask(struct policy *policy, struct question question)
{
	const struct policy_subject subject = {
		.uid = question.uid,
		.gid = 100,
		.groups = &further_group,
		.n_groups = 1,
		.listener = question.listener ? question.listener : "default",
		.foreign_netns = question.foreign,
		.strangers = strangers,
		.place = place,
	};
	const struct policy_keep_query query = {
		.action = question.action,
		.domain = question.domain ? question.domain : AF_INET,
		.type = question.type ? question.type : SOCK_STREAM,
		.protocol = question.type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP,
		.in_peers = question.in_peers || (!question.foreign && question.in_brokers),
		.in_brokers = question.in_brokers,
		.name = question.name,
		.common = question.common,
		.is_in = is_in,
	};

	netns_of_socket_asked = question.netns;
	policy_decide_keep(policy, &subject, &query, &decision);
	ck_assert(decision.allowed || decision.reason[0]);
	return decision.allowed ? decision.rule.name : "";
}

#define HERE .in_brokers = true

START_TEST(default_is_no)
{
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"open\", \"peers\": \"any\", \"family\": \"inet\"}]}");

	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 1, HERE}), "");
	ck_assert_ptr_nonnull(strstr(decision.reason, "no rule for user 1 speaks of it"));
	ck_assert_ptr_nonnull(strstr(
		decision.reason, "sockctl check --uid=1 --gid=100 --action=share inet stream"));
	policy_unref(policy);
}
END_TEST

/* Nor does a rule about handing on open anything, or ask for capabilities. */
START_TEST(opening_is_another_matter)
{
	struct policy *policy =
		fixture_policy(&fixture, "{\"rules\": [{\"name\": \"r\", \"peers\": \"any\", "
					 "\"family\": [\"inet\", \"packet\"],"
					 " \"actions\": [\"share\", \"receive\", \"store\", "
					 "\"fetch\"], \"netns\": \"any\"}]}");
	const struct policy_subject subject = {.uid = 1, .listener = "default"};
	const struct policy_query query = {
		.domain = AF_INET, .type = SOCK_STREAM, .protocol = IPPROTO_TCP, .fd = -1};
	struct policy_family_count counts[POLICY_FAMILIES_MAX];

	policy_decide(policy, &subject, &query, &decision);
	ck_assert(!decision.allowed);
	ck_assert_uint_eq(policy_capabilities(policy), 0);
	ck_assert(!policy_uses_netns(policy));
	policy_count_families(policy, counts);
	ck_assert_uint_eq(counts[AF_INET].allow, 0);
	policy_unref(policy);
}
END_TEST

START_TEST(each_action_by_itself)
{
	static const enum policy_action actions[] = {
		POLICY_SHARE, POLICY_RECEIVE, POLICY_STORE, POLICY_FETCH};

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		char text[256];
		const char *word = policy_action_name(actions[i]);
		ck_assert_int_eq(policy_action_from_name(word), actions[i]);
		snprintf(text, sizeof(text),
			"{\"rules\": [{\"name\": \"r\", \"peers\": {\"uid\": 1}, \"family\": "
			"\"inet\","
			" \"type\": \"stream\", \"actions\": \"%s\"}]}",
			word);
		struct policy *policy = fixture_policy(&fixture, text);
		for (size_t j = 0; j < ARRAY_SIZE(actions); j++) {
			struct question question = {actions[j], 1, HERE};
			if (actions[j] & POLICY_ACTIONS_OF_STORE)
				question.name = "web";
			ck_assert_str_eq(ask(policy, question), i == j ? "r" : "");
			question.uid = 2;
			ck_assert_str_eq(ask(policy, question), "");
			question.uid = 1;
			question.type = SOCK_DGRAM;
			ck_assert_str_eq(ask(policy, question), "");
		}
		policy_unref(policy);
	}
	ck_assert_int_eq(policy_action_from_name("open"), 0);
}
END_TEST

START_TEST(names)
{
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": ["
		"{\"name\": \"own\", \"peers\": {\"uid\": 1}, \"family\": \"inet\","
		" \"actions\": [\"store\", \"fetch\"], \"names\": [\"web-*\", \"x\"]},"
		"{\"name\": \"all\", \"peers\": {\"uid\": 2}, \"family\": \"inet\", \"actions\": "
		"\"store\"},"
		"{\"name\": \"meet\", \"peers\": \"any\", \"family\": \"inet\","
		" \"actions\": \"fetch\", \"names\": \"meet\", \"common\": true},"
		"{\"name\": \"not\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
		"\"inet\","
		" \"actions\": [\"store\", \"fetch\"], \"names\": \"web-secret*\"},"
		"{\"name\": \"not-common\", \"effect\": \"deny\", \"peers\": {\"uid\": 3},"
		" \"family\": \"inet\", \"actions\": \"fetch\", \"names\": \"*\", \"common\": "
		"true}]}");

	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "web-1", HERE}), "own");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "x", HERE}), "own");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "xy", HERE}), "");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "web", HERE}), "");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 2, "any", HERE}), "all");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "web-secret2", HERE}), "");
	ck_assert_ptr_nonnull(strstr(decision.reason, "rule not denies it"));
	/* Own names and common ones are not the same. */
	ck_assert_str_eq(
		ask(policy, (struct question){POLICY_FETCH, 1, "meet", true, HERE}), "meet");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_FETCH, 1, "meet", false, HERE}), "");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 2, "meet", true, HERE}), "");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_FETCH, 3, "meet", true, HERE}), "");
	policy_unref(policy);
}
END_TEST

START_TEST(namespaces)
{
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": ["
		"{\"name\": \"unsaid\", \"peers\": {\"uid\": 1}, \"family\": \"inet\", "
		"\"actions\": \"share\"},"
		"{\"name\": \"peer\", \"peers\": {\"uid\": 2}, \"family\": \"inet\", \"actions\": "
		"\"share\","
		" \"netns\": \"peer\"},"
		"{\"name\": \"broker\", \"peers\": {\"uid\": 3}, \"family\": \"inet\", "
		"\"actions\": \"share\","
		" \"netns\": \"broker\"},"
		"{\"name\": \"named\", \"peers\": {\"uid\": 4}, \"family\": \"inet\", \"actions\": "
		"\"share\","
		" \"netns\": \"blue\"},"
		"{\"name\": \"any\", \"peers\": {\"uid\": [5, 6]}, \"family\": \"inet\","
		" \"actions\": \"share\", \"netns\": \"any\"},"
		"{\"name\": \"not-blue\", \"effect\": \"deny\", \"peers\": {\"uid\": 6}, "
		"\"family\": \"inet\","
		" \"actions\": \"share\", \"netns\": \"blue\"}]}");
	/* Where the peer is, and where the socket is. */
	static const struct {
		struct question question;
		unsigned allowed; /* uids, as bits */
	} cases[] = {
		{{.in_brokers = true}, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6},
		{{.foreign = true, .in_brokers = true}, 1 << 3 | 1 << 5 | 1 << 6},
		{{.foreign = true, .in_peers = true}, 1 << 2 | 1 << 5 | 1 << 6},
		{{.foreign = true, .in_peers = true, .netns = "blue"}, 1 << 2 | 1 << 4 | 1 << 5},
		{{.foreign = true, .netns = "red"}, 1 << 5 | 1 << 6},
		{{.foreign = false, .netns = "blue"}, 1 << 4 | 1 << 5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (uid_t uid = 1; uid <= 6; uid++) {
			struct question question = cases[i].question;
			question.action = POLICY_SHARE;
			question.uid = uid;
			bool allowed = ask(policy, question)[0] != '\0';
			ck_assert_msg(allowed == (cases[i].allowed >> uid & 1),
				"case %zu, uid %u: %s", i, uid, decision.reason);
		}
	/* What cannot be told is not allowed, and is denied. */
	netns_unknown = true;
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 4, .netns = "blue"}), "");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 6, .netns = "red"}), "");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 5, .netns = "red"}), "any");
	netns_unknown = false;
	/* Only comparing takes a right, and only for a name. */
	ck_assert_uint_eq(policy_capabilities(policy), UINT64_C(1) << 12); /* CAP_NET_ADMIN */
	ck_assert(policy_names_netns(policy));
	ck_assert(!policy_uses_netns(policy));
	policy_unref(policy);
}
END_TEST

START_TEST(listeners)
{
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"r\", \"peers\": \"any\", \"listener\": \"a\","
		" \"family\": \"inet\", \"actions\": \"receive\"}]}");

	ck_assert_str_eq(
		ask(policy, (struct question){POLICY_RECEIVE, 1, HERE, .listener = "a"}), "r");
	ck_assert_str_eq(
		ask(policy, (struct question){POLICY_RECEIVE, 1, HERE, .listener = "b"}), "");
	ck_assert_ptr_nonnull(strstr(decision.reason, "it is for another listener"));
	policy_unref(policy);
}
END_TEST

/* Of whom all are one user a name of its own would be everybody's. */
START_TEST(strangers_have_no_names_of_their_own)
{
	static const struct policy_strangers some = {.uid = 65534, .gid = 65534};
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": ["
		"{\"name\": \"own\", \"peers\": \"any\", \"family\": \"inet\", \"actions\": "
		"[\"share\", \"store\"]},"
		"{\"name\": \"meet\", \"peers\": \"any\", \"family\": \"inet\", \"actions\": "
		"\"store\", \"common\": true, \"names\": \"*\"},"
		"{\"name\": \"not\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
		"\"inet\", \"actions\": \"store\", \"names\": \"x\"}]}");

	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 65534, "a", HERE}), "own");
	strangers = &some;
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 65534, "a", HERE}), "");
	ck_assert_ptr_nonnull(strstr(decision.reason, "no names of its own"));
	ck_assert_str_eq(
		ask(policy, (struct question){POLICY_STORE, 65534, "a", true, HERE}), "meet");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 65534, HERE}), "own");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "a", HERE}), "own");
	/* A rule that denies is for them too, and for both kinds of names. */
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 65534, "x", HERE}), "");
	ck_assert_str_eq(decision.rule.name, "not");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 65534, "x", true, HERE}), "");
	ck_assert_str_eq(decision.rule.name, "not");
	strangers = NULL;
	policy_unref(policy);
}
END_TEST

START_TEST(units)
{
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"r\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"actions\": \"share\", \"unit\": \"x.service\"},"
		"{\"name\": \"all\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"actions\": \"receive\"},"
		"{\"name\": \"not\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
		"\"inet\", \"actions\": \"receive\", \"unit\": \"y.service\"}]}");

	unit = "x.service";
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 1, HERE}), "r");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_RECEIVE, 1, HERE}), "all");
	unit = "y.service";
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 1, HERE}), "");
	ck_assert_ptr_nonnull(strstr(decision.reason, "another unit"));
	ck_assert_str_eq(ask(policy, (struct question){POLICY_RECEIVE, 1, HERE}), "");
	/* What cannot be told is not allowed, and is denied. */
	unit = NULL;
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 1, HERE}), "");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_RECEIVE, 1, HERE}), "");
	policy_unref(policy);
}
END_TEST

START_TEST(the_command_has_the_group_that_led_to_the_rule)
{
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": ["
		"{\"name\": \"a\", \"peers\": {\"gid\": 200}, \"family\": \"inet\", "
		"\"actions\": \"store\", \"names\": \"z\"},"
		"{\"name\": \"b\", \"peers\": {\"gid\": [100, 200]}, \"family\": \"inet\", "
		"\"actions\": \"fetch\", \"names\": \"z\"}]}");

	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "x", HERE}), "");
	ck_assert_ptr_nonnull(strstr(decision.reason,
		"rule a comes nearest: it is not for this name, or not as a common one; see why: "
		"sockctl check --uid=1 --gid=100 --groups=200 --action=store"));
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 1, HERE}), "");
	ck_assert_ptr_nonnull(strstr(decision.reason, "--groups=200 --action=share"));
	policy_unref(policy);
}
END_TEST

/* However the index finds them; and what stumbles last comes nearest. */
START_TEST(the_first_rule_counts)
{
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": ["
		"{\"name\": \"a\", \"peers\": \"any\", \"family\": \"inet\", \"actions\": "
		"\"share\", \"netns\": \"any\"},"
		"{\"name\": \"b\", \"peers\": {\"uid\": 1}, \"family\": \"inet\", \"type\": "
		"\"stream\", \"protocol\": \"tcp\", \"actions\": \"share\"},"
		"{\"name\": \"c\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
		"\"inet\", \"actions\": \"fetch\"},"
		"{\"name\": \"d\", \"effect\": \"deny\", \"peers\": {\"uid\": 1}, "
		"\"family\": \"inet\", \"type\": \"stream\", \"protocol\": \"tcp\", "
		"\"actions\": \"fetch\"},"
		"{\"name\": \"e\", \"peers\": \"any\", \"family\": \"inet\", \"actions\": "
		"\"store\", \"names\": \"z\"},"
		"{\"name\": \"f\", \"peers\": {\"uid\": 1}, \"family\": \"inet\", \"type\": "
		"\"stream\", \"protocol\": \"tcp\", \"actions\": \"store\", \"names\": "
		"\"y\"}]}");

	memset(&decision, 0xff, sizeof decision);
	ck_assert_str_eq(ask(policy, (struct question){POLICY_SHARE, 1, HERE}), "a");
	ck_assert_int_eq(decision.netns, RULE_NETNS_ANY);
	ck_assert_int_eq(decision.step, -1);
	ck_assert_str_eq(ask(policy, (struct question){POLICY_FETCH, 1, "n", HERE}), "");
	ck_assert_str_eq(decision.rule.name, "c");
	ck_assert_ptr_nonnull(strstr(decision.reason, "rule c denies it"));
	/* Wherever the socket is. */
	ck_assert_str_eq(ask(policy, (struct question){POLICY_FETCH, 1, "n", .foreign = true}), "");
	ck_assert_str_eq(decision.rule.name, "c");
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "x", HERE}), "");
	ck_assert_str_eq(decision.rule.name, "e");
	ck_assert_ptr_nonnull(
		strstr(decision.reason, "rule e comes nearest: it is not for this name"));
	ck_assert_str_eq(ask(policy, (struct question){POLICY_STORE, 1, "y", .foreign = true}), "");
	ck_assert_str_eq(decision.rule.name, "f");
	ck_assert_ptr_nonnull(strstr(decision.reason, "says nothing of \"netns\""));
	policy_unref(policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy-keep");
	TCase *tests = tcase_create("policy-keep");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, default_is_no);
	tcase_add_test(tests, opening_is_another_matter);
	tcase_add_test(tests, each_action_by_itself);
	tcase_add_test(tests, names);
	tcase_add_test(tests, namespaces);
	tcase_add_test(tests, listeners);
	tcase_add_test(tests, strangers_have_no_names_of_their_own);
	tcase_add_test(tests, units);
	tcase_add_test(tests, the_command_has_the_group_that_led_to_the_rule);
	tcase_add_test(tests, the_first_rule_counts);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
