/*
 * Making sockets, their timeouts, and what a service manager passes; and every error that the
 * header speaks of.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/use/use.h"

static size_t fds_before;

static void setup(void)
{
	fds_before = use_count_fds();
}

static void teardown(void)
{
	ck_assert_uint_eq(use_count_fds(), fds_before);
}

#define ASSERT_FAILS(call, error) \
	do { \
		errno = 0; \
		ck_assert_int_eq((call), -1); \
		ck_assert_int_eq(errno, (error)); \
	} while (0)

static int64_t timeout_of(int fd)
{
	int64_t usec = -77;

	ck_assert_int_eq(sockd_gettimeout(fd, &usec), 0);
	return usec;
}

static int number(int fd, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, level, option, &value, &size) < 0 ? -1 : value;
}

static int make_closed(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);

	close_quietly(fd);
	return fd;
}

START_TEST(timeouts)
{
	static const int64_t bad[] = {-2, -3, INT64_MIN, SOCKD_TIMEOUT_MAX + 1, INT64_MAX};
	_cleanup_close_ int fd = sockd_socket(AF_INET, SOCK_STREAM, 0);
	int closed = make_closed();
	int64_t usec = 77;

	ck_assert_int_eq(timeout_of(fd), SOCKD_FOREVER);
	ck_assert_int_eq(sockd_getblocking(fd), 1);
	errno = 77;
	ck_assert_int_eq(sockd_settimeout(fd, 1500000), 0);
	ck_assert_int_eq(timeout_of(fd), 1500000);
	ck_assert_int_eq(sockd_getblocking(fd), 1);
	ck_assert_int_eq(sockd_settimeout(fd, 0), 0);
	ck_assert_int_eq(timeout_of(fd), 0);
	ck_assert_int_eq(sockd_getblocking(fd), 0);
	ck_assert_int_eq(sockd_setblocking(fd, 1), 0);
	ck_assert_int_eq(timeout_of(fd), SOCKD_FOREVER);
	ck_assert_int_eq(errno, 77);
	/* Ticks: rounded up, never to nothing and never to for ever. */
	ck_assert_int_eq(sockd_settimeout(fd, 1), 0);
	ck_assert_int_ge(timeout_of(fd), 1);
	ck_assert_int_le(timeout_of(fd), 10000);
	ck_assert_int_eq(sockd_settimeout(fd, 1234567), 0);
	ck_assert_int_ge(timeout_of(fd), 1234567);
	ck_assert_int_le(timeout_of(fd), 1244567);
	ck_assert_int_eq(sockd_settimeout(fd, SOCKD_TIMEOUT_MAX), 0);
	ck_assert_int_eq(timeout_of(fd), SOCKD_TIMEOUT_MAX);
	ck_assert_int_eq(sockd_settimeout(fd, 2000000), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ASSERT_FAILS(sockd_settimeout(fd, bad[i]), EINVAL);
		ASSERT_FAILS(sockd_setdefaulttimeout(bad[i]), EINVAL);
		ck_assert_int_eq(timeout_of(fd), 2000000);
		ck_assert_int_eq(sockd_getdefaulttimeout(), SOCKD_FOREVER);
	}
	ASSERT_FAILS(sockd_settimeout(closed, 1), EBADF);
	ASSERT_FAILS(sockd_settimeout(-1, 1), EBADF);
	ASSERT_FAILS(sockd_settimeout(STDERR_FILENO, 1), ENOTSOCK);
	ASSERT_FAILS(sockd_settimeout(STDERR_FILENO, 0), ENOTSOCK);
	ck_assert(!(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK));
	ASSERT_FAILS(sockd_gettimeout(closed, &usec), EBADF);
	ASSERT_FAILS(sockd_gettimeout(STDERR_FILENO, &usec), ENOTSOCK);
	ck_assert_int_eq(usec, 77);
	ASSERT_FAILS(sockd_setblocking(STDERR_FILENO, 1), ENOTSOCK);
	ASSERT_FAILS(sockd_getblocking(closed), EBADF);
}
END_TEST

