/* The keys of Bluetooth: controllers, HCI channels, commands and events, service numbers. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/policy/parse.h"
#include "proto/bluetooth.h"
#include "proto/macro.h"

/* A number, or a range of two, each decimal or hexadecimal after 0x: the field writes both. */
struct codes {
	struct ranges *ranges;
	const char *what, *example;
	uint32_t min, max;
	/* A name for a number, where there are names; NULL: none. */
	int (*from_name)(const char *name, uint32_t *ret);
};

static const char *code_from_text(const char *text, uint32_t *ret)
{
	bool hexadecimal = text[0] == '0' && text[1] == 'x';
	const char *digits = hexadecimal ? text + 2 : text;
	char *end;

	if (!(hexadecimal ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits)) ||
		(hexadecimal && digits[1] == 'x'))
		return NULL;
	errno = 0;
	unsigned long value = strtoul(digits, &end, hexadecimal ? 16 : 10);
	if (errno != 0 || value > UINT32_MAX)
		return NULL;
	*ret = (uint32_t)value;
	return end;
}

static int codes_from_text(const char *text, uint32_t *ret_first, uint32_t *ret_last)
{
	uint32_t first, last;

	text = code_from_text(text, &first);
	if (!text)
		return -EINVAL;
	last = first;
	if (*text == '-')
		text = code_from_text(text + 1, &last);
	if (!text || *text)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

static int add_codes(const struct node *item, void *data)
{
	const struct codes *wanted = data;
	char quoted[REPORT_QUOTE_MAX];
	uint32_t first, last;

	if (!json_is_string(item->json)) {
		json_int_t value;
		if (!node_integer(item, wanted->what, wanted->min, wanted->max, &value))
			return 0;
		return ranges_add(wanted->ranges, (uint32_t)value, (uint32_t)value);
	}
	const char *text = json_string_value(item->json);
	if (wanted->from_name && wanted->from_name(text, &first) == 0)
		last = first;
	else if (codes_from_text(text, &first, &last) < 0) {
		node_error(item, "%s is not %s; give %s", report_quote(text, quoted), wanted->what,
			wanted->example);
		return 0;
	}
	if (first > last) {
		node_error(item, "the range %s ends before it begins; give the lower number first",
			report_quote(text, quoted));
		return 0;
	}
	if (first < wanted->min || last > wanted->max) {
		node_error(item, "%s goes beyond %s, which is from %u to %u",
			report_quote(text, quoted), wanted->what, wanted->min, wanted->max);
		return 0;
	}
	return ranges_add(wanted->ranges, first, last);
}

static bool is_any(const json_t *json)
{
	return json_is_string(json) && strcmp(json_string_value(json), "any") == 0;
}

static int parse_codes(const struct node *node, struct codes *wanted)
{
	if (is_any(node->json))
		return ranges_add(wanted->ranges, wanted->min, wanted->max);
	int r = node_each(node, add_codes, wanted);
	ranges_normalize(wanted->ranges);
	return r;
}

static int opcode_from_name(const char *name, uint32_t *ret)
{
	uint16_t opcode;

	if (bluetooth_opcode_from_name(name, &opcode) < 0)
		return -ENOENT;
	*ret = opcode;
	return 0;
}

/* hci0. */
static int device_from_name(const char *name, uint32_t *ret)
{
	uint32_t number;

	if (strncmp(name, "hci", 3) != 0 || !isdigit((unsigned char)name[3]))
		return -ENOENT;
	const char *end = code_from_text(name + 3, &number);
	if (!end || *end || number >= HCI_DEVICE_NONE || (name[3] == '0' && name[4] != '\0'))
		return -ENOENT;
	*ret = number;
	return 0;
}

static int add_device(const struct node *item, void *data)
{
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, "a controller such as \"hci0\"");
	uint32_t number;

	if (!text)
		return 0;
	if (device_from_name(text, &number) < 0) {
		node_error(item, "%s is no controller; give one as \"hci0\"",
			report_quote(text, quoted));
		return 0;
	}
	return ranges_add(data, number, number);
}

static int add_hci_channel(const struct node *item, void *data)
{
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, "an HCI channel such as \"monitor\"");
	int channel;

	if (!text)
		return 0;
	if (bluetooth_channel_from_name(text, &channel) < 0) {
		node_error(item,
			"%s is no HCI channel; give \"raw\", \"user\", \"monitor\", \"control\" or "
			"\"logging\"",
			report_quote(text, quoted));
		return 0;
	}
	return ranges_add(data, (uint32_t)channel, (uint32_t)channel);
}

