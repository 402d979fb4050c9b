#include "proto/constants.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <string.h>

#include "proto/constants-internal.h"

/*
 * Numbers and not the headers' constants: they are the kernel's interface and the same on every
 * architecture, and a broker built with older headers must still know the newer names.
 */

static const struct constant route_groups[] = {
	NAME("RTNLGRP_LINK", 1),
	NAME("RTNLGRP_NOTIFY", 2),
	NAME("RTNLGRP_NEIGH", 3),
	NAME("RTNLGRP_TC", 4),
	NAME("RTNLGRP_IPV4_IFADDR", 5),
	NAME("RTNLGRP_IPV4_MROUTE", 6),
	NAME("RTNLGRP_IPV4_ROUTE", 7),
	NAME("RTNLGRP_IPV4_RULE", 8),
	NAME("RTNLGRP_IPV6_IFADDR", 9),
	NAME("RTNLGRP_IPV6_MROUTE", 10),
	NAME("RTNLGRP_IPV6_ROUTE", 11),
	NAME("RTNLGRP_IPV6_IFINFO", 12),
	NAME("RTNLGRP_DECnet_IFADDR", 13),
	NAME("RTNLGRP_DECnet_ROUTE", 15),
	NAME("RTNLGRP_DECnet_RULE", 16),
	NAME("RTNLGRP_IPV6_PREFIX", 18),
	NAME("RTNLGRP_IPV6_RULE", 19),
	NAME("RTNLGRP_ND_USEROPT", 20),
	NAME("RTNLGRP_PHONET_IFADDR", 21),
	NAME("RTNLGRP_PHONET_ROUTE", 22),
	NAME("RTNLGRP_DCB", 23),
	NAME("RTNLGRP_IPV4_NETCONF", 24),
	NAME("RTNLGRP_IPV6_NETCONF", 25),
	NAME("RTNLGRP_MDB", 26),
	NAME("RTNLGRP_MPLS_ROUTE", 27),
	NAME("RTNLGRP_NSID", 28),
	NAME("RTNLGRP_MPLS_NETCONF", 29),
	NAME("RTNLGRP_IPV4_MROUTE_R", 30),
	NAME("RTNLGRP_IPV6_MROUTE_R", 31),
	NAME("RTNLGRP_NEXTHOP", 32),
	NAME("RTNLGRP_BRVLAN", 33),
	NAME("RTNLGRP_MCTP_IFADDR", 34),
	NAME("RTNLGRP_TUNNEL", 35),
	NAME("RTNLGRP_STATS", 36),
	NAME("RTNLGRP_IPV4_MCADDR", 37),
	NAME("RTNLGRP_IPV6_MCADDR", 38),
	NAME("RTNLGRP_IPV6_ACADDR", 39),
};

static const struct constant netfilter_groups[] = {
	NAME("NFNLGRP_CONNTRACK_NEW", 1),
	NAME("NFNLGRP_CONNTRACK_UPDATE", 2),
	NAME("NFNLGRP_CONNTRACK_DESTROY", 3),
	NAME("NFNLGRP_CONNTRACK_EXP_NEW", 4),
	NAME("NFNLGRP_CONNTRACK_EXP_UPDATE", 5),
	NAME("NFNLGRP_CONNTRACK_EXP_DESTROY", 6),
	NAME("NFNLGRP_NFTABLES", 7),
	NAME("NFNLGRP_ACCT_QUOTA", 8),
	NAME("NFNLGRP_NFTRACE", 9),
};

static const struct constant xfrm_groups[] = {
	NAME("XFRMNLGRP_ACQUIRE", 1),
	NAME("XFRMNLGRP_EXPIRE", 2),
	NAME("XFRMNLGRP_SA", 3),
	NAME("XFRMNLGRP_POLICY", 4),
	NAME("XFRMNLGRP_AEVENTS", 5),
	NAME("XFRMNLGRP_REPORT", 6),
	NAME("XFRMNLGRP_MIGRATE", 7),
	NAME("XFRMNLGRP_MAPPING", 8),
};

static const struct constant diag_groups[] = {
	NAME("SKNLGRP_INET_TCP_DESTROY", 1),
	NAME("SKNLGRP_INET_UDP_DESTROY", 2),
	NAME("SKNLGRP_INET6_TCP_DESTROY", 3),
	NAME("SKNLGRP_INET6_UDP_DESTROY", 4),
};

