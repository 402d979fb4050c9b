/* Addresses of every family as text and back, and bad input. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <linux/can.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/lib/names-address.h"
#include "tests/suite.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

static void assert_same(int family, const char *text)
{
	struct address address = parsed(family, text);

	ck_assert_str_eq(formatted(&address.storage, address.size), text);
}

static void assert_becomes(int family, const char *text, const char *expected)
{
	struct address address = parsed(family, text);

	ck_assert_str_eq(formatted(&address.storage, address.size), expected);
}

static void assert_refused_with(int family, const char *text, int error)
{
	struct address address, before;

	memset(&address, 0xee, sizeof address);
	before = address;
	errno = 0;
	ck_assert_msg(sockd_address_parse(family, text, &address.storage, &address.size) == -1,
		"family %d: \"%s\"", family, text);
	ck_assert_msg(
		errno == error, "family %d: \"%s\": %s", family, text, strerrorname_np(errno));
	ck_assert(memcmp(&address, &before, sizeof address) == 0);
}

static void assert_refused(int family, const char *text)
{
	assert_refused_with(family, text, EINVAL);
}

START_TEST(inet_in_every_form)
{
	static const char *const any[] = {"", "*", ":0", "*:0", "0.0.0.0", "0.0.0.0:0"};
	struct sockaddr_in *inet;
	struct address address = parsed(AF_INET, "<broadcast>:67");

	inet = (struct sockaddr_in *)&address.storage;
	ck_assert_uint_eq(address.size, sizeof *inet);
	ck_assert_int_eq(inet->sin_family, AF_INET);
	ck_assert_uint_eq(inet->sin_addr.s_addr, htonl(INADDR_BROADCAST));
	ck_assert_uint_eq(ntohs(inet->sin_port), 67);
	for (size_t i = 0; i < ARRAY_SIZE(any); i++) {
		assert_becomes(AF_INET, any[i], "*");
		assert_becomes(AF_UNSPEC, any[i], "*");
	}
	assert_becomes(AF_INET, ":80", "*:80");
	assert_becomes(AF_INET, "<broadcast>", "255.255.255.255");
	assert_same(AF_INET, "127.0.0.1:80");
	assert_same(AF_UNSPEC, "10.0.0.1");
	assert_becomes(AF_INET, "10.0.0.1:0x50", "10.0.0.1:80");

	assert_refused(AF_INET, ":");
	assert_refused(AF_INET, ":65536");
	assert_refused(AF_INET, ":-1");
	assert_refused(AF_INET, " 127.0.0.1");
	assert_refused(AF_INET, "127.1");
	assert_refused(AF_INET, "256.0.0.1");
	assert_refused(AF_INET, "localhost:80");
	assert_refused(AF_INET, "127.0.0.1:80 ");
	assert_refused(AF_INET, "127.0.0.1:http");
	assert_refused(AF_INET, "<broadcast");
	assert_refused(AF_INET, "<broadcast>80");
	assert_refused(AF_INET, "[::1]:80");
	assert_refused(AF_UNSPEC, "localhost");
	assert_refused(AF_UNSPEC, "/path");
	assert_refused(AF_UNSPEC, ":::");
}
END_TEST

START_TEST(inet6_in_every_form)
{
	struct address address = parsed(AF_INET6, "[fe80::1%7]:80/flow=0x12345");
	const struct sockaddr_in6 *inet6 = (const struct sockaddr_in6 *)&address.storage;

	ck_assert_uint_eq(address.size, sizeof *inet6);
	ck_assert_uint_eq(inet6->sin6_scope_id, 7);
	ck_assert_uint_eq(ntohl(inet6->sin6_flowinfo), 0x12345);
	ck_assert_uint_eq(ntohs(inet6->sin6_port), 80);
	assert_becomes(AF_INET6, "", "[*]");
	assert_becomes(AF_INET6, "[]", "[*]");
	assert_becomes(AF_INET6, "[]:80", "[*]:80");
	assert_becomes(AF_INET6, "::", "[*]");
	assert_becomes(AF_UNSPEC, "[]:80", "[*]:80");
	assert_same(AF_UNSPEC, "::1");
	assert_same(AF_UNSPEC, "[::1]:80/flow=5");
	assert_same(AF_INET6, "::ffff:10.0.0.1");
	assert_becomes(AF_INET6, "fe80::1%lo", "fe80::1%1");
	assert_refused_with(AF_INET6, "fe80::1%absent0", ENODEV);
	assert_refused_with(AF_UNSPEC, "fe80::1%absent0", ENODEV);
	assert_refused(AF_INET6, "fe80::1%an-interface-of-more-letters");
	assert_refused(AF_INET6, "fe80::1%");
	assert_refused(AF_INET6, "<broadcast>:80");
	assert_refused(AF_INET6, ":80");
	assert_refused(AF_INET6, "[::1");
	assert_refused(AF_INET6, "[::1]80");
	assert_refused(AF_INET6, "[::1]:80/flow=");
	assert_refused(AF_INET6, "127.0.0.1");
}
END_TEST

START_TEST(unix_paths)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct address address;
	char text[SOCKD_ADDRESS_TEXT_MAX + 600], longest[sizeof path.sun_path + 1];

	address = parsed(AF_UNIX, "");
	ck_assert_uint_eq(address.size, sizeof(sa_family_t));
	assert_same(AF_UNIX, "\"\"");
	assert_same(AF_UNIX, "/run/socket");
	assert_same(AF_UNIX, "@");
	assert_same(AF_UNIX, "@abstract\\x00with\\x00NULs\\x00");
	assert_same(AF_UNIX, "\\x40not-abstract");
	assert_same(AF_UNIX, "\\x72aw:00");
	assert_same(AF_UNIX, "/\\x20\\xc3\\xbc\\x5c");
	assert_refused(AF_UNIX, "/run\\x00socket");
	assert_refused(AF_UNIX, "/run\\");
	assert_refused(AF_UNIX, "/run\\x");
	assert_refused(AF_UNIX, "/run\\x4");

	/* 108 bytes are a path, without a NUL to the kernel; 109 are too many. */
	memset(longest, 'x', sizeof path.sun_path);
	longest[sizeof path.sun_path] = '\0';
	address = parsed(AF_UNIX, longest);
	ck_assert_uint_eq(address.size, sizeof path);
	assert_same(AF_UNIX, longest);
	(void)snprintf(text, sizeof text, "%sx", longest);
	assert_refused(AF_UNIX, text);
	(void)snprintf(text, sizeof text, "@%s", longest);
	assert_refused(AF_UNIX, text);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_refused(AF_UNIX, text);

	/* The kernel returns such a path with a NUL behind the structure. */
	struct sockaddr_storage returned = {.ss_family = AF_UNIX};
	memset((char *)&returned + sizeof(sa_family_t), 'x', sizeof path.sun_path);
	ck_assert_str_eq(formatted(&returned, sizeof path + 1), longest);
	((char *)&returned)[sizeof path] = 'x';
	ck_assert_int_eq(strncmp(formatted(&returned, sizeof path + 1), "raw:", 4), 0);
	memset((char *)&returned + sizeof(sa_family_t), '\0', sizeof path.sun_path + 1);
	ck_assert_int_eq(strncmp(formatted(&returned, sizeof path + 1), "raw:", 4), 0);
}
END_TEST

