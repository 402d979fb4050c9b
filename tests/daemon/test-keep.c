/* Share and fromshare, between real users and processes: what is given and what is refused. */
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/daemon/keep.h"

#define GROUP 4242

static size_t count_text(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* The trail is written in batches. */
static bool trail_has(const char *what)
{
	for (int i = 0; i < 1000; i++) {
		_cleanup_free_ char *text = read_text(keep_broker.audit);
		if (text && strstr(text, what))
			return true;
		(void)usleep(20000);
	}
	fprintf(stderr, "not in the audit trail: %s\n", what);
	return false;
}

static int give_anyone(void *data _unused_)
{
	int fd = listen_here();
	struct sockaddr_in address;
	socklen_t size = sizeof address;

	EXPECT(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	shared->port = address.sin_port;
	share_it(fd, SOCKD_FOR_ANYONE, 0, 0);
	EXPECT(close(fd) == 0); /* at once */
	return 0;
}

static int take_and_serve(void *data _unused_)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = shared->port};
	char text[256];
	errno = 7;
	int fd = sockd_fromshare(shared->ticket);

	EXPECT(fd >= 0 && errno == 7);
	EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(accept(fd, NULL, NULL) >= 0);
	REFUSED(ENOENT, sockd_fromshare(shared->ticket)); /* used */
	EXPECT(strstr(sockd_reason(), "wrong, used, expired or for another"));
	snprintf(text, sizeof text, " \t%s\n", shared->ticket);
	REFUSED(ENOENT, sockd_fromshare(text)); /* as read from a file */
	text[20] = text[20] == '0' ? '1' : '0';
	REFUSED(ENOENT, sockd_fromshare(text)); /* wrong */
	return 0;
}

START_TEST(from_one_user_to_another)
{
	ck_assert_int_eq(run_as(CLIENT_UID, give_anyone, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, take_and_serve, NULL), 0);
	ck_assert(trail_has("the ticket was used already"));
	ck_assert(trail_has("the ticket is wrong"));
	_cleanup_free_ char *trail = read_text(keep_broker.audit);
	ck_assert_ptr_nonnull(trail);
	ck_assert_ptr_null(strstr(trail, shared->ticket + strlen("sockd-")));
	_cleanup_free_ char *log = read_text(keep_broker.log);
	ck_assert_ptr_null(strstr(log, shared->ticket + strlen("sockd-")));
}
END_TEST

/* The library's own; 0: there is none. */
static ino_t inode_of_connection(void)
{
	struct sockaddr_un peer;
	struct stat status;

	for (int fd = 3; fd < 1024; fd++) {
		socklen_t size = sizeof peer;
		if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
			peer.sun_family == AF_UNIX &&
			strcmp(peer.sun_path, keep_broker.socket) == 0)
			return fstat(fd, &status) == 0 ? status.st_ino : 0;
	}
	return 0;
}

