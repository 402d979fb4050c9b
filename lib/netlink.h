/*
 * Netlink messages that this process may not send itself.
 *
 * The kernel takes any message, judges its sender, and says EPERM later, in the socket's queue,
 * when it is too late to ask anybody. So such a message must be known before it is sent.
 */
#ifndef SOCKD_LIB_NETLINK_H
#define SOCKD_LIB_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Is any message in this buffer one that the kernel judges by its sender's rights? Pure. */
bool netlink_is_privileged(int protocol, const void *data, size_t size);

/* May the calling thread change things in the socket's network namespace (CAP_NET_ADMIN over it)?
 */
bool netlink_have_right(int fd);

/* Is what sendmsg(2) would do here a message to the kernel on a netlink socket? Stores the socket's
 * protocol. */
bool netlink_is_to_kernel(int fd, const void *address, socklen_t size, int *ret_protocol);

/* Gives the socket its own address where it has none yet: else it would get that of whoever sends
 * first. */
void netlink_ensure_bound(int fd);

#endif
