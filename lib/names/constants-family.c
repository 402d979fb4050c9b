/* Constants of single families: ALG, Bluetooth, CAN, packet, RDS, TIPC, vsock. */
#include <linux/can.h>
#include <linux/can/bcm.h>
#include <linux/can/j1939.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/tipc.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/names/constants-internal.h"
#include "proto/bluetooth.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"

/* ALG. The options are the types of its control messages, but for two. */
static const struct named_number alg_options[] = {
	NUMBER(ALG_SET_IV, 2),
	NUMBER(ALG_SET_OP, 3),
	NUMBER(ALG_SET_AEAD_ASSOCLEN, 4),
	NUMBER(ALG_SET_DRBG_ENTROPY, 6),
	NUMBER(ALG_SET_PUBKEY, 6), /* Python's; the kernel's is the other */
	NUMBER(ALG_SET_KEY_BY_KEY_SERIAL, 7),
};

static const struct named_number alg_operations[] = {
	NUMBER(ALG_OP_DECRYPT, 0),
	NUMBER(ALG_OP_ENCRYPT, 1),
	NUMBER(ALG_OP_SIGN, 2),
	NUMBER(ALG_OP_VERIFY, 3),
};

/* Bluetooth, whose headers are BlueZ's */
static const struct named_number bluetooth_levels[] = {
	SAME(SOL_HCI),
	SAME(SOL_L2CAP),
	SAME(SOL_SCO),
	SAME(SOL_RFCOMM),
};

static const struct named_number bluetooth_level[] = {
	SAME(SOL_BLUETOOTH),
};

static const struct named_number bluetooth_options[] = {
	NUMBER(BT_PHY, 14),
};

static const struct named_number bluetooth_control[] = {
	NUMBER(BT_SCM_PKT_STATUS, 3),
};

static const struct named_number hci_control[] = {
	NUMBER(HCI_CMSG_DIR, 1),
	NUMBER(HCI_CMSG_TSTAMP, 2),
};

static const struct named_number hci_channels[] = {
	SAME(HCI_CHANNEL_RAW),
	SAME(HCI_CHANNEL_USER),
	SAME(HCI_CHANNEL_MONITOR),
	SAME(HCI_CHANNEL_CONTROL),
	SAME(HCI_CHANNEL_LOGGING),
};

static const struct named_number bluetooth_addresses[] = {
	NUMBER(BDADDR_BREDR, BLUETOOTH_BREDR),
	NUMBER(BDADDR_LE_PUBLIC, BLUETOOTH_LE_PUBLIC),
	NUMBER(BDADDR_LE_RANDOM, BLUETOOTH_LE_RANDOM),
};

static const struct named_number bluetooth_security[] = {
	NUMBER(BT_SECURITY_SDP, 0),
	NUMBER(BT_SECURITY_LOW, 1),
	NUMBER(BT_SECURITY_MEDIUM, 2),
	NUMBER(BT_SECURITY_HIGH, 3),
	NUMBER(BT_SECURITY_FIPS, 4),
};

static const struct named_number bluetooth_modes[] = {
	NUMBER(BT_MODE_BASIC, 0),
	NUMBER(BT_MODE_ERTM, 1),
	NUMBER(BT_MODE_STREAMING, 2),
	NUMBER(BT_MODE_LE_FLOWCTL, 3),
	NUMBER(BT_MODE_EXT_FLOWCTL, 4),
};

static const struct named_number bluetooth_voices[] = {
	NUMBER(BT_VOICE_TRANSPARENT, 0x0003),
	NUMBER(BT_VOICE_CVSD_16BIT, 0x0060),
	NUMBER(BT_VOICE_TRANSPARENT_16BIT, 0x0063),
};

static const struct named_number bluetooth_phys[] = {
	NUMBER(BT_PHY_BR_1M_1SLOT, 0x0001),
	NUMBER(BT_PHY_BR_1M_3SLOT, 0x0002),
	NUMBER(BT_PHY_BR_1M_5SLOT, 0x0004),
	NUMBER(BT_PHY_EDR_2M_1SLOT, 0x0008),
	NUMBER(BT_PHY_EDR_2M_3SLOT, 0x0010),
	NUMBER(BT_PHY_EDR_2M_5SLOT, 0x0020),
	NUMBER(BT_PHY_EDR_3M_1SLOT, 0x0040),
	NUMBER(BT_PHY_EDR_3M_3SLOT, 0x0080),
	NUMBER(BT_PHY_EDR_3M_5SLOT, 0x0100),
	NUMBER(BT_PHY_LE_1M_TX, 0x0200),
	NUMBER(BT_PHY_LE_1M_RX, 0x0400),
	NUMBER(BT_PHY_LE_2M_TX, 0x0800),
	NUMBER(BT_PHY_LE_2M_RX, 0x1000),
	NUMBER(BT_PHY_LE_CODED_TX, 0x2000),
	NUMBER(BT_PHY_LE_CODED_RX, 0x4000),
};

