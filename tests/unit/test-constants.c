#include <sys/socket.h> /* before <linux/sctp.h>, which needs it */

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/inet_diag.h>
#include <linux/net_tstamp.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sctp.h>
#include <linux/sock_diag.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/constants.h"
#include "proto/macro.h"
#include "tests/suite.h"

static void assert_family(const char *name, int expected)
{
	int number = -1;

	ck_assert_msg(constant_family_from_name(name, &number) == 0, "%s", name);
	ck_assert_int_eq(number, expected);
}

static void assert_protocol(int domain, const char *name, int expected)
{
	int number = -1;

	ck_assert_msg(constant_protocol_from_name(domain, name, &number) == 0, "%s", name);
	ck_assert_msg(number == expected, "%s is %d, not %d", name, number, expected);
}

START_TEST(families_in_every_form)
{
	int number = -7;

	assert_family("inet", AF_INET);
	assert_family("INET6", AF_INET6);
	assert_family("AF_INET", AF_INET);
	assert_family("AF_DECnet", AF_DECnet);
	assert_family("unix", AF_UNIX);
	assert_family("local", AF_UNIX);
	assert_family("AF_LOCAL", AF_UNIX);
	assert_family("mctp", 45);
	assert_family("xdp", AF_XDP);
	ck_assert_str_eq(constant_family_name(AF_UNIX), "unix");
	ck_assert_str_eq(constant_family_name(AF_NETLINK), "netlink");
	ck_assert_str_eq(constant_family_name(AF_QIPCRTR), "qipcrtr");
	ck_assert_ptr_null(constant_family_name(-1));
	ck_assert_ptr_null(constant_family_name(4711));

	ck_assert_int_eq(constant_family_from_name("", &number), -ENOENT);
	ck_assert_int_eq(constant_family_from_name("AF_", &number), -ENOENT);
	ck_assert_int_eq(constant_family_from_name("inet7", &number), -ENOENT);
	ck_assert_int_eq(constant_family_from_name("2", &number), -ENOENT);
	ck_assert_int_eq(constant_family_from_name("SOCK_STREAM", &number), -ENOENT);
	ck_assert_int_eq(number, -7);
}
END_TEST

START_TEST(every_number_comes_back_from_its_name)
{
	int n_families = 0, n_protocols = 0;

	for (int domain = -1; domain < 64; domain++) {
		const char *name = constant_family_name(domain);
		int number;

		if (name) {
			ck_assert_int_eq(constant_family_from_name(name, &number), 0);
			ck_assert_int_eq(number, domain);
			n_families++;
		}
		for (int protocol = -1; protocol <= 0x10000; protocol++) {
			name = constant_protocol_name(domain, protocol);
			if (!name)
				continue;
			ck_assert_int_eq(constant_protocol_from_name(domain, name, &number), 0);
			ck_assert_msg(number == protocol, "family %d: %s", domain, name);
			n_protocols++;
		}
	}
	ck_assert_int_eq(n_families, 46);
	ck_assert_int_gt(n_protocols, 200);
}
END_TEST

START_TEST(types)
{
	int number = -1;

	ck_assert_int_eq(constant_type_from_name("stream", &number), 0);
	ck_assert_int_eq(number, SOCK_STREAM);
	ck_assert_int_eq(constant_type_from_name("SOCK_SEQPACKET", &number), 0);
	ck_assert_int_eq(number, SOCK_SEQPACKET);
	ck_assert_int_eq(constant_type_from_name("Packet", &number), 0);
	ck_assert_int_eq(number, SOCK_PACKET);
	ck_assert_int_eq(constant_type_from_name("SOCK_NONBLOCK", &number), -ENOENT);
	ck_assert_str_eq(constant_type_name(SOCK_RDM), "rdm");
	ck_assert_ptr_null(constant_type_name(SOCK_STREAM | SOCK_CLOEXEC));
	ck_assert_ptr_null(constant_type_name(0));
}
END_TEST

