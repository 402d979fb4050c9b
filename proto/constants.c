#include "proto/constants.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "proto/constants-internal.h"
#include "proto/macro.h"

/* Younger than some C libraries that sockd is built with. */
#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef AF_MCTP
#define AF_MCTP 45
#endif

static const struct constant families[] = {
	HEADER("unspec", "AF_UNSPEC", AF_UNSPEC),
	HEADER("unix", "AF_UNIX", AF_UNIX),
	HEADER("local", "AF_LOCAL", AF_UNIX),
	HEADER("file", "AF_FILE", AF_UNIX),
	HEADER("inet", "AF_INET", AF_INET),
	HEADER("ax25", "AF_AX25", AF_AX25),
	HEADER("ipx", "AF_IPX", AF_IPX),
	HEADER("appletalk", "AF_APPLETALK", AF_APPLETALK),
	HEADER("netrom", "AF_NETROM", AF_NETROM),
	HEADER("bridge", "AF_BRIDGE", AF_BRIDGE),
	HEADER("atmpvc", "AF_ATMPVC", AF_ATMPVC),
	HEADER("x25", "AF_X25", AF_X25),
	HEADER("inet6", "AF_INET6", AF_INET6),
	HEADER("rose", "AF_ROSE", AF_ROSE),
	HEADER("decnet", "AF_DECnet", AF_DECnet),
	HEADER("netbeui", "AF_NETBEUI", AF_NETBEUI),
	HEADER("security", "AF_SECURITY", AF_SECURITY),
	HEADER("key", "AF_KEY", AF_KEY),
	HEADER("netlink", "AF_NETLINK", AF_NETLINK),
	HEADER("route", "AF_ROUTE", AF_NETLINK),
	HEADER("packet", "AF_PACKET", AF_PACKET),
	HEADER("ash", "AF_ASH", AF_ASH),
	HEADER("econet", "AF_ECONET", AF_ECONET),
	HEADER("atmsvc", "AF_ATMSVC", AF_ATMSVC),
	HEADER("rds", "AF_RDS", AF_RDS),
	HEADER("sna", "AF_SNA", AF_SNA),
	HEADER("irda", "AF_IRDA", AF_IRDA),
	HEADER("pppox", "AF_PPPOX", AF_PPPOX),
	HEADER("wanpipe", "AF_WANPIPE", AF_WANPIPE),
	HEADER("llc", "AF_LLC", AF_LLC),
	HEADER("ib", "AF_IB", AF_IB),
	HEADER("mpls", "AF_MPLS", AF_MPLS),
	HEADER("can", "AF_CAN", AF_CAN),
	HEADER("tipc", "AF_TIPC", AF_TIPC),
	HEADER("bluetooth", "AF_BLUETOOTH", AF_BLUETOOTH),
	HEADER("iucv", "AF_IUCV", AF_IUCV),
	HEADER("rxrpc", "AF_RXRPC", AF_RXRPC),
	HEADER("isdn", "AF_ISDN", AF_ISDN),
	HEADER("phonet", "AF_PHONET", AF_PHONET),
	HEADER("ieee802154", "AF_IEEE802154", AF_IEEE802154),
	HEADER("caif", "AF_CAIF", AF_CAIF),
	HEADER("alg", "AF_ALG", AF_ALG),
	HEADER("nfc", "AF_NFC", AF_NFC),
	HEADER("vsock", "AF_VSOCK", AF_VSOCK),
	HEADER("kcm", "AF_KCM", AF_KCM),
	HEADER("qipcrtr", "AF_QIPCRTR", AF_QIPCRTR),
	HEADER("smc", "AF_SMC", AF_SMC),
	HEADER("xdp", "AF_XDP", AF_XDP),
	HEADER("mctp", "AF_MCTP", AF_MCTP),
};

static const struct constant types[] = {
	HEADER("stream", "SOCK_STREAM", SOCK_STREAM),
	HEADER("dgram", "SOCK_DGRAM", SOCK_DGRAM),
	HEADER("raw", "SOCK_RAW", SOCK_RAW),
	HEADER("rdm", "SOCK_RDM", SOCK_RDM),
	HEADER("seqpacket", "SOCK_SEQPACKET", SOCK_SEQPACKET),
	HEADER("dccp", "SOCK_DCCP", SOCK_DCCP),
	HEADER("packet", "SOCK_PACKET", SOCK_PACKET),
};

