/*
 * numbers WHAT: descriptor numbers that other threads put to use while a call is judged, and the
 * window of numbers for netlink sockets.
 *
 * The policy is to allow stream sockets port 80, and no others; and raw ICMP sockets.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/targets/target.h"

#define WINDOW 960
#define WINDOW_END 1024
#define OWN_NUMBERS 8

static _Atomic bool stop;
static _Atomic unsigned long n_lost, n_turns, n_sockets, n_in_window;

static void need_descriptors(rlim_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < n)
		give_up("a limit of descriptors of 1024 at least");
}

static unsigned port_of(int fd)
{
	struct sockaddr_in own = {0};
	socklen_t size = sizeof own;

	return getsockname(fd, (struct sockaddr *)&own, &size) < 0 ? 0 : ntohs(own.sin_port);
}

static int bind_to(int fd, unsigned port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	return bind(fd, (const struct sockaddr *)&address, sizeof address);
}

/* One number, in turn a socket that may be bound, one that may not, and no socket. */

static int swapped, choices[3];

static void *swap_numbers(void *data _unused_)
{
	for (unsigned i = 0; !stop; i++)
		if (dup2(choices[i % 3], swapped) < 0)
			give_up("dup2");
	return NULL;
}

static void swap_while_binding(void)
{
	unsigned long bound = 0, wrong = 0, marked = 0;
	pthread_t thread;
	const int mark = 7;

	swapped = dup(STDIN_FILENO);
	choices[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int round = 0; round < 1000; round++) {
		choices[0] = socket(AF_INET, SOCK_STREAM, 0);
		choices[1] = socket(AF_INET, SOCK_DGRAM, 0);
		stop = false;
		if (pthread_create(&thread, NULL, swap_numbers, NULL) != 0)
			give_up("a thread");
		for (int i = 0; i < 5; i++) {
			(void)bind_to(swapped, 80);
			(void)setsockopt(swapped, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
		}
		stop = true;
		(void)pthread_join(thread, NULL);
		int now = 0;
		socklen_t size = sizeof now;
		(void)getsockopt(choices[1], SOL_SOCKET, SO_MARK, &now, &size);
		marked += now != 0;
		bound += port_of(choices[0]) == 80;
		wrong += port_of(choices[1]) != 0;
		(void)close(choices[0]);
		(void)close(choices[1]);
	}
	check(wrong == 0 && marked == 0, "the socket that may not be bound is not (%lu, %lu)",
		wrong, marked);
	check(bound > 0, "the one that may is, at times (%lu)", bound);
}

/* Numbers of the window that the program uses for itself. */
static bool is_own(int number)
{
	return (number >= WINDOW && number < WINDOW + OWN_NUMBERS) ||
	       (number >= WINDOW_END - OWN_NUMBERS && number < WINDOW_END);
}

static void *use_own_numbers(void *data)
{
	int first = (int)(intptr_t)data, mine = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint64_t word = (uint64_t)first, other = (uint64_t)first;

	if (mine < 0)
		give_up("eventfd");
	for (unsigned i = 0; !stop; i++) {
		int number = first + (int)(i % OWN_NUMBERS);
		int r = i % 2 ? dup2(mine, number) : dup3(mine, number, O_CLOEXEC);
		if (r != number)
			give_up("dup2 into the window");
		int flags = fcntl(number, F_GETFD);
		/* All files of this kind are one inode: they are told apart by what is in them. */
		for (unsigned k = 0; k < 20; k++)
			n_lost += write(number, &word, sizeof word) != sizeof word ||
				  read(mine, &other, sizeof other) != sizeof other || other != word;
		n_lost += flags != (i % 2 ? 0 : FD_CLOEXEC);
		(void)close(number);
		n_turns++;
	}
	return NULL;
}

static void *open_netlink(void *data _unused_)
{
	while (!stop) {
		int fds[4];
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			fds[i] = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
			n_sockets += fds[i] >= 0;
			n_in_window += fds[i] >= WINDOW && fds[i] < WINDOW_END;
		}
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			if (fds[i] >= 0 && !is_own(fds[i]))
				(void)close(fds[i]);
	}
	return NULL;
}

/* New descriptors like those of any busy server: each must stay what it is. */
static void *open_many(void *data _unused_)
{
	uint64_t next = (uint64_t)(uintptr_t)&next;

	while (!stop) {
		int fds[12];
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			fds[i] = eventfd(0, EFD_NONBLOCK);
			const uint64_t word = next + i + 1;
			if (fds[i] >= 0 && write(fds[i], &word, sizeof word) != sizeof word)
				n_lost++;
		}
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
			uint64_t word = 0;
			if (fds[i] < 0)
				continue;
			n_lost += read(fds[i], &word, sizeof word) != sizeof word ||
				  word != next + i + 1;
			(void)close(fds[i]);
		}
		n_turns++;
	}
	return NULL;
}

static void run_threads(void *(*first)(void *), void *(*second)(void *), unsigned seconds)
{
	static const int firsts[] = {WINDOW, WINDOW_END - OWN_NUMBERS};
	pthread_t threads[6];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		if (pthread_create(&threads[i], NULL, i < 2 ? first : second,
			    (void *)(intptr_t)firsts[i % 2]) != 0)
			give_up("a thread");
	(void)sleep(seconds);
	stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		(void)pthread_join(threads[i], NULL);
}

static void fill_up_to(int last)
{
	int fd;

	do {
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			give_up("many descriptors");
	} while (fd < last);
}

