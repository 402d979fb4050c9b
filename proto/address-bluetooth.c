#include "proto/address-bluetooth.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/address-text.h"
#include "proto/bluetooth.h"
#include "proto/macro.h"

#define DEVICE_SIZE sizeof(struct bluetooth_device)

static const char *const types[] = {
	[BLUETOOTH_BREDR] = "bredr",
	[BLUETOOTH_LE_PUBLIC] = "le",
	[BLUETOOTH_LE_RANDOM] = "le-random",
};

int bluetooth_device_parse(const char *text, struct bluetooth_device *ret)
{
	struct bluetooth_device device = {0};

	if (strcmp(text, "any") == 0) {
		*ret = device;
		return 0;
	}
	for (size_t i = DEVICE_SIZE; i-- > 0; text += 2) {
		if (parse_hex_byte(text, &device.bytes[i]) < 0)
			return -EINVAL;
		if (i > 0 && *(text++ + 2) != ':')
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	*ret = device;
	return 0;
}

void bluetooth_device_format(
	const struct bluetooth_device *device, char ret[BLUETOOTH_DEVICE_TEXT_MAX])
{
	static const struct bluetooth_device any;
	const uint8_t *b = device->bytes;

	if (memcmp(device, &any, sizeof any) == 0)
		(void)snprintf(ret, BLUETOOTH_DEVICE_TEXT_MAX, "any");
	else
		(void)snprintf(ret, BLUETOOTH_DEVICE_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x",
			b[5], b[4], b[3], b[2], b[1], b[0]);
}

/* hci0, or none. */
static int parse_hci_device(const char *text, uint16_t *ret)
{
	unsigned number = HCI_DEVICE_NONE;

	if (strcmp(text, "none") != 0 &&
		(strncmp(text, "hci", 3) != 0 || !isdigit((unsigned char)text[3]) ||
			parse_number(text + 3, HCI_DEVICE_NONE - 1, &number) < 0))
		return -EINVAL;
	*ret = (uint16_t)number;
	return 0;
}

static int parse_hci(char *text, void *ret, size_t *ret_size)
{
	struct sockaddr_hci address = {.hci_family = AF_BLUETOOTH};
	char *slash = strchr(text, '/');
	int channel = HCI_CHANNEL_RAW;
	unsigned number;

	if (slash) {
		*slash = '\0';
		if (bluetooth_channel_from_name(slash + 1, &channel) < 0) {
			if (parse_number(slash + 1, UINT16_MAX, &number) < 0)
				return -EINVAL;
			channel = (int)number;
		}
	}
	if (parse_hci_device(text, &address.hci_device) < 0)
		return -EINVAL;
	address.hci_channel = (uint16_t)channel;
	memcpy(ret, &address, sizeof address);
	*ret_size = sizeof address;
	return 0;
}

static int parse_type(const char *text, uint8_t *ret)
{
	unsigned number;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], text) == 0) {
			*ret = (uint8_t)i;
			return 0;
		}
	if (parse_number(text, UINT8_MAX, &number) < 0)
		return -EINVAL;
	*ret = (uint8_t)number;
	return 0;
}

static int parse_l2cap(char *text, void *ret, size_t *ret_size)
{
	struct sockaddr_l2cap address = {.l2_family = AF_BLUETOOTH};
	char *rest = text, *part = strsep(&rest, "/");
	bool psm = false, cid = false, type = false;
	unsigned number;

	if (bluetooth_device_parse(part, &address.l2_device) < 0)
		return -EINVAL;
	while ((part = strsep(&rest, "/"))) {
		if (!psm && strncmp(part, "psm=", 4) == 0) {
			if (parse_number(part + 4, UINT16_MAX, &number) < 0)
				return -EINVAL;
			address.l2_psm = htole16((uint16_t)number);
			psm = true;
		} else if (!cid && strncmp(part, "cid=", 4) == 0) {
			if (parse_number(part + 4, UINT16_MAX, &number) < 0)
				return -EINVAL;
			address.l2_cid = htole16((uint16_t)number);
			cid = true;
		} else if (type || parse_type(part, &address.l2_type) < 0) {
			return -EINVAL;
		} else {
			type = true;
		}
	}
	memcpy(ret, &address, sizeof address);
	*ret_size = sizeof address;
	return 0;
}

static int parse_rfcomm(char *text, void *ret, size_t *ret_size)
{
	struct sockaddr_rfcomm address = {.rc_family = AF_BLUETOOTH};
	char *slash = strchr(text, '/');
	unsigned number = 0;

	if (slash) {
		*slash = '\0';
		if (parse_number(slash + 1, UINT8_MAX, &number) < 0)
			return -EINVAL;
	}
	if (bluetooth_device_parse(text, &address.rc_device) < 0)
		return -EINVAL;
	address.rc_channel = (uint8_t)number;
	memcpy(ret, &address, sizeof address);
	*ret_size = sizeof address;
	return 0;
}

