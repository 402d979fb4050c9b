/*
 * The library against a broker that does not keep to the protocol: the caller gets the kernel's own
 * errno, in time, and no descriptor is left over.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/ask.h"
#include "lib/sockd.h"
#include "proto/macro.h"
#include "proto/transport.h"
#include "proto/wire.h"
#include "tests/daemon/harness.h"
#include "tests/suite.h"

enum answer {
	ANSWER_RIGHT,
	ANSWER_SERIAL, /* another request's number */
	ANSWER_VERB,   /* to another verb */
	ANSWER_MAGIC,
	ANSWER_SHORT,	 /* cut off */
	ANSWER_LONG,	 /* with something after its end */
	ANSWER_TOO_MANY, /* descriptors than asked for */
	ANSWER_NO_FD,	 /* says one descriptor and sends none */
	ANSWER_COUNT,	 /* sends one and says two */
	ANSWER_FD_IN_REFUSAL,
	ANSWER_STALE_GIVEN, /* gives, and says that it does not know who asks */
	ANSWER_NOTHING,	    /* closes */
	ANSWER_STALE,	    /* at first, then right */
	ANSWER_STALE_EVER,
	ANSWER_STALE_HELLO_EVER,
	ANSWER_BAD_HELLO,
	ANSWER_STALE_HELLO, /* on the first connection, then right */
	ANSWER_LOST,	    /* closes the first connection unanswered, then right */
	ANSWER_UNREAD,	    /* closes the first with the request unread, then right */
	ANSWER_OLD,	    /* has no feature at all */
	ANSWER_ACTED,	    /* acts where it was only asked */
	ANSWER_UNSAID,	    /* does not say that it was only asked */
	ANSWER_SLOW,	    /* three seconds for each reply, and closes for each request */
};

static char path[64];
static pid_t server;

struct reply_buffer {
	unsigned char bytes[1024];
	size_t size;
};

static void make_reply(struct reply_buffer *ret, const struct wire_request *request,
	enum answer answer, bool first)
{
	struct wire_reply reply = {
		.verb = request->verb,
		.serial = request->serial,
		.answer = {.step = -1},
		.welcome = {.version_min = 1,
			.version_max = 1,
			.packet_max = WIRE_PACKET_MAX,
			.features = answer == ANSWER_OLD ? 0 : WIRE_FEATURES,
			.steps_max = WIRE_STEPS_MAX,
			.count_max = WIRE_COUNT_MAX},
		.text = "",
	};
	bool stale = answer == ANSWER_STALE_EVER || (answer == ANSWER_STALE && first);

	if (request->verb != WIRE_HELLO) {
		reply.serial += answer == ANSWER_SERIAL;
		if (answer == ANSWER_VERB)
			reply.verb = WIRE_RELEASE;
		reply.answer.count = request->verb == WIRE_APPLY			   ? 0
				     : answer == ANSWER_COUNT || answer == ANSWER_TOO_MANY ? 2
											   : 1;
		if (request->flags & WIRE_REQUEST_ASK && answer != ANSWER_ACTED) {
			reply.answer.count = 0;
			reply.answer.flags = answer == ANSWER_UNSAID ? 0 : WIRE_ANSWER_ONLY_ASKED;
			reply.text = "a-rule";
			reply.answer.text_size = 6;
		}
		if (answer == ANSWER_FD_IN_REFUSAL || stale) {
			reply.answer.error = EPROTO;
			reply.answer.origin = stale ? WIRE_ORIGIN_STALE : WIRE_ORIGIN_KERNEL;
			reply.answer.count = !stale;
		}
		if (answer == ANSWER_STALE_GIVEN)
			reply.answer.origin = WIRE_ORIGIN_STALE;
	} else if (answer == ANSWER_STALE_HELLO_EVER || (answer == ANSWER_STALE_HELLO && first)) {
		reply.answer.error = EPERM;
		reply.answer.origin = WIRE_ORIGIN_STALE;
	} else if (answer == ANSWER_BAD_HELLO)
		reply.welcome.version_min = reply.welcome.version_max = 9;
	ssize_t n = wire_encode_reply(&reply, ret->bytes, sizeof ret->bytes);
	if (n < 0)
		_exit(2);
	ret->size = (size_t)n;
	if (request->verb == WIRE_HELLO)
		return;
	if (answer == ANSWER_MAGIC)
		ret->bytes[0] ^= 1;
	if (answer == ANSWER_SHORT)
		ret->size -= 9;
	if (answer == ANSWER_LONG)
		ret->size += 8;
}

