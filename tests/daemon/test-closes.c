/*
 * When a real sockd closes what it was sent: before its answer where that can be seen, and without
 * others noticing where clients of one user send sockets that are slow to close, faster than
 * anybody can close them.
 */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/closer.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"
#include "tests/daemon/hostile.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define ATTACKERS 4
#define CONNECTIONS 4
#define SOCKETS 64 /* in a message */
#define ATTACK_USEC 1000000
#define IN_FLIGHT_MAX 1500
#define DESCRIPTORS 4096
#define BROKER_UID_OFFSET 4000
#define SETTLE_USEC 30000000
#define TURNS 3000u

/* All that one user may have cost at any time: what waits to be closed, one message more, and
 * connections, each with its process. */
#define OPEN_MAX_OF_USER (CLOSES_PER_USER + SOCKETS + 2 * HOSTILE_CONNECTIONS_MAX)

static unsigned char packet[256];
static ssize_t packet_size;

/* What the kernel leaves to sockd to be closed, of its descriptors, is less than attackers have. */
static void setup(void)
{
	const struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	broker_uid = attacker_uid + BROKER_UID_OFFSET;
	hostile_setup();
}

/* In a network namespace of one's own everybody may make packet sockets. */
static int own_namespace(void *data _unused_)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : 1;
}

static void prepare(void)
{
	/* So many may be on their way at a time: what the kernel closes alone when all is over. */
	const struct rlimit limit = {IN_FLIGHT_MAX, IN_FLIGHT_MAX};
	static struct wire_request request;

	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	EXPECT(own_namespace(NULL) == 0);

	request_open(&request, AF_INET, SOCK_DGRAM, 0, 1);
	packet_size = wire_encode_request(&request, packet, sizeof packet);
	EXPECT(packet_size > 0);
}

/* One message with sockets that nobody asked for. The last close is sockd's.
 * Returns 0 or a negative errno. */
static int send_slow_sockets(int fd)
{
	int fds[SOCKETS];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = socket(AF_PACKET, SOCK_RAW, 0);
		EXPECT(fds[i] >= 0);
	}
	int r = client_send_raw(fd, packet, (size_t)packet_size, fds, ARRAY_SIZE(fds));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	return r;
}

static void read_replies(int fd)
{
	char reply[4096];

	while (recv(fd, reply, sizeof reply, MSG_DONTWAIT) > 0)
		;
}

static int send_and_stay(void *data _unused_)
{
	const int64_t until = now_usec() + 10 * ATTACK_USEC; /* it is ended before */
	int fds[CONNECTIONS];

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_connect(broker.socket);
		EXPECT(fds[i] >= 0);
	}
	for (size_t i = 0; now_usec() < until; i = (i + 1) % ARRAY_SIZE(fds)) {
		if (send_slow_sockets(fds[i]) < 0)
			usleep(1000);
		read_replies(fds[i]);
	}
	return 0;
}

static int send_and_leave(void *data _unused_)
{
	const int64_t until = now_usec() + 10 * ATTACK_USEC;

	prepare();
	while (now_usec() < until) {
		int fd = client_connect(broker.socket);
		for (int i = 0; fd >= 0 && i < 4 && send_slow_sockets(fd) >= 0; i++)
			;
		close_quietly(fd);
	}
	return 0;
}

/* More connections than the user may have, with sockets in their queues. */
static int send_when_refused(void *data)
{
	for (int i = 0; i < HOSTILE_CONNECTIONS_MAX / ATTACKERS + 1; i++)
		EXPECT(client_connect(broker.socket) >= 0);
	return send_and_leave(data);
}

/* Connections that are refused, with one such socket each: less to send than to close. */
static int be_refused_with_one(void *data _unused_)
{
	const int64_t until = now_usec() + 10 * ATTACK_USEC;

	for (int i = 0; i < HOSTILE_CONNECTIONS_MAX / ATTACKERS + 1; i++)
		EXPECT(client_connect(broker.socket) >= 0);
	prepare();
	while (now_usec() < until) {
		int fd = client_connect(broker.socket);
		int slow = socket(AF_PACKET, SOCK_RAW, 0);
		if (fd < 0 || slow < 0 ||
			client_send_raw(fd, packet, (size_t)packet_size, &slow, 1) < 0)
			usleep(100);
		close_quietly(slow);
		close_quietly(fd);
	}
	return 0;
}

/* One option on sockets whose queues hold what is slow to close; with a value that is allowed, or
 * one that is not. */
