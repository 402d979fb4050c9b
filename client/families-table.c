#include <sys/socket.h>

#include "client/families.h"
#include "proto/macro.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef AF_MCTP
#define AF_MCTP 45
#endif

#define PROTOCOLS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_PROTOCOLS ((const char *const[]){NULL})

#define PLAIN "sockets for programs that are barred from the family"
#define INET "ports under 1024, raw sockets, privileged options, other network namespaces"

const struct family_info family_infos[] = {
	{AF_UNIX, PROTOCOLS("UNIX", "UNIX-STREAM"), "unix", "abstract names by pattern"},
	{AF_INET, PROTOCOLS("TCP", "UDP"), NULL, INET},
	{AF_INET6, PROTOCOLS("TCPv6", "UDPv6"), "ipv6", INET},
	{AF_NETLINK, PROTOCOLS("NETLINK"), NULL,
		"privileged messages by type and interface, privileged groups"},
	{AF_PACKET, PROTOCOLS("PACKET"), "af_packet", "sockets without CAP_NET_RAW"},
	{AF_VSOCK, PROTOCOLS("AF_VSOCK"), "vsock", "ports under 1024"},
	{AF_CAN, PROTOCOLS("CAN_RAW", "CAN_BCM", "CAN_ISOTP", "CAN_J1939"), "can",
		"buses of another network namespace, filters that stay"},
	{AF_BLUETOOTH, PROTOCOLS("HCI", "L2CAP", "RFCOMM", "SCO"), "bluetooth",
		"controllers, low PSMs, HCI commands by rule, use from other network namespaces"},
	{AF_TIPC, PROTOCOLS("TIPC"), "tipc", PLAIN},
	{AF_RDS, PROTOCOLS("RDS"), "rds", PLAIN ", bound by port and address"},
	{AF_ALG, PROTOCOLS("ALG"), "af_alg", PLAIN},
	{AF_QIPCRTR, PROTOCOLS("QIPCRTR"), "qrtr",
		"ports under 16384, the control port, use from other network namespaces"},
	{AF_XDP, PROTOCOLS("XDP"), NULL, "sockets without CAP_NET_RAW"},
	{AF_KEY, PROTOCOLS("KEY"), "af_key", "sockets without CAP_NET_ADMIN"},
	{AF_SMC, PROTOCOLS("SMC", "SMC6"), "smc", "ports under 1024"},
	{AF_AX25, PROTOCOLS("AX25"), "ax25", PLAIN},
	{AF_NETROM, PROTOCOLS("NETROM"), "netrom", PLAIN},
	{AF_ROSE, PROTOCOLS("ROSE"), "rose", PLAIN},
	{AF_APPLETALK, PROTOCOLS("DDP"), "appletalk", PLAIN},
	{AF_X25, PROTOCOLS("X25"), "x25", PLAIN},
	{AF_ATMPVC, PROTOCOLS("VCC"), "atm", PLAIN},
	{AF_ATMSVC, PROTOCOLS("VCC"), "atm", PLAIN},
	{AF_PPPOX, PROTOCOLS("PPPOE", "PPTP", "PPPOL2TP"), "pppox", PLAIN},
	{AF_LLC, PROTOCOLS("LLC"), "llc2", PLAIN},
	{AF_RXRPC, PROTOCOLS("RXRPC"), "rxrpc", PLAIN},
	{AF_ISDN, PROTOCOLS("misdn"), "mISDN_core", PLAIN},
	{AF_PHONET, PROTOCOLS("PHONET"), "phonet", PLAIN},
	{AF_IEEE802154, PROTOCOLS("IEEE-802.15.4-MAC", "IEEE-802.15.4-RAW"), "ieee802154_socket",
		PLAIN},
	{AF_CAIF, NO_PROTOCOLS, "caif_socket", PLAIN},
	{AF_NFC, PROTOCOLS("NFC_RAW", "NFC_LLCP"), "nfc", PLAIN},
	{AF_KCM, PROTOCOLS("KCM"), "kcm", PLAIN},
	{AF_IUCV, PROTOCOLS("AF_IUCV"), "af_iucv", PLAIN},
	{AF_MCTP, PROTOCOLS("MCTP"), "mctp", PLAIN},
};

const size_t n_family_infos = ARRAY_SIZE(family_infos);