static int accept_one(int listening)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;

	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
	_cleanup_close_ int fd = socket(address.ss_family, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, size), 0);
	size = sizeof address;
	int accepted = sockd_accept(listening, (struct sockaddr *)&address, &size);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_eq(address.ss_family, AF_INET);
	ck_assert_uint_eq(size, sizeof(struct sockaddr_in));
	ck_assert_int_eq(fcntl(accepted, F_GETFD), FD_CLOEXEC);
	return accepted;
}

static void assert_and_close(int fd, int64_t timeout_usec)
{
	ck_assert_int_eq(timeout_of(fd), timeout_usec);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(sockd_close(fd), 0);
}

START_TEST(default_timeout)
{
	static const int64_t defaults[] = {SOCKD_FOREVER, 3000000, 0};
	int64_t usec = defaults[_i];
	int pair[2];

	ck_assert_int_eq(sockd_getdefaulttimeout(), SOCKD_FOREVER);
	ck_assert_int_eq(sockd_setdefaulttimeout(usec), 0);
	ck_assert_int_eq(sockd_getdefaulttimeout(), usec);
	assert_and_close(sockd_socket(AF_INET, SOCK_DGRAM, 0), usec);
	assert_and_close(sockd_socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), 0);
	ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_and_close(pair[0], usec);
	assert_and_close(pair[1], usec);
	int listening = sockd_create_server(AF_INET, "127.0.0.1", NULL, SOCKD_BACKLOG, 0);
	/* Whatever the listening socket's own is. */
	ck_assert_int_eq(sockd_settimeout(listening, 5000000), 0);
	assert_and_close(accept_one(listening), usec);
	ck_assert_int_eq(sockd_settimeout(listening, 0), 0);
	assert_and_close(accept_one(listening), usec);
	ck_assert_int_eq(sockd_setdefaulttimeout(SOCKD_FOREVER), 0);
	ck_assert_int_eq(sockd_setblocking(listening, 1), 0);
	assert_and_close(accept_one(listening), SOCKD_FOREVER);
	close_quietly(listening);
}
END_TEST

