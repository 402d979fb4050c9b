/* Bluetooth: HCI channels, commands and filters, service numbers, and socket options. */
#include <errno.h>
#include <string.h>

#include "proto/bluetooth.h"
#include "proto/constants-internal.h"
#include "proto/macro.h"

#define FILTER_MEANT (offsetof(struct hci_filter, opcode) + sizeof(uint16_t))
#define OPCODE(ogf, ocf) ((ogf) << 10 | (ocf))
#define OGF(opcode) ((unsigned)(opcode) >> 10)
#define OCF(opcode) ((unsigned)(opcode)&0x03ffu)

static const struct constant channels[] = {
	NAME("raw", HCI_CHANNEL_RAW),
	NAME("user", HCI_CHANNEL_USER),
	NAME("monitor", HCI_CHANNEL_MONITOR),
	NAME("control", HCI_CHANNEL_CONTROL),
	NAME("logging", HCI_CHANNEL_LOGGING),
};

/* What programs send themselves: links, names, modes, advertising and scanning. */
static const struct constant opcodes[] = {
	NAME("HCI_OP_INQUIRY", OPCODE(0x01, 0x001)),
	NAME("HCI_OP_INQUIRY_CANCEL", OPCODE(0x01, 0x002)),
	NAME("HCI_OP_PERIODIC_INQ", OPCODE(0x01, 0x003)),
	NAME("HCI_OP_EXIT_PERIODIC_INQ", OPCODE(0x01, 0x004)),
	NAME("HCI_OP_CREATE_CONN", OPCODE(0x01, 0x005)),
	NAME("HCI_OP_DISCONNECT", OPCODE(0x01, 0x006)),
	NAME("HCI_OP_AUTH_REQUESTED", OPCODE(0x01, 0x011)),
	NAME("HCI_OP_SET_CONN_ENCRYPT", OPCODE(0x01, 0x013)),
	NAME("HCI_OP_CHANGE_CONN_LINK_KEY", OPCODE(0x01, 0x015)),
	NAME("HCI_OP_REMOTE_NAME_REQ", OPCODE(0x01, 0x019)),
	NAME("HCI_OP_REMOTE_NAME_REQ_CANCEL", OPCODE(0x01, 0x01a)),
	NAME("HCI_OP_READ_REMOTE_FEATURES", OPCODE(0x01, 0x01b)),
	NAME("HCI_OP_READ_REMOTE_VERSION", OPCODE(0x01, 0x01d)),
	NAME("HCI_OP_SNIFF_MODE", OPCODE(0x02, 0x003)),
	NAME("HCI_OP_EXIT_SNIFF_MODE", OPCODE(0x02, 0x004)),
	NAME("HCI_OP_ROLE_DISCOVERY", OPCODE(0x02, 0x009)),
	NAME("HCI_OP_SWITCH_ROLE", OPCODE(0x02, 0x00b)),
	NAME("HCI_OP_READ_LINK_POLICY", OPCODE(0x02, 0x00c)),
	NAME("HCI_OP_WRITE_LINK_POLICY", OPCODE(0x02, 0x00d)),
	NAME("HCI_OP_SET_EVENT_MASK", OPCODE(0x03, 0x001)),
	NAME("HCI_OP_RESET", OPCODE(0x03, 0x003)),
	NAME("HCI_OP_SET_EVENT_FLT", OPCODE(0x03, 0x005)),
	NAME("HCI_OP_WRITE_LOCAL_NAME", OPCODE(0x03, 0x013)),
	NAME("HCI_OP_READ_LOCAL_NAME", OPCODE(0x03, 0x014)),
	NAME("HCI_OP_WRITE_PG_TIMEOUT", OPCODE(0x03, 0x018)),
	NAME("HCI_OP_READ_SCAN_ENABLE", OPCODE(0x03, 0x019)),
	NAME("HCI_OP_WRITE_SCAN_ENABLE", OPCODE(0x03, 0x01a)),
	NAME("HCI_OP_WRITE_AUTH_ENABLE", OPCODE(0x03, 0x020)),
	NAME("HCI_OP_READ_CLASS_OF_DEV", OPCODE(0x03, 0x023)),
	NAME("HCI_OP_WRITE_CLASS_OF_DEV", OPCODE(0x03, 0x024)),
	NAME("HCI_OP_READ_VOICE_SETTING", OPCODE(0x03, 0x025)),
	NAME("HCI_OP_WRITE_VOICE_SETTING", OPCODE(0x03, 0x026)),
	NAME("HCI_OP_READ_TX_POWER", OPCODE(0x03, 0x02d)),
	NAME("HCI_OP_WRITE_INQUIRY_MODE", OPCODE(0x03, 0x045)),
	NAME("HCI_OP_WRITE_EIR", OPCODE(0x03, 0x052)),
	NAME("HCI_OP_WRITE_SSP_MODE", OPCODE(0x03, 0x056)),
	NAME("HCI_OP_READ_LOCAL_VERSION", OPCODE(0x04, 0x001)),
	NAME("HCI_OP_READ_LOCAL_COMMANDS", OPCODE(0x04, 0x002)),
	NAME("HCI_OP_READ_LOCAL_FEATURES", OPCODE(0x04, 0x003)),
	NAME("HCI_OP_READ_BUFFER_SIZE", OPCODE(0x04, 0x005)),
	NAME("HCI_OP_READ_BD_ADDR", OPCODE(0x04, 0x009)),
	NAME("HCI_OP_READ_RSSI", OPCODE(0x05, 0x005)),
	NAME("HCI_OP_READ_CLOCK", OPCODE(0x05, 0x007)),
	NAME("HCI_OP_LE_SET_EVENT_MASK", OPCODE(0x08, 0x001)),
	NAME("HCI_OP_LE_READ_BUFFER_SIZE", OPCODE(0x08, 0x002)),
	NAME("HCI_OP_LE_READ_LOCAL_FEATURES", OPCODE(0x08, 0x003)),
	NAME("HCI_OP_LE_SET_RANDOM_ADDR", OPCODE(0x08, 0x005)),
	NAME("HCI_OP_LE_SET_ADV_PARAM", OPCODE(0x08, 0x006)),
	NAME("HCI_OP_LE_READ_ADV_TX_POWER", OPCODE(0x08, 0x007)),
	NAME("HCI_OP_LE_SET_ADV_DATA", OPCODE(0x08, 0x008)),
	NAME("HCI_OP_LE_SET_SCAN_RSP_DATA", OPCODE(0x08, 0x009)),
	NAME("HCI_OP_LE_SET_ADV_ENABLE", OPCODE(0x08, 0x00a)),
	NAME("HCI_OP_LE_SET_SCAN_PARAM", OPCODE(0x08, 0x00b)),
	NAME("HCI_OP_LE_SET_SCAN_ENABLE", OPCODE(0x08, 0x00c)),
	NAME("HCI_OP_LE_CREATE_CONN", OPCODE(0x08, 0x00d)),
	NAME("HCI_OP_LE_CREATE_CONN_CANCEL", OPCODE(0x08, 0x00e)),
	NAME("HCI_OP_LE_READ_ACCEPT_LIST_SIZE", OPCODE(0x08, 0x00f)),
	NAME("HCI_OP_LE_CLEAR_ACCEPT_LIST", OPCODE(0x08, 0x010)),
	NAME("HCI_OP_LE_ADD_TO_ACCEPT_LIST", OPCODE(0x08, 0x011)),
	NAME("HCI_OP_LE_DEL_FROM_ACCEPT_LIST", OPCODE(0x08, 0x012)),
	NAME("HCI_OP_LE_CONN_UPDATE", OPCODE(0x08, 0x013)),
	NAME("HCI_OP_LE_READ_REMOTE_FEATURES", OPCODE(0x08, 0x016)),
	NAME("HCI_OP_LE_READ_SUPPORTED_STATES", OPCODE(0x08, 0x01c)),
	NAME("HCI_OP_LE_SET_EXT_ADV_PARAMS", OPCODE(0x08, 0x036)),
	NAME("HCI_OP_LE_SET_EXT_ADV_DATA", OPCODE(0x08, 0x037)),
	NAME("HCI_OP_LE_SET_EXT_ADV_ENABLE", OPCODE(0x08, 0x039)),
	NAME("HCI_OP_LE_SET_EXT_SCAN_PARAMS", OPCODE(0x08, 0x041)),
	NAME("HCI_OP_LE_SET_EXT_SCAN_ENABLE", OPCODE(0x08, 0x042)),
	NAME("HCI_OP_LE_EXT_CREATE_CONN", OPCODE(0x08, 0x043)),
};

