/* sockd_connect: the socket's timeout whatever the family, signals meanwhile, and its errors. */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"
#include "tests/suite.h"
#include "tests/use/use.h"

static struct sockaddr_storage address;
static socklen_t address_size;

/* A listening socket that takes no more connections. */
static int make_crowded(int crowd[4])
{
	int fd = use_listen(0, &address, &address_size);

	for (int i = 0; i < 4; i++) {
		crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(crowd[i], (struct sockaddr *)&address, address_size);
	}
	usleep(20000);
	return fd;
}

static int make_crowded_local(int crowd[4])
{
	struct sockaddr_un *local = (struct sockaddr_un *)&address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*local = (struct sockaddr_un){.sun_family = AF_UNIX};
	ck_assert_int_eq(bind(fd, (struct sockaddr *)local, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	address_size = sizeof address;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &address_size), 0);
	for (int i = 0; i < 4; i++) {
		crowd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(crowd[i], (struct sockaddr *)&address, address_size);
	}
	return fd;
}

static void close_crowd(int fd, int crowd[4])
{
	close_quietly(fd);
	for (int i = 0; i < 4; i++)
		close_quietly(crowd[i]);
}

static void connect_too_long(bool is_local, bool with_signals)
{
	int crowd[4], fd = is_local ? make_crowded_local(crowd) : make_crowded(crowd);
	_cleanup_close_ int one = sockd_socket(is_local ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	int64_t span;

	ck_assert_int_eq(sockd_settimeout(one, USE_SPAN_USEC), 0);
	if (with_signals)
		use_ring();
	int64_t since = use_now();
	int r = sockd_connect(one, (struct sockaddr *)&address, address_size), error = errno;
	use_quiet();
	ck_assert_int_eq(r, -1);
	ck_assert_int_eq(error, ETIMEDOUT);
	use_took_the_span("connect", since);
	/* The socket's timeout is what it was. */
	ck_assert_int_eq(sockd_gettimeout(one, &span), 0);
	ck_assert_int_eq(span, USE_SPAN_USEC);
	struct timeval kept = {0};
	socklen_t size = sizeof kept;
	ck_assert_int_eq(getsockopt(one, SOL_SOCKET, SO_SNDTIMEO, &kept, &size), 0);
	ck_assert_int_eq(kept.tv_usec, USE_SPAN_USEC);

	if (!is_local) {
		int64_t again = use_now();
		ck_assert_int_eq(sockd_connect_ex(one, (struct sockaddr *)&address, address_size),
			ETIMEDOUT);
		use_took_the_span("connect again", again);
	}
	close_crowd(fd, crowd);
}

START_TEST(connect_timeout)
{
	connect_too_long(_i & 1, _i & 2);
}
END_TEST

static void accept_all(int fd)
{
	for (int i = 0; i < 5; i++) {
		int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		close_quietly(accepted);
	}
}

START_TEST(connect_woken)
{
	bool is_local = _i & 1;
	int crowd[4], fd = is_local ? make_crowded_local(crowd) : make_crowded(crowd);
	_cleanup_close_ int one = sockd_socket(is_local ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	/* A connection that was turned away knocks again after one second, and then two. */
	const struct timeval brief = {!is_local, 200000};

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief), 0);
	ck_assert_int_eq(sockd_settimeout(one, _i & 2 ? SOCKD_FOREVER : 50 * USE_SPAN_USEC), 0);
	use_later(80, accept_all, fd);
	use_ring();
	errno = 77;
	int r = sockd_connect(one, (struct sockaddr *)&address, address_size), error = errno;
	int n = use_quiet();
	ck_assert_msg(r == 0, "%s", strerror(error));
	ck_assert_int_eq(error, 77);
	ck_assert_int_ge(n, 1);
	use_later_done();
	close_crowd(fd, crowd);
}
END_TEST

START_TEST(connect_contract)
{
	int fd = use_listen(4, &address, &address_size);
	_cleanup_close_ int one = sockd_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	_cleanup_close_ int two = sockd_socket(AF_INET, SOCK_STREAM, 0);

	errno = 77;
	ck_assert_int_eq(
		sockd_connect_ex(one, (struct sockaddr *)&address, address_size), EINPROGRESS);
	ck_assert_int_eq(sockd_connect_ex(two, (struct sockaddr *)&address, address_size), 0);
	ck_assert_int_eq(sockd_connect_ex(two, (struct sockaddr *)&address, address_size), EISCONN);
	close_quietly(fd);
	_cleanup_close_ int three = sockd_socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(sockd_settimeout(three, USE_SPAN_USEC), 0);
	ck_assert_int_eq(
		sockd_connect_ex(three, (struct sockaddr *)&address, address_size), ECONNREFUSED);
	ck_assert_int_eq(sockd_connect_ex(-1, (struct sockaddr *)&address, address_size), EBADF);
	ck_assert_int_eq(sockd_connect_ex(three, (struct sockaddr *)&address, 1), EINVAL);
	ck_assert_int_eq(errno, 77);
}
END_TEST

/* A family that has a timeout of its own (two seconds) and knows nothing of SO_SNDTIMEO. */
START_TEST(connect_other_family)
{
	const struct sockaddr_vm nobody = {
		.svm_family = AF_VSOCK,
		.svm_cid = 99,
		.svm_port = 7777,
	};
	_cleanup_close_ int probe = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int64_t span;

	/* Where there is no such family, or it answers at once, there is nothing to wait for. */
	if (probe < 0 || connect(probe, (const struct sockaddr *)&nobody, sizeof nobody) == 0 ||
		errno != EINPROGRESS)
		return;
	_cleanup_close_ int fd = sockd_socket(AF_VSOCK, SOCK_STREAM, 0);
	ck_assert_int_eq(sockd_settimeout(fd, _i == 0 ? USE_SPAN_USEC : SOCKD_FOREVER), 0);
	use_ring();
	int64_t since = use_now();
	int error = sockd_connect_ex(fd, (const struct sockaddr *)&nobody, sizeof nobody);
	use_quiet();
	ck_assert_int_eq(error, ETIMEDOUT);
	if (_i == 0)
		use_took_the_span("connect", since);
	ck_assert_int_eq(sockd_gettimeout(fd, &span), 0);
	ck_assert_int_eq(span, _i == 0 ? USE_SPAN_USEC : SOCKD_FOREVER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("use-connect");
	TCase *tcase = tcase_create("connect");

	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, connect_timeout, 0, 4);
	tcase_add_loop_test(tcase, connect_woken, 0, 2);
	tcase_add_loop_test(tcase, connect_woken, 3, 4);
	tcase_add_test(tcase, connect_contract);
	tcase_add_loop_test(tcase, connect_other_family, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
