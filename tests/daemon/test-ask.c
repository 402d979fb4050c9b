/*
 * Asking without acting: the verdict is the one that the request itself gets, and nothing else
 * happens, whoever asks and however.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/ask.h"
#include "lib/sockd.h"
#include "proto/macro.h"
#include "proto/transport.h"
#include "tests/daemon/hostile.h"

static int greet_to_ask(void)
{
	const struct wire_request hello = {.verb = WIRE_HELLO,
		.serial = 1,
		.hello = {.version_min = WIRE_VERSION,
			.version_max = WIRE_VERSION,
			.features = WIRE_FEATURE_ASK | UINT64_C(1) << 63}};
	struct client_reply reply;
	int fd = client_connect(broker.socket);

	EXPECT(fd >= 0);
	EXPECT(client_call(fd, &hello, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == 0);
	EXPECT(reply.reply.welcome.features == (WIRE_FEATURES | WIRE_WELCOME_NO_SENDS));
	return fd;
}

static const unsigned char packet_of_zeros[1024];

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct wire_step address_step(enum wire_step_kind kind, const struct sockaddr_in *address)
{
	return (struct wire_step){
		.kind = kind, .address = address, .address_size = sizeof *address};
}

static void expect_allowed(const struct client_reply *reply, const char *rule)
{
	EXPECT(reply->reply.answer.error == 0);
	EXPECT(reply->reply.answer.origin == WIRE_ORIGIN_NONE);
	EXPECT(reply->reply.answer.flags == WIRE_ANSWER_ONLY_ASKED);
	EXPECT(reply->reply.answer.grant == 0);
	EXPECT(reply->n_fds == 0);
	EXPECT(strcmp(reply->text, rule) == 0);
}

static int the_rule_is_named(void *data _unused_)
{
	static struct wire_request request;
	struct sockaddr_in address = loopback(80);
	struct client_reply reply;
	int fd = greet_to_ask();

	request_open(&request, AF_INET, SOCK_RAW, IPPROTO_ICMP, 1);
	request.flags = WIRE_REQUEST_ASK;
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	expect_allowed(&reply, "plain");
	request_open(&request, AF_INET, SOCK_STREAM, 0, 1);
	request.flags = WIRE_REQUEST_ASK;
	request.n_steps = 1;
	request.steps[0] = address_step(WIRE_STEP_BIND, &address);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	expect_allowed(&reply, "web");
	return 0;
}

static int answers_are_those_of_the_request(void *data _unused_)
{
	static const int mark = 7;
	struct sockaddr_in eighty = loopback(80), other = loopback(81);
	const struct {
		int domain, type, protocol;
		size_t n_steps;
		struct wire_step steps[2];
	} cases[] = {
		{AF_INET, SOCK_DGRAM, 0, 0, {{0}}},
		{AF_INET, SOCK_STREAM, 0, 0, {{0}}},
		{AF_INET, SOCK_STREAM, 0, 1, {address_step(WIRE_STEP_BIND, &eighty)}},
		{AF_INET, SOCK_STREAM, 0, 2,
			{{.kind = WIRE_STEP_OPTION,
				 .a = SOL_SOCKET,
				 .b = SO_KEEPALIVE,
				 .data = &mark,
				 .data_size = sizeof mark},
				address_step(WIRE_STEP_BIND, &other)}},
		{AF_INET, SOCK_DGRAM, 0, 1,
			{{.kind = WIRE_STEP_OPTION,
				.a = SOL_SOCKET,
				.b = SO_MARK,
				.data = &mark,
				.data_size = sizeof mark}}},
		{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 0, {{0}}},
		{AF_PACKET, SOCK_RAW, 0, 0, {{0}}},
		{AF_UNIX, SOCK_STREAM, 0, 0, {{0}}},
		{-1, 77, -5, 0, {{0}}},
	};
	static struct wire_request request;
	struct client_reply asked, done;
	int fd = greet_to_ask();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		request_open(&request, cases[i].domain, cases[i].type, cases[i].protocol, 1);
		request.n_steps = cases[i].n_steps;
		memcpy(request.steps, cases[i].steps, sizeof cases[i].steps);
		request.flags = WIRE_REQUEST_ASK;
		EXPECT(client_call(fd, &request, NULL, 0, &asked) == 0);
		request.flags = 0;
		EXPECT(client_call(fd, &request, NULL, 0, &done) == 0);
		EXPECT(asked.n_fds == 0);
		EXPECT(asked.reply.answer.error == done.reply.answer.error);
		EXPECT(asked.reply.answer.origin == done.reply.answer.origin);
		EXPECT(asked.reply.answer.step == done.reply.answer.step);
		EXPECT(done.reply.answer.error == 0 || strcmp(asked.text, done.text) == 0);
		EXPECT(asked.reply.answer.flags ==
			(done.reply.answer.error == 0 ? WIRE_ANSWER_ONLY_ASKED : 0));
		client_close_fds(&done);
	}
	return 0;
}

/* The client's own socket is as it was, and let go of: its other end hears of our close. */
static int own_sockets_are_left_alone(void *data _unused_)
{
	static struct wire_request request;
	struct sockaddr_in address = loopback(80), bound;
	socklen_t size = sizeof bound;
	struct client_reply reply;
	int fd = greet_to_ask(), own = socket(AF_INET, SOCK_STREAM, 0), pair[2];
	const int value = 1;

	request = (struct wire_request){
		.verb = WIRE_APPLY, .serial = 9, .flags = WIRE_REQUEST_ASK, .n_steps = 2};
	request.steps[0] = (struct wire_step){.kind = WIRE_STEP_OPTION,
		.a = SOL_SOCKET,
		.b = SO_KEEPALIVE,
		.data = &value,
		.data_size = sizeof value};
	request.steps[1] = address_step(WIRE_STEP_BIND, &address);
	EXPECT(client_call(fd, &request, &own, 1, &reply) == 0);
	expect_allowed(&reply, "web");
	EXPECT(getsockname(own, (struct sockaddr *)&bound, &size) == 0 && bound.sin_port == 0);
	int keep = 1;
	size = sizeof keep;
	EXPECT(getsockopt(own, SOL_SOCKET, SO_KEEPALIVE, &keep, &size) == 0 && keep == 0);

	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	EXPECT(client_call(fd, &request, &pair[1], 1, &reply) == 0);
	EXPECT(reply.reply.answer.error != 0 && reply.n_fds == 0);
	close(pair[1]);
	struct pollfd hung = {.fd = pair[0], .events = 0};
	EXPECT(poll(&hung, 1, 5000) == 1 && hung.revents & POLLHUP);

	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	EXPECT(client_call(fd, &request, &null, 1, &reply) == 0);
	EXPECT(reply.reply.answer.error == ENOTSOCK);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == EBADMSG);
	return 0;
}

