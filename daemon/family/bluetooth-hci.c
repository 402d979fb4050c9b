/*
 * What is said to a Bluetooth controller, and heard of it, on the raw channel.
 *
 * The kernel judges a command by the sender at each send, so the broker sends it on the client's
 * own socket. Exactly one command a packet: what follows it would reach the controller unjudged.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/bluetooth-judge.h"
#include "proto/bluetooth.h"

#define N_EVENTS 64u

static bool read_command(const void *data, size_t size, uint16_t *ret_opcode)
{
	const unsigned char *bytes = data;

	if (size < HCI_COMMAND_HEADER_SIZE || bytes[0] != HCI_COMMAND_PACKET ||
		size != HCI_COMMAND_HEADER_SIZE + (size_t)bytes[3])
		return false;
	*ret_opcode = (uint16_t)(bytes[1] | bytes[2] << 8);
	return true;
}

bool bluetooth_command_within(
	const struct rule *rule, const void *data, size_t size, char *why, size_t why_size)
{
	uint16_t opcode;

	if (!read_command(data, size, &opcode))
		return rule->deny ? false
				  : family_no(why, why_size,
					    "the broker sends exactly one whole HCI command at a "
					    "time, and these %zu bytes are none",
					    size);
	if (rule->bluetooth.has_opcodes && ranges_contain(&rule->bluetooth.opcodes, opcode))
		return true;
	if (rule->deny)
		return false;
	const char *name = bluetooth_opcode_name(opcode);
	return family_no(why, why_size, "HCI command 0x%04x%s%s%s is not in the rule's \"opcodes\"",
		opcode, name ? " (" : "", name ? name : "", name ? ")" : "");
}

bool bluetooth_opcodes_are_free(const struct ranges *opcodes)
{
	for (size_t i = 0; i < opcodes->n; i++)
		for (uint32_t opcode = opcodes->items[i].first; opcode <= opcodes->items[i].last;
			opcode++)
			if (!bluetooth_opcode_is_free((uint16_t)opcode))
				return false;
	return true;
}

static bool asks_for(const struct hci_filter *filter, unsigned event)
{
	return filter->types & HCI_FILTER_TYPE_EVENT &&
	       filter->events[event / 32] & UINT32_C(1) << event % 32;
}

/* An allow rule must list all events that not everyone may have, a deny rule one of those asked
 * for. */
static bool events_within(
	const struct rule *rule, const struct hci_filter *filter, char *why, size_t why_size)
{
	if (!rule->deny && filter->types & ~HCI_FILTER_TYPE_EVENT)
		return family_no(why, why_size,
			"HCI_FILTER: by \"events\" a rule gives events, not commands or data");
	for (unsigned event = 0; event < N_EVENTS; event++) {
		bool listed = ranges_contain(&rule->bluetooth.events, event);

		if (rule->deny && listed && asks_for(filter, event))
			return true;
		if (!rule->deny && !listed && asks_for(filter, event) &&
			!bluetooth_event_is_free(event))
			return family_no(why, why_size,
				"HCI_FILTER: event 0x%02x is not in the rule's \"events\"", event);
	}
	return !rule->deny;
}

bool bluetooth_filter_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	struct hci_filter filter;

	if (bluetooth_filter_read(step->data, step->data_size, &filter) < 0)
		return rule->deny ? false
				  : family_no(why, why_size,
					    "HCI_FILTER: a filter has 14 or 16 bytes, not %zu",
					    step->data_size);
	if (!rule->bluetooth.has_events)
		return family_option_within(rule, query, step, why, why_size);
	if (events_within(rule, &filter, why, why_size))
		return true;
	return rule->n_options > 0 && family_option_within(rule, query, step, why, why_size);
}

bool bluetooth_socket_within(int fd, const struct ranges *devices)
{
	struct sockaddr_hci address = {0};
	socklen_t size = sizeof address;

	return getsockname(fd, (struct sockaddr *)&address, &size) == 0 && size == sizeof address &&
	       address.hci_family == AF_BLUETOOTH && address.hci_channel == HCI_CHANNEL_RAW &&
	       ranges_contain(devices, address.hci_device);
}
