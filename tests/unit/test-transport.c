/*
 * Packets with descriptors and credentials: nothing is lost, and nothing is left open on any
 * failure.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proto/macro.h"
#include "proto/transport.h"
#include "proto/wire.h"
#include "tests/suite.h"

static int ends[2];
static size_t fds_before;

static size_t count_fds(void)
{
	size_t n = 0;
	DIR *dir = opendir("/proc/self/fd");

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			n++;
	(void)closedir(dir);
	return n - 1; /* the directory itself */
}

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	fds_before = count_fds();
}

static void teardown(void)
{
	close_quietly(ends[0]);
	close_quietly(ends[1]);
}

static void open_null(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fds[i], 0);
	}
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(close(fds[i]), 0);
}

static void pass_credentials(int fd)
{
	const int one = 1;
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
}

/* Sends n descriptors of /dev/null and keeps none. */
static void send_null(const void *bytes, size_t size, size_t n)
{
	int fds[WIRE_COUNT_MAX];

	open_null(fds, n);
	ck_assert_int_eq(transport_send(ends[0], bytes, size, fds, n, 0), 0);
	close_all(fds, n);
}

START_TEST(packets_keep_their_bounds)
{
	char buffer[64];
	struct transport_message message;

	ck_assert_int_eq(transport_send(ends[0], "one", 3, NULL, 0, 0), 0);
	ck_assert_int_eq(transport_send(ends[0], "second", 6, NULL, 0, 0), 0);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), NULL, 0, 0, &message), 0);
	ck_assert_uint_eq(message.size, 3);
	ck_assert_mem_eq(buffer, "one", 3);
	ck_assert_uint_eq(message.n_fds, 0);
	ck_assert(!message.has_credentials);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), NULL, 0, 0, &message), 0);
	ck_assert_uint_eq(message.size, 6);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), NULL, 0, MSG_DONTWAIT, &message),
		-EAGAIN);
}
END_TEST

START_TEST(descriptors_arrive_the_same)
{
	static const size_t counts[] = {1, 2, 64, WIRE_COUNT_MAX};
	size_t n = counts[_i];
	int pipes[2], fds[WIRE_COUNT_MAX], got[WIRE_COUNT_MAX];
	char buffer[8];
	struct transport_message message;
	struct stat sent, received;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	for (size_t i = 0; i < n; i++)
		fds[i] = pipes[i & 1];
	ck_assert_int_eq(transport_send(ends[0], "fd", 2, fds, n, 0), 0);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), got, n, 0, &message), 0);
	ck_assert_uint_eq(message.n_fds, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_ne(got[i], fds[i]);
		ck_assert_int_eq(fcntl(got[i], F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(fstat(fds[i], &sent), 0);
		ck_assert_int_eq(fstat(got[i], &received), 0);
		ck_assert_uint_eq(sent.st_ino, received.st_ino);
		ck_assert_int_eq(fcntl(got[i], F_GETFL) & O_ACCMODE, i & 1 ? O_WRONLY : O_RDONLY);
	}
	/* Sending keeps them the sender's. */
	ck_assert_int_eq(fcntl(pipes[0], F_GETFD), FD_CLOEXEC);
	close_all(got, n);
	close_all(pipes, 2);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

START_TEST(more_descriptors_than_the_kernel_takes)
{
	int fds[WIRE_COUNT_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = ends[0];
	ck_assert_int_lt(transport_send(ends[0], "fd", 2, fds, ARRAY_SIZE(fds), MSG_DONTWAIT), 0);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

/* One more than asked for, up to as many as there can be; all are closed. */
START_TEST(unasked_descriptors_are_closed)
{
	static const struct {
		size_t sent, wanted;
	} cases[] = {{1, 0}, {2, 1}, {3, 1}, {64, 1}, {65, 64}, {WIRE_COUNT_MAX, 0},
		{WIRE_COUNT_MAX, 1}, {WIRE_COUNT_MAX, WIRE_COUNT_MAX - 1}};
	int got[WIRE_COUNT_MAX];
	char buffer[8];
	struct transport_message message;

	pass_credentials(ends[1]);
	send_null("fd", 2, cases[_i].sent);
	ck_assert_int_eq(transport_receive(ends[1], buffer, sizeof(buffer), got, cases[_i].wanted,
				 0, &message),
		-EBADMSG);
	ck_assert_uint_eq(count_fds(), fds_before);

	/* The connection goes on. */
	ck_assert_int_eq(transport_send(ends[0], "ok", 2, NULL, 0, 0), 0);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), got, 1, 0, &message), 0);
	ck_assert_uint_eq(message.size, 2);
	ck_assert_uint_eq(message.n_fds, 0);
}
END_TEST

START_TEST(truncated_packets_fail)
{
	char buffer[8];
	int got[4];
	struct transport_message message;

	send_null("123456789", 9, 4);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), got, 4, 0, &message), -EMSGSIZE);
	ck_assert_uint_eq(count_fds(), fds_before);

	send_null("12345678", 8, 4);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), got, 4, 0, &message), 0);
	ck_assert_uint_eq(message.size, 8);
	ck_assert_uint_eq(message.n_fds, 4);
	close_all(got, 4);
}
END_TEST

