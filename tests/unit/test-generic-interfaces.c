/* Which interface a command of generic netlink is about, and that nothing else can be meant. */
#include <check.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_macsec.h>
#include <linux/wireguard.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"
#include "proto/netlink-generic.h"
#include "tests/suite.h"
#include "tests/unit/netlink-message.h"

#define FAMILY_ID 40
#define ABSENT "sockd-absent"

static char why[256];
static int fd = -1;

static void setup(void)
{
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
}

static void teardown(void)
{
	close_quietly(fd);
}

static bool is_lo(const char *name, void *data)
{
	unsigned *visited = data;

	(*visited)++;
	return strcmp(name, "lo") == 0;
}

/* How many interfaces a message to the family names; -1: it is refused. */
static int visited(int family, const struct buffer *b)
{
	unsigned n = 0;
	bool within = generic_each_interface(GENERIC_COMMAND(family, 1),
		(const struct nlmsghdr *)(const void *)b->bytes, fd, is_lo, &n, why, sizeof why);

	return within ? (int)n : -1;
}

static size_t start_command(struct buffer *b, int flags)
{
	const struct genlmsghdr header = {.cmd = 1, .version = 1};

	memset(b, 0, sizeof *b);
	return start(b, FAMILY_ID, flags, &header, sizeof header);
}

/* A command with the interface's index (0: none) and name (NULL: none), as the family has them. */
static void make_command(struct buffer *b, int family, int flags, unsigned index, const char *name)
{
	size_t at = start_command(b, flags), nest = 0;

	if (family == GENERIC_ETHTOOL)
		nest = put(b, ETHTOOL_A_FEATURES_HEADER | NLA_F_NESTED, NULL, 0);
	/* The numbers are the same in all three. */
	if (index > 0)
		put_number(b, ETHTOOL_A_HEADER_DEV_INDEX, index);
	if (name)
		put_text(b, ETHTOOL_A_HEADER_DEV_NAME, name);
	if (family == GENERIC_ETHTOOL)
		end_nested(b, nest);
	finish(b, at);
}

_Static_assert((int)WGDEVICE_A_IFINDEX == (int)ETHTOOL_A_HEADER_DEV_INDEX, "the index of both");
_Static_assert((int)WGDEVICE_A_IFNAME == (int)ETHTOOL_A_HEADER_DEV_NAME, "the name of both");
_Static_assert((int)MACSEC_ATTR_IFINDEX == (int)ETHTOOL_A_HEADER_DEV_INDEX, "the index of both");

START_TEST(these_families_alone_are_judged)
{
	struct buffer b;

	for (int family = GENERIC_UNKNOWN; family <= GENERIC_FAMILIES; family++) {
		const bool judged = family == GENERIC_ETHTOOL || family == GENERIC_MACSEC ||
				    family == GENERIC_WIREGUARD;

		ck_assert(generic_is_judged(GENERIC_COMMAND(family, 1)) == judged);
		make_command(&b, family, 0, if_nametoindex("lo"), NULL);
		ck_assert_int_eq(visited(family, &b), judged ? 1 : -1);
	}
	ck_assert(!generic_is_judged(GENERIC_NO_NUMBER));
	ck_assert(!generic_is_judged(GENL_ID_CTRL));
}
END_TEST

START_TEST(a_command_is_about_the_interface_that_it_names)
{
	static const int families[] = {GENERIC_ETHTOOL, GENERIC_WIREGUARD, GENERIC_MACSEC};
	const unsigned lo = if_nametoindex("lo");
	struct buffer b;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const bool by_name = families[i] != GENERIC_MACSEC;

		make_command(&b, families[i], 0, lo, NULL);
		ck_assert_int_eq(visited(families[i], &b), 1);
		make_command(&b, families[i], 0, 0, NULL);
		ck_assert_int_eq(visited(families[i], &b), -1);
		ck_assert_ptr_nonnull(strstr(why, "names no interface"));
		make_command(&b, families[i], 0, INT32_MAX, NULL);
		ck_assert_int_eq(visited(families[i], &b), -1);
		ck_assert_ptr_nonnull(strstr(why, "no interface 2147483647"));
		/* The name, and what it is the name of. */
		make_command(&b, families[i], 0, 0, "lo");
		ck_assert_int_eq(visited(families[i], &b), by_name ? 2 : -1);
		/* The kernel takes one of the two: both are judged. */
		make_command(&b, families[i], 0, lo, ABSENT);
		ck_assert_int_eq(visited(families[i], &b), by_name ? -1 : 1);
		make_command(&b, families[i], 0, INT32_MAX, "lo");
		ck_assert_int_eq(visited(families[i], &b), -1);
	}
}
END_TEST