/* Waits until a request is there. */
static bool await_request(int connection)
{
	struct pollfd wait = {.fd = connection, .events = POLLIN};

	return poll(&wait, 1, -1) == 1;
}

/* Serves one connection. Returns false where the client is gone. */
static bool serve_one(int connection, enum answer answer, bool first)
{
	static unsigned char packet[WIRE_PACKET_MAX];
	struct transport_message message;
	struct wire_request request;
	struct reply_buffer reply = {.size = 0};
	const char *what;
	int fds[2], received;

	if (transport_receive(connection, packet, sizeof packet, &received, 1, 0, &message) < 0 ||
		message.size == 0)
		return false;
	if (message.n_fds > 0)
		close(received);
	if (wire_decode_request(packet, message.size, &request, &what) < 0)
		_exit(3);
	if (answer == ANSWER_OLD && request.flags != 0)
		_exit(4);
	if (answer == ANSWER_SLOW)
		sleep(3);
	if (request.verb != WIRE_HELLO && (answer == ANSWER_NOTHING || answer == ANSWER_SLOW ||
						  (answer == ANSWER_LOST && first)))
		return false;
	make_reply(&reply, &request, answer, first);
	fds[0] = fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool asked = request.flags & WIRE_REQUEST_ASK && answer != ANSWER_ACTED;
	size_t n = request.verb != WIRE_OPEN || answer == ANSWER_NO_FD || asked ? 0
		   : answer == ANSWER_TOO_MANY					? 2
										: 1;
	bool stale = answer == ANSWER_STALE_EVER || (answer == ANSWER_STALE && first);
	(void)transport_send(connection, reply.bytes, reply.size, fds, stale && n > 0 ? 0 : n, 0);
	close(fds[0]);
	return !(request.verb == WIRE_HELLO && answer == ANSWER_UNREAD && first &&
		 await_request(connection));
}

static void serve(int listener, enum answer answer)
{
	for (bool first = true;; first = false) {
		int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (connection < 0)
			_exit(1);
		while (serve_one(connection, answer, first))
			;
		close(connection);
	}
}

