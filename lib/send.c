/* sendto and sendmsg: plain calls, but for what an unprivileged process says to the kernel by
 * netlink. */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ask.h"
#include "lib/kernel.h"
#include "lib/netlink.h"
#include "lib/reason.h"
#include "lib/sockd.h"
#include "proto/macro.h"

/* Flags that change nothing about who is asked and what is sent. */
#define PLAIN_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CONFIRM)

/* What is left of a packet for the message itself. */
#define MESSAGE_MAX (WIRE_PACKET_MAX - 512u)

enum verdict {
	SEND_PLAINLY,
	SENT,
	SEND_FAILED, /* errno is set */
};

/* A negative size: more than can be put to the broker. */
static ssize_t total_size(const struct msghdr *message)
{
	size_t total = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++) {
		if (message->msg_iov[i].iov_len > MESSAGE_MAX - total)
			return -1;
		total += message->msg_iov[i].iov_len;
	}
	return (ssize_t)total;
}

static void gather(const struct msghdr *message, unsigned char *buffer)
{
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		const struct iovec *part = &message->msg_iov[i];
		if (part->iov_len > 0)
			memcpy(buffer, part->iov_base, part->iov_len);
		buffer += part->iov_len;
	}
}

/*
 * The address is always given: without one the kernel would ask for the right of the socket's
 * opener too, who is the unprivileged caller.
 */
static enum verdict send_by_broker(int fd, const void *data, size_t size, int flags)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct wire_step step = {
		.kind = WIRE_STEP_SEND,
		.a = flags & MSG_DONTWAIT,
		.address = &kernel,
		.address_size = sizeof kernel,
		.data = data,
		.data_size = size,
	};
	struct ask_result result;

	netlink_ensure_bound(fd);
	switch (ask_apply(fd, &step, 1, true, &result)) {
	case ASK_DONE:
		return SENT;
	case ASK_FAILED:
		errno = result.error;
		return SEND_FAILED;
	case ASK_REFUSED:
	case ASK_ABSENT:
		break;
	}
	return SEND_PLAINLY;
}

/* For a message that is known to go to the kernel by this netlink protocol. */
static __attribute__((noinline)) enum verdict consider(
	int fd, int protocol, const struct msghdr *message, int flags)
{
	_cleanup_free_ unsigned char *gathered = NULL;
	const void *data;

	ssize_t size = total_size(message);
	if (size <= 0)
		return SEND_PLAINLY;
	if (message->msg_iovlen == 1)
		data = message->msg_iov[0].iov_base;
	else {
		gathered = malloc((size_t)size);
		if (!gathered)
			return SEND_PLAINLY;
		gather(message, gathered);
		data = gathered;
	}
	if (!netlink_is_privileged(protocol, data, (size_t)size) || netlink_have_right(fd))
		return SEND_PLAINLY;
	return send_by_broker(fd, data, (size_t)size, flags);
}

ssize_t sockd_sendmsg(int fd, const struct msghdr *message, int flags)
{
	int saved_errno = errno, protocol;

	reason_clear();
	if (message && message->msg_controllen == 0 && message->msg_iov &&
		!(flags & ~PLAIN_FLAGS) &&
		netlink_is_to_kernel(fd, message->msg_name, message->msg_namelen, &protocol))
		switch (consider(fd, protocol, message, flags)) {
		case SENT:
			errno = saved_errno;
			return total_size(message);
		case SEND_FAILED:
			return -1;
		case SEND_PLAINLY:
			break;
		}
	errno = saved_errno;
	return kernel_sendmsg(fd, message, flags);
}

ssize_t sockd_sendto(int fd, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size)
{
	struct iovec iov = {.iov_base = (void *)buffer, .iov_len = size};
	const struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	int saved_errno = errno, protocol;

	reason_clear();
	if (buffer && !(flags & ~PLAIN_FLAGS) &&
		netlink_is_to_kernel(fd, address, address_size, &protocol))
		switch (consider(fd, protocol, &message, flags)) {
		case SENT:
			errno = saved_errno;
			return (ssize_t)size;
		case SEND_FAILED:
			return -1;
		case SEND_PLAINLY:
			break;
		}
	errno = saved_errno;
	return kernel_sendto(fd, buffer, size, flags, address, address_size);
}
