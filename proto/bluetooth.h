/*
 * Bluetooth sockets as the kernel takes them: addresses, HCI channels and commands. The C library
 * has no headers for them, and BlueZ's are not needed to build.
 *
 * Structures are the kernel's, in its byte order: what is said to be little-endian is so on every
 * machine. Pure tables and arithmetic, no I/O.
 */
#ifndef SOCKD_PROTO_BLUETOOTH_H
#define SOCKD_PROTO_BLUETOOTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define BTPROTO_L2CAP 0
#define BTPROTO_HCI 1
#define BTPROTO_SCO 2
#define BTPROTO_RFCOMM 3
#define BTPROTO_ISO 8

/* The levels of HCI, L2CAP, SCO and RFCOMM options are numbers that other families use too. */
#define SOL_HCI 0
#define SOL_L2CAP 6
#define SOL_SCO 17
#define SOL_RFCOMM 18
#define HCI_FILTER 2

#define HCI_DEVICE_NONE 0xffff
#define HCI_COMMAND_PACKET 0x01
#define HCI_COMMAND_HEADER_SIZE 4u /* packet type, opcode, number of bytes that follow */
#define RFCOMM_CHANNEL_MAX 30u

enum hci_channel {
	HCI_CHANNEL_RAW,
	HCI_CHANNEL_USER,
	HCI_CHANNEL_MONITOR,
	HCI_CHANNEL_CONTROL,
	HCI_CHANNEL_LOGGING,
};

struct bluetooth_device {
	uint8_t bytes[6]; /* the last of the text first */
};

enum bluetooth_address_type {
	BLUETOOTH_BREDR,
	BLUETOOTH_LE_PUBLIC,
	BLUETOOTH_LE_RANDOM,
};

struct sockaddr_hci {
	sa_family_t hci_family;
	uint16_t hci_device;
	uint16_t hci_channel;
};

struct sockaddr_l2cap {
	sa_family_t l2_family;
	uint16_t l2_psm; /* little-endian */
	struct bluetooth_device l2_device;
	uint16_t l2_cid; /* little-endian */
	uint8_t l2_type;
};

/* RFCOMM's, and ISO's without a broadcast: there the last byte is the type of the address. */
struct sockaddr_rfcomm {
	sa_family_t rc_family;
	struct bluetooth_device rc_device;
	uint8_t rc_channel;
};

struct sockaddr_sco {
	sa_family_t sco_family;
	struct bluetooth_device sco_device;
};

struct hci_filter {
	uint32_t types;	    /* a bit for each packet type */
	uint32_t events[2]; /* a bit for each event, by its lowest six bits */
	uint16_t opcode;    /* little-endian; 0: all */
};

/* "00:11:22:33:44:55", and "any" for all zeros. Returns 0 or -EINVAL. */
int bluetooth_device_parse(const char *text, struct bluetooth_device *ret);
#define BLUETOOTH_DEVICE_TEXT_MAX 18u
void bluetooth_device_format(
	const struct bluetooth_device *device, char ret[BLUETOOTH_DEVICE_TEXT_MAX]);

/* raw, user, monitor, control, logging. */
int bluetooth_channel_from_name(const char *name, int *ret);
const char *bluetooth_channel_name(int channel);

/* HCI commands by their names in the kernel's headers, "HCI_OP_RESET"; not all have one here. */
int bluetooth_opcode_from_name(const char *name, uint16_t *ret);
const char *bluetooth_opcode_name(uint16_t opcode);
/* May any process send this command on a raw channel? */
bool bluetooth_opcode_is_free(uint16_t opcode);

/*
 * The kernel's filter of a value of HCI_FILTER, padded as the kernel does. Returns 0, or -EINVAL
 * for a size that is not a filter's (14 without the padding at the end, or 16).
 */
int bluetooth_filter_read(const void *value, size_t size, struct hci_filter *ret);
/* Would the kernel give this filter to any process, unchanged? */
bool bluetooth_filter_is_free(const struct hci_filter *filter);
/* May any process ask for this event (0 to 63)? */
bool bluetooth_event_is_free(unsigned event);
/* Only the packet type "event". */
#define HCI_FILTER_TYPE_EVENT (UINT32_C(1) << 4)

/* Does binding a socket to this service number take CAP_NET_BIND_SERVICE? le: of an LE address. */
bool bluetooth_psm_is_free(uint16_t psm, bool le);
/* The first that is free; 0 is the kernel's choice among these. */
#define L2CAP_PSM_FREE 0x1001u
#define L2CAP_PSM_FREE_LE 0x0080u

#endif