static void dup_into_window(void)
{
	need_descriptors(WINDOW_END);
	run_threads(use_own_numbers, open_netlink, 5);
	check(n_lost == 0, "no descriptor in the window is replaced (%lu lost, %lu turns)", n_lost,
		n_turns);
	check(n_turns > 100 && n_sockets > 100, "there were many of both (%lu sockets)", n_sockets);
	check(n_in_window > 0, "and sockets in the window (%lu)", n_in_window);
}

static void grow_into_window(void)
{
	need_descriptors(WINDOW_END);
	fill_up_to(WINDOW - 20);
	run_threads(open_many, open_netlink, 5);
	check(n_lost == 0, "no descriptor that grew into the window is replaced (%lu, %lu turns)",
		n_lost, n_turns);
	check(n_turns > 100 && n_sockets > 100, "there were many of both (%lu sockets)", n_sockets);
}

static void have_many(void)
{
	need_descriptors(WINDOW_END);
	fill_up_to(1000);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	check(fd > 1000 && bind_to(fd, 80) == 0 && port_of(fd) == 80,
		"with 1000 descriptors a port is bound (descriptor %d)", fd);
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	check(raw > 1000, "and a socket given (descriptor %d)", raw);
	int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	check(netlink > 1000, "a netlink socket too (descriptor %d)", netlink);
	while (dup(STDIN_FILENO) >= 0)
		;
	int r = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	check(r < 0 && errno == EMFILE, "with none free: %s", outcome(r));
	r = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	check(r < 0 && errno == EMFILE, "netlink too: %s", outcome(r));
	const int on = 1;
	(void)close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	r = bind_to(fd, 80);
	check(r == 0, "an own socket can still be bound: %s", outcome(r));
}

static void have_few(void)
{
	const struct rlimit few = {10, 10};
	int fds[10], n = 0;

	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		give_up("setrlimit");
	while (n < 10 && (fds[n] = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)) >= 0)
		n++;
	check(n > 0 && n < 10 && errno == EMFILE, "sockets up to the limit of 10 (%d: %s)", n,
		outcome(-1));
	int r = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	check(r < 0 && errno == EMFILE, "netlink: %s", outcome(r));
	(void)close(fds[0]);
	r = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	check(r == fds[0], "a number below the window serves (%d)", r);
	(void)close(r);
	r = socket(AF_INET, SOCK_STREAM, 0);
	check(bind_to(r, 80) == 0, "and one can be bound");
}

static uint32_t own_number(int fd)
{
	struct sockaddr_nl own = {0};
	socklen_t size = sizeof own;

	if (getsockname(fd, (struct sockaddr *)&own, &size) < 0)
		give_up("getsockname");
	return own.nl_pid;
}

/* The number that a netlink socket gets with its first message, one that takes a right. */
static void send_unbound(void)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} message = {
		.head = {.nlmsg_len = sizeof message,
			.nlmsg_type = RTM_DELLINK,
			.nlmsg_flags = NLM_F_REQUEST},
		.info = {.ifi_index = INT32_MAX},
	};
	struct iovec part = {.iov_base = &message, .iov_len = sizeof message};
	struct mmsghdr several = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};

	int first = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	long r = send(first, &message, sizeof message, 0);
	check(r == sizeof message && own_number(first) == (uint32_t)getpid(),
		"the first is the process's (%u of %d)", own_number(first), (int)getpid());
	int second = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	r = send(second, &message, sizeof message, 0);
	check(r == sizeof message && (int32_t)own_number(second) < 0,
		"others are no process's (%u)", own_number(second));
	(void)close(first);
	int third = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	r = sendmmsg(third, &several, 1, 0);
	check(r == 1 && own_number(third) == (uint32_t)getpid(),
		"that of several messages (%u of %d)", own_number(third), (int)getpid());
}

/* A number is free again when its socket is closed, whether the message was allowed or not. */
static void send_again(void)
{
	struct nlmsghdr message = {.nlmsg_len = sizeof message, .nlmsg_flags = NLM_F_REQUEST};
	unsigned n_others = 0;

	for (unsigned i = 0; i < 3000; i++) {
		message.nlmsg_type = i % 2 ? RTM_DELLINK : RTM_NEWLINK;
		int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
		long r = send(fd, &message, sizeof message, 0);
		n_others += r != sizeof message || own_number(fd) != (uint32_t)getpid();
		(void)close(fd);
	}
	check(n_others == 0, "each one's in turn is the process's (%u of 3000 not)", n_others);
}

static void bind_number(int fd, uint32_t number, unsigned *n_in_use)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = number};

	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		(*n_in_use)++;
}

/* The same where the program binds, to no groups, which is left to the kernel. */
static void bind_again(void)
{
	unsigned n_in_use = 0;

	for (unsigned i = 0; i < 3000; i++) {
		int next = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
		int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
		bind_number(fd, (uint32_t)getpid(), &n_in_use);
		(void)close(fd);
		bind_number(next, (uint32_t)getpid(), &n_in_use);
		(void)close(next);
	}
	check(n_in_use == 0, "what was closed is free (%u of 3000 not)", n_in_use);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} kinds[] = {
		{"swap", swap_while_binding},
		{"dup", dup_into_window},
		{"grow", grow_into_window},
		{"many", have_many},
		{"few", have_few},
		{"unbound", send_unbound},
		{"again", send_again},
		{"bind", bind_again},
	};

	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(argv[1], kinds[i].name) == 0) {
			kinds[i].run();
			return n_wrong != 0;
		}
	errno = EINVAL;
	give_up("what to do");
}