static int bad_tickets(void *data _unused_)
{
	char text[200];
	static const char *const bad[] = {"", "sockd-", "x", "sockd-zz", "SOCKD-",
		"sockd-00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
		"sockd-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
		"sockd-00112233445566778899aabbccddeeff 0112233445566778899aabbccddeeff"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		REFUSED(EINVAL, sockd_fromshare(bad[i]));
	REFUSED(EINVAL, sockd_fromshare(NULL));
	int fd = listen_here();
	REFUSED(EINVAL, sockd_share(fd, (enum sockd_taker)5, 0, 0, text, sizeof text));
	REFUSED(EINVAL, sockd_share(fd, SOCKD_FOR_ANYONE, 1, 0, text, sizeof text));
	REFUSED(EINVAL, sockd_share(fd, SOCKD_FOR_USER, -1, 0, text, sizeof text));
	REFUSED(EINVAL, sockd_share(fd, SOCKD_FOR_USER, UINT32_MAX, 0, text, sizeof text));
	REFUSED(EINVAL, sockd_share(fd, SOCKD_FOR_PROCESS, 0, 0, text, sizeof text));
	REFUSED(ESRCH, sockd_share(fd, SOCKD_FOR_PROCESS, 0x3ffffff, 0, text, sizeof text));
	REFUSED(EBADF, sockd_share(fd, SOCKD_FOR_PIDFD, -1, 0, text, sizeof text));
	REFUSED(EINVAL, sockd_share(fd, SOCKD_FOR_PIDFD, fd, 0, text, sizeof text));
	/* The caller's fault alone: the connection stands. */
	ino_t before = inode_of_connection();
	REFUSED(EBADF, sockd_share(fd, SOCKD_FOR_PIDFD, 900, 0, text, sizeof text));
	EXPECT(strcmp(sockd_reason(), "a descriptor that was to be sent is not open") == 0);
	EXPECT(before != 0 && inode_of_connection() == before);
	REFUSED(EINVAL, sockd_share(fd, SOCKD_FOR_ANYONE, 0, -1, text, sizeof text));
	REFUSED(EINVAL,
		sockd_share(fd, SOCKD_FOR_ANYONE, 0, SOCKD_TICKET_LONGEST + 1, text, sizeof text));
	REFUSED(EINVAL, sockd_share(fd, SOCKD_FOR_ANYONE, 0, INT64_MAX, text, sizeof text));
	REFUSED(ENOSPC, sockd_share(fd, SOCKD_FOR_ANYONE, 0, 0, text, SOCKD_TICKET_SIZE - 1));
	REFUSED(EINVAL, sockd_share(fd, SOCKD_FOR_ANYONE, 0, 0, NULL, sizeof text));
	REFUSED(EBADF, sockd_share(-1, SOCKD_FOR_ANYONE, 0, 0, text, sizeof text));
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	REFUSED(ENOTSOCK, sockd_share(file, SOCKD_FOR_ANYONE, 0, 0, text, sizeof text));
	REFUSED(ENOTSOCK, sockd_store(file, "a", 0, 0));
	REFUSED(EBADF, sockd_store(99, "a", 0, 0));
	REFUSED(EINVAL, sockd_stored(NULL));
	return 0;
}

START_TEST(what_cannot_be_is_refused)
{
	ck_assert_int_eq(run_as(CLIENT_UID, bad_tickets, NULL), 0);
}
END_TEST

/* The sharer waits meanwhile, so that its ticket is open all the time. */
static int try_to_take(void *data)
{
	const int *error = data;
	int fd = sockd_fromshare(shared->ticket);

	if (*error == 0) {
		EXPECT(fd >= 0);
		return 0;
	}
	EXPECT(fd == -1);
	EXPECT(errno == *error);
	return 0;
}

static int give_to(void *data)
{
	const int64_t *what = data;

	share_it(listen_here(), (enum sockd_taker)what[0], what[1], 0);
	return 0;
}

START_TEST(for_a_user)
{
	const int64_t other[] = {SOCKD_FOR_USER, OTHER_UID};

	ck_assert_int_eq(run_as(CLIENT_UID, give_to, (void *)other), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, try_to_take, &(int){ENOENT}), 0);
	ck_assert(trail_has("the ticket is for another"));
	ck_assert_int_eq(run_as(OTHER_UID, try_to_take, &(int){0}), 0);
}
END_TEST

static int with_group(void *data)
{
	gid_t group = GROUP;

	EXPECT(setgroups(1, &group) == 0);
	EXPECT(setresgid(OTHER_UID, OTHER_UID, OTHER_UID) == 0);
	EXPECT(setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == 0);
	return try_to_take(data);
}

START_TEST(for_a_group)
{
	const int64_t group[] = {SOCKD_FOR_GROUP, GROUP};

	ck_assert_int_eq(run_as(CLIENT_UID, give_to, (void *)group), 0);
	ck_assert_int_eq(run_as(OTHER_UID, try_to_take, &(int){ENOENT}), 0);
	ck_assert_int_eq(run_as(0, with_group, &(int){0}), 0);
}
END_TEST

/* A taker that waits until it is told to go on. */
static int wait_and_take(void *data)
{
	while (shared->step == 0)
		(void)usleep(1000);
	return try_to_take(data);
}

START_TEST(for_a_process)
{
	shared->step = 0;
	pid_t right = fork_as(OTHER_UID, wait_and_take, &(int){0});
	const int64_t process[] = {SOCKD_FOR_PROCESS, right};

	ck_assert_int_eq(run_as(CLIENT_UID, give_to, (void *)process), 0);
	/* Neither another of the user, nor a child. */
	ck_assert_int_eq(run_as(OTHER_UID, try_to_take, &(int){ENOENT}), 0);
	shared->step = 1;
	ck_assert_int_eq(wait_for(right), 0);
}
END_TEST

static int end_at_once(void *data _unused_)
{
	return 0;
}

static int give_to_the_dead(void *data _unused_)
{
	pid_t dead = fork_as(CLIENT_UID, end_at_once, NULL);
	int pidfd = (int)syscall(SYS_pidfd_open, dead, 0);

	EXPECT(pidfd >= 0);
	EXPECT(wait_for(dead) == 0);
	share_it(listen_here(), SOCKD_FOR_PIDFD, pidfd, 0);
	shared->step = dead;
	return 0;
}

