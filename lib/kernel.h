/*
 * The system calls themselves. The library is also loaded over the C library's names (preload.c),
 * so what it calls must not come back to it; and what a user of POSIX calls expects to be a
 * cancellation point stays one.
 *
 * All return what the kernel returned with errno set, like the functions of the C library.
 */
#ifndef SOCKD_LIB_KERNEL_H
#define SOCKD_LIB_KERNEL_H

#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static inline int kernel_socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, domain, type, protocol);
}

static inline int kernel_bind(int fd, const void *address, socklen_t size)
{
	return (int)syscall(SYS_bind, fd, address, size);
}

static inline int kernel_listen(int fd, int backlog)
{
	return (int)syscall(SYS_listen, fd, backlog);
}

static inline int kernel_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

static inline int kernel_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
}

static inline int kernel_getsockname(int fd, void *address, socklen_t *size)
{
	return (int)syscall(SYS_getsockname, fd, address, size);
}

/* An option of SOL_SOCKET that is a number; -1: none. */
static inline int kernel_socket_number(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	return kernel_getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

static inline int kernel_shutdown(int fd, int how)
{
	return (int)syscall(SYS_shutdown, fd, how);
}

static inline int kernel_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

/* The calls below can block, and so can be cancelled while they do. */
#define KERNEL_CANCELLABLE(type, call) \
	({ \
		int cancel_; \
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &cancel_); \
		type result_ = (type)(call); \
		pthread_setcanceltype(cancel_, &cancel_); \
		result_; \
	})

static inline int kernel_connect(int fd, const void *address, socklen_t size)
{
	return KERNEL_CANCELLABLE(int, syscall(SYS_connect, fd, address, size));
}

static inline ssize_t kernel_sendto(int fd, const void *buffer, size_t size, int flags,
	const void *address, socklen_t address_size)
{
	return KERNEL_CANCELLABLE(
		ssize_t, syscall(SYS_sendto, fd, buffer, size, flags, address, address_size));
}

static inline ssize_t kernel_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return KERNEL_CANCELLABLE(ssize_t, syscall(SYS_sendmsg, fd, message, flags));
}

static inline ssize_t kernel_write(int fd, const void *buffer, size_t size)
{
	return KERNEL_CANCELLABLE(ssize_t, syscall(SYS_write, fd, buffer, size));
}

static inline ssize_t kernel_writev(int fd, const struct iovec *parts, int n)
{
	return KERNEL_CANCELLABLE(ssize_t, syscall(SYS_writev, fd, parts, n));
}

static inline int kernel_sendmmsg(int fd, void *messages, unsigned n, int flags)
{
	return KERNEL_CANCELLABLE(int, syscall(SYS_sendmmsg, fd, messages, n, flags));
}

#endif
