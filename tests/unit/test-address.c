#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"
#include "tests/random.h"
#include "tests/suite.h"
#include "tests/unit/raw-address.h"

#define ROUNDS 3000

static const char *format(const void *address, size_t size)
{
	static char text[ADDRESS_TEXT_MAX];

	ck_assert_int_eq(address_format(address, size, text, sizeof(text)), 0);
	ck_assert_uint_lt(strlen(text), sizeof(text));
	return text;
}

/* Parses and gives back the canonical text. */
static const char *reformat(int domain, const char *text)
{
	struct sockaddr_storage address;
	socklen_t size = 0;

	ck_assert_msg(address_parse(domain, text, &address, &size) == 0, "%s", text);
	ck_assert_int_eq(address.ss_family, domain);
	return format(&address, size);
}

static void assert_same(int domain, const char *text)
{
	ck_assert_str_eq(reformat(domain, text), text);
}

static void assert_refused(int domain, const char *text)
{
	struct sockaddr_storage address, untouched;
	socklen_t size = 4711;

	memset(&address, 0xa5, sizeof(address));
	memset(&untouched, 0xa5, sizeof(untouched));
	ck_assert_msg(address_parse(domain, text, &address, &size) == -EINVAL, "%s", text);
	ck_assert_int_eq(size, 4711);
	ck_assert_mem_eq(&address, &untouched, sizeof(address));
}

/* The address is the same after text and back, byte for byte. */
static void assert_reversible(const void *address, size_t size)
{
	const char *text = format(address, size);
	struct sockaddr_storage back;
	socklen_t back_size;
	sa_family_t domain;

	memcpy(&domain, address, sizeof domain);
	ck_assert_msg(address_parse(domain, text, &back, &back_size) == 0, "%s", text);
	ck_assert_msg(back_size == size, "%s: %u bytes, not %zu", text, back_size, size);
	ck_assert_msg(memcmp(&back, address, size) == 0, "%s", text);
}

START_TEST(inet)
{
	struct sockaddr_storage storage;
	struct sockaddr_in *address = (struct sockaddr_in *)&storage;
	socklen_t size;

	ck_assert_int_eq(address_parse(AF_INET, "127.0.0.1:80", &storage, &size), 0);
	ck_assert_int_eq(size, sizeof(*address));
	ck_assert_uint_eq(ntohl(address->sin_addr.s_addr), INADDR_LOOPBACK);
	ck_assert_uint_eq(ntohs(address->sin_port), 80);
	ck_assert_int_eq(address_parse(AF_INET, "*:53", &storage, &size), 0);
	ck_assert_uint_eq(address->sin_addr.s_addr, htonl(INADDR_ANY));
	ck_assert_uint_eq(ntohs(address->sin_port), 53);

	assert_same(AF_INET, "*:80");
	assert_same(AF_INET, "*");
	assert_same(AF_INET, "10.0.0.1");
	assert_same(AF_INET, "255.255.255.255:65535");
	ck_assert_str_eq(reformat(AF_INET, "0.0.0.0:0"), "*");

	assert_refused(AF_INET, "");
	assert_refused(AF_INET, ":80");
	assert_refused(AF_INET, "127.0.0.1:");
	assert_refused(AF_INET, "127.0.0.1:65536");
	assert_refused(AF_INET, "127.0.0.1:-1");
	assert_refused(AF_INET, "127.0.0.1:+1");
	assert_refused(AF_INET, "127.0.0.1: 1");
	assert_refused(AF_INET, "127.0.0.1:80:80");
	assert_refused(AF_INET, "127.0.0.1:80 ");
	assert_refused(AF_INET, "127.1:80");
	assert_refused(AF_INET, "::1");
	assert_refused(AF_INET, "localhost:80");
	assert_refused(AF_INET, "1111111111111111111111111111111111111:80");
}
END_TEST