static const struct constant route_messages[] = {
	NAME("RTM_NEWLINK", 16),
	NAME("RTM_DELLINK", 17),
	NAME("RTM_GETLINK", 18),
	NAME("RTM_SETLINK", 19),
	NAME("RTM_NEWADDR", 20),
	NAME("RTM_DELADDR", 21),
	NAME("RTM_GETADDR", 22),
	NAME("RTM_NEWROUTE", 24),
	NAME("RTM_DELROUTE", 25),
	NAME("RTM_GETROUTE", 26),
	NAME("RTM_NEWNEIGH", 28),
	NAME("RTM_DELNEIGH", 29),
	NAME("RTM_GETNEIGH", 30),
	NAME("RTM_NEWRULE", 32),
	NAME("RTM_DELRULE", 33),
	NAME("RTM_GETRULE", 34),
	NAME("RTM_NEWQDISC", 36),
	NAME("RTM_DELQDISC", 37),
	NAME("RTM_GETQDISC", 38),
	NAME("RTM_NEWTCLASS", 40),
	NAME("RTM_DELTCLASS", 41),
	NAME("RTM_GETTCLASS", 42),
	NAME("RTM_NEWTFILTER", 44),
	NAME("RTM_DELTFILTER", 45),
	NAME("RTM_GETTFILTER", 46),
	NAME("RTM_NEWACTION", 48),
	NAME("RTM_DELACTION", 49),
	NAME("RTM_GETACTION", 50),
	NAME("RTM_NEWPREFIX", 52),
	NAME("RTM_NEWMULTICAST", 56),
	NAME("RTM_DELMULTICAST", 57),
	NAME("RTM_GETMULTICAST", 58),
	NAME("RTM_NEWANYCAST", 60),
	NAME("RTM_DELANYCAST", 61),
	NAME("RTM_GETANYCAST", 62),
	NAME("RTM_NEWNEIGHTBL", 64),
	NAME("RTM_GETNEIGHTBL", 66),
	NAME("RTM_SETNEIGHTBL", 67),
	NAME("RTM_NEWNDUSEROPT", 68),
	NAME("RTM_NEWADDRLABEL", 72),
	NAME("RTM_DELADDRLABEL", 73),
	NAME("RTM_GETADDRLABEL", 74),
	NAME("RTM_GETDCB", 78),
	NAME("RTM_SETDCB", 79),
	NAME("RTM_NEWNETCONF", 80),
	NAME("RTM_DELNETCONF", 81),
	NAME("RTM_GETNETCONF", 82),
	NAME("RTM_NEWMDB", 84),
	NAME("RTM_DELMDB", 85),
	NAME("RTM_GETMDB", 86),
	NAME("RTM_NEWNSID", 88),
	NAME("RTM_DELNSID", 89),
	NAME("RTM_GETNSID", 90),
	NAME("RTM_NEWSTATS", 92),
	NAME("RTM_GETSTATS", 94),
	NAME("RTM_SETSTATS", 95),
	NAME("RTM_NEWCACHEREPORT", 96),
	NAME("RTM_NEWCHAIN", 100),
	NAME("RTM_DELCHAIN", 101),
	NAME("RTM_GETCHAIN", 102),
	NAME("RTM_NEWNEXTHOP", 104),
	NAME("RTM_DELNEXTHOP", 105),
	NAME("RTM_GETNEXTHOP", 106),
	NAME("RTM_NEWLINKPROP", 108),
	NAME("RTM_DELLINKPROP", 109),
	NAME("RTM_GETLINKPROP", 110),
	NAME("RTM_NEWVLAN", 112),
	NAME("RTM_DELVLAN", 113),
	NAME("RTM_GETVLAN", 114),
	NAME("RTM_NEWNEXTHOPBUCKET", 116),
	NAME("RTM_DELNEXTHOPBUCKET", 117),
	NAME("RTM_GETNEXTHOPBUCKET", 118),
	NAME("RTM_NEWTUNNEL", 120),
	NAME("RTM_DELTUNNEL", 121),
	NAME("RTM_GETTUNNEL", 122),
};

#define NF(subsystem, name, message) NAME(name, (subsystem) << 8 | (message))

