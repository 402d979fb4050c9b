/* Any address of every family, any bytes and any text. */
#include <check.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/sockd.h"
#include "proto/bluetooth.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"
#include "tests/lib/names-address.h"
#include "tests/random.h"
#include "tests/suite.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

#define ROUNDS 2000

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

int main(void)
{
	Suite *suite = suite_create("names-address-any");
	TCase *addresses = tcase_create("any");

	tcase_set_timeout(addresses, 60);
	tcase_add_test(addresses, every_address_comes_back);
	tcase_add_test(addresses, any_bytes_do_no_harm);
	tcase_add_test(addresses, any_text_does_no_harm);
	suite_add_tcase(suite, addresses);
	return suite_run(suite);
}
