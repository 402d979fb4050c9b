#include "proto/constants.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "proto/constants-internal.h"

/* Younger than some C libraries that sockd is built with. */
#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef AF_MCTP
#define AF_MCTP 45
#endif

static const struct constant families[] = {
	NAME("unspec", AF_UNSPEC),
	NAME("unix", AF_UNIX),
	NAME("local", AF_UNIX),
	NAME("file", AF_UNIX),
	NAME("inet", AF_INET),
	NAME("ax25", AF_AX25),
	NAME("ipx", AF_IPX),
	NAME("appletalk", AF_APPLETALK),
	NAME("netrom", AF_NETROM),
	NAME("bridge", AF_BRIDGE),
	NAME("atmpvc", AF_ATMPVC),
	NAME("x25", AF_X25),
	NAME("inet6", AF_INET6),
	NAME("rose", AF_ROSE),
	NAME("decnet", AF_DECnet),
	NAME("netbeui", AF_NETBEUI),
	NAME("security", AF_SECURITY),
	NAME("key", AF_KEY),
	NAME("netlink", AF_NETLINK),
	NAME("route", AF_NETLINK),
	NAME("packet", AF_PACKET),
	NAME("ash", AF_ASH),
	NAME("econet", AF_ECONET),
	NAME("atmsvc", AF_ATMSVC),
	NAME("rds", AF_RDS),
	NAME("sna", AF_SNA),
	NAME("irda", AF_IRDA),
	NAME("pppox", AF_PPPOX),
	NAME("wanpipe", AF_WANPIPE),
	NAME("llc", AF_LLC),
	NAME("ib", AF_IB),
	NAME("mpls", AF_MPLS),
	NAME("can", AF_CAN),
	NAME("tipc", AF_TIPC),
	NAME("bluetooth", AF_BLUETOOTH),
	NAME("iucv", AF_IUCV),
	NAME("rxrpc", AF_RXRPC),
	NAME("isdn", AF_ISDN),
	NAME("phonet", AF_PHONET),
	NAME("ieee802154", AF_IEEE802154),
	NAME("caif", AF_CAIF),
	NAME("alg", AF_ALG),
	NAME("nfc", AF_NFC),
	NAME("vsock", AF_VSOCK),
	NAME("kcm", AF_KCM),
	NAME("qipcrtr", AF_QIPCRTR),
	NAME("smc", AF_SMC),
	NAME("xdp", AF_XDP),
	NAME("mctp", AF_MCTP),
};

static const struct constant types[] = {
	NAME("stream", SOCK_STREAM),
	NAME("dgram", SOCK_DGRAM),
	NAME("raw", SOCK_RAW),
	NAME("rdm", SOCK_RDM),
	NAME("seqpacket", SOCK_SEQPACKET),
	NAME("dccp", SOCK_DCCP),
	NAME("packet", SOCK_PACKET),
};

/* For inet and inet6 alike: a raw socket of either may have any of them. */
static const struct constant inet_protocols[] = {
	NAME("ip", 0),
	NAME("hopopts", 0),
	NAME("icmp", 1),
	NAME("igmp", 2),
	NAME("ipip", 4),
	NAME("tcp", 6),
	NAME("egp", 8),
	NAME("pup", 12),
	NAME("udp", 17),
	NAME("idp", 22),
	NAME("tp", 29),
	NAME("dccp", 33),
	NAME("ipv6", 41),
	NAME("routing", 43),
	NAME("fragment", 44),
	NAME("rsvp", 46),
	NAME("gre", 47),
	NAME("esp", 50),
	NAME("ah", 51),
	LOCAL("ipv6-icmp", 58),
	NAME("icmpv6", 58),
	LOCAL("icmp6", 58),
	NAME("none", 59),
	NAME("dstopts", 60),
	LOCAL("eigrp", 88),
	LOCAL("ospf", 89),
	NAME("mtp", 92),
	NAME("beetph", 94),
	NAME("encap", 98),
	NAME("pim", 103),
	NAME("comp", 108),
	LOCAL("ipcomp", 108),
	LOCAL("vrrp", 112),
	LOCAL("carp", 112),
	NAME("l2tp", 115),
	LOCAL("isis", 124),
	NAME("sctp", 132),
	NAME("mh", 135),
	NAME("udplite", 136),
	NAME("mpls", 137),
	LOCAL("hip", 139),
	NAME("ethernet", 143),
	NAME("aggfrag", 144),
	NAME("raw", 255),
	NAME("smc", 256),
	NAME("mptcp", 262),
};