static const struct constant netfilter_messages[] = {
	NAME("NFNL_MSG_BATCH_BEGIN", 16),
	NAME("NFNL_MSG_BATCH_END", 17),
	NF(1, "IPCTNL_MSG_CT_NEW", 0),
	NF(1, "IPCTNL_MSG_CT_GET", 1),
	NF(1, "IPCTNL_MSG_CT_DELETE", 2),
	NF(1, "IPCTNL_MSG_CT_GET_CTRZERO", 3),
	NF(1, "IPCTNL_MSG_CT_GET_STATS_CPU", 4),
	NF(1, "IPCTNL_MSG_CT_GET_STATS", 5),
	NF(1, "IPCTNL_MSG_CT_GET_DYING", 6),
	NF(1, "IPCTNL_MSG_CT_GET_UNCONFIRMED", 7),
	NF(2, "IPCTNL_MSG_EXP_NEW", 0),
	NF(2, "IPCTNL_MSG_EXP_GET", 1),
	NF(2, "IPCTNL_MSG_EXP_DELETE", 2),
	NF(2, "IPCTNL_MSG_EXP_GET_STATS_CPU", 3),
	NF(3, "NFQNL_MSG_PACKET", 0),
	NF(3, "NFQNL_MSG_VERDICT", 1),
	NF(3, "NFQNL_MSG_CONFIG", 2),
	NF(3, "NFQNL_MSG_VERDICT_BATCH", 3),
	NF(4, "NFULNL_MSG_PACKET", 0),
	NF(4, "NFULNL_MSG_CONFIG", 1),
	NF(5, "OSF_MSG_ADD", 0),
	NF(5, "OSF_MSG_REMOVE", 1),
	NF(6, "IPSET_CMD_PROTOCOL", 1),
	NF(6, "IPSET_CMD_CREATE", 2),
	NF(6, "IPSET_CMD_DESTROY", 3),
	NF(6, "IPSET_CMD_FLUSH", 4),
	NF(6, "IPSET_CMD_RENAME", 5),
	NF(6, "IPSET_CMD_SWAP", 6),
	NF(6, "IPSET_CMD_LIST", 7),
	NF(6, "IPSET_CMD_SAVE", 8),
	NF(6, "IPSET_CMD_ADD", 9),
	NF(6, "IPSET_CMD_DEL", 10),
	NF(6, "IPSET_CMD_TEST", 11),
	NF(6, "IPSET_CMD_HEADER", 12),
	NF(6, "IPSET_CMD_TYPE", 13),
	NF(6, "IPSET_CMD_GET_BYNAME", 14),
	NF(6, "IPSET_CMD_GET_BYINDEX", 15),
	NF(7, "NFNL_MSG_ACCT_NEW", 0),
	NF(7, "NFNL_MSG_ACCT_GET", 1),
	NF(7, "NFNL_MSG_ACCT_GET_CTRZERO", 2),
	NF(7, "NFNL_MSG_ACCT_DEL", 3),
	NF(7, "NFNL_MSG_ACCT_OVERQUOTA", 4),
	NF(8, "IPCTNL_MSG_TIMEOUT_NEW", 0),
	NF(8, "IPCTNL_MSG_TIMEOUT_GET", 1),
	NF(8, "IPCTNL_MSG_TIMEOUT_DELETE", 2),
	NF(8, "IPCTNL_MSG_TIMEOUT_DEFAULT_SET", 3),
	NF(8, "IPCTNL_MSG_TIMEOUT_DEFAULT_GET", 4),
	NF(9, "NFNL_MSG_CTHELPER_NEW", 0),
	NF(9, "NFNL_MSG_CTHELPER_GET", 1),
	NF(9, "NFNL_MSG_CTHELPER_DEL", 2),
	NF(10, "NFT_MSG_NEWTABLE", 0),
	NF(10, "NFT_MSG_GETTABLE", 1),
	NF(10, "NFT_MSG_DELTABLE", 2),
	NF(10, "NFT_MSG_NEWCHAIN", 3),
	NF(10, "NFT_MSG_GETCHAIN", 4),
	NF(10, "NFT_MSG_DELCHAIN", 5),
	NF(10, "NFT_MSG_NEWRULE", 6),
	NF(10, "NFT_MSG_GETRULE", 7),
	NF(10, "NFT_MSG_DELRULE", 8),
	NF(10, "NFT_MSG_NEWSET", 9),
	NF(10, "NFT_MSG_GETSET", 10),
	NF(10, "NFT_MSG_DELSET", 11),
	NF(10, "NFT_MSG_NEWSETELEM", 12),
	NF(10, "NFT_MSG_GETSETELEM", 13),
	NF(10, "NFT_MSG_DELSETELEM", 14),
	NF(10, "NFT_MSG_NEWGEN", 15),
	NF(10, "NFT_MSG_GETGEN", 16),
	NF(10, "NFT_MSG_TRACE", 17),
	NF(10, "NFT_MSG_NEWOBJ", 18),
	NF(10, "NFT_MSG_GETOBJ", 19),
	NF(10, "NFT_MSG_DELOBJ", 20),
	NF(10, "NFT_MSG_GETOBJ_RESET", 21),
	NF(10, "NFT_MSG_NEWFLOWTABLE", 22),
	NF(10, "NFT_MSG_GETFLOWTABLE", 23),
	NF(10, "NFT_MSG_DELFLOWTABLE", 24),
	NF(10, "NFT_MSG_GETRULE_RESET", 25),
	NF(10, "NFT_MSG_DESTROYTABLE", 26),
	NF(10, "NFT_MSG_DESTROYCHAIN", 27),
	NF(10, "NFT_MSG_DESTROYRULE", 28),
	NF(10, "NFT_MSG_DESTROYSET", 29),
	NF(10, "NFT_MSG_DESTROYSETELEM", 30),
	NF(10, "NFT_MSG_DESTROYOBJ", 31),
	NF(10, "NFT_MSG_DESTROYFLOWTABLE", 32),
	NF(10, "NFT_MSG_GETSETELEM_RESET", 33),
	NF(11, "NFNL_MSG_COMPAT_GET", 0),
	NF(12, "NFNL_MSG_HOOK_GET", 0),
};

