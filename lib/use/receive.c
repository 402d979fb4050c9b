/* Receiving and accepting. */
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

#include "lib/kernel.h"
#include "lib/sockd.h"
#include "lib/span.h"
#include "lib/use/timeout.h"
#include "lib/use/wait.h"
#include "proto/macro.h"

/* A socket that was accepted may have its listening socket's timeout: the kernel copies it for some
 * families. */
static int set_accepted_timeout(int fd)
{
	if (sockd_getdefaulttimeout() != SOCKD_FOREVER)
		return timeout_set_default(fd, 0);
	if (span_of_socket(fd, SO_RCVTIMEO) == SPAN_FOREVER &&
		span_of_socket(fd, SO_SNDTIMEO) == SPAN_FOREVER)
		return 0;
	return sockd_settimeout(fd, SOCKD_FOREVER);
}

int sockd_accept(int fd, struct sockaddr *ret_address, socklen_t *size)
{
	struct waiting wait = waiting_to_receive(fd, 0);
	int accepted;

	do
		accepted = accept4(fd, ret_address, size, SOCK_CLOEXEC);
	while (accepted < 0 && waiting_again(&wait));
	if (accepted >= 0 && set_accepted_timeout(accepted) < 0) {
		close_quietly(accepted);
		return -1;
	}
	return (int)waiting_end(&wait, accepted);
}

ssize_t sockd_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *ret_address,
	socklen_t *address_size)
{
	struct waiting wait = waiting_to_receive(fd, flags);
	ssize_t n;

	if (size > SSIZE_MAX) {
		errno = EINVAL;
		return -1;
	}
	do
		n = recvfrom(fd, buffer, size, flags | wait.flags, ret_address, address_size);
	while (n < 0 && waiting_again(&wait));
	return waiting_end(&wait, n);
}

ssize_t sockd_recv(int fd, void *buffer, size_t size, int flags)
{
	/* The kernel would wait for bytes that nobody wants, and drop descriptors that came with
	 * them. A datagram is another matter: it is received, and its size told. */
	if (size == 0 && !(flags & MSG_ERRQUEUE)) {
		int type = kernel_socket_number(fd, SO_TYPE);
		if (type < 0)
			return -1;
		if (type == SOCK_STREAM)
			return 0;
	}
	return sockd_recvfrom(fd, buffer, size, flags, NULL, NULL);
}
