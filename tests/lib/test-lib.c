/*
 * The library against a real sockd, as a user without any capability: what it gets, what it does
 * not, and that it goes unnoticed through threads, signals, fork, vfork, closed descriptors,
 * changed namespaces and a restart.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"
#include "tests/suite.h"

static const char policy[] =
	"{ \"rules\": ["
	"{ \"name\": \"ping\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\","
	"  \"type\": \"raw\", \"protocol\": \"icmp\", \"options\": { \"SO_MARK\": [7] } },"
	"{ \"name\": \"web\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\","
	"  \"type\": \"stream\", \"protocol\": \"tcp\", \"ports\": [80],"
	"  \"options\": { \"SO_MARK\": [7] } },"
	"{ \"name\": \"links\", \"peers\": { \"uid\": 65534 }, \"family\": \"netlink\","
	"  \"protocol\": \"route\", \"messages\": [\"RTM_NEWLINK\"], \"interfaces\": [\"lo\"] }"
	"] }";

static struct broker broker;

static void setup(void)
{
	ck_assert_int_eq(broker_start_here(&broker, policy), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
}

static int open_ping(void)
{
	return sockd_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int number(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* The descriptors of this process that are sockets of the library's own: AF_UNIX. */
static int count_connections(int *ret_fd)
{
	int n = 0;

	*ret_fd = -1;
	for (int fd = 0; fd < 1024; fd++)
		if (number(fd, SO_DOMAIN) == AF_UNIX) {
			n++;
			*ret_fd = fd;
		}
	return n;
}

static int sockets(void *data _unused_)
{
	int connection;

	errno = 77;
	int fd = open_ping();
	EXPECT(fd >= 0);
	EXPECT(errno == 77);
	EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	EXPECT(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	EXPECT(number(fd, SO_PROTOCOL) == IPPROTO_ICMP);
	fd = sockd_socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	EXPECT(fcntl(fd, F_GETFL) & O_NONBLOCK);

	EXPECT(sockd_socket(AF_INET, SOCK_RAW, IPPROTO_TCP) == -1 && errno == EPERM);
	EXPECT(strstr(sockd_reason(), "no rule"));
	EXPECT(open_ping() >= 0);
	EXPECT(*sockd_reason() == '\0');
	EXPECT(count_connections(&connection) == 1);
	EXPECT(connection > 2 && fcntl(connection, F_GETFD) == FD_CLOEXEC);
	return 0;
}

static int own_descriptors(void *data _unused_)
{
	struct sockaddr_in address = loopback(80);
	int seven = 7, eight = 8;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(sockd_bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(sockd_listen(fd, 5) == 0);
	EXPECT(sockd_setsockopt(fd, SOL_SOCKET, SO_MARK, &seven, sizeof seven) == 0);
	EXPECT(number(fd, SO_MARK) == 7);
	EXPECT(sockd_setsockopt(fd, SOL_SOCKET, SO_MARK, &eight, sizeof eight) == -1);
	EXPECT(errno == EPERM && *sockd_reason());
	EXPECT(number(fd, SO_MARK) == 7);

	int other = socket(AF_INET, SOCK_STREAM, 0);
	address = loopback(81);
	EXPECT(sockd_bind(other, (struct sockaddr *)&address, sizeof address) == -1);
	EXPECT(errno == EACCES && *sockd_reason());
	/* The kernel's answer to the broker: root would see it too. */
	address = loopback(80);
	EXPECT(sockd_bind(other, (struct sockaddr *)&address, sizeof address) == -1);
	EXPECT(errno == EADDRINUSE);
	return 0;
}

/* By itself: what the caller has in registers may not outlive it. */
static __attribute__((noinline)) pid_t open_in_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(open_ping() >= 0 ? 0 : 1);
	return pid;
}

static int forks(void *data _unused_)
{
	int connection, parent;

	EXPECT(open_ping() >= 0);
	EXPECT(count_connections(&parent) == 1);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 20; i++) {
			/* Deeper than the library has room to remember. */
			EXPECT(open_ping() >= 0);
			EXPECT(count_connections(&connection) == 1);
			pid = fork();
			if (pid > 0)
				_exit(wait_for(pid));
		}
		_exit(0);
	}
	EXPECT(wait_for(pid) == 0);
	EXPECT(open_ping() >= 0);
	EXPECT(count_connections(&connection) == 1);
	EXPECT(connection == parent);

	EXPECT(wait_for(open_in_vfork()) == 0);
	EXPECT(open_ping() >= 0);
	EXPECT(count_connections(&connection) == 1);
	EXPECT(connection == parent);
	return 0;
}

