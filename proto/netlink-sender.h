/*
 * What of a message the kernel takes from the process that sends it: a descriptor's number, or the
 * process itself. Sent by the broker it would be the broker's. Of route messages
 * netlink_route_stays_home() tells.
 */
#ifndef SOCKD_PROTO_NETLINK_SENDER_H
#define SOCKD_PROTO_NETLINK_SENDER_H

#include <linux/netlink.h>
#include <stdbool.h>

/*
 * Do a protocol's messages say by their types what they are, and tell what of them is the sender's?
 * The connector and the look-up of routes take every type for the same; iSCSI is told its
 * connections by descriptors.
 */
bool netlink_types_tell(int protocol);

/* Of one whole message (nlmsg_len has been checked). */
bool netlink_is_about_sender(int protocol, const struct nlmsghdr *message);

#endif
