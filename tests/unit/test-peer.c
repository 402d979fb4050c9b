/* Who a peer is where the kernel cannot say it for certain. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/peer.h"
#include "proto/macro.h"

#define PEERPIDFD 77

static bool kernel_is_old;
static const gid_t *their_groups; /* NULL: as the kernel says */
static size_t n_their_groups;
static int groups_error;
static bool is_outside; /* of the pid namespace */

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	if (kernel_is_old && level == SOL_SOCKET && name == PEERPIDFD) {
		errno = ENOPROTOOPT;
		return -1;
	}
	if (their_groups && level == SOL_SOCKET && name == SO_PEERGROUPS) {
		socklen_t room = *size;

		*size = (socklen_t)(n_their_groups * sizeof *their_groups);
		errno = groups_error ? groups_error : ERANGE;
		if (groups_error || room < *size)
			return -1;
		memcpy(value, their_groups, *size);
		return 0;
	}
	int r = __real_getsockopt(fd, level, name, value, size);
	if (is_outside && level == SOL_SOCKET && name == SO_PEERCRED)
		((struct ucred *)value)->pid = 0;
	return r;
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

/* As peer_read() and then peer_read_groups() say, with these groups; the peer is this process. */
static int read_with(const gid_t *groups, size_t n, struct peer *ret)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	their_groups = groups;
	n_their_groups = n;
	int r = peer_read(pair[0], ret);
	if (r == 0) {
		r = peer_read_groups(ret, pair[0]);
		if (r == -E2BIG)
			r = 0; /* and noted */
		else if (r < 0)
			peer_done(ret);
	}
	their_groups = NULL;
	close_quietly(pair[0]);
	close_quietly(pair[1]);
	return r;
}

START_TEST(groups_are_in_order_and_each_once)
{
	static const gid_t few[] = {7, 3, 7, 1, 3, 3}, sorted[] = {1, 3, 7};
	static gid_t many[4 * PEER_GROUPS_MAX + 1];
	struct peer peer;

	ck_assert_int_eq(read_with(few, ARRAY_SIZE(few), &peer), 0);
	ck_assert_uint_eq(peer.n_groups, ARRAY_SIZE(sorted));
	ck_assert_mem_eq(peer.groups, sorted, sizeof sorted);
	ck_assert(!peer.too_many_groups);
	ck_assert_int_eq(peer.pid, getpid());
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	peer_done(&peer);
	ck_assert_int_eq(read_with(sorted, ARRAY_SIZE(sorted), &peer), 0);
	ck_assert_uint_eq(peer.n_groups, ARRAY_SIZE(sorted));
	ck_assert_mem_eq(peer.groups, sorted, sizeof sorted);
	peer_done(&peer);
	ck_assert_int_eq(read_with(few, 0, &peer), 0);
	ck_assert_uint_eq(peer.n_groups, 0);
	peer_done(&peer);

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (gid_t)(2 * PEER_GROUPS_MAX - i % PEER_GROUPS_MAX);
	ck_assert_int_eq(read_with(many, 4 * (size_t)PEER_GROUPS_MAX, &peer), 0);
	ck_assert(!peer.too_many_groups);
	ck_assert_uint_eq(peer.n_groups, PEER_GROUPS_MAX);
	for (size_t i = 0; i < peer.n_groups; i++)
		ck_assert_uint_eq(peer.groups[i], PEER_GROUPS_MAX + 1 + i);
	peer_done(&peer);
	/* More than are looked at, and one more than are kept. */
	ck_assert_int_eq(read_with(many, ARRAY_SIZE(many), &peer), 0);
	ck_assert(peer.too_many_groups);
	ck_assert_uint_eq(peer.n_groups, 0);
	peer_done(&peer);
	many[0] = 1;
	ck_assert_int_eq(read_with(many, 2 * (size_t)PEER_GROUPS_MAX, &peer), 0);
	ck_assert(peer.too_many_groups);
	ck_assert_uint_eq(peer.n_groups, 0);
	peer_done(&peer);
}
END_TEST

START_TEST(who_cannot_be_told_is_no_peer)
{
	static const gid_t one[] = {1};
	struct peer peer;

	groups_error = EPERM;
	ck_assert_int_eq(read_with(one, 1, &peer), -EPERM);
	groups_error = 0;
	is_outside = true;
	ck_assert_int_eq(read_with(one, 1, &peer), -ESRCH);
	is_outside = false;
	ck_assert_int_eq(read_with(one, 1, &peer), 0);
	peer_done(&peer);
}
END_TEST

/* Of a process whose real ids are others than its effective ones the latter are asked. */
START_TEST(a_sender_is_the_peer_as_it_connected)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	const struct {
		struct peer peer;
		struct transport_message message;
		bool same;
	} cases[] = {
		{{.pid = getpid(), .uid = uid, .gid = gid},
			{.has_credentials = true, .pid = getpid(), .uid = uid, .gid = gid}, true},
		{{.pid = getpid(), .uid = uid, .gid = gid},
			{.has_credentials = false, .pid = getpid(), .uid = uid, .gid = gid}, false},
		{{.pid = getpid(), .uid = uid, .gid = gid},
			{.has_credentials = true, .pid = getppid(), .uid = uid, .gid = gid}, false},
		{{.pid = getpid(), .uid = uid, .gid = gid},
			{.has_credentials = true, .pid = getpid(), .uid = uid + 1, .gid = gid},
			true},
		{{.pid = getpid(), .uid = uid, .gid = gid},
			{.has_credentials = true, .pid = getpid(), .uid = uid, .gid = gid + 1},
			true},
		{{.pid = getpid(), .uid = uid + 1, .gid = gid},
			{.has_credentials = true, .pid = getpid(), .uid = uid, .gid = gid}, false},
		{{.pid = getpid(), .uid = uid, .gid = gid + 1},
			{.has_credentials = true, .pid = getpid(), .uid = uid, .gid = gid}, false},
		/* There is no such process to be asked. */
		{{.pid = INT32_MAX, .uid = uid, .gid = gid},
			{.has_credentials = true, .pid = INT32_MAX, .uid = uid + 1, .gid = gid},
			false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(peer_is_sender(&cases[i].peer, &cases[i].message) == cases[i].same,
			"case %zu", i);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *cases = tcase_create("peer");

	tcase_add_test(cases, what_was_sent_before_the_pidfd_was_opened_proves_nothing);
	tcase_add_test(cases, who_the_kernel_names_is_certain);
	tcase_add_test(cases, groups_are_in_order_and_each_once);
	tcase_add_test(cases, who_cannot_be_told_is_no_peer);
	tcase_add_test(cases, a_sender_is_the_peer_as_it_connected);
	suite_add_tcase(suite, cases);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
