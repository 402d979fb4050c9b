/*
 * libsockd-preload.so: the C library's names for the calls of libsockd, for a program that knows
 * nothing of sockd. Loaded with LD_PRELOAD.
 *
 * Sending concerns the broker only on netlink sockets, which are remembered as they are opened, so
 * that a send on any other costs one test of a bit.
 */
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/kernel.h"
#include "lib/sockd.h"

/* Defined under names of their own, because the headers of the C library declare the others in ways
 * of theirs. */
#define INTERPOSE(name) __asm__(#name) __attribute__((visibility("default"), used))

int preload_socket(int domain, int type, int protocol) INTERPOSE(socket);
int preload_bind(int fd, const struct sockaddr *address, socklen_t size) INTERPOSE(bind);
int preload_connect(int fd, const struct sockaddr *address, socklen_t size) INTERPOSE(connect);
int preload_listen(int fd, int backlog) INTERPOSE(listen);
int preload_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
	INTERPOSE(setsockopt);
ssize_t preload_send(int fd, const void *buffer, size_t size, int flags) INTERPOSE(send);
ssize_t preload_sendto(int fd, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size) INTERPOSE(sendto);
ssize_t preload_sendmsg(int fd, const struct msghdr *message, int flags) INTERPOSE(sendmsg);
int preload_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags) INTERPOSE(sendmmsg);

#define N_REMEMBERED 4096
#define WORD_BITS (sizeof(unsigned long) * CHAR_BIT)

static _Atomic unsigned long netlink_sockets[N_REMEMBERED / WORD_BITS];

static void remember(int fd, bool is_netlink)
{
	if (fd < 0 || fd >= N_REMEMBERED)
		return;
	unsigned long bit = 1ul << ((size_t)fd % WORD_BITS);
	_Atomic unsigned long *word = &netlink_sockets[(size_t)fd / WORD_BITS];

	if (is_netlink)
		atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
	else if (atomic_load_explicit(word, memory_order_relaxed) & bit)
		atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed);
}

/* A number beyond the memory may be one; the library then asks the kernel. */
static bool may_be_netlink(int fd, const struct sockaddr *address, socklen_t size)
{
	if (address && size >= sizeof(sa_family_t))
		return address->sa_family == AF_NETLINK;
	if (fd < 0)
		return false;
	if (fd >= N_REMEMBERED)
		return true;
	return atomic_load_explicit(
		       &netlink_sockets[(size_t)fd / WORD_BITS], memory_order_relaxed) &
	       1ul << ((size_t)fd % WORD_BITS);
}

int preload_socket(int domain, int type, int protocol)
{
	int fd = sockd_socket(domain, type, protocol);

	remember(fd, domain == AF_NETLINK);
	return fd;
}

int preload_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return sockd_bind(fd, address, size);
}

int preload_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return sockd_connect(fd, address, size);
}

int preload_listen(int fd, int backlog)
{
	return sockd_listen(fd, backlog);
}

int preload_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	return sockd_setsockopt(fd, level, name, value, size);
}

ssize_t preload_sendto(int fd, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size)
{
	if (!may_be_netlink(fd, address, address_size))
		return kernel_sendto(fd, buffer, size, flags, address, address_size);
	return sockd_sendto(fd, buffer, size, flags, address, address_size);
}

ssize_t preload_send(int fd, const void *buffer, size_t size, int flags)
{
	return preload_sendto(fd, buffer, size, flags, NULL, 0);
}

ssize_t preload_sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (!message || !may_be_netlink(fd, message->msg_name, message->msg_namelen))
		return kernel_sendmsg(fd, message, flags);
	return sockd_sendmsg(fd, message, flags);
}

int preload_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	if (n == 0 || !messages ||
		!may_be_netlink(fd, messages[0].msg_hdr.msg_name, messages[0].msg_hdr.msg_namelen))
		return kernel_sendmmsg(fd, messages, n, flags);
	if (n > IOV_MAX)
		n = IOV_MAX;
	for (unsigned i = 0; i < n; i++) {
		ssize_t sent = sockd_sendmsg(fd, &messages[i].msg_hdr, flags);
		if (sent < 0)
			return i > 0 ? (int)i : -1;
		messages[i].msg_len = (unsigned)sent;
	}
	return (int)n;
}
