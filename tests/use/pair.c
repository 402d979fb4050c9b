/* What pair.py does in Python with its socket module, in C with libsockd: the same lines come out
 * of both. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"

#define HOST "127.0.0.1"

static void section(const char *name)
{
	printf("-- %s\n", name);
}

static const char *lookup_error_name(int error)
{
	switch (error) {
	case EAI_NONAME:
		return "EAI_NONAME";
	case EAI_SERVICE:
		return "EAI_SERVICE";
	case EAI_ADDRFAMILY:
		return "EAI_ADDRFAMILY";
	default:
		return gai_strerror(error);
	}
}

static const char *error_name(void)
{
	return strerrorname_np(errno);
}

/* What came of a call that returns a number that means nothing. */
static void outcome(const char *name, int64_t r)
{
	printf("%s %s\n", name, r < 0 ? error_name() : "done");
}

/* The same for one that makes a socket by name. */
static void made(const char *name, int fd)
{
	if (fd < 0 && sockd_lookup_error() != 0)
		printf("%s %s\n", name, lookup_error_name(sockd_lookup_error()));
	else
		outcome(name, fd);
	if (fd >= 0)
		sockd_close(fd);
}

static void print_span(const char *name, int64_t usec)
{
	printf("%s%s", name, *name ? " " : "");
	if (usec == SOCKD_FOREVER)
		printf("forever");
	else
		printf("%" PRId64, usec);
}

static int64_t timeout_of(int fd)
{
	int64_t usec = -77;

	(void)sockd_gettimeout(fd, &usec);
	return usec;
}

static void print_timeout(const char *name, int fd)
{
	print_span(name, timeout_of(fd));
	putchar('\n');
}

static void print_state(int fd)
{
	print_span("", timeout_of(fd));
	printf(" %d\n", sockd_getblocking(fd));
}

union any {
	struct sockaddr any;
	struct sockaddr_in inet;
	struct sockaddr_in6 inet6;
};

static union any name_of(int fd)
{
	union any address = {0};
	socklen_t size = sizeof address;

	(void)getsockname(fd, &address.any, &size);
	return address;
}

/* The port is in the same place in both. */
static const char *port_of(int fd, char text[8])
{
	snprintf(text, 8, "%u", ntohs(name_of(fd).inet.sin_port));
	return text;
}

static bool is_same(const union any *one, const union any *other)
{
	return one->inet.sin_port == other->inet.sin_port &&
	       one->inet.sin_addr.s_addr == other->inet.sin_addr.s_addr;
}

static int number(int fd, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	(void)getsockopt(fd, level, option, &value, &size);
	return value;
}

static void timeouts(void)
{
	static const int64_t spans[] = {1500000, 0, 500000, SOCKD_FOREVER, 3000000};
	int s = sockd_socket(AF_INET, SOCK_STREAM, 0);

	section("timeouts");
	print_state(s);
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		sockd_settimeout(s, spans[i]);
		print_state(s);
	}
	for (int flag = 0; flag < 2; flag++) {
		sockd_setblocking(s, flag);
		print_state(s);
	}
	outcome("negative", sockd_settimeout(s, -2));
	outcome("absurd", sockd_settimeout(s, INT64_MAX));
	print_timeout("", s);
	sockd_close(s);
}

static void defaults(void)
{
	static const int64_t spans[] = {2500000, 0, SOCKD_FOREVER};
	char port[8];

	section("defaults");
	print_span("", sockd_getdefaulttimeout());
	putchar('\n');
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		int pair[2];

		sockd_setdefaulttimeout(spans[i]);
		print_span("default", sockd_getdefaulttimeout());
		putchar('\n');
		int s = sockd_socket(AF_INET, SOCK_STREAM, 0);
		print_timeout("socket", s);
		sockd_close(s);
		s = sockd_socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		print_timeout("non-blocking socket", s);
		sockd_close(s);
		sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		print_span("pair", timeout_of(pair[0]));
		print_timeout("", (putchar(' '), pair[1]));
		int server = sockd_create_server(AF_INET, HOST, "0", SOCKD_BACKLOG, 0);
		print_timeout("server", server);
		sockd_settimeout(server, 5000000);
		int c = sockd_create_connection(HOST, port_of(server, port), 4000000, NULL, NULL);
		print_timeout("connection", c);
		int accepted = sockd_accept(server, NULL, NULL);
		print_timeout("accepted", accepted);
		sockd_close(accepted);
		sockd_close(c);
		if (spans[i] != 0) {
			c = sockd_create_connection(HOST, port, SOCKD_DEFAULT_TIMEOUT, NULL, NULL);
			print_timeout("connection by default", c);
			sockd_close(c);
		}
		sockd_close(server);
		sockd_close(pair[0]);
		sockd_close(pair[1]);
	}
	outcome("negative", sockd_setdefaulttimeout(-2));
}

