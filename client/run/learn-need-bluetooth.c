/* What Bluetooth calls need: HCI channels, commands and events, service numbers. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/run/learn-families.h"
#include "proto/address.h"
#include "proto/bluetooth.h"

#define N_EVENTS 64u

static const char no_address[] = "the address is not one of such a socket";

/* As the kernel reads an address: what is not there is zero. */
static bool read_address(const struct wire_step *step, void *ret, size_t size)
{
	sa_family_t family;

	if (step->address_size < sizeof family || step->address_size > size)
		return false;
	memcpy(&family, step->address, sizeof family);
	memset(ret, 0, size);
	memcpy(ret, step->address, step->address_size);
	return family == AF_BLUETOOTH;
}

static int add_device_address(struct learn_need *need, const struct bluetooth_device *device)
{
	char text[BLUETOOTH_DEVICE_TEXT_MAX];

	bluetooth_device_format(device, text);
	return learn_need_add(need, LEARN_ADDRESSES, text);
}

/* --- hci --- */

static int need_hci_bind(const struct wire_step *step, struct learn_need *need)
{
	struct sockaddr_hci address;

	if (!read_address(step, &address, sizeof address))
		return learn_need_never(need, no_address);
	const char *name = bluetooth_channel_name(address.hci_channel);
	if (!name)
		return -EINVAL;
	if (address.hci_channel == HCI_CHANNEL_RAW) {
		need->open = true;
		return 0;
	}
	return learn_need_add(need, LEARN_CHANNELS, name);
}

static int need_command(const struct learn_call *call, struct learn_need *need)
{
	const unsigned char *bytes = call->step->data;
	size_t size = call->step->data_size;
	struct sockaddr_hci address = {0};
	socklen_t address_size = sizeof address;
	char text[16];

	learn_need_say(need, "send HCI command");
	if (call->step->address_size > 0 || size < HCI_COMMAND_HEADER_SIZE ||
		bytes[0] != HCI_COMMAND_PACKET ||
		size != HCI_COMMAND_HEADER_SIZE + (size_t)bytes[3])
		return learn_need_never(
			need, "sockd sends exactly one whole HCI command at a time, and no data");
	uint16_t opcode = (uint16_t)(bytes[1] | bytes[2] << 8);
	const char *name = bluetooth_opcode_name(opcode);
	if (!name) {
		snprintf(text, sizeof text, "0x%04x", opcode);
		name = text;
	}
	learn_need_say(need, " %s", name);
	int r = learn_need_add(need, LEARN_OPCODES, name);
	if (r < 0)
		return r;
	if (call->fd <= 0 ||
		getsockname(call->fd, (struct sockaddr *)&address, &address_size) < 0 ||
		address_size != sizeof address || address.hci_family != AF_BLUETOOTH ||
		address.hci_channel != HCI_CHANNEL_RAW || address.hci_device == HCI_DEVICE_NONE)
		return 0;
	snprintf(text, sizeof text, "hci%u", address.hci_device);
	learn_need_say(need, " on %s", text);
	return learn_need_add(need, LEARN_DEVICES, text);
}

/* Events can be named one by one; commands and data take the whole option. */
static int need_filter(const struct learn_call *call, struct learn_need *need)
{
	struct hci_filter filter;

	if (bluetooth_filter_read(call->step->data, call->step->data_size, &filter) < 0) {
		learn_need_say(need, "setsockopt HCI_FILTER");
		return learn_need_never(need, "such a value is not a filter");
	}
	if (filter.types & ~HCI_FILTER_TYPE_EVENT)
		return learn_need_option(call, need);
	learn_need_say(need, "setsockopt HCI_FILTER for events");
	for (unsigned event = 0; filter.types != 0 && event < N_EVENTS; event++) {
		if (!(filter.events[event / 32] & UINT32_C(1) << event % 32) ||
			bluetooth_event_is_free(event))
			continue;
		learn_need_say(need, " %u", event);
		int r = learn_set_add_number(&need->events, event);
		if (r < 0)
			return r;
	}
	if (need->events.n == 0)
		need->open = true;
	return 0;
}

/* --- the others --- */

static int need_l2cap_bind(const struct wire_step *step, struct learn_need *need)
{
	struct sockaddr_l2cap address;

	if (!read_address(step, &address, sizeof address))
		return learn_need_never(need, no_address);
	uint16_t psm = le16toh(address.l2_psm), cid = le16toh(address.l2_cid);
	bool le = address.l2_type != BLUETOOTH_BREDR;
	if (need->socket.type == SOCK_RAW) {
		need->open = true;
		return psm != 0 && !bluetooth_psm_is_free(psm, le)
			       ? learn_need_never(
					 need, "no rule names service numbers of raw sockets")
			       : 0;
	}
	int r = add_device_address(need, &address.l2_device);
	if (r == 0 && psm != 0)
		r = learn_need_add_number(need, LEARN_PSMS, psm);
	if (r == 0 && psm != 0)
		r = learn_need_add(need, LEARN_TRANSPORTS, le ? "le" : "bredr");
	if (r == 0 && cid != 0)
		r = learn_need_add_number(need, LEARN_CIDS, cid);
	return r;
}

static int need_rfcomm_bind(const struct wire_step *step, struct learn_need *need)
{
	struct sockaddr_rfcomm address;

	if (!read_address(step, &address, sizeof address))
		return learn_need_never(need, no_address);
	if (address.rc_channel > RFCOMM_CHANNEL_MAX)
		return -EINVAL;
	int r = add_device_address(need, &address.rc_device);
	/* 0 leaves the choice to the kernel; a rule lists 1 to 30. */
	if (r == 0 && address.rc_channel != 0)
		r = learn_need_add_number(need, LEARN_CHANNELS, address.rc_channel);
	return r;
}

static int need_sco_bind(const struct wire_step *step, struct learn_need *need)
{
	struct sockaddr_sco address;

	return read_address(step, &address, sizeof address)
		       ? add_device_address(need, &address.sco_device)
		       : learn_need_never(need, no_address);
}

static int need_bind(const struct wire_step *step, struct learn_need *need)
{
	char text[ADDRESS_TEXT_MAX];

	if (address_format(step->address, step->address_size, text, sizeof text) < 0)
		return -EINVAL;
	learn_need_say(need, "bind %s", text);
	switch (need->socket.protocol) {
	case BTPROTO_HCI:
		return need_hci_bind(step, need);
	case BTPROTO_L2CAP:
		return need_l2cap_bind(step, need);
	case BTPROTO_RFCOMM:
		return need_rfcomm_bind(step, need);
	case BTPROTO_SCO:
		return need_sco_bind(step, need);
	default:
		return learn_need_never(need, "sockd binds no socket of this Bluetooth protocol");
	}
}

int learn_need_bluetooth(const struct learn_call *call, struct learn_need *need)
{
	const struct wire_step *step = call->step;

	switch (call->kind) {
	case LEARN_BIND:
		return need_bind(step, need);
	case LEARN_OPTION:
		if (step->a == SOL_HCI && step->b == HCI_FILTER &&
			need->socket.protocol == BTPROTO_HCI)
			return need_filter(call, need);
		return learn_need_option(call, need);
	default:
		if (need->socket.protocol == BTPROTO_HCI)
			return need_command(call, need);
		learn_need_say(need, "send");
		return learn_need_never(need, "of Bluetooth sockd sends HCI commands only");
	}
}
