/* Which sockets that were handed over the loop may close by itself. */
#include <check.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/handover.h"
#include "proto/macro.h"
#include "tests/suite.h"

/* Not in the C library's headers. */
#define IPV6_JOIN_ANYCAST_NUMBER 27

static bool sleeps(int domain, int type, int protocol, const struct wire_step *steps, size_t n)
{
	const struct policy_query query = {.domain = domain,
		.type = type,
		.protocol = protocol,
		.steps = steps,
		.n_steps = n,
		.fd = -1};

	return hand_over_close_sleeps(&query);
}

static bool sleeps_after(int domain, int type, int protocol, int level, int option)
{
	static const int value = 1;
	const struct wire_step steps[] = {
		{.kind = WIRE_STEP_OPTION,
			.a = SOL_SOCKET,
			.b = SO_REUSEADDR,
			.data = &value,
			.data_size = sizeof value},
		{.kind = WIRE_STEP_OPTION,
			.a = level,
			.b = option,
			.data = &value,
			.data_size = sizeof value},
		{.kind = WIRE_STEP_BIND, .address = &value, .address_size = sizeof value},
	};

	return sleeps(domain, type, protocol, steps, ARRAY_SIZE(steps));
}

START_TEST(plain_datagrams_are_closed_at_once)
{
	ck_assert(!sleeps(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0));
	ck_assert(!sleeps(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, NULL, 0));
	ck_assert(!sleeps(AF_INET, SOCK_RAW, IPPROTO_ICMP, NULL, 0));
	ck_assert(!sleeps(AF_INET6, SOCK_RAW, IPPROTO_UDP, NULL, 0));
	ck_assert(!sleeps_after(AF_INET, SOCK_DGRAM, IPPROTO_UDP, IPPROTO_IP, IP_TTL));
	ck_assert(!sleeps_after(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, IPPROTO_IPV6, IPV6_V6ONLY));
	/* The same numbers at another level. */
	ck_assert(!sleeps_after(
		AF_INET, SOCK_DGRAM, IPPROTO_UDP, SOL_SOCKET, IP_ADD_SOURCE_MEMBERSHIP));
}
END_TEST

START_TEST(what_lingers_is_not)
{
	ck_assert(sleeps(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0));
	ck_assert(sleeps(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP, NULL, 0));
	ck_assert(sleeps(AF_PACKET, SOCK_RAW, 0, NULL, 0));
}
END_TEST

/* Under rtnl: who else holds it decides how long that takes. */
START_TEST(nor_what_joined_a_group)
{
	static const struct {
		int level, option;
	} joins[] = {
		{IPPROTO_IP, IP_ADD_MEMBERSHIP},
		{IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP},
		{IPPROTO_IP, MCAST_JOIN_GROUP},
		{IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP},
		{IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP},
		{IPPROTO_IPV6, IPV6_JOIN_ANYCAST_NUMBER},
		{IPPROTO_IPV6, MCAST_JOIN_GROUP},
		{IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP},
	};
	static const int types[] = {SOCK_DGRAM, SOCK_RAW};

	for (size_t i = 0; i < ARRAY_SIZE(joins); i++)
		for (size_t j = 0; j < ARRAY_SIZE(types); j++) {
			int level = joins[i].level, option = joins[i].option;

			/* IPv6 sockets take those of IPv4 too. */
			ck_assert(sleeps_after(AF_INET6, types[j], IPPROTO_UDP, level, option));
			ck_assert(sleeps_after(AF_INET, types[j], IPPROTO_UDP, level, option));
		}
}
END_TEST

START_TEST(nor_what_the_kernel_closes_under_a_lock)
{
	ck_assert(sleeps(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, NULL, 0));
	ck_assert(sleeps(AF_NETLINK, SOCK_DGRAM, NETLINK_NETFILTER, NULL, 0));
	ck_assert(sleeps(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, NULL, 0));
	ck_assert(!sleeps(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, NULL, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");
	TCase *tests = tcase_create("close");

	tcase_add_test(tests, plain_datagrams_are_closed_at_once);
	tcase_add_test(tests, what_lingers_is_not);
	tcase_add_test(tests, nor_what_joined_a_group);
	tcase_add_test(tests, nor_what_the_kernel_closes_under_a_lock);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
