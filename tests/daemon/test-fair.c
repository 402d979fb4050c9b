/*
 * A real sockd and a user who takes much of its time, or of what others need as well: how long
 * another one waits for it.
 */
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "proto/macro.h"
#include "tests/daemon/hostile.h"

#define CONNECTIONS_MANY 1500
#define CONNECTIONS_ENOUGH 1000 /* to see anything */
#define QUEUED 2000
#define TRIES 3

#define GROUPS 4096

struct leaver {
	struct holder holder;
	bool at_limit, in_groups;
};

static void join_many_groups(void)
{
	static gid_t groups[GROUPS];

	for (size_t i = 0; i < GROUPS; i++)
		groups[i] = (gid_t)(100000 + i);
	EXPECT(setgroups(GROUPS, groups) == 0);
	EXPECT(setresgid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	EXPECT(setresuid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
}

static void connect_and_leave_before_it_is_seen(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, broker.socket, sizeof broker.socket);
	for (int i = 0; i < QUEUED; i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		EXPECT(fd >= 0);
		int r = connect(fd, (const struct sockaddr *)&address, sizeof address);
		close_quietly(fd);
		if (r < 0)
			break;
	}
}

static int leave_again_and_again(void *data)
{
	const struct leaver *leaver = data;
	struct rlimit limit;
	int n = 0, fd, last = -1;

	if (leaver->in_groups)
		join_many_groups();
	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (; leaver->at_limit && n < CONNECTIONS_MANY; n++) {
		fd = client_greet(broker.socket);
		if (fd < 0)
			break;
		last = fd;
	}
	if (leaver->at_limit && n < CONNECTIONS_ENOUGH)
		return 77;
	close_quietly(last); /* one comes and goes, the others stay */
	for (int i = 0; i < TRIES; i++) {
		tell_and_wait(&leaver->holder);
		connect_and_leave_before_it_is_seen();
		tell_and_wait(&leaver->holder);
	}
	return 0;
}

/* How long another one waits behind those in the queue, the least of some times. -1: cannot be
 * told. */
static int64_t wait_behind(uid_t uid, bool at_limit, bool in_groups)
{
	struct leaver leaver = {.at_limit = at_limit, .in_groups = in_groups};
	int64_t least = INT64_MAX;
	char byte;

	ck_assert(pipe(leaver.holder.ready) == 0 && pipe(leaver.holder.release) == 0);
	pid_t pid = fork_as(uid, leave_again_and_again, &leaver);
	close_quietly(leaver.holder.ready[1]);
	for (int i = 0; i < TRIES; i++) {
		if (read(leaver.holder.ready[0], &byte, 1) != 1)
			break;
		(void)usleep(100000);
		ck_assert_int_eq(kill(broker.pid, SIGSTOP), 0);
		ck_assert_int_eq(write(leaver.holder.release[1], &byte, 1), 1);
		ck_assert_int_eq(read(leaver.holder.ready[0], &byte, 1), 1);
		int64_t before = now_usec();
		ck_assert_int_eq(kill(broker.pid, SIGCONT), 0);
		_cleanup_close_ int fd = client_greet(broker.socket);
		ck_assert_int_ge(fd, 0);
		least = MIN_OF(least, now_usec() - before);
		ck_assert_int_eq(write(leaver.holder.release[1], &byte, 1), 1);
	}
	close_quietly(leaver.holder.ready[0]);
	int status = wait_for(pid);
	ck_assert(status == 0 || status == 77);
	return status == 0 ? least : -1;
}

/* To look which of a user's many connections has been left is not done for each that comes. */
START_TEST(who_leaves_at_the_limit_takes_no_more_time)
{
	set_limit("connections-per-user", CONNECTIONS_MANY);
	int64_t others = wait_behind(OTHER_UID, false, false);
	int64_t at_limit = wait_behind(CLIENT_UID, true, false);
	printf("# behind %d that leave: %lld us, at the limit %lld us\n", QUEUED, (long long)others,
		(long long)at_limit);
	if (at_limit < 0)
		puts("SKIP who_leaves_at_the_limit_takes_no_more_time: too few descriptors");
	ck_assert_msg(at_limit < 8 * others, "%lld us instead of %lld us", (long long)at_limit,
		(long long)others);
	nothing_is_left();
}
END_TEST

/* Which groups it is in is not asked of who only connects. */
START_TEST(who_is_in_many_groups_takes_no_more_time)
{
	int64_t others = wait_behind(OTHER_UID, false, false);
	int64_t in_groups = wait_behind(getuid(), false, true);

	printf("# behind %d that leave: %lld us, in many groups %lld us\n", QUEUED,
		(long long)others, (long long)in_groups);
	ck_assert_msg(in_groups < 3 * others, "%lld us instead of %lld us", (long long)in_groups,
		(long long)others);
	nothing_is_left();
}
END_TEST

#define BATCH_CONNECTIONS 250
#define BATCH_USEC 1500000
#define THREADS_FEW 128 /* of the 256 that others need, too */

static int open_batches(void *data _unused_)
{
	unsigned char packet[256];
	struct client_reply reply;
	int fds[BATCH_CONNECTIONS];
	ssize_t size = encode_open(AF_INET, 8, packet, sizeof packet);

	for (size_t i = 0; i < BATCH_CONNECTIONS; i++) {
		fds[i] = client_greet(broker.socket);
		EXPECT(fds[i] >= 0);
	}
	for (int64_t until = now_usec() + BATCH_USEC; now_usec() < until;) {
		for (size_t i = 0; i < BATCH_CONNECTIONS; i++)
			EXPECT(client_send_raw(fds[i], packet, (size_t)size, NULL, 0) == 0);
		for (size_t i = 0; i < BATCH_CONNECTIONS; i++) {
			EXPECT(client_receive(fds[i], &reply) == 0);
			client_close_fds(&reply);
		}
	}
	return 0;
}

static size_t count_threads(void)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	unsigned n = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)broker.pid);
	text = read_text(path);
	const char *line = text ? strstr(text, "Threads:") : NULL;
	ck_assert(line && sscanf(line, "Threads: %u", &n) == 1);
	return n;
}