/* KERNEL: hci_sec_filter. By opcode group, a bit for each of the first 128 commands in it. */
static const uint32_t free_commands[][4] = {
	{0},
	{0xbe000006, 0x00000001, 0, 0},
	{0x00005200, 0, 0, 0},
	{0xaab00200, 0x2b402aaa, 0x05220154, 0},
	{0x000002be, 0, 0, 0},
	{0x000000ea, 0, 0, 0},
};
static const uint32_t free_events[2] = {0x1000d9fe, 0x0000b00c};

int bluetooth_channel_from_name(const char *name, int *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(channels); i++)
		if (strcmp(channels[i].name, name) == 0) {
			*ret = channels[i].number;
			return 0;
		}
	return -ENOENT;
}

const char *bluetooth_channel_name(int channel)
{
	return constants_name(CONSTANTS(channels), channel);
}

int bluetooth_opcode_from_name(const char *name, uint16_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++)
		if (strcmp(opcodes[i].name, name) == 0) {
			*ret = (uint16_t)opcodes[i].number;
			return 0;
		}
	return -ENOENT;
}

const char *bluetooth_opcode_name(uint16_t opcode)
{
	return constants_name(CONSTANTS(opcodes), opcode);
}

static bool has_bit(const uint32_t *words, unsigned bit)
{
	return words[bit / 32] & UINT32_C(1) << bit % 32;
}