/* A process that has the pid of the one that the ticket is for. */
static int take_with_pid(void *data _unused_)
{
	FILE *file = fopen("/proc/sys/kernel/ns_last_pid", "w");
	pid_t pid = -1;

	if (!file)
		return 77;
	fprintf(file, "%d", shared->step - 1);
	if (fclose(file) != 0)
		return 77;
	pid = fork_as(OTHER_UID, try_to_take, &(int){ENOENT});
	int status = wait_for(pid);
	return pid == shared->step ? status : status == 0 ? 77 : status;
}

START_TEST(a_pid_that_is_given_again_is_another_process)
{
	int r = 77;

	for (int i = 0; i < 10 && r == 77; i++) {
		ck_assert_int_eq(run_as(CLIENT_UID, give_to_the_dead, NULL), 0);
		r = run_as(0, take_with_pid, NULL);
	}
	if (r == 77)
		puts("SKIP: the kernel has no way to choose the next pid");
	else
		ck_assert_int_eq(r, 0);
}
END_TEST

/* The sharer in a pid namespace of its own means its own pids. */
static int give_from_a_pid_namespace(void *data _unused_)
{
	EXPECT(unshare(CLONE_NEWPID) == 0);
	pid_t inner = fork();
	if (inner == 0) { /* its pid 1 */
		shared->step = 0;
		pid_t taker = fork_as(OTHER_UID, wait_and_take, &(int){0});
		EXPECT(taker > 0 && taker < 100);
		/* A process of that number is outside too, and is not meant. */
		share_it(listen_here(), SOCKD_FOR_PROCESS, taker, 0);
		shared->step = 1;
		_exit(wait_for(taker));
	}
	return wait_for(inner);
}

START_TEST(a_pid_is_of_the_sharers_namespace)
{
	ck_assert_int_eq(run_as(0, give_from_a_pid_namespace, NULL), 0);
}
END_TEST

