#include "proto/constants.h"

#include <linux/can/j1939.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/net_tstamp.h>
#include <linux/netlink.h>
#include <linux/tipc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "proto/constants-internal.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"

/* Younger than some headers that sockd is built with, and needed from the running kernel all the
 * same. */
#if !defined(__sparc__) && !defined(__hppa__)
#ifndef SO_RESERVE_MEM
#define SO_RESERVE_MEM 73
#endif
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#ifndef SOL_SMC
#define SOL_SMC 286
#endif
#ifndef SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD
#define SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD 6
#define SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW 8
#endif

/*
 * FREE means that the kernel asks nobody for a capability. Left out, though free, is what a
 * privileged caller gets more of than the holder: IPV6_FLOWLABEL_MGR and IPV6_2292PKTOPTIONS (they
 * carry control messages), SCTP_SOCKOPT_BINDX_ADD and CONNECTX (they bind),
 * ALG_SET_KEY_BY_KEY_SERIAL. Left out because they hold pointers or descriptors: XDP_UMEM_REG,
 * RDS_GET_MR, RDS_GET_MR_FOR_DEST.
 */
static const struct option_info socket_options[] = {
	OPTION(SOL_SOCKET, SO_DEBUG, INT, INIT_ADMIN),
	OPTION(SOL_SOCKET, SO_REUSEADDR, INT, FREE),
	OPTION(SOL_SOCKET, SO_REUSEPORT, INT, FREE),
	OPTION(SOL_SOCKET, SO_DONTROUTE, INT, FREE),
	OPTION(SOL_SOCKET, SO_BROADCAST, INT, FREE),
	OPTION(SOL_SOCKET, SO_SNDBUF, INT, FREE),
	OPTION(SOL_SOCKET, SO_RCVBUF, INT, FREE),
	OPTION(SOL_SOCKET, SO_SNDBUFFORCE, INT, INIT_ADMIN),
	OPTION(SOL_SOCKET, SO_RCVBUFFORCE, INT, INIT_ADMIN),
	OPTION(SOL_SOCKET, SO_KEEPALIVE, INT, FREE),
	OPTION(SOL_SOCKET, SO_OOBINLINE, INT, FREE),
	OPTION(SOL_SOCKET, SO_NO_CHECK, INT, FREE),
	OPTION(SOL_SOCKET, SO_PRIORITY, INT, RAW),
	OPTION(SOL_SOCKET, SO_LINGER, BYTES, FREE),
	OPTION(SOL_SOCKET, SO_BSDCOMPAT, INT, FREE),
	OPTION(SOL_SOCKET, SO_PASSCRED, INT, FREE),
	OPTION(SOL_SOCKET, SO_PASSSEC, INT, FREE),
	OPTION(SOL_SOCKET, SO_RCVLOWAT, INT, FREE),
	OPTION(SOL_SOCKET, SO_RCVTIMEO, BYTES, FREE),
	OPTION(SOL_SOCKET, SO_SNDTIMEO, BYTES, FREE),
#ifdef SO_RCVTIMEO_NEW
	OPTION(SOL_SOCKET, SO_RCVTIMEO_OLD, BYTES, FREE),
	OPTION(SOL_SOCKET, SO_SNDTIMEO_OLD, BYTES, FREE),
	OPTION(SOL_SOCKET, SO_RCVTIMEO_NEW, BYTES, FREE),
	OPTION(SOL_SOCKET, SO_SNDTIMEO_NEW, BYTES, FREE),
#endif
	/* Free where none is set yet, which nobody can tell from the value. */
	OPTION(SOL_SOCKET, SO_BINDTODEVICE, INTERFACE, RAW),
	OPTION(SOL_SOCKET, SO_BINDTOIFINDEX, INT, RAW),
	OPTION(SOL_SOCKET, SO_DETACH_FILTER, INT, FREE),
	OPTION(SOL_SOCKET, SO_LOCK_FILTER, INT, FREE),
	OPTION(SOL_SOCKET, SO_TIMESTAMP, INT, FREE),
	OPTION(SOL_SOCKET, SO_TIMESTAMPNS, INT, FREE),
	OPTION(SOL_SOCKET, SO_TIMESTAMPING, BYTES, FREE),
#ifdef SO_TIMESTAMP_NEW
	OPTION(SOL_SOCKET, SO_TIMESTAMP_OLD, INT, FREE),
	OPTION(SOL_SOCKET, SO_TIMESTAMPNS_OLD, INT, FREE),
	OPTION(SOL_SOCKET, SO_TIMESTAMPING_OLD, BYTES, FREE),
	OPTION(SOL_SOCKET, SO_TIMESTAMP_NEW, INT, FREE),
	OPTION(SOL_SOCKET, SO_TIMESTAMPNS_NEW, INT, FREE),
	OPTION(SOL_SOCKET, SO_TIMESTAMPING_NEW, BYTES, FREE),
#endif
	OPTION(SOL_SOCKET, SO_MARK, INT, RAW),
	OPTION(SOL_SOCKET, SO_RXQ_OVFL, INT, FREE),
	OPTION(SOL_SOCKET, SO_WIFI_STATUS, INT, FREE),
	OPTION(SOL_SOCKET, SO_PEEK_OFF, INT, FREE),
	OPTION(SOL_SOCKET, SO_NOFCS, INT, FREE),
	OPTION(SOL_SOCKET, SO_SELECT_ERR_QUEUE, INT, FREE),
	OPTION(SOL_SOCKET, SO_BUSY_POLL, INT, FREE),
	OPTION(SOL_SOCKET, SO_MAX_PACING_RATE, BYTES, FREE),
	OPTION(SOL_SOCKET, SO_INCOMING_CPU, INT, FREE),
	OPTION(SOL_SOCKET, SO_CNX_ADVICE, INT, FREE),
	OPTION(SOL_SOCKET, SO_ZEROCOPY, INT, FREE),
	OPTION(SOL_SOCKET, SO_TXTIME, BYTES, ADMIN),
	OPTION(SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, INT, FREE),
	OPTION(SOL_SOCKET, SO_PREFER_BUSY_POLL, INT, INIT_ADMIN),
	OPTION(SOL_SOCKET, SO_BUSY_POLL_BUDGET, INT, INIT_ADMIN),
	OPTION(SOL_SOCKET, SO_BUF_LOCK, INT, FREE),
#ifdef SO_RESERVE_MEM
	OPTION(SOL_SOCKET, SO_RESERVE_MEM, INT, FREE),
#endif
#ifdef SO_TXREHASH
	OPTION(SOL_SOCKET, SO_TXREHASH, INT, FREE),
#endif
#ifdef SO_RCVMARK
	OPTION(SOL_SOCKET, SO_RCVMARK, INT, FREE),
#endif
#ifdef SO_PASSPIDFD
	OPTION(SOL_SOCKET, SO_PASSPIDFD, INT, FREE),
#endif
#ifdef SO_RCVPRIORITY
	OPTION(SOL_SOCKET, SO_RCVPRIORITY, INT, FREE),
#endif
#ifdef SO_PASSRIGHTS
	OPTION(SOL_SOCKET, SO_PASSRIGHTS, INT, FREE),
#endif
};

