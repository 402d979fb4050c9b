/*
 * What a route message touches: its interfaces, and whether it keeps to its socket's own network
 * namespace. Pure but for the name of an interface, which is asked of the socket.
 *
 * The kernel reads messages leniently: it skips what is malformed, ignores trailing bytes and of
 * two equal attributes takes the last. Here all of that is refused, so that what was told is what
 * takes effect.
 */
#ifndef SOCKD_PROTO_NETLINK_ROUTE_H
#define SOCKD_PROTO_NETLINK_ROUTE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/netlink-attributes.h"

/* Does this type of route message name its interfaces in a way that can be told? */
bool netlink_route_is_judged(int type);

/* Is it for whichever link has its name when the kernel reads it: for none that is told by an
 * index, and not for a new one alone? */
bool netlink_route_goes_by_name(const struct nlmsghdr *message);

/*
 * Does this message keep to the socket's own network namespace? The kernel would answer the broker
 * about others, and make or move links there, where it would not for the client; and a number of a
 * process or a descriptor in it would mean the broker's. False also for a write that is malformed.
 */
bool netlink_route_stays_home(const struct nlmsghdr *message);

/*
 * Calls back for each interface that one whole NETLINK_ROUTE message (nlmsg_len has been checked)
 * of a judged type touches; false from there ends it. fd is a socket of the namespace, -1 where
 * there is none. False with words in why where they cannot all be told, or the message carries
 * anything that is not known to stay with them.
 */
bool netlink_route_each_interface(const struct nlmsghdr *message, int fd, netlink_visit visit,
	void *data, char *why, size_t why_size);

#endif