/* In a user namespace the caller's 0 is its own. */
static int give_from_a_user_namespace(void *data _unused_)
{
	FILE *file;

	/* A change of credentials takes /proc/self from its owner. */
	EXPECT(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	if (unshare(CLONE_NEWUSER) < 0)
		return 77;
	file = fopen("/proc/self/uid_map", "w");
	EXPECT(file && fprintf(file, "0 %d 1", CLIENT_UID) > 0 && fclose(file) == 0);
	EXPECT(getuid() == 0);
	int fd = listen_here();
	share_it(fd, SOCKD_FOR_USER, 0, 0);
	REFUSED(EINVAL,
		sockd_share(fd, SOCKD_FOR_USER, 5, 0, shared->ticket, sizeof shared->ticket));
	return 0;
}

START_TEST(a_user_is_of_the_sharers_namespace)
{
	int r = run_as(CLIENT_UID, give_from_a_user_namespace, NULL);

	if (r == 77) {
		puts("SKIP a_user_is_of_the_sharers_namespace: the kernel has no user namespaces "
		     "for an ordinary user here");
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(run_as(CLIENT_UID, try_to_take, &(int){0}), 0);
}
END_TEST

static int give_for_a_moment(void *data _unused_)
{
	share_it(listen_here(), SOCKD_FOR_ANYONE, 0, 100000);
	EXPECT(sockd_store(listen_here(), "web-short", 100000, 0) == 0);
	return 0;
}

START_TEST(what_is_not_fetched_is_closed_and_reported)
{
	size_t before = fds_at_rest();

	ck_assert_int_eq(run_as(CLIENT_UID, give_for_a_moment, NULL), 0);
	ck_assert(trail_has("the ticket was not used in time; the socket is closed"));
	ck_assert(trail_has("its time is over; the socket is forgotten"));
	ck_assert_int_eq(run_as(OTHER_UID, try_to_take, &(int){ENOENT}), 0);
	ck_assert(trail_has("the ticket has expired"));
	ck_assert_uint_eq(fds_settled(before), before);
}
END_TEST

/* --- guessing --- */

static int guess_at_full_speed(void *data _unused_)
{
	char ticket[SOCKD_TICKET_SIZE];
	unsigned wrong = 0, cut_off = 0;
	int64_t until = now_usec() + 1500000;

	for (unsigned i = 0; now_usec() < until; i++) {
		snprintf(ticket, sizeof ticket, "sockd-%064x", i);
		EXPECT(sockd_fromshare(ticket) == -1);
		EXPECT(errno == ENOENT || errno == EAGAIN);
		wrong += errno == ENOENT;
		cut_off += errno == EAGAIN;
	}
	/* Twenty, and one a second. */
	EXPECT(wrong >= 20 && wrong <= 23);
	EXPECT(cut_off > 10);
	/* Not even a right one. */
	REFUSED(EAGAIN, sockd_fromshare(shared->ticket));
	return 0;
}

static int served_meanwhile(void *data _unused_)
{
	int64_t until = now_usec() + 1000000, longest = 0;
	int fd = listen_here();
	unsigned n = 0;

	for (; now_usec() < until; n++) {
		char ticket[SOCKD_TICKET_SIZE];
		int64_t begin = now_usec();
		EXPECT(sockd_share(fd, SOCKD_FOR_ANYONE, 0, 0, ticket, sizeof ticket) == 0);
		int taken = sockd_fromshare(ticket);
		EXPECT(taken >= 0);
		(void)close(taken);
		longest = MAX_OF(longest, now_usec() - begin);
	}
	EXPECT(n > 50);
	EXPECT(longest < 1000000);
	return 0;
}

START_TEST(guessing_is_cut_off_and_costs_nobody_else)
{
	const int64_t anyone[] = {SOCKD_FOR_ANYONE, 0};

	ck_assert_int_eq(run_as(CLIENT_UID, give_to, (void *)anyone), 0);
	pid_t guesser = fork_as(OTHER_UID, guess_at_full_speed, NULL);
	ck_assert_int_eq(run_as(CLIENT_UID, served_meanwhile, NULL), 0);
	ck_assert_int_eq(wait_for(guesser), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, try_to_take, &(int){0}), 0);
	ck_assert(trail_has("too many wrong tickets"));
	ck_assert(trail_has("\"event\":\"peer\",\"uid\":65533,\"gid\":65533,\"pid\":"));
	_cleanup_free_ char *trail = read_text(keep_broker.audit);
	/* Nor is the trail flooded. */
	ck_assert_uint_le(count_text(trail, "too many wrong tickets"), 5);
}
END_TEST

/* --- the policy --- */

static int refused_by_policy(void *data _unused_)
{
	char ticket[SOCKD_TICKET_SIZE];
	int pair[2];

	REFUSED(EACCES, sockd_share(listen_here(), SOCKD_FOR_ANYONE, 0, 0, ticket, sizeof ticket));
	EXPECT(strstr(sockd_reason(),
		"sockctl check --uid=65532 --gid=65532 --action=share inet stream"));
	REFUSED(EACCES, sockd_store(listen_here(), "web-x", 0, 0));
	REFUSED(EACCES, sockd_fromshare(shared->ticket)); /* it may receive AF_UNIX alone */
	EXPECT(strstr(sockd_reason(), "receive inet stream"));
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	REFUSED(EACCES, sockd_share(pair[0], SOCKD_FOR_ANYONE, 0, 0, ticket, sizeof ticket));
	return 0;
}

static int denied(void *data _unused_)
{
	int fd = listen_here(), udp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	REFUSED(EACCES, sockd_store(fd, "web-secret", 0, 0));
	EXPECT(strstr(sockd_reason(), "rule not-secret denies it"));
	REFUSED(EACCES, sockd_store(fd, "other", 0, 0));
	REFUSED(EACCES, sockd_store(udp, "web-x", 0, 0));
	return 0;
}

START_TEST(both_ends_are_subject_to_the_policy)
{
	const int64_t anyone[] = {SOCKD_FOR_ANYONE, 0};

	ck_assert_int_eq(run_as(CLIENT_UID, give_to, (void *)anyone), 0);
	ck_assert_int_eq(run_as(THIRD_UID, refused_by_policy, NULL), 0);
	/* Which leaves the ticket as it was. */
	ck_assert_int_eq(run_as(OTHER_UID, try_to_take, &(int){0}), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, denied, NULL), 0);
}
END_TEST

static int take_elsewhere(void *data _unused_)
{
	REFUSED(EACCES, sockd_fromshare(shared->ticket));
	EXPECT(strstr(sockd_reason(), "network namespace"));
	REFUSED(EACCES, sockd_fetch("web-1", 0));
	REFUSED(EACCES, sockd_store(listen_here(), "web-2", 0, 0));
	/* Its own it may hand on, where a rule says so: "netns": "peer". */
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char ticket[SOCKD_TICKET_SIZE];
	EXPECT(sockd_share(udp, SOCKD_FOR_ANYONE, 0, 0, ticket, sizeof ticket) == 0);
	int same = sockd_fromshare(ticket);
	EXPECT(same >= 0 && cookie_of(same) == cookie_of(udp));
	/* But not to others: */
	EXPECT(sockd_share(udp, SOCKD_FOR_ANYONE, 0, 0, shared->ticket, sizeof shared->ticket) ==
		0);
	return 0;
}