START_TEST(inet6)
{
	struct sockaddr_storage storage;
	struct sockaddr_in6 *address = (struct sockaddr_in6 *)&storage;
	socklen_t size;
	char loopback[64];

	ck_assert_int_eq(address_parse(AF_INET6, "[fe80::1%7]:80/flow=5", &storage, &size), 0);
	ck_assert_int_eq(size, sizeof(*address));
	ck_assert_uint_eq(ntohs(address->sin6_port), 80);
	ck_assert_uint_eq(address->sin6_scope_id, 7);
	ck_assert_uint_eq(ntohl(address->sin6_flowinfo), 5);

	assert_same(AF_INET6, "[::1]:80");
	assert_same(AF_INET6, "[fe80::1%2]:80");
	assert_same(AF_INET6, "fe80::1%2");
	assert_same(AF_INET6, "::1");
	assert_same(AF_INET6, "[*]:80");
	assert_same(AF_INET6, "[*]");
	assert_same(AF_INET6, "[::%4294967295]:1/flow=4294967295");
	assert_same(AF_INET6, "[::ffff:1.2.3.4]:80");
	ck_assert_str_eq(reformat(AF_INET6, "[::]:80"), "[*]:80");
	ck_assert_str_eq(reformat(AF_INET6, "*"), "[*]");
	ck_assert_str_eq(reformat(AF_INET6, "[::1]/flow=0x10"), "[::1]/flow=16");

	/* Every network namespace has this one. */
	snprintf(loopback, sizeof(loopback), "fe80::1%%%u", if_nametoindex("lo"));
	ck_assert_str_eq(reformat(AF_INET6, "fe80::1%lo"), loopback);
	ck_assert_int_eq(
		address_parse(AF_INET6, "fe80::1%nosuchdevice0", &storage, &size), -ENODEV);

	assert_refused(AF_INET6, "");
	assert_refused(AF_INET6, "[]");
	assert_refused(AF_INET6, "[::1");
	assert_refused(AF_INET6, "::1]");
	assert_refused(AF_INET6, "[::1]80");
	assert_refused(AF_INET6, "[::1]:");
	assert_refused(AF_INET6, "[[::1]]:80");
	assert_refused(AF_INET6, "[::1%]:80");
	assert_refused(AF_INET6, "[::1]:80/flow=");
	assert_refused(AF_INET6, "[::1]:80/flow=4294967296");
	assert_refused(AF_INET6, "fe80::1%averyverylongdevicename");
	assert_refused(AF_INET6, "127.0.0.1");
}
END_TEST

START_TEST(local)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sockaddr_storage storage;
	socklen_t size;
	char text[ADDRESS_TEXT_MAX + 1];

	assert_same(AF_UNIX, "/run/some/path");
	assert_same(AF_UNIX, "relative");
	assert_same(AF_UNIX, "@abstract");
	assert_same(AF_UNIX, "@");
	assert_same(AF_UNIX, "\"\"");
	assert_same(AF_UNIX, "@\\x00\\x0a\\xff\\x5c\\x22\\x20x");
	assert_same(AF_UNIX, "\\x40path");
	assert_same(AF_UNIX, "\\x72aw:00");
	assert_same(AF_UNIX, "@raw:00");
	ck_assert_str_eq(reformat(AF_UNIX, ""), "\"\"");
	ck_assert_str_eq(reformat(AF_UNIX, "a b"), "a\\x20b");

	ck_assert_int_eq(address_parse(AF_UNIX, "/x", &storage, &size), 0);
	ck_assert_int_eq(size, offsetof(struct sockaddr_un, sun_path) + 3);
	ck_assert_int_eq(address_parse(AF_UNIX, "@x", &storage, &size), 0);
	ck_assert_int_eq(size, offsetof(struct sockaddr_un, sun_path) + 2);
	ck_assert_int_eq(address_parse(AF_UNIX, "\"\"", &storage, &size), 0);
	ck_assert_int_eq(size, offsetof(struct sockaddr_un, sun_path));

	/* All of sun_path, without a NUL at its end. */
	memset(address.sun_path, 'p', sizeof(address.sun_path));
	assert_reversible(&address, sizeof(address));
	memset(address.sun_path, 0xff, sizeof(address.sun_path));
	assert_reversible(&address, sizeof(address));
	memset(address.sun_path, 0, sizeof(address.sun_path));
	assert_reversible(&address, sizeof(address));
	/* Padded with zeros, as many write it: the same path. */
	strcpy(address.sun_path, "/x");
	ck_assert_str_eq(format(&address, sizeof(address)), "/x");
	ck_assert_str_eq(format(&address, offsetof(struct sockaddr_un, sun_path) + 1), "/");

	memset(text, 'p', sizeof(text));
	text[sizeof(address.sun_path) + 1] = '\0';
	assert_refused(AF_UNIX, text);
	text[0] = '@';
	assert_refused(AF_UNIX, text);
	assert_refused(AF_UNIX, "a\\x00b");
	assert_refused(AF_UNIX, "a\\");
	assert_refused(AF_UNIX, "a\\x");
	assert_refused(AF_UNIX, "a\\x0");
	assert_refused(AF_UNIX, "a\\x0g");
	assert_refused(AF_UNIX, "a\\n");
}
END_TEST

