/*
 * Control messages: what is sent arrives, every descriptor has an owner or is closed, and
 * truncation is an error that leaves nothing open.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/use/use.h"

#define FDS_MAX 253

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

static int ends[2];
static size_t fds_before;

static void setup(void)
{
	ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ck_assert_int_eq(sockd_settimeout(ends[1], 2000000), 0);
	fds_before = use_count_fds();
}

static void teardown(void)
{
	ck_assert_uint_eq(use_count_fds(), fds_before);
	close_quietly(ends[0]);
	close_quietly(ends[1]);
}

static bool is_same_file(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_ino == other.st_ino &&
	       one.st_dev == other.st_dev;
}

START_TEST(descriptors_arrive)
{
	int sent[3] = {ends[0], STDERR_FILENO, ends[1]}, came[5], flags = -1;
	size_t n = ARRAY_SIZE(came);
	char data[8];

	errno = 77;
	ck_assert_int_eq(sockd_send_fds(ends[0], "words", 5, sent, 3, 0), 5);
	ck_assert_int_eq(sockd_recv_fds(ends[1], data, sizeof data, came, &n, 0, &flags), 5);
	ck_assert_int_eq(errno, 77);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(data, "words", 5);
	ck_assert_int_eq(flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	for (size_t i = 0; i < n; i++) {
		ck_assert(is_same_file(came[i], sent[i]));
		ck_assert_int_eq(sockd_get_inheritable(came[i]), 0);
		ck_assert_int_eq(sockd_close(came[i]), 0);
	}
	/* Data alone, and descriptors alone. */
	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, NULL, 0, 0), 1);
	n = ARRAY_SIZE(came);
	ck_assert_int_eq(sockd_recv_fds(ends[1], data, sizeof data, came, &n, 0, NULL), 1);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(sockd_send_fds(ends[0], NULL, 0, sent, 1, 0), 0);
	n = 1;
	ck_assert_int_eq(sockd_recv_fds(ends[1], data, sizeof data, came, &n, 0, NULL), 0);
	ck_assert_uint_eq(n, 1);
	close_quietly(came[0]);
	/* Too little room for the data is told. */
	ck_assert_int_eq(sockd_send_fds(ends[0], "words", 5, sent, 1, 0), 5);
	n = 1;
	ck_assert_int_eq(sockd_recv_fds(ends[1], data, 2, came, &n, 0, &flags), 2);
	ck_assert(flags & MSG_TRUNC);
	close_quietly(came[0]);
}
END_TEST

START_TEST(as_many_as_there_can_be)
{
	int sent[FDS_MAX + 1], came[FDS_MAX];
	size_t n = FDS_MAX;
	char byte;

	for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
		sent[i] = ends[0];
	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, sent, FDS_MAX, 0), 1);
	ck_assert_int_eq(sockd_recv_fds(ends[1], &byte, 1, came, &n, 0, NULL), 1);
	ck_assert_uint_eq(n, FDS_MAX);
	for (size_t i = 0; i < n; i++)
		close_quietly(came[i]);
	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, sent, FDS_MAX + 1, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, sent, SIZE_MAX / 4, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* Others of the kernel take the data and let the descriptors fall without a word. */