static void inheritance(void)
{
	int fds[6];
	char port[8];

	section("inheritance");
	fds[0] = sockd_create_server(AF_INET, HOST, "0", SOCKD_BACKLOG, 0);
	fds[1] = sockd_create_connection(
		HOST, port_of(fds[0], port), SOCKD_DEFAULT_TIMEOUT, NULL, NULL);
	fds[2] = sockd_accept(fds[0], NULL, NULL);
	fds[3] = sockd_fromfd(fds[1]);
	sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, fds + 4);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		printf("%d\n", sockd_get_inheritable(fds[i]));
		sockd_set_inheritable(fds[i], 1);
		printf("%d %d\n", sockd_get_inheritable(fds[i]),
			!(fcntl(fds[i], F_GETFD) & FD_CLOEXEC));
		sockd_set_inheritable(fds[i], 0);
		printf("%d\n", sockd_get_inheritable(fds[i]));
	}
	int detached = sockd_detach(&fds[3]);
	printf("detached %d %s\n", fds[3], detached >= 0 ? "True" : "False");
	close(detached);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		sockd_closep(&fds[i]);
	int file = memfd_create("file", MFD_CLOEXEC);
	outcome("no socket", sockd_fromfd(file));
	close(file);
	outcome("closed", sockd_fromfd(9999));
}

static void *read_all(void *data)
{
	static char buffer[65536];
	size_t total = 0;

	for (ssize_t n; (n = sockd_recv(*(int *)data, buffer, sizeof buffer, 0)) > 0;)
		total += (size_t)n;
	return (void *)total;
}

static const char *truth(bool is_true)
{
	return is_true ? "True" : "False";
}

static void streams(void)
{
	char text[128] = "";
	static char much[5000000];
	int server = sockd_create_server(AF_INET, HOST, "0", SOCKD_BACKLOG, 0);
	int client = sockd_socket(AF_INET, SOCK_STREAM, 0);
	union any address = name_of(server), peer = {0}, own;
	socklen_t size = sizeof peer;

	printf("connect %d\n", sockd_connect_ex(client, &address.any, sizeof address.inet));
	int accepted = sockd_accept(server, &peer.any, &size);
	own = name_of(client);
	printf("address %s\n", truth(is_same(&peer, &own)));
	printf("sent %zd\n", sockd_send(client, "some words", 10, 0));
	ssize_t n = sockd_recv(accepted, text, 4, 0);
	printf("received %.*s\n", (int)n, text);
	n = sockd_recv(accepted, text, 100, MSG_PEEK);
	printf("peeked %.*s\n", (int)n, text);
	n = sockd_recv(accepted, text, 100, 0);
	printf("received %.*s\n", (int)n, text);
	sockd_settimeout(accepted, 100000);
	outcome("timed out", sockd_recv(accepted, text, 1, 0));
	sockd_setblocking(accepted, 0);
	outcome("at once", sockd_recv(accepted, text, 1, 0));
	sockd_setblocking(accepted, 1);
	pthread_t reader;
	void *total;
	pthread_create(&reader, NULL, read_all, &accepted);
	outcome("all", sockd_sendall(client, much, sizeof much, 0, NULL));
	shutdown(client, SHUT_WR);
	pthread_join(reader, &total);
	printf("total %zu\n", (size_t)total);
	printf("nothing more %zd\n", sockd_recv(accepted, text, 10, 0));
	outcome("after shutdown", sockd_send(client, "x", 1, 0));
	outcome("sendall after shutdown", sockd_sendall(client, "x", 1, 0, NULL));
	sockd_close(server);
	sockd_close(client);
	sockd_close(accepted);
}

