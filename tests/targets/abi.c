/*
 * abi: calls by other ways than the usual one: those of 32 bits by int 0x80, of x32, io_uring; and
 * filters that the program sets up itself.
 *
 * The policy is to allow raw ICMP sockets, port 80 of stream sockets, SO_MARK 7 and
 * SO_BINDTODEVICE eth0.
 *
 * abi values: only options whose value is longer than what the kernel reads of it, addresses where
 * no memory is, and sends of a program that may make no other calls.
 */
#include <limits.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/targets/target.h"

static int open_given(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int mark_of(int fd)
{
	int mark = -1;
	socklen_t size = sizeof mark;

	(void)getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &size);
	return mark;
}

#ifdef __x86_64__

#define I386_SOCKETCALL 102
#define I386_SOCKET 359
#define I386_BIND 361
#define I386_SETSOCKOPT 366
#define I386_IO_URING_SETUP 425
#define CALL_SOCKET 1
#define CALL_BIND 2
#define CALL_SETSOCKOPT 14
#define X32 0x40000000
#define X32_SETSOCKOPT 541

static long by_int80(long number, long a, long b, long c, long d, long e)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	if (r < 0 && r > -4096) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

/* Where 32 bits reach. */
static struct low {
	uint32_t words[6];
	struct sockaddr_in address;
	int value;
} * low;

static long low_address(const void *at)
{
	return (long)(uintptr_t)at;
}

static long by_socketcall(
	uint32_t which, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
	const uint32_t words[] = {a, b, c, d, e, 0};

	memcpy(low->words, words, sizeof words);
	return by_int80(I386_SOCKETCALL, which, low_address(low->words), 0, 0, 0);
}

static bool is_low(int fd)
{
	struct sockaddr_in own = {0};
	socklen_t size = sizeof own;

	return getsockname(fd, (struct sockaddr *)&own, &size) == 0 && own.sin_port != 0;
}

static void check_options(long (*set)(int fd, int value), const char *name)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	long r = set(fd, 7);
	check(r == 0 && mark_of(fd) == 7, "%s: setsockopt that is allowed: %s", name, outcome(r));
	r = set(fd, 9);
	check(r < 0 && errno == EPERM && mark_of(fd) == 7, "%s: one that is not: %s", name,
		outcome(r));
	(void)close(fd);
}

static void check_binds(long (*bind_to)(int fd, unsigned port), const char *name)
{
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	long r = bind_to(fd, 81);
	check(r < 0 && errno == EACCES && !is_low(fd), "%s: bind that is not allowed: %s", name,
		outcome(r));
	r = bind_to(fd, 80);
	check(r == 0 && is_low(fd), "%s: one that is: %s", name, outcome(r));
	(void)close(fd);
}