START_TEST(packets)
{
	struct address address =
		parsed(AF_PACKET, "1/arp/ff:ff:ff:ff:ff:ff/hatype=772/pkttype=outgoing");
	const struct sockaddr_ll *packet = (const struct sockaddr_ll *)&address.storage;

	ck_assert_int_eq(packet->sll_ifindex, 1);
	ck_assert_uint_eq(packet->sll_hatype, 772);
	ck_assert_uint_eq(packet->sll_pkttype, PACKET_OUTGOING);
	ck_assert_uint_eq(packet->sll_halen, 6);
	assert_same(AF_PACKET, "1/arp/ff:ff:ff:ff:ff:ff/hatype=772/pkttype=outgoing");
	/* What the kernel returns ends with the hardware address. */
	ck_assert_str_eq(formatted(packet, offsetof(struct sockaddr_ll, sll_addr) + 6),
		"1/arp/ff:ff:ff:ff:ff:ff/hatype=772/pkttype=outgoing");
	ck_assert_int_eq(
		strncmp(formatted(packet, offsetof(struct sockaddr_ll, sll_addr)), "raw:", 4), 0);
	assert_same(AF_PACKET, "2/hatype=1");
	assert_same(AF_PACKET, "2/pkttype=6");
	assert_same(AF_PACKET, "2/0x1234/pkttype=broadcast");
	assert_becomes(AF_PACKET, "2/hatype=0/pkttype=host", "2");
	assert_becomes(AF_PACKET, "lo/pkttype=2", "1/pkttype=multicast");
	assert_refused_with(AF_PACKET, "absent0", ENODEV);
	assert_refused(AF_PACKET, "");
	assert_refused(AF_PACKET, "/arp");
	assert_refused(AF_PACKET, "2/hatype=");
	assert_refused(AF_PACKET, "2/hatype=65536");
	assert_refused(AF_PACKET, "2/pkttype=256");
	assert_refused(AF_PACKET, "2/pkttype=");
	assert_refused(AF_PACKET, "2/pkttype=host/hatype=1");
	assert_refused(AF_PACKET, "2/hatype=1/hatype=1");
	assert_refused(AF_PACKET, "2/pkttype=1/pkttype=1");
	assert_refused(AF_PACKET, "2/hatype=1/arp");
	assert_refused(AF_PACKET, "raw:1100/hatype=1");
}
END_TEST

