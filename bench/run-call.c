#include "bench/run-call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/contender.h"
#include "proto/macro.h"

#define PORT_ORDINARY 20000
#define PORT_PRIVILEGED 80
#define MESSAGE_SIZE 64

static const char *floor_path;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench: under measurement: %s: %s\n", what, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* Returns what it was given, unless that is an error. */
static int must(int result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

void run_call_set_floor(const char *path)
{
	floor_path = path;
}

static int64_t time_floor(unsigned n)
{
	static int fd = -1;

	if (fd < 0)
		fd = connect_to_floor(floor_path);
	int64_t before = now_nsec();
	for (unsigned i = 0; i < n; i++) {
		send_to_floor(fd, SOCK_RAW, IPPROTO_ICMP, 1);
		finish_floor(fd, 1);
	}
	return now_nsec() - before;
}

static int64_t time_sockets(unsigned n, int type, int protocol)
{
	int64_t before = now_nsec();

	for (unsigned i = 0; i < n; i++)
		(void)close(must(socket(AF_INET, type | SOCK_CLOEXEC, protocol), "socket"));
	return now_nsec() - before;
}

static int64_t time_socket(unsigned n)
{
	return time_sockets(n, SOCK_RAW, IPPROTO_ICMP);
}

static struct sockaddr_in local(unsigned port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* Each bind has a new socket; the time is of bind() alone. */
static int64_t time_binds(unsigned n, int type, unsigned port)
{
	const struct sockaddr_in address = local(port);
	int64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		int fd = must(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
		int64_t before = now_nsec();
		int r = bind(fd, (const struct sockaddr *)&address, sizeof address);
		sum += now_nsec() - before;
		must(r, "bind");
		(void)close(fd);
	}
	return sum;
}

static int64_t time_bind_ordinary(unsigned n)
{
	return time_binds(n, SOCK_DGRAM, PORT_ORDINARY);
}

static int64_t time_bind_privileged(unsigned n)
{
	return time_binds(n, SOCK_STREAM, PORT_PRIVILEGED);
}

static int64_t time_mark(unsigned n)
{
	static int fd = -1;
	const int mark = 5;

	if (fd < 0)
		fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	int64_t before = now_nsec();
	for (unsigned i = 0; i < n; i++)
		must(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark), "SO_MARK");
	return now_nsec() - before;
}

/* The kernel's answer is read, and not counted. */
static int64_t time_netlink(unsigned n)
{
	static int fd = -1;
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} message = {
		.head = {.nlmsg_len = sizeof message,
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.link = {.ifi_family = AF_UNSPEC, .ifi_index = 1},
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} answer;
	int64_t sum = 0;

	if (fd < 0)
		fd = must(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "netlink");
	for (unsigned i = 0; i < n; i++) {
		int64_t before = now_nsec();
		ssize_t sent = send(fd, &message, sizeof message, 0);
		sum += now_nsec() - before;
		must((int)sent, "sending RTM_NEWLINK");
		must((int)recv(fd, &answer, sizeof answer, 0), "receiving from rtnetlink");
		errno = answer.head.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EBADMSG;
		if (errno != 0)
			die("RTM_NEWLINK");
	}
	return sum;
}

static int64_t time_getppid(unsigned n)
{
	int64_t before = now_nsec();

	for (unsigned i = 0; i < n; i++)
		(void)syscall(SYS_getppid);
	return now_nsec() - before;
}

static int64_t time_write_null(unsigned n)
{
	static int fd = -1;
	const char byte = 0;

	if (fd < 0)
		fd = must(open("/dev/null", O_WRONLY | O_CLOEXEC), "/dev/null");
	int64_t before = now_nsec();
	for (unsigned i = 0; i < n; i++)
		must((int)write(fd, &byte, sizeof byte), "write");
	return now_nsec() - before;
}

static int64_t time_pipe(unsigned n)
{
	static int fds[2] = {-1, -1};
	char message[MESSAGE_SIZE] = {0};

	if (fds[0] < 0)
		must(pipe2(fds, O_CLOEXEC), "pipe");
	int64_t before = now_nsec();
	for (unsigned i = 0; i < n; i++) {
		must((int)write(fds[1], message, sizeof message), "write");
		must((int)read(fds[0], message, sizeof message), "read");
	}
	return now_nsec() - before;
}

static int64_t time_datagram(unsigned n)
{
	static int in = -1, out;
	static struct sockaddr_in address;
	socklen_t size = sizeof address;
	char message[MESSAGE_SIZE] = {0};

	if (in < 0) {
		address = local(0);
		in = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
		out = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
		must(bind(in, (const struct sockaddr *)&address, sizeof address), "bind");
		must(getsockname(in, (struct sockaddr *)&address, &size), "getsockname");
	}
	int64_t before = now_nsec();
	for (unsigned i = 0; i < n; i++) {
		must((int)sendto(out, message, sizeof message, 0, (const struct sockaddr *)&address,
			     sizeof address),
			"sendto");
		must((int)recvfrom(in, message, sizeof message, 0, NULL, NULL), "recvfrom");
	}
	return now_nsec() - before;
}

static int64_t time_socket_stream(unsigned n)
{
	return time_sockets(n, SOCK_STREAM, 0);
}

static int64_t time_nodelay(unsigned n)
{
	static int fd = -1;
	const int one = 1;

	if (fd < 0)
		fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	int64_t before = now_nsec();
	for (unsigned i = 0; i < n; i++)
		must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), "TCP_NODELAY");
	return now_nsec() - before;
}