static void start(enum answer answer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(path, sizeof path, "/tmp/sockd-hostile-%d", getpid());
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(chmod(path, 0666), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0)
		serve(listener, answer);
	close(listener);
	ck_assert_int_eq(setenv("SOCKD_SOCKET", path, 1), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
}

static void stop(void)
{
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
}

static int open_raw(void)
{
	return sockd_socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
}

START_TEST(bad_answers)
{
	start(_i);
	size_t before = count_fds_of(getpid());

	ck_assert_int_eq(open_raw(), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_str_ne(sockd_reason(), "");
	ck_assert_uint_eq(count_fds_of(getpid()), before);
	/* And again: nothing of the first is left. */
	ck_assert_int_eq(open_raw(), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_uint_eq(count_fds_of(getpid()), before);
	stop();
}
END_TEST

static const enum answer good[] = {
	ANSWER_RIGHT, ANSWER_STALE, ANSWER_STALE_HELLO, ANSWER_LOST, ANSWER_UNREAD};

START_TEST(good_in_the_end)
{
	start(good[_i]);
	size_t before = count_fds_of(getpid());

	errno = 77;
	int fd = open_raw();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_str_eq(sockd_reason(), "");
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_uint_eq(count_fds_of(getpid()), before + 2);
	close(fd);
	stop();
}
END_TEST

static enum ask_outcome ask_raw(struct ask_verdict *ret)
{
	const struct wire_request request = {
		.verb = WIRE_OPEN, .domain = AF_INET, .type = SOCK_RAW, .protocol = IPPROTO_ICMP};

	return ask_whether(&request, -1, ret);
}

static const struct {
	enum answer answer;
	enum ask_outcome outcome;
	int error;
} questions[] = {
	{ANSWER_RIGHT, ASK_DONE, 0},
	{ANSWER_STALE, ASK_DONE, 0},
	{ANSWER_LOST, ASK_DONE, 0},
	{ANSWER_OLD, ASK_ABSENT, EOPNOTSUPP},
	{ANSWER_ACTED, ASK_ABSENT, EBADMSG},
	{ANSWER_UNSAID, ASK_ABSENT, EPROTO},
	{ANSWER_NOTHING, ASK_ABSENT, ECONNRESET},
};

/* A broker that cannot be asked only is not asked at all, and one that acts all the same leaves
 * nothing behind. */
START_TEST(only_asked)
{
	struct ask_verdict verdict;

	start(questions[_i].answer);
	size_t before = count_fds_of(getpid());
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ask_raw(&verdict), questions[_i].outcome);
		ck_assert_int_eq(verdict.error, questions[_i].error);
		ck_assert_str_eq(verdict.rule, questions[_i].outcome == ASK_DONE ? "a-rule" : "");
		ck_assert((*sockd_reason() == '\0') == (questions[_i].outcome == ASK_DONE));
		ck_assert_uint_le(count_fds_of(getpid()), before + 1);
	}
	/* It still serves, and so has not seen what it could not understand. */
	if (questions[_i].answer == ANSWER_OLD) {
		int fd = open_raw();
		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	stop();
}
END_TEST

struct link_answer {
	struct nlmsghdr head;
	struct nlmsgerr error;
};

/* Asks for what needs a right and would fail. Returns the size of the kernel's answer. */
static ssize_t delete_link(struct link_answer *ret)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg body;
	} request = {
		.head = {.nlmsg_len = sizeof request,
			.nlmsg_type = RTM_DELLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			.nlmsg_seq = 5},
		.body = {.ifi_index = 99999},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	ck_assert_int_eq(sockd_sendto(fd, &request, sizeof request, 0, NULL, 0), sizeof request);
	ssize_t size = recv(fd, ret, sizeof *ret, MSG_DONTWAIT);
	close(fd);
	return size;
}

/* A message is not sent a second time by a broker that may have sent it already. */
START_TEST(a_send_is_not_repeated)
{
	struct link_answer answer;

	start(ANSWER_LOST);
	ck_assert_int_ge(delete_link(&answer), (int)sizeof answer);
	ck_assert_str_ne(sockd_reason(), "");
	/* It was sent plainly, and the kernel refused the sender. */
	ck_assert_int_eq(answer.error.error, -EPERM);
	ck_assert_int_eq(answer.head.nlmsg_seq, 5);
	stop();
}
END_TEST

/* Nor where it is part of a request for a socket. */
START_TEST(a_request_that_sends_is_not_repeated)
{
	start(ANSWER_LOST);
	struct sockd_request *request =
		sockd_request_new(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	ck_assert_int_eq(sockd_request_sendto(request, "12345678", 8, 0,
				 (const struct sockaddr *)&address, sizeof address),
		0);
	ck_assert_int_eq(sockd_request_open(request), -1);
	ck_assert_str_ne(sockd_reason(), "");
	sockd_request_free(request);
	stop();
}
END_TEST

/* But it is put again to the next one where the first never read it. */
START_TEST(a_send_that_was_not_read)
{
	struct link_answer answer;

	start(ANSWER_UNREAD);
	ck_assert_int_eq(delete_link(&answer), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_str_eq(sockd_reason(), "");
	stop();
}
END_TEST

/* Of the library's connection, as a child that was forked meanwhile has one. */
static int copy_connection(void)
{
	for (int fd = 512; fd < 1024; fd++) {
		int type = 0;
		socklen_t size = sizeof type;
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
			type == SOCK_SEQPACKET)
			return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	return -1;
}

/* One that says nothing costs ten seconds, not for ever; and it must not do later what nobody waits
 * for any more. */
START_TEST(silence)
{
	start(ANSWER_RIGHT);
	struct timespec from, to;
	int fd = open_raw();

	ck_assert_int_ge(fd, 0);
	close(fd);
	struct pollfd copy = {.fd = copy_connection()};
	ck_assert_int_ge(copy.fd, 0);
	kill(server, SIGSTOP);
	clock_gettime(CLOCK_MONOTONIC, &from);
	ck_assert_int_eq(open_raw(), -1);
	ck_assert_int_eq(errno, EPERM);
	clock_gettime(CLOCK_MONOTONIC, &to);
	ck_assert_int_ge(to.tv_sec - from.tv_sec, 9);
	ck_assert_int_lt(to.tv_sec - from.tv_sec, 15);
	ck_assert_ptr_nonnull(strstr(sockd_reason(), "timed out"));
	ck_assert_int_eq(poll(&copy, 1, 0), 1);
	ck_assert(copy.revents & POLLHUP);
	close(copy.fd);
	stop();
}
END_TEST

static void *open_raw_in_time(void *data)
{
	bool *in_time = data;
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	int fd = open_raw();
	int error = errno;
	clock_gettime(CLOCK_MONOTONIC, &to);
	*in_time = fd == -1 && error == EPERM && strstr(sockd_reason(), "timed out") &&
		   to.tv_sec - from.tv_sec < 15;
	return NULL;
}

/* Nor ten more for each of the other threads that have asked before. */
START_TEST(silence_for_many)
{
	pthread_t threads[3];
	bool in_time[ARRAY_SIZE(threads)] = {false};

	start(ANSWER_RIGHT);
	kill(server, SIGSTOP);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, open_raw_in_time, &in_time[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert(in_time[i]);
	/* Who waited in vain has left nothing behind: it is served again. */
	kill(server, SIGCONT);
	int fd = open_raw();
	ck_assert_int_ge(fd, 0);
	close(fd);
	stop();
}
END_TEST

/* Ten seconds are for all that one call waits for, however often it is tried. */
START_TEST(slowness)
{
	start(ANSWER_SLOW);
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	ck_assert_int_eq(open_raw(), -1);
	ck_assert_int_eq(errno, EPERM);
	clock_gettime(CLOCK_MONOTONIC, &to);
	ck_assert_int_ge(to.tv_sec - from.tv_sec, 9);
	ck_assert_int_lt(to.tv_sec - from.tv_sec, 15);
	ck_assert_ptr_nonnull(strstr(sockd_reason(), "timed out"));
	stop();
}
END_TEST

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* Who waits for room in the broker's queue and is stopped meanwhile waits on. */
START_TEST(stopped_while_connecting)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int status;

	start(ANSWER_RIGHT);
	kill(server, SIGSTOP);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int fds[64];
	size_t n = 0;
	do
		fds[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	while (connect(fds[n], (const struct sockaddr *)&address, sizeof address) == 0 &&
		++n < ARRAY_SIZE(fds));
	ck_assert_int_eq(errno, EAGAIN);
	pid_t child = fork();
	if (child == 0) {
		close_all(fds, n + 1);
		_exit(open_raw() < 0);
	}
	usleep(300000);
	kill(child, SIGSTOP);
	ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
	ck_assert(WIFSTOPPED(status));
	kill(child, SIGCONT);
	usleep(300000);
	close_all(fds, n + 1);
	kill(server, SIGCONT);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lib-hostile");
	TCase *tcase = tcase_create("lib-hostile");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, bad_answers, ANSWER_SERIAL, ANSWER_NOTHING + 1);
	tcase_add_loop_test(tcase, bad_answers, ANSWER_STALE_EVER, ANSWER_BAD_HELLO + 1);
	tcase_add_loop_test(tcase, good_in_the_end, 0, (int)ARRAY_SIZE(good));
	tcase_add_loop_test(tcase, only_asked, 0, (int)ARRAY_SIZE(questions));
	tcase_add_test(tcase, a_send_is_not_repeated);
	tcase_add_test(tcase, a_request_that_sends_is_not_repeated);
	tcase_add_test(tcase, a_send_that_was_not_read);
	tcase_add_test(tcase, silence);
	tcase_add_test(tcase, silence_for_many);
	tcase_add_test(tcase, slowness);
	tcase_add_test(tcase, stopped_while_connecting);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
