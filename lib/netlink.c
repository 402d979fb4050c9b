#include "lib/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/generic.h"
#include "lib/kernel.h"
#include "proto/constants.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif

/* Of one whole message. */
static bool takes_privilege(int protocol, const struct nlmsghdr *head, const void *message)
{
	if (head->nlmsg_type < NLMSG_MIN_TYPE ||
		constant_netlink_message_is_free(protocol, head->nlmsg_type))
		return false;
	return protocol != NETLINK_GENERIC || generic_takes_privilege(message, head->nlmsg_len);
}

bool netlink_is_privileged(int protocol, const void *data, size_t size)
{
	const unsigned char *next = data;
	struct nlmsghdr head;

	/* As the kernel walks: it stops at the first header that does not fit. */
	while (size >= sizeof head) {
		memcpy(&head, next, sizeof head);
		if (head.nlmsg_len < sizeof head || head.nlmsg_len > size)
			return false;
		if (takes_privilege(protocol, &head, next))
			return true;
		size_t step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step >= size)
			return false;
		next += step;
		size -= step;
	}
	return false;
}

/* SIOCGSKNS asks for exactly the right that netlink's writers are asked for, over the same
 * namespace. */
bool netlink_have_right(int fd)
{
	int namespace = ioctl(fd, SIOCGSKNS);

	if (namespace < 0)
		return false;
	kernel_close(namespace);
	return true;
}

static bool is_kernel(const struct sockaddr_nl *address)
{
	return address->nl_family == AF_NETLINK && address->nl_pid == 0 && address->nl_groups == 0;
}

bool netlink_is_to_kernel(int fd, const void *address, socklen_t size, int *ret_protocol)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (address && size > 0) {
		if (size < sizeof kernel)
			return false;
		memcpy(&kernel, address, sizeof kernel);
		if (!is_kernel(&kernel))
			return false;
	}
	if (kernel_socket_number(fd, SO_DOMAIN) != AF_NETLINK)
		return false;
	if (!address || size == 0) {
		socklen_t peer_size = sizeof kernel;
		if (syscall(SYS_getpeername, fd, &kernel, &peer_size) < 0 || !is_kernel(&kernel))
			return false;
	}
	int protocol = kernel_socket_number(fd, SO_PROTOCOL);
	if (protocol < 0)
		return false;
	*ret_protocol = protocol;
	return true;
}

void netlink_ensure_bound(int fd)
{
	struct sockaddr_nl own;
	socklen_t size = sizeof own;

	if (kernel_getsockname(fd, &own, &size) < 0 || own.nl_pid != 0)
		return;
	/* The groups it has joined are named again, or bind would leave them. A socket that may not
	 * name them is left as it is: only the number of its address is then another. */
	(void)kernel_bind(fd, &own, sizeof own);
}
