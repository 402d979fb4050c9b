/* Bluetooth: the text of its addresses, what rules give and refuse, HCI commands and filters. */
#include <check.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "proto/address.h"
#include "proto/bluetooth.h"
#include "proto/constants.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/policy-fixture.h"
#include "tests/unit/raw-address.h"

#define RULE(body) \
	"{\"rules\": [{\"name\": \"r\", \"peers\": \"any\", \"family\": \"bluetooth\", " body "}]" \
	"}"
#define RAW_BIT(cap) (UINT64_C(1) << (cap))

static struct fixture fixture;
static struct policy_decision decision;

static void setup(void)
{
	fixture_make(&fixture);
}

static void teardown(void)
{
	fixture_remove(&fixture);
}

START_TEST(address_text)
{
	static const char *const same[] = {"hci:hci0/raw", "hci:hci65534/user", "hci:none/monitor",
		"hci:none/77", "l2cap:any", "l2cap:any/psm=0x1001", "l2cap:00:aa:01:00:00:ff",
		"l2cap:any/cid=0x0004/le", "l2cap:12:34:56:78:9a:bc/psm=0x0025/le-random",
		"l2cap:any/psm=0x0001/cid=0x0002/9", "rfcomm:any/0", "rfcomm:00:aa:01:00:00:01/30",
		"sco:any", "sco:00:aa:01:00:00:01"};
	static const char *const bad[] = {"", "hci", "hci:", "hci:hci/raw", "hci:hci65535",
		"hci:hci0/", "hci:hci0/RAW", "hci:hci0/65536", "hci:eth0", "hci:hci-1",
		"l2cap:", "l2cap:any/", "l2cap:any/psm=", "l2cap:any/psm=65536",
		"l2cap:any/psm=1/psm=2", "l2cap:any/le/le", "l2cap:any/256", "l2cap:any/psm=0x0x1",
		"l2cap:any/psm= 1", "l2cap:any/psm=-1", "sco:00:11:22:33:44",
		"sco:00:11:22:33:44:55:66", "sco:00-11-22-33-44-55", "sco:0:11:22:33:44:55",
		"sco:gg:11:22:33:44:55", "rfcomm:any/256", "rfcomm:any/x", "bnep:any", "any"};
	struct sockaddr_storage address;
	char text[ADDRESS_TEXT_MAX];
	socklen_t size;

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		ck_assert_msg(
			address_parse(AF_BLUETOOTH, same[i], &address, &size) == 0, "%s", same[i]);
		ck_assert_int_eq(address_format(&address, size, text, sizeof(text)), 0);
		ck_assert_str_eq(text, same[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(address_parse(AF_BLUETOOTH, bad[i], &address, &size) == -EINVAL, "%s",
			bad[i]);
	/* ISO's is RFCOMM's, byte for byte. */
	ck_assert_int_eq(address_parse(AF_BLUETOOTH, "iso:any/le", &address, &size), 0);
	ck_assert_int_eq(address_format(&address, size, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "rfcomm:any/1");
}
END_TEST

START_TEST(address_bytes)
{
	static const unsigned char l2cap[] = {
		FAMILY(31), 0x25, 0x00, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00, 0, 0, 1, 0};
	struct sockaddr_storage address;
	char text[ADDRESS_TEXT_MAX], raw[ADDRESS_TEXT_MAX];
	unsigned char bytes[32] = {FAMILY(31)};
	socklen_t size;

	ck_assert_int_eq(
		address_parse(AF_BLUETOOTH, "l2cap:00:11:22:33:44:55/psm=0x25/le", &address, &size),
		0);
	ck_assert_uint_eq(size, sizeof(l2cap));
	ck_assert_mem_eq(&address, l2cap, sizeof(l2cap));
	/* A size that no protocol has is written as bytes, and every size is read back. */
	for (size_t n = 2; n < sizeof(bytes); n++) {
		ck_assert_int_eq(address_format(bytes, n, text, sizeof(text)), 0);
		bool known = n == 6 || n == 8 || n == 10 || n == 14;
		ck_assert_msg(known == (strncmp(text, "raw:", 4) != 0), "%zu: %s", n, text);
		ck_assert_int_eq(address_parse(AF_BLUETOOTH, text, &address, &size), 0);
		ck_assert_uint_eq(size, n);
		ck_assert_mem_eq(&address, bytes, n);
		ck_assert_int_eq(address_format(&address, size, raw, sizeof(raw)), 0);
		ck_assert_str_eq(text, raw);
	}
}
END_TEST

START_TEST(options_by_family)
{
	const struct option_info *filter = option_by_name("HCI_FILTER");

	ck_assert_ptr_nonnull(filter);
	ck_assert_ptr_eq(option_of_family(AF_BLUETOOTH, 0, 2), filter);
	ck_assert_str_eq(option_of_family(AF_INET, 0, 2)->name, "IP_TTL");
	ck_assert_str_eq(option_by_number(0, 2)->name, "IP_TTL");
	ck_assert(option_is_for_family(filter, AF_BLUETOOTH));
	ck_assert(!option_is_for_family(filter, AF_INET));
	ck_assert(!option_is_for_family(option_of_family(AF_INET, 0, 2), AF_BLUETOOTH));
	ck_assert_str_eq(option_of_family(AF_BLUETOOTH, 6, 1)->name, "L2CAP_OPTIONS");
	ck_assert_str_eq(option_of_family(AF_INET, 6, 1)->name, "TCP_NODELAY");
	ck_assert_str_eq(option_of_family(AF_BLUETOOTH, SOL_SOCKET, SO_RCVBUF)->name, "SO_RCVBUF");
	ck_assert_ptr_null(option_of_family(AF_BLUETOOTH, 0, 1000));
	ck_assert_ptr_null(option_of_family(AF_BLUETOOTH, 41, 1));
	ck_assert_ptr_nonnull(option_by_name("BT_CODEC"));
	ck_assert_ptr_nonnull(option_by_name("RFCOMM_LM"));

	struct hci_filter value = {.types = 0x10, .events = {0x1000d9fe, 0x0000b00c}};
	ck_assert(option_is_free(filter, &value, sizeof(value)));
	ck_assert(option_is_free(filter, &value, 14));
	ck_assert(!option_is_free(filter, &value, 13));
	ck_assert(!option_is_free(filter, &value, 15));
	value.types = 0x14;
	ck_assert(!option_is_free(filter, &value, sizeof(value)));
	value.types = 0x10;
	value.events[1] |= UINT32_C(1) << 30;
	ck_assert(!option_is_free(filter, &value, sizeof(value)));
}
END_TEST

START_TEST(free_commands)
{
	static const uint16_t is_free[] = {
		0x0401, 0x0402, 0x0419, 0x0420, 0x0809, 0x0c14, 0x0c5a, 0x1009, 0x1001, 0x1405};
	static const uint16_t is_not[] = {
		0x0000, 0x0403, 0x0405, 0x0c03, 0x0c13, 0x2001, 0x200c, 0xfc01, 0x1801, 0x0421};
	uint16_t opcode;

	for (size_t i = 0; i < ARRAY_SIZE(is_free); i++)
		ck_assert_msg(bluetooth_opcode_is_free(is_free[i]), "%#x", is_free[i]);
	for (size_t i = 0; i < ARRAY_SIZE(is_not); i++)
		ck_assert_msg(!bluetooth_opcode_is_free(is_not[i]), "%#x", is_not[i]);
	ck_assert_int_eq(bluetooth_opcode_from_name("HCI_OP_RESET", &opcode), 0);
	ck_assert_uint_eq(opcode, 0x0c03);
	ck_assert_str_eq(bluetooth_opcode_name(0x200c), "HCI_OP_LE_SET_SCAN_ENABLE");
	ck_assert_int_eq(bluetooth_opcode_from_name("hci_op_reset", &opcode), -ENOENT);
}
END_TEST

static bool decide(const struct policy *policy, bool apply, int type, int protocol,
	const struct wire_step *steps, size_t n_steps)
{
	const struct policy_subject subject = {.uid = 1000, .gid = 1000};
	const struct policy_query query = {.apply = apply,
		.domain = AF_BLUETOOTH,
		.type = type,
		.protocol = protocol,
		.netns = apply ? WIRE_NETNS_PEER : WIRE_NETNS_DEFAULT,
		.steps = steps,
		.n_steps = n_steps,
		.fd = -1};

	policy_decide(policy, &subject, &query, &decision);
	return decision.allowed;
}

static bool binds(const struct policy *policy, int type, int protocol, const char *text)
{
	struct sockaddr_storage address;
	socklen_t size;

	ck_assert_msg(address_parse(AF_BLUETOOTH, text, &address, &size) == 0, "%s", text);
	const struct wire_step step = {
		.kind = WIRE_STEP_BIND, .address = &address, .address_size = size};
	bool opens = decide(policy, false, type, protocol, &step, 1);
	/* The same on a client's own socket. */
	ck_assert_msg(decide(policy, true, type, protocol, &step, 1) == opens, "%s", text);
	return opens;
}

static bool sends(const struct policy *policy, const void *data, size_t size)
{
	const struct wire_step step = {.kind = WIRE_STEP_SEND, .data = data, .data_size = size};

	return decide(policy, true, SOCK_RAW, BTPROTO_HCI, &step, 1);
}

static bool filters(const struct policy *policy, uint32_t types, uint32_t low, uint32_t high)
{
	const struct hci_filter filter = {.types = types, .events = {low, high}};
	const struct wire_step step = {.kind = WIRE_STEP_OPTION,
		.a = SOL_HCI,
		.b = HCI_FILTER,
		.data = &filter,
		.data_size = sizeof(filter)};

	return decide(policy, true, SOCK_RAW, BTPROTO_HCI, &step, 1);
}

START_TEST(channels_and_controllers)
{
	struct policy *policy = fixture_policy(&fixture, RULE("\"protocol\": \"hci\""));

	ck_assert(binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci3/raw"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci0/user"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:none/control"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:none/9"));
	ck_assert(decide(policy, false, SOCK_RAW, BTPROTO_HCI, NULL, 0));
	ck_assert_uint_eq(policy_capabilities(policy), 0);
	policy_unref(policy);

	policy = fixture_policy(&fixture, RULE("\"protocol\": \"hci\", \"channels\": \"raw\", "
					       "\"devices\": [\"hci1\", \"hci2\"]"));
	ck_assert(binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci1/raw"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci1/user"));
	ck_assert(binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci2/raw"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci0/raw"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:none/raw"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:none/monitor"));
	/* Its holder could bind it elsewhere. */
	ck_assert(!decide(policy, false, SOCK_RAW, BTPROTO_HCI, NULL, 0));
	ck_assert_uint_eq(policy_capabilities(policy), 0);
	policy_unref(policy);

	policy = fixture_policy(&fixture, RULE("\"protocol\": \"hci\", \"channels\": \"user\""));
	ck_assert(binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci0/user"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci0/raw"));
	ck_assert_uint_eq(policy_capabilities(policy), RAW_BIT(CAP_NET_ADMIN));
	policy_unref(policy);

	policy = fixture_policy(&fixture, RULE("\"protocol\": \"hci\", \"channels\": \"monitor\""));
	ck_assert(binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:none/monitor"));
	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci0/raw"));
	ck_assert_uint_eq(policy_capabilities(policy), RAW_BIT(CAP_NET_RAW));
	policy_unref(policy);
}
END_TEST