START_TEST(can)
{
	struct sockaddr_can raw = {.can_family = AF_CAN, .can_ifindex = 5};
	struct sockaddr_can isotp = raw;

	assert_becomes(AF_CAN, "", "0");
	assert_same(AF_CAN, "0/rx=0x123/tx=0x18da10f1");
	assert_becomes(AF_CAN, "/pgn=0x12300", "0/pgn=0x12300");
	assert_refused_with(AF_CAN, "absent0", ENODEV);
	assert_refused(AF_CAN, "/");
	assert_refused(AF_CAN, "0/");
	/* What the kernel returns of a raw socket, and of an ISO-TP one. */
	ck_assert_str_eq(formatted(&raw, 8), "5");
	isotp.can_addr.tp.rx_id = 0x123;
	isotp.can_addr.tp.tx_id = 0x18da10f1 | CAN_EFF_FLAG;
	ck_assert_str_eq(formatted(&isotp, 16), "5/rx=0x123/tx=0x18da10f1");
	ck_assert_str_eq(formatted(&isotp, 8), "5");
}
END_TEST

START_TEST(the_others)
{
	static const struct {
		int family;
		const char *text;
	} texts[] = {
		{AF_NETLINK, "4711:0x1"},
		{AF_BLUETOOTH, "hci:hci0/raw"},
		{AF_BLUETOOTH, "hci:none/monitor"},
		{AF_BLUETOOTH, "l2cap:any/psm=0x1001"},
		{AF_BLUETOOTH, "l2cap:00:11:22:33:44:55/psm=0x0000/cid=0x0004/le-random"},
		{AF_BLUETOOTH, "rfcomm:00:00:00:ff:ff:ff/3"},
		{AF_BLUETOOTH, "sco:00:11:22:33:44:55"},
		{AF_TIPC, "service:1000:7@9/node"},
		{AF_TIPC, "range:1000:2-16/zone"},
		{AF_TIPC, "socket:5:6/0"},
		{AF_VSOCK, "any:1024"},
		{AF_VSOCK, "2:any"},
		{AF_RDS, "127.0.0.1:4000"},
		{AF_SMC, "[::1]:80"},
		{AF_ALG, "hash/sha256"},
		{AF_ALG, "skcipher/cbc(aes)/0x0/0x2000"},
		{AF_QIPCRTR, "any:control"},
		{AF_XDP, "2/0/copy,wakeup"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strstr(texts[i].text, "psm=0x0000"))
			assert_same(texts[i].family, texts[i].text);
	assert_becomes(AF_BLUETOOTH, "l2cap:" SOCKD_BDADDR_ANY, "l2cap:any");
	assert_becomes(AF_BLUETOOTH, "sco:" SOCKD_BDADDR_LOCAL, "sco:00:00:00:ff:ff:ff");
	assert_becomes(AF_RDS, "", "*");
	assert_becomes(AF_VSOCK, "host:80", "2:80");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char text[SOCKD_ADDRESS_TEXT_MAX];

		if (texts[i].family == AF_ALG)
			continue;
		(void)snprintf(text, sizeof text, "%s/x:x", texts[i].text);
		assert_refused(texts[i].family, text);
		(void)snprintf(text, sizeof text, " %s", texts[i].text);
		assert_refused_with(
			texts[i].family, text, texts[i].family == AF_XDP ? ENODEV : EINVAL);
	}
}
END_TEST

