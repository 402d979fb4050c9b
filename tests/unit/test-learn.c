/*
 * What --learn writes: for each family, the policy made of some calls is loaded by the daemon's own
 * reader, allows exactly these calls to exactly this user, and not what is next to them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "client/run/learn-rules.h"
#include "tests/suite.h"
#include "tests/unit/learn-fixture.h"

static const struct example examples[] = {
	{"a raw socket", 1, {{RAW(IPPROTO_ICMP)}},
		{{RAW(IPPROTO_UDP)}, {TCP}, {PLAIN(AF_INET6, SOCK_RAW, IPPROTO_ICMP)},
			{PLAIN(AF_PACKET, SOCK_RAW, 0)}, {PING},
			{RAW(IPPROTO_ICMP), .option = "SO_MARK", .value = 5}},
		"\"name\": \"p-inet-raw-icmp\""},
	{"a port", 1, {{TCP, .bind = "127.0.0.1:80"}},
		{{TCP, .bind = "127.0.0.1:81"}, {TCP, .bind = "127.0.0.2:80"},
			{TCP, .bind = "*:80"}, {TCP6, .bind = "[::1]:80"},
			{UDP, .bind = "127.0.0.1:80"}, {TCP, .option = "SO_MARK", .value = 5},
			{TCP}},
		"some program: bind 127.0.0.1:80 (it was refused)"},
	{"every address", 1, {{TCP, .bind = "*:80"}},
		{{TCP, .bind = "*:81"}, {TCP, .bind = "127.0.0.1:80"}, {TCP6, .bind = "[*]:80"}},
		NULL},
	{"no combination that was not seen", 2,
		{{TCP, .bind = "127.0.0.1:80"}, {TCP, .bind = "10.0.0.1:443"}},
		{{TCP, .bind = "127.0.0.1:443"}, {TCP, .bind = "10.0.0.1:80"}}, NULL},
	{"all combinations", 1,
		{{TCP, .bind = "127.0.0.1:80"}, {TCP, .bind = "10.0.0.1:443"},
			{TCP, .bind = "127.0.0.1:443"}, {TCP, .bind = "10.0.0.1:80"}},
		{{TCP, .bind = "127.0.0.1:81"}, {TCP, .bind = "10.0.0.2:80"}}, NULL},
	{"a row of ports", 1,
		{{UDP, .bind = "*:512"}, {UDP, .bind = "*:514"}, {UDP, .bind = "*:513"},
			{UDP, .bind = "*:600"}},
		{{UDP, .bind = "*:511"}, {UDP, .bind = "*:515"}, {UDP, .bind = "*:599"}},
		"\"512-514\""},
	{"a port and an option", 1, {{TCP, .bind = "*:80"}, {TCP, .option = "SO_MARK", .value = 5}},
		{{TCP, .bind = "*:81"}, {TCP, .option = "SO_MARK", .value = 6}, {TCP}}, NULL},
	{"the same the other way round", 1,
		{{TCP, .option = "SO_MARK", .value = 5}, {TCP, .bind = "*:80"}},
		{{TCP, .bind = "*:81"}, {TCP, .option = "SO_MARK", .value = 6}, {TCP}}, NULL},
	{"a socket that is not bound, and a port", 2,
		{{TCP}, {TCP, .bind = "*:80"}, {TCP, .option = "SO_MARK", .value = 5}},
		{{TCP, .bind = "*:81"}, {TCP, .option = "SO_MARK", .value = 4}}, NULL},
	{"a port of the kernel's choice", 1, {{UDP, .bind = "10.0.0.1:0"}},
		{{UDP, .bind = "10.0.0.1:53"}, {TCP}}, NULL},
	{"ping", 1, {{PING}, {PING, .bind = "*:7"}}, {{UDP}, {RAW(IPPROTO_ICMP)}}, NULL},
	{"a raw socket that is bound", 1, {{RAW(IPPROTO_ICMP), .bind = "10.0.0.1:0"}},
		{{RAW(IPPROTO_UDP), .bind = "10.0.0.1:0"}}, NULL},
	{"IPv6", 1, {{TCP6, .bind = "[::1]:80"}},
		{{TCP6, .bind = "[::2]:80"}, {TCP6, .bind = "[*]:80"}, {TCP6, .bind = "[::1]:81"},
			{TCP, .bind = "127.0.0.1:80"}},
		NULL},
	{"IPv4 on IPv6", 1, {{TCP6, .bind = "[::ffff:127.0.0.1]:80"}},
		{{TCP6, .bind = "[::ffff:127.0.0.2]:80"}, {TCP6, .bind = "[::1]:80"},
			{TCP6, .bind = "[*]:80"}, {TCP, .bind = "127.0.0.1:80"}},
		NULL},
	{"SCTP", 1, {{PLAIN(AF_INET, SOCK_STREAM, 132), .bind = "10.0.0.1:80"}},
		{{PLAIN(AF_INET, SOCK_STREAM, 132), .bind = "10.0.0.1:81"},
			{TCP, .bind = "10.0.0.1:80"}},
		NULL},
	{"MPTCP", 1, {{PLAIN(AF_INET, SOCK_STREAM, 262), .bind = "*:80"}}, {{TCP, .bind = "*:80"}},
		NULL},
	{"values", 1,
		{{UDP, .option = "SO_PRIORITY", .value = 7},
			{UDP, .option = "SO_MARK", .value = -2},
			{UDP, .option = "SO_MARK", .value = 7},
			{UDP, .option = "IP_TRANSPARENT", .value = 1}},
		{{UDP, .option = "SO_PRIORITY", .value = 8},
			{UDP, .option = "SO_MARK", .value = -3},
			{UDP, .option = "SO_RCVBUFFORCE", .value = 7},
			{UDP, .option = "SO_MARK", .value = 8}},
		"4294967294"},
	{"a device", 1, {{UDP, .option = "SO_BINDTODEVICE", .text = "eth1"}},
		{{UDP, .option = "SO_BINDTODEVICE", .text = "eth2"},
			{UDP, .option = "SO_BINDTODEVICE", .text = ""}},
		"\"eth1\""},
	{"a device by the name of a number", 1, {{UDP, .option = "SO_BINDTODEVICE", .text = "12"}},
		{{UDP, .option = "SO_BINDTODEVICE", .text = "13"}}, "\"12\""},
	{"a device given back", 1, {{UDP, .option = "SO_BINDTODEVICE", .text = ""}},
		{{UDP, .option = "SO_MARK", .value = 1}}, "\"SO_BINDTODEVICE\": \"any\""},
	{"a value of bytes", 1, {{TCP, .option = "TCP_CONGESTION", .text = "dctcp"}},
		{{TCP, .option = "TCP_REPAIR", .value = 1}}, NULL},
	{"packets", 1, {{PLAIN(AF_PACKET, SOCK_RAW, 0x300)}},
		{{PLAIN(AF_PACKET, SOCK_DGRAM, 0x300)}, {PLAIN(AF_PACKET, SOCK_PACKET, 0x300)}},
		NULL},
	{"packets, the old way", 1, {{PLAIN(AF_INET, SOCK_PACKET, 0x300)}},
		{{PLAIN(AF_PACKET, SOCK_RAW, 0x300)}}, NULL},

	{"a link", 1, {{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new1"}},
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new2"},
			{NETLINK(NETLINK_ROUTE), .message = RTM_DELLINK, .interface = "new1"},
			{NETLINK(NETLINK_ROUTE), .message = RTM_NEWRULE},
			{NETLINK(NETLINK_XFRM), .message = RTM_NEWLINK, .interface = "new1"}},
		"send RTM_NEWLINK of new1"},
	{"two links", 1,
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new1"},
			{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new2"}},
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new3"},
			{NETLINK(NETLINK_ROUTE), .message = RTM_DELLINK, .interface = "new2"}},
		NULL},
	{"each its own", 2,
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new1"},
			{NETLINK(NETLINK_ROUTE), .message = RTM_DELLINK, .interface = "new2"}},
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new2"},
			{NETLINK(NETLINK_ROUTE), .message = RTM_DELLINK, .interface = "new1"}},
		NULL},
	{"two messages in a packet", 1,
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new1",
			.two = true}},
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new2", .two = true},
			{NETLINK(NETLINK_ROUTE), .message = RTM_SETLINK, .interface = "new1"}},
		NULL},
	{"what touches no interface that could be told", 2,
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWRULE},
			{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new1"}},
		{{NETLINK(NETLINK_ROUTE), .message = RTM_DELRULE},
			{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new2"}},
		NULL},
	{"what everyone may send", 1, {{NETLINK(NETLINK_ROUTE), .message = RTM_GETLINK}},
		{{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new1"}}, NULL},
	{"a firewall", 1,
		{{NETLINK(NETLINK_NETFILTER), .message = 0xa00},
			{NETLINK(NETLINK_NETFILTER), .message = 0xa03},
			{NETLINK(NETLINK_NETFILTER), .message = 0x10},
			{NETLINK(NETLINK_NETFILTER), .bind = "0:0x40"},
			{NETLINK(NETLINK_NETFILTER), .option = "NETLINK_ADD_MEMBERSHIP",
				.value = 3},
			{NETLINK(NETLINK_NETFILTER), .option = "NETLINK_LISTEN_ALL_NSID",
				.value = 1}},
		{{NETLINK(NETLINK_NETFILTER), .message = 0xa02},
			{NETLINK(NETLINK_NETFILTER), .message = 0x100},
			{NETLINK(NETLINK_NETFILTER), .bind = "0:0x41"},
			{NETLINK(NETLINK_NETFILTER), .option = "NETLINK_ADD_MEMBERSHIP",
				.value = 4}},
		"NFT_MSG_NEWTABLE"},
	{"groups of generic netlink", 1,
		{{NETLINK(NETLINK_GENERIC), .option = "NETLINK_ADD_MEMBERSHIP", .value = 40}},
		{{NETLINK(NETLINK_GENERIC), .option = "NETLINK_ADD_MEMBERSHIP", .value = 41}},
		NULL},
	{"sockets diagnosed", 1, {{NETLINK(NETLINK_SOCK_DIAG), .message = 21}},
		{{NETLINK(NETLINK_SOCK_DIAG), .message = 20}}, NULL},

	{"vsock", 1, {{PLAIN(AF_VSOCK, SOCK_STREAM, 0), .bind = "any:80"}},
		{{PLAIN(AF_VSOCK, SOCK_STREAM, 0), .bind = "any:81"},
			{PLAIN(AF_VSOCK, SOCK_STREAM, 0), .bind = "host:80"},
			{PLAIN(AF_VSOCK, SOCK_DGRAM, 0), .bind = "any:80"}},
		NULL},
	{"vsock by number", 1, {{PLAIN(AF_VSOCK, SOCK_STREAM, AF_VSOCK), .bind = "33:4000000000"}},
		{{PLAIN(AF_VSOCK, SOCK_STREAM, 0), .bind = "34:4000000000"},
			{PLAIN(AF_VSOCK, SOCK_STREAM, 0), .bind = "33:4000000001"}},
		NULL},
	{"unix", 1, {{PLAIN(AF_UNIX, SOCK_RAW, 0)}}, {{PLAIN(AF_UNIX, SOCK_STREAM, 0)}}, NULL},
	{"an option of unix", 1,
		{{PLAIN(AF_UNIX, SOCK_DGRAM, 0), .option = "SO_SNDBUFFORCE", .value = 4096}},
		{{PLAIN(AF_UNIX, SOCK_DGRAM, 0), .option = "SO_SNDBUFFORCE", .value = 4097},
			{PLAIN(AF_UNIX, SOCK_DGRAM, 0), .option = "SO_RCVBUFFORCE", .value = 4096}},
		NULL},
	{"CAN", 1,
		{{PLAIN(AF_CAN, SOCK_RAW, 1)},
			{PLAIN(AF_CAN, SOCK_RAW, 1), .option = "SO_MARK", .value = 9}},
		{{PLAIN(AF_CAN, SOCK_DGRAM, 2)},
			{PLAIN(AF_CAN, SOCK_RAW, 1), .option = "SO_MARK", .value = 8}},
		NULL},
	{"ISO-TP", 1, {{PLAIN(AF_CAN, SOCK_DGRAM, 6)}},
		{{PLAIN(AF_CAN, SOCK_DGRAM, 2)}, {PLAIN(AF_CAN, SOCK_DGRAM, 7)}}, NULL},
	{"AF_ALG", 1, {{PLAIN(AF_ALG, SOCK_SEQPACKET, 0)}}, {{PLAIN(AF_KEY, SOCK_RAW, 2)}}, NULL},
	{"PF_KEY", 1, {{PLAIN(AF_KEY, SOCK_RAW, 2)}}, {{PLAIN(AF_KEY, SOCK_RAW, 3)}}, NULL},
	{"TIPC", 1, {{PLAIN(AF_TIPC, SOCK_RDM, 0)}}, {{PLAIN(AF_TIPC, SOCK_STREAM, 0)}}, NULL},
	{"RDS", 1, {{PLAIN(AF_RDS, SOCK_SEQPACKET, 0)}}, {{PLAIN(AF_RDS, SOCK_STREAM, 0)}}, NULL},
	{"XDP", 1, {{PLAIN(44, SOCK_RAW, 0)}}, {{PLAIN(43, SOCK_RAW, 0)}}, NULL},
	{"SMC", 1, {{PLAIN(AF_SMC, SOCK_STREAM, 0), .bind = "10.0.0.1:80"}},
		{{PLAIN(AF_SMC, SOCK_STREAM, 0), .bind = "10.0.0.1:81"},
			{PLAIN(AF_SMC, SOCK_STREAM, 0), .bind = "10.0.0.2:80"},
			{PLAIN(AF_SMC, SOCK_STREAM, 1), .bind = "[::1]:80"}},
		NULL},
	{"SMC over IPv6", 1, {{PLAIN(AF_SMC, SOCK_STREAM, 1), .bind = "[::1]:80"}},
		{{PLAIN(AF_SMC, SOCK_STREAM, 1), .bind = "[::2]:80"}}, NULL},
	{"QIPCRTR", 1,
		{{PLAIN(AF_QIPCRTR, SOCK_DGRAM, 0), .bind = "1:7"},
			{PLAIN(AF_QIPCRTR, SOCK_DGRAM, 0)}},
		{{PLAIN(AF_QIPCRTR, SOCK_DGRAM, 0), .bind = "1:8"}}, NULL},
	{"a family without a file", 1, {{PLAIN(AF_PHONET, SOCK_DGRAM, 0)}},
		{{PLAIN(AF_PHONET, SOCK_SEQPACKET, 0)}}, NULL},
	{"a family without a name", 1, {{PLAIN(60, SOCK_DGRAM, 77)}},
		{{PLAIN(60, SOCK_DGRAM, 78)}, {PLAIN(61, SOCK_DGRAM, 77)}}, NULL},

	{"HCI channels", 1,
		{{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .bind = "hci:none/monitor"},
			{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .bind = "hci:none/control"}},
		{{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .bind = "hci:hci0/user"},
			{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .command = 0x0c03}},
		NULL},
	{"HCI commands and events", 1,
		{{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .command = 0x0c03},
			{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .command = 0xfc77},
			{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .option = "HCI_FILTER",
				.text = "\x10\x01\x01\x01\x01\x01\x01\x40\x01\x01\x01\x01\x01\x01"},
			{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .bind = "hci:hci0/raw"}},
		{{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .command = 0x0c04},
			{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .command = 0xfc78},
			{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .bind = "hci:none/monitor"}},
		"0xfc77"},
	{"the whole filter", 1,
		{{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .option = "HCI_FILTER",
			.text = "\x16\x01\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"}},
		{{BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .command = 0x0c03}}, "HCI_FILTER"},
	{"L2CAP", 1, {{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_L2CAP), .bind = "l2cap:any/psm=0x0001"}},
		{{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_L2CAP), .bind = "l2cap:any/psm=0x0003"},
			{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_L2CAP),
				.bind = "l2cap:any/psm=0x0001/le"},
			{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_L2CAP),
				.bind = "l2cap:00:11:22:33:44:55/psm=0x0001"},
			{BLUETOOTH(SOCK_STREAM, BTPROTO_L2CAP), .bind = "l2cap:any/psm=0x0001"}},
		NULL},
	{"L2CAP by LE, and a fixed channel", 2,
		{{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_L2CAP), .bind = "l2cap:any/psm=0x0025/le"},
			{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_L2CAP),
				.bind = "l2cap:any/cid=0x0004/le"}},
		{{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_L2CAP), .bind = "l2cap:any/psm=0x0025"},
			{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_L2CAP),
				.bind = "l2cap:any/cid=0x0006/le"}},
		NULL},
	{"RFCOMM and SCO", 2,
		{{BLUETOOTH(SOCK_STREAM, BTPROTO_RFCOMM), .bind = "rfcomm:any/5"},
			{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_SCO), .bind = "sco:00:11:22:33:44:55"}},
		{{BLUETOOTH(SOCK_STREAM, BTPROTO_RFCOMM), .bind = "rfcomm:any/6"},
			{BLUETOOTH(SOCK_SEQPACKET, BTPROTO_SCO), .bind = "sco:any"}},
		NULL},
};

/* For other readers than the daemon's: a copy where the environment says. */
static void keep_copy(size_t number, const char *text)
{
	const char *directory = getenv("SOCKD_LEARNT");
	char copy[512];

	if (!directory)
		return;
	snprintf(copy, sizeof copy, "%s/%zu.json", directory, number);
	FILE *file = fopen(copy, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(exactly_what_was_seen)
{
	const struct example *example = &examples[_i];
	struct learn *learn = open_learn();

	for (size_t i = 0; i < SAMPLES_MAX && example->calls[i].domain; i++) {
		int r = learn_sample(learn, &example->calls[i]);
		ck_assert_msg(r == 0, "%s: call %zu: %s", example->name, i, strerror(-r));
	}
	close_learn(learn);
	check_policy(example, true);

	/* What is learnt again changes nothing. */
	_cleanup_free_ char *before = read_file();
	keep_copy((size_t)_i, before);
	learn = open_learn();
	for (size_t i = SAMPLES_MAX; i-- > 0;)
		if (example->calls[i].domain)
			ck_assert_int_eq(learn_sample(learn, &example->calls[i]), 0);
	close_learn(learn);
	_cleanup_free_ char *after = read_file();
	ck_assert_str_eq(before, after);
}
END_TEST

/* One call in each run, as where each refusal ends the program. */
START_TEST(run_by_run)
{
	const struct example *example = &examples[_i];

	for (size_t i = 0; i < SAMPLES_MAX && example->calls[i].domain; i++) {
		struct learn *learn = open_learn();
		ck_assert_int_eq(learn_sample(learn, &example->calls[i]), 0);
		close_learn(learn);
	}
	check_policy(example, false);
}
END_TEST

/* What no rule can give is said in the file, which gives nothing of it. */
START_TEST(what_no_rule_gives)
{
	static const struct sample never[] = {
		{PLAIN(AF_UNIX, SOCK_STREAM, 0), .bind = "@name"},
		{PLAIN(AF_CAN, SOCK_RAW, 1), .bind = "0"},
		{PLAIN(AF_PACKET, SOCK_RAW, 0), .bind = "0"},
		{PLAIN(AF_RDS, SOCK_SEQPACKET, 0), .bind = "10.0.0.1:80"},
		{PLAIN(AF_TIPC, SOCK_RDM, 0), .bind = "service:1000:1"},
		{PLAIN(AF_ALG, SOCK_SEQPACKET, 0), .bind = "hash/sha256"},
		{NETLINK(NETLINK_GENERIC), .message = 99},
		{NETLINK(NETLINK_KOBJECT_UEVENT), .message = 99},
		{NETLINK(NETLINK_CONNECTOR), .message = 99},
		{NETLINK(NETLINK_AUDIT), .message = 1017}, /* AUDIT_TTY_SET */
		{NETLINK(NETLINK_ROUTE), .message = RTM_NEWLINK, .interface = "new1",
			.elsewhere = true},
		{BLUETOOTH(SOCK_RAW, BTPROTO_L2CAP), .bind = "l2cap:any/psm=0x0001"},
		{BLUETOOTH(SOCK_RAW, 6), .bind = "rfcomm:any/1"},
		{TCP, .option = "HCI_FILTER", .text = "1234567890123456"},
		{UDP, .option = "SO_MARK", .text = "12345678"},
		{UDP, .option = "SO_BINDTODEVICE", .text = "eth*"},
	};
	struct learn *learn = open_learn();
	size_t n = ARRAY_SIZE(never);

	for (size_t i = 0; i < n; i++) {
		int r = learn_sample(learn, &never[i]);
		ck_assert_msg(r == -EOPNOTSUPP, "call %zu: %d", i, r);
	}
	close_learn(learn);
	_cleanup_free_ char *text = read_file();
	ck_assert_ptr_nonnull(strstr(text, "No rule can give: "));
	ck_assert_ptr_nonnull(strstr(text, "some program: bind @name (sockd binds no socket"));

	struct policy_decision decision;
	struct policy *policy = NULL;
	ck_assert_int_eq(fixture_load(&fixture, &policy), 0);
	ck_assert_uint_eq(policy_rule_count(policy), 0);
	(void)policy_unref(policy);

	/* And no rule that gives all else of such sockets would: the daemon refuses each. */
	policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"all\", \"peers\": \"any\", \"family\": [\"unix\", "
		"\"can\", "
		"\"packet\", \"rds\", \"tipc\", \"alg\", \"netlink\", \"bluetooth\", \"inet\"], "
		"\"options\": {\"SO_MARK\": \"any\"}}]}");
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(!is_allowed(policy, &never[i], USER, &decision), "call %zu", i);
	(void)policy_unref(policy);
}
END_TEST

START_TEST(malformed_calls)
{
	static const struct wire_step bind = {.kind = WIRE_STEP_BIND},
				      option = {.kind = WIRE_STEP_OPTION, .data_size = 4};
	static const struct learn_call calls[] = {
		{.kind = LEARN_BIND, TCP},
		{.kind = LEARN_OPTION, TCP, .step = &bind},
		{.kind = LEARN_OPTION, TCP, .step = &option},
		{.kind = (enum learn_kind)9, TCP, .step = &bind},
		{.kind = LEARN_SOCKET, .domain = -1, .type = 1},
		{.kind = LEARN_SOCKET, .domain = 0, .type = 1},
		{.kind = LEARN_SOCKET, .domain = 70000, .type = 1},
		{.kind = LEARN_SOCKET, .domain = 2, .type = 0},
		{.kind = LEARN_SOCKET, .domain = 2, .type = 16},
		{.kind = LEARN_SOCKET, .domain = 2, .type = 3, .protocol = -1},
		{.kind = LEARN_SOCKET, .domain = 2, .type = 3, .protocol = 65536},
	};
	struct learn *learn = open_learn();

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		ck_assert_msg(learn_add(learn, &calls[i]) == -EINVAL, "call %zu", i);
	learn_free(learn);
}
END_TEST

/* Addresses, values and messages of every size and of random content: nothing is read beyond them,
 * and what is learnt can be loaded. */
START_TEST(random_calls)
{
	static const int domains[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_CAN,
		AF_TIPC, AF_BLUETOOTH, AF_ALG, AF_VSOCK, AF_QIPCRTR, AF_SMC, AF_RDS, AF_KEY, 44,
		60};
	static const enum wire_step_kind kinds[] = {
		[LEARN_BIND] = WIRE_STEP_BIND,
		[LEARN_OPTION] = WIRE_STEP_OPTION,
		[LEARN_SEND] = WIRE_STEP_SEND,
	};
	struct policy *policy = NULL;
	struct learn *learn = open_learn();

	srandom(7);
	for (unsigned i = 0; i < 20000; i++) {
		size_t address_size = (size_t)random() % 40, size = (size_t)random() % 80;
		int domain = domains[(size_t)random() % ARRAY_SIZE(domains)];
		unsigned char *address = malloc(address_size + 1), *data = malloc(size + 1);
		uint32_t words[2] = {(uint32_t)size, (uint32_t)(random() % 40)};

		for (size_t j = 0; j < address_size; j++)
			address[j] = (unsigned char)(random() % 3 ? 0 : random());
		if (address_size >= 2)
			memcpy(address, &(sa_family_t){(sa_family_t)domain}, 2);
		for (size_t j = 0; j < size; j++)
			data[j] = (unsigned char)random();
		if (size >= 8)
			memcpy(data, words, 6);
		/* Of exactly their sizes. */
		address = realloc(address, address_size ? address_size : 1);
		data = realloc(data, size ? size : 1);
		const struct wire_step step = {
			.kind = kinds[1 + i % 3],
			.a = random() % 2 ? SOL_SOCKET : (int)(random() % 300),
			.b = (int)(random() % 80),
			.address = address,
			.address_size = address_size,
			.data = data,
			.data_size = size,
		};
		const struct learn_call call = {
			.kind = (enum learn_kind)(1 + i % 3),
			.domain = domain,
			.type = 1 + (int)(random() % 5),
			.protocol = (int)(random() % 8),
			.step = &step,
			.program = "a;b: \x01\xff\n\"",
			.reason = "why; so\n\xc3",
			.granted = random() % 2,
		};
		int r = learn_add(learn, &call);
		ck_assert_msg(r == 0 || r == -EINVAL || r == -EOPNOTSUPP || r == -E2BIG,
			"learn_add: %s", strerror(-r));
		free(address);
		free(data);
	}
	close_learn(learn);
	int r = fixture_load(&fixture, &policy);
	ck_assert_msg(r == 0, "not loaded: %s", fixture.errors);
	ck_assert_uint_gt(policy_rule_count(policy), 10);
	(void)policy_unref(policy);
	learn = open_learn();
	close_learn(learn);
	ck_assert_int_eq(fixture_load(&fixture, &policy), 0);
	(void)policy_unref(policy);
}
END_TEST

/* Which controller an HCI command went to tells its socket; the rules for that have conditions of
 * their own. */
static void check_controllers(bool option, bool event, size_t wanted)
{
	static const struct sample reset = {BLUETOOTH(SOCK_RAW, BTPROTO_HCI), .command = 0x0c03};
	struct learn_need need = {
		.socket = {.domain = AF_BLUETOOTH, .type = SOCK_RAW, .protocol = BTPROTO_HCI}};
	struct learn_rules rules = {0};
	struct policy *policy = NULL;
	struct policy_decision decision;

	ck_assert_int_eq(learn_need_add(&need, LEARN_OPCODES, "HCI_OP_RESET"), 0);
	ck_assert_int_eq(learn_need_add(&need, LEARN_DEVICES, "hci1"), 0);
	if (event)
		ck_assert_int_eq(learn_set_add_number(&need.events, 62), 0);
	if (option) {
		need.option = "HCI_FILTER";
		need.any = true;
	}
	ck_assert_int_eq(learn_rules_add(&rules, &need, "a: note"), 0);
	learn_need_done(&need);
	for (int round = 0; round < 2; round++) {
		json_t *list = learn_rules_write(&rules, "p", USER);
		ck_assert_ptr_nonnull(list);
		json_t *root = json_pack("{s:O}", "rules", list);
		ck_assert_int_eq(json_dump_file(root, path, JSON_INDENT(1)), 0);
		int r = fixture_load(&fixture, &policy);
		ck_assert_msg(r == 0, "not loaded: %s", fixture.errors);
		ck_assert_uint_eq(policy_rule_count(policy), wanted);
		ck_assert(is_allowed(policy, &reset, USER, &decision));
		ck_assert_ptr_nonnull(decision.devices);
		(void)policy_unref(policy);
		/* And once more from what was read. */
		learn_rules_done(&rules);
		ck_assert_int_eq(learn_rules_read(&rules, list, USER), 0);
		ck_assert_uint_eq(json_array_size(rules.others), 0);
		json_decref(root);
		json_decref(list);
	}
	learn_rules_done(&rules);
}

START_TEST(controllers)
{
	check_controllers(false, false, 1);
	check_controllers(true, false, 2);
	check_controllers(false, true, 2);
	check_controllers(true, true, 2);
}
END_TEST

START_TEST(other_namespaces)
{
	static const char *const names[] = {"broker", "peer", "blue", NULL};
	static const char *const wrong[] = {"", ".", "..", "a/b", "a b", "\xff"};
	struct learn *learn = open_learn();
	struct learn_call call = {.kind = LEARN_SOCKET, RAW(1), .program = "ping"};
	struct policy *policy = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		call.netns = names[i];
		ck_assert_int_eq(learn_add(learn, &call), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		call.netns = wrong[i];
		ck_assert_int_eq(learn_add(learn, &call), -EINVAL);
	}
	close_learn(learn);
	_cleanup_free_ char *before = read_file();
	close_learn(open_learn());
	_cleanup_free_ char *after = read_file();
	ck_assert_str_eq(before, after);
	ck_assert_ptr_nonnull(strstr(after, "\"netns\": \"blue\""));
	ck_assert_int_eq(fixture_load(&fixture, &policy), 0);
	ck_assert_uint_eq(policy_rule_count(policy), ARRAY_SIZE(names));
	(void)policy_unref(policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("learn");
	TCase *tcase = tcase_create("learn");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, exactly_what_was_seen, 0, (int)ARRAY_SIZE(examples));
	tcase_add_loop_test(tcase, run_by_run, 0, (int)ARRAY_SIZE(examples));
	tcase_add_test(tcase, what_no_rule_gives);
	tcase_add_test(tcase, malformed_calls);
	tcase_add_test(tcase, random_calls);
	tcase_add_test(tcase, controllers);
	tcase_add_test(tcase, other_namespaces);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