static const struct constant xfrm_messages[] = {
	NAME("XFRM_MSG_NEWSA", 16),
	NAME("XFRM_MSG_DELSA", 17),
	NAME("XFRM_MSG_GETSA", 18),
	NAME("XFRM_MSG_NEWPOLICY", 19),
	NAME("XFRM_MSG_DELPOLICY", 20),
	NAME("XFRM_MSG_GETPOLICY", 21),
	NAME("XFRM_MSG_ALLOCSPI", 22),
	NAME("XFRM_MSG_ACQUIRE", 23),
	NAME("XFRM_MSG_EXPIRE", 24),
	NAME("XFRM_MSG_UPDPOLICY", 25),
	NAME("XFRM_MSG_UPDSA", 26),
	NAME("XFRM_MSG_POLEXPIRE", 27),
	NAME("XFRM_MSG_FLUSHSA", 28),
	NAME("XFRM_MSG_FLUSHPOLICY", 29),
	NAME("XFRM_MSG_NEWAE", 30),
	NAME("XFRM_MSG_GETAE", 31),
	NAME("XFRM_MSG_REPORT", 32),
	NAME("XFRM_MSG_MIGRATE", 33),
	NAME("XFRM_MSG_NEWSADINFO", 34),
	NAME("XFRM_MSG_GETSADINFO", 35),
	NAME("XFRM_MSG_NEWSPDINFO", 36),
	NAME("XFRM_MSG_GETSPDINFO", 37),
	NAME("XFRM_MSG_MAPPING", 38),
	NAME("XFRM_MSG_SETDEFAULT", 39),
	NAME("XFRM_MSG_GETDEFAULT", 40),
};

