/*
 * Share, fromshare and the store, between real users and processes: what is given, what is refused,
 * and what strangers try.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"

#define THIRD_UID 65532
#define GROUP 4242

static const char policy[] =
	"{ \"limits\": { \"kept-per-user\": 12, \"connections-per-user\": 40 }, \"rules\": [\n"
	"  { \"name\": \"hand-on\", \"peers\": { \"uid\": [65534, 65533, 0] },\n"
	"    \"family\": [\"inet\", \"unix\", \"packet\"], \"actions\": [\"share\", \"receive\"] "
	"},\n"
	"  { \"name\": \"store\", \"peers\": { \"uid\": [65534, 65533] }, \"family\": [\"inet\", "
	"\"unix\"],\n"
	"    \"actions\": [\"store\", \"fetch\"], \"names\": [\"web-*\", \"a\"] },\n"
	"  { \"name\": \"meet\", \"peers\": { \"uid\": [65534, 65533] }, \"family\": \"inet\",\n"
	"    \"actions\": [\"store\", \"fetch\"], \"names\": \"meet\", \"common\": true, "
	"\"netns\": \"any\" },\n"
	"  { \"name\": \"third-receives\", \"peers\": { \"uid\": 65532 }, \"family\": \"unix\",\n"
	"    \"actions\": \"receive\" },\n"
	"  { \"name\": \"own-place\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\", "
	"\"type\": \"dgram\",\n"
	"    \"actions\": [\"share\", \"receive\"], \"netns\": \"peer\" },\n"
	"  { \"name\": \"not-secret\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
	"\"inet\",\n"
	"    \"actions\": [\"store\", \"fetch\"], \"names\": \"web-secret\" } ] }\n";

static struct broker broker;

/* What the processes of a test tell each other. */
static struct shared {
	char ticket[SOCKD_TICKET_SIZE];
	volatile int step;
	unsigned short port;
} * shared;

static void setup(void)
{
	shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	ck_assert_int_eq(harness_own_network(), 0);
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
	(void)setenv("SOCKD_SOCKET", broker.socket, 1);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
}

static int listen_here(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	EXPECT(fd >= 0);
	EXPECT(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(listen(fd, 5) == 0);
	return fd;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;

	EXPECT(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0);
	return cookie;
}

static void share_it(int fd, enum sockd_taker taker, int64_t who, int64_t usec)
{
	EXPECT(sockd_share(fd, taker, who, usec, shared->ticket, sizeof shared->ticket) == 0);
}

#define REFUSED(error_, call) \
	do { \
		errno = 0; \
		EXPECT((call) == -1); \
		EXPECT(errno == (error_)); \
		EXPECT(*sockd_reason()); \
	} while (0)

/* Returns the descriptors of the broker once they are as many as before, or what they are. */
static size_t fds_settled(size_t wanted)
{
	size_t n = count_fds_of(broker.pid);

	/* Its clock for what expires, which it opens when first needed, stays. */
	for (int i = 0; i < 200 && n != wanted; i++) {
		(void)usleep(10000);
		n = count_fds_of(broker.pid);
	}
	return n;
}

/* What it has just begun, or not yet closed, is not counted. */
static size_t fds_at_rest(void)
{
	size_t n = 0;

	for (int same = 0; same < 5; same++) {
		size_t now = count_fds_of(broker.pid);
		same = now == n ? same : 0;
		n = now;
		(void)usleep(10000);
	}
	return n;
}

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
	for (int i = 0; i < 100; i++) {
		_cleanup_free_ char *text = read_text(broker.audit);
		if (text && strstr(text, what))
			return true;
		(void)usleep(20000);
	}
	fprintf(stderr, "not in the audit trail: %s\n", what);
	return false;
}

/* --- tickets --- */

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
	_cleanup_free_ char *trail = read_text(broker.audit);
	ck_assert_ptr_nonnull(trail);
	ck_assert_ptr_null(strstr(trail, shared->ticket + strlen("sockd-")));
	_cleanup_free_ char *log = read_text(broker.log);
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
			peer.sun_family == AF_UNIX && strcmp(peer.sun_path, broker.socket) == 0)
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
	EXPECT(unshare(CLONE_NEWUSER) == 0);
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
	ck_assert_int_eq(run_as(CLIENT_UID, give_from_a_user_namespace, NULL), 0);
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
	_cleanup_free_ char *trail = read_text(broker.audit);
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

static int in_a_namespace_of_its_own(int (*function)(void *data), uid_t uid)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(harness_own_network() < 0 ? 77 : run_as(uid, function, NULL));
	return wait_for(pid);
}

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

