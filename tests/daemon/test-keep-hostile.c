/* What strangers try with tickets and the store: odd requests, replies that nobody reads, sockets
 * that are slow to close. */
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/daemon/keep.h"

static int greet_to_keep(void)
{
	int fd = client_greet_with(keep_broker.socket, WIRE_FEATURE_KEEP);

	EXPECT(fd >= 0);
	return fd;
}

static int hostile_descriptors(void *data _unused_)
{
	static struct wire_request request;
	struct client_reply reply;
	struct client_reply *r = &reply;
	int fd = greet_to_keep(), second = greet_to_keep();
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), pair[2];
	int here = listen_here();
	const int two[] = {here, here};

	EXPECT(fd >= 0 && second >= 0 && file >= 0);
	request = (struct wire_request){.verb = WIRE_SHARE, .share = {.lifetime_usec = 1000000}};
	EXPECT(client_call(fd, &request, &file, 1, r) == 0);
	EXPECT(r->reply.answer.error == ENOTSOCK);
	/* The client's own connections. */
	EXPECT(client_call(fd, &request, &fd, 1, r) == 0 && r->reply.answer.error == EINVAL);
	EXPECT(client_call(fd, &request, &second, 1, r) == 0 && r->reply.answer.error == EINVAL);
	EXPECT(strstr(r->text, "connection to sockd itself"));
	/* None, or too many. */
	EXPECT(client_call(fd, &request, NULL, 0, r) == 0 && r->reply.answer.error == EBADMSG);
	EXPECT(client_call(fd, &request, two, 2, r) == 0 && r->reply.answer.error == EBADMSG);
	request.share.taker = WIRE_TAKER_PROCESS;
	EXPECT(client_call(fd, &request, two, 1, r) == 0 && r->reply.answer.error == EBADMSG);
	EXPECT(client_call(fd, &request, two, 2, r) == 0 && r->reply.answer.error == EINVAL);
	EXPECT(strstr(r->text, "no pidfd"));
	request = (struct wire_request){.verb = WIRE_FROMSHARE};
	EXPECT(client_call(fd, &request, &here, 1, r) == 0 && r->reply.answer.error == EBADMSG);

	/* A socket whose queue holds others, and itself. */
	EXPECT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
	const int queued[] = {pair[0], pair[1], fd, file};
	EXPECT(client_send_raw(pair[0], "x", 1, queued, 4) == 0);
	request = (struct wire_request){.verb = WIRE_SHARE, .share = {.lifetime_usec = 100000}};
	EXPECT(client_call(fd, &request, &pair[1], 1, r) == 0 && r->reply.answer.error == 0);
	return 0;
}

static int without_the_feature(void *data _unused_)
{
	static struct wire_request request;
	struct client_reply reply;
	int fd = client_connect(keep_broker.socket), here = listen_here();

	EXPECT(fd >= 0);
	request = (struct wire_request){
		.verb = WIRE_HELLO, .hello = {.version_min = 1, .version_max = 1}};
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0 && reply.reply.answer.error == 0);
	EXPECT(reply.reply.welcome.features & WIRE_FEATURE_KEEP);
	request = (struct wire_request){.verb = WIRE_SHARE, .share = {.lifetime_usec = 1000000}};
	EXPECT(client_call(fd, &request, &here, 1, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPROTO);
	return 0;
}

/* Not the process that connected. */
static int inherited(void *data _unused_)
{
	static struct wire_request request;
	struct client_reply reply;
	int fd = greet_to_keep();

	EXPECT(fd >= 0);
	pid_t child = fork();
	if (child == 0) {
		request = (struct wire_request){.verb = WIRE_FETCH, .name = "a"};
		EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
		_exit(reply.reply.answer.origin == WIRE_ORIGIN_STALE && reply.n_fds == 0 ? 0 : 1);
	}
	return wait_for(child);
}

#define FETCHES 8

static void fetch_without_reading(int fd)
{
	static const struct wire_request fetch = {.verb = WIRE_FETCH, .name = "a"};
	static unsigned char packet[WIRE_PACKET_MAX];
	int queued = 1;
	ssize_t size = wire_encode_request(&fetch, packet, sizeof packet);

	EXPECT(size > 0);
	for (int i = 0; i < FETCHES; i++)
		EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
	/* All were read, and then the last was answered. */
	for (int i = 0; i < 20000 && queued > 0; i++) {
		(void)usleep(1000);
		EXPECT(ioctl(fd, SIOCOUTQ, &queued) == 0);
	}
	EXPECT(queued == 0);
}

