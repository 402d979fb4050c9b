/*
 * libsockd-preload.so: the C library's names for the calls of libsockd, for a program that knows
 * nothing of sockd. Loaded with LD_PRELOAD.
 *
 * Sending and writing concern the broker only on netlink and HCI sockets, which are remembered as
 * they are opened, so that a send or a write on any other costs one test of a bit.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/calls.h"
#include "lib/environment.h"
#include "lib/kernel.h"
#include "lib/send.h"
#include "lib/sockd.h"
#include "proto/macro.h"

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
ssize_t preload_write(int fd, const void *buffer, size_t size) INTERPOSE(write);
ssize_t preload_writev(int fd, const struct iovec *parts, int n) INTERPOSE(writev);

/* Inside the C library these bind without its bind(). */
int preload_bindresvport(int fd, struct sockaddr_in *address) INTERPOSE(bindresvport);
int preload_rresvport(int *port) INTERPOSE(rresvport);
int preload_rresvport_af(int *port, sa_family_t family) INTERPOSE(rresvport_af);

#define N_REMEMBERED 4096
#define WORD_BITS (sizeof(unsigned long) * CHAR_BIT)

/* Those whose sends may concern the broker. One that was closed unseen stays until its number is
 * opened again, or is written to. */
static _Atomic unsigned long watched[N_REMEMBERED / WORD_BITS];

static void remember(int fd, bool is_watched)
{
	if (fd < 0 || fd >= N_REMEMBERED)
		return;
	unsigned long bit = 1ul << ((size_t)fd % WORD_BITS);
	_Atomic unsigned long *word = &watched[(size_t)fd / WORD_BITS];

	if (is_watched)
		atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
	else if (atomic_load_explicit(word, memory_order_relaxed) & bit)
		atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed);
}

static inline bool is_remembered(int fd)
{
	return (unsigned)fd < N_REMEMBERED &&
	       (atomic_load_explicit(&watched[(size_t)fd / WORD_BITS], memory_order_relaxed) &
		       1ul << ((size_t)fd % WORD_BITS)) != 0;
}

/* Nobody knows yet what memory the address is in, but its size is no other family's. */
static inline bool may_be_netlink_address(const struct sockaddr *address, socklen_t size)
{
	return address && size >= sizeof(struct sockaddr_nl) && size < sizeof(struct sockaddr_in);
}

/* A number beyond the memory may be one; the library then asks the kernel. */
static inline bool may_concern(int fd, const struct sockaddr *address, socklen_t size)
{
	if (fd >= 0 && fd < N_REMEMBERED && !is_remembered(fd) &&
		!may_be_netlink_address(address, size))
		return false;
	return fd >= 0 && send_concerns_broker(fd);
}

/*
 * Whether the kernel can read it, as an address of the call that the program makes anyway: a filter
 * of its own may end it for any other. The sockets that concern the broker refuse urgent data, once
 * that is copied and before anything is sent.
 */
static bool can_read(int fd, long call, const void *memory, size_t size)
{
	const struct msghdr message = {.msg_name = (void *)memory, .msg_namelen = (socklen_t)size};
	int saved_errno = errno;

	ssize_t r = call == SYS_sendmsg
			    ? kernel_sendmsg(fd, &message, MSG_OOB)
			    : kernel_sendto(fd, NULL, 0, MSG_OOB, memory, message.msg_namelen);
	bool can = r >= 0 || errno != EFAULT;
	errno = saved_errno;
	return can;
}

/* Both ends of it, which are seldom in different places. */
static bool is_readable(int fd, long call, const void *memory, size_t size)
{
	size_t n = size;

	if (n > sizeof(struct sockaddr_storage))
		n = sizeof(struct sockaddr_storage);
	if (n == 0)
		return true;
	return memory && can_read(fd, call, memory, n) &&
	       (n == size || can_read(fd, call, (const char *)memory + size - 1, 1));
}

static bool are_readable(int fd, long call, const struct iovec *parts, size_t n)
{
	if (n > IOV_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_readable(fd, call, parts[i].iov_base, parts[i].iov_len))
			return false;
	return true;
}