START_TEST(netlink)
{
	assert_same(AF_NETLINK, "0:0x0");
	assert_same(AF_NETLINK, "4294967295:0xffffffff");
	ck_assert_str_eq(reformat(AF_NETLINK, "5"), "5:0x0");
	ck_assert_str_eq(reformat(AF_NETLINK, "5:10"), "5:0xa");
	assert_refused(AF_NETLINK, "");
	assert_refused(AF_NETLINK, ":1");
	assert_refused(AF_NETLINK, "1:");
	assert_refused(AF_NETLINK, "1:0x");
	assert_refused(AF_NETLINK, "4294967296:0");
	assert_refused(AF_NETLINK, "1:2:3");
}
END_TEST

START_TEST(packet)
{
	struct sockaddr_storage storage;
	struct sockaddr_ll *address = (struct sockaddr_ll *)&storage;
	socklen_t size;
	char text[64], long_text[256] = "1/none/";

	ck_assert_int_eq(address_parse(AF_PACKET, "lo/arp/ff:ff:ff:ff:ff:fe", &storage, &size), 0);
	ck_assert_int_eq(size, sizeof(*address));
	ck_assert_int_eq(address->sll_ifindex, (int)if_nametoindex("lo"));
	ck_assert_uint_eq(address->sll_protocol, htons(0x0806));
	ck_assert_int_eq(address->sll_halen, 6);
	ck_assert_mem_eq(address->sll_addr, "\xff\xff\xff\xff\xff\xfe", 6);
	snprintf(text, sizeof(text), "%u/arp/ff:ff:ff:ff:ff:fe", if_nametoindex("lo"));
	ck_assert_str_eq(format(&storage, size), text);

	assert_same(AF_PACKET, "0");
	assert_same(AF_PACKET, "2147483647/all");
	assert_same(AF_PACKET, "2/0x1234");
	assert_same(AF_PACKET, "2/none/02:00:00:00:00:01");
	ck_assert_str_eq(reformat(AF_PACKET, "2/ETH_P_IP"), "2/ip");
	ck_assert_str_eq(reformat(AF_PACKET, "2/0x0800"), "2/ip");
	ck_assert_str_eq(reformat(AF_PACKET, "2/0"), "2");

	/* InfiniBand's 20 bytes are longer than sll_addr. */
	for (int i = 0; i < 20; i++)
		snprintf(long_text + strlen(long_text), sizeof(long_text) - strlen(long_text),
			"%s%02x", i > 0 ? ":" : "", i);
	ck_assert_int_eq(address_parse(AF_PACKET, long_text, &storage, &size), 0);
	ck_assert_int_eq(size, offsetof(struct sockaddr_ll, sll_addr) + 20);
	ck_assert_str_eq(format(&storage, size), long_text);
	/* It claims more than it holds. */
	ck_assert_int_eq(strncmp(format(&storage, size - 1), "raw:", 4), 0);

	ck_assert_int_eq(address_parse(AF_PACKET, "nosuchdevice0", &storage, &size), -ENODEV);
	assert_refused(AF_PACKET, "");
	assert_refused(AF_PACKET, "/arp");
	assert_refused(AF_PACKET, "1/");
	assert_refused(AF_PACKET, "1/nosuch");
	assert_refused(AF_PACKET, "1/0x10000");
	assert_refused(AF_PACKET, "1/arp/");
	assert_refused(AF_PACKET, "1/arp/ff:");
	assert_refused(AF_PACKET, "1/arp/f:f");
	assert_refused(AF_PACKET, "1/arp/ff/ff");
	for (int i = 20; i < 33; i++)
		strcat(long_text, ":ff");
	assert_refused(AF_PACKET, long_text);
}
END_TEST