static bool is_refused(void)
{
	_cleanup_close_ int fd = client_greet(keep_broker.socket);

	return fd < 0;
}

static void read_to_the_end(int fd)
{
	struct client_reply reply;

	for (int i = 0; i < FETCHES; i++) {
		EXPECT(client_receive(fd, &reply) == 0);
		EXPECT(reply.reply.answer.error == 0 && reply.n_fds == 1);
		client_close_fds(&reply);
	}
	EXPECT(client_receive(fd, &reply) == -ENOTCONN);
}

/* The last one has something for sockd to read that holds the connection itself. */
static void end_with_itself_in_the_queue(int fd)
{
	shared->step = 1;
	while (shared->step == 1)
		(void)usleep(1000);			   /* sockd is being stopped */
	EXPECT(client_send_raw(fd, "x", 1, NULL, 0) == 0); /* this ends the connection */
	EXPECT(client_send_raw(fd, "", 0, NULL, 0) == 0);
	EXPECT(client_send_raw(fd, "x", 1, &fd, 1) == 0);
	EXPECT(client_send_raw(fd, "x", 1, &fd, 1) == 0);
}

static int end_and_never_read(void *data _unused_)
{
	int held[KEEP_CONNECTIONS_MAX];

	for (int i = 0; i < KEEP_CONNECTIONS_MAX; i++) {
		held[i] = greet_to_keep();
		fetch_without_reading(held[i]);
		if (i > 0)
			EXPECT(shutdown(held[i], SHUT_WR) == 0);
	}
	EXPECT(is_refused());
	(void)usleep(300000); /* nor is that a matter of time */
	EXPECT(is_refused());

	/* What was sent before the end is there, and to read it makes room. */
	read_to_the_end(held[1]);
	held[1] = -1;
	for (int i = 0; i < 500 && held[1] < 0; i++) {
		(void)usleep(20000);
		held[1] = client_greet_with(keep_broker.socket, WIRE_FEATURE_KEEP);
	}
	EXPECT(held[1] >= 0);
	fetch_without_reading(held[1]);
	EXPECT(is_refused());
	end_with_itself_in_the_queue(held[0]);
	return 0;
}

static int expect_refusal(void *data _unused_)
{
	EXPECT(is_refused());
	return 0;
}

static int fetch_a(void *data _unused_)
{
	int fd = listen_here();

	EXPECT(sockd_store(fd, "a", 0, 0) == 0);
	EXPECT(sockd_fetch("a", 0) >= 0);
	EXPECT(sockd_forget("a", 0) == 0);
	return 0;
}

START_TEST(what_was_not_read_counts_after_the_end)
{
	ck_assert_int_eq(run_as(CLIENT_UID, store_a, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, fetch_a, NULL), 0);
	size_t before = fds_at_rest();

	pid_t pid = fork_as(CLIENT_UID, end_and_never_read, NULL);
	for (int i = 0; i < 1000 && shared->step != 1; i++)
		(void)usleep(10000);
	ck_assert_int_eq(shared->step, 1);
	ck_assert_int_eq(run_as(OTHER_UID, fetch_a, NULL), 0);
	/* A policy that is loaded anew makes no room. */
	_cleanup_free_ char *reloaded = broker_ask(&keep_broker, "{\"verb\":\"reload\"}");
	ck_assert_ptr_nonnull(reloaded);
	ck_assert_ptr_nonnull(strstr(reloaded, "\"ok\":true"));
	ck_assert_int_eq(run_as(CLIENT_UID, expect_refusal, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, fetch_a, NULL), 0);
	ck_assert_int_eq(kill(keep_broker.pid, SIGSTOP), 0);
	shared->step = 2;
	int status = wait_for(pid);
	ck_assert_int_eq(kill(keep_broker.pid, SIGCONT), 0);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(run_as(OTHER_UID, fetch_a, NULL), 0);
	/* The pauses between its looks have grown to two seconds. */
	for (int i = 0; i < 5 && fds_settled(before) != before; i++)
		;
	ck_assert_uint_eq(fds_settled(before), before);
	_cleanup_free_ char *answer = broker_ask(&keep_broker, "{\"verb\":\"status\"}");
	ck_assert_ptr_nonnull(answer);
	ck_assert_ptr_nonnull(strstr(answer, "\"connections\":0"));
}
END_TEST