/* For inet and inet6 alike: a raw socket of either may have any of them. */
static const struct constant inet_protocols[] = {
	HEADER("ip", "IPPROTO_IP", 0),
	HEADER("hopopts", "IPPROTO_HOPOPTS", 0),
	HEADER("icmp", "IPPROTO_ICMP", 1),
	HEADER("igmp", "IPPROTO_IGMP", 2),
	HEADER("ipip", "IPPROTO_IPIP", 4),
	HEADER("tcp", "IPPROTO_TCP", 6),
	HEADER("egp", "IPPROTO_EGP", 8),
	HEADER("pup", "IPPROTO_PUP", 12),
	HEADER("udp", "IPPROTO_UDP", 17),
	HEADER("idp", "IPPROTO_IDP", 22),
	HEADER("tp", "IPPROTO_TP", 29),
	HEADER("dccp", "IPPROTO_DCCP", 33),
	HEADER("ipv6", "IPPROTO_IPV6", 41),
	HEADER("routing", "IPPROTO_ROUTING", 43),
	HEADER("fragment", "IPPROTO_FRAGMENT", 44),
	HEADER("rsvp", "IPPROTO_RSVP", 46),
	HEADER("gre", "IPPROTO_GRE", 47),
	HEADER("esp", "IPPROTO_ESP", 50),
	HEADER("ah", "IPPROTO_AH", 51),
	NAME("ipv6-icmp", 58),
	HEADER("icmpv6", "IPPROTO_ICMPV6", 58),
	NAME("icmp6", 58),
	HEADER("none", "IPPROTO_NONE", 59),
	HEADER("dstopts", "IPPROTO_DSTOPTS", 60),
	NAME("eigrp", 88),
	NAME("ospf", 89),
	HEADER("mtp", "IPPROTO_MTP", 92),
	HEADER("beetph", "IPPROTO_BEETPH", 94),
	HEADER("encap", "IPPROTO_ENCAP", 98),
	HEADER("pim", "IPPROTO_PIM", 103),
	HEADER("comp", "IPPROTO_COMP", 108),
	NAME("ipcomp", 108),
	NAME("vrrp", 112),
	NAME("carp", 112),
	HEADER("l2tp", "IPPROTO_L2TP", 115),
	NAME("isis", 124),
	HEADER("sctp", "IPPROTO_SCTP", 132),
	HEADER("mh", "IPPROTO_MH", 135),
	HEADER("udplite", "IPPROTO_UDPLITE", 136),
	HEADER("mpls", "IPPROTO_MPLS", 137),
	NAME("hip", 139),
	HEADER("ethernet", "IPPROTO_ETHERNET", 143),
	HEADER("aggfrag", "IPPROTO_AGGFRAG", 144),
	HEADER("raw", "IPPROTO_RAW", 255),
	HEADER("smc", "IPPROTO_SMC", 256),
	HEADER("mptcp", "IPPROTO_MPTCP", 262),
};