static int only_where_it_was_agreed(void *data _unused_)
{
	static struct wire_request request;
	struct client_reply reply;
	int fd = client_greet(broker.socket), own = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(fd >= 0);
	request_open(&request, AF_INET, SOCK_DGRAM, 0, 1);
	request.flags = WIRE_REQUEST_ASK;
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPROTO && reply.n_fds == 0);
	EXPECT(strstr(reply.text, "HELLO"));
	request.verb = WIRE_APPLY;
	request.n_steps = 1;
	request.steps[0] = (struct wire_step){.kind = WIRE_STEP_LISTEN};
	EXPECT(client_call(fd, &request, &own, 1, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPROTO && reply.n_fds == 0);
	return 0;
}

/* Other verbs have no flag, and there is no other flag. */
static int unknown_flags_are_refused(void *data _unused_)
{
	static unsigned char packet[512];
	static struct wire_request request;
	struct client_reply reply;
	int fd = greet_to_ask();

	for (int verb = WIRE_HELLO; verb <= WIRE_RELEASE; verb++)
		for (unsigned bit = 0; bit < 32; bit++) {
			if (verb == WIRE_APPLY || (verb == WIRE_OPEN && bit == 0))
				continue;
			request_open(&request, AF_INET, SOCK_DGRAM, 0, 1);
			request.verb = (enum wire_verb)verb;
			ssize_t size = wire_encode_request(&request, packet, sizeof packet);
			EXPECT(size > 0);
			uint32_t flags = UINT32_C(1) << bit;
			memcpy(packet + offsetof(struct wire_header, flags), &flags, sizeof flags);
			EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
			EXPECT(client_receive(fd, &reply) == 0);
			EXPECT(reply.reply.answer.error == EBADMSG && reply.n_fds == 0);
		}
	return 0;
}

