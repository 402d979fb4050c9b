/*
 * Bluetooth sockets. The kernel has them in its first network namespace only, and asks for
 * capabilities in the first user namespace only.
 *
 * What a bind step chooses, holds: a bound socket cannot be bound again (but for one of HCI whose
 * controller is gone, which then has no more than any process could get: a rule may not give a wide
 * filter on some controllers only, and the raw channel is bound so that the kernel does not trust
 * the socket; only the user channel is trusted for good). What is bound and sent here goes by the
 * broker's capabilities, so nothing that needs one is done without a rule that names it.
 *
 * A connect(2) that fails before the kernel has a link takes an L2CAP socket to its service number
 * all the same, as long as it does not listen.
 */
#include <endian.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/bluetooth-judge.h"
#include "daemon/family/family.h"
#include "daemon/privilege.h"
#include "proto/bluetooth.h"

#define CAPABILITY(cap) (UINT64_C(1) << (cap))

static bool only_protocol(const struct rule *rule, int protocol)
{
	return rule->n_protocols == 1 && rule->protocols[0] == protocol;
}

static bool has_protocol(const struct rule *rule, int protocol)
{
	return rule->n_protocols == 0 ||
	       family_rule_has(rule->protocols, rule->n_protocols, protocol);
}

static bool has_type(const struct rule *rule, int type)
{
	return rule->n_types == 0 || family_rule_has(rule->types, rule->n_types, type);
}

/* Is every channel of the rule this one? */
static bool only_channel(const struct rule *rule, uint32_t channel)
{
	const struct ranges *channels = &rule->bluetooth.channels;

	return rule->bluetooth.has_channels && channels->n == 1 &&
	       channels->items[0].first == channel && channels->items[0].last == channel;
}

static bool has_filter_option(const struct rule *rule)
{
	return rule_find_option(rule, option_of_family(AF_BLUETOOTH, SOL_HCI, HCI_FILTER));
}

/* Which protocol each key is about. */
static int check_protocols(
	const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;
	const struct {
		bool used;
		const char *key;
		int protocol;
		const char *name;
	} known[] = {
		{keys->has_devices, "devices", BTPROTO_HCI, "hci"},
		{keys->has_opcodes, "opcodes", BTPROTO_HCI, "hci"},
		{keys->has_events, "events", BTPROTO_HCI, "hci"},
		{keys->has_psms, "psms", BTPROTO_L2CAP, "l2cap"},
		{keys->has_cids, "cids", BTPROTO_L2CAP, "l2cap"},
		{keys->has_transports, "transports", BTPROTO_L2CAP, "l2cap"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].used && !only_protocol(rule, known[i].protocol))
			return family_bad_rule(what, what_size, ret_key, known[i].key,
				"\"%s\" speaks of %s sockets; the rule needs \"protocol\": \"%s\" "
				"and no other",
				known[i].key, known[i].name, known[i].name);
	if (!rule->has_addresses)
		return 0;
	for (size_t i = 0; i < MAX_OF(rule->n_protocols, (size_t)1); i++) {
		int protocol = rule->n_protocols > 0 ? rule->protocols[i] : -1;

		if (protocol != BTPROTO_L2CAP && protocol != BTPROTO_RFCOMM &&
			protocol != BTPROTO_SCO)
			return family_bad_rule(what, what_size, ret_key, "addresses",
				"only l2cap, rfcomm and sco sockets stay at the address that they "
				"were bound to; name some of these as \"protocol\"");
	}
	return 0;
}

static int check_l2cap(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;

	if ((keys->has_psms || keys->has_cids) && has_type(rule, SOCK_RAW))
		return family_bad_rule(what, what_size, ret_key, keys->has_psms ? "psms" : "cids",
			"a raw l2cap socket is not held to what it is bound to; name other types, "
			"such as \"type\": [\"seqpacket\", \"stream\"]");
	if (keys->has_transports && !keys->has_psms)
		return family_bad_rule(what, what_size, ret_key, "transports",
			"\"transports\" says whose service numbers \"psms\" are, as a socket bound "
			"for one can connect by the other; name \"psms\" or take it out");
	if (rule->deny && keys->has_cids)
		return family_bad_rule(what, what_size, ret_key, "cids",
			"every process may bind a fixed channel itself, so that denying it cannot "
			"be kept; take \"cids\" out");
	if (rule->deny && keys->has_psms) {
		bool le = keys->le || !keys->has_transports;
		uint16_t last = (uint16_t)keys->psms.items[keys->psms.n - 1].last;

		if (bluetooth_psm_is_free(last, le))
			return family_bad_rule(what, what_size, ret_key, "psms",
				"every process may bind service number 0x%04x itself%s, so that "
				"denying it cannot be kept; name only those under 0x%04x",
				last, le ? " (by LE)" : "",
				le ? L2CAP_PSM_FREE_LE : L2CAP_PSM_FREE);
	}
	return 0;
}

