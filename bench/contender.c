#include "bench/contender.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/floor.h"
#include "lib/sockd.h"
#include "proto/transport.h"
#include "proto/wire.h"
#include "tests/daemon/harness.h"

const char *const contender_names[N_CONTENDERS] = {
	[PLAIN] = "socket() and close(), no broker",
	[FLOOR] = "floor",
	[SOCKD] = "sockd: one OPEN",
	[FLOOR_BATCH] = "floor: 64 sockets in one message",
	[SOCKD_BATCH] = "sockd: one OPEN of 64 sockets",
	[FLOOR_RAW] = "floor: a raw ICMP socket",
	[SOCKD_RAW] = "sockd: a raw ICMP socket",
	[LIBRARY_CALL] = "libsockd: sockd_socket(), raw ICMP",
	[LIBRARY_BUILD] = "libsockd: sockd_request_open(), raw ICMP",
};

static _Noreturn void die(const char *what, int error)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(error));
	_exit(EXIT_FAILURE);
}

unsigned contender_sockets(enum contender contender)
{
	return contender == FLOOR_BATCH || contender == SOCKD_BATCH ? BATCH : 1;
}

int connect_to_floor(const char *path)
{
	int fd = client_connect(path);
	if (fd < 0)
		die("connecting to the floor", -fd);
	return fd;
}

int connect_to_sockd(const char *path)
{
	int fd = client_greet(path);
	if (fd < 0)
		die("connecting to sockd", -fd);
	return fd;
}

void send_to_floor(int fd, int type, int protocol, unsigned count)
{
	const struct floor_request request = {
		.domain = AF_INET, .type = type, .protocol = protocol, .count = count};
	if (send(fd, &request, sizeof request, MSG_NOSIGNAL) != sizeof request)
		die("sending to the floor", errno);
}

void finish_floor(int fd, unsigned count)
{
	union {
		struct cmsghdr align;
		char buffer[CMSG_SPACE(sizeof(int) * FLOOR_COUNT_MAX)];
	} control;
	char done;
	struct iovec iov = {.iov_base = &done, .iov_len = 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof control.buffer};
	int fds[FLOOR_COUNT_MAX];

	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != 1)
		die("receiving from the floor", errno);
	const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_len != CMSG_LEN(count * sizeof(int)))
		die("the floor's descriptors", EBADMSG);
	memcpy(fds, CMSG_DATA(head), count * sizeof(int));
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

void send_to_sockd(int fd, int type, int protocol, unsigned count)
{
	static struct wire_request request;
	unsigned char packet[sizeof(struct wire_header) + sizeof(struct wire_open)];

	request.verb = WIRE_OPEN;
	request.serial++;
	request.domain = AF_INET;
	request.type = type;
	request.protocol = protocol;
	request.count = count;
	ssize_t size = wire_encode_request(&request, packet, sizeof packet);
	int r = size < 0 ? (int)size : transport_send(fd, packet, (size_t)size, NULL, 0, 0);
	if (r < 0)
		die("sending to sockd", -r);
}

void finish_sockd(int fd, unsigned count)
{
	unsigned char packet[1024];
	int fds[WIRE_COUNT_MAX];
	struct transport_message message;
	struct wire_reply reply;

	int r = transport_receive(fd, packet, sizeof packet, fds, count, 0, &message);
	if (r >= 0)
		r = wire_decode_reply(packet, message.size, &reply);
	if (r < 0)
		die("receiving from sockd", -r);
	if (reply.answer.error != 0) {
		fprintf(stderr, "bench: sockd: %.*s\n", (int)reply.answer.text_size, reply.text);
		die("an OPEN was refused", reply.answer.error);
	}
	if (message.n_fds != count)
		die("sockd's descriptors", EBADMSG);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

static void ask_floor(const char *path, int type, int protocol, unsigned count)
{
	static int fd = -1;

	if (fd < 0)
		fd = connect_to_floor(path);
	send_to_floor(fd, type, protocol, count);
	finish_floor(fd, count);
}

static void ask_sockd(const char *path, int type, int protocol, unsigned count)
{
	static int fd = -1;

	if (fd < 0)
		fd = connect_to_sockd(path);
	send_to_sockd(fd, type, protocol, count);
	finish_sockd(fd, count);
}

static void close_or_die(int fd, const char *what)
{
	if (fd < 0) {
		fprintf(stderr, "bench: %s\n", sockd_reason());
		die(what, errno);
	}
	close(fd);
}

void contender_run(const struct servers *servers, enum contender contender)
{
	static struct sockd_request *built;

	switch (contender) {
	case PLAIN:
		close_or_die(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
		break;
	case FLOOR:
		ask_floor(servers->floor, SOCK_DGRAM, 0, 1);
		break;
	case SOCKD:
		ask_sockd(servers->sockd, SOCK_DGRAM, 0, 1);
		break;
	case FLOOR_BATCH:
		ask_floor(servers->floor, SOCK_DGRAM, 0, BATCH);
		break;
	case SOCKD_BATCH:
		ask_sockd(servers->sockd, SOCK_DGRAM, 0, BATCH);
		break;
	case FLOOR_RAW:
		ask_floor(servers->floor, SOCK_RAW, IPPROTO_ICMP, 1);
		break;
	case SOCKD_RAW:
		ask_sockd(servers->sockd, SOCK_RAW, IPPROTO_ICMP, 1);
		break;
	case LIBRARY_CALL:
		close_or_die(sockd_socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP),
			"sockd_socket");
		break;
	case LIBRARY_BUILD:
		if (!built)
			built = sockd_request_new(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
		close_or_die(sockd_request_open(built), "sockd_request_open");
		break;
	case N_CONTENDERS:
		break;
	}
}
