/*
 * What a client asks the broker to send over netlink, judged message by message. Pure but for the
 * name of an interface, which is asked of the socket's own network namespace.
 *
 * The kernel reads a packet of messages leniently: it skips what is malformed, ignores trailing
 * bytes and of two equal attributes takes the last. Here all of that is refused, so that what was
 * judged is what takes effect.
 */
#ifndef SOCKD_DAEMON_FAMILY_NETLINK_JUDGE_H
#define SOCKD_DAEMON_FAMILY_NETLINK_JUDGE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/policy/rule.h"

/*
 * Are all messages in data within the allow rule? Or, for a deny rule: does it speak of one of
 * them? fd is the netlink socket they are for, -1 where there is none (interfaces are then
 * unknown). Fills why on a "no".
 */
bool netlink_messages_within(const struct rule *rule, int protocol, int fd, const void *data,
	size_t size, char *why, size_t why_size);

/* Does this route message name its interfaces in a way that can be judged? Checked when a rule is
 * loaded. */
bool netlink_route_is_judged(int type);

/*
 * Does this message keep to the socket's own network namespace? The kernel would answer the broker
 * about others, and make or move links there, where it would not for the client; and a number of a
 * process or a descriptor in it would mean the broker's. False also for a write that is malformed.
 */
bool netlink_route_stays_home(const struct nlmsghdr *message);

/*
 * One whole NETLINK_ROUTE message (nlmsg_len has been checked) of a judged type. Allow: every
 * interface it touches is among the names, and it carries nothing that is not known to stay with
 * them. Deny (denied true): one of them is among the names, or that cannot be told.
 */
bool netlink_route_within(const struct names *interfaces, bool denied, int fd,
	const struct nlmsghdr *message, char *why, size_t why_size);

#endif