static void check_sockets(long (*open_by)(int domain, int type, int protocol), const char *name)
{
	long r = open_by(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	check(r >= 0, "%s: a socket that is given: %s", name, outcome(r));
	(void)close((int)r);
	r = open_by(AF_PACKET, SOCK_RAW, 0);
	check(r < 0 && errno == EPERM, "%s: one that is not: %s", name, outcome(r));
	r = open_by(AF_INET, SOCK_STREAM, 0);
	check(r >= 0, "%s: one that everyone may have: %s", name, outcome(r));
	(void)close((int)r);
}

static long set_int80(int fd, int value)
{
	low->value = value;
	return by_int80(I386_SETSOCKOPT, fd, SOL_SOCKET, SO_MARK, low_address(&low->value), 4);
}

static long set_socketcall(int fd, int value)
{
	low->value = value;
	return by_socketcall(CALL_SETSOCKOPT, (uint32_t)fd, SOL_SOCKET, SO_MARK,
		(uint32_t)low_address(&low->value), 4);
}

static void put_address(unsigned port)
{
	low->address =
		(struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
}

static long bind_int80(int fd, unsigned port)
{
	put_address(port);
	return by_int80(I386_BIND, fd, low_address(&low->address), sizeof low->address, 0, 0);
}

static long bind_socketcall(int fd, unsigned port)
{
	put_address(port);
	return by_socketcall(CALL_BIND, (uint32_t)fd, (uint32_t)low_address(&low->address),
		sizeof low->address, 0, 0);
}

static long open_int80(int domain, int type, int protocol)
{
	return by_int80(I386_SOCKET, domain, type, protocol, 0, 0);
}

static long open_socketcall(int domain, int type, int protocol)
{
	return by_socketcall(
		CALL_SOCKET, (uint32_t)domain, (uint32_t)type, (uint32_t)protocol, 0, 0);
}

static void check_abis(void)
{
	low = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (low == MAP_FAILED)
		give_up("memory");
	if (by_int80(20, 0, 0, 0, 0, 0) != getpid()) {
		printf("SKIP int 0x80: this kernel runs no programs of 32 bits\n");
		return;
	}
	check_sockets(open_int80, "int 0x80");
	check_binds(bind_int80, "int 0x80");
	check_options(set_int80, "int 0x80");
	check_sockets(open_socketcall, "socketcall");
	check_binds(bind_socketcall, "socketcall");
	check_options(set_socketcall, "socketcall");
	long r = by_int80(I386_SOCKETCALL, CALL_BIND, 8, 0, 0, 0);
	check(r < 0 && errno == EFAULT, "socketcall with no memory behind: %s", outcome(r));
	r = by_int80(I386_SOCKETCALL, 200, low_address(low->words), 0, 0, 0);
	check(r < 0 && errno == EINVAL, "a socketcall that there is not: %s", outcome(r));
	r = by_int80(I386_IO_URING_SETUP, 1, low_address(low), 0, 0, 0);
	check(r < 0 && errno == ENOSYS, "io_uring by int 0x80: %s", outcome(r));
	r = syscall(X32 | SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	check(r < 0 && errno == ENOSYS, "x32 socket: %s", outcome(r));
	r = syscall(X32 | SYS_bind, 0, &low->address, sizeof low->address);
	check(r < 0 && errno == ENOSYS, "x32 bind: %s", outcome(r));
	r = syscall(X32 | X32_SETSOCKOPT, 0, SOL_SOCKET, SO_MARK, &low->value, 4);
	check(r < 0 && errno == ENOSYS, "x32 setsockopt: %s", outcome(r));
	/* Only the lower halves of registers count. */
	r = syscall(
		SYS_socket, (1L << 32) | AF_INET, (7L << 32) | SOCK_RAW, (9L << 33) | IPPROTO_ICMP);
	check(r >= 0, "a register's upper half changes nothing: %s", outcome(r));
	(void)close((int)r);
	r = syscall(SYS_socket, (1L << 32) | AF_PACKET, (1L << 35) | SOCK_RAW, 0);
	check(r < 0 && errno == EPERM, "nor here: %s", outcome(r));
}

#else

static void check_abis(void)
{
}

#endif

static void check_io_uring(void)
{
	unsigned char parameters[120] = {0};
	long r = syscall(SYS_io_uring_setup, 1, parameters);

	check(r < 0 && errno == ENOSYS, "io_uring: %s", outcome(r));
}

static long install(unsigned flags, uint32_t number, uint32_t action)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int to_thread[2], from_thread[2];

static void *wait_and_open(void *data _unused_)
{
	char byte;
	int32_t fd = -1;

	if (read(to_thread[0], &byte, 1) == 1)
		fd = open_given();
	if (fd < 0)
		fd = -errno;
	(void)!write(from_thread[1], &fd, sizeof fd);
	return NULL;
}

static void check_own_filters(void)
{
	pthread_t thread;
	int32_t fd = -1;

	long r = install(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid, SECCOMP_RET_USER_NOTIF);
	check(r < 0 && errno == EBUSY, "a listener of its own: %s", outcome(r));
	r = prctl(PR_GET_SECCOMP);
	check(r == SECCOMP_MODE_FILTER, "a mode that a program can see (%ld)", r);
	r = prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	check(r < 0 && errno == EINVAL, "the strict mode: %s", outcome(r));
	if (pipe(to_thread) < 0 || pipe(from_thread) < 0 ||
		pthread_create(&thread, NULL, wait_and_open, NULL) != 0)
		give_up("a thread");
	r = install(SECCOMP_FILTER_FLAG_TSYNC, SYS_getppid, SECCOMP_RET_ALLOW);
	check(r == 0, "a filter for all threads: %s", outcome(r));
	r = write(to_thread[1], "", 1);
	r = read(from_thread[0], &fd, sizeof fd);
	check(r == sizeof fd && fd >= 0, "another thread's call is answered as before (%d)", fd);
	(void)pthread_join(thread, NULL);
	fd = open_given();
	check(fd >= 0, "and one's own: %s", outcome(fd));
	r = install(0, SYS_socket, SECCOMP_RET_ERRNO | EXDEV);
	fd = open_given();
	check(r == 0 && fd < 0 && errno == EXDEV, "a filter that refuses has the last word: %s",
		outcome(fd));
}

/* The end of what may be read. */
static unsigned char *end_of_memory(void)
{
	size_t page = (size_t)getpagesize();
	unsigned char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) < 0)
		give_up("memory");
	return pages + page;
}

static bool is_bound_to(int fd, const char *name)
{
	char bound[IFNAMSIZ] = "";
	socklen_t size = sizeof bound;

	return getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bound, &size) == 0 &&
	       strcmp(bound, name) == 0;
}