static int set_on_full_queues(int value, int error)
{
	const int64_t until = now_usec() + 10 * ATTACK_USEC;
	static struct wire_request request = {.verb = WIRE_APPLY, .n_steps = 1};
	struct client_reply reply;
	unsigned char bytes[256];
	int pair[2];

	int own = socket(AF_UNIX, SOCK_DGRAM, 0);
	int fd = client_greet(broker.socket);
	EXPECT(own >= 0 && fd >= 0);
	prepare();
	request.steps[0] = (struct wire_step){.kind = WIRE_STEP_OPTION,
		.a = SOL_SOCKET,
		.b = SO_SNDBUFFORCE,
		.data = &value,
		.data_size = sizeof value};
	ssize_t size = wire_encode_request(&request, bytes, sizeof bytes);
	EXPECT(size > 0);
	EXPECT(client_call(fd, &request, &own, 1, &reply) == 0);
	EXPECT(reply.reply.answer.error == error);
	while (now_usec() < until) {
		EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
		/* Only so many are on their way at a time. */
		if (send_slow_sockets(pair[0]) < 0 ||
			client_send_raw(fd, bytes, (size_t)size, &pair[1], 1) < 0)
			usleep(1000);
		close(pair[0]);
		close(pair[1]);
		read_replies(fd);
	}
	return 0;
}

static int apply_to_full_queues(void *data _unused_)
{
	return set_on_full_queues(4096, 0);
}

static int be_refused_on_full_queues(void *data _unused_)
{
	return set_on_full_queues(8192, EPERM);
}

static size_t most_descriptors(size_t most)
{
	size_t n = count_fds_of(broker.pid);

	usleep(5000);
	return MAX_OF(n, most);
}

static int (*const ways[])(void *data) = {
	send_and_stay,
	send_and_leave,
	send_when_refused,
	be_refused_with_one,
	apply_to_full_queues,
	be_refused_on_full_queues,
};

static bool has_pass_rights(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &value, &size) == 0;
}

START_TEST(one_user_takes_so_many_descriptors_only)
{
	pid_t attackers[ATTACKERS];
	size_t before = count_fds_of(broker.pid), most = 0;

	if (run_as(attacker_uid, own_namespace, NULL) != 0) {
		printf("SKIP way %d: the kernel has no user namespaces for an ordinary user\n", _i);
		return;
	}
	if (!has_pass_rights() &&
		(ways[_i] == send_when_refused || ways[_i] == be_refused_with_one)) {
		printf("SKIP way %d: the kernel has no SO_PASSRIGHTS\n", _i);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(attackers); i++)
		attackers[i] = fork_as(attacker_uid, ways[_i], NULL);
	for (int64_t until = now_usec() + ATTACK_USEC; now_usec() < until;) {
		for (int i = 0; i < 20; i++)
			most = most_descriptors(most);
		others_do_not_notice();
	}
	for (size_t i = 0; i < ARRAY_SIZE(attackers); i++) {
		ck_assert_int_eq(kill(attackers[i], SIGKILL), 0);
		(void)wait_for(attackers[i]);
	}
	printf("# way %d: %zu descriptors, %zu at most\n", _i, before, most);
	ck_assert_msg(most <= before + OPEN_MAX_OF_USER,
		"sockd had up to %zu descriptors open, %zu before", most, before);
	for (int64_t until = now_usec() + SETTLE_USEC; now_usec() < until;)
		if (most_descriptors(0) <= before)
			break;
	nothing_is_left();
}
END_TEST

/* Its address is free as soon as who was refused has closed it too. */
static int be_refused_again_and_again(void *data _unused_)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(8080),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static struct wire_request request = {.verb = WIRE_APPLY, .n_steps = 1};
	const int mark = 7;
	struct client_reply reply;
	unsigned in_use = 0;

	int fd = client_greet(broker.socket);
	EXPECT(fd >= 0);
	request.steps[0] = (struct wire_step){.kind = WIRE_STEP_OPTION,
		.a = SOL_SOCKET,
		.b = SO_MARK,
		.data = &mark,
		.data_size = sizeof mark};
	for (unsigned i = 0; i < TURNS; i++) {
		int own = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(own, (const struct sockaddr *)&address, sizeof address) < 0) {
			EXPECT(errno == EADDRINUSE);
			in_use++;
		}
		EXPECT(client_call(fd, &request, &own, 1, &reply) == 0);
		EXPECT(reply.reply.answer.error == EPERM);
		close(own);
	}
	printf("# in use: %u of %u\n", in_use, TURNS);
	return in_use == 0 ? 0 : 1;
}

START_TEST(refused_socket_is_closed_before_the_answer)
{
	ck_assert_int_eq(run_as(CLIENT_UID, be_refused_again_and_again, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closes");
	TCase *answers = tcase_create("answers");
	TCase *attacks = tcase_create("attacks");

	tcase_add_checked_fixture(attacks, setup, hostile_teardown);
	tcase_set_timeout(attacks, 120);
	tcase_add_loop_test(attacks, one_user_takes_so_many_descriptors_only, 0, ARRAY_SIZE(ways));
	suite_add_tcase(suite, attacks);
	tcase_add_checked_fixture(answers, hostile_setup, hostile_teardown);
	tcase_set_timeout(answers, 60);
	tcase_add_test(answers, refused_socket_is_closed_before_the_answer);
	suite_add_tcase(suite, answers);
	return hostile_main(suite);
}