static bool is_any(const char *name _unused_, void *data _unused_)
{
	return true;
}

/* By the time that the kernel looks there may be one of the name, which is another one's. */
START_TEST(the_interface_is_there)
{
	struct buffer b;

	make_command(&b, GENERIC_WIREGUARD, 0, 0, ABSENT);
	ck_assert(!generic_each_interface(GENERIC_COMMAND(GENERIC_WIREGUARD, 1),
		(const struct nlmsghdr *)(const void *)b.bytes, fd, is_any, NULL, why, sizeof why));
	ck_assert_ptr_nonnull(strstr(why, "cannot be found"));
	make_command(&b, GENERIC_WIREGUARD, 0, 0, "lo");
	ck_assert(!generic_each_interface(GENERIC_COMMAND(GENERIC_WIREGUARD, 1),
		(const struct nlmsghdr *)(const void *)b.bytes, -1, is_any, NULL, why, sizeof why));
	ck_assert_ptr_nonnull(strstr(why, "socket of the client's own"));
}
END_TEST

/* That of WireGuard alone is about one. */
START_TEST(a_dump_is_about_all_interfaces)
{
	struct buffer b;

	make_command(&b, GENERIC_ETHTOOL, NLM_F_DUMP, if_nametoindex("lo"), NULL);
	ck_assert_int_eq(visited(GENERIC_ETHTOOL, &b), -1);
	ck_assert_ptr_nonnull(strstr(why, "a dump is about all"));
	ck_assert_int_eq(visited(GENERIC_MACSEC, &b), -1);
	make_command(&b, GENERIC_WIREGUARD, NLM_F_DUMP, if_nametoindex("lo"), NULL);
	ck_assert_int_eq(visited(GENERIC_WIREGUARD, &b), 1);
	make_command(&b, GENERIC_WIREGUARD, NLM_F_DUMP, 0, NULL);
	ck_assert_int_eq(visited(GENERIC_WIREGUARD, &b), -1);
}
END_TEST

START_TEST(what_is_malformed_is_refused)
{
	struct buffer b;
	size_t at = start_command(&b, 0);

	/* Shorter than its own header. */
	b.size = NLMSG_HDRLEN;
	finish(&b, at);
	ck_assert_int_eq(visited(GENERIC_WIREGUARD, &b), -1);
	ck_assert_ptr_nonnull(strstr(why, "shorter than its own header"));
	/* Behind the interface, and in the header that it is in. */
	make_command(&b, GENERIC_WIREGUARD, 0, if_nametoindex("lo"), NULL);
	put(&b, WGDEVICE_A_FLAGS, "\1", 0);
	memset(b.bytes + b.size - NLA_HDRLEN, 0, NLA_HDRLEN);
	finish(&b, 0);
	ck_assert_int_eq(visited(GENERIC_WIREGUARD, &b), -1);
	at = start_command(&b, 0);
	put(&b, ETHTOOL_A_FEATURES_HEADER | NLA_F_NESTED, "\1\0", 2);
	finish(&b, at);
	ck_assert_int_eq(visited(GENERIC_ETHTOOL, &b), -1);
	/* Each of them once. */
	make_command(&b, GENERIC_WIREGUARD, 0, if_nametoindex("lo"), NULL);
	put_number(&b, WGDEVICE_A_IFINDEX, if_nametoindex("lo"));
	finish(&b, 0);
	ck_assert_int_eq(visited(GENERIC_WIREGUARD, &b), -1);
	ck_assert_ptr_nonnull(strstr(why, "there twice"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("generic-interfaces");
	TCase *tests = tcase_create("generic-interfaces");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, these_families_alone_are_judged);
	tcase_add_test(tests, a_command_is_about_the_interface_that_it_names);
	tcase_add_test(tests, the_interface_is_there);
	tcase_add_test(tests, a_dump_is_about_all_interfaces);
	tcase_add_test(tests, what_is_malformed_is_refused);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