static const struct option_info packet_options[] = {
	OPTION(SOL_PACKET, PACKET_ADD_MEMBERSHIP, BYTES, FREE),
	OPTION(SOL_PACKET, PACKET_DROP_MEMBERSHIP, BYTES, FREE),
	OPTION(SOL_PACKET, PACKET_RX_RING, BYTES, FREE),
	OPTION(SOL_PACKET, PACKET_COPY_THRESH, INT, FREE),
	OPTION(SOL_PACKET, PACKET_AUXDATA, INT, FREE),
	OPTION(SOL_PACKET, PACKET_ORIGDEV, INT, FREE),
	OPTION(SOL_PACKET, PACKET_VERSION, INT, FREE),
	OPTION(SOL_PACKET, PACKET_RESERVE, INT, FREE),
	OPTION(SOL_PACKET, PACKET_TX_RING, BYTES, FREE),
	OPTION(SOL_PACKET, PACKET_LOSS, INT, FREE),
	OPTION(SOL_PACKET, PACKET_VNET_HDR, INT, FREE),
	OPTION(SOL_PACKET, PACKET_TIMESTAMP, INT, FREE),
	OPTION(SOL_PACKET, PACKET_FANOUT, BYTES, FREE),
	OPTION(SOL_PACKET, PACKET_TX_HAS_OFF, INT, FREE),
	OPTION(SOL_PACKET, PACKET_QDISC_BYPASS, INT, FREE),
	OPTION(SOL_PACKET, PACKET_IGNORE_OUTGOING, INT, FREE),
	NUMBERED(SOL_PACKET, "PACKET_VNET_HDR_SZ", 24, INT, FREE),
};