static const struct constant packet_protocols[] = {
	LOCAL("none", 0),
	NAME("802_3", 0x0001),
	NAME("ax25", 0x0002),
	NAME("all", 0x0003),
	NAME("loop", 0x0060),
	NAME("pup", 0x0200),
	NAME("pupat", 0x0201),
	NAME("tsn", 0x22f0),
	NAME("erspan2", 0x22eb),
	NAME("ip", 0x0800),
	NAME("x25", 0x0805),
	NAME("arp", 0x0806),
	NAME("bpq", 0x08ff),
	NAME("ieeepup", 0x0a00),
	NAME("ieeepupat", 0x0a01),
	NAME("batman", 0x4305),
	NAME("dec", 0x6000),
	NAME("dna_dl", 0x6001),
	NAME("dna_rc", 0x6002),
	NAME("dna_rt", 0x6003),
	NAME("lat", 0x6004),
	NAME("diag", 0x6005),
	NAME("cust", 0x6006),
	NAME("sca", 0x6007),
	NAME("teb", 0x6558),
	NAME("rarp", 0x8035),
	NAME("atalk", 0x809b),
	NAME("aarp", 0x80f3),
	NAME("8021q", 0x8100),
	NAME("erspan", 0x88be),
	NAME("ipx", 0x8137),
	NAME("ipv6", 0x86dd),
	NAME("pause", 0x8808),
	NAME("slow", 0x8809),
	NAME("wccp", 0x883e),
	NAME("mpls_uc", 0x8847),
	NAME("mpls_mc", 0x8848),
	NAME("atmmpoa", 0x884c),
	NAME("ppp_disc", 0x8863),
	NAME("ppp_ses", 0x8864),
	NAME("link_ctl", 0x886c),
	NAME("atmfate", 0x8884),
	NAME("pae", 0x888e),
	NAME("profinet", 0x8892),
	NAME("realtek", 0x8899),
	NAME("aoe", 0x88a2),
	NAME("ethercat", 0x88a4),
	NAME("8021ad", 0x88a8),
	NAME("802_ex1", 0x88b5),
	NAME("preauth", 0x88c7),
	NAME("tipc", 0x88ca),
	NAME("lldp", 0x88cc),
	NAME("mrp", 0x88e3),
	NAME("macsec", 0x88e5),
	NAME("8021ah", 0x88e7),
	NAME("mvrp", 0x88f5),
	NAME("1588", 0x88f7),
	NAME("ncsi", 0x88f8),
	NAME("prp", 0x88fb),
	NAME("cfm", 0x8902),
	NAME("fcoe", 0x8906),
	NAME("iboe", 0x8915),
	NAME("tdls", 0x890d),
	NAME("fip", 0x8914),
	NAME("80221", 0x8917),
	NAME("hsr", 0x892f),
	NAME("nsh", 0x894f),
	NAME("loopback", 0x9000),
	NAME("qinq1", 0x9100),
	NAME("qinq2", 0x9200),
	NAME("qinq3", 0x9300),
	NAME("edsa", 0xdada),
	NAME("dsa_8021q", 0xdadb),
	NAME("dsa_a5psw", 0xe001),
	NAME("ife", 0xed3e),
	NAME("af_iucv", 0xfbfb),
	NAME("802_2", 0x0004),
	NAME("snap", 0x0005),
	NAME("ddcmp", 0x0006),
	NAME("wan_ppp", 0x0007),
	NAME("ppp_mp", 0x0008),
	NAME("localtalk", 0x0009),
	NAME("can", 0x000c),
	NAME("canfd", 0x000d),
	NAME("canxl", 0x000e),
	NAME("ppptalk", 0x0010),
	NAME("tr_802_2", 0x0011),
	NAME("mobitex", 0x0015),
	NAME("control", 0x0016),
	NAME("irda", 0x0017),
	NAME("econet", 0x0018),
	NAME("hdlc", 0x0019),
	NAME("arcnet", 0x001a),
	NAME("dsa", 0x001b),
	NAME("trailer", 0x001c),
	NAME("phonet", 0x00f5),
	NAME("ieee802154", 0x00f6),
	NAME("caif", 0x00f7),
	NAME("xdsa", 0x00f8),
	NAME("map", 0x00f9),
	NAME("mctp", 0x00fa),
	LOCAL("802_1q", 0x8100),
	LOCAL("vlan", 0x8100),
	LOCAL("eapol", 0x888e),
	LOCAL("ptp", 0x88f7),
	LOCAL("qinq", 0x88a8),
	LOCAL("pppoe_disc", 0x8863),
	LOCAL("pppoe_ses", 0x8864),
	LOCAL("lacp", 0x8809),
};