static int check_denied_hci(
	const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;

	if (keys->has_channels && ranges_contain(&keys->channels, HCI_CHANNEL_RAW))
		return family_bad_rule(what, what_size, ret_key, "channels",
			"every process may bind the raw channel itself, so that denying it cannot "
			"be kept; deny the socket, or take \"raw\" out");
	if (keys->has_devices && !only_channel(rule, HCI_CHANNEL_USER))
		return family_bad_rule(what, what_size, ret_key, "devices",
			"controllers can be denied for the user channel only: name \"channels\": "
			"\"user\", and \"opcodes\" or \"events\" in another rule; or take "
			"\"devices\" out");
	for (size_t i = 0; keys->has_opcodes && i < keys->opcodes.n; i++) {
		const struct range *range = &keys->opcodes.items[i];
		if (range->first == range->last && bluetooth_opcode_is_free((uint16_t)range->first))
			return family_bad_rule(what, what_size, ret_key, "opcodes",
				"every process may send HCI command 0x%04x itself, so that denying "
				"it cannot be kept; take it out",
				range->first);
	}
	for (size_t i = 0; keys->has_events && i < keys->events.n; i++) {
		const struct range *range = &keys->events.items[i];
		if (range->first == range->last && bluetooth_event_is_free(range->first))
			return family_bad_rule(what, what_size, ret_key, "events",
				"every process may hear of event 0x%02x, so that denying it cannot "
				"be kept; take it out",
				range->first);
	}
	return 0;
}

static int check_hci(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;

	if (rule->deny)
		return check_denied_hci(rule, what, what_size, ret_key);
	if (!keys->has_devices)
		return 0;
	if (keys->has_events || has_filter_option(rule))
		return family_bad_rule(what, what_size, ret_key, "devices",
			"when a controller is unplugged, the holder may bind the socket to another "
			"and keeps its filter; take \"devices\" out, or %s",
			keys->has_events ? "\"events\"" : "the option HCI_FILTER");
	if (keys->has_channels && ranges_contain(&keys->channels, HCI_CHANNEL_USER))
		return family_bad_rule(what, what_size, ret_key, "devices",
			"when the controller of a user channel is unplugged, its holder may bind "
			"the "
			"socket to the control channel and manage all others; give the channel "
			"user a rule without \"devices\"");
	for (uint32_t channel = HCI_CHANNEL_MONITOR; channel <= HCI_CHANNEL_LOGGING; channel++)
		if (keys->has_channels && ranges_contain(&keys->channels, channel))
			return family_bad_rule(what, what_size, ret_key, "devices",
				"the %s channel is of all controllers at once; give it a rule "
				"without \"devices\"",
				bluetooth_channel_name((int)channel));
	return 0;
}

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	int r;

	if (rule->has_ports)
		return family_bad_rule(what, what_size, ret_key, "ports",
			"Bluetooth has no ports; name \"psms\" or \"cids\" of l2cap, or "
			"\"channels\" of rfcomm");
	r = family_check_keys(rule, RULE_KEY_ADDRESSES, "bluetooth", what, what_size, ret_key);
	if (r < 0)
		return r;
	if (rule->deny && rule->bluetooth.has_channels && only_protocol(rule, BTPROTO_RFCOMM))
		return family_bad_rule(what, what_size, ret_key, "channels",
			"every process may bind an rfcomm channel itself, so that denying it "
			"cannot "
			"be kept; deny the socket, or limit the allow rules");
	r = check_protocols(rule, what, what_size, ret_key);
	if (r < 0)
		return r;
	r = check_l2cap(rule, what, what_size, ret_key);
	return r < 0 ? r : check_hci(rule, what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;
	uint64_t needed;

	if (rule->deny)
		return 0;
	needed = family_option_capabilities(rule);
	if (has_protocol(rule, BTPROTO_L2CAP) && has_type(rule, SOCK_RAW))
		needed |= CAPABILITY(CAP_NET_RAW);
	/* The lowest tells: under what is free by LE is under what is free by the other. */
	if (keys->has_psms && !bluetooth_psm_is_free((uint16_t)keys->psms.items[0].first,
				      keys->has_transports && !keys->bredr))
		needed |= CAPABILITY(CAP_NET_BIND_SERVICE);
	if (keys->has_events || (keys->has_opcodes && !bluetooth_opcodes_are_free(&keys->opcodes)))
		needed |= CAPABILITY(CAP_NET_RAW);
	if (!keys->has_channels || !only_protocol(rule, BTPROTO_HCI))
		return needed;
	if (ranges_contain(&keys->channels, HCI_CHANNEL_MONITOR))
		needed |= CAPABILITY(CAP_NET_RAW);
	if (ranges_contain(&keys->channels, HCI_CHANNEL_USER) ||
		ranges_contain(&keys->channels, HCI_CHANNEL_CONTROL) ||
		ranges_contain(&keys->channels, HCI_CHANNEL_LOGGING))
		needed |= CAPABILITY(CAP_NET_ADMIN);
	return needed;
}