START_TEST(other_family)
{
	int tcp[2], sent = ends[0];
	char byte;

	use_tcp_pair(tcp);
	ck_assert_int_eq(sockd_send_fds(tcp[0], "x", 1, &sent, 1, 0), -1);
	ck_assert_int_eq(errno, EAFNOSUPPORT);
	ck_assert_int_eq(sockd_send_fds(STDERR_FILENO, "x", 1, &sent, 1, 0), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	ck_assert_int_eq(sockd_recv(tcp[1], &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(sockd_send_fds(tcp[0], "x", 1, NULL, 0, 0), 1);
	close_quietly(tcp[0]);
	close_quietly(tcp[1]);
}
END_TEST

/* One more than there is room for: all are closed, none is stored. */
START_TEST(too_many)
{
	int sent[4] = {ends[0], ends[0], ends[0], ends[0]}, came[4] = {-7, -7, -7, -7}, flags = 77;
	size_t n = (size_t)_i;
	char byte;

	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, sent, (size_t)_i + 1, 0), 1);
	ck_assert_int_eq(sockd_recv_fds(ends[1], &byte, 1, came, &n, 0, &flags), -1);
	ck_assert_int_eq(errno, EMSGSIZE);
	ck_assert_uint_eq(n, (size_t)_i);
	ck_assert_int_eq(flags, 77);
	for (size_t i = 0; i < ARRAY_SIZE(came); i++)
		ck_assert_int_eq(came[i], -7);
	ck_assert_uint_eq(use_count_fds(), fds_before);
	/* The connection still works. */
	ck_assert_int_eq(sockd_send(ends[0], "y", 1, 0), 1);
	ck_assert_int_eq(sockd_recv(ends[1], &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'y');
}
END_TEST

/* The kernel itself cuts off: by the room, and by the limit of descriptors. */
START_TEST(truncated)
{
	union {
		struct cmsghdr align;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	int sent[4] = {ends[0], ends[0], ends[0], ends[0]};
	char byte;
	struct iovec part = {&byte, 1};

	for (size_t room = 0; room <= CMSG_LEN(sizeof(int) * 4); room++) {
		struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = room,
		};
		ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, sent, 4, 0), 1);
		ssize_t r = sockd_recvmsg(ends[1], &message, 0);
		if (room < CMSG_LEN(sizeof(int) * 4)) {
			ck_assert_int_eq(r, -1);
			ck_assert_int_eq(errno, EMSGSIZE);
			ck_assert_uint_eq(use_count_fds(), fds_before);
			continue;
		}
		ck_assert_int_eq(r, 1);
		ck_assert_uint_eq(use_count_fds(), fds_before + 4);
		for (size_t i = 0; i < 4; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(&control.align) + i * sizeof fd, sizeof fd);
			close_quietly(fd);
		}
	}
}
END_TEST

START_TEST(no_descriptors_left)
{
	_cleanup_(sockd_control_freep) struct sockd_control *control = sockd_control_new();
	int sent[4] = {ends[0], ends[0], ends[0], ends[0]}, came[4];
	size_t n = 4;
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct rlimit old, few;

	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, sent, 4, 0), 1);
	ck_assert_int_eq(sockd_send_fds(ends[0], "y", 1, sent, 4, 0), 1);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	int highest = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);
	close_quietly(highest);
	few.rlim_cur = (rlim_t)highest + 2; /* two more */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ssize_t r = sockd_recv_fds(ends[1], &byte, 1, came, &n, 0, NULL);
	int error = errno;
	ssize_t again = sockd_recvmsg_control(ends[1], &message, control, 0);
	int other_error = errno;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_int_eq(r, -1);
	ck_assert_int_eq(error, EMFILE);
	ck_assert_int_eq(again, -1);
	ck_assert_int_eq(other_error, EMFILE);
	ck_assert_uint_eq(sockd_control_count(control), 0);
	ck_assert_uint_eq(use_count_fds(), fds_before);
}
END_TEST

