/*
 * Peers in many groups: what is said twice counts once, and a list too long to be compared with the
 * rules for every request is refused in words.
 */
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/peer.h"
#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/daemon/hostile.h"

#define FIRST_GROUP 100000u
#define NAMED_GROUP 200000u /* above all others, and the rules' */
#define KERNEL_GROUPS_MAX 65536u

static const char policy[] =
	"{\"rules\": [\n"
	"  {\"name\": \"anybody\", \"peers\": \"any\", \"family\": \"inet\", \"type\": "
	"\"dgram\"},\n"
	"  {\"name\": \"members\", \"peers\": {\"gid\": 200000}, \"family\": \"inet\", \"type\": "
	"\"raw\"},\n"
	"  {\"name\": \"not-members\", \"effect\": \"deny\", \"peers\": {\"gid\": 200000},\n"
	"   \"family\": \"inet\", \"type\": \"dgram\"}\n"
	"]}\n";

/* What a client is in: so many groups one after the other, the last of them several times, and the
 * rules'. */
struct groups {
	size_t n_different, n_same;
	bool named;
};

static size_t list_groups(const struct groups *groups, gid_t *list)
{
	size_t n = 0;

	for (size_t i = 0; i < groups->n_different; i++)
		list[n++] = FIRST_GROUP + (gid_t)i;
	for (size_t i = 0; i < groups->n_same; i++)
		list[n++] = FIRST_GROUP + (gid_t)groups->n_different - 1;
	if (groups->named)
		list[n++] = NAMED_GROUP;
	return n;
}

static void join(const struct groups *groups)
{
	static gid_t list[KERNEL_GROUPS_MAX];

	EXPECT(setgroups(list_groups(groups, list), list) == 0);
	EXPECT(setresgid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	EXPECT(setresuid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
}

static int open_by_rule(int fd, int type, int protocol)
{
	static struct wire_request request;
	struct client_reply reply;

	request_open(&request, AF_INET, type, protocol, 1);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	client_close_fds(&reply);
	return reply.reply.answer.error;
}

static int rules_are_found(void *data)
{
	const struct groups *groups = data;

	join(groups);
	int fd = client_greet(broker.socket);
	EXPECT(fd >= 0);
	EXPECT(open_by_rule(fd, SOCK_RAW, IPPROTO_ICMP) == (groups->named ? 0 : EPERM));
	EXPECT(open_by_rule(fd, SOCK_DGRAM, 0) == (groups->named ? EPERM : 0));
	return 0;
}

static int say_hello(int fd, struct client_reply *ret)
{
	const struct wire_request hello = {.verb = WIRE_HELLO,
		.serial = 1,
		.hello = {.version_min = WIRE_VERSION,
			.version_max = WIRE_VERSION,
			.features = WIRE_FEATURES}};

	return client_call(fd, &hello, NULL, 0, ret);
}

/* Not even by what everybody may have, as a deny rule might speak of a group that was not looked
 * at. */
static int refused_in_words(void *data)
{
	static const struct wire_request name = {.verb = WIRE_FETCH, .serial = 3, .name = "x"};
	struct client_reply reply;

	join(data);
	int fd = client_connect(broker.socket);
	EXPECT(fd >= 0);
	for (int i = 0; i < 2; i++) {
		EXPECT(say_hello(fd, &reply) == 0);
		EXPECT(reply.reply.answer.error == EPERM);
		EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_LIMIT);
		EXPECT(strstr(reply.text, "more than 1024 groups"));
		EXPECT(strstr(reply.text, "setgroups(2)"));
		EXPECT(open_by_rule(fd, SOCK_DGRAM, 0) == EPROTO);
		EXPECT(client_call(fd, &name, NULL, 0, &reply) == 0);
		EXPECT(reply.reply.answer.error == EPROTO && reply.n_fds == 0);
	}
	return 0;
}

static int the_library_says_why(void *data)
{
	join(data);
	EXPECT(setenv("SOCKD_SOCKET", broker.socket, 1) == 0);
	EXPECT(sockd_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 && errno == EPERM);
	EXPECT(strstr(sockd_reason(), "more than 1024 groups"));
	return 0;
}

static int run_as_root(int (*function)(void *data), struct groups groups)
{
	return run_as(getuid(), function, &groups);
}

static void setup(void)
{
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
}

START_TEST(as_many_as_may_be)
{
	static const struct groups cases[] = {
		{0, 0, true},
		{1, 0, false},
		{PEER_GROUPS_MAX, 0, false},
		{PEER_GROUPS_MAX - 1, 0, true},
		{PEER_GROUPS_MAX - 1, 3 * PEER_GROUPS_MAX, true},
		{1, 4 * PEER_GROUPS_MAX - 2, true},
	};

	ck_assert_int_eq(run_as_root(rules_are_found, cases[_i]), 0);
}
END_TEST

START_TEST(too_many)
{
	static const struct groups cases[] = {
		{PEER_GROUPS_MAX + 1, 0, false},
		{PEER_GROUPS_MAX, 0, true},
		{KERNEL_GROUPS_MAX - 1, 0, true},
		{1, 4 * PEER_GROUPS_MAX, false},
	};
	char *text = NULL;

	ck_assert_int_eq(run_as_root(refused_in_words, cases[_i]), 0);
	for (int64_t until = now_usec() + 5000000; now_usec() < until; usleep(20000)) {
		free(text);
		text = read_text(broker.audit);
		if (text && strstr(text, "more than 1024 groups"))
			break;
	}
	ck_assert_ptr_nonnull(text);
	char *line = strstr(text, "more than 1024 groups");
	ck_assert_msg(line, "not in the audit trail: %s", text);
	ck_assert_msg(!strstr(line + 1, "more than 1024 groups"), "twice: %s", text);
	while (line > text && line[-1] != '\n')
		line--;
	line[strcspn(line, "\n")] = '\0';
	ck_assert_msg(strstr(line, "\"event\":\"peer\"") && strstr(line, "65534"), "%s", line);
	free(text);
}
END_TEST

START_TEST(too_many_for_the_library)
{
	const struct groups groups = {PEER_GROUPS_MAX + 1, 0, true};

	ck_assert_int_eq(run_as_root(the_library_says_why, groups), 0);
}
END_TEST

static int read_own(void *data)
{
	const struct groups *groups = data;
	struct peer peer;
	int pair[2];

	join(groups);
	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	EXPECT(peer_read(pair[0], &peer) == 0);
	EXPECT(peer_read_groups(&peer, pair[0]) == 0);
	EXPECT(!peer.too_many_groups);
	EXPECT(peer.n_groups == groups->n_different + groups->named);
	for (size_t i = 1; i < peer.n_groups; i++)
		EXPECT(peer.groups[i - 1] < peer.groups[i]);
	peer_done(&peer);
	return 0;
}

START_TEST(each_is_kept_once)
{
	static const struct groups cases[] = {
		{0, 0, false},
		{1, 20, false},
		{1, 4 * PEER_GROUPS_MAX - 1, false},
		{5, 100, true},
		{PEER_GROUPS_MAX, 1, false},
	};

	ck_assert_int_eq(run_as_root(read_own, cases[_i]), 0);
}
END_TEST

#define REQUESTS 50
#define ROUNDS 5

/* What some requests take whose sender has to be looked at, as its real and effective ids differ.
 * The least of some. */
static int64_t requests_usec(int fd)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t before = now_usec();
		for (int j = 0; j < REQUESTS; j++)
			EXPECT(open_by_rule(fd, SOCK_STREAM, 0) == EPERM);
		least = MIN_OF(least, now_usec() - before);
	}
	return least;
}