START_TEST(plain_sockets)
{
	int pair[2] = {-7, -7};

	ASSERT_FAILS(sockd_socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
	ASSERT_FAILS(sockd_socket(AF_INET, 99, 0), EINVAL);
	ASSERT_FAILS(sockd_socketpair(AF_INET, SOCK_STREAM, 0, pair), EOPNOTSUPP);
	ck_assert_int_eq(pair[0], -7);
	ASSERT_FAILS(sockd_accept(make_closed(), NULL, NULL), EBADF);
	ASSERT_FAILS(sockd_accept(STDERR_FILENO, NULL, NULL), ENOTSOCK);
	_cleanup_close_ int fd = sockd_socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_FAILS(sockd_accept(fd, NULL, NULL), EINVAL);
	ASSERT_FAILS(sockd_recv(fd, pair, 1, 0), ENOTCONN);
	ASSERT_FAILS(sockd_send(fd, "x", 1, 0), EPIPE);
	ASSERT_FAILS(sockd_recv(fd, NULL, SIZE_MAX, 0), EINVAL);
	ASSERT_FAILS(sockd_recvfrom(fd, NULL, SIZE_MAX, 0, NULL, NULL), EINVAL);
	ASSERT_FAILS(sockd_send(fd, "x", SIZE_MAX, 0), EINVAL);
	ASSERT_FAILS(sockd_sendto(fd, "x", SIZE_MAX, 0, NULL, 0), EINVAL);
	size_t sent = 77;
	ASSERT_FAILS(sockd_sendall(fd, "x", SIZE_MAX, 0, &sent), EINVAL);
	ck_assert_uint_eq(sent, 0);
	ASSERT_FAILS(sockd_sendall(make_closed(), "x", 1, 0, NULL), EBADF);
	ASSERT_FAILS(sockd_sendall(STDERR_FILENO, "x", 1, 0, NULL), ENOTSOCK);
	ASSERT_FAILS(sockd_recv(STDERR_FILENO, &sent, 1, 0), ENOTSOCK);
	ASSERT_FAILS(sockd_recv(STDERR_FILENO, &sent, 0, 0), ENOTSOCK);
	ASSERT_FAILS(sockd_recv(make_closed(), &sent, 0, 0), EBADF);
}
END_TEST

/* No bytes of a stream are there at once, and nothing is taken from it; a datagram is waited for.
 */
START_TEST(room_for_nothing)
{
	const int flags[] = {0, MSG_WAITALL, MSG_PEEK, MSG_DONTWAIT};
	int tcp[2], local[2], datagrams[2], came;
	size_t n = 1;
	char byte;

	use_tcp_pair(tcp);
	ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
	ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams), 0);
	ck_assert_int_eq(sockd_settimeout(datagrams[1], 50000), 0);
	errno = 77;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		ck_assert_int_eq(sockd_recv(tcp[0], NULL, 0, flags[i]), 0);
		ck_assert_int_eq(sockd_recv(local[1], NULL, 0, flags[i]), 0);
	}
	ck_assert_int_eq(sockd_send_fds(local[0], "x", 1, tcp, 1, 0), 1);
	ck_assert_int_eq(sockd_recv(local[1], NULL, 0, 0), 0);
	ck_assert_int_eq(sockd_recv_fds(local[1], &byte, 1, &came, &n, 0, NULL), 1);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(sockd_send(datagrams[0], "words", 5, 0), 5);
	ck_assert_int_eq(sockd_recv(datagrams[1], NULL, 0, MSG_PEEK | MSG_TRUNC), 5);
	ck_assert_int_eq(sockd_recv(datagrams[1], NULL, 0, 0), 0);
	ck_assert_int_eq(errno, 77);
	ASSERT_FAILS(sockd_recv(datagrams[1], NULL, 0, 0), ETIMEDOUT);
	close_quietly(came);
	for (int i = 0; i < 2; i++) {
		close_quietly(tcp[i]);
		close_quietly(local[i]);
		close_quietly(datagrams[i]);
	}
}
END_TEST

