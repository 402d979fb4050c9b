/* Who a peer is where the kernel cannot say it for certain. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/peer.h"
#include "proto/macro.h"

#define PEERPIDFD 77

static bool kernel_is_old;

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	if (kernel_is_old && level == SOL_SOCKET && name == PEERPIDFD) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return __real_getsockopt(fd, level, name, value, size);
}

/* A child that connects, sends two packets and waits for its end. */
static pid_t start_client(int *ret_connection)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof address;
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	int sent[2];
	char byte;
	ck_assert_int_eq(pipe(sent), 0);
	pid_t client = fork();
	if (client == 0) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (connect(fd, (struct sockaddr *)&address, size) < 0 || send(fd, "1", 1, 0) < 0 ||
			send(fd, "2", 1, 0) < 0)
			_exit(EXIT_FAILURE);
		(void)!write(sent[1], "", 1);
		for (;;)
			pause();
	}
	*ret_connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(*ret_connection, 0);
	close_quietly(listener);
	close_quietly(sent[1]);
	ck_assert_int_eq(read(sent[0], &byte, 1), 1);
	close_quietly(sent[0]);
	return client;
}

static void end_client(pid_t client)
{
	kill(client, SIGKILL);
	waitpid(client, NULL, 0);
}

static void receive_one(int fd)
{
	char byte;

	ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
}

START_TEST(what_was_sent_before_the_pidfd_was_opened_proves_nothing)
{
	struct policy_place place;
	struct peer peer;
	int connection;

	kernel_is_old = true;
	pid_t client = start_client(&connection);
	ck_assert_int_eq(peer_read(connection, &peer), 0);
	for (int i = 0; i < 2; i++) {
		peer_settle(&peer, connection);
		ck_assert(peer.is_doubtful);
		ck_assert_int_eq(peer_place(&peer, &place), -ESRCH);
		receive_one(connection);
	}
	peer_settle(&peer, connection);
	ck_assert(!peer.is_doubtful);
	ck_assert_int_ne(peer_place(&peer, &place), -ESRCH);
	end_client(client);
	peer_done(&peer);
	close_quietly(connection);
}
END_TEST

START_TEST(who_the_kernel_names_is_certain)
{
	struct peer peer;
	int connection, pidfd;
	socklen_t size = sizeof pidfd;

	kernel_is_old = false;
	pid_t client = start_client(&connection);
	if (__real_getsockopt(connection, SOL_SOCKET, PEERPIDFD, &pidfd, &size) == 0) {
		close_quietly(pidfd);
		ck_assert_int_eq(peer_read(connection, &peer), 0);
		ck_assert(!peer.is_doubtful);
		peer_done(&peer);
	}
	end_client(client);
	close_quietly(connection);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *cases = tcase_create("peer");

	tcase_add_test(cases, what_was_sent_before_the_pidfd_was_opened_proves_nothing);
	tcase_add_test(cases, who_the_kernel_names_is_certain);
	suite_add_tcase(suite, cases);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