static const struct constant audit_messages[] = {
	NAME("AUDIT_GET", 1000),
	NAME("AUDIT_SET", 1001),
	NAME("AUDIT_LIST", 1002),
	NAME("AUDIT_ADD", 1003),
	NAME("AUDIT_DEL", 1004),
	NAME("AUDIT_USER", 1005),
	NAME("AUDIT_LOGIN", 1006),
	NAME("AUDIT_WATCH_INS", 1007),
	NAME("AUDIT_WATCH_REM", 1008),
	NAME("AUDIT_WATCH_LIST", 1009),
	NAME("AUDIT_SIGNAL_INFO", 1010),
	NAME("AUDIT_ADD_RULE", 1011),
	NAME("AUDIT_DEL_RULE", 1012),
	NAME("AUDIT_LIST_RULES", 1013),
	NAME("AUDIT_TRIM", 1014),
	NAME("AUDIT_MAKE_EQUIV", 1015),
	NAME("AUDIT_TTY_GET", 1016),
	NAME("AUDIT_TTY_SET", 1017),
	NAME("AUDIT_SET_FEATURE", 1018),
	NAME("AUDIT_GET_FEATURE", 1019),
	NAME("AUDIT_USER_AUTH", 1100),
	NAME("AUDIT_USER_ACCT", 1101),
	NAME("AUDIT_USER_MGMT", 1102),
	NAME("AUDIT_CRED_ACQ", 1103),
	NAME("AUDIT_CRED_DISP", 1104),
	NAME("AUDIT_USER_START", 1105),
	NAME("AUDIT_USER_END", 1106),
	NAME("AUDIT_USER_AVC", 1107),
	NAME("AUDIT_USER_CHAUTHTOK", 1108),
	NAME("AUDIT_USER_ERR", 1109),
	NAME("AUDIT_CRED_REFR", 1110),
	NAME("AUDIT_USYS_CONFIG", 1111),
	NAME("AUDIT_USER_LOGIN", 1112),
	NAME("AUDIT_USER_LOGOUT", 1113),
	NAME("AUDIT_ADD_USER", 1114),
	NAME("AUDIT_DEL_USER", 1115),
	NAME("AUDIT_ADD_GROUP", 1116),
	NAME("AUDIT_DEL_GROUP", 1117),
	NAME("AUDIT_DAC_CHECK", 1118),
	NAME("AUDIT_CHGRP_ID", 1119),
	NAME("AUDIT_TEST", 1120),
	NAME("AUDIT_TRUSTED_APP", 1121),
	NAME("AUDIT_USER_SELINUX_ERR", 1122),
	NAME("AUDIT_USER_CMD", 1123),
	NAME("AUDIT_USER_TTY", 1124),
	NAME("AUDIT_CHUSER_ID", 1125),
	NAME("AUDIT_GRP_AUTH", 1126),
	NAME("AUDIT_SYSTEM_BOOT", 1127),
	NAME("AUDIT_SYSTEM_SHUTDOWN", 1128),
	NAME("AUDIT_SYSTEM_RUNLEVEL", 1129),
	NAME("AUDIT_SERVICE_START", 1130),
	NAME("AUDIT_SERVICE_STOP", 1131),
};

static const struct constant audit_groups[] = {
	NAME("AUDIT_NLGRP_READLOG", 1),
};

static const struct constant selinux_groups[] = {
	NAME("SELNLGRP_AVC", 1),
};

static const struct constant connector_groups[] = {
	NAME("CN_IDX_PROC", 1),
	NAME("CN_IDX_CIFS", 2),
	NAME("CN_W1_IDX", 3),
	NAME("CN_IDX_V86D", 4),
	NAME("CN_IDX_BB", 5),
	NAME("CN_DST_IDX", 6),
	NAME("CN_IDX_DM", 7),
	NAME("CN_IDX_DRBD", 8),
	NAME("CN_KVP_IDX", 9),
	NAME("CN_VSS_IDX", 10),
};

static const struct constant rdma_groups[] = {
	NAME("RDMA_NL_GROUP_IWPM", 2),
	NAME("RDMA_NL_GROUP_LS", 3),
	NAME("RDMA_NL_GROUP_NOTIFY", 4),
};

static const struct constant diag_messages[] = {
	NAME("TCPDIAG_GETSOCK", 18),
	NAME("DCCPDIAG_GETSOCK", 19),
	NAME("SOCK_DIAG_BY_FAMILY", 20),
	NAME("SOCK_DESTROY", 21),
};

static const struct constant selinux_messages[] = {
	NAME("SELNL_MSG_SETENFORCE", 16),
	NAME("SELNL_MSG_POLICYLOAD", 17),
};

static const struct constant crypto_messages[] = {
	NAME("CRYPTO_MSG_NEWALG", 16),
	NAME("CRYPTO_MSG_DELALG", 17),
	NAME("CRYPTO_MSG_UPDATEALG", 18),
	NAME("CRYPTO_MSG_GETALG", 19),
	NAME("CRYPTO_MSG_DELRNG", 20),
	NAME("CRYPTO_MSG_GETSTAT", 21),
};

/* Of every protocol: what is below NLMSG_MIN_TYPE. */
static const struct constant control_messages[] = {
	NAME("NLMSG_NOOP", 1),
	NAME("NLMSG_ERROR", 2),
	NAME("NLMSG_DONE", 3),
	NAME("NLMSG_OVERRUN", 4),
};