START_TEST(copies_and_ends)
{
	int fd = sockd_socket(AF_INET, SOCK_DGRAM, 0);
	int copy = sockd_fromfd(fd);

	ck_assert_int_ne(copy, fd);
	ck_assert_int_eq(number(copy, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	ck_assert_int_eq(sockd_get_inheritable(copy), 0);
	ck_assert_int_eq(sockd_set_inheritable(copy, 1), 0);
	ck_assert_int_eq(fcntl(copy, F_GETFD), 0);
	ck_assert_int_eq(sockd_get_inheritable(copy), 1);
	ck_assert_int_eq(sockd_set_inheritable(copy, 0), 0);
	ck_assert_int_eq(sockd_get_inheritable(copy), 0);
	ASSERT_FAILS(sockd_fromfd(STDERR_FILENO), ENOTSOCK);
	ASSERT_FAILS(sockd_fromfd(-1), EBADF);
	ASSERT_FAILS(sockd_get_inheritable(-1), EBADF);
	ASSERT_FAILS(sockd_set_inheritable(make_closed(), 1), EBADF);
	int same = copy;
	ck_assert_int_eq(sockd_detach(&copy), same);
	ck_assert_int_eq(copy, -1);
	sockd_closep(&copy);
	sockd_closep(&same);
	ck_assert_int_eq(sockd_close(fd), 0);
	ASSERT_FAILS(sockd_close(fd), EBADF);
	/* close(2) of a connection that was reset, with an unread byte and SO_LINGER. */
	int ends[2];
	use_tcp_pair(ends);
	const struct linger at_once = {1, 0};
	ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	ck_assert_int_eq(sockd_close(ends[0]), 0);
	ck_assert_int_eq(sockd_close(ends[1]), 0);
}
END_TEST

/* Nothing here may end the process. */
START_TEST(no_signal)
{
	int ends[2];
	char byte = 'x';

	ck_assert_ptr_ne(signal(SIGPIPE, SIG_DFL), SIG_ERR);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		close_quietly(ends[1]);
		_cleanup_close_ int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		FILE *stream;
		switch (i) {
		case 0:
			ASSERT_FAILS(sockd_send(ends[0], &byte, 1, 0), EPIPE);
			break;
		case 1:
			ASSERT_FAILS(sockd_sendall(ends[0], &byte, 1, 0, NULL), EPIPE);
			break;
		case 2:
			ASSERT_FAILS(sockd_sendfile(ends[0], file, 0, SOCKD_TO_END), EPIPE);
			break;
		case 3:
			stream = sockd_makefile(ends[0], "w");
			ck_assert_int_eq(fputs("x", stream), 1);
			ASSERT_FAILS(fclose(stream), EPIPE);
			break;
		case 4:
			ASSERT_FAILS(sockd_send_fds(ends[0], &byte, 1, &file, 1, 0), EPIPE);
			break;
		}
		close_quietly(ends[0]);
	}
	/* One that was pending before is still there afterwards. */
	sigset_t pipe, pending;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &pipe, NULL), 0);
	ck_assert_int_eq(raise(SIGPIPE), 0);
	ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	close_quietly(ends[1]);
	_cleanup_close_ int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ASSERT_FAILS(sockd_sendfile(ends[0], file, 0, SOCKD_TO_END), EPIPE);
	close_quietly(ends[0]);
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert(sigismember(&pending, SIGPIPE));
}
END_TEST