static int meet_store(void *data _unused_)
{
	int fd = listen_here();

	EXPECT(sockd_store(fd, "meet", 0, SOCKD_COMMON) == 0);
	REFUSED(EEXIST, sockd_store(fd, "meet", 0, SOCKD_COMMON | SOCKD_NEW));
	return 0;
}

static int meet_fetch(void *data _unused_)
{
	struct sockd_stored *list;
	int fd = sockd_fetch("meet", SOCKD_COMMON);

	EXPECT(fd >= 0);
	REFUSED(ENOENT, sockd_fetch("meet", 0)); /* of its own it has none */
	EXPECT(sockd_stored(&list) == 1);
	EXPECT(strcmp(list->name, "meet") == 0 && list->flags == SOCKD_COMMON &&
		list->domain == AF_INET && list->type == SOCK_STREAM && list->left_usec == -1);
	free(list);
	return 0;
}

static int no_meeting(void *data _unused_)
{
	struct sockd_stored *list = (struct sockd_stored *)&list;

	REFUSED(ENOENT, sockd_fetch("meet", SOCKD_COMMON)); /* as if there were none */
	REFUSED(ENOENT, sockd_forget("meet", SOCKD_COMMON));
	EXPECT(sockd_stored(&list) == 0 && list == NULL);
	return 0;
}

/* Two users, each in a network namespace of its own. */
START_TEST(two_containers_meet_by_name)
{
	ck_assert_int_eq(in_a_namespace_of_its_own(meet_store, CLIENT_UID), 0);
	ck_assert_int_eq(in_a_namespace_of_its_own(meet_fetch, OTHER_UID), 0);
	ck_assert_int_eq(run_as(THIRD_UID, no_meeting, NULL), 0);
}
END_TEST

/* --- the store --- */

static int use_store(void *data _unused_)
{
	int one = listen_here(), two = listen_here();
	struct sockd_stored *list;
	char name[SOCKD_NAME_MAX + 2];

	EXPECT(sockd_store(one, "web-b", 0, SOCKD_NEW) == 0);
	REFUSED(EEXIST, sockd_store(two, "web-b", 0, SOCKD_NEW));
	int fd = sockd_fetch("web-b", 0);
	EXPECT(fd >= 0 && cookie_of(fd) == cookie_of(one));
	EXPECT(sockd_store(two, "web-b", 0, 0) == 0); /* replaced */
	fd = sockd_fetch("web-b", 0);
	EXPECT(fd >= 0 && cookie_of(fd) == cookie_of(two));
	EXPECT(sockd_store(one, "web-a", 60000000, 0) == 0);
	EXPECT(sockd_store(one, "web-c", 0, 0) == 0); /* the same socket twice */
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "web-%d", i);
		EXPECT(sockd_store(two, name, 0, 0) == 0);
	}
	REFUSED(EDQUOT, sockd_store(two, "web-9", 0, 0)); /* kept-per-user is 12 */
	EXPECT(sockd_store(two, "web-8", 0, 0) == 0);	  /* but what is there may be replaced */
	EXPECT(sockd_stored(&list) == 12);
	EXPECT(strcmp(list[0].name, "web-0") == 0 && strcmp(list[8].name, "web-8") == 0);
	EXPECT(strcmp(list[9].name, "web-a") == 0 && strcmp(list[11].name, "web-c") == 0);
	EXPECT(list[9].left_usec > 50000000 && list[9].left_usec <= 60000000);
	EXPECT(list[9].age_usec >= 0 && list[9].age_usec < 10000000 && list[9].flags == 0);
	free(list);
	fd = sockd_fetch("web-a", SOCKD_TAKE);
	EXPECT(fd >= 0 && cookie_of(fd) == cookie_of(one));
	REFUSED(ENOENT, sockd_fetch("web-a", 0));
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "web-%d", i);
		EXPECT(sockd_forget(name, 0) == 0);
	}
	EXPECT(sockd_forget("web-b", 0) == 0 && sockd_forget("web-c", 0) == 0);
	REFUSED(ENOENT, sockd_forget("web-c", 0));

	memset(name, 'w', sizeof name);
	name[SOCKD_NAME_MAX + 1] = '\0';
	REFUSED(EINVAL, sockd_store(one, name, 0, 0));
	REFUSED(EINVAL, sockd_store(one, "", 0, 0));
	REFUSED(EINVAL, sockd_store(one, NULL, 0, 0));
	REFUSED(EINVAL, sockd_store(one, "web/../x", 0, 0));
	REFUSED(EINVAL, sockd_store(one, "web-a", -1, 0));
	REFUSED(EINVAL, sockd_store(one, "web-a", INT64_MAX, 0));
	REFUSED(EINVAL, sockd_store(one, "web-a", 0, SOCKD_TAKE));
	REFUSED(EINVAL, sockd_fetch("web-a", SOCKD_NEW));
	REFUSED(EINVAL, sockd_forget("web-a", SOCKD_NEW));
	return 0;
}

