/* Requests in words: what matters is not hidden behind what does not, and nothing of a client's is
 * printed as it is. */
#include <check.h>
#include <linux/can.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/audit.h"
#include "daemon/policy/describe.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/policy-fixture.h"

static const int one = 1, five = 5, six = 6, mark = 66;

#define OPTION(level, option, value) \
	{ \
		.kind = WIRE_STEP_OPTION, .a = (level), .b = (option), .data = &(value), \
		.data_size = sizeof(value) \
	}
#define BIND(address_) \
	{ \
		.kind = WIRE_STEP_BIND, .address = &(address_), .address_size = sizeof(address_) \
	}
#define HARMLESS OPTION(SOL_SOCKET, SO_KEEPALIVE, one)

static void expect_steps(int domain, int protocol, const struct wire_step *steps, size_t n_steps,
	const char *expected)
{
	char text[AUDIT_STEPS_MAX + 1];

	describe_steps(domain, protocol, steps, n_steps, text, sizeof(text));
	ck_assert_str_eq(text, expected);
}

START_TEST(what_fits_is_told_in_order)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	const struct wire_step steps[] = {
		HARMLESS, HARMLESS, OPTION(SOL_SOCKET, SO_MARK, mark), BIND(address)};

	expect_steps(AF_INET, 0, steps, ARRAY_SIZE(steps),
		"SO_KEEPALIVE=1 SO_KEEPALIVE=1 SO_MARK=66 bind *:81");
	expect_steps(AF_INET, 0, steps, 0, "");
}
END_TEST

START_TEST(what_matters_is_not_hidden_behind_harmless_options)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	struct wire_step steps[WIRE_STEPS_MAX] = {
		OPTION(SOL_SOCKET, SO_REUSEADDR, one),
		HARMLESS,
		OPTION(SOL_SOCKET, SO_BROADCAST, one),
		HARMLESS,
		OPTION(IPPROTO_TCP, TCP_NODELAY, one),
		HARMLESS,
		OPTION(IPPROTO_IP, IP_TOS, one),
		OPTION(SOL_SOCKET, SO_MARK, mark),
		BIND(address),
	};

	expect_steps(AF_INET, 0, steps, 9,
		"bind *:81 SO_MARK=66 SO_REUSEADDR=1 SO_KEEPALIVE=1 x3 SO_BROADCAST=1 "
		"TCP_NODELAY=1 +1 more");
	for (unsigned i = 9; i < WIRE_STEPS_MAX; i++)
		steps[i] = (struct wire_step)HARMLESS;
	expect_steps(AF_INET, 0, steps, WIRE_STEPS_MAX,
		"bind *:81 SO_MARK=66 SO_REUSEADDR=1 SO_KEEPALIVE=1 x26 SO_BROADCAST=1 "
		"TCP_NODELAY=1 +1 more");
}
END_TEST

/* Nor behind what it takes the place of. */
START_TEST(the_value_that_stands_comes_first)
{
	static int marks[WIRE_STEPS_MAX];
	struct wire_step steps[WIRE_STEPS_MAX];

	for (unsigned i = 0; i < WIRE_STEPS_MAX; i++) {
		marks[i] = i % 2 ? 5 : 1000 + (int)i;
		steps[i] = (struct wire_step)OPTION(SOL_SOCKET, SO_MARK, marks[i]);
	}
	marks[WIRE_STEPS_MAX - 1] = 66;
	expect_steps(AF_INET, 0, steps, WIRE_STEPS_MAX,
		"SO_MARK=66 SO_MARK=1000 SO_MARK=5 x15 SO_MARK=1002 SO_MARK=1004 SO_MARK=1006 +12 "
		"more");
	for (unsigned i = 0; i < WIRE_STEPS_MAX; i++)
		steps[i] = (struct wire_step)OPTION(SOL_SOCKET, SO_MARK, mark);
	expect_steps(AF_INET, 0, steps, WIRE_STEPS_MAX, "SO_MARK=66 x32");
}
END_TEST

/* But what was done with a value is done. */
START_TEST(a_value_that_something_was_done_with_comes_first)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	const struct wire_step steps[] = {
		OPTION(SOL_SOCKET, SO_REUSEADDR, one),
		OPTION(SOL_SOCKET, SO_BROADCAST, one),
		OPTION(SOL_SOCKET, SO_MARK, mark),
		{.kind = WIRE_STEP_CONNECT, .address = &address, .address_size = sizeof(address)},
		OPTION(IPPROTO_TCP, TCP_NODELAY, one),
		OPTION(SOL_SOCKET, SO_MARK, six),
		OPTION(SOL_SOCKET, SO_MARK, mark),
		HARMLESS,
		OPTION(SOL_SOCKET, SO_MARK, five),
	};

	expect_steps(AF_INET, 0, steps, ARRAY_SIZE(steps),
		"SO_MARK=66 SO_MARK=5 connect *:81 SO_REUSEADDR=1 SO_BROADCAST=1 TCP_NODELAY=1 +3 "
		"more");
}
END_TEST