/*
 * Of a message on a socket that concerns the broker. What cannot be read is for the kernel, which
 * tells the program so where we would end it. Of a message it copies all but the data itself.
 */
static __attribute__((noinline)) bool is_message_readable(int fd, const struct msghdr *message)
{
	int saved_errno = errno;
	bool readable = kernel_sendmsg(fd, message, MSG_OOB) >= 0 || errno != EFAULT;

	errno = saved_errno;
	return readable && are_readable(fd, SYS_sendmsg, message->msg_iov, message->msg_iovlen);
}

static bool may_send_for(int fd, const struct msghdr *message)
{
	/* Of a socket that is none of ours the header alone is looked at. */
	if (!message || fd < 0)
		return false;
	if (is_remembered(fd))
		return send_concerns_broker(fd) && is_message_readable(fd, message);
	return may_concern(fd, message->msg_name, message->msg_namelen) &&
	       is_message_readable(fd, message);
}

int preload_socket(int domain, int type, int protocol)
{
	int fd = call_socket(domain, type, protocol);

	remember(fd, domain == AF_NETLINK || domain == AF_BLUETOOTH);
	return fd;
}

int preload_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return sockd_bind(fd, address, size);
}

int preload_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return call_connect(fd, address, size);
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
	if (!may_concern(fd, address, address_size) ||
		(address && !is_readable(fd, SYS_sendto, address, address_size)) ||
		!is_readable(fd, SYS_sendto, buffer, size))
		return kernel_sendto(fd, buffer, size, flags, address, address_size);
	return call_sendto(fd, buffer, size, flags, address, address_size);
}

ssize_t preload_send(int fd, const void *buffer, size_t size, int flags)
{
	return preload_sendto(fd, buffer, size, flags, NULL, 0);
}

ssize_t preload_sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (!may_send_for(fd, message))
		return kernel_sendmsg(fd, message, flags);
	return call_sendmsg(fd, message, flags);
}

int preload_sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
	if (n == 0 || !messages || !may_send_for(fd, &messages[0].msg_hdr))
		return kernel_sendmmsg(fd, messages, n, flags);
	if (n > IOV_MAX)
		n = IOV_MAX;
	for (unsigned i = 0; i < n; i++) {
		ssize_t sent = preload_sendmsg(fd, &messages[i].msg_hdr, flags);
		if (sent < 0)
			return i > 0 ? (int)i : -1;
		messages[i].msg_len = (unsigned)sent;
	}
	return (int)n;
}

static __attribute__((constructor)) void keep_environment(void)
{
	environment_keep();
}

/*
 * Found when the library is loaded, so that write(2) in a signal handler never looks for anything.
 * Whoever writes before that gets the kernel itself.
 */
static ssize_t (*next_write)(int fd, const void *buffer, size_t size);
static ssize_t (*next_writev)(int fd, const struct iovec *parts, int n);

static __attribute__((constructor)) void find_next(void)
{
	next_write = dlsym(RTLD_NEXT, "write");
	next_writev = dlsym(RTLD_NEXT, "writev");
}

static ssize_t write_plainly(int fd, const void *buffer, size_t size)
{
	return next_write ? next_write(fd, buffer, size) : kernel_write(fd, buffer, size);
}

static ssize_t writev_plainly(int fd, const struct iovec *parts, int n)
{
	return next_writev ? next_writev(fd, parts, n) : kernel_writev(fd, parts, n);
}

/* On one that is remembered. buffer NULL: the parts. */
static __attribute__((noinline)) ssize_t write_watched(
	int fd, const void *buffer, const struct iovec *parts, size_t n)
{
	const struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = n};
	int saved_errno = errno;

	bool concerns = send_concerns_broker(fd);
	if (!concerns)
		remember(fd, false);
	if (!concerns || (!buffer && !is_readable(fd, SYS_sendto, parts, n * sizeof *parts)) ||
		!are_readable(fd, SYS_sendto, parts, n))
		return buffer ? write_plainly(fd, buffer, parts->iov_len)
			      : writev_plainly(fd, parts, (int)n);
	enum send_verdict verdict = send_instead(fd, &message, 0);
	if (verdict == SEND_PLAINLY) {
		ssize_t written = buffer ? write_plainly(fd, buffer, parts->iov_len)
					 : writev_plainly(fd, parts, (int)n);
		if (written >= 0 || (verdict = send_after(fd, &message, 0)) == SEND_PLAINLY)
			return written;
	}
	if (verdict == SEND_FAILED)
		return -1;
	errno = saved_errno;
	return send_size(&message);
}

