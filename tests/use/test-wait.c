/*
 * Everything that waits: obeys the socket's timeout, in sum and however many signals come, says
 * ETIMEDOUT and EAGAIN where they belong, and is woken by what it waits for.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/use/use.h"

static char buffer[256 * 1024];

static ssize_t do_recv(int fd)
{
	return sockd_recv(fd, buffer, sizeof buffer, 0);
}

static ssize_t do_recv_all(int fd)
{
	return sockd_recv(fd, buffer, sizeof buffer, MSG_WAITALL);
}

static ssize_t do_recvfrom(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;

	return sockd_recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&address, &size);
}

static ssize_t do_recvmsg(int fd)
{
	struct iovec part = {buffer, sizeof buffer};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	return sockd_recvmsg(fd, &message, 0);
}

static ssize_t do_recvmsg_control(int fd)
{
	_cleanup_(sockd_control_freep) struct sockd_control *control = sockd_control_new();
	struct iovec part = {buffer, sizeof buffer};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	return sockd_recvmsg_control(fd, &message, control, 0);
}

static ssize_t do_recv_fds(int fd)
{
	int fds[2];
	size_t n = 2;

	return sockd_recv_fds(fd, buffer, sizeof buffer, fds, &n, 0, NULL);
}

static ssize_t do_read_file(int fd)
{
	FILE *file = sockd_makefile(fd, "r");

	ck_assert_ptr_nonnull(file);
	size_t n = fread(buffer, 1, 1, file);
	int error = errno;
	ck_assert(n == 1 || ferror(file) || feof(file));
	ck_assert_int_eq(fclose(file), 0);
	errno = error;
	return n == 1 ? 1 : -1;
}

static ssize_t do_accept(int fd)
{
	int accepted = sockd_accept(fd, NULL, NULL);

	if (accepted >= 0)
		close_quietly(accepted);
	return accepted;
}

static ssize_t do_send(int fd)
{
	return sockd_send(fd, buffer, 1, 0);
}

static ssize_t do_sendto(int fd)
{
	return sockd_sendto(fd, buffer, 1, 0, NULL, 0);
}

static ssize_t do_sendmsg(int fd)
{
	struct iovec part = {buffer, 1};
	const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	return sockd_sendmsg(fd, &message, 0);
}

static ssize_t do_sendall(int fd)
{
	return sockd_sendall(fd, buffer, sizeof buffer, 0, NULL);
}

static ssize_t do_send_fds(int fd)
{
	return sockd_send_fds(fd, buffer, 1, &fd, 1, 0);
}

static ssize_t do_sendfile(int fd)
{
	_cleanup_close_ int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return sockd_sendfile(fd, file, 0, 4096);
}

/* Which socket it waits on. */
enum kind {
	EMPTY,	  /* a connection on which nothing comes */
	LOCAL,	  /* the same, AF_UNIX */
	SILENT,	  /* a listening socket to which nobody connects */
	FULL_TCP, /* the same for sendfile(2), of which AF_UNIX takes more in some kernels */
	FULL,	  /* a connection that takes no more, AF_UNIX: TCP finds room later */
};

static const struct wait {
	const char *name;
	ssize_t (*call)(int fd);
	enum kind kind;
} waits[] = {
	{"recv", do_recv, EMPTY},
	{"recv MSG_WAITALL", do_recv_all, EMPTY},
	{"recvfrom", do_recvfrom, EMPTY},
	{"recvmsg", do_recvmsg, EMPTY},
	{"recvmsg_control", do_recvmsg_control, LOCAL},
	{"recv_fds", do_recv_fds, LOCAL},
	{"makefile", do_read_file, EMPTY},
	{"accept", do_accept, SILENT},
	{"send", do_send, FULL},
	{"sendto", do_sendto, FULL},
	{"sendmsg", do_sendmsg, FULL},
	{"sendall", do_sendall, FULL},
	{"send_fds", do_send_fds, FULL},
	{"sendfile", do_sendfile, FULL_TCP},
};

static int ends[2]; /* it waits on the first */
static struct sockaddr_storage address;
static socklen_t address_size;