static void datagrams(void)
{
	const struct sockaddr_in here = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = sockd_socket(AF_INET, SOCK_DGRAM, 0), two = sockd_socket(AF_INET, SOCK_DGRAM, 0);
	char text[128];

	sockd_bind(one, (const struct sockaddr *)&here, sizeof here);
	sockd_bind(two, (const struct sockaddr *)&here, sizeof here);
	sockd_settimeout(one, 1000000);
	union any to = name_of(one), from = name_of(two), address = {0};
	socklen_t size = sizeof address;
	printf("sent %zd\n", sockd_sendto(two, "datagram", 8, 0, &to.any, sizeof to.inet));
	ssize_t n = sockd_recvfrom(one, text, 100, 0, &address.any, &size);
	printf("received %.*s %s\n", (int)n, text, truth(is_same(&address, &from)));
	printf("sent %zd\n", sockd_sendto(two, "", 0, 0, &to.any, sizeof to.inet));
	printf("received %zd\n", sockd_recvfrom(one, text, 100, 0, &address.any, &size));
	printf("sent %zd\n", sockd_sendto(two, "datagram", 8, 0, &to.any, sizeof to.inet));
	struct iovec part = {text, 4};
	struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = sizeof address,
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	n = sockd_recvmsg(one, &message, 0);
	printf("cut off %.*s %s %s\n", (int)n, text, truth(message.msg_flags & MSG_TRUNC),
		truth(is_same(&address, &from)));
	sockd_settimeout(one, 50000);
	outcome("none", sockd_recvfrom(one, text, 1, 0, NULL, NULL));
	outcome("no address", sockd_send(one, "x", 1, 0));
	sockd_close(one);
	sockd_close(two);
}

static void connecting(void)
{
	char port[8], text[INET_ADDRSTRLEN];
	int server = sockd_create_server(AF_INET, HOST, "0", SOCKD_BACKLOG, 0);
	union any address = name_of(server);
	int64_t usual = SOCKD_DEFAULT_TIMEOUT;

	section("connecting");
	port_of(server, port);
	int s = sockd_socket(AF_INET, SOCK_STREAM, 0);
	sockd_setblocking(s, 0);
	printf("begun %s\n",
		strerrorname_np(sockd_connect_ex(s, &address.any, sizeof address.inet)));
	sockd_close(s);
	made("connected", sockd_create_connection(HOST, port, usual, NULL, NULL));
	made("connected", sockd_create_connection("localhost", port, 5000000, NULL, NULL));
	s = sockd_create_connection(HOST, port, 5000000, "127.0.0.7", NULL);
	union any own = name_of(s);
	printf("from elsewhere %s\n", inet_ntop(AF_INET, &own.inet.sin_addr, text, sizeof text));
	sockd_close(s);
	made("no time", sockd_create_connection(HOST, port, 0, NULL, NULL));
	made("no such name", sockd_create_connection("", port, usual, NULL, NULL));
	made("no such service",
		sockd_create_connection(HOST, "no-such-service", usual, NULL, NULL));
	made("from what is not here",
		sockd_create_connection(HOST, port, 5000000, "192.0.2.1", NULL));
	made("from another family", sockd_create_connection(HOST, port, 5000000, "::1", NULL));
	sockd_close(server);
	made("refused", sockd_create_connection(HOST, port, usual, NULL, NULL));
	made("refused in time", sockd_create_connection(HOST, port, 5000000, NULL, NULL));
	s = sockd_socket(AF_INET, SOCK_STREAM, 0);
	printf("refused %s\n",
		strerrorname_np(sockd_connect_ex(s, &address.any, sizeof address.inet)));
	outcome("refused", sockd_connect(s, &address.any, sizeof address.inet));
	sockd_close(s);
}