static void check_long_values(void)
{
	const long seven[] = {7, -1}, nine = 9;
	const struct ifreq interface = {.ifr_name = "eth0", .ifr_ifindex = -1};
	const int seven_alone = 7;
	unsigned char *end = end_of_memory();

	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	long r = setsockopt(fd, SOL_SOCKET, SO_MARK, seven, sizeof seven);
	check(r == 0 && mark_of(fd) == 7, "a number in a longer value: %s", outcome(r));
	r = setsockopt(fd, SOL_SOCKET, SO_MARK, &nine, sizeof nine);
	check(r < 0 && errno == EPERM, "one that is not allowed: %s", outcome(r));
	(void)close(fd);

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	memcpy(end - sizeof seven_alone, &seven_alone, sizeof seven_alone);
	r = setsockopt(fd, SOL_SOCKET, SO_MARK, end - sizeof seven_alone, 5000);
	check(r == 0 && mark_of(fd) == 7, "a number at the end of memory: %s", outcome(r));
	r = setsockopt(fd, SOL_SOCKET, SO_MARK, end - 2, 4);
	check(r < 0 && errno == EFAULT, "half a number there: %s", outcome(r));
	r = setsockopt(fd, SOL_SOCKET, SO_MARK, &seven_alone, 2);
	check(r < 0 && errno == EINVAL, "half a number: %s", outcome(r));
	(void)close(fd);

	/* The first device may be chosen by anybody, and no other instead. */
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
	r = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, &interface, sizeof interface);
	check(r == 0 && is_bound_to(fd, "eth0"), "a device in a longer value: %s", outcome(r));
	(void)close(fd);

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
	memset(end - IFNAMSIZ, 0, IFNAMSIZ);
	memcpy(end - IFNAMSIZ + 1, "eth0", 4);
	r = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, end - IFNAMSIZ + 1, 5000);
	check(r == 0 && is_bound_to(fd, "eth0"), "a device at the end of memory: %s", outcome(r));
	(void)close(fd);
}

enum way { BY_SENDTO, BY_SENDMSG, BY_SENDMMSG, BY_WRITE, BY_WRITEV };
static const char *const ways[] = {"sendto", "sendmsg", "sendmmsg", "write", "writev"};

/* What is sent: larger than a socket's address can be. */
#define SENT 200

static long send_by(enum way way, int fd, void *data, void *address, socklen_t size)
{
	struct iovec part = {.iov_base = data, .iov_len = SENT};
	struct mmsghdr message = {.msg_hdr = {.msg_name = address,
					  .msg_namelen = size,
					  .msg_iov = &part,
					  .msg_iovlen = 1}};

	switch (way) {
	case BY_SENDTO:
		return sendto(fd, data, SENT, 0, address, size);
	case BY_SENDMSG:
		return sendmsg(fd, &message.msg_hdr, 0);
	case BY_SENDMMSG:
		return sendmmsg(fd, &message, 1, 0);
	case BY_WRITE:
		return write(fd, data, SENT);
	case BY_WRITEV:
		return writev(fd, &part, 1);
	}
	return -1;
}