/* As the kernel reads an address: what is not there is zero. */
static bool read_address(
	const struct wire_step *step, void *ret, size_t size, char *why, size_t why_size)
{
	sa_family_t family;

	if (step->address_size < sizeof family || step->address_size > size)
		return family_no(why, why_size,
			"%zu bytes are not an address of such a Bluetooth socket, which has %zu",
			step->address_size, size);
	memcpy(&family, step->address, sizeof family);
	if (family != AF_BLUETOOTH)
		return family_no(why, why_size, "not an address of a Bluetooth socket");
	memset(ret, 0, size);
	memcpy(ret, step->address, step->address_size);
	return true;
}

static bool bind_hci_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;
	struct sockaddr_hci address = {0};
	const char *name;

	if (!read_address(step, &address, sizeof address, why, why_size))
		return false;
	bool channel_listed =
		keys->has_channels && ranges_contain(&keys->channels, address.hci_channel);
	bool device_listed =
		keys->has_devices && ranges_contain(&keys->devices, address.hci_device);

	if (rule->deny)
		return channel_listed && (!keys->has_devices || device_listed);
	name = bluetooth_channel_name(address.hci_channel);
	if (!channel_listed && (keys->has_channels || address.hci_channel != HCI_CHANNEL_RAW))
		return family_no(why, why_size,
			"HCI channel %u%s%s%s is not in the rule's \"channels\"",
			address.hci_channel, name ? " (" : "", name ? name : "", name ? ")" : "");
	if (!keys->has_devices || device_listed)
		return true;
	if (address.hci_device == HCI_DEVICE_NONE)
		return family_no(why, why_size,
			"the rule lists \"devices\": bind the socket to one of them");
	return family_no(why, why_size, "controller hci%u is not in the rule's \"devices\"",
		address.hci_device);
}

static bool device_within(
	const struct rule *rule, const struct bluetooth_device *device, char *why, size_t why_size)
{
	char text[BLUETOOTH_DEVICE_TEXT_MAX];

	if (!rule->has_addresses)
		return true;
	bluetooth_device_format(device, text);
	if (names_match(&rule->address_patterns, text))
		return true;
	return family_no(why, why_size, "address %s is not in the rule's \"addresses\"", text);
}

static bool bind_l2cap_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;
	struct sockaddr_l2cap address = {0};

	if (!read_address(step, &address, sizeof address, why, why_size))
		return false;
	uint16_t psm = le16toh(address.l2_psm), cid = le16toh(address.l2_cid);
	bool le = address.l2_type != BLUETOOTH_BREDR;
	bool transport = !keys->has_transports || (le ? keys->le : keys->bredr);
	bool psm_listed = keys->has_psms && transport && ranges_contain(&keys->psms, psm);

	if (rule->deny)
		return psm_listed;
	if (cid != 0 && (keys->has_psms || keys->has_cids) &&
		!(keys->has_cids && ranges_contain(&keys->cids, cid)))
		return family_no(
			why, why_size, "channel 0x%04x is not in the rule's \"cids\"", cid);
	if (psm != 0 || cid == 0) {
		bool limited = keys->has_psms || keys->has_cids;

		if (!psm_listed && (limited || !bluetooth_psm_is_free(psm, le)))
			return family_no(why, why_size,
				"service number 0x%04x%s is not in the rule's \"psms\"", psm,
				le ? " of LE" : "");
	}
	return device_within(rule, &address.l2_device, why, why_size);
}