/* As in a user namespace with one subordinate group, which may be said so often. */
static int join_after_connecting(void *data _unused_)
{
	static gid_t list[KERNEL_GROUPS_MAX];

	for (size_t i = 0; i < KERNEL_GROUPS_MAX; i++)
		list[i] = (gid_t)2000000000;
	EXPECT(setgroups(0, NULL) == 0 && setresgid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	EXPECT(setresuid(OTHER_UID, CLIENT_UID, 0) == 0);
	int fd = client_greet(broker.socket);
	EXPECT(fd >= 0);
	int64_t few = requests_usec(fd);
	EXPECT(seteuid(0) == 0 && setgroups(KERNEL_GROUPS_MAX, list) == 0);
	EXPECT(setresuid(OTHER_UID, CLIENT_UID, CLIENT_UID) == 0);
	int64_t many = requests_usec(fd);
	printf("# %d requests: %lld us, in many groups %lld us\n", REQUESTS, (long long)few,
		(long long)many);
	return many < 20 * few ? 0 : 1;
}

/* Else each of them would keep others waiting for milliseconds. */
START_TEST(groups_that_were_joined_later_cost_no_time)
{
	ck_assert_int_eq(run_as(getuid(), join_after_connecting, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("groups");
	TCase *tcase = tcase_create("broker"), *reading = tcase_create("reading");

	tcase_add_checked_fixture(tcase, setup, hostile_teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, as_many_as_may_be, 0, 6);
	tcase_add_loop_test(tcase, too_many, 0, 4);
	tcase_add_test(tcase, too_many_for_the_library);
	tcase_add_test(tcase, groups_that_were_joined_later_cost_no_time);
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(reading, 60);
	tcase_add_loop_test(reading, each_is_kept_once, 0, 5);
	suite_add_tcase(suite, reading);
	return hostile_main(suite);
}