/* Of groups each one stands. */
START_TEST(groups_are_all_told)
{
	const struct wire_step steps[] = {
		HARMLESS,
		OPTION(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, five),
		HARMLESS,
		OPTION(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, six),
		HARMLESS,
		HARMLESS,
	};

	expect_steps(AF_NETLINK, NETLINK_ROUTE, steps, ARRAY_SIZE(steps),
		"NETLINK_ADD_MEMBERSHIP=5 NETLINK_ADD_MEMBERSHIP=6 SO_KEEPALIVE=1 x4");
}
END_TEST

START_TEST(a_step_that_is_too_long_is_cut_off)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct wire_step steps[] = {BIND(address), OPTION(SOL_SOCKET, SO_MARK, mark)};
	char text[AUDIT_STEPS_MAX + 1];

	memset(address.sun_path, 'x', sizeof(address.sun_path) - 1);
	address.sun_path[0] = '/';
	for (size_t size = 1; size <= sizeof(text); size++) {
		describe_steps(AF_UNIX, 0, steps, ARRAY_SIZE(steps), text, size);
		ck_assert_uint_lt(strlen(text), size);
	}
	ck_assert_uint_le(strlen(text), AUDIT_STEPS_MAX);
	ck_assert_ptr_nonnull(strstr(text, "bind /xxx"));
	ck_assert_ptr_nonnull(strstr(text, "xxx... +1 more"));
}
END_TEST

static struct nlmsghdr messages[8192];

static struct wire_step send_of(size_t n)
{
	for (size_t i = 0; i < n; i++)
		messages[i].nlmsg_len = sizeof(messages[i]);
	return (struct wire_step){
		.kind = WIRE_STEP_SEND, .data = messages, .data_size = n * sizeof(messages[0])};
}

START_TEST(a_message_is_not_hidden_behind_free_ones)
{
	struct wire_step step;

	for (unsigned i = 0; i < 12; i++)
		messages[i].nlmsg_type = RTM_GETLINK;
	messages[12].nlmsg_type = RTM_DELLINK;
	step = send_of(13);
	expect_steps(AF_NETLINK, NETLINK_ROUTE, &step, 1, "send RTM_GETLINK x12 RTM_DELLINK");

	/* Each another than the one before it. */
	for (unsigned i = 0; i < ARRAY_SIZE(messages); i++)
		messages[i].nlmsg_type = (uint16_t)(i % 2 ? RTM_GETLINK : RTM_GETADDR + i % 3 * 4);
	messages[8000].nlmsg_type = RTM_DELLINK;
	messages[8004].nlmsg_type = RTM_NEWADDR;
	step = send_of(ARRAY_SIZE(messages));
	expect_steps(AF_NETLINK, NETLINK_ROUTE, &step, 1,
		"send RTM_DELLINK RTM_NEWADDR send RTM_GETADDR x1365 RTM_GETLINK x4096 "
		"+2729 more");

	/* Many kinds, and one that is cut short. */
	for (unsigned i = 0; i < ARRAY_SIZE(messages); i++)
		messages[i].nlmsg_type = (uint16_t)(0x4000 + i);
	step = send_of(ARRAY_SIZE(messages));
	messages[5000].nlmsg_len = UINT32_MAX;
	expect_steps(AF_NETLINK, NETLINK_ROUTE, &step, 1,
		"send message 16384 message 16385 message 16387 message 16388 message 16389 +4996 "
		"more");
}
END_TEST

/* Answers of socket diagnosis tell a broker more than everybody. */
START_TEST(a_message_of_several_sends_is_told_before_other_steps)
{
	struct wire_step steps[] = {HARMLESS, OPTION(SOL_SOCKET, SO_RCVBUF, one),
		OPTION(SOL_SOCKET, SO_SNDBUF, one), OPTION(SOL_NETLINK, NETLINK_EXT_ACK, one),
		OPTION(SOL_NETLINK, NETLINK_CAP_ACK, one), send_of(1), send_of(1)};

	messages[0].nlmsg_type = SOCK_DIAG_BY_FAMILY;
	expect_steps(AF_NETLINK, NETLINK_SOCK_DIAG, steps, ARRAY_SIZE(steps),
		"send SOCK_DIAG_BY_FAMILY x2 SO_KEEPALIVE=1 SO_RCVBUF=1 SO_SNDBUF=1 "
		"NETLINK_EXT_ACK=1 +1 more");
}
END_TEST

