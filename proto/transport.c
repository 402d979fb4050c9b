#include "proto/transport.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "proto/macro.h"
#include "proto/wire.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

int transport_send(int fd, const void *packet, size_t size, const int *fds, size_t n_fds, int flags)
{
	union {
		struct cmsghdr align;
		char buffer[CMSG_SPACE(sizeof(int) * WIRE_COUNT_MAX)];
	} control;
	struct iovec iov = {.iov_base = (void *)packet, .iov_len = size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > WIRE_COUNT_MAX)
		return -EINVAL;
	if (n_fds > 0) {
		size_t bytes = sizeof(int) * n_fds;
		message.msg_control = control.buffer;
		message.msg_controllen = CMSG_SPACE(bytes);
		struct cmsghdr *head = &control.align;
		memset(head, 0, CMSG_SPACE(bytes)); /* the padding too is sent */
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(head), fds, bytes);
	}
	for (;;) {
		ssize_t n = n_fds > 0 ? sendmsg(fd, &message, flags | MSG_NOSIGNAL)
				      : send(fd, packet, size, flags | MSG_NOSIGNAL);
		if (n >= 0)
			return (size_t)n == size ? 0 : -EMSGSIZE;
		if (errno != EINTR)
			return negative_errno();
	}
}

/* Stores descriptors in the array as long as there is room, closes the rest. */
static void take_fds(
	const struct cmsghdr *head, int *fds, size_t max_fds, size_t *n_fds, bool *ret_too_many)
{
	size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
		if (*n_fds < max_fds)
			fds[(*n_fds)++] = fd;
		else {
			close_quietly(fd);
			*ret_too_many = true;
		}
	}
}

int transport_receive_keeping(int fd, void *buffer, size_t size, int *fds, size_t max_fds,
	int flags, struct transport_message *ret)
{
	/* Room for the most that the kernel can deliver, so that too many descriptors are seen and
	 * closed here and not mistaken for a truncated message. */
	union {
		struct cmsghdr align;
		char buffer[CMSG_SPACE(sizeof(int) * WIRE_COUNT_MAX) +
			    CMSG_SPACE(sizeof(struct ucred)) + 256];
	} control;
	struct iovec iov = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof control.buffer,
	};
	struct transport_message result = {0};
	bool bad = false;
	ssize_t n;

	if (max_fds > WIRE_COUNT_MAX)
		return -EINVAL;
	do
		n = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return negative_errno();

	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head;
		head = CMSG_NXTHDR(&message, head))
		if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
			take_fds(head, fds, max_fds, &result.n_fds, &bad);
		else if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS &&
			 head->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
			struct ucred credentials;
			memcpy(&credentials, CMSG_DATA(head), sizeof credentials);
			result.has_credentials = true;
			result.pid = credentials.pid;
			result.uid = credentials.uid;
			result.gid = credentials.gid;
		} else
			bad = true;

	result.size = (size_t)n;
	*ret = result;
	if (message.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	return bad || message.msg_flags & MSG_CTRUNC ? -EBADMSG : 0;
}

int transport_receive(int fd, void *buffer, size_t size, int *fds, size_t max_fds, int flags,
	struct transport_message *ret)
{
	struct transport_message message = {0};
	int r = transport_receive_keeping(fd, buffer, size, fds, max_fds, flags, &message);

	if (r < 0) {
		for (size_t i = 0; i < message.n_fds; i++)
			close_quietly(fds[i]);
		return r;
	}
	*ret = message;
	return 0;
}

void transport_pass_fds(int fd, bool pass)
{
	const int value = pass;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &value, sizeof value);
}