static int give_and_store(void *data _unused_)
{
	share_it(listen_here(), SOCKD_FOR_ANYONE, 0, 0);
	EXPECT(sockd_store(listen_here(), "web-1", 0, 0) == 0);
	return 0;
}

START_TEST(no_socket_leaves_its_namespace_by_itself)
{
	ck_assert_int_eq(run_as(CLIENT_UID, give_and_store, NULL), 0);
	ck_assert_int_eq(in_a_namespace_of_its_own(take_elsewhere, CLIENT_UID), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, try_to_take, &(int){EACCES}), 0);
}
END_TEST

static int by_fork_and_thread(void *data _unused_)
{
	int fd = listen_here();

	share_it(fd, SOCKD_FOR_ANYONE, 0, 0);
	pid_t child = fork();
	if (child == 0) {
		int taken = sockd_fromshare(shared->ticket);
		EXPECT(taken >= 0 && cookie_of(taken) == cookie_of(fd));
		share_it(taken, SOCKD_FOR_ANYONE, 0, 0);
		_exit(0);
	}
	EXPECT(wait_for(child) == 0);
	int back = sockd_fromshare(shared->ticket);
	EXPECT(back >= 0 && cookie_of(back) == cookie_of(fd));
	return 0;
}

START_TEST(both_ends_work_over_fork)
{
	ck_assert_int_eq(run_as(CLIENT_UID, by_fork_and_thread, NULL), 0);
}
END_TEST

static int without_a_broker(void *data _unused_)
{
	char ticket[SOCKD_TICKET_SIZE];
	struct sockd_stored *list;

	(void)setenv("SOCKD_SOCKET", "/nowhere/socket", 1);
	REFUSED(ECONNREFUSED,
		sockd_share(listen_here(), SOCKD_FOR_ANYONE, 0, 0, ticket, sizeof ticket));
	REFUSED(ECONNREFUSED, sockd_fetch("a", 0));
	REFUSED(ECONNREFUSED, sockd_stored(&list));
	EXPECT(strstr(sockd_reason(), "no answer from the broker"));
	return 0;
}

START_TEST(without_a_broker_it_says_so)
{
	ck_assert_int_eq(run_as(CLIENT_UID, without_a_broker, NULL), 0);
}
END_TEST

START_TEST(administrators_see_what_is_kept)
{
	const int64_t other[] = {SOCKD_FOR_USER, OTHER_UID};

	ck_assert_int_eq(run_as(CLIENT_UID, give_to, (void *)other), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, store_a, NULL), 0);
	_cleanup_free_ char *answer = broker_ask(&keep_broker, "{\"verb\":\"list\"}");
	ck_assert_ptr_nonnull(answer);
	ck_assert_ptr_nonnull(strstr(answer, "\"kind\":\"ticket\""));
	ck_assert_ptr_nonnull(strstr(answer, "\"taker\":\"uid\""));
	ck_assert_ptr_nonnull(strstr(answer, "\"taker_id\":65533"));
	ck_assert_ptr_nonnull(strstr(answer, "\"kind\":\"stored\""));
	ck_assert_ptr_nonnull(strstr(answer, "\"name\":\"a\""));
	ck_assert_ptr_null(strstr(answer, shared->ticket + strlen("sockd-")));
}
END_TEST

int main(void)
{
	TCase *tests = keep_case("keep");

	tcase_add_test(tests, from_one_user_to_another);
	tcase_add_test(tests, what_cannot_be_is_refused);
	tcase_add_test(tests, for_a_user);
	tcase_add_test(tests, for_a_group);
	tcase_add_test(tests, for_a_process);
	tcase_add_test(tests, a_pid_that_is_given_again_is_another_process);
	tcase_add_test(tests, a_pid_is_of_the_sharers_namespace);
	tcase_add_test(tests, a_user_is_of_the_sharers_namespace);
	tcase_add_test(tests, what_is_not_fetched_is_closed_and_reported);
	tcase_add_test(tests, guessing_is_cut_off_and_costs_nobody_else);
	tcase_add_test(tests, both_ends_are_subject_to_the_policy);
	tcase_add_test(tests, no_socket_leaves_its_namespace_by_itself);
	tcase_add_test(tests, both_ends_work_over_fork);
	tcase_add_test(tests, without_a_broker_it_says_so);
	tcase_add_test(tests, administrators_see_what_is_kept);
	return keep_main("keep", tests);
}
