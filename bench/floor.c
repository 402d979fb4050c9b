/*
 * The floor: the least server that hands out sockets. It checks nothing, keeps nothing and writes
 * nothing down; what a broker costs is measured against it.
 *
 *   floor single   one connection at a time, blocking
 *   floor epoll    any number of connections
 *
 * The listening AF_UNIX SOCK_SEQPACKET socket is descriptor 3.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/floor.h"

#define LISTENER 3
#define EVENTS_MAX 64

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* One request: recvmsg, socket, sendmsg, close. Returns 0 where the client has gone. */
static int serve(int connection)
{
	struct floor_request request;
	struct iovec in = {.iov_base = &request, .iov_len = sizeof request};
	struct msghdr message = {.msg_iov = &in, .msg_iovlen = 1};
	union {
		struct cmsghdr align;
		char buffer[CMSG_SPACE(sizeof(int) * FLOOR_COUNT_MAX)];
	} control;
	int fds[FLOOR_COUNT_MAX];
	char done = 0;

	if (recvmsg(connection, &message, 0) != sizeof request || request.count == 0 ||
		request.count > FLOOR_COUNT_MAX)
		return 0;
	for (uint32_t i = 0; i < request.count; i++) {
		fds[i] = socket(request.domain, request.type | SOCK_CLOEXEC, request.protocol);
		if (fds[i] < 0)
			die("socket");
	}
	size_t bytes = request.count * sizeof(int);
	struct iovec out = {.iov_base = &done, .iov_len = 1};
	message = (struct msghdr){.msg_iov = &out,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = CMSG_SPACE(bytes)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	*head = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(bytes)};
	memcpy(CMSG_DATA(head), fds, bytes);
	if (sendmsg(connection, &message, MSG_NOSIGNAL) < 0)
		return 0;
	for (uint32_t i = 0; i < request.count; i++)
		close(fds[i]);
	return 1;
}

static void serve_singly(void)
{
	for (;;) {
		int connection = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
		if (connection < 0)
			die("accept");
		while (serve(connection))
			;
		close(connection);
	}
}

static void serve_by_epoll(void)
{
	struct epoll_event events[EVENTS_MAX], event = {.events = EPOLLIN, .data.fd = LISTENER};
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, LISTENER, &event) < 0)
		die("epoll");
	for (;;) {
		int n = epoll_wait(set, events, EVENTS_MAX, -1);
		if (n < 0)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd != LISTENER) {
				if (!serve(fd))
					close(fd);
				continue;
			}
			event.data.fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
			if (event.data.fd < 0 ||
				epoll_ctl(set, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
				die("accept");
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "single") == 0)
		serve_singly();
	if (argc == 2 && strcmp(argv[1], "epoll") == 0)
		serve_by_epoll();
	fprintf(stderr, "usage: floor single|epoll, with a listening socket on descriptor 3\n");
	return 2;
}
