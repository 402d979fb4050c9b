/* CAN: addresses as text, and with an interface by name. */
#include <check.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/can/j1939.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/address-can.h"
#include "proto/address.h"
#include "proto/macro.h"
#include "tests/random.h"
#include "tests/suite.h"

#define ROUNDS 400

static const char *format(const void *address, size_t size)
{
	static char text[ADDRESS_TEXT_MAX];

	ck_assert_int_eq(address_format(address, size, text, sizeof text), 0);
	return text;
}

static struct sockaddr_can parse(const char *text)
{
	struct sockaddr_storage storage;
	socklen_t size = 0;
	struct sockaddr_can address;

	ck_assert_msg(address_parse(AF_CAN, text, &storage, &size) == 0, "%s", text);
	ck_assert_uint_eq(size, sizeof address);
	memcpy(&address, &storage, sizeof address);
	ck_assert_int_eq(address.can_family, AF_CAN);
	return address;
}

static void assert_same(const char *text)
{
	struct sockaddr_can address = parse(text);

	ck_assert_str_eq(format(&address, sizeof address), text);
}

START_TEST(addresses)
{
	static const char *const refused[] = {"", "/", "3/", "3//", "3/rx=1", "3/tx=1",
		"3/rx=1/tx=2/tx=3", "3/rx=0x800/tx=1", "3/rx=0x1234/tx=1", "3/rx=2048/tx=1",
		"3/rx=0x20000000/tx=1", "3/rx=1/tx=2/pgn=3", "3/pgn=", "3/pgn=4294967296",
		"3/addr=256", "3/name=18446744073709551616", "3/foo=1", "3/rx=1/tx=2x", "3/name=0x",
		"an-interface-name-too-long"};
	struct sockaddr_storage storage;
	socklen_t size = 4711;

	assert_same("0");
	assert_same("3");
	assert_same("3/rx=0x123/tx=0x7ff");
	assert_same("3/rx=0x18da10f1/tx=0x00000001");
	assert_same("3/pgn=0x12300/addr=0x20");
	assert_same("3/addr=0x20");
	assert_same("3/name=0x8000000000000001");
	assert_same("3/name=0xffffffffffffffff/pgn=0x3ff00/addr=0x00");
	assert_same("3/addr=0xff");

	struct sockaddr_can address = parse("7/rx=291/tx=0x00000123");
	ck_assert_int_eq(address.can_ifindex, 7);
	ck_assert_uint_eq(address.can_addr.tp.rx_id, 0x123);
	ck_assert_uint_eq(address.can_addr.tp.tx_id, 0x123 | CAN_EFF_FLAG);
	address = parse("7/pgn=0x12300");
	ck_assert_uint_eq(address.can_addr.j1939.pgn, 0x12300);
	ck_assert_uint_eq(address.can_addr.j1939.addr, J1939_NO_ADDR);
	address = parse("7/name=5");
	ck_assert_uint_eq(address.can_addr.j1939.pgn, J1939_NO_PGN);
	address = parse("lo");
	ck_assert_int_gt(address.can_ifindex, 0);

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		int r = address_parse(AF_CAN, refused[i], &storage, &size);
		ck_assert_msg(r == -EINVAL, "%s: %d", refused[i], r);
	}
	ck_assert_int_eq(address_parse(AF_CAN, "nosuch0", &storage, &size), -ENODEV);
	ck_assert_int_eq(size, 4711);
}
END_TEST

/* What the text gives back is, of all that a socket of CAN reads, the same. */
static void assert_reversible(const struct sockaddr_can *address, size_t size)
{
	struct sockaddr_storage storage;
	struct sockaddr_can back;
	socklen_t back_size;
	const char *text = format(address, size);

	ck_assert_msg(address_parse(AF_CAN, text, &storage, &back_size) == 0, "%s", text);
	memcpy(&back, &storage, sizeof back);
	if (strncmp(text, "raw:", 4) == 0) {
		ck_assert_uint_eq(back_size, size);
		ck_assert_mem_eq(&storage, address, size);
		return;
	}
	ck_assert_uint_ge(size, sizeof back);
	ck_assert_int_eq(back.can_ifindex, address->can_ifindex);
	ck_assert_uint_eq(back.can_addr.j1939.name, address->can_addr.j1939.name);
	ck_assert_uint_eq(back.can_addr.j1939.pgn, address->can_addr.j1939.pgn);
	ck_assert_uint_eq(back.can_addr.j1939.addr, address->can_addr.j1939.addr);
}

START_TEST(addresses_are_reversible)
{
	for (int i = 0; i < ROUNDS * 10; i++) {
		struct sockaddr_can address = {.can_family = AF_CAN};
		uint32_t *words = (uint32_t *)&address.can_addr;

		address.can_ifindex =
			(int)(random_number() % 3 ? random_number() % 9 : random_number());
		for (size_t j = 0; j < 4; j++)
			if (random_number() % 2)
				words[j] = random_number() >> random_number() % 32;
		if (random_number() % 4 == 0)
			address.can_addr.j1939.pgn = J1939_NO_PGN;
		if (random_number() % 4 == 0)
			address.can_addr.j1939.addr = J1939_NO_ADDR;
		assert_reversible(&address, sizeof address);
		assert_reversible(&address, 2 + random_number() % (sizeof address - 2));
	}
}
END_TEST

START_TEST(interfaces_by_name)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_can address = parse("0/rx=1/tx=2"), found;
	struct sockaddr_storage storage;

	ck_assert_int_eq(address_set_interface(fd, &address, sizeof address, "lo", 2, &storage), 0);
	memcpy(&found, &storage, sizeof found);
	ck_assert_int_eq(found.can_ifindex, parse("lo").can_ifindex);
	ck_assert_uint_eq(found.can_addr.tp.tx_id, 2);
	ck_assert_int_eq(
		address_set_interface(fd, &address, sizeof address, "nosuch0", 7, &storage),
		-ENODEV);
	ck_assert_int_eq(
		address_set_interface(fd, &address, sizeof address, "", 0, &storage), -EINVAL);
	ck_assert_int_eq(address_set_interface(
				 fd, &address, sizeof address, "sixteen-letters-", 16, &storage),
		-EINVAL);
	ck_assert_int_eq(address_set_interface(fd, &address, 7, "lo", 2, &storage), -EINVAL);
	address.can_ifindex = 1;
	ck_assert_int_eq(
		address_set_interface(fd, &address, sizeof address, "lo", 2, &storage), -EINVAL);
	address.can_family = AF_INET;
	ck_assert_int_eq(
		address_set_interface(fd, &address, sizeof address, "lo", 2, &storage), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("can-address");
	TCase *tests = tcase_create("can-address");

	tcase_add_test(tests, addresses);
	tcase_add_test(tests, addresses_are_reversible);
	tcase_add_test(tests, interfaces_by_name);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
