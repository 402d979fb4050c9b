/*
 * Requests that their client has given up before sockd came to read them: it was told that they
 * failed, so they must have.
 */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/daemon/hostile.h"

static const char policy[] =
	"{ \"rules\": [\n"
	"  { \"name\": \"web\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\", \"type\": "
	"\"stream\",\n"
	"    \"protocol\": \"tcp\", \"ports\": [80] },\n"
	"  { \"name\": \"ping\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\", \"type\": "
	"\"raw\",\n"
	"    \"protocol\": \"icmp\" },\n"
	"  { \"name\": \"store\", \"peers\": { \"uid\": 65534 }, \"family\": \"unix\",\n"
	"    \"actions\": [\"store\", \"fetch\"], \"names\": \"a\" } ] }\n";

static int to_client[2], to_test[2];

static void setup(void)
{
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
	ck_assert_int_eq(setenv("SOCKD_SOCKET", broker.socket, 1), 0);
	ck_assert_int_eq(pipe(to_client), 0);
	ck_assert_int_eq(pipe(to_test), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
}

/* Until sockd is stopped, or goes on. */
static void have_it_done(void)
{
	char byte;

	EXPECT(write(to_test[1], "", 1) == 1);
	EXPECT(read(to_client[0], &byte, 1) == 1);
}

/* Runs a client that has sockd stopped, and then go on. */
static void run_client(int (*client)(void *data), void *data)
{
	static const int signals[] = {SIGSTOP, SIGCONT};
	char byte;

	pid_t pid = fork_as(CLIENT_UID, client, data);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		ck_assert_int_eq(read(to_test[0], &byte, 1), 1);
		ck_assert_int_eq(kill(broker.pid, signals[i]), 0);
		/* All of its threads. */
		if (signals[i] == SIGSTOP)
			ck_assert_int_eq(waitpid(broker.pid, NULL, WUNTRACED), broker.pid);
		ck_assert_int_eq(write(to_client[1], "", 1), 1);
	}
	ck_assert_int_eq(wait_for(pid), 0);
}

static void send_request(int connection, const struct wire_request *request, int fd)
{
	static unsigned char packet[WIRE_PACKET_MAX];
	ssize_t size = wire_encode_request(request, packet, sizeof packet);

	EXPECT(size > 0);
	EXPECT(client_send_raw(connection, packet, (size_t)size, &fd, fd >= 0 ? 1 : 0) == 0);
}

static void end_connection(int connection)
{
	EXPECT(close(connection) == 0);
}

static void shut_both_ways(int connection)
{
	EXPECT(shutdown(connection, SHUT_RDWR) == 0);
}

static void (*const ends[])(int connection) = {end_connection, shut_both_ways};

static in_port_t port_of(int fd)
{
	struct sockaddr_in address = {0};
	socklen_t size = sizeof address;

	EXPECT(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	return ntohs(address.sin_port);
}

static void send_bind(int connection, int own)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(80),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static struct wire_request request = {.verb = WIRE_APPLY, .serial = 3, .n_steps = 1};

	request.steps[0] = (struct wire_step){
		.kind = WIRE_STEP_BIND, .address = &address, .address_size = sizeof address};
	send_request(connection, &request, own);
}

/* All that could do something, each on a connection of its own. */
static int give_up(void *data)
{
	void (*const *end)(int connection) = data;
	static struct wire_request open_request, store = {.verb = WIRE_STORE, .serial = 3};
	int connections[3], pair[2], own = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval limit = {.tv_sec = 5};
	char byte;

	store.name[0] = 'a';
	request_open(&open_request, AF_INET, SOCK_RAW, IPPROTO_ICMP, 1);
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(connections); i++) {
		connections[i] = client_greet_with(broker.socket, WIRE_FEATURE_KEEP);
		EXPECT(connections[i] >= 0);
	}
	have_it_done();
	send_bind(connections[0], own);
	send_request(connections[1], &store, pair[0]);
	send_request(connections[2], &open_request, -1);
	for (size_t i = 0; i < ARRAY_SIZE(connections); i++)
		(*end)(connections[i]);
	EXPECT(close(pair[0]) == 0);
	have_it_done();

	/* Whoever asks now is served after them. */
	EXPECT(sockd_fetch("a", 0) == -1 && errno == ENOENT);
	EXPECT(sockd_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
	EXPECT(port_of(own) == 0);
	/* And the socket that was sent is closed. */
	EXPECT(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
	EXPECT(read(pair[1], &byte, 1) == 0);
	return 0;
}

static size_t count_grants(void)
{
	_cleanup_free_ char *audit = read_text(broker.audit);
	size_t n = 0;

	for (const char *at = audit; at && (at = strstr(at, "\"event\":\"grant\"")); at++)
		n++;
	return n;
}

/* Records are written in batches: there are so many, and in a while there are no more. */
static size_t count_grants_written(size_t wanted)
{
	for (int i = 0; i < 200 && count_grants() < wanted; i++)
		(void)usleep(50000);
	(void)usleep(500000);
	return count_grants();
}

START_TEST(what_was_given_up_is_not_done)
{
	run_client(give_up, (void *)&ends[_i]);
	ck_assert_uint_eq(count_grants_written(1), 1);
}
END_TEST

/* Whoever only sends nothing more still waits for the answer. */
static int wait_for_answer(void *data _unused_)
{
	int connection = client_greet(broker.socket), own = socket(AF_INET, SOCK_STREAM, 0);
	struct client_reply reply;

	EXPECT(connection >= 0);
	have_it_done();
	send_bind(connection, own);
	EXPECT(shutdown(connection, SHUT_WR) == 0);
	have_it_done();
	EXPECT(client_receive(connection, &reply) == 0);
	EXPECT(reply.reply.answer.error == 0);
	EXPECT(port_of(own) == 80);
	return 0;
}

START_TEST(what_is_waited_for_is_done)
{
	run_client(wait_for_answer, NULL);
	ck_assert_uint_eq(count_grants_written(1), 1);
}
END_TEST

/* As the library does it: ten seconds, and then the kernel's own answer. */
static int bind_in_vain(void *data _unused_)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(80),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int own = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(sockd_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
	have_it_done();
	EXPECT(sockd_bind(own, (const struct sockaddr *)&address, sizeof address) == -1);
	EXPECT(errno == EACCES && strstr(sockd_reason(), "timed out"));
	have_it_done();
	EXPECT(sockd_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
	EXPECT(port_of(own) == 0);
	return 0;
}

START_TEST(what_took_too_long_is_not_done)
{
	run_client(bind_in_vain, NULL);
	ck_assert_uint_eq(count_grants_written(2), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("given-up");
	TCase *tests = tcase_create("given-up");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, what_was_given_up_is_not_done, 0, (int)ARRAY_SIZE(ends));
	tcase_add_test(tests, what_is_waited_for_is_done);
	tcase_add_test(tests, what_took_too_long_is_not_done);
	suite_add_tcase(suite, tests);
	return hostile_main(suite);
}