static void servers(void)
{
	static const struct {
		int family;
		const char *host;
		int backlog;
		unsigned flags;
	} options[] = {
		{AF_INET, "", SOCKD_BACKLOG, 0},
		{AF_INET, HOST, 7, 0},
		{AF_INET, HOST, SOCKD_BACKLOG, SOCKD_REUSE_PORT},
		{AF_INET6, "", SOCKD_BACKLOG, 0},
		{AF_INET6, "::1", SOCKD_BACKLOG, 0},
		{AF_INET6, "", SOCKD_BACKLOG, SOCKD_DUALSTACK},
	};
	char text[INET6_ADDRSTRLEN], port[8];

	section("servers");
	printf("dualstack %d\n", sockd_has_dualstack_ipv6());
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int family = options[i].family;
		int s = sockd_create_server(
			family, options[i].host, "0", options[i].backlog, options[i].flags);
		union any own = name_of(s);
		struct tcp_info info = {0};
		socklen_t size = sizeof info;
		getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &size);
		const void *address =
			family == AF_INET ? (const void *)&own.inet.sin_addr : &own.inet6.sin6_addr;
		printf("%s %d %d %d %d %d %u\n", inet_ntop(family, address, text, sizeof text),
			number(s, SOL_SOCKET, SO_DOMAIN), number(s, SOL_SOCKET, SO_TYPE),
			number(s, SOL_SOCKET, SO_REUSEADDR), number(s, SOL_SOCKET, SO_REUSEPORT),
			number(s, SOL_SOCKET, SO_ACCEPTCONN), info.tcpi_sacked);
		if (family == AF_INET6)
			printf("alone %d\n", number(s, IPPROTO_IPV6, IPV6_V6ONLY));
		port_of(s, port);
		made("by IPv4", sockd_create_connection(HOST, port, 2000000, NULL, NULL));
		made("once more",
			sockd_create_server(family, options[i].host, port, SOCKD_BACKLOG, 0));
		sockd_close(s);
	}
	made("dualstack of IPv4",
		sockd_create_server(AF_INET, HOST, "0", SOCKD_BACKLOG, SOCKD_DUALSTACK));
	made("no such name", sockd_create_server(AF_INET, "::1", "0", SOCKD_BACKLOG, 0));
	made("not here", sockd_create_server(AF_INET, "192.0.2.1", "0", SOCKD_BACKLOG, 0));
}

static uint32_t checksum(const unsigned char *data, size_t size)
{
	uint32_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value * 31 + data[i];
	return value;
}

static void send_parts(int file)
{
	static const struct {
		int64_t offset, count;
	} parts[] = {{0, SOCKD_TO_END}, {0, 1}, {100, 5000}, {19990, SOCKD_TO_END}, {19990, 100},
		{20000, SOCKD_TO_END}, {30000, 5}, {0, 0}, {0, -5}};
	static unsigned char came[30000];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int pair[2];
		sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		lseek(file, 3, SEEK_SET);
		printf("file %d ", (int)parts[i].offset);
		int64_t sent = sockd_sendfile(pair[0], file, parts[i].offset, parts[i].count);
		if (sent < 0)
			printf("%s\n", error_name());
		else {
			shutdown(pair[0], SHUT_WR);
			FILE *stream = sockd_makefile(pair[1], "rb");
			size_t n = fread(came, 1, sizeof came, stream);
			fclose(stream);
			printf("%" PRId64 " %d %zu %08x\n", sent, (int)lseek(file, 0, SEEK_CUR), n,
				checksum(came, n));
		}
		sockd_close(pair[0]);
		sockd_close(pair[1]);
	}
}

