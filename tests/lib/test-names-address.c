/* Addresses of every family as text and back, and bad input. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/bluetooth.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"
#include "tests/suite.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

#define ROUNDS 2000

static uint64_t random_state = UINT64_C(0x5eed0f5eed0f5eed);

static uint32_t random_number(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

static void random_bytes(void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)bytes)[i] = (unsigned char)random_number();
}

struct address {
	struct sockaddr_storage storage;
	socklen_t size;
};

static struct address parsed(int family, const char *text)
{
	static const struct sockaddr_storage zeros;
	struct address address;

	memset(&address, 0xee, sizeof address);
	errno = 77;
	ck_assert_msg(sockd_address_parse(family, text, &address.storage, &address.size) == 0,
		"family %d: \"%s\": %s", family, text, strerrordesc_np(errno));
	ck_assert_int_eq(errno, 77);
	ck_assert(memcmp((const char *)&address.storage + address.size, &zeros,
			  sizeof zeros - address.size) == 0);
	return address;
}

static const char *formatted(const void *address, socklen_t size)
{
	static char text[SOCKD_ADDRESS_TEXT_MAX];

	errno = 77;
	ck_assert_int_eq(sockd_address_format(address, size, text, sizeof text), 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_uint_lt(strlen(text), sizeof text);
	return text;
}

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

/* The bytes that mean something, in one form: what is parsed again must be the same. */
static struct address meaning(const struct address *given)
{
	struct address a = *given;
	char *bytes = (char *)&a.storage;
	struct sockaddr_un *path = (struct sockaddr_un *)&a.storage;
	size_t keep = sizeof a.storage, n;

	switch (a.storage.ss_family) {
	case AF_INET:
		keep = offsetof(struct sockaddr_in, sin_zero);
		a.size = sizeof(struct sockaddr_in);
		break;
	case AF_INET6:
		keep = a.size < sizeof(struct sockaddr_in6)
			       ? offsetof(struct sockaddr_in6, sin6_scope_id)
			       : sizeof(struct sockaddr_in6);
		a.size = sizeof(struct sockaddr_in6);
		break;
	case AF_UNIX:
		keep = a.size;
		if (a.size > offsetof(struct sockaddr_un, sun_path) && path->sun_path[0] != '\0') {
			n = strnlen(
				path->sun_path, a.size - offsetof(struct sockaddr_un, sun_path));
			keep = offsetof(struct sockaddr_un, sun_path) + n;
			a.size = (socklen_t)MIN_OF(keep + 1, sizeof *path);
		}
		break;
	case AF_NETLINK:
		((struct sockaddr_nl *)&a.storage)->nl_pad = 0;
		keep = a.size = sizeof(struct sockaddr_nl);
		break;
	case AF_PACKET:
		keep = offsetof(struct sockaddr_ll, sll_addr) +
		       ((const struct sockaddr_ll *)&a.storage)->sll_halen;
		a.size = (socklen_t)MAX_OF(sizeof(struct sockaddr_ll), keep);
		break;
	case AF_VSOCK:
		((struct sockaddr_vm *)&a.storage)->svm_reserved1 = 0;
		keep = a.size = sizeof(struct sockaddr_vm);
		break;
	case AF_CAN:
		memset(bytes + 2, 0, 2);
		if (a.size == 8 || a.size == 16)
			a.size = sizeof(struct sockaddr_can);
		/* Behind a J1939 address there is padding, as behind the identifiers of ISO-TP. */
		keep = offsetof(struct sockaddr_can, can_addr) + 13;
		a.size = sizeof(struct sockaddr_can);
		break;
	case AF_TIPC:
		keep = sizeof(struct sockaddr_tipc);
		switch (((const struct sockaddr_tipc *)&a.storage)->addrtype) {
		case TIPC_SOCKET_ADDR:
			keep -= sizeof(uint32_t); /* behind node and reference */
			break;
		default:
			break;
		}
		a.size = sizeof(struct sockaddr_tipc);
		break;
	case AF_ALG:
		((struct sockaddr_alg *)&a.storage)->salg_type[13] = '\0';
		for (n = strlen((char *)((struct sockaddr_alg *)&a.storage)->salg_type); n < 14;
			n++)
			((struct sockaddr_alg *)&a.storage)->salg_type[n] = '\0';
		bytes[a.size - 1] = '\0';
		n = offsetof(struct sockaddr_alg, salg_name);
		keep = n + strlen(bytes + n);
		a.size = (socklen_t)MAX_OF(sizeof(struct sockaddr_alg), keep + 1);
		break;
	case AF_QIPCRTR:
		memset(bytes + 2, 0, 2);
		keep = a.size = sizeof(struct sockaddr_qrtr);
		break;
	case AF_XDP:
		keep = offsetof(struct sockaddr_xdp, sxdp_shared_umem_fd);
		a.size = sizeof(struct sockaddr_xdp);
		break;
	case AF_BLUETOOTH:
		switch (a.size) {
		case sizeof(struct sockaddr_l2cap):
			((unsigned char *)&a.storage)[sizeof(struct sockaddr_l2cap) - 1] = 0;
			break;
		case sizeof(struct sockaddr_rfcomm):
			((unsigned char *)&a.storage)[sizeof(struct sockaddr_rfcomm) - 1] = 0;
			break;
		default:
			break;
		}
		keep = a.size;
		break;
	default:
		keep = a.size;
		break;
	}
	memset(bytes + keep, 0, sizeof a.storage - keep);
	return a;
}