START_TEST(vsock)
{
	struct sockaddr_storage storage;
	struct sockaddr_vm *address = (struct sockaddr_vm *)&storage;
	socklen_t size;

	ck_assert_int_eq(address_parse(AF_VSOCK, "any:1024", &storage, &size), 0);
	ck_assert_int_eq(size, sizeof(*address));
	ck_assert_uint_eq(address->svm_cid, VMADDR_CID_ANY);
	ck_assert_uint_eq(address->svm_port, 1024);
	assert_same(AF_VSOCK, "any:1024");
	assert_same(AF_VSOCK, "2:80");
	assert_same(AF_VSOCK, "2:any");
	ck_assert_str_eq(reformat(AF_VSOCK, "host:1"), "2:1");
	ck_assert_str_eq(reformat(AF_VSOCK, "local:1"), "1:1");
	ck_assert_str_eq(reformat(AF_VSOCK, "hypervisor:1"), "0:1");
	assert_refused(AF_VSOCK, "");
	assert_refused(AF_VSOCK, "2");
	assert_refused(AF_VSOCK, "2:");
	assert_refused(AF_VSOCK, ":2");
	assert_refused(AF_VSOCK, "nosuch:2");
	assert_refused(AF_VSOCK, "4294967296:2");
}
END_TEST

START_TEST(other_families_are_bytes)
{
	assert_same(AF_TIPC, RAW("1e") "0000010000000000000000000000");
	assert_same(4711 & 0xff, RAW("67"));
	ck_assert_str_eq(reformat(AF_INET, RAW("02")), RAW("02"));
	ck_assert_str_eq(
		reformat(AF_INET, RAW("02") "00507F0000010000000000000000"), "127.0.0.1:80");
	assert_refused(AF_TIPC, "tipc0");
	assert_refused(AF_CAN, "raw:");
	assert_refused(AF_CAN, "raw:1d");
	assert_refused(AF_CAN, "raw:1d0");
	assert_refused(AF_CAN, RAW("1d") "zz");
	/* Another family's. */
	assert_refused(AF_INET, RAW("1d"));
}
END_TEST

