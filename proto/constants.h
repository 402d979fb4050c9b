/*
 * Names of socket constants: text to number and back. Pure tables, no I/O.
 *
 * Names are accepted in both of the field's forms, short and as in the C headers: "inet" or
 * "AF_INET", "stream" or "SOCK_STREAM", "icmp" or "IPPROTO_ICMP" (ETH_P_*, NETLINK_*, ... by
 * family); case is ignored behind the prefix. Names are returned in the short form; options,
 * netlink groups and messages have only the C form, exactly. Where two names share a number the
 * first of the table is returned. "default" is protocol 0 of every family. A number as text is not
 * a name.
 *
 * ..._from_name return 0 or -ENOENT; ..._name return a static string or NULL.
 */
#ifndef SOCKD_PROTO_CONSTANTS_H
#define SOCKD_PROTO_CONSTANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int constant_family_from_name(const char *name, int *ret);
const char *constant_family_name(int domain);

int constant_type_from_name(const char *name, int *ret);
const char *constant_type_name(int type); /* type without SOCK_NONBLOCK and SOCK_CLOEXEC */

/* Protocols: by family, because the number 3 means one thing for netlink and another for inet.
 * Packet sockets: the EtherType in host byte order. */
int constant_protocol_from_name(int domain, const char *name, int *ret);
/* The same number from what socket(2) takes, which is in network byte order for packet sockets. */
int constant_protocol_of_call(int domain, int protocol);
const char *constant_protocol_name(int domain, int protocol);
/* What the kernel takes for an IPv4 or IPv6 socket of this type where protocol 0 is asked for; 0:
 * there is none. */
int constant_inet_protocol(int type);

/* The same by the names of the C headers, exactly: "AF_INET", "SOCK_RAW", "IPPROTO_ICMPV6". The
 * first looks among families, types and protocols of all families: a name is only one of these. */
int constant_from_c_name(const char *name, int *ret);
const char *constant_family_c_name(int domain);
const char *constant_type_c_name(int type);
const char *constant_protocol_c_name(int domain, int protocol);

enum option_value {
	OPTION_INT,	  /* an int */
	OPTION_INTERFACE, /* an interface's name, at most IFNAMSIZ bytes, NUL optional */
	OPTION_BYTES,	  /* a structure or string as it is, without pointer and descriptor */
};

enum option_right {
	OPTION_FREE,  /* the holder of the socket may set it itself, without any capability */
	OPTION_RAW,   /* CAP_NET_RAW (for most also CAP_NET_ADMIN) over the socket's namespace */
	OPTION_ADMIN, /* CAP_NET_ADMIN over the socket's namespace */
	OPTION_INIT_ADMIN, /* CAP_NET_ADMIN in the first user namespace */
};

/*
 * One socket option. Only options whose value is plain data are listed: one that holds a pointer
 * or a descriptor number (SO_ATTACH_FILTER, SO_ATTACH_BPF, IPT_SO_SET_REPLACE, PACKET_FANOUT_DATA,
 * ...) would be read in the broker's own memory and must never be passed on.
 */
struct option_info {
	const char *name; /* as in the C headers: "SO_MARK" */
	int level;
	int option;
	enum option_value value;
	enum option_right right;
};

/* NULL: not known. MCAST_* is a name at two levels: IPPROTO_IP's is returned. */
const struct option_info *option_by_name(const char *name);
const struct option_info *option_by_number(int level, int option);
/*
 * The same for the sockets of one family: level 0 is IPPROTO_IP, but SOL_HCI on a Bluetooth socket,
 * where option 2 is not the harmless IP_TTL but the privileged HCI_FILTER.
 */
const struct option_info *option_of_family(int domain, int level, int option);
/* Is the option one of that family's? Those of SOL_SOCKET are of all. To be asked before an option
 * is judged: the number alone may be another family's. */
bool option_is_for_family(const struct option_info *info, int domain);
/* The options whose setting may need a capability, one after the other; NULL behind the last. */
const struct option_info *option_privileged(size_t i);
/*
 * May the holder of the socket set it to this value without any capability? So for all that is
 * OPTION_FREE; and for SO_PRIORITY 0..6, IP_TRANSPARENT 0, TCP_CONGESTION "reno", etc., by value.
 * An option that is not in the table (NULL) is never free.
 */
bool option_is_free(const struct option_info *info, const void *value, size_t size);
/* Is it one that takes a privilege to be set to anything but 0, which is all the same to the
 * kernel? */
bool option_is_switch(const struct option_info *info);

/* How much the kernel reads of a value that has so many bytes: of a number and of a name not more
 * than they have room for. */
size_t option_size_read(const struct option_info *info, size_t size);

/* Netlink multicast groups ("RTNLGRP_LINK", "NFNLGRP_NFTABLES") and message types ("RTM_NEWLINK",
 * "NFT_MSG_NEWTABLE": subsystem and message in one number, as in nlmsg_type), by netlink protocol.
 * Generic netlink's commands have numbers of their own, see netlink-generic.h.
 */
int constant_netlink_group_from_name(int protocol, const char *name, int *ret);
const char *constant_netlink_group_name(int protocol, int group);
int constant_netlink_message_from_name(int protocol, const char *name, int *ret);
const char *constant_netlink_message_name(int protocol, int type);
/* May any process join the groups of this netlink protocol (NL_CFG_F_NONROOT_RECV)? A few single
 * groups are excepted; the second tells. Both are false where it depends on what the groups turn
 * out to be (GENERIC). */
bool constant_netlink_groups_are_free(int protocol);
bool constant_netlink_group_is_free(int protocol, int group);
/*
 * Is this message type one that any process may send (a read: RTM_GET*, nlctrl, ...)? False for
 * what the kernel judges by the sender's CAP_NET_ADMIN, and for all that is not known.
 *
 * Such a message is for the holder of the socket to send. It is not harmless in the mouth of a
 * broker that holds CAP_NET_ADMIN: SOCK_DIAG_BY_FAMILY then tells marks, packet filters and TCP-MD5
 * keys, RTM_GETLINK and RTM_GETADDR look into other namespaces (IFLA_TARGET_NETNSID).
 */
bool constant_netlink_message_is_free(int protocol, int type);

#endif