static void files(void)
{
	static unsigned char content[20000];
	int pair[2], file = memfd_create("file", MFD_CLOEXEC);
	char *text = NULL;
	size_t room = 0;

	section("files");
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (unsigned char)(i * 7 + i / 251);
	if (write(file, content, sizeof content) != sizeof content)
		abort();
	send_parts(file);
	sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	sockd_setblocking(pair[0], 0);
	outcome("non-blocking", sockd_sendfile(pair[0], file, 0, SOCKD_TO_END));
	sockd_close(pair[0]);
	sockd_close(pair[1]);
	close(file);

	sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	FILE *reader = sockd_makefile(pair[0], "r"), *writer = sockd_makefile(pair[1], "w");
	sockd_close(pair[0]);
	sockd_close(pair[1]);
	fputs("first line\nsecond line\n", writer);
	fflush(writer);
	if (getline(&text, &room, reader) > 0)
		printf("%s", text);
	fputs("end", writer);
	fclose(writer);
	while (getline(&text, &room, reader) > 0)
		printf("%s", text);
	putchar('\n');
	fclose(reader);
	free(text);

	char came[100];
	sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	FILE *stream = sockd_makefile(pair[0], "wb");
	fputs("by stream, ", stream);
	fclose(stream);
	sockd_sendall(pair[0], "by socket", 9, 0, NULL);
	sockd_close(pair[0]);
	printf("%.*s\n", (int)sockd_recv(pair[1], came, sizeof came, MSG_WAITALL), came);
	sockd_close(pair[1]);

	sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	sockd_settimeout(pair[0], 50000);
	stream = sockd_makefile(pair[0], "rb");
	outcome("timed out", fgets(came, sizeof came, stream) ? 0 : -1);
	fclose(stream);
	sockd_close(pair[0]);
	sockd_close(pair[1]);
}

static void descriptors(void)
{
	char text[101] = "";
	int pair[2], ends[2], fds[5], flags;
	size_t n_fds = ARRAY_SIZE(fds);

	section("descriptors");
	sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	printf("sent %zd\n", sockd_send_fds(pair[0], "two ends", 8, ends, 2, 0));
	ssize_t n = sockd_recv_fds(pair[1], text, 100, fds, &n_fds, 0, &flags);
	printf("received %.*s %zu %d\n", (int)n, text, n_fds, flags & (MSG_TRUNC | MSG_CTRUNC));
	if (write(fds[1], "through the pipe", 16) != 16)
		abort();
	printf("%.*s\n", (int)read(ends[0], text, 100), text);
	close(ends[0]);
	close(ends[1]);
	close(fds[0]);
	close(fds[1]);

	int on = 1, level, type;
	setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	struct sockd_control *control = sockd_control_new();
	struct iovec parts[2] = {{(char *)"who", 3}, {(char *)" am I", 5}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	sockd_control_add_credentials(control, getpid(), getuid(), getgid());
	sockd_control_attach(control, &message);
	printf("sent %zd\n", sockd_sendmsg(pair[0], &message, 0));
	parts[0] = (struct iovec){text, 100};
	message = (struct msghdr){.msg_iov = parts, .msg_iovlen = 1};
	n = sockd_recvmsg_control(pair[1], &message, control, 0);
	sockd_control_get(control, 0, &level, &type, NULL, NULL);
	pid_t pid = 0;
	uid_t uid = 1;
	gid_t gid = 1;
	sockd_control_get_credentials(control, &pid, &uid, &gid);
	printf("received %.*s %zu %s %s %s\n", (int)n, text, sockd_control_count(control),
		truth(level == SOL_SOCKET), truth(type == SCM_CREDENTIALS),
		truth(pid == getpid() && uid == getuid() && gid == getgid()));
	char first[3], second[10];
	sockd_send(pair[0], "parts of it", 11, 0);
	parts[0] = (struct iovec){first, sizeof first};
	parts[1] = (struct iovec){second, sizeof second};
	message = (struct msghdr){.msg_iov = parts, .msg_iovlen = 2};
	n = sockd_recvmsg_control(pair[1], &message, control, 0);
	printf("received %zd %.3s %.*s\n", n, first, (int)n - 3, second);
	sockd_control_free(control);
	sockd_send(pair[0], "into", 4, 0);
	n = sockd_recv(pair[1], text, 20, 0);
	printf("received %zd %.*s\n", n, (int)n, text);
	sockd_close(pair[0]);
	printf("end %zd\n", sockd_recv(pair[1], text, 20, 0));
	sockd_close(pair[1]);
	outcome("closed", sockd_recv(pair[1], text, 1, 0));
}

int main(void)
{
	timeouts();
	defaults();
	inheritance();
	section("transfer");
	streams();
	datagrams();
	connecting();
	servers();
	files();
	descriptors();
	return 0;
}