static int parse_channels(const struct node *node, struct rule *rule)
{
	struct codes rfcomm = {&rule->bluetooth.channels, "an rfcomm channel",
		"a number from 1 to 30 or a range \"FIRST-LAST\"", 1, RFCOMM_CHANNEL_MAX, NULL};
	int protocol = rule->n_protocols == 1 ? rule->protocols[0] : -1;

	if (protocol == BTPROTO_RFCOMM)
		return parse_codes(node, &rfcomm);
	if (protocol != BTPROTO_HCI) {
		node_key_error(node, "\"channels\" are those of hci or of rfcomm; name one of the "
				     "two as the rule's only \"protocol\"");
		return 0;
	}
	int r = node_each(node, add_hci_channel, &rule->bluetooth.channels);
	ranges_normalize(&rule->bluetooth.channels);
	return r;
}

static int parse_devices(const struct node *node, struct rule *rule)
{
	int r = node_each(node, add_device, &rule->bluetooth.devices);

	ranges_normalize(&rule->bluetooth.devices);
	return r;
}

static int add_transport(const struct node *item, void *data)
{
	struct rule_bluetooth *keys = data;
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, "\"bredr\" or \"le\"");

	if (!text)
		return 0;
	if (strcmp(text, "bredr") == 0)
		keys->bredr = true;
	else if (strcmp(text, "le") == 0)
		keys->le = true;
	else
		node_error(item, "%s is no transport; give \"bredr\" or \"le\"",
			report_quote(text, quoted));
	return 0;
}

int parse_bluetooth_address(const struct node *item, struct rule *rule)
{
	char quoted[REPORT_QUOTE_MAX], canonical[BLUETOOTH_DEVICE_TEXT_MAX];
	const char *text = node_text(item, "a controller's address, or \"any\"");
	struct bluetooth_device device;

	if (!text)
		return 0;
	if (bluetooth_device_parse(text, &device) < 0) {
		node_error(item,
			"%s is no Bluetooth address; give a controller's own, such as "
			"\"00:11:22:33:44:55\", or \"any\"",
			report_quote(text, quoted));
		return 0;
	}
	bluetooth_device_format(&device, canonical);
	return names_add(&rule->address_patterns, canonical);
}

static bool is_bluetooth(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_families; i++)
		if (rule->families[i] != AF_BLUETOOTH)
			return false;
	return rule->n_families > 0;
}

int parse_bluetooth(const struct node *node, struct rule *rule)
{
	struct rule_bluetooth *keys = &rule->bluetooth;
	const struct {
		const char *key;
		bool *has;
		struct codes codes;
	} known[] = {
		{"devices", &keys->has_devices, {0}},
		{"channels", &keys->has_channels, {0}},
		{"transports", &keys->has_transports, {0}},
		{"opcodes", &keys->has_opcodes,
			{&keys->opcodes, "an HCI command",
				"a name such as \"HCI_OP_RESET\", a number such as 3075 or "
				"\"0x0c03\", or a range",
				0, UINT16_MAX, opcode_from_name}},
		{"events", &keys->has_events,
			{&keys->events, "an event of HCI_FILTER",
				"a number such as 62 or \"0x3e\", or a range; 63 stands for 0xff",
				0, 63, NULL}},
		{"psms", &keys->has_psms,
			{&keys->psms, "a service number of l2cap",
				"a number such as 1 or \"0x0001\", or a range", 1, UINT16_MAX,
				NULL}},
		{"cids", &keys->has_cids,
			{&keys->cids, "a fixed channel of l2cap",
				"a number such as 4 or \"0x0004\", or a range", 1, UINT16_MAX,
				NULL}},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(known); i++) {
		struct node value = node_key(node, known[i].key);
		struct codes codes = known[i].codes;

		if (!value.json)
			continue;
		if (!is_bluetooth(rule)) {
			if (rule->n_families > 0)
				node_key_error(&value,
					"\"%s\" is for family bluetooth alone; give it a rule of "
					"its own",
					known[i].key);
			continue;
		}
		*known[i].has = true;
		if (codes.ranges)
			r = parse_codes(&value, &codes);
		else if (known[i].has == &keys->has_devices)
			r = parse_devices(&value, rule);
		else if (known[i].has == &keys->has_channels)
			r = parse_channels(&value, rule);
		else
			r = node_each(&value, add_transport, keys);
	}
	return r;
}