START_TEST(protocols_by_family)
{
	int number = -7;

	assert_protocol(AF_INET, "icmp", IPPROTO_ICMP);
	assert_protocol(AF_INET, "IPPROTO_ICMP", IPPROTO_ICMP);
	assert_protocol(AF_INET6, "icmpv6", IPPROTO_ICMPV6);
	assert_protocol(AF_INET6, "IPPROTO_ICMPV6", IPPROTO_ICMPV6);
	assert_protocol(AF_INET6, "ipv6-icmp", IPPROTO_ICMPV6);
	assert_protocol(AF_INET, "default", 0);
	assert_protocol(AF_INET, "ip", 0);
	assert_protocol(AF_INET, "ospf", 89);
	assert_protocol(AF_INET, "vrrp", 112);
	assert_protocol(AF_INET, "raw", IPPROTO_RAW);
	assert_protocol(AF_INET, "mptcp", 262);
	ck_assert_str_eq(constant_protocol_name(AF_INET6, 58), "ipv6-icmp");
	ck_assert_str_eq(constant_protocol_name(AF_INET, 0), "ip");

	assert_protocol(AF_PACKET, "all", ETH_P_ALL);
	assert_protocol(AF_PACKET, "ETH_P_ALL", ETH_P_ALL);
	assert_protocol(AF_PACKET, "vlan", ETH_P_8021Q);
	assert_protocol(AF_PACKET, "802_1q", ETH_P_8021Q);
	assert_protocol(AF_PACKET, "ETH_P_8021Q", ETH_P_8021Q);
	assert_protocol(AF_PACKET, "lldp", ETH_P_LLDP);
	assert_protocol(AF_PACKET, "pae", ETH_P_PAE);
	assert_protocol(AF_PACKET, "ptp", ETH_P_1588);
	assert_protocol(AF_PACKET, "1588", ETH_P_1588);
	assert_protocol(AF_PACKET, "none", 0);

	assert_protocol(AF_NETLINK, "route", NETLINK_ROUTE);
	assert_protocol(AF_NETLINK, "default", 0);
	assert_protocol(AF_NETLINK, "NETLINK_SOCK_DIAG", NETLINK_SOCK_DIAG);
	assert_protocol(AF_NETLINK, "inet_diag", NETLINK_SOCK_DIAG);
	assert_protocol(AF_NETLINK, "kobject_uevent", NETLINK_KOBJECT_UEVENT);
	ck_assert_str_eq(constant_protocol_name(AF_NETLINK, NETLINK_NETFILTER), "netfilter");

	assert_protocol(AF_CAN, "CAN_J1939", 7);
	assert_protocol(AF_BLUETOOTH, "BTPROTO_HCI", 1);
	assert_protocol(AF_TIPC, "default", 0);
	ck_assert_str_eq(constant_protocol_name(AF_VSOCK, 0), "default");
	ck_assert_ptr_null(constant_protocol_name(AF_VSOCK, 1));

	/* One family's names are not another's, and our own names have no C form. */
	ck_assert_int_eq(constant_protocol_from_name(AF_INET, "arp", &number), -ENOENT);
	ck_assert_int_eq(constant_protocol_from_name(AF_PACKET, "IPPROTO_TCP", &number), -ENOENT);
	ck_assert_int_eq(constant_protocol_from_name(AF_INET, "IPPROTO_OSPF", &number), -ENOENT);
	ck_assert_int_eq(constant_protocol_from_name(AF_PACKET, "ETH_P_VLAN", &number), -ENOENT);
	ck_assert_int_eq(constant_protocol_from_name(AF_INET, "6", &number), -ENOENT);
	ck_assert_int_eq(constant_protocol_from_name(AF_INET, "", &number), -ENOENT);
	ck_assert_int_eq(number, -7);
}
END_TEST

static void assert_option(
	const char *name, int level, int option, enum option_value value, enum option_right right)
{
	const struct option_info *info = option_by_name(name);

	ck_assert_msg(info != NULL, "%s", name);
	ck_assert_str_eq(info->name, name);
	ck_assert_int_eq(info->level, level);
	ck_assert_int_eq(info->option, option);
	ck_assert_msg(info->value == value && info->right == right, "%s", name);
	ck_assert_ptr_eq(option_by_number(level, option), info);
}