static const struct option_info netlink_options[] = {
	/* Judged by the group: constant_netlink_group_is_free(). */
	OPTION(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, INT, ADMIN),
	OPTION(SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, INT, ADMIN),
	OPTION(SOL_NETLINK, NETLINK_PKTINFO, INT, FREE),
	OPTION(SOL_NETLINK, NETLINK_BROADCAST_ERROR, INT, FREE),
	OPTION(SOL_NETLINK, NETLINK_NO_ENOBUFS, INT, FREE),
	/* Really CAP_NET_BROADCAST over the namespace. */
	OPTION(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, INT, ADMIN),
	OPTION(SOL_NETLINK, NETLINK_CAP_ACK, INT, FREE),
	OPTION(SOL_NETLINK, NETLINK_EXT_ACK, INT, FREE),
	OPTION(SOL_NETLINK, NETLINK_GET_STRICT_CHK, INT, FREE),
};

static const struct option_info vsock_options[] = {
	OPTION(AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, BYTES, FREE),
	OPTION(AF_VSOCK, SO_VM_SOCKETS_BUFFER_MIN_SIZE, BYTES, FREE),
	OPTION(AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, BYTES, FREE),
	OPTION(AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, BYTES, FREE),
	OPTION(AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD, BYTES, FREE),
	OPTION(AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW, BYTES, FREE),
};

static const struct option_info tipc_options[] = {
	OPTION(SOL_TIPC, TIPC_IMPORTANCE, INT, FREE),
	OPTION(SOL_TIPC, TIPC_SRC_DROPPABLE, INT, FREE),
	OPTION(SOL_TIPC, TIPC_DEST_DROPPABLE, INT, FREE),
	OPTION(SOL_TIPC, TIPC_CONN_TIMEOUT, INT, FREE),
	OPTION(SOL_TIPC, TIPC_MCAST_BROADCAST, INT, FREE),
	OPTION(SOL_TIPC, TIPC_MCAST_REPLICAST, INT, FREE),
	OPTION(SOL_TIPC, TIPC_GROUP_JOIN, BYTES, FREE),
	OPTION(SOL_TIPC, TIPC_GROUP_LEAVE, INT, FREE),
	NUMBERED(SOL_TIPC, "TIPC_NODELAY", 138, INT, FREE),
};

static const struct option_info rds_options[] = {
	NUMBERED(SOL_RDS, "RDS_CANCEL_SENT_TO", 1, BYTES, FREE),
	NUMBERED(SOL_RDS, "RDS_RECVERR", 5, INT, FREE),
	NUMBERED(SOL_RDS, "RDS_CONG_MONITOR", 6, INT, FREE),
	NUMBERED(SOL_RDS, "SO_RDS_TRANSPORT", 8, INT, FREE),
	NUMBERED(SOL_RDS, "SO_RDS_MSG_RXPATH_LATENCY", 10, BYTES, FREE),
};

static const struct option_info alg_options[] = {
	OPTION(SOL_ALG, ALG_SET_KEY, BYTES, FREE),
	OPTION(SOL_ALG, ALG_SET_AEAD_AUTHSIZE, BYTES, FREE),
};

