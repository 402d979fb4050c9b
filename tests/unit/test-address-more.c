/* Address text of ALG, QIPCRTR, RDS, SMC, TIPC and XDP. */
#include <check.h>
#include <errno.h>
#include <linux/if_alg.h>
#include <linux/if_xdp.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/address.h"
#include "proto/macro.h"
#include "tests/random.h"
#include "tests/suite.h"
#include "tests/unit/raw-address.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

#define ROUNDS 4000

static const int domains[] = {AF_TIPC, AF_ALG, AF_QIPCRTR, AF_XDP, AF_RDS, AF_SMC};

static const char *format(const void *address, size_t size)
{
	static char text[ADDRESS_TEXT_MAX];

	ck_assert_int_eq(address_format(address, size, text, sizeof(text)), 0);
	return text;
}

static const char *reformat(int domain, const char *text)
{
	struct sockaddr_storage address;
	socklen_t size = 0;

	ck_assert_msg(address_parse(domain, text, &address, &size) == 0, "%s", text);
	return format(&address, size);
}

static void assert_same(int domain, const char *text)
{
	ck_assert_str_eq(reformat(domain, text), text);
}

static void assert_refused(int domain, const char *text)
{
	struct sockaddr_storage address;
	socklen_t size;

	ck_assert_msg(address_parse(domain, text, &address, &size) == -EINVAL, "%s", text);
}

START_TEST(tipc)
{
	struct sockaddr_storage storage;
	const struct sockaddr_tipc *address = (const struct sockaddr_tipc *)&storage;
	socklen_t size;

	ck_assert_int_eq(address_parse(AF_TIPC, "range:1000:2-0x10/node", &storage, &size), 0);
	ck_assert_int_eq(size, sizeof(*address));
	ck_assert_int_eq(address->family, AF_TIPC);
	ck_assert_int_eq(address->addrtype, TIPC_SERVICE_RANGE);
	ck_assert_int_eq(address->scope, TIPC_NODE_SCOPE);
	ck_assert_uint_eq(address->addr.nameseq.type, 1000);
	ck_assert_uint_eq(address->addr.nameseq.lower, 2);
	ck_assert_uint_eq(address->addr.nameseq.upper, 16);
	ck_assert_int_eq(address_parse(AF_TIPC, "service:1000:7@9", &storage, &size), 0);
	ck_assert_int_eq(address->addrtype, TIPC_SERVICE_ADDR);
	ck_assert_int_eq(address->scope, TIPC_CLUSTER_SCOPE);
	ck_assert_uint_eq(address->addr.name.name.instance, 7);
	ck_assert_uint_eq(address->addr.name.domain, 9);
	ck_assert_int_eq(address_parse(AF_TIPC, "socket:5:6", &storage, &size), 0);
	ck_assert_int_eq(address->addrtype, TIPC_SOCKET_ADDR);
	ck_assert_uint_eq(address->addr.id.node, 5);
	ck_assert_uint_eq(address->addr.id.ref, 6);

	assert_same(AF_TIPC, "service:64:0");
	assert_same(AF_TIPC, "service:4294967295:4294967295@4294967295/node");
	assert_same(AF_TIPC, "range:64:0-4294967295/zone");
	/* A negative scope withdraws. */
	assert_same(AF_TIPC, "range:64:1-2/-3");
	assert_same(AF_TIPC, "socket:1:2/0");
	ck_assert_str_eq(reformat(AF_TIPC, "service:64:1/cluster"), "service:64:1");

	assert_refused(AF_TIPC, "");
	assert_refused(AF_TIPC, "service:64");
	assert_refused(AF_TIPC, "service::");
	assert_refused(AF_TIPC, "service:64:1:2");
	assert_refused(AF_TIPC, "service:64:1@");
	assert_refused(AF_TIPC, "range:64:1");
	assert_refused(AF_TIPC, "range:64:1-");
	assert_refused(AF_TIPC, "range:64:1-2-3");
	assert_refused(AF_TIPC, "name:64:1");
	assert_refused(AF_TIPC, "service:64:1/");
	assert_refused(AF_TIPC, "service:64:1/200");
	assert_refused(AF_TIPC, "service:64:1/-129");
	assert_refused(AF_TIPC, "service:4294967296:1");
}
END_TEST