static void assert_exact(const struct address *given, int family)
{
	char text[SOCKD_ADDRESS_TEXT_MAX], again[SOCKD_ADDRESS_TEXT_MAX];
	struct address back, expected;
	bool raw;

	strcpy(text, formatted(&given->storage, given->size));
	back = parsed(family, text);
	strcpy(again, formatted(&back.storage, back.size));
	ck_assert_str_eq(text, again);
	raw = strncmp(text, "raw:", 4) == 0;
	/* Raw, every byte is kept; else, what means something. */
	expected = raw ? *given : meaning(given);
	ck_assert_msg(back.size == expected.size, "%s: %u, not %u bytes of %u", text, back.size,
		expected.size, given->size);
	ck_assert_msg(memcmp(&back.storage, &expected.storage, expected.size) == 0, "%s", text);
}

static const struct {
	int family;
	socklen_t min, max; /* as a kernel takes them */
} sizes[] = {
	{AF_INET, sizeof(struct sockaddr_in), sizeof(struct sockaddr_storage)},
	{AF_INET6, offsetof(struct sockaddr_in6, sin6_scope_id), sizeof(struct sockaddr_storage)},
	{AF_UNIX, sizeof(sa_family_t), sizeof(struct sockaddr_un)},
	{AF_NETLINK, sizeof(struct sockaddr_nl), sizeof(struct sockaddr_nl)},
	{AF_PACKET, sizeof(struct sockaddr_ll), sizeof(struct sockaddr_storage)},
	{AF_VSOCK, sizeof(struct sockaddr_vm), sizeof(struct sockaddr_vm)},
	{AF_CAN, sizeof(struct sockaddr_can), sizeof(struct sockaddr_can)},
	{AF_TIPC, sizeof(struct sockaddr_tipc), sizeof(struct sockaddr_tipc)},
	{AF_ALG, sizeof(struct sockaddr_alg), sizeof(struct sockaddr_storage)},
	{AF_QIPCRTR, sizeof(struct sockaddr_qrtr), sizeof(struct sockaddr_qrtr)},
	{AF_XDP, sizeof(struct sockaddr_xdp), sizeof(struct sockaddr_xdp)},
	{AF_BLUETOOTH, sizeof(struct sockaddr_hci), sizeof(struct sockaddr_hci)},
	{AF_BLUETOOTH, sizeof(struct sockaddr_sco), sizeof(struct sockaddr_sco)},
	{AF_BLUETOOTH, sizeof(struct sockaddr_rfcomm), sizeof(struct sockaddr_rfcomm)},
	{AF_BLUETOOTH, sizeof(struct sockaddr_l2cap), sizeof(struct sockaddr_l2cap)},
};

/* Bytes of any value, and small ones, so that all forms come up and not the raw one alone. */
static void fill(struct address *ret, int family, socklen_t size, unsigned round)
{
	unsigned char *bytes = (unsigned char *)&ret->storage;

	memset(ret, 0, sizeof *ret);
	random_bytes(bytes, size);
	for (socklen_t i = 0; round % 3 != 0 && i < size; i++)
		if (random_number() % 3 != 0)
			bytes[i] = round % 3 == 1 ? 0 : bytes[i] & 3;
	ret->storage.ss_family = (sa_family_t)family;
	ret->size = size;
}

