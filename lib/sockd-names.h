/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names: socket addresses as text and back, constants by their names, and the resolver's and the
 * services' calls in a form that is safe in threads. Included by sockd.h.
 *
 * Nothing here talks to the broker or opens a socket of its own. All functions are thread-safe.
 * On success errno is left as it was.
 *
 * What is one call of the C library already has no name here: getaddrinfo(3), getnameinfo(3),
 * inet_pton(3), inet_ntop(3), if_nametoindex(3), if_indextoname(3), if_nameindex(3),
 * gethostname(2), sethostname(2), byteorder(3).
 */
#ifndef SOCKD_NAMES_H
#define SOCKD_NAMES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Addresses */

/* Enough for the text of any address, with its NUL. */
#define SOCKD_ADDRESS_TEXT_MAX 512

/*
 * The address that text says, for a socket of this family. Host names are not looked up; that is
 * getaddrinfo(3)'s. Interfaces' names are those of the calling thread's network namespace. Numbers
 * are decimal, or hexadecimal after 0x.
 *
 *  - AF_INET: "127.0.0.1:80", "10.0.0.1" (port 0), "*:80" (any address), "<broadcast>:80".
 *  - AF_INET6: "[::1]:80", "::1", "[*]:80", "[fe80::1%eth0]:80", "[fe80::1%2]:80/flow=5".
 *  - AF_UNSPEC: either of these two.
 *  - AF_UNIX: "/run/path", "@abstract", "\"\"" (two quotes: unnamed). "\xHH" is a byte.
 *  - AF_NETLINK: "PORT[:GROUPS]", as "0:0x1".
 *  - AF_PACKET: "INTERFACE[/PROTOCOL[/ADDRESS]][/hatype=N][/pkttype=TYPE]", as
 *    "eth0/arp/ff:ff:ff:ff:ff:ff", "2/0x1234". TYPE is host, broadcast, multicast, otherhost,
 *    outgoing, or a number; it and the hardware type are what the kernel says of a received packet.
 *  - AF_CAN: "INTERFACE" (raw, BCM); "INTERFACE/rx=ID/tx=ID" (ISO-TP);
 *    "INTERFACE[/name=N][/pgn=N][/addr=N]" (J1939). 0 and nothing are any interface.
 *  - AF_BLUETOOTH: "hci:DEVICE[/CHANNEL]", as "hci:hci0/raw"; "rfcomm:ADDRESS[/CHANNEL]";
 *    "l2cap:ADDRESS[/psm=N][/cid=N][/TYPE]", TYPE being bredr, le or le-random; "sco:ADDRESS";
 *    "iso:ADDRESS[/TYPE]". ADDRESS is "00:11:22:33:44:55" or "any".
 *  - AF_VSOCK: "CID:PORT", as "any:1024", "host:80".
 *  - AF_TIPC: "service:TYPE:INSTANCE[@LOOKUP]", "range:TYPE:LOWER-UPPER", "socket:NODE:REF", each
 *    with "/node", "/zone" or "/SCOPE" behind it; without, the scope is the cluster.
 *  - AF_RDS, AF_SMC: as AF_INET and AF_INET6.
 *  - AF_ALG: "TYPE/NAME[/FEATURES[/MASK]]", as "hash/sha256".
 *  - AF_QIPCRTR: "NODE:PORT". AF_XDP: "INTERFACE/QUEUE[/FLAGS]", as "eth0/0/copy,wakeup".
 *  - Every family: "raw:" and the bytes of the whole address in hexadecimal.
 *
 * The special forms of Python are understood: an empty host is any address ("", ":80", "[]:80"; of
 * AF_UNIX the unnamed address, of AF_CAN any interface), "<broadcast>" is 255.255.255.255.
 *
 * Returns 0; or -1 with errno EINVAL: text is not an address of this family, or NULL; ENODEV: no
 * such interface; EAFNOSUPPORT: this family has no text but "raw:". *ret and *ret_size are written
 * on success only; what is behind *ret_size bytes is zeros.
 */
int sockd_address_parse(
	int family, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size);

/*
 * Writes the text of an address, with its NUL, into buffer. size is the address's in bytes; the
 * bytes need not be aligned and may be anything.
 *
 * Exact: sockd_address_parse() of the text, with the family of the address (or of the socket that
 * it came from), gives an address that means to the kernel what this one means, and says all that
 * the kernel had to say in it. Not written are bytes that nobody reads: padding, what is behind the
 * NUL of a path or behind the end of the structure. What the forms cannot say, and other families,
 * are written as "raw:". Interfaces are written as their numbers, which needs no namespace;
 * if_indextoname(3) has the names. What the kernel returns shorter than the structure (CAN,
 * packet) is written as the structure with zeros behind it.
 *
 * Returns 0; or -1 with errno ENOSPC: the text does not fit into buffer (SOCKD_ADDRESS_TEXT_MAX
 * always does), nothing is written; EINVAL: size is too small for a family or larger than a struct
 * sockaddr_storage, or an argument is NULL.
 */