static int end_unread_and_wait(void *data _unused_)
{
	int fd = greet_to_keep();

	fetch_without_reading(fd);
	EXPECT(shutdown(fd, SHUT_WR) == 0);
	shared->step = 1;
	(void)pause();
	return 0;
}

static uint64_t cpu_ticks_of(pid_t pid)
{
	char path[64];
	unsigned long long user = 0, kernel = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	_cleanup_free_ char *text = read_text(path);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(
		sscanf(strrchr(text, ')'),
			") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel),
		2);
	return user + kernel;
}

START_TEST(an_ended_connection_that_is_not_read_costs_no_time)
{
	ck_assert_int_eq(run_as(CLIENT_UID, store_a, NULL), 0);
	pid_t pid = fork_as(CLIENT_UID, end_unread_and_wait, NULL);
	for (int i = 0; i < 1000 && shared->step != 1; i++)
		(void)usleep(10000);
	(void)usleep(100000);
	uint64_t before = cpu_ticks_of(keep_broker.pid);
	(void)usleep(500000);
	ck_assert_uint_le(cpu_ticks_of(keep_broker.pid) - before, 10); /* of fifty */
	ck_assert_int_eq(broker_stop(&keep_broker), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	(void)wait_for(pid);
	ck_assert_int_eq(broker_start(&keep_broker, NULL, keep_policy), 0);
}
END_TEST

START_TEST(strangers_leave_nothing_behind)
{
	size_t before = fds_at_rest();

	ck_assert_int_eq(run_as(CLIENT_UID, hostile_descriptors, NULL), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, without_the_feature, NULL), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, inherited, NULL), 0);
	ck_assert_uint_eq(fds_settled(before), before);
}
END_TEST

/* The last close of a packet socket, and one that lingers, wait: not on the loop. */
static int share_what_is_slow_to_close(void *data _unused_)
{
	char ticket[SOCKD_TICKET_SIZE];

	for (int i = 0; i < 100; i++) {
		int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
		EXPECT(fd >= 0);
		EXPECT(sockd_share(fd, SOCKD_FOR_ANYONE, 0, 20000, ticket, sizeof ticket) == 0 ||
			errno == EDQUOT);
		(void)close(fd);
		(void)usleep(3000);
	}
	return 0;
}

static int ask_meanwhile(void *data _unused_)
{
	int64_t until = now_usec() + 400000, longest = 0;
	int fd = listen_here();

	while (now_usec() < until) {
		char ticket[SOCKD_TICKET_SIZE];
		int64_t begin = now_usec();
		EXPECT(sockd_share(fd, SOCKD_FOR_ANYONE, 0, 0, ticket, sizeof ticket) == 0);
		int taken = sockd_fromshare(ticket);
		EXPECT(taken >= 0);
		(void)close(taken);
		longest = MAX_OF(longest, now_usec() - begin);
	}
	EXPECT(longest < 500000);
	return 0;
}

START_TEST(slow_closes_are_not_on_the_loop)
{
	size_t before = fds_at_rest();
	pid_t slow = fork_as(0, share_what_is_slow_to_close, NULL);

	ck_assert_int_eq(run_as(CLIENT_UID, ask_meanwhile, NULL), 0);
	ck_assert_int_eq(wait_for(slow), 0);
	ck_assert_uint_eq(fds_settled(before), before);
}
END_TEST

int main(void)
{
	TCase *tests = keep_case("keep-hostile");

	tcase_add_test(tests, what_was_not_read_counts_after_the_end);
	tcase_add_test(tests, an_ended_connection_that_is_not_read_costs_no_time);
	tcase_add_test(tests, strangers_leave_nothing_behind);
	tcase_add_test(tests, slow_closes_are_not_on_the_loop);
	return keep_main("keep-hostile", tests);
}
