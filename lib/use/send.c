/* Sending: what concerns the broker (lib/send.h) with the waiting in its midst. */
#include "lib/send.h"

#include <errno.h>
#include <limits.h>

#include "lib/sockd.h"
#include "lib/use/wait.h"

static ssize_t send_and_wait(int fd, const struct msghdr *message, int flags)
{
	struct waiting wait = waiting_to_send(fd, flags);
	ssize_t n;

	do
		n = sendmsg(fd, message, flags | wait.flags);
	while (n < 0 && waiting_again(&wait));
	return waiting_end(&wait, n);
}

ssize_t sockd_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return call_sendmsg_by(fd, message, flags | MSG_NOSIGNAL, send_and_wait);
}

ssize_t sockd_sendto(int fd, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size)
{
	struct iovec part = {.iov_base = (void *)buffer, .iov_len = size};
	const struct msghdr message = {
		.msg_name = (void *)address,
		.msg_namelen = address ? address_size : 0,
		.msg_iov = &part,
		.msg_iovlen = 1,
	};

	if (size > SSIZE_MAX) {
		errno = EINVAL;
		return -1;
	}
	return sockd_sendmsg(fd, &message, flags);
}

ssize_t sockd_send(int fd, const void *buffer, size_t size, int flags)
{
	return sockd_sendto(fd, buffer, size, flags, NULL, 0);
}

static ssize_t send_by_kernel(int fd, const struct msghdr *message, int flags)
{
	return sendmsg(fd, message, flags);
}

int sockd_sendall(int fd, const void *buffer, size_t size, int flags, size_t *sent)
{
	struct waiting wait = waiting_to_send_all(fd, flags);
	struct iovec part;
	const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	size_t done = 0;
	ssize_t n = 0;

	if (size > SSIZE_MAX) {
		errno = EINVAL;
		n = -1;
	}
	/* Nothing is sent too, once: a datagram without bytes, or an error that waits. */
	if (n == 0)
		do {
			part.iov_base = (char *)buffer + done;
			part.iov_len = size - done;
			n = call_sendmsg_by(
				fd, &message, flags | wait.flags | MSG_NOSIGNAL, send_by_kernel);
			if (n > 0)
				done += (size_t)n;
		} while (n < 0 ? waiting_again(&wait) : done < size);
	if (sent)
		*sent = done;
	return n < 0 ? -1 : (int)waiting_end(&wait, 0);
}
