/*
 * Makes its system calls itself, with no function of the C library between it and the kernel:
 *
 *   direct [closed FILE] echo ADDRESS    one echo over a raw socket
 *   direct [closed FILE] serve PORT      answers one client on a TCP port
 *   direct [closed FILE] mark NUMBER     sets SO_MARK on a UDP socket
 *
 * closed FILE: closes every descriptor that it has first, and writes what it has to say to FILE.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static int failed(const char *call)
{
	printf("%s: %s\n", call, strerror(errno));
	return 1;
}

static uint16_t checksum(const void *data, size_t size)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size / sizeof(*words); i++)
		sum += words[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}

static int echo(const char *to)
{
	struct {
		struct icmphdr header;
		char payload[24];
	} message = {
		.header = {.type = ICMP_ECHO, .un.echo.id = (uint16_t)getpid()},
		.payload = "an echo of direct calls",
	};
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct timeval patience = {.tv_sec = 5};
	unsigned char answer[2048];

	if (inet_pton(AF_INET, to, &address.sin_addr) != 1)
		return failed(to);
	message.header.checksum = checksum(&message, sizeof(message));
	long fd = syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	if (fd < 0)
		return failed("socket");
	if (syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return failed("setsockopt");
	if (syscall(SYS_sendto, fd, &message, sizeof(message), 0, &address, sizeof(address)) < 0)
		return failed("sendto");
	for (;;) {
		long n = syscall(SYS_recvfrom, fd, answer, sizeof(answer), 0, NULL, NULL);
		if (n < 0)
			return failed("recvfrom");
		size_t head = (answer[0] & 15U) * 4U;
		if ((size_t)n == head + sizeof(message) && answer[head] == ICMP_ECHOREPLY &&
			memcmp(answer + head + sizeof(message.header), message.payload,
				sizeof(message.payload)) == 0)
			break;
	}
	printf("answered %s on descriptor %ld\n", to, fd);
	return 0;
}

static int serve(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	static const char page[] = "HTTP/1.0 200 OK\r\n\r\nserved by direct calls\n";
	int on = 1;

	long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return failed("socket");
	if (syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return failed("setsockopt");
	if (syscall(SYS_bind, fd, &address, sizeof(address)) < 0)
		return failed("bind");
	if (syscall(SYS_listen, fd, 5) < 0)
		return failed("listen");
	printf("listening on %s\n", port);
	fflush(stdout);
	long client = syscall(SYS_accept4, fd, NULL, NULL, 0);
	if (client < 0)
		return failed("accept");
	char request[4096];
	if (read((int)client, request, sizeof(request)) < 0)
		return failed("read");
	if (write((int)client, page, sizeof(page) - 1) < 0)
		return failed("write");
	return 0;
}

static int mark(const char *number)
{
	int wanted = atoi(number), got = 0;
	socklen_t size = sizeof(got);

	long fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return failed("socket");
	if (syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_MARK, &wanted, sizeof(wanted)) < 0)
		return failed("setsockopt");
	if (syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_MARK, &got, &size) < 0)
		return failed("getsockopt");
	printf("the mark is %d\n", got);
	return got == wanted ? 0 : 1;
}

static int close_all(const char *file)
{
	for (int fd = 0; fd < 4096; fd++)
		close(fd);
	/* Only what it says goes there; the numbers 0 and 2 stay free. */
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd != 0 || dup2(fd, 1) != 1)
		return -1;
	return close(fd);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*function)(const char *argument);
	} actions[] = {{"echo", echo}, {"serve", serve}, {"mark", mark}};

	if (argc == 5 && strcmp(argv[1], "closed") == 0) {
		if (close_all(argv[2]) < 0)
			return 2;
		argc -= 2;
		argv += 2;
	}
	for (size_t i = 0; argc == 3 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(argv[1], actions[i].name) == 0)
			return actions[i].function(argv[2]);
	return 2;
}