START_TEST(alg)
{
	struct sockaddr_storage storage;
	const struct sockaddr_alg *address = (const struct sockaddr_alg *)&storage;
	char text[ADDRESS_TEXT_MAX];
	socklen_t size;

	ck_assert_int_eq(
		address_parse(AF_ALG, "hash/hmac(sha256)/0x1000/4096", &storage, &size), 0);
	ck_assert_int_eq(size, sizeof(*address));
	ck_assert_str_eq((const char *)address->salg_type, "hash");
	ck_assert_str_eq((const char *)address->salg_name, "hmac(sha256)");
	ck_assert_uint_eq(address->salg_feat, 0x1000);
	ck_assert_uint_eq(address->salg_mask, 0x1000);

	assert_same(AF_ALG, "hash/sha256");
	assert_same(AF_ALG, "aead/authenc(hmac(sha1),cbc(aes))");
	assert_same(AF_ALG, "skcipher/__xts-aes-aesni/0x0/0x2000");
	assert_same(AF_ALG, "hash/a\\x2fb\\x20\\x5c\\x3a\\xff");
	assert_same(AF_ALG, "raw\\x3ax/y");
	ck_assert_str_eq(reformat(AF_ALG, "hash/sha256/0/0"), "hash/sha256");

	/* Longer than the header's field, as long as a sockaddr_storage has room. */
	snprintf(text, sizeof(text), "hash/%0103d", 1);
	ck_assert_int_eq(address_parse(AF_ALG, text, &storage, &size), 0);
	ck_assert_int_eq(size, 128);
	ck_assert_str_eq(format(&storage, size), text);
	snprintf(text, sizeof(text), "hash/%0104d", 1);
	assert_refused(AF_ALG, text);

	/* The kernel ends the name at the size. */
	struct sockaddr_alg shorter = {AF_ALG, "hash", 0, 0, "sha256"};
	ck_assert_str_eq(
		format(&shorter, offsetof(struct sockaddr_alg, salg_name) + 4), "hash/sha");
	memset(&shorter.salg_type, 'x', sizeof(shorter.salg_type));
	ck_assert_str_eq(format(&shorter, sizeof(shorter)), "xxxxxxxxxxxxx/sha256");

	assert_refused(AF_ALG, "");
	assert_refused(AF_ALG, "hash");
	assert_refused(AF_ALG, "/sha256");
	assert_refused(AF_ALG, "hash/");
	assert_refused(AF_ALG, "hash/sha256/");
	assert_refused(AF_ALG, "hash/sha256/1/");
	assert_refused(AF_ALG, "hash/sha256/1/2/3");
	assert_refused(AF_ALG, "hash/\\x00");
	assert_refused(AF_ALG, "hash/\\x1");
	assert_refused(AF_ALG, "fourteen-bytes/x");
}
END_TEST

START_TEST(qipcrtr)
{
	struct sockaddr_storage storage;
	const struct sockaddr_qrtr *address = (const struct sockaddr_qrtr *)&storage;
	socklen_t size;

	ck_assert_int_eq(address_parse(AF_QIPCRTR, "1:control", &storage, &size), 0);
	ck_assert_int_eq(size, sizeof(*address));
	ck_assert_uint_eq(address->sq_node, 1);
	ck_assert_uint_eq(address->sq_port, QRTR_PORT_CTRL);
	assert_same(AF_QIPCRTR, "1:16384");
	assert_same(AF_QIPCRTR, "any:control");
	assert_same(AF_QIPCRTR, "0:0");
	ck_assert_str_eq(reformat(AF_QIPCRTR, "0xffffffff:0xfffffffe"), "any:control");
	assert_refused(AF_QIPCRTR, "");
	assert_refused(AF_QIPCRTR, "1");
	assert_refused(AF_QIPCRTR, "1:");
	assert_refused(AF_QIPCRTR, ":1");
	assert_refused(AF_QIPCRTR, "1:any");
	assert_refused(AF_QIPCRTR, "1:2:3");
}
END_TEST