/* A client's bytes are never printed as they are, and whatever is asked, the buffer holds. */
START_TEST(hostile_words_are_made_harmless)
{
	char evil[] = "\x1b[2J\n'`$(x)`";
	unsigned char noise[WIRE_ADDRESS_MAX];
	struct wire_step steps[WIRE_STEPS_MAX];
	char text[POLICY_REASON_MAX];

	memset(noise, 0xff, sizeof(noise));
	for (size_t i = 0; i < WIRE_STEPS_MAX; i++)
		steps[i] = (struct wire_step){.kind = (enum wire_step_kind)(i % 9),
			.a = SOL_SOCKET,
			.b = SO_BINDTODEVICE,
			.data = evil,
			.data_size = i % sizeof(evil),
			.address = noise,
			.address_size = i * 4};
	for (int domain = -1; domain < 50; domain++) {
		struct policy_query query = {.domain = domain,
			.type = -7,
			.protocol = 1 << 30,
			.steps = steps,
			.n_steps = WIRE_STEPS_MAX,
			.fd = -1};
		/* Each size comes up, at some of the domains. */
		for (size_t size = 1 + (size_t)(domain + 1) % 7; size <= sizeof(text); size += 7) {
			char *exact = malloc(size);
			ck_assert_ptr_nonnull(exact);
			describe_query(&query, exact, size);
			ck_assert_uint_lt(strnlen(exact, size), size);
			describe_check(
				&query, &(struct policy_subject){.uid = 1}, NULL, exact, size);
			for (size_t i = 0; exact[i]; i++)
				ck_assert(exact[i] >= ' ' && exact[i] < 0x7f);
			free(exact);
		}
	}
	const struct wire_step device = {.kind = WIRE_STEP_OPTION,
		.a = SOL_SOCKET,
		.b = SO_BINDTODEVICE,
		.data = evil,
		.data_size = sizeof(evil)};
	describe_steps(AF_INET, 0, &device, 1, text, sizeof(text));
	ck_assert_str_eq(text, "SO_BINDTODEVICE=\\x1b[2J\\x0a'`$(x)`");
	const struct policy_query query = {
		.domain = AF_INET, .type = SOCK_STREAM, .steps = &device, .n_steps = 1, .fd = -1};
	describe_check(&query, &(struct policy_subject){.uid = 5}, NULL, text, sizeof(text));
	ck_assert_str_eq(text, "sockctl check --uid=5 --gid=0 inet stream "
			       "'--option=SO_BINDTODEVICE=\\x1b[2J\\x0a'\\''`$(x)`'");
	/* half a word would ask for something else */
	describe_check(&query, &(struct policy_subject){.uid = 5}, NULL, text, 50);
	ck_assert_str_eq(text, "sockctl check --uid=5 --gid=0 inet stream");
}
END_TEST

/* Nor are they in what a rule says of them: whatever is made of a reason takes text. */
START_TEST(so_are_hostile_names_in_a_reason)
{
	static const struct sockaddr_can any = {.can_family = AF_CAN};
	static const struct {
		int domain, type, protocol;
		struct wire_step step;
		const char *said;
	} cases[] = {
		{AF_INET, SOCK_STREAM, 0,
			{.kind = WIRE_STEP_OPTION,
				.a = SOL_SOCKET,
				.b = SO_BINDTODEVICE,
				.data = "a\n\xff\xc3",
				.data_size = 4},
			"interface a\\x0a\\xff\\xc3 is not in the rule's"},
		{AF_CAN, SOCK_RAW, CAN_RAW,
			{.kind = WIRE_STEP_BIND,
				.address = &any,
				.address_size = sizeof(any),
				.data = "\x1b[2J\x80",
				.data_size = 5},
			"interface \\x1b[2J\\x80 is not in the rule's"},
	};
	struct fixture fixture;

	fixture_make(&fixture);
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"a\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": \"stream\", \"protocol\": \"tcp\", \"interfaces\": \"eth0\"}, "
		"{\"name\": \"b\", \"peers\": \"any\", \"family\": \"can\", \"type\": \"raw\", "
		"\"protocol\": \"raw\", \"mark\": 7, \"interfaces\": \"vcan0\"}]}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy_query query = {.domain = cases[i].domain,
			.type = cases[i].type,
			.protocol = cases[i].protocol,
			.steps = &cases[i].step,
			.n_steps = 1,
			.fd = -1};
		struct policy_decision decision;

		policy_decide(policy, &(struct policy_subject){.uid = 5}, &query, &decision);
		ck_assert(!decision.allowed);
		ck_assert_msg(strstr(decision.reason, cases[i].said), "%s", decision.reason);
		for (const char *c = decision.reason; *c; c++)
			ck_assert(*c >= ' ' && *c < 0x7f);
	}
	policy_unref(policy);
	fixture_remove(&fixture);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("describe");
	TCase *steps = tcase_create("steps");

	tcase_set_timeout(steps, 60);
	tcase_add_test(steps, what_fits_is_told_in_order);
	tcase_add_test(steps, what_matters_is_not_hidden_behind_harmless_options);
	tcase_add_test(steps, the_value_that_stands_comes_first);
	tcase_add_test(steps, a_value_that_something_was_done_with_comes_first);
	tcase_add_test(steps, groups_are_all_told);
	tcase_add_test(steps, a_step_that_is_too_long_is_cut_off);
	tcase_add_test(steps, a_message_is_not_hidden_behind_free_ones);
	tcase_add_test(steps, a_message_of_several_sends_is_told_before_other_steps);
	tcase_add_test(steps, hostile_words_are_made_harmless);
	tcase_add_test(steps, so_are_hostile_names_in_a_reason);
	suite_add_tcase(suite, steps);
	return suite_run(suite);
}
