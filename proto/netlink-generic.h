/*
 * Generic netlink: one protocol that many families of the kernel share. A family gets its number
 * when it is registered, and another one where its module is loaded anew, so that a message says
 * what it is only together with what the kernel says of its families.
 *
 * Known here are families whose commands name nothing of the process that sends them (others take
 * descriptors, processes or namespaces, which would be the broker's), and of these the commands
 * that take a privilege. A command has a number that stays, with the family in it.
 */
#ifndef SOCKD_PROTO_NETLINK_GENERIC_H
#define SOCKD_PROTO_NETLINK_GENERIC_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/netlink-attributes.h"

enum generic_family {
	GENERIC_UNKNOWN,
	GENERIC_ETHTOOL,
	GENERIC_FOU,
	GENERIC_IPVS,
	GENERIC_MACSEC,
	GENERIC_MPTCP_PM,
	GENERIC_SEG6,
	GENERIC_TCP_METRICS,
	GENERIC_WIREGUARD,
	GENERIC_FAMILIES
};

/* Above every nlmsg_type. */
#define GENERIC_COMMAND(family, command) ((int)(family) << 16 | (command))

/* What the running kernel says of them. */
struct generic_families {
	uint16_t ids[GENERIC_FAMILIES]; /* 0: it has no such family now */
};

/* Asks the kernel, and waits for its answer. Returns 0 or a negative errno. */
int generic_families_read(struct generic_families *ret);
/* What the kernel sends of its own accord, to the group GENERIC_NOTIFY_GROUP: a family has come or
 * gone. */
void generic_families_note(struct generic_families *families, const void *data, size_t size);
/*
 * Receives a packet of the kernel's. Returns its size; 0 where somebody else sent it, as the root
 * of a network namespace may; or a negative errno, -EMSGSIZE where it did not fit.
 */
ssize_t generic_receive(int fd, void *buffer, size_t size, int flags);
#define GENERIC_NOTIFY_GROUP 16u /* "notify" of nlctrl, which has a number for ever */

/*
 * The number of one whole message (nlmsg_len has been checked): GENERIC_COMMAND(), or the type
 * itself where that is the same in every kernel (nlctrl and below). GENERIC_NO_NUMBER: of a family
 * that is not known here, or cut short.
 */
#define GENERIC_NO_NUMBER (-1)
int generic_message_number(const struct generic_families *families, const struct nlmsghdr *message);

/* Does every command of this number's family name its interface in a way that can be told? */
bool generic_is_judged(int number);
/* Calls back for each interface that the message touches, as netlink_route_each_interface() does;
 * number is its own, and judged. */
bool generic_each_interface(int number, const struct nlmsghdr *message, int fd, netlink_visit visit,
	void *data, char *why, size_t why_size);

#endif