static int closed_descriptors(void *data _unused_)
{
	struct stat before, after;
	int connection;

	EXPECT(open_ping() >= 0);
	EXPECT(count_connections(&connection) == 1);
	EXPECT(close_range(3, ~0u, 0) == 0);
	EXPECT(open_ping() == 3);
	EXPECT(count_connections(&connection) == 1);

	/* The program gets the number for something of its own: that must not be touched. */
	int own = open("/dev/null", O_RDONLY);
	EXPECT(dup2(own, connection) == connection);
	EXPECT(fstat(connection, &before) == 0);
	EXPECT(open_ping() >= 0);
	EXPECT(fstat(connection, &after) == 0 && after.st_rdev == before.st_rdev);

	/* Nor do the standard three ever become the connection's, even where they are free. */
	EXPECT(close_range(3, ~0u, 0) == 0);
	struct rlimit limit = {.rlim_cur = 32, .rlim_max = 32};
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	(void)close(0);
	(void)close(1);
	EXPECT(open_ping() == 0);
	EXPECT(count_connections(&connection) == 1 && connection > 2);
	return 0;
}

/* Of several threads. */
static atomic_int handled, failed;

static void open_in_handler(int signal_number _unused_)
{
	int saved_errno = errno, fd = open_ping();

	if (fd < 0)
		failed = 1;
	else
		(void)close(fd);
	handled++;
	errno = saved_errno;
}

static void *open_many_times(void *data _unused_)
{
	for (int i = 0; i < 200; i++) {
		int fd = open_ping();
		if (fd < 0)
			return (void *)1;
		(void)close(fd);
	}
	return NULL;
}

static int threads_and_signals(void *data _unused_)
{
	const struct sigaction action = {.sa_handler = open_in_handler, .sa_flags = SA_RESTART};
	const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	pthread_t threads[4];
	int connection;

	EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
	EXPECT(setitimer(ITIMER_REAL, &often, NULL) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		EXPECT(pthread_create(&threads[i], NULL, open_many_times, NULL) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *result;
		EXPECT(pthread_join(threads[i], &result) == 0);
		EXPECT(result == NULL);
	}
	EXPECT(setitimer(ITIMER_REAL, &never, NULL) == 0);
	EXPECT(handled > 0 && !failed);
	EXPECT(count_connections(&connection) == 1);
	return 0;
}

/* As after a program has closed it, or the broker is another one. */
static void *connect_many_times(void *ending)
{
	int connection;

	while (!atomic_load((atomic_bool *)ending)) {
		int fd = open_ping();
		if (fd < 0 || count_connections(&connection) != 1)
			return (void *)1;
		(void)close(connection);
		(void)close(fd);
	}
	return NULL;
}

/* A child that is made while another thread connects has no share in that. */
static int forks_while_connecting(void *data _unused_)
{
	static atomic_bool ending;
	int connection, n_shares = 0;
	pthread_t thread;
	void *result;

	EXPECT(pthread_create(&thread, NULL, connect_many_times, &ending) == 0);
	for (int i = 0; i < 2000; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(count_connections(&connection));
		n_shares += wait_for(pid);
	}
	atomic_store(&ending, true);
	EXPECT(pthread_join(thread, &result) == 0);
	EXPECT(result == NULL);
	EXPECT(n_shares == 0);
	return 0;
}

/* Runs as root, so that it may move. */
static int moved(void *data _unused_)
{
	int fd;

	EXPECT(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 0) == 0);
	EXPECT((fd = open_ping()) >= 0);
	EXPECT(close(fd) == 0);
	EXPECT(seteuid(0) == 0 && unshare(CLONE_NEWNET) == 0 && seteuid(65534) == 0);
	/* The rule speaks of the broker's own namespace only. */
	EXPECT(open_ping() == -1 && errno == EPERM);
	EXPECT(*sockd_reason());
	return 0;
}

