/*
 * A real sockd and clients that want too much of it, or leave at the wrong moment; what it does
 * when its policy is replaced by a broken one; and the list of grants, which follows the sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proto/macro.h"
#include "tests/daemon/hostile.h"

struct load {
	int connections;
	int requests; /* on each of them, or until its queue is full */
	int domain;
	unsigned count;
	bool apply;
};

/* Sends without ever reading. */
static int send_and_never_read(void *data)
{
	const struct load *load = data;
	static unsigned char packet[4096];
	static struct wire_request apply;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
	ssize_t size = encode_open(load->domain, load->count, packet, sizeof packet);
	int own = -1, sent = 0;
	const int one = 1;

	if (load->apply) {
		own = socket(AF_INET, SOCK_STREAM, 0);
		/* Others bind it meanwhile. */
		EXPECT(setsockopt(own, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
		apply = (struct wire_request){.verb = WIRE_APPLY, .n_steps = 1};
		apply.steps[0] = (struct wire_step){.kind = WIRE_STEP_BIND,
			.address = &address,
			.address_size = sizeof address};
		size = wire_encode_request(&apply, packet, sizeof packet);
	}
	EXPECT(size > 0);
	for (int i = 0; i < load->connections; i++) {
		int fd = client_greet(broker.socket);
		EXPECT(fd >= 0);
		EXPECT(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
		for (int j = 0; j < load->requests; j++) {
			int r = client_send_raw(fd, packet, (size_t)size, &own, own >= 0 ? 1 : 0);
			if (r == -EAGAIN || r == -ETOOMANYREFS)
				break;
			EXPECT(r == 0 || r == -EPIPE || r == -ECONNRESET);
			sent += r == 0;
		}
	}
	EXPECT(sent >= load->connections);
	return 0;
}

static const struct load loads[] = {
	{1, 5000, AF_INET, 1, false},
	{200, 5000, AF_INET, 1, false},
	{200, 50, AF_INET, WIRE_COUNT_MAX, false}, /* replies full of descriptors */
	{10, 2, AF_PACKET, 8, false},		   /* that are slow to close: 16 ms each */
	{200, 50, AF_INET6, 1, false},		   /* refusals */
	{200, 50, AF_INET, 1, true},
};

START_TEST(more_requests_than_read_replies)
{
	struct load load = loads[_i / 2];
	struct standing standing = standing_start(attacker_uid, send_and_never_read, &load);

	for (int i = 0; i < 10; i++)
		others_do_not_notice();
	size_t open = count_fds_of(broker.pid);
	ck_assert_msg(open < 20000 / 2, "sockd has %zu descriptors open", open);
	standing_end(&standing, _i % 2);
	nothing_is_left();
}
END_TEST

static int half_open(void *data _unused_)
{
	static const int ways[] = {-1, SHUT_WR, SHUT_RD, SHUT_RDWR};
	unsigned char packet[256];
	ssize_t size = encode_open(AF_INET, 1, packet, sizeof packet);

	for (size_t i = 0; i < 200; i++) {
		int fd = i < 100 ? client_connect(broker.socket) : client_greet(broker.socket);
		EXPECT(fd >= 0);
		if (i % 8 >= 4)
			EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
		if (ways[i % 4] >= 0)
			EXPECT(shutdown(fd, ways[i % 4]) == 0);
	}
	return 0;
}

START_TEST(half_open_connections)
{
	struct standing standing = standing_start(CLIENT_UID, half_open, NULL);

	others_do_not_notice();
	standing_end(&standing, _i);
	nothing_is_left();
}
END_TEST

/* As many as may be, and as many again: those are closed without an answer. */
static int flood(void *data _unused_)
{
	int served = 0, refused = 0;

	for (int i = 0; i < 2 * HOSTILE_CONNECTIONS_MAX; i++) {
		int fd = client_greet(broker.socket);
		if (fd >= 0)
			served++;
		else {
			EXPECT(fd == -ENOTCONN || fd == -EPIPE || fd == -ECONNRESET);
			refused++;
		}
	}
	EXPECT(served == HOSTILE_CONNECTIONS_MAX);
	EXPECT(refused == HOSTILE_CONNECTIONS_MAX);
	return 0;
}

START_TEST(connection_floods)
{
	struct standing standing = standing_start(CLIENT_UID, flood, NULL);

	others_do_not_notice();
	standing_end(&standing, _i);
	nothing_is_left();
	/* And the user itself is served again. */
	standing = standing_start(CLIENT_UID, half_open, NULL);
	standing_end(&standing, false);
	nothing_is_left();
}
END_TEST

/* Connections that come and go as fast as they can. */
static int connect_and_leave(void *data _unused_)
{
	for (int i = 0; i < 3000; i++) {
		int fd = client_connect(broker.socket);
		EXPECT(fd >= 0);
		close_quietly(fd);
	}
	return 0;
}

START_TEST(connections_that_leave_at_once)
{
	ck_assert_int_eq(run_as(CLIENT_UID, connect_and_leave, NULL), 0);
	nothing_is_left();
}
END_TEST

static int die_in_a_request(void *data)
{
	const struct load *load = data;
	unsigned char packet[256];
	ssize_t size = encode_open(load->domain, load->count, packet, sizeof packet);
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	for (int i = 0; i < 3; i++)
		EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
	(void)kill(getpid(), SIGKILL);
	return 0;
}

START_TEST(clients_that_die_in_a_request)
{
	struct load ways[] = {{.domain = AF_INET, .count = 1}, {.domain = AF_INET, .count = 64},
		{.domain = AF_PACKET, .count = 8}, {.domain = AF_INET6, .count = 1}};

	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(
			run_as(CLIENT_UID, die_in_a_request, &ways[(size_t)i % ARRAY_SIZE(ways)]),
			-1);
	nothing_is_left();
}
END_TEST

struct opener {
	struct holder holder;
	unsigned count;
};

/* Several at a time of one connection: they stay open in a child when the first process is gone. */
static int open_and_leave_to_child(void *data)
{
	const struct opener *opener = data;
	const struct holder *holder = &opener->holder;
	unsigned char packet[256];
	struct client_reply reply;
	char byte = 0;
	int fd = client_greet(broker.socket);
	ssize_t size = encode_open(AF_INET, opener->count, packet, sizeof packet);

	EXPECT(fd >= 0);
	EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
	EXPECT(client_receive(fd, &reply) == 0 && reply.n_fds == opener->count);
	if (fork() != 0)
		return 0;
	close_quietly(fd);
	tell_and_wait(holder);
	close_quietly(reply.fds[--reply.n_fds]); /* one of them */
	tell_and_wait(holder);
	client_close_fds(&reply);
	EXPECT(write(holder->ready[1], &byte, 1) == 1);
	return 0;
}

/* Waits until the list of grants holds the text. */
static bool list_comes_to(const char *text)
{
	for (int64_t until = now_usec() + 5000000; now_usec() < until;) {
		_cleanup_free_ char *list = broker_ask(&broker, "{\"verb\":\"list\"}");
		ck_assert_ptr_nonnull(list);
		char packed[65536];
		size_t n = 0;
		for (const char *at = list; *at && n < sizeof packed - 1; at++)
			if (*at != ' ')
				packed[n++] = *at;
		packed[n] = 0;
		ck_assert_msg(strstr(packed, "\"ok\":true"), "the list says %s", packed);
		if (strstr(packed, text))
			return true;
		(void)usleep(20000);
	}
	return false;
}

#define TOGETHER 100

/* sockd finds all their requests at once, and those of every third are gone by then. Each of the
 * others gets one answer, its own, with its own socket. */
static int ask_together(void *data)
{
	const struct holder *holder = data;
	static struct wire_request request;
	static unsigned char packet[256];
	struct client_reply reply;
	ino_t inodes[TOGETHER] = {0};
	int fds[TOGETHER];
	struct stat status;

	for (int i = 0; i < TOGETHER; i++)
		EXPECT((fds[i] = client_greet(broker.socket)) >= 0);
	tell_and_wait(holder);
	for (int i = 0; i < TOGETHER; i++) {
		request_open(&request, AF_INET, SOCK_DGRAM, 0, 1);
		request.serial = 1000 + (uint64_t)i;
		ssize_t size = wire_encode_request(&request, packet, sizeof packet);
		EXPECT(size > 0 && client_send_raw(fds[i], packet, (size_t)size, NULL, 0) == 0);
		if (i % 3 == 0)
			close_quietly(fds[i]);
	}
	tell_and_wait(holder);
	for (int i = 0; i < TOGETHER; i++) {
		if (i % 3 == 0)
			continue;
		EXPECT(client_receive(fds[i], &reply) == 0);
		EXPECT(reply.reply.serial == 1000 + (uint64_t)i && reply.n_fds == 1);
		EXPECT(reply.reply.answer.error == 0 && reply.reply.answer.grant > 0);
		EXPECT(fstat(reply.fds[0], &status) == 0);
		inodes[i] = status.st_ino;
		for (int j = 0; j < i; j++)
			EXPECT(inodes[j] != inodes[i]);
	}
	return 0;
}

START_TEST(many_are_answered_together)
{
	struct holder holder;
	char byte;

	ck_assert(pipe(holder.ready) == 0 && pipe(holder.release) == 0);
	pid_t pid = fork_as(CLIENT_UID, ask_together, &holder);
	ck_assert_int_eq(read(holder.ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(broker.pid, SIGSTOP), 0);
	ck_assert_int_eq(write(holder.release[1], "", 1), 1);
	ck_assert_int_eq(read(holder.ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(broker.pid, SIGCONT), 0);
	ck_assert_int_eq(write(holder.release[1], "", 1), 1);
	ck_assert_int_eq(wait_for(pid), 0);
	nothing_is_left();
}
END_TEST

/* Few sockets are watched before the answer, many after it by another thread. */
static const unsigned batches[] = {2, 16};

START_TEST(grants_follow_their_sockets)
{
	struct opener opener = {.count = batches[_i]};
	const struct holder *holder = &opener.holder;
	char byte = 0, open[32];

	ck_assert_int_eq(pipe(opener.holder.ready), 0);
	ck_assert_int_eq(pipe(opener.holder.release), 0);
	ck_assert(list_comes_to("\"grants\":[]"));
	ck_assert_int_eq(run_as(CLIENT_UID, open_and_leave_to_child, &opener), 0);
	ck_assert_int_eq(read(holder->ready[0], &byte, 1), 1);
	/* The connection is gone, and the process that asked: the grant is not. */
	ck_assert(list_comes_to("\"uid\":65534"));
	ck_assert(list_comes_to("\"rule\":\"plain\""));
	snprintf(open, sizeof open, "\"open\":%u", opener.count);
	ck_assert(list_comes_to(open));
	ck_assert_int_eq(write(holder->release[1], &byte, 1), 1);
	ck_assert_int_eq(read(holder->ready[0], &byte, 1), 1);
	snprintf(open, sizeof open, "\"open\":%u", opener.count - 1);
	ck_assert(list_comes_to(open));
	ck_assert_int_eq(write(holder->release[1], &byte, 1), 1);
	ck_assert_int_eq(read(holder->ready[0], &byte, 1), 1);
	ck_assert(list_comes_to("\"grants\":[]"));
	nothing_is_left();
}
END_TEST

/* A policy with an error never takes effect, in no part; what it says is told by file and line. */
START_TEST(a_broken_policy_leaves_the_old_one)
{
	static const char *const broken[] = {
		"{\"rules\": [",
		"{\"rules\": [\n {\"name\": \"x\", \"peers\": \"any\", \"family\": \"no-such\"}]}",
		("{\"rules\": [\n {\"name\": \"plain\", \"peers\": \"any\", \"family\": "
		 "\"inet6\"}]}"),
		"[]",
		"{\"rules\": 5}",
	};
	/* By itself the new file would take away what the old one gives. */
	static const char deny[] = "{\"rules\": [{\"name\": \"no\", \"effect\": \"deny\", "
				   "\"peers\": \"any\", \"family\": \"inet\"}]}";

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		char name[32];
		snprintf(name, sizeof name, "60-broken-%zu.json", i);
		ck_assert_int_eq(broker_write_policy(&broker, name, broken[i]), 0);
		ck_assert_int_eq(broker_write_policy(&broker, "40-deny.json", deny), 0);
		if (i % 2 == 0) {
			ck_assert_int_eq(kill(broker.pid, SIGHUP), 0);
			ck_assert(log_comes_to(broker.log, name));
		} else {
			_cleanup_free_ char *answer = broker_ask(&broker, "{\"verb\":\"reload\"}");
			ck_assert_ptr_nonnull(answer);
			ck_assert_ptr_nonnull(strstr(answer, "false"));
			ck_assert_msg(strstr(answer, name), "the answer says only %s", answer);
		}
		others_do_not_notice();
		char path[256];
		snprintf(path, sizeof path, "%s/%s", broker.policy, name);
		ck_assert_int_eq(unlink(path), 0);
	}
	ck_assert(log_comes_to(broker.log, "old one stays in force"));
	ck_assert(log_comes_to(broker.audit, "reload"));
	nothing_is_left();

	/* Put right it does take effect. */
	ck_assert_int_eq(
		broker_write_policy(&broker, "40-deny.json",
			"{\"rules\": [{\"name\": \"more\", \"peers\": \"any\", \"family\": "
			"\"inet6\", \"type\": \"dgram\"}]}"),
		0);
	ck_assert_int_eq(kill(broker.pid, SIGHUP), 0);
	ck_assert(log_comes_to(broker.log, "reloaded: 5 rules from 2 files"));
	nothing_is_left();
}
END_TEST

/* Reloads while clients are at work: grants hold on to the rules of policies that are gone. */
static int open_again_and_again(void *data _unused_)
{
	unsigned char packet[256];
	struct client_reply reply;
	ssize_t size = encode_open(AF_INET, 1, packet, sizeof packet);
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	for (int i = 0; i < 3000; i++) {
		EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
		EXPECT(client_receive(fd, &reply) == 0);
		EXPECT(reply.reply.answer.error == 0 && reply.n_fds == 1);
		if (i % 100 != 0)
			client_close_fds(&reply);
	}
	return 0;
}

START_TEST(reloads_disturb_nobody)
{
	pid_t pid = fork_as(CLIENT_UID, open_again_and_again, NULL);

	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(kill(broker.pid, SIGHUP), 0);
		(void)usleep(10000);
		_cleanup_free_ char *list = broker_ask(&broker, "{\"verb\":\"list\"}");
		ck_assert_ptr_nonnull(list);
	}
	ck_assert_int_eq(wait_for(pid), 0);
	nothing_is_left();
}
END_TEST

/* Whoever closes its sockets before it asks again is never told that it has too many. */
static int stay_within_limit(void *data _unused_)
{
	unsigned char packet[256];
	struct client_reply reply, kept[38];
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	ssize_t size = encode_open(AF_INET, 16, packet, sizeof packet);
	for (int i = 0; i < 1000; i++) {
		EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
		EXPECT(client_receive(fd, &reply) == 0);
		EXPECT(reply.reply.answer.error == 0 && reply.n_fds == 16);
		client_close_fds(&reply);
	}
	size = encode_open(AF_INET, 1, packet, sizeof packet);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
		EXPECT(client_receive(fd, &kept[i]) == 0);
		EXPECT(kept[i].reply.answer.error == 0);
	}
	for (int i = 0; i < 500; i++) {
		EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
		EXPECT(client_receive(fd, &reply) == 0);
		EXPECT(reply.reply.answer.error == 0 && reply.n_fds == 1);
		client_close_fds(&reply);
	}
	return 0;
}

START_TEST(closed_sockets_do_not_count)
{
	set_limit("grants-per-user", 40);
	ck_assert_int_eq(run_as(CLIENT_UID, stay_within_limit, NULL), 0);
	nothing_is_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile-load");
	TCase *tcase = tcase_create("hostile-load");

	tcase_add_checked_fixture(tcase, hostile_setup, hostile_teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, more_requests_than_read_replies, 0, 2 * (int)ARRAY_SIZE(loads));
	tcase_add_loop_test(tcase, half_open_connections, 0, 2);
	tcase_add_loop_test(tcase, connection_floods, 0, 2);
	tcase_add_test(tcase, connections_that_leave_at_once);
	tcase_add_test(tcase, clients_that_die_in_a_request);
	tcase_add_test(tcase, many_are_answered_together);
	tcase_add_loop_test(tcase, grants_follow_their_sockets, 0, (int)ARRAY_SIZE(batches));
	tcase_add_test(tcase, a_broken_policy_leaves_the_old_one);
	tcase_add_test(tcase, reloads_disturb_nobody);
	tcase_add_test(tcase, closed_sockets_do_not_count);
	suite_add_tcase(suite, tcase);
	return hostile_main(suite);
}
