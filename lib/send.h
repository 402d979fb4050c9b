/*
 * What a send or a write on a socket has to do with the broker, around the call to the kernel:
 * send_instead() before it, and where the kernel then refuses, send_after() it.
 *
 * Both may be called from a signal handler; neither holds anything while the kernel is called.
 */
#ifndef SOCKD_LIB_SEND_H
#define SOCKD_LIB_SEND_H

#include <stdbool.h>
#include <sys/socket.h>

enum send_verdict {
	SEND_PLAINLY, /* the kernel is to be called; its answer stands */
	SEND_DONE,    /* the broker has sent all of it */
	SEND_FAILED,  /* errno is set */
};

/* Is the socket of a kind whose sends concern the broker at all? errno is left as it was. */
bool send_concerns_broker(int fd);

/* Netlink: the kernel says EPERM only later, in the queue. Clears the reason. errno is left as it
 * was but for SEND_FAILED. */
enum send_verdict send_instead(int fd, const struct msghdr *message, int flags);

/* HCI: the kernel said errno. SEND_PLAINLY: that stands, and errno with it. */
enum send_verdict send_after(int fd, const struct msghdr *message, int flags);

/*
 * sendmsg(2) and sendto(2) with all of that around them, and nothing else added. plainly is how the
 * kernel is called, and returns as sendmsg(2).
 */
typedef ssize_t send_plainly(int fd, const struct msghdr *message, int flags);
ssize_t call_sendmsg_by(int fd, const struct msghdr *message, int flags, send_plainly *plainly);
ssize_t call_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t call_sendto(int fd, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size);

/* Of the parts together; negative where that is more than a message to the broker can hold. */
ssize_t send_size(const struct msghdr *message);

#endif