START_TEST(every_address_comes_back)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned words = 0;

		for (unsigned round = 0; round < ROUNDS; round++) {
			struct address address;
			socklen_t size = sizes[i].min;

			if (sizes[i].max > size)
				size += random_number() % (sizes[i].max - size + 1);
			fill(&address, sizes[i].family, size, round);
			assert_exact(&address, sizes[i].family);
			words += strncmp(formatted(&address.storage, size), "raw:", 4) != 0;
		}
		/* The raw form is not the answer to everything. */
		ck_assert_msg(words > ROUNDS / 50, "family %d: %u of %d in words", sizes[i].family,
			words, ROUNDS);
	}
}
END_TEST

START_TEST(any_bytes_do_no_harm)
{
	for (unsigned round = 0; round < 5 * ROUNDS; round++) {
		/* As long as it says and no longer, so that a sanitizer sees one byte too many. */
		socklen_t size = random_number() % (sizeof(struct sockaddr_storage) + 40);
		unsigned char *bytes = malloc(size + 1);
		char text[SOCKD_ADDRESS_TEXT_MAX];
		sa_family_t family = (sa_family_t)(random_number() % 48);

		ck_assert_ptr_nonnull(bytes);
		random_bytes(bytes, size);
		if (size >= sizeof family)
			memcpy(bytes, &family, sizeof family);
		errno = 0;
		int r = sockd_address_format(
			(const struct sockaddr *)(const void *)bytes, size, text, sizeof text);
		if (size < sizeof family || size > sizeof(struct sockaddr_storage)) {
			ck_assert_int_eq(r, -1);
			ck_assert_int_eq(errno, EINVAL);
		} else {
			struct address address = {.size = size};

			ck_assert_int_eq(r, 0);
			memcpy(&address.storage, bytes, size);
			address = parsed(family, text);
			ck_assert_str_eq(formatted(&address.storage, address.size), text);
		}
		free(bytes);
	}
}
END_TEST

START_TEST(any_text_does_no_harm)
{
	uid_t user = geteuid();

	static const char alphabet[] = "0123456789abcdefxX:/.*@[]%<>\\\"=-,~ \x01\xff"
				       "rawhciloanytxpgmserviceRANGE";
	static const char *const heads[] = {"", "raw:", "[",
		"hci:", "l2cap:", "rfcomm:", "sco:", "iso:", "service:", "range:", "socket:", "@",
		"0/", "lo/", "hash/", "<broadcast>", "1/arp/", "0/rx=0x1/tx=", "0/name="};

	/* For a privileged user the kernel tries to load a module for every interface's name. */
	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	for (unsigned round = 0; round < 8 * ROUNDS; round++) {
		size_t n = random_number() % (round % 50 == 0 ? 700 : 24);
		const char *head = heads[random_number() % ARRAY_SIZE(heads)];
		char *text = malloc(strlen(head) + n + 1);
		struct address address;
		int family = (int)(random_number() % 48);

		ck_assert_ptr_nonnull(text);
		strcpy(text, head);
		for (size_t i = 0; i < n; i++)
			text[strlen(head) + i] = alphabet[random_number() % (sizeof alphabet - 1)];
		text[strlen(head) + n] = '\0';
		errno = 0;
		if (sockd_address_parse(family, text, &address.storage, &address.size) == 0) {
			ck_assert_uint_ge(address.size, sizeof(sa_family_t));
			ck_assert_uint_le(address.size, sizeof address.storage);
			assert_exact(
				&address, family == AF_UNSPEC ? address.storage.ss_family : family);
		} else {
			ck_assert_msg(errno == EINVAL || errno == ENODEV || errno == EAFNOSUPPORT,
				"%s: %d", text, errno);
		}
		free(text);
	}
	ck_assert_int_eq(seteuid(user), 0);
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
	tcase_add_test(addresses, every_address_comes_back);
	tcase_add_test(addresses, any_bytes_do_no_harm);
	tcase_add_test(addresses, any_text_does_no_harm);
	tcase_add_test(addresses, buffers_and_nothing);
	suite_add_tcase(suite, addresses);

	return suite_run(suite);
}