START_TEST(service_numbers)
{
	struct policy *policy =
		fixture_policy(&fixture, RULE("\"protocol\": \"l2cap\", \"type\": \"seqpacket\""));
	int type = SOCK_SEQPACKET;

	ck_assert(binds(policy, type, BTPROTO_L2CAP, "l2cap:any"));
	ck_assert(binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x1001"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x0fff"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x0080"));
	ck_assert(binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x0080/le"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x007f/le"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x007f/le-random"));
	ck_assert(binds(policy, type, BTPROTO_L2CAP, "l2cap:any/cid=0x0004/le"));
	ck_assert(!decide(policy, false, SOCK_RAW, BTPROTO_L2CAP, NULL, 0));
	ck_assert_uint_eq(policy_capabilities(policy), 0);
	policy_unref(policy);

	policy = fixture_policy(
		&fixture, RULE("\"protocol\": \"l2cap\", \"type\": \"seqpacket\", \"psms\": [1, "
			       "\"0x0025-0x0030\"], \"transports\": \"le\", \"cids\": 4, "
			       "\"addresses\": [\"any\", \"00:AA:01:00:00:00\"]"));
	ck_assert(binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x0025/le"));
	ck_assert(binds(policy, type, BTPROTO_L2CAP, "l2cap:00:aa:01:00:00:00/psm=1/le"));
	ck_assert(binds(policy, type, BTPROTO_L2CAP, "l2cap:any/cid=4/le"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/cid=5/le"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x0025"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x0031/le"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=0x1001"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:00:aa:01:00:00:01/psm=1/le"));
	ck_assert(!binds(policy, type, BTPROTO_L2CAP, "l2cap:any/psm=1/cid=5/le"));
	ck_assert_uint_eq(policy_capabilities(policy), RAW_BIT(CAP_NET_BIND_SERVICE));
	policy_unref(policy);

	policy = fixture_policy(&fixture, RULE("\"protocol\": \"l2cap\""));
	ck_assert(decide(policy, false, SOCK_RAW, BTPROTO_L2CAP, NULL, 0));
	ck_assert_uint_eq(policy_capabilities(policy), RAW_BIT(CAP_NET_RAW));
	policy_unref(policy);

	policy = fixture_policy(&fixture, RULE("\"protocol\": \"rfcomm\", \"channels\": \"3-5\""));
	ck_assert(binds(policy, SOCK_STREAM, BTPROTO_RFCOMM, "rfcomm:any/3"));
	ck_assert(!binds(policy, SOCK_STREAM, BTPROTO_RFCOMM, "rfcomm:any/6"));
	ck_assert(!binds(policy, SOCK_STREAM, BTPROTO_RFCOMM, "rfcomm:any/0"));
	/* Too long for the protocol. */
	ck_assert(!binds(policy, SOCK_STREAM, BTPROTO_RFCOMM, "l2cap:any"));
	policy_unref(policy);
}
END_TEST

START_TEST(commands)
{
	struct policy *policy = fixture_policy(&fixture,
		RULE("\"protocol\": \"hci\", \"opcodes\": [\"HCI_OP_LE_SET_SCAN_ENABLE\", "
		     "\"0x2010-0x2012\"], \"devices\": \"hci0\""));
	static const unsigned char scan[] = {1, 0x0c, 0x20, 2, 1, 0}, add[] = {1, 0x11, 0x20, 0},
				   reset[] = {1, 3, 0x0c, 0}, data[] = {2, 0x0c, 0x20, 2, 1, 0},
				   two[] = {1, 0x11, 0x20, 0, 1, 0x11, 0x20, 0};

	ck_assert(sends(policy, scan, sizeof(scan)));
	ck_assert_ptr_nonnull(decision.devices);
	ck_assert(ranges_contain(decision.devices, 0));
	ck_assert(sends(policy, add, sizeof(add)));
	ck_assert(!sends(policy, reset, sizeof(reset)));
	ck_assert(!sends(policy, data, sizeof(data)));
	ck_assert(!sends(policy, two, sizeof(two)));
	for (size_t n = 0; n < sizeof(scan); n++)
		ck_assert(!sends(policy, scan, n));
	ck_assert_uint_eq(policy_capabilities(policy), RAW_BIT(CAP_NET_RAW));

	/* With an address, or to another protocol: never. */
	const struct wire_step addressed = {.kind = WIRE_STEP_SEND,
		.address = "\37\0\0\0\0",
		.address_size = 6,
		.data = scan,
		.data_size = sizeof(scan)};
	ck_assert(!decide(policy, true, SOCK_RAW, BTPROTO_HCI, &addressed, 1));
	policy_unref(policy);

	policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"all\", \"peers\": \"any\", \"family\": \"bluetooth\", "
		"\"protocol\": \"hci\", \"opcodes\": \"any\"}, {\"name\": \"no-reset\", "
		"\"effect\": \"deny\", \"peers\": \"any\", \"family\": \"bluetooth\", "
		"\"protocol\": \"hci\", \"opcodes\": \"HCI_OP_RESET\"}]}");
	ck_assert(sends(policy, scan, sizeof(scan)));
	ck_assert_ptr_null(decision.devices);
	ck_assert(!sends(policy, reset, sizeof(reset)));
	ck_assert_str_eq(decision.rule.name, "no-reset");
	ck_assert(!sends(policy, two, sizeof(two)));
	ck_assert(binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci0/raw"));
	policy_unref(policy);
}
END_TEST

START_TEST(heard_events)
{
	struct policy *policy =
		fixture_policy(&fixture, RULE("\"protocol\": \"hci\", \"events\": [\"0x3e\", 5]"));

	ck_assert(filters(policy, 0x10, 0x1000d9fe, 0x0000b00c));
	ck_assert(filters(policy, 0x10, 1 << 5, UINT32_C(1) << 30));
	ck_assert(!filters(policy, 0x10, 1, 0));
	ck_assert(!filters(policy, 0x14, 1 << 5, 0));
	ck_assert(filters(policy, 0, UINT32_MAX, UINT32_MAX));
	ck_assert_uint_eq(policy_capabilities(policy), RAW_BIT(CAP_NET_RAW));
	policy_unref(policy);

	policy = fixture_policy(&fixture, RULE("\"protocol\": \"hci\""));
	ck_assert(filters(policy, 0x10, 2, 0));
	ck_assert(!filters(policy, 0x10, 1, 0));
	policy_unref(policy);

	policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"all\", \"peers\": \"any\", \"family\": \"bluetooth\", "
		"\"protocol\": \"hci\", \"options\": {\"HCI_FILTER\": \"any\"}}, {\"name\": "
		"\"no-keys\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": \"bluetooth\", "
		"\"protocol\": \"hci\", \"events\": \"0x18\"}]}");
	ck_assert(filters(policy, UINT32_MAX, ~(UINT32_C(1) << 24), UINT32_MAX));
	ck_assert(!filters(policy, 0x10, UINT32_C(1) << 24, 0));
	ck_assert_str_eq(decision.rule.name, "no-keys");
	policy_unref(policy);
}
END_TEST

START_TEST(denied_channels)
{
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"all\", \"peers\": \"any\", \"family\": \"bluetooth\", "
		"\"protocol\": \"hci\", \"channels\": [\"raw\", \"user\", \"monitor\"]}, "
		"{\"name\": \"not-here\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
		"\"bluetooth\", \"protocol\": \"hci\", \"channels\": \"user\", \"devices\": "
		"\"hci0\"}, {\"name\": \"l2cap\", \"peers\": \"any\", \"family\": \"bluetooth\", "
		"\"protocol\": \"l2cap\", \"type\": \"stream\", \"psms\": \"1-0xffff\"}, "
		"{\"name\": \"low\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
		"\"bluetooth\", \"protocol\": \"l2cap\", \"type\": \"stream\", \"psms\": "
		"\"1-0x0fff\", \"transports\": \"bredr\"}]}");

	ck_assert(!binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci0/user"));
	ck_assert(binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci1/user"));
	ck_assert(binds(policy, SOCK_RAW, BTPROTO_HCI, "hci:hci0/raw"));
	ck_assert(!binds(policy, SOCK_STREAM, BTPROTO_L2CAP, "l2cap:any/psm=1"));
	ck_assert(binds(policy, SOCK_STREAM, BTPROTO_L2CAP, "l2cap:any/psm=1/le"));
	ck_assert(binds(policy, SOCK_STREAM, BTPROTO_L2CAP, "l2cap:any/psm=0x1001"));
	policy_unref(policy);
}
END_TEST

/* What cannot be kept is refused, at its key and with what is meant. */
START_TEST(bad_rules)
{
	static const struct {
		const char *rule, *words;
	} bad[] = {
		{"\"protocol\": \"hci\", \"devices\": \"hci0\", \"events\": 62", "is unplugged"},
		{"\"protocol\": \"hci\", \"devices\": \"hci0\", \"options\": {\"HCI_FILTER\": "
		 "\"any\"}",
			"is unplugged"},
		{"\"protocol\": \"hci\", \"devices\": \"hci0\", \"channels\": [\"raw\", \"user\"]",
			"manage all others"},
		{"\"protocol\": \"hci\", \"devices\": \"hci0\", \"channels\": \"monitor\"",
			"of all controllers"},
		{"\"protocol\": \"hci\", \"devices\": \"hci\"", "no controller"},
		{"\"protocol\": \"hci\", \"devices\": \"hci00\"", "no controller"},
		{"\"protocol\": \"hci\", \"devices\": \"hci1x\"", "no controller"},
		{"\"protocol\": \"hci\", \"devices\": \"hci65535\"", "no controller"},
		{"\"protocol\": \"hci\", \"devices\": \"hci65536\"", "no controller"},
		{"\"protocol\": \"hci\", \"channels\": 1", "an HCI channel"},
		{"\"channels\": \"raw\"", "only \\\"protocol\\\""},
		{"\"protocol\": \"hci\", \"opcodes\": [\"HCI_OP_NONE\"]", "not an HCI command"},
		{"\"protocol\": \"hci\", \"opcodes\": \"5-4\"", "ends before it begins"},
		{"\"protocol\": \"hci\", \"opcodes\": \"3075x\"", "not an HCI command"},
		{"\"protocol\": \"hci\", \"opcodes\": \"0x0x1\"", "not an HCI command"},
		{"\"protocol\": \"hci\", \"opcodes\": \"65536\"", "goes beyond"},
		{"\"protocol\": \"hci\", \"opcodes\": \"4294967299\"", "not an HCI command"},
		{"\"protocol\": \"hci\", \"opcodes\": \"3-18446744073709551619\"",
			"not an HCI command"},
		{"\"protocol\": \"hci\", \"events\": 64", "out of range"},
		{"\"protocol\": \"l2cap\", \"opcodes\": 1", "speaks of hci sockets"},
		{"\"protocol\": \"l2cap\", \"psms\": 1", "a raw l2cap socket"},
		{"\"protocol\": \"l2cap\", \"type\": \"stream\", \"psms\": 0", "out of range"},
		{"\"protocol\": \"l2cap\", \"type\": \"stream\", \"psms\": \"0-1\"", "goes beyond"},
		{"\"protocol\": \"l2cap\", \"type\": \"stream\", \"transports\": \"le\"",
			"name \\\"psms\\\""},
		{"\"protocol\": \"l2cap\", \"type\": \"stream\", \"psms\": 1, \"transports\": "
		 "\"air\"",
			"no transport"},
		{"\"protocol\": \"rfcomm\", \"channels\": 31", "out of range"},
		{"\"protocol\": \"rfcomm\", \"ports\": 1", "no ports"},
		{"\"protocol\": \"iso\", \"addresses\": \"any\"", "only l2cap, rfcomm and sco"},
		{"\"protocol\": \"sco\", \"addresses\": \"hci0\"", "no Bluetooth address"},
		{"\"effect\": \"deny\", \"protocol\": \"hci\", \"channels\": [\"user\", \"raw\"]",
			"every process"},
		{"\"effect\": \"deny\", \"protocol\": \"hci\", \"opcodes\": [\"HCI_OP_INQUIRY\"]",
			"every process"},
		{"\"effect\": \"deny\", \"protocol\": \"hci\", \"opcodes\": 3075, \"devices\": "
		 "\"hci0\"",
			"user channel only"},
		{"\"effect\": \"deny\", \"protocol\": \"hci\", \"events\": 14", "every process"},
		{"\"effect\": \"deny\", \"protocol\": \"l2cap\", \"type\": \"stream\", \"psms\": "
		 "128",
			"every process"},
		{"\"effect\": \"deny\", \"protocol\": \"l2cap\", \"type\": \"stream\", \"psms\": "
		 "4097, \"transports\": \"bredr\"",
			"every process"},
		{"\"effect\": \"deny\", \"protocol\": \"l2cap\", \"type\": \"stream\", \"cids\": 4",
			"every process"},
		{"\"effect\": \"deny\", \"protocol\": \"rfcomm\", \"channels\": 1",
			"every process"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[512], words[64];
		struct policy *policy = NULL;
		size_t n = 0;

		for (const char *c = bad[i].words; *c; c++)
			if (*c != '\\')
				words[n++] = *c;
		words[n] = '\0';
		ck_assert_int_lt(
			snprintf(text, sizeof(text), RULE("%s"), bad[i].rule), (int)sizeof(text));
		fixture_write(&fixture, "p.json", text);
		ck_assert_msg(fixture_load(&fixture, &policy) == -EINVAL, "%s", bad[i].rule);
		ck_assert_msg(strstr(fixture.errors, words), "%s: %s", bad[i].rule, fixture.errors);
	}
}
END_TEST

START_TEST(keys_of_other_families)
{
	static const char *const keys[] = {"\"devices\": \"hci0\"", "\"channels\": \"raw\"",
		"\"opcodes\": 1", "\"events\": 1", "\"psms\": 1", "\"cids\": 4",
		"\"transports\": \"le\""};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct policy *policy = NULL;
		char text[256];

		snprintf(text, sizeof(text),
			"{\"rules\": [{\"name\": \"r\", \"peers\": \"any\", \"family\": "
			"[\"bluetooth\", \"can\"], %s}]}",
			keys[i]);
		fixture_write(&fixture, "p.json", text);
		ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
		ck_assert_ptr_nonnull(strstr(fixture.errors, "for family bluetooth alone"));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bluetooth");
	TCase *tests = tcase_create("bluetooth");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, address_text);
	tcase_add_test(tests, address_bytes);
	tcase_add_test(tests, options_by_family);
	tcase_add_test(tests, free_commands);
	tcase_add_test(tests, channels_and_controllers);
	tcase_add_test(tests, service_numbers);
	tcase_add_test(tests, commands);
	tcase_add_test(tests, heard_events);
	tcase_add_test(tests, denied_channels);
	tcase_add_test(tests, bad_rules);
	tcase_add_test(tests, keys_of_other_families);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