static struct constants groups_of(int protocol)
{
	switch (protocol) {
	case NETLINK_ROUTE:
		return CONSTANTS(route_groups);
	case NETLINK_SOCK_DIAG:
		return CONSTANTS(diag_groups);
	case NETLINK_XFRM:
		return CONSTANTS(xfrm_groups);
	case NETLINK_SELINUX:
		return CONSTANTS(selinux_groups);
	case NETLINK_AUDIT:
		return CONSTANTS(audit_groups);
	case NETLINK_CONNECTOR:
		return CONSTANTS(connector_groups);
	case NETLINK_NETFILTER:
		return CONSTANTS(netfilter_groups);
	case NETLINK_RDMA:
		return CONSTANTS(rdma_groups);
	default:
		return (struct constants){NULL, 0};
	}
}

static struct constants messages_of(int protocol)
{
	switch (protocol) {
	case NETLINK_ROUTE:
		return CONSTANTS(route_messages);
	case NETLINK_SOCK_DIAG:
		return CONSTANTS(diag_messages);
	case NETLINK_XFRM:
		return CONSTANTS(xfrm_messages);
	case NETLINK_SELINUX:
		return CONSTANTS(selinux_messages);
	case NETLINK_AUDIT:
		return CONSTANTS(audit_messages);
	case NETLINK_NETFILTER:
		return CONSTANTS(netfilter_messages);
	case NETLINK_GENERIC:
		return constants_generic_messages;
	case NETLINK_CRYPTO:
		return CONSTANTS(crypto_messages);
	default:
		return (struct constants){NULL, 0};
	}
}

static int number_from_name(struct constants table, const char *name, int *ret)
{
	for (size_t i = 0; i < table.n; i++) {
		if (strcmp(table.items[i].name, name) == 0) {
			*ret = table.items[i].number;
			return 0;
		}
	}
	return -ENOENT;
}

int constant_netlink_group_from_name(int protocol, const char *name, int *ret)
{
	return number_from_name(groups_of(protocol), name, ret);
}

const char *constant_netlink_group_name(int protocol, int group)
{
	return constants_name(groups_of(protocol), group);
}

int constant_netlink_message_from_name(int protocol, const char *name, int *ret)
{
	if (number_from_name(messages_of(protocol), name, ret) == 0)
		return 0;
	return number_from_name(CONSTANTS(control_messages), name, ret);
}

const char *constant_netlink_message_name(int protocol, int type)
{
	const char *name = constants_name(messages_of(protocol), type);

	return name ? name : constants_name(CONSTANTS(control_messages), type);
}

bool constant_netlink_groups_are_free(int protocol)
{
	switch (protocol) {
	case NETLINK_ROUTE:
	case NETLINK_SOCK_DIAG:
	case NETLINK_SELINUX:
	case NETLINK_KOBJECT_UEVENT:
		return true;
	default:
		/* GENERIC and CONNECTOR let anyone join some groups and not others. */
		return false;
	}
}

bool constant_netlink_group_is_free(int protocol, int group)
{
	if (!constant_netlink_groups_are_free(protocol))
		return false;
	/* rtnetlink_bind() asks for CAP_NET_ADMIN for these two. */
	return protocol != NETLINK_ROUTE ||
	       (group != RTNLGRP_IPV4_MROUTE_R && group != RTNLGRP_IPV6_MROUTE_R);
}

/* The protocols whose kernel side answers types below NLMSG_MIN_TYPE with nothing but an
 * acknowledgement. */
static bool control_is_inert(int protocol)
{
	switch (protocol) {
	case NETLINK_ROUTE:
	case NETLINK_SOCK_DIAG:
	case NETLINK_XFRM:
	case NETLINK_NETFILTER:
	case NETLINK_GENERIC:
		return true;
	default:
		return false; /* ISCSI and CONNECTOR have orders among them */
	}
}

bool constant_netlink_message_is_free(int protocol, int type)
{
	if (type < 0 || type > UINT16_MAX)
		return false;
	if (type < NLMSG_MIN_TYPE)
		return control_is_inert(protocol);

	switch (protocol) {
	case NETLINK_ROUTE:
		/* RTM_GETDCB may hold a DCB_CMD_S*, which the kernel judges by the command. */
		return (type & 3) == 2 && type != RTM_GETDCB;
	case NETLINK_SOCK_DIAG:
		return type >= TCPDIAG_GETSOCK && type <= SOCK_DIAG_BY_FAMILY;
	case NETLINK_GENERIC:
		return type == GENL_ID_CTRL;
	default:
		return false;
	}
}