static const struct constant packet_protocols[] = {
	NAME("none", 0),
	HEADER("802_3", "ETH_P_802_3", 0x0001),
	HEADER("ax25", "ETH_P_AX25", 0x0002),
	HEADER("all", "ETH_P_ALL", 0x0003),
	HEADER("loop", "ETH_P_LOOP", 0x0060),
	HEADER("pup", "ETH_P_PUP", 0x0200),
	HEADER("pupat", "ETH_P_PUPAT", 0x0201),
	HEADER("tsn", "ETH_P_TSN", 0x22f0),
	HEADER("erspan2", "ETH_P_ERSPAN2", 0x22eb),
	HEADER("ip", "ETH_P_IP", 0x0800),
	HEADER("x25", "ETH_P_X25", 0x0805),
	HEADER("arp", "ETH_P_ARP", 0x0806),
	HEADER("bpq", "ETH_P_BPQ", 0x08ff),
	HEADER("ieeepup", "ETH_P_IEEEPUP", 0x0a00),
	HEADER("ieeepupat", "ETH_P_IEEEPUPAT", 0x0a01),
	HEADER("batman", "ETH_P_BATMAN", 0x4305),
	HEADER("dec", "ETH_P_DEC", 0x6000),
	HEADER("dna_dl", "ETH_P_DNA_DL", 0x6001),
	HEADER("dna_rc", "ETH_P_DNA_RC", 0x6002),
	HEADER("dna_rt", "ETH_P_DNA_RT", 0x6003),
	HEADER("lat", "ETH_P_LAT", 0x6004),
	HEADER("diag", "ETH_P_DIAG", 0x6005),
	HEADER("cust", "ETH_P_CUST", 0x6006),
	HEADER("sca", "ETH_P_SCA", 0x6007),
	HEADER("teb", "ETH_P_TEB", 0x6558),
	HEADER("rarp", "ETH_P_RARP", 0x8035),
	HEADER("atalk", "ETH_P_ATALK", 0x809b),
	HEADER("aarp", "ETH_P_AARP", 0x80f3),
	HEADER("8021q", "ETH_P_8021Q", 0x8100),
	HEADER("erspan", "ETH_P_ERSPAN", 0x88be),
	HEADER("ipx", "ETH_P_IPX", 0x8137),
	HEADER("ipv6", "ETH_P_IPV6", 0x86dd),
	HEADER("pause", "ETH_P_PAUSE", 0x8808),
	HEADER("slow", "ETH_P_SLOW", 0x8809),
	HEADER("wccp", "ETH_P_WCCP", 0x883e),
	HEADER("mpls_uc", "ETH_P_MPLS_UC", 0x8847),
	HEADER("mpls_mc", "ETH_P_MPLS_MC", 0x8848),
	HEADER("atmmpoa", "ETH_P_ATMMPOA", 0x884c),
	HEADER("ppp_disc", "ETH_P_PPP_DISC", 0x8863),
	HEADER("ppp_ses", "ETH_P_PPP_SES", 0x8864),
	HEADER("link_ctl", "ETH_P_LINK_CTL", 0x886c),
	HEADER("atmfate", "ETH_P_ATMFATE", 0x8884),
	HEADER("pae", "ETH_P_PAE", 0x888e),
	HEADER("profinet", "ETH_P_PROFINET", 0x8892),
	HEADER("realtek", "ETH_P_REALTEK", 0x8899),
	HEADER("aoe", "ETH_P_AOE", 0x88a2),
	HEADER("ethercat", "ETH_P_ETHERCAT", 0x88a4),
	HEADER("8021ad", "ETH_P_8021AD", 0x88a8),
	HEADER("802_ex1", "ETH_P_802_EX1", 0x88b5),
	HEADER("preauth", "ETH_P_PREAUTH", 0x88c7),
	HEADER("tipc", "ETH_P_TIPC", 0x88ca),
	HEADER("lldp", "ETH_P_LLDP", 0x88cc),
	HEADER("mrp", "ETH_P_MRP", 0x88e3),
	HEADER("macsec", "ETH_P_MACSEC", 0x88e5),
	HEADER("8021ah", "ETH_P_8021AH", 0x88e7),
	HEADER("mvrp", "ETH_P_MVRP", 0x88f5),
	HEADER("1588", "ETH_P_1588", 0x88f7),
	HEADER("ncsi", "ETH_P_NCSI", 0x88f8),
	HEADER("prp", "ETH_P_PRP", 0x88fb),
	HEADER("cfm", "ETH_P_CFM", 0x8902),
	HEADER("fcoe", "ETH_P_FCOE", 0x8906),
	HEADER("iboe", "ETH_P_IBOE", 0x8915),
	HEADER("tdls", "ETH_P_TDLS", 0x890d),
	HEADER("fip", "ETH_P_FIP", 0x8914),
	HEADER("80221", "ETH_P_80221", 0x8917),
	HEADER("hsr", "ETH_P_HSR", 0x892f),
	HEADER("nsh", "ETH_P_NSH", 0x894f),
	HEADER("loopback", "ETH_P_LOOPBACK", 0x9000),
	HEADER("qinq1", "ETH_P_QINQ1", 0x9100),
	HEADER("qinq2", "ETH_P_QINQ2", 0x9200),
	HEADER("qinq3", "ETH_P_QINQ3", 0x9300),
	HEADER("edsa", "ETH_P_EDSA", 0xdada),
	HEADER("dsa_8021q", "ETH_P_DSA_8021Q", 0xdadb),
	HEADER("dsa_a5psw", "ETH_P_DSA_A5PSW", 0xe001),
	HEADER("ife", "ETH_P_IFE", 0xed3e),
	HEADER("af_iucv", "ETH_P_AF_IUCV", 0xfbfb),
	HEADER("802_2", "ETH_P_802_2", 0x0004),
	HEADER("snap", "ETH_P_SNAP", 0x0005),
	HEADER("ddcmp", "ETH_P_DDCMP", 0x0006),
	HEADER("wan_ppp", "ETH_P_WAN_PPP", 0x0007),
	HEADER("ppp_mp", "ETH_P_PPP_MP", 0x0008),
	HEADER("localtalk", "ETH_P_LOCALTALK", 0x0009),
	HEADER("can", "ETH_P_CAN", 0x000c),
	HEADER("canfd", "ETH_P_CANFD", 0x000d),
	HEADER("canxl", "ETH_P_CANXL", 0x000e),
	HEADER("ppptalk", "ETH_P_PPPTALK", 0x0010),
	HEADER("tr_802_2", "ETH_P_TR_802_2", 0x0011),
	HEADER("mobitex", "ETH_P_MOBITEX", 0x0015),
	HEADER("control", "ETH_P_CONTROL", 0x0016),
	HEADER("irda", "ETH_P_IRDA", 0x0017),
	HEADER("econet", "ETH_P_ECONET", 0x0018),
	HEADER("hdlc", "ETH_P_HDLC", 0x0019),
	HEADER("arcnet", "ETH_P_ARCNET", 0x001a),
	HEADER("dsa", "ETH_P_DSA", 0x001b),
	HEADER("trailer", "ETH_P_TRAILER", 0x001c),
	HEADER("phonet", "ETH_P_PHONET", 0x00f5),
	HEADER("ieee802154", "ETH_P_IEEE802154", 0x00f6),
	HEADER("caif", "ETH_P_CAIF", 0x00f7),
	HEADER("xdsa", "ETH_P_XDSA", 0x00f8),
	HEADER("map", "ETH_P_MAP", 0x00f9),
	HEADER("mctp", "ETH_P_MCTP", 0x00fa),
	NAME("802_1q", 0x8100),
	NAME("vlan", 0x8100),
	NAME("eapol", 0x888e),
	NAME("ptp", 0x88f7),
	NAME("qinq", 0x88a8),
	NAME("pppoe_disc", 0x8863),
	NAME("pppoe_ses", 0x8864),
	NAME("lacp", 0x8809),
};