START_TEST(names_are_kept)
{
	size_t before = fds_at_rest();

	ck_assert_int_eq(run_as(CLIENT_UID, use_store, NULL), 0);
	ck_assert_uint_eq(fds_settled(before), before);
}
END_TEST

static int store_a(void *data _unused_)
{
	EXPECT(sockd_store(listen_here(), "a", 0, 0) == 0);
	return 0;
}

static int not_there(void *data _unused_)
{
	REFUSED(ENOENT, sockd_fetch("a", 0));
	REFUSED(ENOENT, sockd_forget("a", 0));
	return 0;
}

START_TEST(a_name_is_its_users)
{
	ck_assert_int_eq(run_as(CLIENT_UID, store_a, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, not_there, NULL), 0);
}
END_TEST

/* --- strangers --- */

static int greet_to_keep(void)
{
	int fd = client_greet_with(broker.socket, WIRE_FEATURE_KEEP);

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
	int fd = client_connect(broker.socket), here = listen_here();

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

#define CONNECTIONS 40 /* of one user, by the policy */
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
	for (int i = 0; i < 500 && queued > 0; i++) {
		(void)usleep(1000);
		EXPECT(ioctl(fd, SIOCOUTQ, &queued) == 0);
	}
	EXPECT(queued == 0);
}

static bool is_refused(void)
{
	_cleanup_close_ int fd = client_greet(broker.socket);

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
	int held[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS; i++) {
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
	for (int i = 0; i < 100 && held[1] < 0; i++) {
		(void)usleep(20000);
		held[1] = client_greet_with(broker.socket, WIRE_FEATURE_KEEP);
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
	_cleanup_free_ char *reloaded = broker_ask(&broker, "{\"verb\":\"reload\"}");
	ck_assert_ptr_nonnull(reloaded);
	ck_assert_ptr_nonnull(strstr(reloaded, "\"ok\":true"));
	ck_assert_int_eq(run_as(CLIENT_UID, expect_refusal, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, fetch_a, NULL), 0);
	ck_assert_int_eq(kill(broker.pid, SIGSTOP), 0);
	shared->step = 2;
	int status = wait_for(pid);
	ck_assert_int_eq(kill(broker.pid, SIGCONT), 0);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(run_as(OTHER_UID, fetch_a, NULL), 0);
	/* The pauses between its looks have grown to two seconds. */
	for (int i = 0; i < 5 && fds_settled(before) != before; i++)
		;
	ck_assert_uint_eq(fds_settled(before), before);
	_cleanup_free_ char *answer = broker_ask(&broker, "{\"verb\":\"status\"}");
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
	uint64_t before = cpu_ticks_of(broker.pid);
	(void)usleep(500000);
	ck_assert_uint_le(cpu_ticks_of(broker.pid) - before, 10); /* of fifty */
	ck_assert_int_eq(broker_stop(&broker), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	(void)wait_for(pid);
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
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
	_cleanup_free_ char *answer = broker_ask(&broker, "{\"verb\":\"list\"}");
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
	Suite *suite = suite_create("keep");
	TCase *tests = tcase_create("keep");

	if (getuid() != 0) {
		puts("SKIP: needs root, for the daemon and for other users");
		return 77;
	}
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
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
	tcase_add_test(tests, two_containers_meet_by_name);
	tcase_add_test(tests, names_are_kept);
	tcase_add_test(tests, a_name_is_its_users);
	tcase_add_test(tests, what_was_not_read_counts_after_the_end);
	tcase_add_test(tests, an_ended_connection_that_is_not_read_costs_no_time);
	tcase_add_test(tests, strangers_leave_nothing_behind);
	tcase_add_test(tests, slow_closes_are_not_on_the_loop);
	tcase_add_test(tests, both_ends_work_over_fork);
	tcase_add_test(tests, without_a_broker_it_says_so);
	tcase_add_test(tests, administrators_see_what_is_kept);
	suite_add_tcase(suite, tests);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
