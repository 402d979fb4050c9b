/*
 * Socket options of CAN. All are free but J1939's two highest priorities, which the kernel gives to
 * CAP_NET_ADMIN of the first user namespace alone; option_is_free() tells them by the value.
 */
#include <linux/can/isotp.h>
#include <linux/can/j1939.h>
#include <linux/can/raw.h>
#include <sys/socket.h>

#include "proto/constants-internal.h"
#include "proto/macro.h"

static const struct option_info can_raw_options[] = {
	OPTION(SOL_CAN_RAW, CAN_RAW_FILTER, BYTES, FREE),
	OPTION(SOL_CAN_RAW, CAN_RAW_ERR_FILTER, INT, FREE),
	OPTION(SOL_CAN_RAW, CAN_RAW_LOOPBACK, INT, FREE),
	OPTION(SOL_CAN_RAW, CAN_RAW_RECV_OWN_MSGS, INT, FREE),
	OPTION(SOL_CAN_RAW, CAN_RAW_FD_FRAMES, INT, FREE),
	OPTION(SOL_CAN_RAW, CAN_RAW_JOIN_FILTERS, INT, FREE),
	NUMBERED(SOL_CAN_RAW, "CAN_RAW_XL_FRAMES", 7, INT, FREE),
	NUMBERED(SOL_CAN_RAW, "CAN_RAW_XL_VCID_OPTS", 8, BYTES, FREE),
};

static const struct option_info can_isotp_options[] = {
	OPTION(SOL_CAN_ISOTP, CAN_ISOTP_OPTS, BYTES, FREE),
	OPTION(SOL_CAN_ISOTP, CAN_ISOTP_RECV_FC, BYTES, FREE),
	OPTION(SOL_CAN_ISOTP, CAN_ISOTP_TX_STMIN, INT, FREE),
	OPTION(SOL_CAN_ISOTP, CAN_ISOTP_RX_STMIN, INT, FREE),
	OPTION(SOL_CAN_ISOTP, CAN_ISOTP_LL_OPTS, BYTES, FREE),
};

static const struct option_info can_j1939_options[] = {
	OPTION(SOL_CAN_J1939, SO_J1939_FILTER, BYTES, FREE),
	OPTION(SOL_CAN_J1939, SO_J1939_PROMISC, INT, FREE),
	OPTION(SOL_CAN_J1939, SO_J1939_SEND_PRIO, INT, INIT_ADMIN),
	OPTION(SOL_CAN_J1939, SO_J1939_ERRQUEUE, INT, FREE),
};

const struct option_level option_levels_can[] = {
	LEVEL(SOL_CAN_RAW, AF_CAN, can_raw_options),
	LEVEL(SOL_CAN_ISOTP, AF_CAN, can_isotp_options),
	LEVEL(SOL_CAN_J1939, AF_CAN, can_j1939_options),
};
const size_t n_option_levels_can = ARRAY_SIZE(option_levels_can);