START_TEST(random_addresses_are_reversible)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct sockaddr_in in = {.sin_family = AF_INET};
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
		struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
		struct sockaddr_vm vm = {.svm_family = AF_VSOCK};
		struct sockaddr_storage storage = {.ss_family = AF_PACKET};
		struct sockaddr_ll *ll = (struct sockaddr_ll *)&storage;
		struct sockaddr_un un = {.sun_family = AF_UNIX};
		size_t size;

		in.sin_port = (in_port_t)(random_number() % 3 ? random_number() : 0);
		in.sin_addr.s_addr = random_number() % 5 ? random_number() : 0;
		assert_reversible(&in, sizeof(in));

		in6.sin6_port = (in_port_t)(random_number() % 3 ? random_number() : 0);
		if (random_number() % 5)
			random_bytes(&in6.sin6_addr, sizeof(in6.sin6_addr));
		if (random_number() % 3 == 0) /* runs of zeros, and mapped addresses */
			memset(&in6.sin6_addr, 0, random_number() % 16);
		if (random_number() % 5 == 0)
			memset(in6.sin6_addr.s6_addr + 10, 0xff, 2);
		in6.sin6_scope_id = random_number() % 2 ? random_number() : 0;
		in6.sin6_flowinfo = random_number() % 2 ? random_number() : 0;
		assert_reversible(&in6, sizeof(in6));

		nl.nl_pid = random_number();
		nl.nl_groups = random_number() % 2 ? random_number() : 0;
		assert_reversible(&nl, sizeof(nl));

		vm.svm_cid = random_number() % 4 ? random_number() : VMADDR_CID_ANY;
		vm.svm_port = random_number() % 4 ? random_number() : VMADDR_PORT_ANY;
		if (random_number() % 4 == 0) /* flags: only the raw form can say them */
			((unsigned char *)&vm)[12 + random_number() % 4] = 1;
		assert_reversible(&vm, sizeof(vm));

		ll->sll_ifindex = (int)(random_number() >> 1);
		ll->sll_protocol = (uint16_t)(random_number() % 3 ? random_number() : htons(3));
		ll->sll_halen = (unsigned char)(random_number() % 33);
		size = offsetof(struct sockaddr_ll, sll_addr) + ll->sll_halen;
		random_bytes((char *)ll + offsetof(struct sockaddr_ll, sll_addr), ll->sll_halen);
		assert_reversible(ll, MAX_OF(size, sizeof(*ll)));

		/* Abstract, of any bytes and any size; unnamed. */
		size = random_number() % (sizeof(un.sun_path) + 1);
		random_bytes(un.sun_path, size);
		un.sun_path[0] = '\0';
		assert_reversible(&un, offsetof(struct sockaddr_un, sun_path) + size);

		/* A path: of any bytes but NUL, then a NUL where there is room. */
		size = 1 + random_number() % sizeof(un.sun_path);
		memset(un.sun_path, 0, sizeof(un.sun_path));
		for (size_t j = 0; j < size; j++)
			un.sun_path[j] = random_number() % 2 ? (char)(1 + random_number() % 255)
							     : " \\\"@raw:/"[j % 9];
		assert_reversible(&un, offsetof(struct sockaddr_un, sun_path) +
					       MIN_OF(size + 1, sizeof(un.sun_path)));
	}
}
END_TEST

/* Any bytes of any size at any alignment: no read behind the end, text that parses to the same
 * text. */
START_TEST(hostile_bytes)
{
	static const int domains[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK,
		AF_CAN, AF_UNSPEC, 0xffff};
	char text[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX];

	for (int i = 0; i < ROUNDS; i++) {
		size_t size = random_number() % (sizeof(struct sockaddr_storage) + 8);
		size_t shift = random_number() % 4;
		/* Of exactly that size, so that a sanitizer sees a step too far. */
		unsigned char *block = malloc(shift + size + (shift + size == 0));
		unsigned char *bytes = block + shift;
		sa_family_t domain = (sa_family_t)domains[random_number() % ARRAY_SIZE(domains)];
		struct sockaddr_storage back;
		socklen_t back_size;

		ck_assert_ptr_nonnull(block);
		random_bytes(bytes, size);
		if (random_number() % 3 == 0 && size > 2)
			memset(bytes + 2, random_number() % 2 ? 0 : 0xff, size - 2);
		memcpy(bytes, &domain, MIN_OF(size, sizeof(domain)));

		ck_assert_int_eq(address_format(bytes, size, text, sizeof(text)), 0);
		for (const char *c = text; *c; c++)
			ck_assert_msg(*c > ' ' && *c < 0x7f, "byte %d", *c);
		if (size >= sizeof(domain) && size <= sizeof(back)) {
			ck_assert_msg(
				address_parse(domain, text, &back, &back_size) == 0, "%s", text);
			ck_assert_int_eq(address_format(&back, back_size, again, sizeof(again)), 0);
			ck_assert_str_eq(text, again);
		}
		free(block);
	}
	ck_assert_str_eq(format(NULL, 0), "raw:");
	ck_assert_str_eq(format("\2", 1), "raw:02");
}
END_TEST