static const struct named_number l2cap_link_modes[] = {
	NUMBER(L2CAP_LM_MASTER, 0x01),
	NUMBER(L2CAP_LM_AUTH, 0x02),
	NUMBER(L2CAP_LM_ENCRYPT, 0x04),
	NUMBER(L2CAP_LM_TRUSTED, 0x08),
	NUMBER(L2CAP_LM_RELIABLE, 0x10),
	NUMBER(L2CAP_LM_SECURE, 0x20),
};

static const struct named_number bluetooth_others[] = {
	NUMBER(HCI_DEV_NONE, HCI_DEVICE_NONE),
	NUMBER(BT_FLUSHABLE_OFF, 0),
	NUMBER(BT_FLUSHABLE_ON, 1),
	NUMBER(BT_POWER_FORCE_ACTIVE_OFF, 0),
	NUMBER(BT_POWER_FORCE_ACTIVE_ON, 1),
	NUMBER(BT_CHANNEL_POLICY_BREDR_ONLY, 0),
	NUMBER(BT_CHANNEL_POLICY_BREDR_PREFERRED, 1),
	NUMBER(BT_CHANNEL_POLICY_AMP_PREFERRED, 2),
};

/* CAN. The header's names for the broadcast manager have no prefix; Python has given them one. */
static const struct named_number can_id_flags[] = {
	SAME(CAN_EFF_FLAG),
	SAME(CAN_RTR_FLAG),
	SAME(CAN_ERR_FLAG),
};

static const struct named_number can_bcm_opcodes[] = {
	NUMBER(CAN_BCM_TX_SETUP, TX_SETUP),
	NUMBER(CAN_BCM_TX_DELETE, TX_DELETE),
	NUMBER(CAN_BCM_TX_READ, TX_READ),
	NUMBER(CAN_BCM_TX_SEND, TX_SEND),
	NUMBER(CAN_BCM_RX_SETUP, RX_SETUP),
	NUMBER(CAN_BCM_RX_DELETE, RX_DELETE),
	NUMBER(CAN_BCM_RX_READ, RX_READ),
	NUMBER(CAN_BCM_TX_STATUS, TX_STATUS),
	NUMBER(CAN_BCM_TX_EXPIRED, TX_EXPIRED),
	NUMBER(CAN_BCM_RX_STATUS, RX_STATUS),
	NUMBER(CAN_BCM_RX_TIMEOUT, RX_TIMEOUT),
	NUMBER(CAN_BCM_RX_CHANGED, RX_CHANGED),
};

static const struct named_number can_bcm_flags[] = {
	NUMBER(CAN_BCM_SETTIMER, SETTIMER),
	NUMBER(CAN_BCM_STARTTIMER, STARTTIMER),
	NUMBER(CAN_BCM_TX_COUNTEVT, TX_COUNTEVT),
	NUMBER(CAN_BCM_TX_ANNOUNCE, TX_ANNOUNCE),
	NUMBER(CAN_BCM_TX_CP_CAN_ID, TX_CP_CAN_ID),
	NUMBER(CAN_BCM_RX_FILTER_ID, RX_FILTER_ID),
	NUMBER(CAN_BCM_RX_CHECK_DLC, RX_CHECK_DLC),
	NUMBER(CAN_BCM_RX_NO_AUTOTIMER, RX_NO_AUTOTIMER),
	NUMBER(CAN_BCM_RX_ANNOUNCE_RESUME, RX_ANNOUNCE_RESUME),
	NUMBER(CAN_BCM_TX_RESET_MULTI_IDX, TX_RESET_MULTI_IDX),
	NUMBER(CAN_BCM_RX_RTR_FRAME, RX_RTR_FRAME),
	NUMBER(CAN_BCM_CAN_FD_FRAME, CAN_FD_FRAME),
};

static const struct named_number j1939_control[] = {
	SAME(SCM_J1939_DEST_ADDR),
	SAME(SCM_J1939_DEST_NAME),
	SAME(SCM_J1939_PRIO),
	SAME(SCM_J1939_ERRQUEUE),
};

static const struct named_number can_others[] = {
	SAME(CAN_SFF_MASK),
	SAME(CAN_EFF_MASK),
	SAME(CAN_ERR_MASK),
	SAME(J1939_MAX_UNICAST_ADDR),
	SAME(J1939_IDLE_ADDR),
	SAME(J1939_NO_ADDR),
	SAME(J1939_NO_NAME),
	SAME(J1939_PGN_REQUEST),
	SAME(J1939_PGN_ADDRESS_CLAIMED),
	SAME(J1939_PGN_ADDRESS_COMMANDED),
	SAME(J1939_PGN_PDU1_MAX),
	SAME(J1939_PGN_MAX),
	SAME(J1939_NO_PGN),
	SAME(J1939_NLA_PAD),
	SAME(J1939_NLA_BYTES_ACKED),
	SAME(J1939_EE_INFO_NONE),
	SAME(J1939_EE_INFO_TX_ABORT),
	SAME(J1939_FILTER_MAX),
};