int sockd_address_format(
	const struct sockaddr *address, socklen_t size, char *buffer, size_t buffer_size);

/* The Bluetooth addresses that have names. sockd_address_parse() also knows the first as "any". */
#define SOCKD_BDADDR_ANY "00:00:00:00:00:00"
#define SOCKD_BDADDR_LOCAL "00:00:00:FF:FF:FF"

/* Constants */

/*
 * The number of a constant, by its name in the C headers, exactly: "AF_INET", "SO_MARK",
 * "MSG_DONTWAIT", "IPPROTO_ICMPV6", "CAN_RAW_FILTER", "EAI_NONAME". Known are all integers of
 * Python's socket module up to 3.14, as it is on Linux, all other families, types, protocols and
 * options that sockd knows, and errno(3). Names are known even where the headers that this library
 * was built with lack them. Those of CAN's broadcast manager have the prefix CAN_BCM_, as Python
 * gave them.
 *
 * Unsigned constants are positive: VMADDR_CID_ANY is 4294967295. Addresses (INADDR_LOOPBACK) are in
 * host byte order. Returns 0; or -1 with errno ENOENT (no such name) or EINVAL (NULL).
 */
int sockd_constant(const char *name, int64_t *ret);

/* What a number is a name of: it has one only within its kind. New kinds come at the end. */
enum sockd_kind {
	/* Of every family */
	SOCKD_KIND_FAMILY,    /* AF_* */
	SOCKD_KIND_TYPE,      /* SOCK_STREAM, SOCK_DGRAM, ... */
	SOCKD_KIND_TYPE_FLAG, /* a bit: SOCK_CLOEXEC, SOCK_NONBLOCK */
	SOCKD_KIND_PROTOCOL,  /* of one family: IPPROTO_*, CAN_*, NETLINK_*, BTPROTO_*, ETH_P_* */
	SOCKD_KIND_LEVEL,     /* of options and control messages, of one family: SOL_* */
	SOCKD_KIND_OPTION,    /* of one family and level: SO_*, IP_*, TCP_*, CAN_RAW_*, ... */
	SOCKD_KIND_CONTROL,   /* of one family and level, types of control messages: SCM_* */
	SOCKD_KIND_MESSAGE_FLAG,   /* a bit, of send(2) and recv(2): MSG_* */
	SOCKD_KIND_SHUTDOWN,	   /* SHUT_* */
	SOCKD_KIND_ADDRINFO_FLAG,  /* a bit, of getaddrinfo(3): AI_* */
	SOCKD_KIND_NAMEINFO_FLAG,  /* a bit, of getnameinfo(3): NI_* */
	SOCKD_KIND_ADDRINFO_ERROR, /* EAI_* */
	SOCKD_KIND_HOST_ERROR,	   /* h_errno: HOST_NOT_FOUND, TRY_AGAIN, NO_RECOVERY, NO_DATA */
	SOCKD_KIND_ERRNO,	   /* errno(3) */
	SOCKD_KIND_INET_ADDRESS,   /* INADDR_*, in host byte order */
	SOCKD_KIND_ETHERTYPE,	   /* ETHERTYPE_*; ETH_P_* are protocols of AF_PACKET */
	/* Of one */
	SOCKD_KIND_ALG_OPERATION,      /* ALG_OP_* */
	SOCKD_KIND_BLUETOOTH_ADDRESS,  /* BDADDR_BREDR, BDADDR_LE_PUBLIC, BDADDR_LE_RANDOM */
	SOCKD_KIND_BLUETOOTH_MODE,     /* BT_MODE_* */
	SOCKD_KIND_BLUETOOTH_PHY,      /* a bit: BT_PHY_* */
	SOCKD_KIND_BLUETOOTH_SECURITY, /* BT_SECURITY_* */
	SOCKD_KIND_BLUETOOTH_VOICE,    /* BT_VOICE_* */
	SOCKD_KIND_CAN_BCM_FLAG,       /* a bit: CAN_BCM_SETTIMER, ... */
	SOCKD_KIND_CAN_BCM_OPCODE,     /* CAN_BCM_TX_SETUP, ... */
	SOCKD_KIND_CAN_ID_FLAG,	       /* a bit: CAN_EFF_FLAG, CAN_RTR_FLAG, CAN_ERR_FLAG */
	SOCKD_KIND_HCI_CHANNEL,	       /* HCI_CHANNEL_* */
	SOCKD_KIND_L2CAP_LINK_MODE,    /* a bit: L2CAP_LM_* */
	SOCKD_KIND_PACKET_TYPE,	       /* PACKET_HOST, PACKET_OUTGOING, ... */
	SOCKD_KIND_TIPC_ADDRESS,       /* TIPC_ADDR_* */
	SOCKD_KIND_TIPC_EVENT,	       /* TIPC_PUBLISHED, TIPC_WITHDRAWN, TIPC_SUBSCR_TIMEOUT */
	SOCKD_KIND_TIPC_IMPORTANCE,    /* TIPC_*_IMPORTANCE */
	SOCKD_KIND_TIPC_SCOPE,	       /* TIPC_*_SCOPE */
	SOCKD_KIND_TIPC_SUBSCRIPTION,  /* a bit: TIPC_SUB_* */
	SOCKD_KIND_VSOCK_CID,	       /* VMADDR_CID_* */
};