/* The exit status of a child; 1000 and the signal where it did not exit. */
static int status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		give_up("a child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Sends in a process of its own. Returns the error; 0: it was sent. */
static int error_of(enum way way, int fd, void *data, void *address, socklen_t size)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(send_by(way, fd, data, address, size) < 0 ? errno : 0);
	return status_of(pid);
}

/* The program gets an error where the memory is not there, and no signal. */
static void check_addresses(void)
{
	char data[SENT] = {20}; /* a netlink message of no kind */
	unsigned char *nowhere = end_of_memory();
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int netlink = socket(AF_NETLINK, SOCK_RAW, 0), datagrams = socket(AF_INET, SOCK_DGRAM, 0);
	int ends[2], r;

	if (netlink < 0 || datagrams < 0 || pipe(ends) < 0)
		give_up("descriptors");
	for (enum way way = BY_SENDTO; way <= BY_SENDMMSG; way++)
		for (socklen_t size = 12; size <= 16; size += 4) {
			r = error_of(way, datagrams, data, nowhere, size);
			check(r == EFAULT, "%s, address of %u: %d", ways[way], size, r);
			r = error_of(way, netlink, data, nowhere, size);
			check(r == EFAULT, "%s, netlink's address of %u: %d", ways[way], size, r);
			r = error_of(way, -1, data, nowhere, size);
			/* sendmsg looks up the descriptor first. */
			check(r == EBADF || (way == BY_SENDTO && r == EFAULT),
				"%s, no descriptor, address of %u: %d", ways[way], size, r);
			r = error_of(way, ends[1], data, nowhere, size);
			check(r == ENOTSOCK || (way == BY_SENDTO && r == EFAULT),
				"%s, no socket, address of %u: %d", ways[way], size, r);
		}
	for (enum way way = BY_SENDTO; way <= BY_WRITEV; way++) {
		bool with_address = way <= BY_SENDMMSG;
		r = error_of(way, netlink, nowhere, NULL, 0);
		check(r == EFAULT, "%s, netlink's message: %d", ways[way], r);
		r = error_of(way, netlink, nowhere - 4, NULL, 0);
		check(r == EFAULT, "%s, half of its header: %d", ways[way], r);
		r = error_of(way, netlink, nowhere - SENT + 1, NULL, 0);
		check(r == EFAULT, "%s, all but its end: %d", ways[way], r);
		r = error_of(way, netlink, nowhere, with_address ? &kernel : NULL,
			with_address ? sizeof kernel : 0);
		check(r == EFAULT, "%s, the same by address: %d", ways[way], r);
	}
	int fds[] = {netlink, -1};
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		int error = fds[i] < 0 ? EBADF : EFAULT;
		long n = sendmsg(fds[i], (struct msghdr *)(void *)nowhere, 0);
		check(n < 0 && errno == error, "sendmsg's header: %s", outcome(n));
		n = sendmmsg(fds[i], (struct mmsghdr *)(void *)nowhere, 1, 0);
		check(n < 0 && errno == error, "sendmmsg's header: %s", outcome(n));
		n = writev(fds[i], (struct iovec *)(void *)nowhere, 1);
		check(n < 0 && errno == error, "writev's parts: %s", outcome(n));
		struct msghdr message = {
			.msg_iov = (struct iovec *)(void *)nowhere, .msg_iovlen = 1};
		n = sendmsg(fds[i], &message, 0);
		check(n < 0 && errno == error, "sendmsg's parts: %s", outcome(n));
	}
}

/* The error of setting an option, in a process of its own; 0: it was set. */
static int error_of_option(int fd, int level, int name, const void *value, socklen_t size)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(setsockopt(fd, level, name, value, size) < 0 ? errno : 0);
	return status_of(pid);
}