static __attribute__((noinline)) ssize_t write_one_watched(int fd, const void *buffer, size_t size)
{
	const struct iovec part = {.iov_base = (void *)buffer, .iov_len = size};

	return write_watched(fd, buffer, &part, 1);
}

/* What every write of the program passes keeps nothing on the stack. */
ssize_t preload_write(int fd, const void *buffer, size_t size)
{
	if (!is_remembered(fd) || !buffer || size == 0)
		return write_plainly(fd, buffer, size);
	return write_one_watched(fd, buffer, size);
}

ssize_t preload_writev(int fd, const struct iovec *parts, int n)
{
	if (!is_remembered(fd) || !parts || n <= 0 || n > IOV_MAX)
		return writev_plainly(fd, parts, n);
	return write_watched(fd, NULL, parts, (size_t)n);
}

/* Downwards, to the half where the services have theirs. The address's port is left at the one that
 * was got. */
static int bind_reserved(
	int fd, struct sockaddr *address, socklen_t size, in_port_t *port, int first)
{
	errno = EADDRINUSE;
	for (int i = first; i >= IPPORT_RESERVED / 2; i--) {
		*port = htons((uint16_t)i);
		if (sockd_bind(fd, address, size) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return -1;
	}
	return -1;
}

static bool is_refusal(int error)
{
	return error == EACCES || error == EPERM;
}

int preload_bindresvport(int fd, struct sockaddr_in *address)
{
	int (*original)(int, struct sockaddr_in *) = dlsym(RTLD_NEXT, "bindresvport");
	struct sockaddr_in any = {.sin_family = AF_INET};
	int saved_errno = errno;

	if (!address)
		address = &any;
	in_port_t port = address->sin_port;
	int r = original ? original(fd, address) : (errno = EACCES, -1);
	if (r == 0 || !is_refusal(errno))
		return r;
	r = bind_reserved(fd, (struct sockaddr *)address, sizeof *address, &address->sin_port,
		IPPORT_RESERVED - 1);
	if (r < 0)
		address->sin_port = port;
	else
		errno = saved_errno;
	return r;
}

int preload_rresvport_af(int *port, sa_family_t family)
{
	int (*original)(int *, sa_family_t) = dlsym(RTLD_NEXT, "rresvport_af");
	union {
		struct sockaddr_in inet;
		struct sockaddr_in6 inet6;
		struct sockaddr any;
	} address = {.any.sa_family = family};
	int saved_errno = errno;
	int fd = original ? original(port, family) : (errno = EACCES, -1);

	if (fd >= 0 || !is_refusal(errno))
		return fd;
	/* The port is the same place in both. */
	fd = preload_socket(family, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	socklen_t size = family == AF_INET ? sizeof address.inet : sizeof address.inet6;
	if (bind_reserved(fd, &address.any, size, &address.inet.sin_port, *port) < 0) {
		int error = errno == EADDRINUSE ? EAGAIN : errno;
		kernel_close(fd);
		errno = error;
		return -1;
	}
	*port = ntohs(address.inet.sin_port);
	errno = saved_errno;
	return fd;
}

int preload_rresvport(int *port)
{
	return preload_rresvport_af(port, AF_INET);
}

/* Programs of 32 bits with a time_t of 64 call the same by these names; others never do. */
#define ALSO_AS(name) \
	extern __typeof__(preload_##name) preload_##name##64 __asm__("__" #name "64") \
		__attribute__((alias(#name), visibility("default"), used))
ALSO_AS(setsockopt);
ALSO_AS(sendmsg);
ALSO_AS(sendmmsg);