/*
 * The name of a number within its kind, as in the C headers; of several, the one that the manual
 * pages use. family is looked at for protocols, and for levels, options and control messages, where
 * AF_UNSPEC is any but Bluetooth, whose levels have the numbers of others; level for options and
 * control messages. Elsewhere both may be 0. A control message that bears the number of the option
 * that asks for it has that option's name (IP_TTL). The string is static. NULL: there is none;
 * errno is left as it was. The values of single structures and options (BT_FLUSHABLE_ON,
 * J1939_NO_ADDR, SOMAXCONN) have no kind, so no way back.
 */
const char *sockd_constant_name(enum sockd_kind kind, int family, int level, int64_t number);

/* The resolver */

/*
 * A host: what hostent(3) says, in one piece of memory, which the caller frees with
 * sockd_host_free() (or free(3)).
 */
struct sockd_host {
	char *name;	/* the official name */
	char **aliases; /* its other names; NULL behind the last */
	size_t n_aliases;
	int family;	     /* AF_INET or AF_INET6 */
	size_t address_size; /* of each address: 4 or 16 bytes */
	void **addresses; /* struct in_addr or in6_addr, as inet_ntop(3) takes it; NULL behind the
			     last */
	size_t n_addresses;
};

void sockd_host_free(struct sockd_host *host);

/*
 * The official name, the other names and the IPv4 addresses of a host: Python's gethostbyname_ex(),
 * and gethostbyname(3) with memory of its own. name is a host's name, or an address as text. Names
 * are bytes; one in another alphabet is given in ASCII ("xn--..."), into which AI_IDN makes it.
 *
 * Returns 0, or what went wrong as one number, for which sockd_resolve_error() has the words:
 * negative is EAI_* of getaddrinfo(3), which is asked first whether there is such a host; positive
 * is h_errno (HOST_NOT_FOUND, TRY_AGAIN, NO_RECOVERY, NO_DATA). EAI_SYSTEM: errno says what (EINVAL
 * for a NULL). *ret is written on success only.
 *
 * Waits for the name service as long as resolv.conf(5) says, whatever the timeout of any socket.
 */
int sockd_gethostbyname_ex(const char *name, struct sockd_host **ret);

/*
 * The same for an IPv4 or IPv6 address as text: Python's gethostbyaddr(), and gethostbyaddr(3). A
 * host's name is taken too, whose first address is then looked up; "<broadcast>" is
 * 255.255.255.255.
 */
int sockd_gethostbyaddr(const char *address, struct sockd_host **ret);

/*
 * The full name of a host: Python's getfqdn(). The first name with a dot in it among those that
 * sockd_gethostbyaddr() finds; where none has one, the official name; where the host is not found,
 * name itself. NULL, "", "0.0.0.0" and "::" are this machine's gethostname(2). Blanks around name
 * are left out. Returns 0; or -1 with errno ENOSPC: the text does not fit into buffer (NI_MAXHOST
 * does for every name that can be looked up); ENOMEM; EINVAL: buffer is NULL.
 */
int sockd_getfqdn(const char *name, char *buffer, size_t size);

/*
 * The words for what sockd_gethostbyname_ex(), sockd_gethostbyaddr(), getaddrinfo(3) and
 * getnameinfo(3) return, and for h_errno: gai_strerror(3), hstrerror(3), and for EAI_SYSTEM those
 * of errno. Static, never NULL.
 */
const char *sockd_resolve_error(int error);

/* Services and protocols: services(5), protocols(5). getservbyname(3) and its like return memory
 * that any thread may overwrite; these do not. */

/*
 * The port of a service, in host byte order. protocol is "tcp", "udp", ..., or NULL for any.
 * Returns 0 to 65535; or -1 with errno ENOENT (no such service), EINVAL (NULL), ENOMEM.
 */
int sockd_getservbyname(const char *name, const char *protocol);

/*
 * Writes the name of the service of a port (host byte order) into buffer. Returns 0; or -1 with
 * errno ENOENT, EINVAL (no port has this number, or NULL), ENOSPC, ENOMEM.
 */
int sockd_getservbyport(int port, const char *protocol, char *buffer, size_t size);

/* The number of an internet protocol, as "icmp"; -1 with errno ENOENT, EINVAL, ENOMEM. */
int sockd_getprotobyname(const char *name);

#ifdef __cplusplus
}
#endif

#endif