static const struct option_info xdp_options[] = {
	OPTION(SOL_XDP, XDP_RX_RING, INT, FREE),
	OPTION(SOL_XDP, XDP_TX_RING, INT, FREE),
	OPTION(SOL_XDP, XDP_UMEM_FILL_RING, INT, FREE),
	OPTION(SOL_XDP, XDP_UMEM_COMPLETION_RING, INT, FREE),
};

static const struct option_info smc_options[] = {
	NUMBERED(SOL_SMC, "SMC_LIMIT_HS", 1, INT, FREE),
};

static const struct option_level levels[] = {
	LEVEL(SOL_SOCKET, AF_UNSPEC, socket_options),
	LEVEL(SOL_PACKET, AF_PACKET, packet_options),
	LEVEL(SOL_NETLINK, AF_NETLINK, netlink_options),
	LEVEL(AF_VSOCK, AF_VSOCK, vsock_options),
	LEVEL(SOL_TIPC, AF_TIPC, tipc_options),
	LEVEL(SOL_RDS, AF_RDS, rds_options),
	LEVEL(SOL_ALG, AF_ALG, alg_options),
	LEVEL(SOL_XDP, AF_XDP, xdp_options),
	LEVEL(SOL_SMC, AF_SMC, smc_options),
};

static const struct option_info *find_name(
	const struct option_level *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < table[i].n; j++)
			if (strcmp(table[i].items[j].name, name) == 0)
				return &table[i].items[j];
	return NULL;
}

const struct option_info *option_by_name(const char *name)
{
	const struct option_info *info = find_name(levels, ARRAY_SIZE(levels), name);

	if (!info)
		info = find_name(option_levels_can, n_option_levels_can, name);
	if (!info)
		info = find_name(option_levels_inet, n_option_levels_inet, name);
	return info ? info : find_name(option_levels_bluetooth, n_option_levels_bluetooth, name);
}

static const struct option_level *find_level(const struct option_level *table, size_t n, int level)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].level == level)
			return &table[i];
	return NULL;
}

static const struct option_info *find_number(const struct option_level *level, int option)
{
	for (size_t i = 0; level && i < level->n; i++)
		if (level->items[i].option == option)
			return &level->items[i];
	return NULL;
}

const struct option_info *option_by_number(int level, int option)
{
	return option_of_family(AF_UNSPEC, level, option);
}

const struct option_info *option_of_family(int domain, int level, int option)
{
	/* Bluetooth's levels are numbers of inet's. */
	const struct option_level *found =
		domain == AF_BLUETOOTH
			? find_level(option_levels_bluetooth, n_option_levels_bluetooth, level)
			: NULL;

	if (!found)
		found = find_level(levels, ARRAY_SIZE(levels), level);
	if (!found && domain != AF_BLUETOOTH)
		found = find_level(option_levels_can, n_option_levels_can, level);
	if (!found && domain != AF_BLUETOOTH)
		found = find_level(option_levels_inet, n_option_levels_inet, level);
	if (!found && domain == AF_UNSPEC)
		found = find_level(option_levels_bluetooth, n_option_levels_bluetooth, level);
	return find_number(found, option);
}

static const struct option_level *level_holding(
	const struct option_level *table, size_t n, const struct option_info *info)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].level == info->level && find_number(&table[i], info->option) == info)
			return &table[i];
	return NULL;
}

static bool is_bluetooth(const struct option_info *info)
{
	return level_holding(option_levels_bluetooth, n_option_levels_bluetooth, info);
}

bool option_is_for_family(const struct option_info *info, int domain)
{
	const struct option_level *level;

	if (!info)
		return false;
	if (is_bluetooth(info))
		return domain == AF_BLUETOOTH;
	if (level_holding(option_levels_inet, n_option_levels_inet, info))
		return domain == AF_INET || domain == AF_INET6 || domain == AF_SMC;
	level = level_holding(levels, ARRAY_SIZE(levels), info);
	if (!level)
		level = level_holding(option_levels_can, n_option_levels_can, info);
	return level && (level->domain == AF_UNSPEC || level->domain == domain);
}