START_TEST(list_both_ways)
{
	_cleanup_(sockd_control_freep) struct sockd_control *out = sockd_control_new();
	_cleanup_(sockd_control_freep) struct sockd_control *in = sockd_control_new();
	struct iovec parts[2] = {{(char *)"one", 3}, {(char *)"two", 3}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	int one = 1, few[2] = {ends[0], STDERR_FILENO}, came[3] = {-7, -7, -7}, level, type;
	const void *data;
	size_t size;
	pid_t pid = 0;
	uid_t uid = 77;
	gid_t gid = 77;

	ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one), 0);
	ck_assert_int_eq(sockd_control_add_credentials(out, getpid(), getuid(), getgid()), 0);
	ck_assert_int_eq(sockd_control_add_fds(out, few, 2), 0);
	ck_assert_uint_eq(sockd_control_count(out), 2);
	ck_assert_int_eq(sockd_control_attach(out, &message), 0);
	ck_assert_int_eq(sockd_sendmsg(ends[0], &message, 0), 6);
	/* The list may be sent again; and asked for descriptors it has none to give. */
	ck_assert_int_eq(sockd_sendmsg(ends[0], &message, 0), 6);
	ck_assert_int_eq(sockd_control_take_fds(out, came, 3), -1);
	ck_assert_int_eq(errno, EBUSY);

	char first[2], rest[16];
	struct iovec into[2] = {{first, 2}, {rest, sizeof rest}};
	message = (struct msghdr){.msg_iov = into, .msg_iovlen = 2};
	errno = 77;
	ck_assert_int_eq(sockd_recvmsg_control(ends[1], &message, in, 0), 6);
	ck_assert_int_eq(errno, 77);
	ck_assert_ptr_null(message.msg_control);
	ck_assert_mem_eq(first, "on", 2);
	ck_assert_mem_eq(rest, "etwo", 4);
	ck_assert_uint_eq(sockd_control_count(in), 2);
	ck_assert_int_eq(sockd_control_get_credentials(in, &pid, &uid, &gid), 0);
	ck_assert_int_eq(pid, getpid());
	ck_assert_uint_eq(uid, getuid());
	ck_assert_uint_eq(gid, getgid());
	bool saw_rights = false;
	for (size_t i = 0; sockd_control_get(in, i, &level, &type, &data, &size) == 0; i++)
		if (level == SOL_SOCKET && type == SCM_RIGHTS) {
			saw_rights = true;
			ck_assert_uint_eq(size, 2 * sizeof(int));
		}
	ck_assert(saw_rights);
	ck_assert_int_eq(sockd_control_get(in, 2, &level, NULL, NULL, NULL), -1);
	ck_assert_int_eq(errno, ENOENT);
	/* What came is not to be sent or added to. */
	ck_assert_int_eq(sockd_control_attach(in, &message), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(sockd_control_add_fds(in, few, 1), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(sockd_control_take_fds(in, came, 1), -1);
	ck_assert_int_eq(errno, EMSGSIZE);
	ck_assert_int_eq(came[0], -7);
	ck_assert_int_eq(sockd_control_take_fds(in, came, 3), 2);
	ck_assert(is_same_file(came[1], STDERR_FILENO));
	ck_assert_int_eq(sockd_control_take_fds(in, came + 2, 1), 0);
	ck_assert_int_eq(came[2], -7);
	close_quietly(came[0]);
	close_quietly(came[1]);
	/* The second message is dropped with its descriptors by what comes after it, by a failure
	 * too. */
	ck_assert_int_eq(sockd_recvmsg_control(ends[1], &message, in, 0), 6);
	ck_assert_uint_eq(use_count_fds(), fds_before + 2);
	ck_assert_int_eq(sockd_recvmsg_control(ends[1], &message, in, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_uint_eq(use_count_fds(), fds_before);
	ck_assert_int_eq(sockd_control_get_credentials(in, NULL, NULL, NULL), -1);
	ck_assert_int_eq(errno, ENODATA);
	/* And the last one by freeing the list (teardown counts). */
	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, few, 2, 0), 1);
	ck_assert_int_eq(sockd_recvmsg_control(ends[1], &message, in, 0), 1);
}
END_TEST

/* A descriptor of another kind in the control data. */
START_TEST(pidfd)
{
	_cleanup_(sockd_control_freep) struct sockd_control *control = sockd_control_new();
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int one = 1, came[2];
	size_t n = 2;

	if (setsockopt(ends[1], SOL_SOCKET, SO_PASSPIDFD, &one, sizeof one) < 0)
		return; /* before Linux 6.5 */
	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, ends, 1, 0), 1);
	ck_assert_int_eq(sockd_send_fds(ends[0], "x", 1, ends, 1, 0), 1);
	ck_assert_int_eq(sockd_recvmsg_control(ends[1], &message, control, 0), 1);
	ck_assert_uint_eq(sockd_control_count(control), 2);
	ck_assert_uint_eq(use_count_fds(), fds_before + 2);
	ck_assert_int_eq(sockd_control_take_fds(control, came, 2), 1);
	close_quietly(came[0]);
	ck_assert_int_eq(sockd_recv_fds(ends[1], &byte, 1, came, &n, 0, NULL), 1);
	ck_assert_uint_eq(n, 1);
	close_quietly(came[0]);
	ck_assert_uint_eq(use_count_fds(), fds_before + 1);
}
END_TEST