/* An option that is refused before its value is read, or more of it than this. */
static void check_value_addresses(void)
{
	const struct {
		int level, name;
		socklen_t is_read;
		const char *what;
	} policies[] = {{IPPROTO_IP, 17, 0, "IP_XFRM_POLICY"},
		{IPPROTO_IPV6, 35, sizeof(int), "IPV6_XFRM_POLICY"}};
	unsigned char *nowhere = end_of_memory();
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	if (fd < 0)
		give_up("a socket");
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		for (socklen_t before = policies[i].is_read; before <= 16; before += 4) {
			int r = error_of_option(
				fd, policies[i].level, policies[i].name, nowhere - before, 16);
			check(r == EPERM, "%s, %u bytes of its value: %d", policies[i].what, before,
				r);
		}
	(void)close(fd);
}

/* Of no message the kernel looks at the flags alone. */
static void check_no_messages(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	long r = sendmmsg(fd, NULL, 0, 0);

	check(r == 0, "no message: %s", outcome(r));
	r = sendmmsg(fd, NULL, 0, INT_MIN); /* MSG_CMSG_COMPAT, the kernel's own */
	check(r < 0 && errno == EINVAL, "no message, a flag that is wrong: %s", outcome(r));
	(void)close(fd);
}

/* What a send is known to make, and the end of the process; any other call is that, too. */
static void allow_only_sends(enum way way)
{
	const uint32_t send = way == BY_SENDTO ? SYS_sendto : SYS_sendmsg;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, send, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmmsg, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpeername, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		give_up("a filter");
}

/* What everybody may ask by netlink can be asked from within a filter that ends the process. */
static void check_fenced_in(void)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	union {
		struct nlmsghdr head;
		char bytes[SENT];
	} question = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
			      .nlmsg_type = RTM_GETLINK,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};

	for (enum way way = BY_SENDTO; way <= BY_SENDMMSG; way++)
		for (int connected = 0; connected < 2; connected++) {
			int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
			pid_t pid = fork();
			if (pid == 0) {
				allow_only_sends(way);
				_exit(send_by(way, fd, &question, connected ? NULL : &kernel,
					      connected ? 0 : sizeof kernel) < 0
						? errno
						: 0);
			}
			int r = status_of(pid);
			check(r == 0, "%s %s address, fenced in: %d", ways[way],
				connected ? "without" : "with", r);
			(void)close(fd);
		}
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A send that waits for a reader is ended by a signal. */
static void check_interrupted(void)
{
	const struct sigaction action = {.sa_handler = on_alarm};
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	socklen_t size = sizeof address;
	char data[4096] = {0};
	struct iovec part = {.iov_base = data, .iov_len = sizeof data};
	struct mmsghdr message = {.msg_hdr = {.msg_name = &address,
					  .msg_namelen = sizeof address,
					  .msg_iov = &part,
					  .msg_iovlen = 1}};
	int to = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	int from = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	if (to < 0 || from < 0 || bind(to, (struct sockaddr *)&address, size) < 0 ||
		getsockname(to, (struct sockaddr *)&address, &size) < 0 ||
		sigaction(SIGALRM, &action, NULL) < 0)
		give_up("netlink sockets");
	while (sendmsg(from, &message.msg_hdr, MSG_DONTWAIT) >= 0)
		;
	check(errno == EAGAIN, "the other one's queue is full: %s", outcome(-1));
	(void)alarm(1);
	long n = sendmmsg(from, &message, 1, 0);
	check(n < 0 && errno == EINTR, "sendmmsg is interrupted: %s", outcome(n));
	(void)close(from);
	(void)close(to);
}

/* A netlink socket that others send to. */
static int open_reader(struct sockaddr_nl *ret)
{
	socklen_t size = sizeof *ret;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	*ret = (struct sockaddr_nl){.nl_family = AF_NETLINK};
	if (fd < 0 || bind(fd, (struct sockaddr *)ret, size) < 0 ||
		getsockname(fd, (struct sockaddr *)ret, &size) < 0)
		give_up("a netlink socket");
	return fd;
}

/* How many messages there are to be read, which must be those with the first numbers, in turn. */
static int read_numbers(int fd)
{
	int word, n = 0;

	while (recv(fd, &word, sizeof word, MSG_DONTWAIT) == sizeof word && word == n)
		n++;
	return n;
}