/* Text of a peer, a user or a file. */
START_TEST(hostile_text)
{
	static const char letters[] = "0123456789abcdefx:.[]%/*@\\\"=flow-raw:\xff ";
	static const int domains[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK};

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = random_number() % 4 ? random_number() % 24 : random_number() % 700;
		char *text = malloc(n + 1);
		int domain = domains[random_number() % ARRAY_SIZE(domains)];
		struct sockaddr_storage address;
		struct address_prefix prefix;
		socklen_t size;
		size_t min, max;

		ck_assert_ptr_nonnull(text);
		for (size_t j = 0; j < n; j++)
			text[j] = letters[random_number() % (sizeof(letters) - 1)];
		text[n] = '\0';
		if (address_parse(domain, text, &address, &size) == 0 &&
			strncmp(text, "raw:", 4) != 0) {
			address_limits(domain, &min, &max);
			ck_assert(size >= min && size <= max);
			ck_assert(strncmp(format(&address, size), "raw:", 4) != 0);
		}
		(void)address_prefix_parse(text, &prefix);
		free(text);
	}
}
END_TEST

START_TEST(small_buffers)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
	char text[8] = "untouch";

	ck_assert_int_eq(address_format(&address, sizeof(address), text, 4), -ENOSPC);
	ck_assert_int_eq(address_format(&address, sizeof(address), text, 0), -ENOSPC);
	ck_assert_str_eq(text, "untouch");
	ck_assert_int_eq(address_format(&address, sizeof(address), text, 5), 0);
	ck_assert_str_eq(text, "*:80");
}
END_TEST

START_TEST(limits_are_the_kernels)
{
	size_t min, max;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	address_limits(AF_UNIX, &min, &max);
	ck_assert_uint_eq(min, 2);
	ck_assert_uint_eq(max, 110);
	address_limits(AF_CAN, &min, &max);
	ck_assert_uint_eq(min, 8);
	address_limits(AF_KCM, &min, &max);
	ck_assert_uint_eq(min, 0);
	ck_assert_uint_eq(max, 0);

	address_limits(AF_INET6, &min, &max);
	if (fd >= 0) {
		struct sockaddr_storage any = {.ss_family = AF_INET6};

		ck_assert_int_lt(bind(fd, (struct sockaddr *)&any, (socklen_t)min - 1), 0);
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, (socklen_t)min), 0);
		ck_assert_str_eq(format(&any, min), "[*]");
		close(fd);
	}
}
END_TEST

static bool contains(const char *prefix_text, int domain, const char *address_text)
{
	struct address_prefix prefix;
	struct sockaddr_storage address;
	socklen_t size;

	ck_assert_msg(address_prefix_parse(prefix_text, &prefix) == 0, "%s", prefix_text);
	ck_assert_msg(
		address_parse(domain, address_text, &address, &size) == 0, "%s", address_text);
	return address_prefix_contains(&prefix, &address, size);
}

START_TEST(prefixes)
{
	ck_assert(contains("10.0.0.0/8", AF_INET, "10.255.1.2:80"));
	ck_assert(!contains("10.0.0.0/8", AF_INET, "11.0.0.0"));
	ck_assert(contains("10.0.0.1", AF_INET, "10.0.0.1"));
	ck_assert(!contains("10.0.0.1", AF_INET, "10.0.0.2"));
	ck_assert(contains("10.0.0.1/8", AF_INET, "10.9.9.9"));
	ck_assert(contains("192.168.128.0/17", AF_INET, "192.168.200.1"));
	ck_assert(!contains("192.168.128.0/17", AF_INET, "192.168.127.1"));
	ck_assert(contains("10.0.0.2/31", AF_INET, "10.0.0.3"));
	ck_assert(!contains("10.0.0.2/31", AF_INET, "10.0.0.4"));
	ck_assert(contains("0.0.0.0/0", AF_INET, "1.2.3.4"));
	ck_assert(contains("0.0.0.0", AF_INET, "*"));
	ck_assert(!contains("10.0.0.0/8", AF_INET, "*"));
	ck_assert(!contains("0.0.0.0/0", AF_INET6, "::1"));

	ck_assert(contains("::1", AF_INET6, "[::1]:80"));
	ck_assert(!contains("::1", AF_INET6, "::2"));
	ck_assert(contains("2001:db8::/33", AF_INET6, "2001:db8:7fff::1"));
	ck_assert(!contains("2001:db8::/33", AF_INET6, "2001:db8:8000::1"));
	ck_assert(contains("::/0", AF_INET6, "2001:db8::1"));
	ck_assert(!contains("::/0", AF_INET, "1.2.3.4"));

	ck_assert(contains("*", AF_INET, "1.2.3.4"));
	ck_assert(contains("*", AF_INET6, "::1"));
	ck_assert(!contains("*", AF_UNIX, "/run/x"));
	ck_assert(!contains("*", AF_NETLINK, "0:0"));
}
END_TEST

