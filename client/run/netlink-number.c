#include "client/run/netlink-number.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "client/run/target.h"
#include "lib/kernel.h"

#define TRIES 16

int netlink_number_bind(const struct call *call, int fd, struct sockaddr_nl *address,
	socklen_t size, bind_function *bind_by)
{
	const struct sockaddr *any = (const struct sockaddr *)address;
	struct sockaddr_nl own = {0};
	socklen_t own_size = sizeof own;

	if (address->nl_pid != 0 ||
		(kernel_getsockname(fd, &own, &own_size) == 0 && own.nl_pid != 0))
		return given_bind(fd, any, size, bind_by);
	pid_t process = target_process(&call->target);
	address->nl_pid = process > 0 ? (uint32_t)process : 0;
	for (int i = 0; i < TRIES; i++) {
		int r = given_bind(fd, any, size, bind_by);
		if (r == 0 || errno != EADDRINUSE)
			return r;
		address->nl_pid = (uint32_t) - (4096 + (int32_t)(random() & 0xffffff));
	}
	return -1;
}

static int bind_by_kernel(int fd, const struct sockaddr *address, socklen_t size)
{
	return kernel_bind(fd, address, size);
}

void netlink_number_ensure(const struct call *call, int fd)
{
	/* The groups that it has joined are named again, or bind would leave them. */
	struct sockaddr_nl own = {0};
	socklen_t size = sizeof own;

	if (kernel_getsockname(fd, &own, &size) == 0 && own.nl_pid == 0)
		(void)netlink_number_bind(call, fd, &own, sizeof own, bind_by_kernel);
}