static const struct constant netlink_protocols[] = {
	HEADER("route", "NETLINK_ROUTE", 0),
	HEADER("unused", "NETLINK_UNUSED", 1),
	HEADER("usersock", "NETLINK_USERSOCK", 2),
	HEADER("firewall", "NETLINK_FIREWALL", 3),
	HEADER("sock_diag", "NETLINK_SOCK_DIAG", 4),
	HEADER("inet_diag", "NETLINK_INET_DIAG", 4),
	HEADER("nflog", "NETLINK_NFLOG", 5),
	HEADER("xfrm", "NETLINK_XFRM", 6),
	HEADER("selinux", "NETLINK_SELINUX", 7),
	HEADER("iscsi", "NETLINK_ISCSI", 8),
	HEADER("audit", "NETLINK_AUDIT", 9),
	HEADER("fib_lookup", "NETLINK_FIB_LOOKUP", 10),
	HEADER("connector", "NETLINK_CONNECTOR", 11),
	HEADER("netfilter", "NETLINK_NETFILTER", 12),
	HEADER("ip6_fw", "NETLINK_IP6_FW", 13),
	HEADER("dnrtmsg", "NETLINK_DNRTMSG", 14),
	HEADER("kobject_uevent", "NETLINK_KOBJECT_UEVENT", 15),
	NAME("uevent", 15),
	HEADER("generic", "NETLINK_GENERIC", 16),
	HEADER("scsitransport", "NETLINK_SCSITRANSPORT", 18),
	HEADER("ecryptfs", "NETLINK_ECRYPTFS", 19),
	HEADER("rdma", "NETLINK_RDMA", 20),
	HEADER("crypto", "NETLINK_CRYPTO", 21),
	HEADER("smc", "NETLINK_SMC", 22),
};