static bool bind_rfcomm_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;
	struct sockaddr_rfcomm address = {0};

	if (!read_address(step, &address, sizeof address, why, why_size) || rule->deny)
		return false;
	if (keys->has_channels && !ranges_contain(&keys->channels, address.rc_channel))
		return family_no(why, why_size,
			"rfcomm channel %u is not in the rule's \"channels\"", address.rc_channel);
	return device_within(rule, &address.rc_device, why, why_size);
}

static bool bind_sco_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	struct sockaddr_sco address;

	return read_address(step, &address, sizeof address, why, why_size) && !rule->deny &&
	       device_within(rule, &address.sco_device, why, why_size);
}

static bool bind_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	switch (query->protocol) {
	case BTPROTO_HCI:
		return bind_hci_within(rule, step, why, why_size);
	case BTPROTO_L2CAP:
		return bind_l2cap_within(rule, step, why, why_size);
	case BTPROTO_RFCOMM:
		return bind_rfcomm_within(rule, step, why, why_size);
	case BTPROTO_SCO:
		return bind_sco_within(rule, step, why, why_size);
	default:
		return rule->deny ? false
				  : family_no(why, why_size,
					    "no rule can speak of what a socket of this Bluetooth "
					    "protocol is bound to; ask for it unbound");
	}
}

static bool send_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	if (query->protocol != BTPROTO_HCI || step->address_size > 0)
		return rule->deny ? false
				  : family_no(why, why_size,
					    "of Bluetooth the broker sends HCI commands only, "
					    "without an address");
	return bluetooth_command_within(rule, step->data, step->data_size, why, why_size);
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		if (step->a == SOL_HCI && step->b == HCI_FILTER)
			return bluetooth_filter_within(rule, query, step, why, why_size);
		return family_option_within(rule, query, step, why, why_size);
	case WIRE_STEP_BIND:
		return bind_within(rule, query, step, why, why_size);
	case WIRE_STEP_SEND:
		return send_within(rule, query, step, why, why_size);
	default:
		return !rule->deny;
	}
}

static bool open_within(
	const struct rule *rule, const struct policy_query *query, char *why, size_t why_size)
{
	const struct rule_bluetooth *keys = &rule->bluetooth;
	const char *key = rule->has_addresses  ? "addresses"
			  : keys->has_devices  ? "devices"
			  : keys->has_channels ? "channels"
			  : keys->has_psms     ? "psms"
			  : keys->has_cids     ? "cids"
					       : NULL;

	if (key && !family_has_step(query, WIRE_STEP_BIND))
		return family_no(why, why_size,
			"the rule lists \"%s\": a socket that is not bound could be bound "
			"elsewhere by its holder; ask for it with a bind step",
			key);
	return true;
}

static bool is_raw_channel(int protocol, const void *address, size_t size)
{
	struct sockaddr_hci hci = {0};

	if (protocol != BTPROTO_HCI || !address)
		return false;
	memcpy(&hci, address, MIN_OF(size, sizeof hci));
	return hci.hci_channel == HCI_CHANNEL_RAW;
}

/*
 * A socket that is bound by who has CAP_NET_ADMIN is trusted for as long as it lives: by the raw
 * channel too, which has no use for that. When its controller is gone its holder could bind it to
 * the control channel, and manage all others.
 */
static int bind_untrusted(int fd, int type, int protocol, const void *address, size_t size)
{
	if (!is_raw_channel(protocol, address, size))
		return family_bind_plainly(fd, type, protocol, address, size);
	int had = privilege_lower(CAP_NET_ADMIN);
	if (had < 0)
		return had;
	int r = family_bind_plainly(fd, type, protocol, address, size);
	privilege_restore(CAP_NET_ADMIN, had);
	return r;
}

/* Binding may start a controller; all take locks that a holder can keep. */
static bool step_sleeps(const struct wire_step *step)
{
	return step->kind != WIRE_STEP_FILTER && step->kind != WIRE_STEP_LISTEN &&
	       !(step->kind == WIRE_STEP_OPTION && step->a == SOL_SOCKET);
}

const struct family family_bluetooth = {
	.name = "bluetooth",
	.domain = AF_BLUETOOTH,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) |
		      STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_CONNECT) |
		      STEP_BIT(WIRE_STEP_LISTEN) | STEP_BIT(WIRE_STEP_SEND),
	.apply_steps =
		STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_SEND),
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = open_within,
	.step_sleeps = step_sleeps,
	.open = family_open_plainly,
	.bind = bind_untrusted,
	.socket_within = bluetooth_socket_within,
};
