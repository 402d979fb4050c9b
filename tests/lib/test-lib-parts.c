/*
 * The library without a broker: what it finds out about a message, what the builder takes, and that
 * the kernel's own errno reaches the caller unchanged.
 */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/ask.h"
#include "lib/broker.h"
#include "lib/lock.h"
#include "lib/netlink.h"
#include "lib/reason.h"
#include "lib/request.h"
#include "lib/slot.h"
#include "lib/sockd.h"
#include "lib/span.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"
#include "tests/suite.h"

struct two_messages {
	struct nlmsghdr first;
	struct nlmsghdr second;
};

static struct two_messages messages(uint16_t first, uint16_t second)
{
	return (struct two_messages){
		.first = {.nlmsg_len = sizeof(struct nlmsghdr), .nlmsg_type = first},
		.second = {.nlmsg_len = sizeof(struct nlmsghdr), .nlmsg_type = second},
	};
}

START_TEST(privileged_messages)
{
	struct two_messages m = messages(RTM_GETLINK, RTM_GETADDR);
	ck_assert(!netlink_is_privileged(NETLINK_ROUTE, &m, sizeof m));
	m = messages(RTM_NEWLINK, RTM_GETADDR);
	ck_assert(netlink_is_privileged(NETLINK_ROUTE, &m, sizeof m));
	m = messages(RTM_GETLINK, RTM_DELADDR);
	ck_assert(netlink_is_privileged(NETLINK_ROUTE, &m, sizeof m));
	m = messages(NLMSG_NOOP, NLMSG_DONE);
	ck_assert(!netlink_is_privileged(NETLINK_ROUTE, &m, sizeof m));
}
END_TEST

/* The kernel stops where a header does not fit, and so must the walk. */
START_TEST(malformed_messages)
{
	struct two_messages m = messages(RTM_GETLINK, RTM_NEWLINK);

	for (size_t size = 0; size < sizeof m; size++)
		ck_assert(!netlink_is_privileged(NETLINK_ROUTE, &m, size));
	m.first.nlmsg_len = 0;
	ck_assert(!netlink_is_privileged(NETLINK_ROUTE, &m, sizeof m));
	m.first.nlmsg_len = UINT32_MAX;
	ck_assert(!netlink_is_privileged(NETLINK_ROUTE, &m, sizeof m));
}
END_TEST

START_TEST(reason_is_one_safe_line)
{
	char long_text[2000];

	reason_set_bytes("a\033[2Jb\nc", 8);
	ck_assert_str_eq(sockd_reason(), "a?[2Jb?c");
	reason_set("no broker at", "/path", ENOENT);
	ck_assert_str_eq(sockd_reason(), "no broker at /path: No such file or directory");
	memset(long_text, 'x', sizeof long_text);
	reason_set_bytes(long_text, sizeof long_text);
	ck_assert_uint_eq(strlen(sockd_reason()), WIRE_TEXT_MAX);
	reason_clear();
	ck_assert_str_eq(sockd_reason(), "");
}
END_TEST

START_TEST(errors_by_outcome)
{
	const struct ask_result result = {.error = EPROTONOSUPPORT};

	ck_assert_int_eq(ask_error(ASK_DONE, &result, EPERM), 0);
	ck_assert_int_eq(ask_error(ASK_FAILED, &result, EPERM), EPROTONOSUPPORT);
	ck_assert_int_eq(ask_error(ASK_REFUSED, &result, EPERM), EPERM);
	ck_assert_int_eq(ask_error(ASK_ABSENT, &result, EPERM), EPERM);
}
END_TEST