static void make_ends(enum kind kind)
{
	ends[1] = -1;
	switch (kind) {
	case EMPTY:
	case FULL_TCP:
		use_tcp_pair(ends);
		break;
	case LOCAL:
	case FULL:
		ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		break;
	case SILENT:
		ends[0] = use_listen(4, &address, &address_size);
		break;
	}
	/* Buffers that were set do not grow. */
	int small = 16384;
	if (kind == FULL_TCP) {
		ck_assert_int_eq(
			setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
		ck_assert_int_eq(
			setsockopt(ends[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
	}
	if (kind == FULL || kind == FULL_TCP)
		use_fill(ends[0]);
}

static void close_ends(void)
{
	close_quietly(ends[0]);
	close_quietly(ends[1]);
}

static void time_out(const struct wait *wait, bool with_signals)
{
	make_ends(wait->kind);
	ck_assert_int_eq(sockd_settimeout(ends[0], USE_SPAN_USEC), 0);
	if (with_signals)
		use_ring();
	int64_t since = use_now();
	errno = 0;
	ssize_t r = wait->call(ends[0]);
	int error = errno;
	int n = with_signals ? use_quiet() : 1;
	ck_assert_msg(r == -1 && error == ETIMEDOUT, "%s: %zd, %s", wait->name, r, strerror(error));
	use_took_the_span(wait->name, since);
	ck_assert_msg(n >= 1, "%s: no signal", wait->name);
	close_ends();
}

START_TEST(timeout)
{
	time_out(&waits[_i], false);
}
END_TEST

START_TEST(timeout_with_signals)
{
	time_out(&waits[_i], true);
}
END_TEST

START_TEST(non_blocking)
{
	const struct wait *wait = &waits[_i];

	make_ends(wait->kind);
	ck_assert_int_eq(sockd_setblocking(ends[0], 0), 0);
	int64_t least = INT64_MAX;
	/* Whoever waits does so each time, a busy machine only holds it up at times. */
	for (int i = 0; i < 20 && least >= USE_SPAN_USEC / 2; i++) {
		int64_t since = use_now();
		ck_assert_int_eq(wait->call(ends[0]), -1);
		int error = errno;
		least = MIN_OF(least, use_now() - since);
		ck_assert_msg(error == (wait->call == do_sendfile ? EINVAL : EAGAIN), "%s: %s",
			wait->name, strerror(error));
	}
	ck_assert_int_lt(least, USE_SPAN_USEC / 2);
	close_ends();
}
END_TEST

/* What ends the wait on each kind. */
static void write_something(int fd)
{
	ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
}

static void read_everything(int fd)
{
	static char sink[256 * 1024];

	for (int i = 0; i < 20; i++) {
		while (recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0)
			;
		usleep(5000);
	}
}

static void connect_once(int fd _unused_)
{
	_cleanup_close_ int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(other, (struct sockaddr *)&address, address_size), 0);
	usleep(50000);
}

static void come_to_an_end(int fd)
{
	write_something(fd);
	usleep(20000);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
}

/* Without a timeout, and with one that is long enough; signals all the time. */
static void wake(const struct wait *wait, int64_t timeout_usec)
{
	void (*waker)(int fd) = wait->kind == SILENT	    ? connect_once
				: wait->kind >= FULL_TCP    ? read_everything
				: wait->call == do_recv_all ? come_to_an_end
							    : write_something;
	make_ends(wait->kind);
	ck_assert_int_eq(sockd_settimeout(ends[0], timeout_usec), 0);
	use_later(60, waker, ends[1]);
	use_ring();
	errno = 77;
	ssize_t r = wait->call(ends[0]);
	int error = errno, n = use_quiet();
	ck_assert_msg(r >= 0, "%s: %s", wait->name, strerror(error));
	if (wait->call != do_read_file)
		ck_assert_msg(error == 77, "%s: errno %d", wait->name, error);
	ck_assert_int_ge(n, 1);
	use_later_done();
	close_ends();
}

START_TEST(woken)
{
	wake(&waits[_i], SOCKD_FOREVER);
}
END_TEST

START_TEST(woken_with_timeout)
{
	wake(&waits[_i], 20 * USE_SPAN_USEC);
}
END_TEST

START_TEST(flags_that_do_not_wait)
{
	static const int flags[] = {MSG_DONTWAIT, MSG_ERRQUEUE, MSG_DONTWAIT | MSG_PEEK};

	make_ends(LOCAL);
	use_fill(ends[0]);
	ck_assert_int_eq(sockd_settimeout(ends[0], 10 * USE_SPAN_USEC), 0);
	int64_t since = use_now();
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		ck_assert_int_eq(sockd_recv(ends[0], buffer, 1, flags[i]), -1);
		ck_assert_int_eq(errno, EAGAIN);
	}
	ck_assert_int_eq(sockd_send(ends[0], buffer, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	size_t sent = 77;
	ck_assert_int_eq(sockd_sendall(ends[0], buffer, 1, MSG_DONTWAIT, &sent), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_uint_eq(sent, 0);
	ck_assert_int_lt(use_now() - since, 2 * USE_SPAN_USEC);
	close_ends();
}
END_TEST

static void read_a_little(int fd)
{
	char sink[4096];

	for (int i = 0; i < 30; i++) {
		(void)recv(fd, sink, sizeof sink, MSG_DONTWAIT);
		usleep(20000);
	}
}

/* Something goes all the time, and still the deadline is that of the whole. */
START_TEST(sendall_keeps_to_the_deadline)
{
	static char much[4 << 20];
	size_t sent = 0;
	int small = 4096;

	make_ends(LOCAL);
	ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	ck_assert_int_eq(sockd_settimeout(ends[0], USE_SPAN_USEC), 0);
	use_later(10, read_a_little, ends[1]);
	use_ring();
	int64_t since = use_now();
	ck_assert_int_eq(sockd_sendall(ends[0], much, sizeof much, 0, &sent), -1);
	int error = errno;
	use_quiet();
	ck_assert_int_eq(error, ETIMEDOUT);
	use_took_the_span("sendall", since);
	ck_assert_uint_gt(sent, 4096);
	ck_assert_uint_lt(sent, sizeof much);
	use_later_done();
	close_ends();
}
END_TEST

/* A queue of errors makes poll(2) return at once, every time. */
START_TEST(error_queue_takes_no_processor)
{
	const struct sockaddr_in here = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(9),
	};
	int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
		     SOF_TIMESTAMPING_OPT_TSONLY;
	_cleanup_close_ int fd = sockd_socket(AF_INET, SOCK_DGRAM, 0);
	struct timespec before, after;

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps), 0);
	ck_assert_int_eq(
		sockd_sendto(fd, "x", 1, 0, (const struct sockaddr *)&here, sizeof here), 1);
	ck_assert_int_eq(sockd_settimeout(fd, 2 * USE_SPAN_USEC), 0);
	use_ring();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	ck_assert_int_eq(sockd_recv(fd, buffer, 1, 0), -1);
	int error = errno;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	use_quiet();
	ck_assert_int_eq(error, ETIMEDOUT);
	int64_t used = (int64_t)(after.tv_sec - before.tv_sec) * 1000000 +
		       (after.tv_nsec - before.tv_nsec) / 1000;
	/* Emulated machines are slow, but they do sleep. */
	ck_assert_msg(
		used < 2 * USE_SPAN_USEC * 85 / 100, "%d ms of processor time", (int)(used / 1000));
}
END_TEST

/* It is the socket that has the timeout: copies, children and plain calls have it too. */
START_TEST(timeout_is_the_sockets)
{
	int64_t span = 0;

	make_ends(EMPTY);
	_cleanup_close_ int copy = dup(ends[0]);
	ck_assert_int_eq(sockd_settimeout(ends[0], USE_SPAN_USEC), 0);
	ck_assert_int_eq(sockd_gettimeout(copy, &span), 0);
	ck_assert_int_eq(span, USE_SPAN_USEC);
	pid_t child = fork();
	if (child == 0) {
		int64_t begun = use_now();
		bool good = sockd_recv(copy, buffer, 1, 0) == -1 && errno == ETIMEDOUT &&
			    use_now() - begun >= USE_SPAN_USEC - USE_EARLY_USEC;
		_exit(good ? 0 : 1);
	}
	int64_t since = use_now();
	ck_assert_int_eq(read(ends[0], buffer, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	use_took_the_span("read", since);
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(sockd_settimeout(copy, 0), 0);
	ck_assert_int_eq(read(ends[0], buffer, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	close_ends();
}
END_TEST

struct reader {
	pthread_t thread;
	int fd, error;
	int64_t took;
};

static void *read_in_thread(void *data)
{
	struct reader *reader = data;
	int64_t since = use_now();
	char byte;

	reader->error = sockd_recv(reader->fd, &byte, 1, 0) < 0 ? errno : 0;
	reader->took = use_now() - since;
	return NULL;
}

/* How many of many threads on one socket get a byte; the others must get their timeout. */
static int read_in_threads(void)
{
	struct reader readers[8] = {0};
	int n_done = 0;

	make_ends(LOCAL);
	ck_assert_int_eq(sockd_settimeout(ends[0], USE_SPAN_USEC), 0);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i].fd = ends[0];
		ck_assert_int_eq(
			pthread_create(&readers[i].thread, NULL, read_in_thread, &readers[i]), 0);
	}
	use_ring();
	write_something(ends[1]);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		ck_assert_int_eq(pthread_join(readers[i].thread, NULL), 0);
		n_done += readers[i].error == 0;
		if (readers[i].error != 0) {
			ck_assert_int_eq(readers[i].error, ETIMEDOUT);
			ck_assert_int_ge(readers[i].took, USE_SPAN_USEC - USE_EARLY_USEC);
		}
	}
	use_quiet();
	close_ends();
	return n_done;
}

START_TEST(threads)
{
	int n_done = 0;

	/* None, where all had their timeout before the byte was there. */
	for (int i = 0; i < 20 && n_done == 0; i++)
		n_done = read_in_threads();
	ck_assert_int_eq(n_done, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("use-wait");
	TCase *tcase = tcase_create("wait");
	int n = (int)ARRAY_SIZE(waits);

	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, timeout, 0, n);
	tcase_add_loop_test(tcase, timeout_with_signals, 0, n);
	tcase_add_loop_test(tcase, non_blocking, 0, n);
	tcase_add_loop_test(tcase, woken, 0, n);
	tcase_add_loop_test(tcase, woken_with_timeout, 0, n);
	tcase_add_test(tcase, flags_that_do_not_wait);
	tcase_add_test(tcase, sendall_keeps_to_the_deadline);
	tcase_add_test(tcase, error_queue_takes_no_processor);
	tcase_add_test(tcase, timeout_is_the_sockets);
	tcase_add_test(tcase, threads);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