START_TEST(mapped_addresses_are_ipv4)
{
	ck_assert(contains("10.0.0.0/8", AF_INET6, "::ffff:10.1.2.3"));
	ck_assert(!contains("10.0.0.0/8", AF_INET6, "::ffff:11.1.2.3"));
	ck_assert(contains("127.0.0.1", AF_INET6, "[::ffff:127.0.0.1]:80"));
	ck_assert(!contains("::/0", AF_INET6, "::ffff:10.1.2.3"));
	ck_assert(contains("::ffff:10.0.0.0/104", AF_INET, "10.1.2.3"));
	ck_assert(contains("::ffff:10.0.0.0/104", AF_INET6, "::ffff:10.1.2.3"));
	ck_assert(!contains("::ffff:10.0.0.0/104", AF_INET, "11.1.2.3"));
	/* Not mapped: the deprecated compatible form. */
	ck_assert(!contains("10.0.0.0/8", AF_INET6, "::10.1.2.3"));
	ck_assert(contains("*", AF_INET6, "::ffff:10.1.2.3"));
}
END_TEST

START_TEST(bad_prefixes)
{
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129",
		"10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/ 8", "10/8", "**", "*/0",
		"fe80::1%2", "10.0.0.0/99999999999999999999", "localhost",
		"0000000000000000000000000000000000000000000000000000000000000000"};
	struct address_prefix prefix = {.domain = 4711};
	struct sockaddr_in address = {.sin_family = AF_INET};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(address_prefix_parse(bad[i], &prefix) == -EINVAL, "%s", bad[i]);
	ck_assert_int_eq(prefix.domain, 4711);

	ck_assert_int_eq(address_prefix_parse("*", &prefix), 0);
	ck_assert(address_prefix_contains(&prefix, &address, sizeof(address)));
	for (size_t size = 0; size < sizeof(address); size++)
		ck_assert(!address_prefix_contains(&prefix, &address, size));
	ck_assert(!address_prefix_contains(&prefix, NULL, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *text = tcase_create("text");
	TCase *hostile = tcase_create("hostile");
	TCase *prefix = tcase_create("prefix");

	tcase_add_test(text, inet);
	tcase_add_test(text, inet6);
	tcase_add_test(text, local);
	tcase_add_test(text, netlink);
	tcase_add_test(text, packet);
	tcase_add_test(text, vsock);
	tcase_add_test(text, other_families_are_bytes);
	suite_add_tcase(suite, text);
	tcase_set_timeout(hostile, 60);
	tcase_add_test(hostile, random_addresses_are_reversible);
	tcase_add_test(hostile, hostile_bytes);
	tcase_add_test(hostile, hostile_text);
	tcase_add_test(hostile, small_buffers);
	tcase_add_test(hostile, limits_are_the_kernels);
	suite_add_tcase(suite, hostile);
	tcase_add_test(prefix, prefixes);
	tcase_add_test(prefix, mapped_addresses_are_ipv4);
	tcase_add_test(prefix, bad_prefixes);
	suite_add_tcase(suite, prefix);
	return suite_run(suite);
}