/* What they do for one user is for others to wait for. */
START_TEST(batches_take_few_threads)
{
	size_t most = 0;

	pid_t pid = fork_as(CLIENT_UID, open_batches, NULL);
	for (int i = 0; waitpid(pid, NULL, WNOHANG) == 0; i++) {
		most = MAX_OF(most, count_threads());
		if (i % 64 == 0)
			others_do_not_notice();
		(void)usleep(2000);
	}
	printf("# %zu threads\n", most);
	ck_assert_uint_lt(most, THREADS_FEW);
	nothing_is_left();
}
END_TEST

#define WATCHES 200000
#define PROBES 15

struct watched {
	bool begun;
	unsigned answers;
};

/* Each epoll set has to be woken by each answer, for every number that the connection had when it
 * was added. Returns how many there are. */
static size_t watch_often(int fd)
{
	struct epoll_event none = {.events = EPOLLPRI | EPOLLET};
	struct rlimit limit;
	size_t n = 0;

	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max = MIN_OF(limit.rlim_max, (rlim_t)20000);
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	while (n < WATCHES) {
		int set = epoll_create1(0);
		EXPECT(set >= 0);
		for (int number = (int)limit.rlim_cur - 1; number > 512 && n < WATCHES; number--) {
			EXPECT(dup2(fd, number) == number);
			int r = epoll_ctl(set, EPOLL_CTL_ADD, number, &none);
			close(number);
			if (r < 0)
				return n;
			n++;
		}
	}
	return n;
}

static int ask_while_watched(void *data)
{
	struct watched *watched = data;
	static struct wire_request request;
	static unsigned char packet[256];
	struct client_reply reply;

	request_open(&request, AF_INET6, SOCK_DGRAM, 0, 1);
	ssize_t size = wire_encode_request(&request, packet, sizeof packet);
	int fd = client_greet(broker.socket);
	EXPECT(fd >= 0 && size > 0);
	if (watch_often(fd) < WATCHES)
		return 77;
	for (int i = 0; i < 16; i++)
		EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
	watched->begun = true;
	for (;;) {
		EXPECT(client_receive(fd, &reply) == 0);
		watched->answers++;
		EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
	}
}

START_TEST(who_is_watched_by_many_sets_waits_alone)
{
	struct watched *watched = mmap(
		NULL, sizeof *watched, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t longest = 0;

	ck_assert_ptr_ne(watched, MAP_FAILED);
	pid_t pid = fork_as(CLIENT_UID, ask_while_watched, watched);
	while (!__atomic_load_n(&watched->begun, __ATOMIC_ACQUIRE)) {
		if (kill(pid, 0) == 0 && waitpid(pid, NULL, WNOHANG) == 0) {
			usleep(10000);
			continue;
		}
		puts("SKIP who_is_watched_by_many_sets_waits_alone: a user may not have so many");
		return;
	}
	int64_t begun = now_usec();
	unsigned answers = __atomic_load_n(&watched->answers, __ATOMIC_RELAXED);
	for (int i = 0; i < PROBES; i++) {
		usleep(20000 + 7000 * i);
		int64_t before = now_usec();
		_cleanup_close_ int fd = client_greet(broker.socket);
		ck_assert_int_ge(fd, 0);
		longest = MAX_OF(longest, now_usec() - before);
	}
	answers = __atomic_load_n(&watched->answers, __ATOMIC_RELAXED) - answers;
	int64_t each = (now_usec() - begun) / MAX_OF(answers, 1u);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	(void)wait_for(pid);
	printf("# an answer takes %lld us, another waits %lld us\n", (long long)each,
		(long long)longest);
	ck_assert_msg(longest < 8 * each + 200000,
		"each answer takes %lld us, another user waits %lld us", (long long)each,
		(long long)longest);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fair");
	TCase *tcase = tcase_create("fair");

	tcase_add_checked_fixture(tcase, hostile_setup, hostile_teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, who_leaves_at_the_limit_takes_no_more_time);
	tcase_add_test(tcase, who_is_in_many_groups_takes_no_more_time);
	tcase_add_test(tcase, batches_take_few_threads);
	tcase_add_test(tcase, who_is_watched_by_many_sets_waits_alone);
	suite_add_tcase(suite, tcase);
	return hostile_main(suite);
}