static const struct option_info *nth_privileged(
	const struct option_level *table, size_t n, size_t *i)
{
	for (size_t level = 0; level < n; level++)
		for (size_t j = 0; j < table[level].n; j++)
			if (table[level].items[j].right != OPTION_FREE && (*i)-- == 0)
				return &table[level].items[j];
	return NULL;
}

const struct option_info *option_privileged(size_t i)
{
	const struct option_info *info = nth_privileged(levels, ARRAY_SIZE(levels), &i);

	if (!info)
		info = nth_privileged(option_levels_inet, n_option_levels_inet, &i);
	if (!info)
		info = nth_privileged(option_levels_can, n_option_levels_can, &i);
	if (!info)
		info = nth_privileged(option_levels_bluetooth, n_option_levels_bluetooth, &i);
	return info;
}

/* The kernel reads an int from four bytes; of fewer it may read one, or none. */
static bool value_is_zero(const void *value, size_t size)
{
	static const char zeros[sizeof(int)];

	return size == 0 || memcmp(value, zeros, MIN_OF(size, sizeof(int))) == 0;
}

static bool value_is_between(const void *value, size_t size, int first, int last)
{
	int number;

	if (size < sizeof(number))
		return false;
	memcpy(&number, value, sizeof(number));
	return number >= first && number <= last;
}

static bool socket_option_is_free(int option, const void *value, size_t size)
{
	struct sock_txtime txtime;

	switch (option) {
	case SO_PRIORITY:
		return value_is_between(value, size, 0, 6);
	case SO_DEBUG:
	case SO_PREFER_BUSY_POLL:
	case SO_BUSY_POLL_BUDGET:
		return value_is_zero(value, size);
	case SO_TXTIME:
		if (size != sizeof(txtime))
			return false;
		memcpy(&txtime, value, sizeof(txtime));
		return txtime.clockid == CLOCK_MONOTONIC;
	default:
		return false;
	}
}

bool option_is_free(const struct option_info *info, const void *value, size_t size)
{
	if (!info)
		return false;
	if (info->right == OPTION_FREE)
		return true;
	if (is_bluetooth(info))
		return option_is_free_bluetooth(info, value, size);

	switch (info->level) {
	case SOL_SOCKET:
		return socket_option_is_free(info->option, value, size);
	case IPPROTO_IP:
		if (info->option == IP_OPTIONS)
			return size == 0;
		return info->option == IP_TRANSPARENT && value_is_zero(value, size);
	case IPPROTO_IPV6:
		return info->option == IPV6_TRANSPARENT && value_is_zero(value, size);
	case IPPROTO_TCP:
		/* The one algorithm that is in every kernel and that no administrator can restrict.
		 */
		return info->option == TCP_CONGESTION && size > 0 &&
		       strnlen(value, size) == strlen("reno") && memcmp(value, "reno", 4) == 0;
	case SOL_CAN_J1939:
		return info->option == SO_J1939_SEND_PRIO && value_is_between(value, size, 2, 7);
	default:
		return false;
	}
}

bool option_is_switch(const struct option_info *info)
{
	switch (info->level) {
	case SOL_SOCKET:
		return info->option == SO_DEBUG || info->option == SO_PREFER_BUSY_POLL;
	case IPPROTO_IP:
		return info->option == IP_TRANSPARENT;
	case IPPROTO_IPV6:
		return info->option == IPV6_TRANSPARENT;
	case SOL_NETLINK:
		return info->option == NETLINK_LISTEN_ALL_NSID;
	default:
		return false;
	}
}

size_t option_size_read(const struct option_info *info, size_t size)
{
	/* What is free is not ours to judge, and its number may be another family's. */
	if (info->right == OPTION_FREE)
		return size;
	switch (info->value) {
	case OPTION_INT:
		return MIN_OF(size, sizeof(int));
	case OPTION_INTERFACE:
		return MIN_OF(size, IFNAMSIZ - 1u);
	case OPTION_BYTES:
		break;
	}
	return size;
}