static const struct constant can_protocols[] = {
	HEADER("raw", "CAN_RAW", 1),
	HEADER("bcm", "CAN_BCM", 2),
	HEADER("tp16", "CAN_TP16", 3),
	HEADER("tp20", "CAN_TP20", 4),
	HEADER("mcnet", "CAN_MCNET", 5),
	HEADER("isotp", "CAN_ISOTP", 6),
	HEADER("j1939", "CAN_J1939", 7),
};

static const struct constant bluetooth_protocols[] = {
	HEADER("l2cap", "BTPROTO_L2CAP", 0),
	HEADER("hci", "BTPROTO_HCI", 1),
	HEADER("sco", "BTPROTO_SCO", 2),
	HEADER("rfcomm", "BTPROTO_RFCOMM", 3),
	HEADER("bnep", "BTPROTO_BNEP", 4),
	HEADER("cmtp", "BTPROTO_CMTP", 5),
	HEADER("hidp", "BTPROTO_HIDP", 6),
	HEADER("avdtp", "BTPROTO_AVDTP", 7),
	HEADER("iso", "BTPROTO_ISO", 8),
};

static const struct constant pppox_protocols[] = {
	HEADER("oe", "PX_PROTO_OE", 0),
	HEADER("ol2tp", "PX_PROTO_OL2TP", 1),
	HEADER("pptp", "PX_PROTO_PPTP", 2),
};

static const struct constant phonet_protocols[] = {
	HEADER("transport", "PN_PROTO_TRANSPORT", 0),
	HEADER("phonet", "PN_PROTO_PHONET", 1),
	HEADER("pipe", "PN_PROTO_PIPE", 2),
};

static const struct constant caif_protocols[] = {
	HEADER("at", "CAIFPROTO_AT", 0),
	HEADER("datagram", "CAIFPROTO_DATAGRAM", 1),
	HEADER("datagram_loop", "CAIFPROTO_DATAGRAM_LOOP", 2),
	HEADER("util", "CAIFPROTO_UTIL", 3),
	HEADER("rfm", "CAIFPROTO_RFM", 4),
	HEADER("debug", "CAIFPROTO_DEBUG", 5),
};

static const struct constant nfc_protocols[] = {
	HEADER("raw", "NFC_SOCKPROTO_RAW", 0),
	HEADER("llcp", "NFC_SOCKPROTO_LLCP", 1),
};

static const struct constant smc_protocols[] = {
	HEADER("smc", "SMCPROTO_SMC", 0),
	HEADER("smc6", "SMCPROTO_SMC6", 1),
};

static const struct constant kcm_protocols[] = {
	HEADER("connected", "KCMPROTO_CONNECTED", 0),
};

static const struct constant key_protocols[] = {
	HEADER("v2", "PF_KEY_V2", 2),
};

static const struct constant rxrpc_protocols[] = {
	HEADER("inet", "PF_INET", AF_INET),
	HEADER("inet6", "PF_INET6", AF_INET6),
};

/* What no family's table says of protocol 0. */
static const struct constant default_protocol[] = {
	NAME("default", 0),
};

/* The families with protocols of their own; inet6 has inet's. */
static const int protocol_families[] = {
	AF_INET,
	AF_PACKET,
	AF_NETLINK,
	AF_CAN,
	AF_BLUETOOTH,
	AF_PPPOX,
	AF_PHONET,
	AF_CAIF,
	AF_NFC,
	AF_SMC,
	AF_KCM,
	AF_KEY,
	AF_RXRPC,
};

static struct constants protocols_of(int domain, const char **ret_prefix)
{
	switch (domain) {
	case AF_INET:
	case AF_INET6:
		*ret_prefix = "IPPROTO_";
		return CONSTANTS(inet_protocols);
	case AF_PACKET:
		*ret_prefix = "ETH_P_";
		return CONSTANTS(packet_protocols);
	case AF_NETLINK:
		*ret_prefix = "NETLINK_";
		return CONSTANTS(netlink_protocols);
	case AF_CAN:
		*ret_prefix = "CAN_";
		return CONSTANTS(can_protocols);
	case AF_BLUETOOTH:
		*ret_prefix = "BTPROTO_";
		return CONSTANTS(bluetooth_protocols);
	case AF_PPPOX:
		*ret_prefix = "PX_PROTO_";
		return CONSTANTS(pppox_protocols);
	case AF_PHONET:
		*ret_prefix = "PN_PROTO_";
		return CONSTANTS(phonet_protocols);
	case AF_CAIF:
		*ret_prefix = "CAIFPROTO_";
		return CONSTANTS(caif_protocols);
	case AF_NFC:
		*ret_prefix = "NFC_SOCKPROTO_";
		return CONSTANTS(nfc_protocols);
	case AF_SMC:
		*ret_prefix = "SMCPROTO_";
		return CONSTANTS(smc_protocols);
	case AF_KCM:
		*ret_prefix = "KCMPROTO_";
		return CONSTANTS(kcm_protocols);
	case AF_KEY:
		*ret_prefix = "PF_KEY_";
		return CONSTANTS(key_protocols);
	case AF_RXRPC:
		*ret_prefix = "PF_";
		return CONSTANTS(rxrpc_protocols);
	default:
		*ret_prefix = NULL;
		return CONSTANTS(default_protocol);
	}
}