/* In namespaces of its own the kernel lets it, and the broker stays out. */
static int moved_to_own(void *data _unused_)
{
	int connection;

	EXPECT(open_ping() >= 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return 77;
	_cleanup_(sockd_request_freep) struct sockd_request *request =
		sockd_request_new(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	EXPECT(sockd_request_open(request) >= 0);
	EXPECT(sockd_request_grant(request) == 0);
	EXPECT(count_connections(&connection) == 1);
	return 0;
}

static int changed_credentials(void *data _unused_)
{
	int fd;

	EXPECT(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 0) == 0);
	EXPECT((fd = open_ping()) >= 0);
	EXPECT(seteuid(0) == 0 && setresuid(65533, 65533, 65533) == 0);
	EXPECT(open_ping() == -1 && errno == EPERM);
	EXPECT(strstr(sockd_reason(), "65533"));
	return 0;
}

static int prepared(void *data _unused_)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
	const struct sock_fprog filter = {.len = 1, .filter = code};
	struct sockaddr_in address = loopback(80), from = loopback(80);
	int fds[5], seven = 7, zero = 0;
	_cleanup_(sockd_request_freep) struct sockd_request *server =
		sockd_request_new(AF_INET, SOCK_STREAM, 0);
	_cleanup_(sockd_request_freep) struct sockd_request *client =
		sockd_request_new(AF_INET, SOCK_STREAM, 0);
	_cleanup_(sockd_request_freep) struct sockd_request *many =
		sockd_request_new(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	EXPECT(sockd_request_setsockopt(client, SOL_SOCKET, SO_MARK, &seven, sizeof seven) == 0);
	/* A socket of a rule with ports must be bound to one of them. */
	EXPECT(sockd_request_bind(client, (struct sockaddr *)&from, sizeof from) == 0);
	EXPECT(sockd_request_connect(client, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(sockd_request_open(client) == -1 && errno == ECONNREFUSED);

	EXPECT(sockd_request_bind(server, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(sockd_request_listen(server, 5) == 0);
	int listener = sockd_request_open(server);
	EXPECT(listener >= 0);
	EXPECT(number(listener, SO_ACCEPTCONN) == 1);
	EXPECT(sockd_request_grant(server) != 0);

	int fd = sockd_request_open(client);
	EXPECT(fd >= 0);
	EXPECT(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	EXPECT(number(fd, SO_MARK) == 7);
	EXPECT(send(fd, "x", 1, MSG_NOSIGNAL) == 1);

	EXPECT(sockd_request_filter(many, &filter) == 0);
	EXPECT(sockd_request_open_many(many, fds, ARRAY_SIZE(fds)) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		EXPECT(fcntl(fds[i], F_GETFD) == FD_CLOEXEC);
		EXPECT(setsockopt(fds[i], SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof zero) == -1);
	}
	EXPECT(sockd_release(sockd_request_grant(many)) == -1 && errno == EBUSY);
	EXPECT(*sockd_reason());
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		EXPECT(close(fds[i]) == 0);
	EXPECT(sockd_release(sockd_request_grant(many)) == 0);
	return 0;
}

/* The broker closes its own copies in its own time, which must not be seen. */
static int same_port_again(void *data _unused_)
{
	struct sockaddr_in address = loopback(80);
	_cleanup_(sockd_request_freep) struct sockd_request *server =
		sockd_request_new(AF_INET, SOCK_STREAM, 0);
	int listener = -1;

	EXPECT(sockd_request_bind(server, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(sockd_request_listen(server, 5) == 0);
	for (int i = 0; i < 2000; i++) {
		listener = sockd_request_open(server);
		EXPECT(listener >= 0);
		EXPECT(close(listener) == 0);
	}
	/* But an address that is in use is in use. */
	listener = sockd_request_open(server);
	EXPECT(listener >= 0);
	EXPECT(sockd_request_open(server) == -1 && errno == EADDRINUSE);
	return 0;
}

static void *close_soon(void *data)
{
	(void)usleep(300);
	(void)close(*(const int *)data);
	return NULL;
}

/* As by who reads the links in /proc/PID/fd; which of the two is first is the machine's luck. */
static int port_held_for_a_moment(void *data _unused_)
{
	struct sockaddr_in address = loopback(80);
	_cleanup_(sockd_request_freep) struct sockd_request *server =
		sockd_request_new(AF_INET, SOCK_STREAM, 0);
	int given = 0;

	EXPECT(sockd_request_bind(server, (struct sockaddr *)&address, sizeof address) == 0);
	for (int i = 0; i < 200; i++) {
		pthread_t thread;
		int held = sockd_request_open(server);
		EXPECT(held >= 0);
		EXPECT(pthread_create(&thread, NULL, close_soon, &held) == 0);
		int again = sockd_request_open(server);
		EXPECT(again >= 0 || errno == EADDRINUSE);
		EXPECT(pthread_join(thread, NULL) == 0);
		given += again >= 0;
		close_quietly(again);
	}
	EXPECT(given >= 60);
	return 0;
}

static int links(void *data _unused_)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg body;
	} request = {
		.head = {.nlmsg_len = sizeof request,
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.body = {.ifi_index = (int)if_nametoindex("lo"), .ifi_change = IFF_UP},
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} answer;
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int fd = sockd_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	/* Down and up again, with and without an address, in one part and in two. */
	EXPECT(sockd_sendto(fd, &request, sizeof request, 0, (const struct sockaddr *)&kernel,
		       sizeof kernel) == sizeof request);
	EXPECT(recv(fd, &answer, sizeof answer, 0) >= (ssize_t)sizeof answer);
	EXPECT(answer.error.error == 0 && *sockd_reason() == '\0');
	struct sockaddr_nl own;
	socklen_t size = sizeof own;
	EXPECT(getsockname(fd, (struct sockaddr *)&own, &size) == 0);
	EXPECT(own.nl_pid == (uint32_t)getpid());

	request.body.ifi_flags = IFF_UP;
	struct iovec parts[] = {
		{.iov_base = &request.head, .iov_len = sizeof request.head},
		{.iov_base = &request.body, .iov_len = sizeof request.body},
	};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	EXPECT(sockd_sendmsg(fd, &message, 0) == sizeof request);
	EXPECT(recv(fd, &answer, sizeof answer, 0) >= (ssize_t)sizeof answer);
	EXPECT(answer.error.error == 0);

	/* What no rule allows is refused by the kernel, in its own way. */
	request.head.nlmsg_type = RTM_DELLINK;
	EXPECT(sockd_sendto(fd, &request, sizeof request, 0, NULL, 0) == sizeof request);
	EXPECT(*sockd_reason());
	EXPECT(recv(fd, &answer, sizeof answer, 0) >= (ssize_t)sizeof answer);
	EXPECT(answer.error.error == -EPERM);
	return 0;
}

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
static void *use_each_call(void *ret)
{
	struct sockaddr_in address = loopback(80);
	int mark = 7, fd = sockd_socket(AF_INET, SOCK_STREAM, 0);

	*(bool *)ret = open_ping() >= 0 &&
		       sockd_bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		       sockd_setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0 &&
		       links(NULL) == 0;
	return NULL;
}

/* Of the least size that a thread's may have. */
static int small_stack(void *data _unused_)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool done = false;

	EXPECT(pthread_attr_init(&attributes) == 0);
	EXPECT(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
	EXPECT(pthread_create(&thread, &attributes, use_each_call, &done) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
	EXPECT(done);
	return 0;
}
#endif

/* As root would see it: not what the kernel said to the client, who has the right by the broker. */
static int full_table(void *data _unused_)
{
	int fd, last = -1;

	EXPECT(open_ping() >= 0);
	while ((fd = dup(0)) >= 0)
		last = fd;
	EXPECT(errno == EMFILE && last >= 0);
	EXPECT(open_ping() == -1);
	EXPECT(errno == EMFILE);
	EXPECT(strstr(sockd_reason(), "no descriptor free"));
	EXPECT(sockd_socket(AF_INET, SOCK_RAW, IPPROTO_TCP) == -1 && errno == EPERM);
	EXPECT(close(last) == 0);
	EXPECT(open_ping() == last);
	return 0;
}

#define CLIENT_TEST(name) \
	START_TEST(name##_by_client) \
	{ \
		ck_assert_int_eq(run_as(CLIENT_UID, name, NULL), 0); \
	} \
	END_TEST

CLIENT_TEST(sockets)
CLIENT_TEST(own_descriptors)
CLIENT_TEST(forks)
CLIENT_TEST(closed_descriptors)
CLIENT_TEST(threads_and_signals)
CLIENT_TEST(forks_while_connecting)
CLIENT_TEST(prepared)
CLIENT_TEST(same_port_again)
CLIENT_TEST(port_held_for_a_moment)
CLIENT_TEST(links)
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
CLIENT_TEST(small_stack)
#endif
CLIENT_TEST(full_table)

START_TEST(moved_by_root)
{
	ck_assert_int_eq(run_as(0, moved, NULL), 0);
}
END_TEST

START_TEST(changed_credentials_by_root)
{
	ck_assert_int_eq(run_as(0, changed_credentials, NULL), 0);
}
END_TEST

START_TEST(moved_to_own_by_client)
{
	int status = run_as(CLIENT_UID, moved_to_own, NULL);

	if (status == 77)
		printf("SKIP moved_to_own: the kernel has no user namespaces for an ordinary user "
		       "here\n");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

/* The second broker has a path of its own, which the client is told by a pipe. */
static int restarted(void *data)
{
	int *pipes = data;
	char path[BROKER_PATH_MAX] = "";

	EXPECT(open_ping() >= 0);
	EXPECT(write(pipes[1], "", 1) == 1);
	EXPECT(read(pipes[2], path, 1) == 1);
	EXPECT(open_ping() == -1 && errno == EPERM);
	EXPECT(write(pipes[1], "", 1) == 1);
	EXPECT(read(pipes[2], path, sizeof path) == sizeof path);
	EXPECT(setenv("SOCKD_SOCKET", path, 1) == 0);
	EXPECT(open_ping() >= 0);
	return 0;
}

START_TEST(restart)
{
	int pipes[4];
	char byte;

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(pipe(pipes + 2), 0);
	pid_t pid = fork_as(CLIENT_UID, restarted, pipes);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_assert_int_eq(broker_stop(&broker), 0);
	ck_assert_int_eq(write(pipes[3], "", 1), 1);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
	ck_assert_int_eq(
		write(pipes[3], broker.socket, sizeof broker.socket), sizeof broker.socket);
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lib");
	TCase *tcase = tcase_create("lib");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, sockets_by_client);
	tcase_add_test(tcase, own_descriptors_by_client);
	tcase_add_test(tcase, forks_by_client);
	tcase_add_test(tcase, closed_descriptors_by_client);
	tcase_add_test(tcase, threads_and_signals_by_client);
	tcase_add_test(tcase, forks_while_connecting_by_client);
	tcase_add_test(tcase, prepared_by_client);
	tcase_add_test(tcase, same_port_again_by_client);
	tcase_add_test(tcase, port_held_for_a_moment_by_client);
	tcase_add_test(tcase, links_by_client);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
	tcase_add_test(tcase, small_stack_by_client);
#endif
	tcase_add_test(tcase, full_table_by_client);
	tcase_add_test(tcase, moved_by_root);
	tcase_add_test(tcase, moved_to_own_by_client);
	tcase_add_test(tcase, changed_credentials_by_root);
	tcase_add_test(tcase, restart);
	suite_add_tcase(suite, tcase);
	return suite_run_as_root(suite);
}