/* Many sockets, much to set up, a peer to connect to and to send to: nothing of it is done. */
static int greedy(void *data _unused_)
{
	static struct wire_request request;
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof address;
	struct client_reply reply;
	int fd = greet_to_ask(), listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char byte;

	EXPECT(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(listen(listener, 8) == 0);
	EXPECT(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	EXPECT(bind(receiver, (struct sockaddr *)&address, sizeof address) == 0);
	for (unsigned i = 0; i < 500; i++) {
		request_open(&request, AF_INET, SOCK_DGRAM, 0, i % 2 ? 64 : WIRE_COUNT_MAX);
		request.flags = WIRE_REQUEST_ASK;
		request.n_steps = WIRE_STEPS_MAX;
		for (size_t j = 0; j < WIRE_STEPS_MAX; j++)
			request.steps[j] = (struct wire_step){
				.kind = WIRE_STEP_SEND,
				.address = &address,
				.address_size = sizeof address,
				.data = packet_of_zeros,
				.data_size = 1024,
			};
		request.steps[0] = address_step(WIRE_STEP_CONNECT, &address);
		EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
		expect_allowed(&reply, "plain");
	}
	EXPECT(recv(receiver, &byte, 1, 0) < 0 && errno == EAGAIN);
	EXPECT(accept(listener, NULL, NULL) < 0 && errno == EAGAIN);
	return 0;
}

/* Questions by the hundred without reading an answer, and then gone. */
static int rude(void *data _unused_)
{
	static unsigned char packet[WIRE_PACKET_MAX];
	static struct wire_request request;
	int fd = greet_to_ask(), own = socket(AF_INET, SOCK_STREAM, 0);

	request =
		(struct wire_request){.verb = WIRE_APPLY, .flags = WIRE_REQUEST_ASK, .n_steps = 1};
	request.steps[0] = (struct wire_step){.kind = WIRE_STEP_LISTEN};
	ssize_t size = wire_encode_request(&request, packet, sizeof packet);
	EXPECT(size > 0);
	EXPECT(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	for (unsigned i = 0; i < 1000; i++)
		if (client_send_raw(fd, packet, (size_t)size, &own, 1) < 0)
			break;
	return 0;
}

static const struct {
	const char *name;
	int (*function)(void *data);
} cases[] = {
	{"the rule is named", the_rule_is_named},
	{"answers are those of the request", answers_are_those_of_the_request},
	{"own sockets are left alone", own_sockets_are_left_alone},
	{"only where it was agreed", only_where_it_was_agreed},
	{"unknown flags", unknown_flags_are_refused},
	{"greedy", greedy},
	{"rude", rude},
};

START_TEST(nothing_is_done)
{
	int status = run_as(CLIENT_UID, cases[_i].function, NULL);

	ck_assert_msg(status == 0, "%s: exit status %d", cases[_i].name, status);
	nothing_is_left();
}
END_TEST

static size_t count_in(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

/* The audit trail in the end; it is written in batches. */
static char *audit_with(const char *part, size_t n)
{
	char *text = NULL;

	for (int64_t until = now_usec() + 5000000; now_usec() < until; usleep(20000)) {
		free(text);
		text = read_text(broker.audit);
		if (text && count_in(text, part) >= n)
			break;
	}
	ck_assert_ptr_nonnull(text);
	return text;
}

START_TEST(questions_are_in_the_audit_trail)
{
	ck_assert_int_eq(run_as(CLIENT_UID, the_rule_is_named, NULL), 0);
	_cleanup_free_ char *text = audit_with("\"event\":\"question\"", 2);
	_cleanup_free_ char *list = broker_ask(&broker, "{\"verb\":\"list\"}");

	ck_assert_uint_eq(count_in(text, "\"event\":\"question\""), 2);
	ck_assert_ptr_nonnull(list);
	ck_assert_uint_eq(count_in(list, "\"rule\""), 0);
}
END_TEST

/* What is malformed is not put down to the rule of another request. */
static int not_a_socket_after_a_grant(void *data _unused_)
{
	static struct wire_request request;
	struct sockaddr_in address = loopback(80);
	struct client_reply reply;
	int fd = greet_to_ask(), own = socket(AF_INET, SOCK_STREAM, 0);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	request =
		(struct wire_request){.verb = WIRE_APPLY, .flags = WIRE_REQUEST_ASK, .n_steps = 1};
	request.steps[0] = address_step(WIRE_STEP_BIND, &address);
	EXPECT(client_call(fd, &request, &own, 1, &reply) == 0);
	expect_allowed(&reply, "web");
	EXPECT(client_call(fd, &request, &null, 1, &reply) == 0);
	EXPECT(reply.reply.answer.error == ENOTSOCK);
	return 0;
}

START_TEST(no_rule_of_another_request)
{
	ck_assert_int_eq(run_as(CLIENT_UID, not_a_socket_after_a_grant, NULL), 0);
	_cleanup_free_ char *text = audit_with("ENOTSOCK", 1);
	char *line = strstr(text, "ENOTSOCK");

	ck_assert_ptr_nonnull(line);
	while (line > text && line[-1] != '\n')
		line--;
	line[strcspn(line, "\n")] = '\0';
	ck_assert_msg(!strstr(line, "\"rule\""), "a rule in: %s", line);
	ck_assert_msg(!strstr(line, "\"steps\""), "steps in: %s", line);
}
END_TEST

/* With as many sockets as it may have, a user would get no more, and is told so; asking itself is
 * not counted. */
static int at_the_limit(void *data _unused_)
{
	static struct wire_request request;
	struct client_reply reply, held;
	int fd = greet_to_ask();

	request_open(&request, AF_INET, SOCK_DGRAM, 0, 2);
	request.flags = WIRE_REQUEST_ASK;
	for (int i = 0; i < 20; i++) {
		EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
		expect_allowed(&reply, "few");
	}
	request.flags = 0;
	EXPECT(client_call(fd, &request, NULL, 0, &held) == 0);
	EXPECT(held.n_fds == 2);
	request.flags = WIRE_REQUEST_ASK;
	request.count = 1;
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == EMFILE);
	EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_LIMIT);
	client_close_fds(&held);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	expect_allowed(&reply, "few");
	return 0;
}

START_TEST(limits_are_told_and_not_used_up)
{
	ck_assert_int_eq(broker_start(&broker, NULL,
				 "{\"limits\": {\"grants-per-user\": 2}, \"rules\": [{\"name\": "
				 "\"few\", \"peers\": \"any\", \"family\": \"inet\"}]}"),
		0);
	ck_assert_int_eq(run_as(CLIENT_UID, at_the_limit, NULL), 0);
	ck_assert_int_eq(broker_stop(&broker), 0);
}
END_TEST

/* The library's side of it, with the same broker. */
static int by_the_library(void *data _unused_)
{
	struct wire_request request = {
		.verb = WIRE_OPEN, .domain = AF_INET, .type = SOCK_RAW, .protocol = IPPROTO_ICMP};
	struct sockaddr_in address = loopback(81);
	struct ask_verdict verdict;
	int own = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(setenv("SOCKD_SOCKET", broker.socket, 1) == 0);
	EXPECT(ask_whether(&request, -1, &verdict) == ASK_DONE);
	EXPECT(strcmp(verdict.rule, "plain") == 0 && *sockd_reason() == '\0');
	size_t before = count_fds_of(getpid());
	request.protocol = 0;
	request.domain = AF_INET6;
	EXPECT(ask_whether(&request, -1, &verdict) == ASK_REFUSED);
	EXPECT(verdict.error == EPERM && verdict.step == -1 && verdict.rule[0] == '\0');
	EXPECT(strstr(sockd_reason(), "no rule"));
	request = (struct wire_request){.verb = WIRE_APPLY, .n_steps = 1};
	request.steps[0] = address_step(WIRE_STEP_BIND, &address);
	EXPECT(ask_whether(&request, own, &verdict) == ASK_REFUSED);
	EXPECT(verdict.error == EACCES && verdict.step == 0);
	EXPECT(strstr(sockd_reason(), "port 81"));
	EXPECT(count_fds_of(getpid()) == before);
	EXPECT(setenv("SOCKD_SOCKET", "/nowhere/at/all", 1) == 0);
	return 0;
}

START_TEST(the_library_asks)
{
	ck_assert_int_eq(run_as(CLIENT_UID, by_the_library, NULL), 0);
	nothing_is_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ask");
	TCase *tcase = tcase_create("ask"), *limits = tcase_create("limits");

	tcase_add_checked_fixture(tcase, hostile_setup, hostile_teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, nothing_is_done, 0, (int)ARRAY_SIZE(cases));
	tcase_add_test(tcase, questions_are_in_the_audit_trail);
	tcase_add_test(tcase, no_rule_of_another_request);
	tcase_add_test(tcase, the_library_asks);
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(limits, 60);
	tcase_add_test(limits, limits_are_told_and_not_used_up);
	suite_add_tcase(suite, limits);
	return hostile_main(suite);
}