static const struct constant netlink_protocols[] = {
	NAME("route", 0),
	NAME("unused", 1),
	NAME("usersock", 2),
	NAME("firewall", 3),
	NAME("sock_diag", 4),
	NAME("inet_diag", 4),
	NAME("nflog", 5),
	NAME("xfrm", 6),
	NAME("selinux", 7),
	NAME("iscsi", 8),
	NAME("audit", 9),
	NAME("fib_lookup", 10),
	NAME("connector", 11),
	NAME("netfilter", 12),
	NAME("ip6_fw", 13),
	NAME("dnrtmsg", 14),
	NAME("kobject_uevent", 15),
	LOCAL("uevent", 15),
	NAME("generic", 16),
	NAME("scsitransport", 18),
	NAME("ecryptfs", 19),
	NAME("rdma", 20),
	NAME("crypto", 21),
	NAME("smc", 22),
};

static const struct constant can_protocols[] = {
	NAME("raw", 1),
	NAME("bcm", 2),
	NAME("tp16", 3),
	NAME("tp20", 4),
	NAME("mcnet", 5),
	NAME("isotp", 6),
	NAME("j1939", 7),
};

static const struct constant bluetooth_protocols[] = {
	NAME("l2cap", 0),
	NAME("hci", 1),
	NAME("sco", 2),
	NAME("rfcomm", 3),
	NAME("bnep", 4),
	NAME("cmtp", 5),
	NAME("hidp", 6),
	NAME("avdtp", 7),
	NAME("iso", 8),
};

static const struct constant pppox_protocols[] = {
	NAME("oe", 0),
	NAME("ol2tp", 1),
	NAME("pptp", 2),
};

static const struct constant phonet_protocols[] = {
	NAME("transport", 0),
	NAME("phonet", 1),
	NAME("pipe", 2),
};

static const struct constant caif_protocols[] = {
	NAME("at", 0),
	NAME("datagram", 1),
	NAME("datagram_loop", 2),
	NAME("util", 3),
	NAME("rfm", 4),
	NAME("debug", 5),
};

static const struct constant nfc_protocols[] = {
	NAME("raw", 0),
	NAME("llcp", 1),
};

static const struct constant smc_protocols[] = {
	NAME("smc", 0),
	NAME("smc6", 1),
};

static const struct constant kcm_protocols[] = {
	NAME("connected", 0),
};

static const struct constant key_protocols[] = {
	NAME("v2", 2),
};

static const struct constant rxrpc_protocols[] = {
	NAME("inet", AF_INET),
	NAME("inet6", AF_INET6),
};

/* What no family's table says of protocol 0. */
static const struct constant default_protocol[] = {
	LOCAL("default", 0),
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
		if (c_form && table.items[i].local)
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

const char *constant_protocol_name(int domain, int protocol)
{
	const char *prefix;
	struct constants table = protocols_of(domain, &prefix);
	const char *name = constants_name(table, protocol);

	return name ? name : constants_name(CONSTANTS(default_protocol), protocol);
}
