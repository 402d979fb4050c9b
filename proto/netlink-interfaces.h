/*
 * Which interfaces a netlink message touches, of each protocol for which that can be told: see
 * netlink-route.h and netlink-generic.h.
 */
#ifndef SOCKD_PROTO_NETLINK_INTERFACES_H
#define SOCKD_PROTO_NETLINK_INTERFACES_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/netlink-attributes.h"

/* Can the interfaces of messages of this number be told? The number is the type, for generic
 * netlink generic_message_number(). */
bool netlink_is_judged(int protocol, int number);

/*
 * Calls back for each interface that one whole message (nlmsg_len has been checked) touches; false
 * from there ends it. fd is a socket of the namespace, -1 where there is none. False with words in
 * why where they cannot all be told.
 */
bool netlink_each_interface(int protocol, int number, const struct nlmsghdr *message, int fd,
	netlink_visit visit, void *data, char *why, size_t why_size);

#endif
