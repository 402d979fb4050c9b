/*
 * What a client asks the broker to send over netlink, judged message by message. Pure but for the
 * name of an interface, which is asked of the socket's own network namespace.
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

/* The number by which policies know a message: its type, but for generic netlink, where it is
 * generic_number(). */
int netlink_message_number(int protocol, const struct nlmsghdr *message);

/*
 * One whole message (nlmsg_len has been checked) that is judged. Allow: every interface it touches
 * is among the names, and it carries nothing that is not known to stay with them. Deny (denied
 * true): one of them is among the names, or that cannot be told, as of whatever link goes by a
 * name.
 */
bool netlink_interfaces_within(const struct names *interfaces, bool denied, int protocol,
	int number, int fd, const struct nlmsghdr *message, char *why, size_t why_size);

#endif