/* Packet */
static const struct named_number packet_types[] = {
	SAME(PACKET_HOST),
	SAME(PACKET_BROADCAST),
	SAME(PACKET_MULTICAST),
	SAME(PACKET_OTHERHOST),
	SAME(PACKET_OUTGOING),
	SAME(PACKET_LOOPBACK),
	SAME(PACKET_FASTROUTE),
};

static const struct named_number packet_options[] = {
	SAME(PACKET_RECV_OUTPUT),
	SAME(PACKET_STATISTICS),
	SAME(PACKET_HDRLEN),
	SAME(PACKET_TX_TIMESTAMP),
	SAME(PACKET_ROLLOVER_STATS),
	SAME(PACKET_FANOUT_DATA),
};

/* RDS, whose header does not go with the C library's */
static const struct named_number rds_options[] = {
	NUMBER(RDS_GET_MR, 2),
	NUMBER(RDS_FREE_MR, 3),
	NUMBER(RDS_GET_MR_FOR_DEST, 7),
};

static const struct named_number rds_control[] = {
	NUMBER(RDS_CMSG_RDMA_ARGS, 1),
	NUMBER(RDS_CMSG_RDMA_DEST, 2),
	NUMBER(RDS_CMSG_RDMA_MAP, 3),
	NUMBER(RDS_CMSG_RDMA_STATUS, 4),
	NUMBER(RDS_CMSG_CONG_UPDATE, 5),
};

static const struct named_number rds_others[] = {
	NUMBER(RDS_RDMA_READWRITE, 0x01),
	NUMBER(RDS_RDMA_FENCE, 0x02),
	NUMBER(RDS_RDMA_INVALIDATE, 0x04),
	NUMBER(RDS_RDMA_USE_ONCE, 0x08),
	NUMBER(RDS_RDMA_DONTWAIT, 0x10),
	NUMBER(RDS_RDMA_NOTIFY_ME, 0x20),
	NUMBER(RDS_RDMA_SILENT, 0x40),
};

/* TIPC */
static const struct named_number tipc_options[] = {
	SAME(TIPC_NODE_RECVQ_DEPTH),
	SAME(TIPC_SOCK_RECVQ_DEPTH),
	SAME(TIPC_SOCK_RECVQ_USED),
};

static const struct named_number tipc_control[] = {
	SAME(TIPC_ERRINFO),
	SAME(TIPC_RETDATA),
	SAME(TIPC_DESTNAME),
};

static const struct named_number tipc_addresses[] = {
	SAME(TIPC_ADDR_NAMESEQ),
	SAME(TIPC_ADDR_NAME),
	SAME(TIPC_ADDR_ID),
	SAME(TIPC_SERVICE_RANGE),
	SAME(TIPC_SERVICE_ADDR),
	SAME(TIPC_SOCKET_ADDR),
};

static const struct named_number tipc_scopes[] = {
	SAME(TIPC_ZONE_SCOPE),
	SAME(TIPC_CLUSTER_SCOPE),
	SAME(TIPC_NODE_SCOPE),
};

static const struct named_number tipc_importances[] = {
	SAME(TIPC_LOW_IMPORTANCE),
	SAME(TIPC_MEDIUM_IMPORTANCE),
	SAME(TIPC_HIGH_IMPORTANCE),
	SAME(TIPC_CRITICAL_IMPORTANCE),
};

static const struct named_number tipc_subscriptions[] = {
	SAME(TIPC_SUB_PORTS),
	SAME(TIPC_SUB_SERVICE),
	SAME(TIPC_SUB_CANCEL),
};

static const struct named_number tipc_events[] = {
	SAME(TIPC_PUBLISHED),
	SAME(TIPC_WITHDRAWN),
	SAME(TIPC_SUBSCR_TIMEOUT),
};

static const struct named_number tipc_others[] = {
	SAME(TIPC_WAIT_FOREVER),
	NUMBER(TIPC_CFG_SRV, 0),
	SAME(TIPC_TOP_SRV),
};

/* Vsock */
static const struct named_number vsock_options[] = {
	SAME(SO_VM_SOCKETS_PEER_HOST_VM_ID),
	SAME(SO_VM_SOCKETS_TRUSTED),
	SAME(SO_VM_SOCKETS_NONBLOCK_TXRX),
};

static const struct named_number vsock_cids[] = {
	NUMBER(VMADDR_CID_ANY, 0xffffffff),
	NUMBER(VMADDR_CID_HYPERVISOR, 0),
	NUMBER(VMADDR_CID_LOCAL, 1),
	NUMBER(VMADDR_CID_HOST, 2),
};