START_TEST(xdp)
{
	struct sockaddr_storage storage;
	const struct sockaddr_xdp *address = (const struct sockaddr_xdp *)&storage;
	struct sockaddr_xdp shared = {.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_SHARED_UMEM,
		.sxdp_ifindex = 1,
		.sxdp_shared_umem_fd = 5};
	socklen_t size;

	ck_assert_int_eq(address_parse(AF_XDP, "lo/3/copy,wakeup", &storage, &size), 0);
	ck_assert_int_eq(size, sizeof(*address));
	ck_assert_uint_eq(address->sxdp_ifindex, if_nametoindex("lo"));
	ck_assert_uint_eq(address->sxdp_queue_id, 3);
	ck_assert_uint_eq(address->sxdp_flags, XDP_COPY | XDP_USE_NEED_WAKEUP);
	assert_same(AF_XDP, "2/0");
	assert_same(AF_XDP, "2/4294967295/copy,zerocopy,wakeup,sg");
	assert_same(AF_XDP, "2/0/0x8002");
	/* Another socket's descriptor has no text. */
	ck_assert(strncmp(format(&shared, sizeof(shared)), "raw:", 4) == 0);
	assert_refused(AF_XDP, "2/0/1");
	assert_refused(AF_XDP, "2/0/");
	assert_refused(AF_XDP, "2/0/copy,");
	assert_refused(AF_XDP, "2/0/fast");
	assert_refused(AF_XDP, "2");
	assert_refused(AF_XDP, "/0");
	assert_refused(AF_XDP, "2/x");
	ck_assert_int_eq(address_parse(AF_XDP, "nosuchdevice0/0", &storage, &size), -ENODEV);
}
END_TEST

START_TEST(rds_and_smc)
{
	struct sockaddr_storage storage;
	socklen_t size;

	for (size_t i = 4; i < ARRAY_SIZE(domains); i++) {
		ck_assert_int_eq(address_parse(domains[i], "127.0.0.1:80", &storage, &size), 0);
		ck_assert_int_eq(storage.ss_family, AF_INET);
		ck_assert_int_eq(size, sizeof(struct sockaddr_in));
		ck_assert_int_eq(address_parse(domains[i], "[::1]:80", &storage, &size), 0);
		ck_assert_int_eq(storage.ss_family, AF_INET6);
		ck_assert_int_eq(size, sizeof(struct sockaddr_in6));
		ck_assert_int_eq(address_parse(domains[i], "*:80", &storage, &size), 0);
		ck_assert_int_eq(storage.ss_family, AF_INET);
		ck_assert_int_eq(address_parse(domains[i], RAW("02") "0050000000000000000000000000",
					 &storage, &size),
			0);
		assert_refused(domains[i], RAW("01") "0050000000000000000000000000");
		assert_refused(domains[i], "host:80");
	}
}
END_TEST

/* Any bytes: printable, and the same after text and back. */
START_TEST(hostile_bytes)
{
	for (int i = 0; i < ROUNDS; i++) {
		size_t size = random_number() % (sizeof(struct sockaddr_storage) + 2);
		unsigned char *bytes = malloc(size + 1);
		sa_family_t domain = (sa_family_t)domains[random_number() % 4];
		char text[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX];
		struct sockaddr_storage back;
		socklen_t back_size;

		ck_assert_ptr_nonnull(bytes);
		for (size_t j = 0; j < size; j++)
			bytes[j] = random_number() % 3 ? (unsigned char)random_number()
						       : (unsigned char)(random_number() % 4);
		memcpy(bytes, &domain, MIN_OF(size, sizeof(domain)));
		ck_assert_int_eq(address_format(bytes, size, text, sizeof(text)), 0);
		for (const char *c = text; *c; c++)
			ck_assert(*c > ' ' && *c < 0x7f);
		if (size >= sizeof(domain) && size <= sizeof(back)) {
			ck_assert_msg(
				address_parse(domain, text, &back, &back_size) == 0, "%s", text);
			ck_assert_int_eq(address_format(&back, back_size, again, sizeof(again)), 0);
			ck_assert_str_eq(text, again);
		}
		free(bytes);
	}
}
END_TEST

START_TEST(hostile_text)
{
	static const char letters[] = "0123456789abcdefx:.-[]%/*@\\,rangesocketservicecopyhash ";

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = random_number() % 4 ? random_number() % 30 : random_number() % 700;
		char *text = malloc(n + 1);
		int domain = domains[random_number() % ARRAY_SIZE(domains)];
		struct sockaddr_storage address;
		socklen_t size;
		size_t min, max;

		ck_assert_ptr_nonnull(text);
		for (size_t j = 0; j < n; j++)
			text[j] = letters[random_number() % (sizeof(letters) - 1)];
		text[n] = '\0';
		if (address_parse(domain, text, &address, &size) == 0) {
			address_limits(address.ss_family, &min, &max);
			ck_assert(size >= min && size <= max);
			ck_assert(strncmp(format(&address, size), "raw:", 4) != 0);
		}
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address-more");
	TCase *tests = tcase_create("families");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, tipc);
	tcase_add_test(tests, alg);
	tcase_add_test(tests, qipcrtr);
	tcase_add_test(tests, xdp);
	tcase_add_test(tests, rds_and_smc);
	tcase_add_test(tests, hostile_bytes);
	tcase_add_test(tests, hostile_text);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