static int listen_locally(struct sockaddr_in *ret)
{
	/* What is accepted inherits this: it ends without leaving a port in TIME_WAIT. */
	const struct linger abort = {.l_onoff = 1};
	struct sockaddr_in address = local(0);
	socklen_t size = sizeof address;
	int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort), "SO_LINGER");
	must(bind(fd, (const struct sockaddr *)&address, sizeof address), "bind");
	must(listen(fd, 8), "listen");
	must(getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
	*ret = address;
	return fd;
}

static int64_t time_connection(unsigned n)
{
	static struct sockaddr_in address;
	static int listener = -1;

	if (listener < 0)
		listener = listen_locally(&address);
	int64_t before = now_nsec();
	for (unsigned i = 0; i < n; i++) {
		int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
		must(connect(fd, (const struct sockaddr *)&address, sizeof address), "connect");
		(void)close(must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept"));
		(void)close(fd);
	}
	return now_nsec() - before;
}

const struct run_call_info run_calls[N_RUN_CALLS] = {
	[RUN_FLOOR] = {"floor: a raw ICMP socket", time_floor, 1},
	[RUN_SOCKET] = {"socket() of a raw ICMP socket, close()", time_socket, 1},
	[RUN_BIND_ORDINARY] = {"bind() to an ordinary port", time_bind_ordinary, 1},
	[RUN_BIND_PRIVILEGED] = {"bind() to port 80", time_bind_privileged, 1},
	[RUN_MARK] = {"setsockopt(SO_MARK)", time_mark, 1},
	[RUN_NETLINK] = {"send() of RTM_NEWLINK", time_netlink, 1},
	[RUN_GETPPID] = {"getppid()", time_getppid, 2000},
	[RUN_WRITE_NULL] = {"write() to /dev/null", time_write_null, 2000},
	[RUN_PIPE] = {"write() and read() of a pipe", time_pipe, 500},
	[RUN_DATAGRAM] = {"sendto() and recvfrom(), UDP", time_datagram, 150},
	[RUN_SOCKET_STREAM] = {"socket() of TCP, close()", time_socket_stream, 100},
	[RUN_NODELAY] = {"setsockopt(TCP_NODELAY)", time_nodelay, 2000},
	[RUN_CONNECTION] = {"connect(), accept4() and both closed, TCP", time_connection, 15},
};