static const struct named_number vsock_others[] = {
	NUMBER(VMADDR_PORT_ANY, 0xffffffff),
	NUMBER(VM_SOCKETS_INVALID_VERSION, 0xffffffff),
	SAME(IOCTL_VM_SOCKETS_GET_LOCAL_CID),
};

const struct named_numbers named_of_family[] = {
	NAMED(SOCKD_KIND_OPTION, AF_ALG, SOL_ALG, alg_options),
	NAMED(SOCKD_KIND_ALG_OPERATION, AF_UNSPEC, 0, alg_operations),
	NAMED(SOCKD_KIND_LEVEL, AF_BLUETOOTH, 0, bluetooth_levels),
	NAMED(SOCKD_KIND_LEVEL, AF_UNSPEC, 0, bluetooth_level),
	NAMED(SOCKD_KIND_OPTION, AF_UNSPEC, SOL_BLUETOOTH, bluetooth_options),
	NAMED(SOCKD_KIND_CONTROL, AF_UNSPEC, SOL_BLUETOOTH, bluetooth_control),
	NAMED(SOCKD_KIND_CONTROL, AF_BLUETOOTH, SOL_HCI, hci_control),
	NAMED(SOCKD_KIND_HCI_CHANNEL, AF_UNSPEC, 0, hci_channels),
	NAMED(SOCKD_KIND_BLUETOOTH_ADDRESS, AF_UNSPEC, 0, bluetooth_addresses),
	NAMED(SOCKD_KIND_BLUETOOTH_SECURITY, AF_UNSPEC, 0, bluetooth_security),
	NAMED(SOCKD_KIND_BLUETOOTH_MODE, AF_UNSPEC, 0, bluetooth_modes),
	NAMED(SOCKD_KIND_BLUETOOTH_VOICE, AF_UNSPEC, 0, bluetooth_voices),
	NAMED(SOCKD_KIND_BLUETOOTH_PHY, AF_UNSPEC, 0, bluetooth_phys),
	NAMED(SOCKD_KIND_L2CAP_LINK_MODE, AF_UNSPEC, 0, l2cap_link_modes),
	NAMED(KIND_OTHER, AF_UNSPEC, 0, bluetooth_others),
	NAMED(SOCKD_KIND_CAN_ID_FLAG, AF_UNSPEC, 0, can_id_flags),
	NAMED(SOCKD_KIND_CAN_BCM_OPCODE, AF_UNSPEC, 0, can_bcm_opcodes),
	NAMED(SOCKD_KIND_CAN_BCM_FLAG, AF_UNSPEC, 0, can_bcm_flags),
	NAMED(SOCKD_KIND_CONTROL, AF_CAN, SOL_CAN_J1939, j1939_control),
	NAMED(KIND_OTHER, AF_UNSPEC, 0, can_others),
	NAMED(SOCKD_KIND_PACKET_TYPE, AF_UNSPEC, 0, packet_types),
	NAMED(SOCKD_KIND_OPTION, AF_PACKET, SOL_PACKET, packet_options),
	NAMED(SOCKD_KIND_OPTION, AF_RDS, SOL_RDS, rds_options),
	NAMED(SOCKD_KIND_CONTROL, AF_RDS, SOL_RDS, rds_control),
	NAMED(KIND_OTHER, AF_UNSPEC, 0, rds_others),
	NAMED(SOCKD_KIND_OPTION, AF_TIPC, SOL_TIPC, tipc_options),
	NAMED(SOCKD_KIND_CONTROL, AF_TIPC, SOL_TIPC, tipc_control),
	NAMED(SOCKD_KIND_TIPC_ADDRESS, AF_UNSPEC, 0, tipc_addresses),
	NAMED(SOCKD_KIND_TIPC_SCOPE, AF_UNSPEC, 0, tipc_scopes),
	NAMED(SOCKD_KIND_TIPC_IMPORTANCE, AF_UNSPEC, 0, tipc_importances),
	NAMED(SOCKD_KIND_TIPC_SUBSCRIPTION, AF_UNSPEC, 0, tipc_subscriptions),
	NAMED(SOCKD_KIND_TIPC_EVENT, AF_UNSPEC, 0, tipc_events),
	NAMED(KIND_OTHER, AF_UNSPEC, 0, tipc_others),
	NAMED(SOCKD_KIND_OPTION, AF_VSOCK, AF_VSOCK, vsock_options),
	NAMED(SOCKD_KIND_VSOCK_CID, AF_UNSPEC, 0, vsock_cids),
	NAMED(KIND_OTHER, AF_UNSPEC, 0, vsock_others),
};

const size_t n_named_of_family = ARRAY_SIZE(named_of_family);