START_TEST(raw_addresses)
{
	char text[2 * sizeof(struct sockaddr_storage) + 16] = "raw:";
	struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
	struct address address = {.size = 0};

	/* A family without a text of its own. */
	assert_same(AF_UNSPEC, "raw:00000000000000000000000000000000");
	address.storage.ss_family = AF_APPLETALK;
	address = parsed(AF_UNSPEC, formatted(&address.storage, 16));
	ck_assert_int_eq(address.storage.ss_family, AF_APPLETALK);
	assert_refused_with(AF_APPLETALK, "1.2", EAFNOSUPPORT);
	assert_refused_with(-1, "1.2", EAFNOSUPPORT);
	assert_refused_with(0x10000 + AF_INET, "127.0.0.1", EAFNOSUPPORT);
	assert_refused_with(INT_MAX, "", EAFNOSUPPORT);
	ck_assert_str_eq(formatted(&unspecified, sizeof(sa_family_t)), "raw:0000");
	assert_same(AF_UNSPEC, "raw:0000");

	assert_refused(AF_UNSPEC, "raw:");
	assert_refused(AF_UNSPEC, "raw:0");
	assert_refused(AF_UNSPEC, "raw:00");
	assert_refused(AF_UNSPEC, "raw:000");
	assert_refused(AF_UNSPEC, "raw:00000");
	assert_refused(AF_UNSPEC, "raw:xx00");
	assert_refused(AF_INET, "raw:0000");
	for (size_t i = 4; i < sizeof text - 1; i++)
		text[i] = '0';
	text[4 + 2 * sizeof address.storage] = '\0';
	address = parsed(AF_UNSPEC, text);
	ck_assert_uint_eq(address.size, sizeof address.storage);
	memcpy(text + 4 + 2 * sizeof address.storage, "00", 3);
	assert_refused(AF_UNSPEC, text);
}
END_TEST

START_TEST(buffers_and_nothing)
{
	struct address address = parsed(AF_INET6, "[fe80::1%7]:80/flow=5");
	const struct sockaddr *any = (const struct sockaddr *)&address.storage;
	const size_t length = strlen("[fe80::1%7]:80/flow=5");
	char text[SOCKD_ADDRESS_TEXT_MAX];

	for (size_t size = 0; size <= length; size++) {
		memset(text, 'x', sizeof text);
		errno = 0;
		ck_assert_int_eq(sockd_address_format(any, address.size, text, size), -1);
		ck_assert_int_eq(errno, ENOSPC);
		ck_assert_int_eq(text[0], 'x');
	}
	ck_assert_int_eq(sockd_address_format(any, address.size, text, length + 1), 0);
	errno = 0;
	ck_assert_int_eq(sockd_address_format(NULL, 0, text, sizeof text), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_address_format(NULL, 16, text, sizeof text), -1);
	ck_assert_int_eq(sockd_address_format(any, 1, text, sizeof text), -1);
	ck_assert_int_eq(sockd_address_format(any, (socklen_t)-1, text, sizeof text), -1);
	ck_assert_int_eq(sockd_address_format(any, address.size, NULL, 10), -1);
	errno = 0;
	ck_assert_int_eq(sockd_address_parse(AF_INET, NULL, &address.storage, &address.size), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_address_parse(AF_INET, "*", NULL, &address.size), -1);
	ck_assert_int_eq(sockd_address_parse(AF_INET, "*", &address.storage, NULL), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("names-address");
	TCase *addresses = tcase_create("addresses");

	tcase_set_timeout(addresses, 60);
	tcase_add_test(addresses, inet_in_every_form);
	tcase_add_test(addresses, inet6_in_every_form);
	tcase_add_test(addresses, unix_paths);
	tcase_add_test(addresses, packets);
	tcase_add_test(addresses, can);
	tcase_add_test(addresses, the_others);
	tcase_add_test(addresses, raw_addresses);
	tcase_add_test(addresses, buffers_and_nothing);
	suite_add_tcase(suite, addresses);

	return suite_run(suite);
}