bool bluetooth_opcode_is_free(uint16_t opcode)
{
	/* The kernel looks at the lowest seven bits of a command alone. */
	return OGF(opcode) < ARRAY_SIZE(free_commands) &&
	       has_bit(free_commands[OGF(opcode)], OCF(opcode) & 0x7f);
}

int bluetooth_filter_read(const void *value, size_t size, struct hci_filter *ret)
{
	struct hci_filter filter = {0};

	if (size != sizeof filter && size != FILTER_MEANT)
		return -EINVAL;
	memcpy(&filter, value, FILTER_MEANT);
	*ret = filter;
	return 0;
}

bool bluetooth_event_is_free(unsigned event)
{
	return event < 64 && has_bit(free_events, event);
}

bool bluetooth_filter_is_free(const struct hci_filter *filter)
{
	return (filter->types & ~HCI_FILTER_TYPE_EVENT) == 0 &&
	       (filter->events[0] & ~free_events[0]) == 0 &&
	       (filter->events[1] & ~free_events[1]) == 0;
}

bool bluetooth_psm_is_free(uint16_t psm, bool le)
{
	return psm == 0 || psm >= (le ? L2CAP_PSM_FREE_LE : L2CAP_PSM_FREE);
}

static const struct option_info bluetooth_options[] = {
	NUMBERED(SOL_BLUETOOTH, "BT_SECURITY", 4, BYTES, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_DEFER_SETUP", 7, INT, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_FLUSHABLE", 8, INT, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_POWER", 9, BYTES, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_CHANNEL_POLICY", 10, INT, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_VOICE", 11, BYTES, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_SNDMTU", 12, BYTES, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_RCVMTU", 13, BYTES, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_MODE", 15, BYTES, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_PKT_STATUS", 16, INT, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_ISO_QOS", 17, BYTES, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_CODEC", 19, BYTES, FREE),
	NUMBERED(SOL_BLUETOOTH, "BT_ISO_BASE", 20, BYTES, FREE),
};

/* HCI_FILTER never fails for want of a right: the kernel leaves out what the caller may not see. */
static const struct option_info hci_options[] = {
	NUMBERED(SOL_HCI, "HCI_DATA_DIR", 1, INT, FREE),
	NUMBERED(SOL_HCI, "HCI_FILTER", HCI_FILTER, BYTES, RAW),
	NUMBERED(SOL_HCI, "HCI_TIME_STAMP", 3, INT, FREE),
};

static const struct option_info l2cap_options[] = {
	NUMBERED(SOL_L2CAP, "L2CAP_OPTIONS", 1, BYTES, FREE),
	NUMBERED(SOL_L2CAP, "L2CAP_LM", 3, INT, FREE),
};

static const struct option_info sco_options[] = {
	NUMBERED(SOL_SCO, "SCO_OPTIONS", 1, BYTES, FREE),
};

static const struct option_info rfcomm_options[] = {
	NUMBERED(SOL_RFCOMM, "RFCOMM_LM", 3, INT, FREE),
};

const struct option_level option_levels_bluetooth[] = {
	LEVEL(SOL_BLUETOOTH, AF_BLUETOOTH, bluetooth_options),
	LEVEL(SOL_HCI, AF_BLUETOOTH, hci_options),
	LEVEL(SOL_L2CAP, AF_BLUETOOTH, l2cap_options),
	LEVEL(SOL_SCO, AF_BLUETOOTH, sco_options),
	LEVEL(SOL_RFCOMM, AF_BLUETOOTH, rfcomm_options),
};
const size_t n_option_levels_bluetooth = ARRAY_SIZE(option_levels_bluetooth);

bool option_is_free_bluetooth(const struct option_info *info, const void *value, size_t size)
{
	struct hci_filter filter;

	return info->level == SOL_HCI && info->option == HCI_FILTER &&
	       bluetooth_filter_read(value, size, &filter) == 0 &&
	       bluetooth_filter_is_free(&filter);
}