START_TEST(options_and_their_rights)
{
	assert_option("SO_MARK", SOL_SOCKET, SO_MARK, OPTION_INT, OPTION_RAW);
	assert_option("SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, OPTION_INT, OPTION_RAW);
	assert_option("SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE, OPTION_INT, OPTION_INIT_ADMIN);
	assert_option("SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, OPTION_INTERFACE, OPTION_RAW);
	assert_option("SO_BINDTOIFINDEX", SOL_SOCKET, SO_BINDTOIFINDEX, OPTION_INT, OPTION_RAW);
	assert_option("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, OPTION_INT, OPTION_FREE);
	assert_option("SO_DEBUG", SOL_SOCKET, SO_DEBUG, OPTION_INT, OPTION_INIT_ADMIN);
	assert_option("IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT, OPTION_INT, OPTION_RAW);
	assert_option("IP_OPTIONS", IPPROTO_IP, IP_OPTIONS, OPTION_BYTES, OPTION_RAW);
	assert_option("IP_XFRM_POLICY", IPPROTO_IP, 17, OPTION_BYTES, OPTION_ADMIN);
	assert_option("MRT_INIT", IPPROTO_IP, 200, OPTION_INT, OPTION_FREE);
	assert_option("IPV6_TRANSPARENT", IPPROTO_IPV6, IPV6_TRANSPARENT, OPTION_INT, OPTION_RAW);
	assert_option("IPV6_HOPOPTS", IPPROTO_IPV6, IPV6_HOPOPTS, OPTION_BYTES, OPTION_RAW);
	assert_option(
		"IPV6_JOIN_ANYCAST", IPPROTO_IPV6, IPV6_JOIN_ANYCAST, OPTION_BYTES, OPTION_ADMIN);
	assert_option("TCP_REPAIR", IPPROTO_TCP, TCP_REPAIR, OPTION_INT, OPTION_ADMIN);
	assert_option("TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, OPTION_INT, OPTION_FREE);
	assert_option("NETLINK_ADD_MEMBERSHIP", SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, OPTION_INT,
		OPTION_ADMIN);
	assert_option("PACKET_ADD_MEMBERSHIP", SOL_PACKET, PACKET_ADD_MEMBERSHIP, OPTION_BYTES,
		OPTION_FREE);
	ck_assert_ptr_null(option_by_name("so_mark"));
	ck_assert_ptr_null(option_by_name("MARK"));
	ck_assert_ptr_null(option_by_name(""));
	ck_assert_ptr_null(option_by_number(SOL_SOCKET, -1));
	ck_assert_ptr_null(option_by_number(-1, 0));
	ck_assert_ptr_null(option_by_number(4711, 1));
}
END_TEST

START_TEST(every_option_is_consistent)
{
	unsigned n = 0;

	for (int level = -1; level < 512; level++) {
		for (int option = -1; option < 512; option++) {
			const struct option_info *info = option_by_number(level, option);
			const struct option_info *named;

			if (!info)
				continue;
			n++;
			ck_assert_int_eq(info->level, level);
			ck_assert_int_eq(info->option, option);
			named = option_by_name(info->name);
			ck_assert_ptr_nonnull(named);
			/* MCAST_* and a few others name one thing at two levels. */
			ck_assert_int_eq(named->option, option);
			ck_assert_int_eq(named->right, info->right);
			if (info->right == OPTION_FREE)
				ck_assert(option_is_free(info, "\xff\xff\xff\xff", 4));
			else
				ck_assert_msg(!option_is_free(info, "\xff\xff\xff\xff", 4), "%s",
					info->name);
		}
	}
	ck_assert_uint_gt(n, 250);
}
END_TEST

/* What holds a pointer, a descriptor or a key's number would be read as the broker's own. */
START_TEST(no_option_that_refers_to_the_callers_process)
{
	static const int forbidden[][2] = {
		{SOL_SOCKET, SO_ATTACH_FILTER}, {SOL_SOCKET, SO_ATTACH_BPF},
		{SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF}, {SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF},
		{SOL_SOCKET, 80},				    /* SO_DEVMEM_DONTNEED */
		{SOL_PACKET, PACKET_FANOUT_DATA}, {IPPROTO_IP, 64}, /* IPT_SO_SET_REPLACE */
		{IPPROTO_IP, 65},				    /* IPT_SO_SET_ADD_COUNTERS */
		{IPPROTO_IP, 96},				    /* ARPT_SO_SET_REPLACE */
		{IPPROTO_IP, 128},				    /* EBT_SO_SET_ENTRIES */
		{IPPROTO_IPV6, 64}, {IPPROTO_IPV6, 6}, /* IPV6_2292PKTOPTIONS: control messages */
		{IPPROTO_IPV6, 32},		       /* IPV6_FLOWLABEL_MGR: control messages */
		{IPPROTO_TCP, 35},		       /* TCP_ZEROCOPY_RECEIVE */
		{IPPROTO_SCTP, SCTP_SOCKOPT_BINDX_ADD}, {IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX},
		{IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX3}, {SOL_XDP, XDP_UMEM_REG},
		{SOL_RDS, 2}, /* RDS_GET_MR */
		{SOL_RDS, 7}, /* RDS_GET_MR_FOR_DEST */
		{SOL_ALG, 6}, /* ALG_SET_DRBG_ENTROPY */
		{SOL_ALG, 7}, /* ALG_SET_KEY_BY_KEY_SERIAL */
	};

	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
		ck_assert_msg(!option_by_number(forbidden[i][0], forbidden[i][1]),
			"level %d option %d", forbidden[i][0], forbidden[i][1]);
}
END_TEST

static bool int_is_free(const char *name, int value)
{
	return option_is_free(option_by_name(name), &value, sizeof(value));
}

START_TEST(what_is_free_depends_on_the_value)
{
	struct sock_txtime txtime = {.clockid = CLOCK_MONOTONIC};

	for (int value = 0; value <= 6; value++)
		ck_assert(int_is_free("SO_PRIORITY", value));
	ck_assert(!int_is_free("SO_PRIORITY", 7));
	ck_assert(!int_is_free("SO_PRIORITY", -1));
	ck_assert(!int_is_free("SO_PRIORITY", 0x10006));
	ck_assert(!option_is_free(option_by_name("SO_PRIORITY"), "\1\0\0", 3));
	ck_assert(!int_is_free("SO_MARK", 0));
	ck_assert(int_is_free("SO_DEBUG", 0));
	ck_assert(!int_is_free("SO_DEBUG", 1));
	ck_assert(!int_is_free("SO_BUSY_POLL_BUDGET", 1));
	ck_assert(!int_is_free("SO_SNDBUFFORCE", 0));
	ck_assert(int_is_free("IP_TRANSPARENT", 0));
	ck_assert(!int_is_free("IP_TRANSPARENT", 1));
	/* IPPROTO_IP reads one byte of a short value. */
	ck_assert(!option_is_free(option_by_name("IP_TRANSPARENT"), "\1", 1));
	ck_assert(option_is_free(option_by_name("IP_TRANSPARENT"), "\0", 1));
	ck_assert(!int_is_free("IPV6_TRANSPARENT", 256));
	ck_assert(option_is_free(option_by_name("IP_OPTIONS"), NULL, 0));
	ck_assert(!option_is_free(option_by_name("IP_OPTIONS"), "\0", 1));
	ck_assert(!option_is_free(option_by_name("IPV6_DSTOPTS"), NULL, 0));

	ck_assert(option_is_free(option_by_name("TCP_CONGESTION"), "reno", 4));
	ck_assert(option_is_free(option_by_name("TCP_CONGESTION"), "reno\0x", 6));
	ck_assert(!option_is_free(option_by_name("TCP_CONGESTION"), "ren", 3));
	ck_assert(!option_is_free(option_by_name("TCP_CONGESTION"), "renox", 5));
	ck_assert(!option_is_free(option_by_name("TCP_CONGESTION"), "bbr", 4));
	ck_assert(!option_is_free(option_by_name("TCP_CONGESTION"), NULL, 0));

	ck_assert(option_is_free(option_by_name("SO_TXTIME"), &txtime, sizeof(txtime)));
	ck_assert(!option_is_free(option_by_name("SO_TXTIME"), &txtime, sizeof(txtime) - 1));
	txtime.clockid = CLOCK_TAI;
	ck_assert(!option_is_free(option_by_name("SO_TXTIME"), &txtime, sizeof(txtime)));

	ck_assert(int_is_free("SO_J1939_SEND_PRIO", 2));
	ck_assert(!int_is_free("SO_J1939_SEND_PRIO", 1));
	ck_assert(int_is_free("SO_REUSEPORT", 1));
	ck_assert(!option_is_free(NULL, "", 1));
}
END_TEST

START_TEST(levels_belong_to_families)
{
	ck_assert(option_is_for_family(option_by_name("SO_MARK"), AF_CAN));
	ck_assert(option_is_for_family(option_by_name("SO_MARK"), 4711));
	ck_assert(option_is_for_family(option_by_name("IP_TTL"), AF_INET));
	ck_assert(option_is_for_family(option_by_name("IP_TTL"), AF_INET6));
	ck_assert(option_is_for_family(option_by_name("TCP_NODELAY"), AF_SMC));
	/* The same numbers as SOL_HCI's HCI_FILTER. */
	ck_assert(!option_is_for_family(option_by_number(0, 2), AF_BLUETOOTH));
	ck_assert(!option_is_for_family(option_by_name("PACKET_FANOUT"), AF_INET));
	ck_assert(option_is_for_family(option_by_name("NETLINK_EXT_ACK"), AF_NETLINK));
	ck_assert(!option_is_for_family(NULL, AF_INET));
}
END_TEST

/* Tries the option on new sockets; true where one of them refuses it for want of privilege. */
static bool kernel_refuses(const struct option_info *info)
{
	static const int sockets[][3] = {
		{AF_INET, SOCK_STREAM, 0},
		{AF_INET, SOCK_DGRAM, 0},
		{AF_INET6, SOCK_STREAM, 0},
		{AF_INET6, SOCK_DGRAM, 0},
		{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE},
		{AF_UNIX, SOCK_STREAM, 0},
		{AF_VSOCK, SOCK_STREAM, 0},
		{AF_CAN, SOCK_RAW, 1},
	};
	bool refused = false;

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
		int value[16] = {info->level == SOL_SOCKET && info->option == SO_PRIORITY ? 7 : 1};
		int fd = socket(
			sockets[i][0], sockets[i][1] | SOCK_CLOEXEC | SOCK_NONBLOCK, sockets[i][2]);

		if (fd < 0)
			continue;
		if (option_is_for_family(info, sockets[i][0]) &&
			setsockopt(fd, info->level, info->option, value,
				info->value == OPTION_INT ? sizeof(int) : sizeof(value)) < 0 &&
			(errno == EPERM || errno == EACCES))
			refused = true;
		close(fd);
	}
	return refused;
}

/* In a child without any privilege: exit status 0, or 1 with the option named on standard error. */
static int compare_with_kernel(void)
{
	static const char *const privileged[] = {"SO_MARK", "SO_PRIORITY", "SO_DEBUG",
		"SO_SNDBUFFORCE", "SO_RCVBUFFORCE", "IP_TRANSPARENT", "IPV6_TRANSPARENT",
		"IPV6_HOPOPTS", "IPV6_DSTOPTS", "TCP_REPAIR", "NETLINK_LISTEN_ALL_NSID"};
	int status = 0;

	for (int level = 0; level < 512; level++) {
		for (int option = 0; option < 512; option++) {
			const struct option_info *info = option_by_number(level, option);

			/* These two took a capability in some kernels that are still in use. */
			if (!info || info->right != OPTION_FREE ||
				strcmp(info->name, "SO_RCVMARK") == 0 ||
				strcmp(info->name, "SO_BUSY_POLL") == 0)
				continue;
			if (kernel_refuses(info)) {
				fprintf(stderr, "%s is not free\n", info->name);
				status = 1;
			}
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(privileged); i++) {
		if (!kernel_refuses(option_by_name(privileged[i]))) {
			fprintf(stderr, "%s is free\n", privileged[i]);
			status = 1;
		}
	}
	return status;
}

START_TEST(the_running_kernel_agrees)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (geteuid() == 0 &&
			(setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
				setresuid(65534, 65534, 65534) < 0))
			_exit(2);
		_exit(compare_with_kernel());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

static void assert_message(int protocol, const char *name, int expected)
{
	int number = -1;

	ck_assert_msg(constant_netlink_message_from_name(protocol, name, &number) == 0, "%s", name);
	ck_assert_msg(number == expected, "%s is %d, not %d", name, number, expected);
	ck_assert_str_eq(constant_netlink_message_name(protocol, expected), name);
}

static void assert_group(int protocol, const char *name, int expected)
{
	int number = -1;

	ck_assert_msg(constant_netlink_group_from_name(protocol, name, &number) == 0, "%s", name);
	ck_assert_msg(number == expected, "%s is %d, not %d", name, number, expected);
	ck_assert_str_eq(constant_netlink_group_name(protocol, expected), name);
}

START_TEST(netlink_names_are_the_kernels)
{
	int number = -7;

	assert_message(NETLINK_ROUTE, "RTM_NEWLINK", RTM_NEWLINK);
	assert_message(NETLINK_ROUTE, "RTM_SETLINK", RTM_SETLINK);
	assert_message(NETLINK_ROUTE, "RTM_DELTFILTER", RTM_DELTFILTER);
	assert_message(NETLINK_ROUTE, "RTM_GETNEXTHOP", RTM_GETNEXTHOP);
	assert_message(NETLINK_ROUTE, "NLMSG_DONE", NLMSG_DONE);
	assert_message(NETLINK_NETFILTER, "NFT_MSG_NEWTABLE",
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE);
	assert_message(NETLINK_NETFILTER, "NFT_MSG_DELFLOWTABLE",
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELFLOWTABLE);
	assert_message(NETLINK_NETFILTER, "NFNL_MSG_BATCH_BEGIN", NFNL_MSG_BATCH_BEGIN);
	assert_message(NETLINK_NETFILTER, "NFNL_MSG_BATCH_END", NFNL_MSG_BATCH_END);
	assert_message(NETLINK_NETFILTER, "IPCTNL_MSG_CT_DELETE",
		NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE);
	assert_message(NETLINK_NETFILTER, "IPCTNL_MSG_EXP_GET",
		NFNL_SUBSYS_CTNETLINK_EXP << 8 | IPCTNL_MSG_EXP_GET);
	assert_message(
		NETLINK_NETFILTER, "NFQNL_MSG_CONFIG", NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG);
	assert_message(NETLINK_XFRM, "XFRM_MSG_NEWSA", XFRM_MSG_NEWSA);
	assert_message(NETLINK_XFRM, "XFRM_MSG_MAPPING", XFRM_MSG_MAPPING);
	assert_message(NETLINK_SOCK_DIAG, "SOCK_DESTROY", SOCK_DESTROY);
	assert_message(NETLINK_AUDIT, "AUDIT_SET_FEATURE", AUDIT_SET_FEATURE);
	assert_message(NETLINK_AUDIT, "AUDIT_USER_TTY", AUDIT_USER_TTY);

	assert_group(NETLINK_ROUTE, "RTNLGRP_LINK", RTNLGRP_LINK);
	assert_group(NETLINK_ROUTE, "RTNLGRP_BRVLAN", RTNLGRP_BRVLAN);
	assert_group(NETLINK_NETFILTER, "NFNLGRP_NFTABLES", NFNLGRP_NFTABLES);
	assert_group(NETLINK_XFRM, "XFRMNLGRP_MAPPING", XFRMNLGRP_MAPPING);
	assert_group(NETLINK_SOCK_DIAG, "SKNLGRP_INET6_UDP_DESTROY", SKNLGRP_INET6_UDP_DESTROY);
	assert_group(NETLINK_AUDIT, "AUDIT_NLGRP_READLOG", AUDIT_NLGRP_READLOG);

	ck_assert_int_eq(
		constant_netlink_message_from_name(NETLINK_XFRM, "RTM_NEWLINK", &number), -ENOENT);
	ck_assert_int_eq(
		constant_netlink_group_from_name(NETLINK_ROUTE, "rtnlgrp_link", &number), -ENOENT);
	ck_assert_int_eq(number, -7);
	ck_assert_ptr_null(constant_netlink_group_name(NETLINK_ROUTE, 0));
	ck_assert_ptr_null(constant_netlink_message_name(NETLINK_ROUTE, 0xffff));

	for (int protocol = -1; protocol < 32; protocol++) {
		for (int type = 0; type <= UINT16_MAX; type++) {
			const char *name = constant_netlink_message_name(protocol, type);

			if (!name)
				continue;
			ck_assert_int_eq(
				constant_netlink_message_from_name(protocol, name, &number), 0);
			ck_assert_msg(number == type, "%s", name);
		}
	}
}
END_TEST

START_TEST(what_of_netlink_is_free)
{
	for (int type = RTM_BASE; type <= 255; type++) {
		const char *name = constant_netlink_message_name(NETLINK_ROUTE, type);
		bool is_free = constant_netlink_message_is_free(NETLINK_ROUTE, type);

		if (name && type != RTM_GETDCB)
			ck_assert_msg(is_free == (strncmp(name, "RTM_GET", 7) == 0), "%s", name);
		ck_assert(!constant_netlink_message_is_free(NETLINK_NETFILTER, type));
		ck_assert(!constant_netlink_message_is_free(NETLINK_XFRM, type));
	}
	/* Its command may be one that sets. */
	ck_assert(!constant_netlink_message_is_free(NETLINK_ROUTE, RTM_GETDCB));
	ck_assert(constant_netlink_message_is_free(NETLINK_ROUTE, NLMSG_DONE));
	ck_assert(!constant_netlink_message_is_free(NETLINK_CONNECTOR, NLMSG_DONE));
	ck_assert(!constant_netlink_message_is_free(NETLINK_ISCSI, 11));
	ck_assert(constant_netlink_message_is_free(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY));
	ck_assert(constant_netlink_message_is_free(NETLINK_SOCK_DIAG, TCPDIAG_GETSOCK));
	ck_assert(!constant_netlink_message_is_free(NETLINK_SOCK_DIAG, SOCK_DESTROY));
	ck_assert(constant_netlink_message_is_free(NETLINK_GENERIC, 16));
	ck_assert(!constant_netlink_message_is_free(NETLINK_GENERIC, 17));
	ck_assert(!constant_netlink_message_is_free(NETLINK_ROUTE, -2));
	ck_assert(!constant_netlink_message_is_free(NETLINK_ROUTE, 0x10002));
	ck_assert(!constant_netlink_message_is_free(NETLINK_AUDIT, AUDIT_GET));

	ck_assert(constant_netlink_groups_are_free(NETLINK_ROUTE));
	ck_assert(constant_netlink_groups_are_free(NETLINK_KOBJECT_UEVENT));
	ck_assert(!constant_netlink_groups_are_free(NETLINK_NETFILTER));
	ck_assert(!constant_netlink_groups_are_free(NETLINK_GENERIC));
	ck_assert(!constant_netlink_groups_are_free(NETLINK_AUDIT));
	ck_assert(constant_netlink_group_is_free(NETLINK_ROUTE, RTNLGRP_LINK));
	ck_assert(!constant_netlink_group_is_free(NETLINK_ROUTE, RTNLGRP_IPV6_MROUTE_R));
	ck_assert(!constant_netlink_group_is_free(NETLINK_NETFILTER, NFNLGRP_NFTABLES));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("constants");
	TCase *names = tcase_create("names");
	TCase *options = tcase_create("options");
	TCase *netlink = tcase_create("netlink");

	tcase_set_timeout(names, 60);
	tcase_set_timeout(netlink, 60);
	tcase_add_test(names, families_in_every_form);
	tcase_add_test(names, every_number_comes_back_from_its_name);
	tcase_add_test(names, types);
	tcase_add_test(names, protocols_by_family);
	suite_add_tcase(suite, names);
	tcase_add_test(options, options_and_their_rights);
	tcase_add_test(options, every_option_is_consistent);
	tcase_add_test(options, no_option_that_refers_to_the_callers_process);
	tcase_add_test(options, what_is_free_depends_on_the_value);
	tcase_add_test(options, levels_belong_to_families);
	tcase_add_test(options, the_running_kernel_agrees);
	suite_add_tcase(suite, options);
	tcase_add_test(netlink, netlink_names_are_the_kernels);
	tcase_add_test(netlink, what_of_netlink_is_free);
	suite_add_tcase(suite, netlink);
	return suite_run(suite);
}