/* No room in the descriptor table: the kernel cuts the control message short, or leaves it empty.
 */
START_TEST(a_full_descriptor_table_fails_clean)
{
	int got[8];
	char buffer[8];
	struct transport_message message;
	struct rlimit limit, old;

	send_null("fd", 2, 8);
	int top = dup(ends[0]);
	ck_assert_int_ge(top, 0);
	close_quietly(top);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)top + (rlim_t)_i;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int r = transport_receive(ends[1], buffer, sizeof(buffer), got, 8, 0, &message);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);

	ck_assert_int_eq(r, -EBADMSG);
	ck_assert_uint_eq(count_fds(), fds_before);

	send_null("fd", 2, 8);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), got, 8, 0, &message), 0);
	ck_assert_uint_eq(message.n_fds, 8);
	close_all(got, 8);
}
END_TEST

START_TEST(the_end_is_told)
{
	char buffer[8];
	struct transport_message message = {.size = 99, .n_fds = 99};

	close_quietly(TAKE_FD(ends[0]));
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), NULL, 0, 0, &message), 0);
	ck_assert_uint_eq(message.size, 0);
	ck_assert_uint_eq(message.n_fds, 0);

	/* And the other way: no SIGPIPE. */
	ck_assert_int_eq(transport_send(ends[1], "x", 1, NULL, 0, 0), -EPIPE);
}
END_TEST

/* An empty packet looks like the end of the connection; whatever came with it must not stay open.
 */
START_TEST(an_empty_packet_leaves_nothing)
{
	int null, got[1];
	char buffer[8], control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec iov = {.iov_base = buffer, .iov_len = 0};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	struct transport_message message = {0};

	open_null(&null, 1);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &null, sizeof(null));
	ck_assert_int_eq(sendmsg(ends[0], &msg, 0), 0);
	close_all(&null, 1);
	if (transport_receive(ends[1], buffer, sizeof(buffer), got, 1, 0, &message) == 0)
		close_all(got, message.n_fds);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

START_TEST(a_full_queue_is_told)
{
	char block[4096] = {0};
	int r = 0;

	for (int i = 0; i < 100000 && r == 0; i++)
		r = transport_send(ends[0], block, sizeof(block), NULL, 0, MSG_DONTWAIT);
	ck_assert_int_eq(r, -EAGAIN);
}
END_TEST

START_TEST(credentials_are_the_senders)
{
	char buffer[8];
	struct transport_message message;

	pass_credentials(ends[1]);
	ck_assert_int_eq(transport_send(ends[0], "me", 2, NULL, 0, 0), 0);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), NULL, 0, 0, &message), 0);
	ck_assert(message.has_credentials);
	ck_assert_int_eq(message.pid, getpid());
	ck_assert_uint_eq(message.uid, getuid());
	ck_assert_uint_eq(message.gid, getgid());

	/* A child that uses the same connection shows as itself, descriptors and all. */
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(transport_send(ends[0], "child", 5, &ends[0], 1, 0) == 0 ? 0 : 1);
	int status, got[1];
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(
		transport_receive(ends[1], buffer, sizeof(buffer), got, 1, 0, &message), 0);
	ck_assert(message.has_credentials);
	ck_assert_int_eq(message.pid, pid);
	ck_assert_uint_eq(message.n_fds, 1);
	close_all(got, 1);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

START_TEST(no_peer_no_crash)
{
	char buffer[8];
	int got[2];
	struct transport_message message;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(null, 0);
	ck_assert_int_eq(transport_send(null, "x", 1, NULL, 0, 0), -ENOTSOCK);
	ck_assert_int_eq(
		transport_receive(null, buffer, sizeof(buffer), got, 2, 0, &message), -ENOTSOCK);
	ck_assert_int_eq(close(null), 0);
	ck_assert_int_eq(transport_send(-1, "x", 1, NULL, 0, 0), -EBADF);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transport");
	TCase *tcase = tcase_create("transport");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, packets_keep_their_bounds);
	tcase_add_loop_test(tcase, descriptors_arrive_the_same, 0, 4);
	tcase_add_test(tcase, more_descriptors_than_the_kernel_takes);
	tcase_add_loop_test(tcase, unasked_descriptors_are_closed, 0, 8);
	tcase_add_test(tcase, truncated_packets_fail);
	tcase_add_loop_test(tcase, a_full_descriptor_table_fails_clean, 0, 8);
	tcase_add_test(tcase, the_end_is_told);
	tcase_add_test(tcase, an_empty_packet_leaves_nothing);
	tcase_add_test(tcase, a_full_queue_is_told);
	tcase_add_test(tcase, credentials_are_the_senders);
	tcase_add_test(tcase, no_peer_no_crash);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