START_TEST(servers)
{
	char port[16];
	struct sockaddr_in6 address;
	socklen_t size = sizeof address;

	ASSERT_FAILS(sockd_create_server(AF_NETLINK, NULL, NULL, 1, 0), EAFNOSUPPORT);
	ASSERT_FAILS(sockd_create_server(AF_UNSPEC, NULL, NULL, 1, 0), EAFNOSUPPORT);
	ASSERT_FAILS(sockd_create_server(AF_INET, NULL, NULL, -2, 0), EINVAL);
	ASSERT_FAILS(sockd_create_server(AF_INET, NULL, NULL, 1, 0x80), EINVAL);
	ASSERT_FAILS(sockd_create_server(AF_INET, NULL, NULL, 1, SOCKD_DUALSTACK), EINVAL);
	ASSERT_FAILS(sockd_create_server(AF_INET, NULL, "65536", 1, 0), EINVAL);
	ASSERT_FAILS(sockd_create_server(AF_INET, NULL, "-1", 1, 0), EINVAL);
	ASSERT_FAILS(sockd_create_server(AF_INET, NULL, " 80", 1, 0), EINVAL);
	ASSERT_FAILS(sockd_create_server(AF_INET, NULL, "99999999999999999999", 1, 0), EINVAL);
	ck_assert_int_eq(sockd_lookup_error(), 0);
	ASSERT_FAILS(sockd_create_server(AF_INET, "no.such.host.invalid.", "0", 1, 0),
		sockd_lookup_error() == EAI_AGAIN ? EAGAIN : ENOENT);
	ck_assert_int_ne(sockd_lookup_error(), 0);
	ASSERT_FAILS(sockd_create_server(AF_INET, "127.0.0.1", "no-such-service", 1, 0), ENOENT);
	ck_assert_int_eq(sockd_lookup_error(), EAI_SERVICE);
	ASSERT_FAILS(sockd_create_server(AF_INET, "::1", "0", 1, 0), ENOENT);
	ck_assert_int_ne(sockd_lookup_error(), 0);
	ASSERT_FAILS(sockd_create_server(AF_INET, "192.0.2.1", "0", 1, 0), EADDRNOTAVAIL);
	ck_assert_int_eq(sockd_lookup_error(), 0);

	errno = 77;
	_cleanup_close_ int six = sockd_create_server(AF_INET6, "", "", SOCKD_BACKLOG, 0);
	ck_assert_int_ge(six, 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(number(six, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	ck_assert_int_eq(number(six, SOL_SOCKET, SO_REUSEADDR), 1);
	ck_assert_int_eq(number(six, SOL_SOCKET, SO_ACCEPTCONN), 1);
	ck_assert_int_eq(number(six, SOL_SOCKET, SO_REUSEPORT), 0);
	ck_assert_int_eq(getsockname(six, (struct sockaddr *)&address, &size), 0);
	snprintf(port, sizeof port, "%u", ntohs(address.sin6_port));
	ASSERT_FAILS(sockd_create_server(AF_INET6, "::1", port, 1, 0), EADDRINUSE);
	ck_assert_int_eq(sockd_has_dualstack_ipv6(), 1);
	_cleanup_close_ int both = sockd_create_server(AF_INET6, NULL, NULL, 1, SOCKD_DUALSTACK);
	ck_assert_int_eq(number(both, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	size = sizeof address;
	ck_assert_int_eq(getsockname(both, (struct sockaddr *)&address, &size), 0);
	snprintf(port, sizeof port, "%u", ntohs(address.sin6_port));
	_cleanup_close_ int four = sockd_create_connection("127.0.0.1", port, 5000000, NULL, NULL);
	ck_assert_int_ge(four, 0);

	_cleanup_close_ int shared = sockd_create_server(AF_INET, NULL, "0", 1, SOCKD_REUSE_PORT);
	size = sizeof address;
	ck_assert_int_eq(getsockname(shared, (struct sockaddr *)&address, &size), 0);
	snprintf(port, sizeof port, "%u", ntohs(address.sin6_port));
	_cleanup_close_ int sharer = sockd_create_server(AF_INET, NULL, port, 1, SOCKD_REUSE_PORT);
	ck_assert_int_ge(sharer, 0);
	ck_assert_int_eq(number(sharer, SOL_SOCKET, SO_REUSEPORT), 1);
}
END_TEST

START_TEST(local_servers)
{
	char directory[] = "/tmp/sockd-use.XXXXXX", path[200], name[120];
	struct sockaddr_un address;
	socklen_t size = sizeof address;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/socket", directory);
	int fd = sockd_create_server(AF_UNIX, path, NULL, 1, 0);
	ck_assert_int_ge(fd, 0);
	struct stat status;
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert(S_ISSOCK(status.st_mode));
	ASSERT_FAILS(sockd_create_server(AF_UNIX, path, NULL, 1, 0), EADDRINUSE);
	ASSERT_FAILS(sockd_create_server(AF_UNIX, path, "80", 1, 0), EINVAL);
	close_quietly(fd);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(directory), 0);

	snprintf(name, sizeof name, "@sockd-use-%d", getpid());
	fd = sockd_create_server(AF_UNIX, name, NULL, 1, 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	ck_assert_uint_eq(size, offsetof(struct sockaddr_un, sun_path) + strlen(name));
	ck_assert_int_eq(address.sun_path[0], '\0');
	ck_assert_mem_eq(address.sun_path + 1, name + 1, strlen(name) - 1);
	close_quietly(fd);
	fd = sockd_create_server(AF_UNIX, "", NULL, 1, 0);
	ck_assert_int_ge(fd, 0);
	close_quietly(fd);
	/* 107 bytes and a NUL fit, or 108 of an abstract name. */
	memset(path, 'a', sizeof path);
	path[0] = '@';
	path[108] = '\0';
	fd = sockd_create_server(AF_UNIX, path, NULL, 1, 0);
	ck_assert_int_ge(fd, 0);
	close_quietly(fd);
	path[108] = 'a';
	path[109] = '\0';
	ASSERT_FAILS(sockd_create_server(AF_UNIX, path, NULL, 1, 0), ENAMETOOLONG);
	path[0] = 'a';
	path[108] = '\0';
	ASSERT_FAILS(sockd_create_server(AF_UNIX, path, NULL, 1, 0), ENAMETOOLONG);
}
END_TEST

START_TEST(connections)
{
	char port[16];
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	_cleanup_close_ int listening = sockd_create_server(AF_INET, "127.0.0.1", "0", 8, 0);

	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
	snprintf(port, sizeof port, "%u", ntohs(address.sin_port));
	errno = 77;
	int fd = sockd_create_connection("127.0.0.1", port, 2500000, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(errno, 77);
	assert_and_close(fd, 2500000);
	assert_and_close(
		sockd_create_connection(NULL, port, SOCKD_FOREVER, NULL, NULL), SOCKD_FOREVER);
	ck_assert_int_eq(sockd_setdefaulttimeout(1000000), 0);
	assert_and_close(
		sockd_create_connection("localhost", port, SOCKD_DEFAULT_TIMEOUT, NULL, NULL),
		1000000);
	ck_assert_int_eq(sockd_setdefaulttimeout(SOCKD_FOREVER), 0);
	fd = sockd_create_connection("127.0.0.1", port, 1000000, "127.0.0.9", NULL);
	ck_assert_int_ge(fd, 0);
	size = sizeof address;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	ck_assert_uint_eq(ntohl(address.sin_addr.s_addr), 0x7f000009);
	close_quietly(fd);

	ASSERT_FAILS(sockd_create_connection("127.0.0.1", port, 0, NULL, NULL), EINPROGRESS);
	ASSERT_FAILS(sockd_create_connection("127.0.0.1", port, -3, NULL, NULL), EINVAL);
	ASSERT_FAILS(sockd_create_connection("127.0.0.1", NULL, 1, NULL, NULL), EINVAL);
	ASSERT_FAILS(sockd_create_connection("127.0.0.1", "", 1, NULL, NULL), EINVAL);
	ASSERT_FAILS(sockd_create_connection("127.0.0.1", "70000", 1, NULL, NULL), EINVAL);
	ASSERT_FAILS(sockd_create_connection("127.0.0.1", port, 1000000, NULL, "70000"), EINVAL);
	ck_assert_int_eq(sockd_lookup_error(), 0);
	ASSERT_FAILS(sockd_create_connection("", port, 1, NULL, NULL), ENOENT);
	ck_assert_int_eq(sockd_lookup_error(), EAI_NONAME);
	ASSERT_FAILS(sockd_create_connection("127.0.0.1", port, 1000000, "::1", NULL), ENOENT);
	ck_assert_int_ne(sockd_lookup_error(), 0);
	ASSERT_FAILS(sockd_create_connection("127.0.0.1", port, 1000000, "192.0.2.1", NULL),
		EADDRNOTAVAIL);
	ck_assert_int_eq(sockd_lookup_error(), 0);
	close_quietly(TAKE_FD(listening));
	ASSERT_FAILS(sockd_create_connection("127.0.0.1", port, 1000000, NULL, NULL), ECONNREFUSED);
}
END_TEST

/* What a service manager passes */

static int listen_child(void (*prepare)(void), int unset, char ***ret_names)
{
	/* Two descriptors in their places; the others closed. */
	int three = socket(AF_INET, SOCK_STREAM, 0), four = socket(AF_INET6, SOCK_STREAM, 0);
	int high_three = fcntl(three, F_DUPFD, 50), high_four = fcntl(four, F_DUPFD, 50);
	for (int fd = 3; fd < 50; fd++)
		close_quietly(fd);
	dup2(high_three, 3);
	dup2(high_four, 4);
	char pid[16];
	snprintf(pid, sizeof pid, "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "web:admin", 1);
	prepare();
	errno = 77;
	return sockd_from_listen_fds(unset, ret_names);
}

static void as_it_is(void)
{
}

static void no_names(void)
{
	unsetenv("LISTEN_FDNAMES");
}

static void other_process(void)
{
	setenv("LISTEN_PID", "1", 1);
}

static void none_set(void)
{
	unsetenv("LISTEN_PID");
}

static void no_number(void)
{
	setenv("LISTEN_FDS", "two", 1);
}

static void with_rest(void)
{
	setenv("LISTEN_FDS", "2x", 1);
}

static void negative(void)
{
	setenv("LISTEN_FDS", "-1", 1);
}

static void absurd(void)
{
	setenv("LISTEN_FDS", "2147483647", 1);
}

static void more_than_open(void)
{
	setenv("LISTEN_FDS", "3", 1);
}

static void very_many(void)
{
	setenv("LISTEN_FDS", "2000000000", 1);
}

static void one_name(void)
{
	setenv("LISTEN_FDNAMES", "web", 1);
}

static void zero(void)
{
	setenv("LISTEN_FDS", "0", 1);
}

static void empty_names(void)
{
	setenv("LISTEN_FDNAMES", ":", 1);
}

static const struct passed {
	void (*prepare)(void);
	int result, error;
	const char *names[2];
} passed[] = {
	{as_it_is, 2, 0, {"web", "admin"}},
	{no_names, 2, 0, {"unknown", "unknown"}},
	{empty_names, 2, 0, {"", ""}},
	{zero, 0, 0, {0}},
	{other_process, 0, 0, {0}},
	{none_set, 0, 0, {0}},
	{no_number, -1, EINVAL, {0}},
	{with_rest, -1, EINVAL, {0}},
	{negative, -1, EINVAL, {0}},
	{absurd, -1, EINVAL, {0}},
	{more_than_open, -1, EBADF, {0}},
	{very_many, -1, EBADF, {0}},
	{one_name, -1, EINVAL, {0}},
};

static int look_at_passed(const struct passed *test, bool unset)
{
	char *untouched[1] = {0}, **names = untouched;

	if (listen_child(test->prepare, unset, &names) != test->result)
		return 10;
	if (errno != (test->result < 0 ? test->error : 77))
		return 11;
	for (int fd = 3; fd < 5; fd++)
		if (fcntl(fd, F_GETFD) != (test->result > 0 ? FD_CLOEXEC : 0))
			return 12;
	if (!getenv("LISTEN_FDS") != unset || (unset && getenv("LISTEN_PID")))
		return 13;
	if (test->result < 0 && names != untouched)
		return 14;
	if (test->result == 0 && names)
		return 15;
	if (test->result <= 0)
		return 0;
	for (int i = 0; i < 2; i++)
		if (strcmp(names[i], test->names[i]) != 0)
			return 16;
	if (names[2])
		return 17;
	free(names);
	return 0;
}

START_TEST(listen_fds)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(look_at_passed(&passed[_i / 2], _i & 1));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("use-make");
	TCase *tcase = tcase_create("make");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, timeouts);
	tcase_add_loop_test(tcase, default_timeout, 0, 3);
	tcase_add_test(tcase, plain_sockets);
	tcase_add_test(tcase, room_for_nothing);
	tcase_add_test(tcase, copies_and_ends);
	tcase_add_test(tcase, no_signal);
	tcase_add_test(tcase, servers);
	tcase_add_test(tcase, local_servers);
	tcase_add_test(tcase, connections);
	tcase_add_loop_test(tcase, listen_fds, 0, 2 * (int)ARRAY_SIZE(passed));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
