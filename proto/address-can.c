#include "proto/address-can.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/can/j1939.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "proto/macro.h"

#define EXTENDED_DIGITS 8u
#define STANDARD_DIGITS 3u

/* A part of a longer text. */
struct part {
	const char *text;
	size_t size;
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static bool is_hexadecimal(struct part part)
{
	return part.size > 2 && part.text[0] == '0' && (part.text[1] | 0x20) == 'x';
}

/* Decimal, or hexadecimal after 0x, and nothing else. */
static int parse_number(struct part part, uint64_t max, uint64_t *ret)
{
	bool hexadecimal = is_hexadecimal(part);
	int base = hexadecimal ? 16 : 10;
	size_t i = hexadecimal ? 2 : 0;
	uint64_t number = 0;

	if (i == part.size)
		return -EINVAL;
	for (; i < part.size; i++) {
		int digit = digit_of(part.text[i]);
		if (digit >= base || number > (max - (uint64_t)digit) / (uint64_t)base)
			return -EINVAL;
		number = number * (uint64_t)base + (uint64_t)digit;
	}
	*ret = number;
	return 0;
}

int identifier_parse(const char *text, size_t size, canid_t *ret)
{
	struct part part = {text, size};
	uint64_t number;

	if (is_hexadecimal(part) && size - 2 == EXTENDED_DIGITS) {
		if (parse_number(part, CAN_EFF_MASK, &number) < 0)
			return -EINVAL;
		*ret = (canid_t)number | CAN_EFF_FLAG;
		return 0;
	}
	if (is_hexadecimal(part) && size - 2 > STANDARD_DIGITS)
		return -EINVAL;
	if (parse_number(part, CAN_SFF_MASK, &number) < 0)
		return -EINVAL;
	*ret = (canid_t)number;
	return 0;
}

void identifier_format(canid_t identifier, char buffer[static IDENTIFIER_TEXT_MAX])
{
	if (identifier & CAN_EFF_FLAG)
		snprintf(buffer, IDENTIFIER_TEXT_MAX, "0x%08x", identifier & CAN_EFF_MASK);
	else
		snprintf(buffer, IDENTIFIER_TEXT_MAX, "0x%03x", identifier & CAN_SFF_MASK);
}

static int parse_interface(struct part part, int *ret)
{
	char name[IFNAMSIZ];
	uint64_t number;

	if (parse_number(part, INT_MAX, &number) == 0) {
		*ret = (int)number;
		return 0;
	}
	if (part.size == 0 || part.size >= sizeof name)
		return -EINVAL;
	memcpy(name, part.text, part.size);
	name[part.size] = '\0';
	unsigned index = if_nametoindex(name);
	if (index == 0)
		return -ENODEV;
	*ret = (int)index;
	return 0;
}

/* One "key=value" behind the interface. */
enum key { KEY_RX, KEY_TX, KEY_NAME, KEY_PGN, KEY_ADDR, KEYS };

static const struct {
	const char *text;
	uint64_t max;
} keys[KEYS] = {
	[KEY_RX] = {"rx=", 0},
	[KEY_TX] = {"tx=", 0},
	[KEY_NAME] = {"name=", UINT64_MAX},
	[KEY_PGN] = {"pgn=", UINT32_MAX},
	[KEY_ADDR] = {"addr=", UINT8_MAX},
};

static int parse_field(struct part part, uint64_t values[static KEYS], bool given[static KEYS])
{
	for (size_t i = 0; i < KEYS; i++) {
		size_t size = strlen(keys[i].text);
		if (part.size < size || strncmp(part.text, keys[i].text, size) != 0)
			continue;
		if (given[i])
			return -EINVAL;
		given[i] = true;
		part = (struct part){part.text + size, part.size - size};
		if (keys[i].max != 0)
			return parse_number(part, keys[i].max, &values[i]);
		canid_t identifier;
		int r = identifier_parse(part.text, part.size, &identifier);
		values[i] = r < 0 ? 0 : identifier;
		return r;
	}
	return -EINVAL;
}

int address_can_parse(const char *text, struct sockaddr_can *ret)
{
	uint64_t values[KEYS] = {[KEY_PGN] = J1939_NO_PGN, [KEY_ADDR] = J1939_NO_ADDR};
	bool given[KEYS] = {false};
	const char *slash = strchr(text, '/');
	struct part interface = {text, slash ? (size_t)(slash - text) : strlen(text)};
	int index;

	while (slash) {
		const char *field = slash + 1;
		slash = strchr(field, '/');
		struct part part = {field, slash ? (size_t)(slash - field) : strlen(field)};
		int r = parse_field(part, values, given);
		if (r < 0)
			return r;
	}
	bool isotp = given[KEY_RX] || given[KEY_TX];
	bool j1939 = given[KEY_NAME] || given[KEY_PGN] || given[KEY_ADDR];
	if (isotp && (j1939 || !given[KEY_RX] || !given[KEY_TX]))
		return -EINVAL;
	int r = parse_interface(interface, &index);
	if (r < 0)
		return r;
	ret->can_family = AF_CAN;
	ret->can_ifindex = index;
	if (isotp) {
		ret->can_addr.tp.rx_id = (canid_t)values[KEY_RX];
		ret->can_addr.tp.tx_id = (canid_t)values[KEY_TX];
	} else if (j1939) {
		ret->can_addr.j1939.name = values[KEY_NAME];
		ret->can_addr.j1939.pgn = (uint32_t)values[KEY_PGN];
		ret->can_addr.j1939.addr = (uint8_t)values[KEY_ADDR];
	}
	return 0;
}

/* Has it no bits but those of its kind? */
static bool is_identifier(canid_t identifier)
{
	if (identifier & CAN_EFF_FLAG)
		return !(identifier & ~(CAN_EFF_FLAG | CAN_EFF_MASK));
	return !(identifier & ~CAN_SFF_MASK);
}

bool address_can_format(
	const struct sockaddr_can *address, size_t size, char buffer[static ADDRESS_CAN_TEXT_MAX])
{
	uint64_t name = address->can_addr.j1939.name;
	uint32_t pgn = address->can_addr.j1939.pgn;
	uint8_t addr = address->can_addr.j1939.addr;
	canid_t rx_id = address->can_addr.tp.rx_id, tx_id = address->can_addr.tp.tx_id;
	char rx[IDENTIFIER_TEXT_MAX], tx[IDENTIFIER_TEXT_MAX];
	int n;

	/* Shorter ones are an error to J1939, which the text could not say. */
	if (size < sizeof *address || address->can_ifindex < 0)
		return false;
	n = snprintf(buffer, ADDRESS_CAN_TEXT_MAX, "%d", address->can_ifindex);
	size_t room = ADDRESS_CAN_TEXT_MAX - (size_t)n;
	if (name == 0 && pgn == 0 && addr == 0)
		return true;
	if (pgn == 0 && addr == 0 && is_identifier(rx_id) && is_identifier(tx_id)) {
		identifier_format(rx_id, rx);
		identifier_format(tx_id, tx);
		snprintf(buffer + n, room, "/rx=%s/tx=%s", rx, tx);
		return true;
	}
	if (name != 0)
		n += snprintf(buffer + n, room, "/name=0x%llx", (unsigned long long)name);
	room = ADDRESS_CAN_TEXT_MAX - (size_t)n;
	if (pgn != J1939_NO_PGN)
		n += snprintf(buffer + n, room, "/pgn=0x%05x", pgn);
	room = ADDRESS_CAN_TEXT_MAX - (size_t)n;
	if (addr != J1939_NO_ADDR || (name == 0 && pgn == J1939_NO_PGN))
		snprintf(buffer + n, room, "/addr=0x%02x", addr);
	return true;
}