/* Several messages in one call: which of them are sent, and what is told of them. */
static void check_several(void)
{
	enum { MANY = 100 };
	static int words[MANY];
	static struct iovec parts[MANY];
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct sockaddr_nl reader, nobody = {.nl_family = AF_NETLINK, .nl_pid = INT32_MAX};
	char bad[sizeof(struct cmsghdr)] = {1};
	int to = open_reader(&reader), from = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	/* So that the second one's header is in the next page. */
	char *start =
		mmap(NULL, page * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (from < 0 || start == MAP_FAILED)
		give_up("several messages");
	check(from >= 64, "the sender's number is of the window (%d)", from);
	struct mmsghdr *messages = (void *)(start + page - sizeof *messages);
	for (int i = 0; i < MANY; i++) {
		words[i] = i;
		parts[i] = (struct iovec){.iov_base = &words[i], .iov_len = sizeof words[i]};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &reader,
			.msg_namelen = sizeof reader,
			.msg_iov = &parts[i],
			.msg_iovlen = 1};
	}

	int r = sendmmsg(from, messages, 3, 0);
	check(r == 3 && read_numbers(to) == 3, "three of them: %d", r);
	check(messages[2].msg_len == sizeof words[0] && messages[3].msg_len == 0,
		"their lengths are told: %u, %u", messages[2].msg_len, messages[3].msg_len);
	r = (int)syscall(SYS_sendmmsg, from, messages, UINT64_C(1) << 32 | 2, 0);
	check(r == 2 && read_numbers(to) == 2, "two, with a register's upper half: %d", r);
	/* Not all in one call, perhaps. */
	r = sendmmsg(from, messages, MANY, 0);
	check(r >= 64 && read_numbers(to) == r, "many: %d", r);

	messages[1].msg_hdr.msg_name = &nobody;
	r = sendmmsg(from, messages, 3, 0);
	check(r == 1 && read_numbers(to) == 1, "the second to nobody: %d", r);
	r = sendmmsg(from, messages + 1, 2, 0);
	check(r < 0 && errno == ECONNREFUSED, "the first to nobody: %s", outcome(r));
	messages[1].msg_hdr.msg_name = &reader;

	messages[1].msg_hdr.msg_control = bad;
	messages[1].msg_hdr.msg_controllen = sizeof bad;
	r = sendmmsg(from, messages, 3, 0);
	check(r == 1 && read_numbers(to) == 1, "the second with a bad control message: %d", r);
	r = sendmmsg(from, messages + 1, 2, 0);
	check(r < 0 && errno == EINVAL, "the first with one: %s", outcome(r));
	r = (int)sendmsg(from, &messages[1].msg_hdr, 0);
	check(r < 0 && errno == EINVAL, "one alone with one: %s", outcome(r));
	messages[1].msg_hdr.msg_controllen = 0;

	messages[1].msg_hdr.msg_iov = (struct iovec *)(void *)end_of_memory();
	r = sendmmsg(from, messages, 3, 0);
	check(r == 1 && read_numbers(to) == 1, "the second's parts are nowhere: %d", r);
	messages[1].msg_hdr.msg_iov = &parts[1];

	if (mprotect(start + page, page * 3, PROT_READ) < 0)
		give_up("mprotect");
	r = sendmmsg(from, messages, 3, 0);
	check(r == 1 && read_numbers(to) == 2, "the second's length cannot be told: %d", r);
	parts[1].iov_base = &words[0];
	r = sendmmsg(from, messages + 1, 2, 0);
	check(r < 0 && errno == EFAULT && read_numbers(to) == 1,
		"the first's length cannot be told: %s", outcome(r));
	(void)munmap(start, page * 4);
	(void)close(from);
	(void)close(to);
}

int main(int argc, char **argv)
{
	check_long_values();
	check_addresses();
	check_value_addresses();
	check_no_messages();
	check_fenced_in();
	if (argc > 1 && strcmp(argv[1], "values") == 0)
		return n_wrong != 0;
	check_interrupted();
	check_several();
	check_abis();
	check_io_uring();
	check_own_filters();
	return n_wrong != 0;
}
