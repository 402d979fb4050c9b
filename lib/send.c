/* sendto and sendmsg: plain calls, but for what an unprivileged process says to the kernel by
 * netlink, and to a Bluetooth controller. */
#include "lib/send.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "lib/ask.h"
#include "lib/bluetooth.h"
#include "lib/kernel.h"
#include "lib/netlink.h"
#include "lib/reason.h"
#include "lib/scratch.h"
#include "proto/macro.h"

/* Flags that change nothing about who is asked and what is sent. */
#define PLAIN_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CONFIRM)

/* What is left of a packet for the message itself. */
#define MESSAGE_MAX (WIRE_PACKET_MAX - 512u)

ssize_t send_size(const struct msghdr *message)
{
	size_t total = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++) {
		if (message->msg_iov[i].iov_len > MESSAGE_MAX - total)
			return -1;
		total += message->msg_iov[i].iov_len;
	}
	return (ssize_t)total;
}

bool send_concerns_broker(int fd)
{
	int saved_errno = errno;
	bool concerns = kernel_socket_number(fd, SO_DOMAIN) == AF_NETLINK || bluetooth_is_hci(fd);

	errno = saved_errno;
	return concerns;
}

static bool is_plain(const struct msghdr *message, int flags)
{
	return message && message->msg_controllen == 0 && message->msg_iov &&
	       !(flags & ~PLAIN_FLAGS);
}

/* The message in one piece: its own where it is one. NULL: it has no bytes, or too many. */
static const void *gather(const struct msghdr *message, struct scratch *scratch, size_t *ret_size)
{
	ssize_t size = send_size(message);

	if (size <= 0)
		return NULL;
	*ret_size = (size_t)size;
	if (message->msg_iovlen == 1)
		return message->msg_iov[0].iov_base;
	unsigned char *gathered = scratch_get(scratch, (size_t)size), *end = gathered;
	for (size_t i = 0; gathered && i < message->msg_iovlen; i++) {
		const struct iovec *part = &message->msg_iov[i];
		if (part->iov_len > 0)
			end = mempcpy(end, part->iov_base, part->iov_len);
	}
	return gathered;
}

static enum send_verdict send_by_broker(int fd, const struct wire_step *step)
{
	struct ask_result result;
	int saved_errno = errno;

	switch (ask_apply(fd, step, 1, true, &result)) {
	case ASK_DONE:
		errno = saved_errno;
		return SEND_DONE;
	case ASK_FAILED:
		errno = result.error;
		return SEND_FAILED;
	case ASK_REFUSED:
	case ASK_ABSENT:
		break;
	}
	errno = saved_errno;
	return SEND_PLAINLY;
}

/* For a message that is known to go to the kernel by this netlink protocol. */
static __attribute__((noinline)) enum send_verdict consider(
	int fd, int protocol, const struct msghdr *message, int flags)
{
	/* The address is always given: without one the kernel would ask for the right of the
	 * socket's opener too, who is the unprivileged caller. */
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	_cleanup_scratch_ struct scratch scratch = {0};
	size_t size;

	const void *data = gather(message, &scratch, &size);
	if (!data || !netlink_is_privileged(protocol, data, size) || netlink_have_right(fd))
		return SEND_PLAINLY;
	netlink_ensure_bound(fd);
	const struct wire_step step = {
		.kind = WIRE_STEP_SEND,
		.a = flags & MSG_DONTWAIT,
		.address = &kernel,
		.address_size = sizeof kernel,
		.data = data,
		.data_size = size,
	};
	return send_by_broker(fd, &step);
}

enum send_verdict send_instead(int fd, const struct msghdr *message, int flags)
{
	int saved_errno = errno, protocol;
	enum send_verdict verdict = SEND_PLAINLY;

	reason_clear();
	if (is_plain(message, flags) &&
		netlink_is_to_kernel(fd, message->msg_name, message->msg_namelen, &protocol))
		verdict = consider(fd, protocol, message, flags);
	if (verdict != SEND_FAILED)
		errno = saved_errno;
	return verdict;
}

static __attribute__((noinline)) enum send_verdict consider_again(
	int fd, const struct msghdr *message, int flags)
{
	_cleanup_scratch_ struct scratch scratch = {0};
	size_t size;

	/* HCI sockets know no address. */
	if (!is_plain(message, flags) || message->msg_namelen > 0 || !bluetooth_is_hci(fd))
		return SEND_PLAINLY;
	const void *data = gather(message, &scratch, &size);
	if (!data)
		return SEND_PLAINLY;
	const struct wire_step step = {
		.kind = WIRE_STEP_SEND,
		.a = flags & MSG_DONTWAIT,
		.data = data,
		.data_size = size,
	};
	return send_by_broker(fd, &step);
}

enum send_verdict send_after(int fd, const struct msghdr *message, int flags)
{
	return errno == EPERM ? consider_again(fd, message, flags) : SEND_PLAINLY;
}

/* What the caller gets where the broker had the last word, or the kernel with sent. */
static ssize_t conclude(enum send_verdict verdict, const struct msghdr *message, ssize_t sent)
{
	switch (verdict) {
	case SEND_DONE:
		return send_size(message);
	case SEND_FAILED:
		return -1;
	case SEND_PLAINLY:
		break;
	}
	return sent;
}

ssize_t call_sendmsg_by(int fd, const struct msghdr *message, int flags, send_plainly *plainly)
{
	int saved_errno = errno;

	enum send_verdict verdict = send_instead(fd, message, flags);
	if (verdict != SEND_PLAINLY)
		return conclude(verdict, message, -1);
	ssize_t sent = plainly(fd, message, flags);
	if (sent >= 0)
		return sent;
	verdict = send_after(fd, message, flags);
	if (verdict == SEND_DONE)
		errno = saved_errno;
	return conclude(verdict, message, sent);
}

static ssize_t send_by_kernel(int fd, const struct msghdr *message, int flags)
{
	return kernel_sendmsg(fd, message, flags);
}

ssize_t call_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return call_sendmsg_by(fd, message, flags, send_by_kernel);
}

ssize_t call_sendto(int fd, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size)
{
	struct iovec iov = {.iov_base = (void *)buffer, .iov_len = size};
	const struct msghdr message = {
		.msg_name = (void *)address,
		.msg_namelen = address ? address_size : 0,
		.msg_iov = &iov,
		.msg_iovlen = buffer ? 1 : 0,
	};
	int saved_errno = errno;

	enum send_verdict verdict = send_instead(fd, &message, flags);
	if (verdict != SEND_PLAINLY)
		return conclude(verdict, &message, -1);
	ssize_t sent = kernel_sendto(fd, buffer, size, flags, address, address_size);
	if (sent >= 0)
		return sent;
	verdict = send_after(fd, &message, flags);
	if (verdict == SEND_DONE)
		errno = saved_errno;
	return conclude(verdict, &message, sent);
}
