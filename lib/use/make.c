/* Sockets from nothing and from descriptors that are there already. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/calls.h"
#include "lib/kernel.h"
#include "lib/sockd.h"
#include "lib/use/timeout.h"
#include "proto/macro.h"

int sockd_socket(int domain, int type, int protocol)
{
	return timeout_set_default_or_close(
		call_socket(domain, type | SOCK_CLOEXEC, protocol), type);
}

int sockd_socketpair(int domain, int type, int protocol, int ret_fds[2])
{
	int fds[2];

	if (socketpair(domain, type | SOCK_CLOEXEC, protocol, fds) < 0)
		return -1;
	if (timeout_set_default(fds[0], type) < 0 || timeout_set_default(fds[1], type) < 0) {
		close_quietly(fds[0]);
		close_quietly(fds[1]);
		return -1;
	}
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}

int sockd_has_dualstack_ipv6(void)
{
	int saved_errno = errno, off = 0;
	_cleanup_close_ int fd = call_socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has =
		fd >= 0 && kernel_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;

	errno = saved_errno;
	return has;
}

int sockd_fromfd(int fd)
{
	int saved_errno = errno;

	if (kernel_socket_number(fd, SO_TYPE) < 0)
		return -1;
	errno = saved_errno;
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