START_TEST(raw_and_bad)
{
	_cleanup_(sockd_control_freep) struct sockd_control *control = sockd_control_new();
	int closed = dup(ends[0]), minus = -1, one = 1, stream[2];
	struct iovec part = {(char *)"x", 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	static char much[2 << 20];
	const void *data;
	size_t size;
	int level, type;

	ck_assert_int_eq(sockd_control_add_fds(control, &minus, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_control_add_fds(control, &one, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_control_add_fds(control, NULL, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_control_add(control, SOL_SOCKET, SCM_RIGHTS, NULL, 4), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_control_add(control, 1, 1, much, sizeof much), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_control_add(control, 1, 1, much, SIZE_MAX), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(sockd_control_count(control), 0);

	/* Kept as it was given, with whatever length. */
	for (size_t n = 0; n < 40; n++)
		ck_assert_int_eq(sockd_control_add(control, 41, (int)n,
					 "0123456789012345678901234567890123456789", n),
			0);
	ck_assert_uint_eq(sockd_control_count(control), 40);
	for (size_t n = 0; n < 40; n++) {
		ck_assert_int_eq(sockd_control_get(control, n, &level, &type, &data, &size), 0);
		ck_assert_int_eq(level, 41);
		ck_assert_int_eq(type, (int)n);
		ck_assert_uint_eq(size, n);
		ck_assert(
			n == 0 || memcmp(data, "0123456789012345678901234567890123456789", n) == 0);
	}
	/* The kernel has the last word. */
	_cleanup_(sockd_control_freep) struct sockd_control *wrong = sockd_control_new();
	close_quietly(closed);
	ck_assert_int_eq(sockd_control_add_fds(wrong, &closed, 1), 0);
	ck_assert_int_eq(sockd_control_attach(wrong, &message), 0);
	ck_assert_int_eq(sockd_sendmsg(ends[0], &message, 0), -1);
	ck_assert_int_eq(errno, EBADF);

	/* A stream carries no descriptors without data: they would be lost without a word. */
	ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	ck_assert_int_eq(sockd_send_fds(stream[0], NULL, 0, ends, 1, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_send_fds(stream[0], "x", SIZE_MAX, ends, 1, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	close_quietly(stream[1]);
	ck_assert_int_eq(sockd_send_fds(stream[0], "x", 1, ends, 1, 0), -1);
	ck_assert_int_eq(errno, EPIPE);
	close_quietly(stream[0]);
	size_t n = 1;
	ck_assert_int_eq(sockd_recv_fds(stream[0], much, 1, &one, &n, 0, NULL), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(sockd_recv_fds(STDERR_FILENO, much, 1, &one, &n, 0, NULL), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	ck_assert_int_eq(sockd_recv_fds(ends[0], much, SIZE_MAX, &one, &n, 0, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	sockd_control_free(NULL);
}
END_TEST

/* Python's sendmsg_afalg(): AES of the kernel, with the first block of NIST SP 800-38A, F.2.1. */
START_TEST(afalg)
{
	static const unsigned char key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab,
		0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
	static unsigned char plain[16] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9,
		0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
	static const unsigned char cipher[16] = {0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46,
		0xce, 0xe9, 0x8e, 0x9b, 0x12, 0xe9, 0x19, 0x7d};
	const struct sockaddr_alg address = {
		.salg_family = AF_ALG,
		.salg_type = "skcipher",
		.salg_name = "cbc(aes)",
	};
	struct {
		uint32_t size;
		unsigned char bytes[16];
	} iv = {.size = 16};
	_cleanup_(sockd_control_freep) struct sockd_control *control = sockd_control_new();
	_cleanup_close_ int fd = sockd_socket(AF_ALG, SOCK_SEQPACKET, 0);
	struct iovec part = {plain, sizeof plain};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	uint32_t operation = ALG_OP_ENCRYPT;
	unsigned char out[16];

	if (fd < 0 || sockd_bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return; /* a kernel without it */
	for (unsigned char i = 0; i < 16; i++)
		iv.bytes[i] = i;
	ck_assert_int_eq(setsockopt(fd, SOL_ALG, ALG_SET_KEY, key, sizeof key), 0);
	_cleanup_close_ int one = sockd_accept(fd, NULL, NULL);
	ck_assert_int_ge(one, 0);
	ck_assert_int_eq(
		sockd_control_add(control, SOL_ALG, ALG_SET_OP, &operation, sizeof operation), 0);
	ck_assert_int_eq(sockd_control_add(control, SOL_ALG, ALG_SET_IV, &iv, sizeof iv), 0);
	ck_assert_int_eq(sockd_control_attach(control, &message), 0);
	ck_assert_int_eq(sockd_sendmsg(one, &message, 0), sizeof plain);
	ck_assert_int_eq(sockd_recv(one, out, sizeof out, 0), sizeof out);
	ck_assert_mem_eq(out, cipher, sizeof out);
	puts("AF_ALG was there");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("use-control");
	TCase *tcase = tcase_create("control");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, descriptors_arrive);
	tcase_add_test(tcase, as_many_as_there_can_be);
	tcase_add_test(tcase, other_family);
	tcase_add_loop_test(tcase, too_many, 0, 4);
	tcase_add_test(tcase, truncated);
	tcase_add_test(tcase, no_descriptors_left);
	tcase_add_test(tcase, list_both_ways);
	tcase_add_test(tcase, pidfd);
	tcase_add_test(tcase, raw_and_bad);
	tcase_add_test(tcase, afalg);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