START_TEST(builder_limits)
{
	static char value[WIRE_OPTION_MAX + 1];
	struct sock_fprog empty = {0};
	struct sockd_request *request = sockd_request_new(AF_INET, SOCK_DGRAM, 0);
	int fd;

	ck_assert_ptr_nonnull(request);
	for (unsigned i = 0; i < WIRE_STEPS_MAX; i++)
		ck_assert_int_eq(sockd_request_listen(request, 1), 0);
	ck_assert_int_eq(sockd_request_listen(request, 1), -1);
	ck_assert_int_eq(errno, E2BIG);
	/* The first error is kept. */
	ck_assert_int_eq(sockd_request_netns(request, ""), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_request_open(request), -1);
	ck_assert_int_eq(errno, E2BIG);
	sockd_request_free(request);

	request = sockd_request_new(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(sockd_request_open_many(request, &fd, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_request_open_many(request, &fd, WIRE_COUNT_MAX + 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(
		sockd_request_setsockopt(request, SOL_SOCKET, SO_MARK, value, sizeof value), -1);
	ck_assert_int_eq(sockd_request_filter(request, &empty), -1);
	ck_assert_int_eq(sockd_request_filter(request, NULL), -1);
	ck_assert_int_eq(sockd_request_bind(request, NULL, 16), -1);
	ck_assert_int_eq(sockd_request_interface(request, "lo"), -1);
	sockd_request_free(request);
	sockd_request_free(NULL);

	const struct sockaddr_storage address = {.ss_family = AF_CAN};
	request = sockd_request_new(AF_CAN, SOCK_RAW, 1);
	ck_assert_int_eq(sockd_request_bind(request, (const struct sockaddr *)&address, 24), 0);
	ck_assert_int_eq(sockd_request_interface(request, NULL), -1);
	ck_assert_int_eq(sockd_request_interface(request, ""), -1);
	ck_assert_int_eq(sockd_request_interface(request, "sixteen-letters-"), -1);
	ck_assert_int_eq(sockd_request_interface(request, "fifteen-letters"), 0);
	ck_assert_int_eq(sockd_request_interface(request, "again"), -1);
	ck_assert_int_eq(sockd_request_listen(request, 1), 0);
	ck_assert_int_eq(sockd_request_interface(request, "lo"), -1);
	ck_assert_uint_eq(request->wire.steps[0].data_size, 15);
	ck_assert_mem_eq(request->wire.steps[0].data, "fifteen-letters", 15);
	sockd_request_free(request);
}
END_TEST

/* What the kernel gives is given without a broker. */
START_TEST(builder_opens_here)
{
	const struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog filter = {.len = 1, .filter = code};
	struct sockaddr_in bound = {0};
	socklen_t size = sizeof bound;
	int on = 1, off = 0, fds[3];
	_cleanup_(sockd_request_freep) struct sockd_request *request =
		sockd_request_new(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(
		sockd_request_setsockopt(request, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
	ck_assert_int_eq(sockd_request_filter(request, &filter), 0);
	ck_assert_int_eq(sockd_request_bind(request, (const struct sockaddr *)&any, sizeof any), 0);
	ck_assert_int_eq(sockd_request_open_many(request, fds, 3), 0);
	ck_assert_uint_eq(sockd_request_grant(request), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(getsockname(fds[i], (struct sockaddr *)&bound, &size), 0);
		ck_assert_uint_ne(bound.sin_port, 0);
		ck_assert_int_eq(
			setsockopt(fds[i], SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof off), -1);
		ck_assert_int_eq(errno, EPERM);
		close(fds[i]);
	}
}
END_TEST

static void ignore_ring(int number _unused_)
{
}

static void ring(suseconds_t usec)
{
	const struct sigaction action = {.sa_handler = ignore_ring};
	const struct itimerval often = {{0, usec}, {0, usec}};

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}

/* The errno, or 0 for a socket that is connected. */
static int connect_by_request(int family, const void *address, socklen_t size)
{
	_cleanup_(sockd_request_freep) struct sockd_request *request =
		sockd_request_new(family, SOCK_STREAM, 0);
	struct sockaddr_storage peer;
	socklen_t peer_size = sizeof peer;

	ck_assert_int_eq(sockd_request_connect(request, address, size), 0);
	ring(7000);
	_cleanup_close_ int fd = sockd_request_open(request);
	int error = fd < 0 ? errno : 0;
	ring(0);
	if (fd >= 0)
		ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&peer, &peer_size), 0);
	return error;
}

/* What waits for room in the queue of a local server is not under way when a signal comes. */
START_TEST(builder_connects_through_signals)
{
	const struct sockaddr_un place = {.sun_family = AF_UNIX};
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(server, (const struct sockaddr *)&place, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(server, 0), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(connect(first, (struct sockaddr *)&address, size), 0);
	pid_t child = fork();
	if (child == 0) {
		usleep(100000);
		close(accept(server, NULL, NULL));
		_exit(0);
	}
	ck_assert_int_eq(connect_by_request(AF_UNIX, &address, size), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	close(first);
	close(server);
}
END_TEST

/* Nor is one of this family, which nobody answers. */
START_TEST(builder_connects_to_nobody)
{
	const struct sockaddr_vm nobody = {
		.svm_family = AF_VSOCK,
		.svm_cid = 99,
		.svm_port = 7777,
	};

	ck_assert_int_ne(connect_by_request(AF_VSOCK, &nobody, sizeof nobody), 0);
}
END_TEST

START_TEST(no_broker_no_change)
{
	const struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/nowhere/at/all"};

	ck_assert_int_eq(setenv("SOCKD_SOCKET", "/nonexistent/sockd", 1), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert_int_eq(sockd_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_ptr_nonnull(strstr(sockd_reason(), "/nonexistent/sockd"));

	/* Not for want of privilege. */
	ck_assert_int_eq(sockd_socket(AF_INET, SOCK_STREAM, 250), -1);
	ck_assert_int_eq(errno, EPROTONOSUPPORT);
	ck_assert_str_eq(sockd_reason(), "");

	int fd = sockd_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sockd_connect(fd, (const struct sockaddr *)&path, sizeof path), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(sockd_release(1), -1);
	ck_assert_int_eq(errno, ENOENT);
	errno = 1234;
	ck_assert_int_ge(sockd_socket(AF_INET, SOCK_DGRAM, 0), 0);
	ck_assert_int_eq(errno, 1234);
	close(fd);
}
END_TEST

static struct lock lock;
static int counter;

static void *count(void *data _unused_)
{
	for (int i = 0; i < 20000; i++) {
		ck_assert_int_eq(lock_take(&lock, SPAN_FOREVER), 0);
		counter++;
		lock_leave(&lock);
	}
	return NULL;
}

START_TEST(lock_excludes)
{
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(counter, 80000);
	ck_assert_uint_eq(atomic_load(&lock.word), 0);
}
END_TEST

/* As after fork, when another thread of the parent held it. */
START_TEST(lock_of_a_dead_owner)
{
	atomic_store(&lock.word, 0x3fffffff);
	ck_assert_int_eq(lock_take(&lock, SPAN_FOREVER), 0);
	ck_assert_uint_eq(atomic_load(&lock.word) & 0x7fffffff, (uint32_t)gettid());
	lock_leave(&lock);
}
END_TEST

static void *take_until_soon(void *ret)
{
	*(int *)ret = lock_take(&lock, span_deadline(span_now(), 100000));
	return NULL;
}

/* Who waits in vain leaves it as it is, and comes again. */
START_TEST(lock_until_a_deadline)
{
	pthread_t thread;
	int taken = 0;

	ck_assert_int_eq(lock_take(&lock, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, take_until_soon, &taken), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(taken, -ETIMEDOUT);
	lock_leave(&lock);
	ck_assert_uint_eq(atomic_load(&lock.word), 0);
	ck_assert_int_eq(lock_take(&lock, 0), 0);
	lock_leave(&lock);
}
END_TEST

static struct slot *take_own_slot(void)
{
	struct slot *slot;

	slot_use_own();
	ck_assert_int_eq(slot_take(0, &slot), 0);
	return slot;
}

/* A thread with a slot of its own, whose connection is one end of a pair. The limit on waiting is
 * what a broker that was slow to greet has left. Returns a listener for new connections. */
static int have_own_slot(int *ret_other_end)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[] = "/tmp/test-lib-parts-XXXXXX";
	int pair[2], listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	sigset_t all;

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(setenv("SOCKD_SOCKET", address.sun_path, 1), 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	struct slot *slot = take_own_slot();
	ck_assert_int_eq(slot_set_fd(slot, pair[0]), 0);
	slot->packet_max = WIRE_PACKET_MAX;
	slot->limit_msec = BROKER_TIMEOUT * 1000 - 300;
	slot_leave(slot);
	*ret_other_end = pair[1];
	return listener;
}

/* Is a connection made by a child that asks the broker? */
static bool connects(int listener, void (*prepare)(int fd), int fd)
{
	struct pollfd polled = {.fd = listener, .events = POLLIN};
	struct ask_result result;
	int given = -1;

	pid_t pid = fork();
	if (pid == 0) {
		prepare(fd);
		(void)ask_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP, NULL, &result, &given);
		_exit(0);
	}
	bool connected = poll(&polled, 1, 3000) > 0;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)unlink(getenv("SOCKD_SOCKET"));
	*strrchr(getenv("SOCKD_SOCKET"), '/') = '\0';
	(void)rmdir(getenv("SOCKD_SOCKET"));
	return connected;
}

static void lose_connection(int fd)
{
	(void)close(fd);
}

START_TEST(own_slot_whose_connection_is_lost)
{
	int other_end, listener = have_own_slot(&other_end);

	ck_assert(connects(listener, lose_connection, slot_fd(take_own_slot())));
}
END_TEST

/* Another socket has the number now. */
static void begin_anew(int fd)
{
	int pair[2];

	(void)close(fd);
	slot_forget_own();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 || dup2(pair[0], fd) < 0 ||
		dup2(pair[1], STDIN_FILENO) < 0)
		_exit(1);
}

START_TEST(own_slot_in_a_child)
{
	int other_end, listener = have_own_slot(&other_end), fd = slot_fd(take_own_slot());
	char byte;

	ck_assert(connects(listener, begin_anew, fd));
	/* Nor was anything sent on what it inherited. */
	ck_assert_int_eq(recv(other_end, &byte, 1, MSG_DONTWAIT), -1);
}
END_TEST

/* Its connection would be nobody's, and the next time there would be another. */
START_TEST(stays_when_it_is_unloaded)
{
	const char *build = getenv("SOCKD_BUILD");
	char path[4096];

	snprintf(path, sizeof path, "%s/lib/.libs/libsockd.so", build ? build : ".");
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(library != NULL, "%s", dlerror());
	ck_assert_int_eq(dlclose(library), 0);
	library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
	ck_assert_ptr_nonnull(library);
	(void)dlclose(library);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lib-parts");
	TCase *tcase = tcase_create("lib-parts");

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, privileged_messages);
	tcase_add_test(tcase, malformed_messages);
	tcase_add_test(tcase, reason_is_one_safe_line);
	tcase_add_test(tcase, errors_by_outcome);
	tcase_add_test(tcase, builder_limits);
	tcase_add_test(tcase, builder_opens_here);
	tcase_add_test(tcase, builder_connects_through_signals);
	tcase_add_test(tcase, builder_connects_to_nobody);
	tcase_add_test(tcase, no_broker_no_change);
	tcase_add_test(tcase, lock_excludes);
	tcase_add_test(tcase, lock_of_a_dead_owner);
	tcase_add_test(tcase, lock_until_a_deadline);
	tcase_add_test(tcase, own_slot_whose_connection_is_lost);
	tcase_add_test(tcase, own_slot_in_a_child);
	tcase_add_test(tcase, stays_when_it_is_unloaded);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