/* Byte for byte RFCOMM's, with the type of the address where that has the channel. */
static int parse_iso(char *text, void *ret, size_t *ret_size)
{
	struct sockaddr_rfcomm address = {.rc_family = AF_BLUETOOTH};
	char *slash = strchr(text, '/');

	if (slash) {
		*slash = '\0';
		if (parse_type(slash + 1, &address.rc_channel) < 0)
			return -EINVAL;
	}
	if (bluetooth_device_parse(text, &address.rc_device) < 0)
		return -EINVAL;
	memcpy(ret, &address, sizeof address);
	*ret_size = sizeof address;
	return 0;
}

static int parse_sco(char *text, void *ret, size_t *ret_size)
{
	struct sockaddr_sco address = {.sco_family = AF_BLUETOOTH};

	if (bluetooth_device_parse(text, &address.sco_device) < 0)
		return -EINVAL;
	memcpy(ret, &address, sizeof address);
	*ret_size = sizeof address;
	return 0;
}

int bluetooth_address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	static const struct {
		const char *prefix;
		int (*parse)(char *text, void *ret, size_t *ret_size);
	} forms[] = {
		{"hci:", parse_hci},
		{"l2cap:", parse_l2cap},
		{"rfcomm:", parse_rfcomm},
		{"sco:", parse_sco},
		{"iso:", parse_iso},
	};
	char copy[BLUETOOTH_ADDRESS_TEXT_MAX];

	if (strlen(text) >= sizeof copy)
		return -EINVAL;
	strcpy(copy, text);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t length = strlen(forms[i].prefix), size = 0;
		struct sockaddr_storage address = {0};

		if (strncmp(copy, forms[i].prefix, length) != 0)
			continue;
		if (forms[i].parse(copy + length, &address, &size) < 0)
			return -EINVAL;
		*ret = address;
		*ret_size = (socklen_t)size;
		return 0;
	}
	return -EINVAL;
}

static bool format_hci(const struct sockaddr_hci *address, char *ret)
{
	const char *channel = bluetooth_channel_name(address->hci_channel);
	char device[sizeof "hci65535"] = "none", number[sizeof "65535"];

	if (address->hci_device != HCI_DEVICE_NONE)
		(void)snprintf(device, sizeof device, "hci%u", address->hci_device);
	(void)snprintf(number, sizeof number, "%u", address->hci_channel);
	(void)snprintf(
		ret, BLUETOOTH_ADDRESS_TEXT_MAX, "hci:%s/%s", device, channel ? channel : number);
	return true;
}

static bool format_l2cap(const struct sockaddr_l2cap *address, char *ret)
{
	char device[BLUETOOTH_DEVICE_TEXT_MAX], type[sizeof "/le-random"] = "";
	char psm[sizeof "/psm=0x1234"] = "", cid[sizeof "/cid=0x1234"] = "";

	bluetooth_device_format(&address->l2_device, device);
	if (address->l2_psm != 0)
		(void)snprintf(psm, sizeof psm, "/psm=0x%04x", le16toh(address->l2_psm));
	if (address->l2_cid != 0)
		(void)snprintf(cid, sizeof cid, "/cid=0x%04x", le16toh(address->l2_cid));
	if (address->l2_type >= ARRAY_SIZE(types))
		(void)snprintf(type, sizeof type, "/%u", address->l2_type);
	else if (address->l2_type != BLUETOOTH_BREDR)
		(void)snprintf(type, sizeof type, "/%s", types[address->l2_type]);
	(void)snprintf(ret, BLUETOOTH_ADDRESS_TEXT_MAX, "l2cap:%s%s%s%s", device, psm, cid, type);
	return true;
}

static bool format_rfcomm(const struct sockaddr_rfcomm *address, char *ret)
{
	char device[BLUETOOTH_DEVICE_TEXT_MAX];

	bluetooth_device_format(&address->rc_device, device);
	(void)snprintf(
		ret, BLUETOOTH_ADDRESS_TEXT_MAX, "rfcomm:%s/%u", device, address->rc_channel);
	return true;
}

static bool format_sco(const struct sockaddr_sco *address, char *ret)
{
	char device[BLUETOOTH_DEVICE_TEXT_MAX];

	bluetooth_device_format(&address->sco_device, device);
	(void)snprintf(ret, BLUETOOTH_ADDRESS_TEXT_MAX, "sco:%s", device);
	return true;
}

bool bluetooth_address_format(
	const void *address, size_t size, char ret[BLUETOOTH_ADDRESS_TEXT_MAX])
{
	union {
		struct sockaddr_hci hci;
		struct sockaddr_l2cap l2cap;
		struct sockaddr_rfcomm rfcomm;
		struct sockaddr_sco sco;
	} copy = {0};

	if (size > sizeof copy)
		return false;
	memcpy(&copy, address, size);
	switch (size) {
	case sizeof copy.hci:
		return format_hci(&copy.hci, ret);
	case sizeof copy.sco:
		return format_sco(&copy.sco, ret);
	case sizeof copy.rfcomm:
		return format_rfcomm(&copy.rfcomm, ret);
	case sizeof copy.l2cap:
		return format_l2cap(&copy.l2cap, ret);
	default:
		return false;
	}
}