/* Accepts the short form, and the prefix of the C headers before the names that these have. */
static int number_from_name(struct constants table, const char *prefix, const char *name, int *ret)
{
	bool c_form = prefix && strncmp(name, prefix, strlen(prefix)) == 0;
	const char *rest = c_form ? name + strlen(prefix) : name;

	for (size_t i = 0; i < table.n; i++) {
		if (c_form && !table.items[i].c_name)
			continue;
		if (strcasecmp(table.items[i].name, rest) == 0) {
			*ret = table.items[i].number;
			return 0;
		}
	}
	return -ENOENT;
}

int constant_family_from_name(const char *name, int *ret)
{
	return number_from_name(CONSTANTS(families), "AF_", name, ret);
}

const char *constant_family_name(int domain)
{
	return constants_name(CONSTANTS(families), domain);
}

int constant_type_from_name(const char *name, int *ret)
{
	return number_from_name(CONSTANTS(types), "SOCK_", name, ret);
}

const char *constant_type_name(int type)
{
	return constants_name(CONSTANTS(types), type);
}

int constant_protocol_from_name(int domain, const char *name, int *ret)
{
	const char *prefix;
	struct constants table = protocols_of(domain, &prefix);

	if (number_from_name(table, prefix, name, ret) == 0)
		return 0;
	return number_from_name(CONSTANTS(default_protocol), NULL, name, ret);
}

int constant_protocol_of_call(int domain, int protocol)
{
	return domain == AF_PACKET ? ntohs((uint16_t)protocol) : protocol;
}

const char *constant_protocol_name(int domain, int protocol)
{
	const char *prefix;
	struct constants table = protocols_of(domain, &prefix);
	const char *name = constants_name(table, protocol);

	return name ? name : constants_name(CONSTANTS(default_protocol), protocol);
}

int constant_inet_protocol(int type)
{
	switch (type) {
	case SOCK_STREAM:
		return IPPROTO_TCP;
	case SOCK_DGRAM:
		return IPPROTO_UDP;
	case SOCK_SEQPACKET:
		return IPPROTO_SCTP;
	case SOCK_DCCP:
		return IPPROTO_DCCP;
	default:
		return 0;
	}
}

static int number_from_c_name(struct constants table, const char *name, int *ret)
{
	for (size_t i = 0; i < table.n; i++)
		if (table.items[i].c_name && strcmp(table.items[i].c_name, name) == 0) {
			*ret = table.items[i].number;
			return 0;
		}
	return -ENOENT;
}

int constant_from_c_name(const char *name, int *ret)
{
	const char *prefix;

	if (number_from_c_name(CONSTANTS(families), name, ret) == 0 ||
		number_from_c_name(CONSTANTS(types), name, ret) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(protocol_families); i++)
		if (number_from_c_name(protocols_of(protocol_families[i], &prefix), name, ret) == 0)
			return 0;
	return -ENOENT;
}

static const char *c_name(struct constants table, int number)
{
	for (size_t i = 0; i < table.n; i++)
		if (table.items[i].number == number && table.items[i].c_name)
			return table.items[i].c_name;
	return NULL;
}

const char *constant_family_c_name(int domain)
{
	return c_name(CONSTANTS(families), domain);
}

const char *constant_type_c_name(int type)
{
	return c_name(CONSTANTS(types), type);
}

const char *constant_protocol_c_name(int domain, int protocol)
{
	const char *prefix;

	return c_name(protocols_of(domain, &prefix), protocol);
}
