/* Constants by name and back, the resolver and services: what they take and what they refuse. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/names/constants-internal.h"
#include "lib/sockd.h"
#include "proto/constants.h"
#include "proto/macro.h"
#include "tests/suite.h"

static void assert_constant(const char *name, int64_t expected)
{
	int64_t number = 4711;

	errno = 77;
	ck_assert_msg(sockd_constant(name, &number) == 0, "%s", name);
	ck_assert_int_eq(errno, 77);
	ck_assert_msg(number == expected, "%s is %lld", name, (long long)number);
}

START_TEST(constants_by_name)
{
	int64_t number = 4711;

	assert_constant("AF_INET", AF_INET);
	assert_constant("AF_DECnet", AF_DECnet);
	assert_constant("SOCK_SEQPACKET", SOCK_SEQPACKET);
	assert_constant("IPPROTO_MPTCP", 262);
	assert_constant("SO_MARK", SO_MARK);
	assert_constant("CAN_EFF_FLAG", INT64_C(0x80000000));
	assert_constant("VMADDR_CID_ANY", INT64_C(0xffffffff));
	assert_constant("INADDR_LOOPBACK", INT64_C(0x7f000001));
	assert_constant("TIPC_WAIT_FOREVER", -1);
	assert_constant("EAI_NONAME", EAI_NONAME);
	assert_constant("HOST_NOT_FOUND", HOST_NOT_FOUND);
	assert_constant("EWOULDBLOCK", EWOULDBLOCK);
	assert_constant("EHWPOISON", EHWPOISON);
	errno = 0;
	ck_assert_int_eq(sockd_constant("AF_NONESUCH", &number), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(sockd_constant("af_inet", &number), -1);
	ck_assert_int_eq(sockd_constant("", &number), -1);
	ck_assert_int_eq(sockd_constant(NULL, &number), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_constant("AF_INET", NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(number, 4711);
}
END_TEST

static void assert_name(
	const char *expected, enum sockd_kind kind, int family, int level, int64_t number)
{
	errno = 77;
	const char *name = sockd_constant_name(kind, family, level, number);
	ck_assert_int_eq(errno, 77);
	if (expected) {
		ck_assert_msg(name, "%s", expected);
		ck_assert_str_eq(name, expected);
	} else {
		ck_assert_msg(!name, "%s", name);
	}
}

START_TEST(names_by_number)
{
	assert_name("AF_UNIX", SOCKD_KIND_FAMILY, 0, 0, 1);
	assert_name("SOCK_RAW", SOCKD_KIND_TYPE, 0, 0, 3);
	assert_name("IPPROTO_IP", SOCKD_KIND_PROTOCOL, AF_INET, 0, 0);
	assert_name("IPPROTO_ICMPV6", SOCKD_KIND_PROTOCOL, AF_INET6, 0, 58);
	assert_name("CAN_RAW", SOCKD_KIND_PROTOCOL, AF_CAN, 0, 1);
	assert_name("BTPROTO_L2CAP", SOCKD_KIND_PROTOCOL, AF_BLUETOOTH, 0, 0);
	assert_name("NETLINK_SOCK_DIAG", SOCKD_KIND_PROTOCOL, AF_NETLINK, 0, 4);
	assert_name("ETH_P_8021Q", SOCKD_KIND_PROTOCOL, AF_PACKET, 0, 0x8100);
	assert_name(NULL, SOCKD_KIND_PROTOCOL, AF_UNIX, 0, 0);
	/* The same numbers, of inet and of Bluetooth. */
	assert_name("SOL_TCP", SOCKD_KIND_LEVEL, AF_INET, 0, 6);
	assert_name("SOL_L2CAP", SOCKD_KIND_LEVEL, AF_BLUETOOTH, 0, 6);
	assert_name("SOL_IP", SOCKD_KIND_LEVEL, 0, 0, 0);
	assert_name("SOL_SOCKET", SOCKD_KIND_LEVEL, AF_BLUETOOTH, 0, 1);
	assert_name("IP_TTL", SOCKD_KIND_OPTION, AF_INET, 0, 2);
	assert_name("IP_TTL", SOCKD_KIND_OPTION, AF_UNSPEC, 0, 2);
	assert_name("HCI_FILTER", SOCKD_KIND_OPTION, AF_BLUETOOTH, 0, 2);
	assert_name("L2CAP_LM", SOCKD_KIND_OPTION, AF_BLUETOOTH, 6, 3);
	assert_name("TCP_CORK", SOCKD_KIND_OPTION, AF_INET6, 6, 3);
	assert_name("SO_ACCEPTCONN", SOCKD_KIND_OPTION, AF_UNIX, SOL_SOCKET, SO_ACCEPTCONN);
	assert_name("SCM_RIGHTS", SOCKD_KIND_CONTROL, AF_UNIX, SOL_SOCKET, SCM_RIGHTS);
	assert_name("SCM_TIMESTAMP", SOCKD_KIND_CONTROL, AF_INET, SOL_SOCKET, SO_TIMESTAMP);
	assert_name("IP_PKTINFO", SOCKD_KIND_CONTROL, AF_INET, IPPROTO_IP, IP_PKTINFO);
	assert_name("HCI_CMSG_TSTAMP", SOCKD_KIND_CONTROL, AF_BLUETOOTH, 0, 2);
	assert_name(NULL, SOCKD_KIND_CONTROL, AF_BLUETOOTH, 0, 3);
	assert_name("MSG_MORE", SOCKD_KIND_MESSAGE_FLAG, 0, 0, MSG_MORE);
	assert_name(NULL, SOCKD_KIND_MESSAGE_FLAG, 0, 0, MSG_MORE | MSG_PEEK);
	assert_name("EACCES", SOCKD_KIND_ERRNO, 0, 0, EACCES);
	assert_name("EAGAIN", SOCKD_KIND_ERRNO, 0, 0, EWOULDBLOCK);
	assert_name("VMADDR_CID_ANY", SOCKD_KIND_VSOCK_CID, 0, 0, INT64_C(0xffffffff));
	assert_name(NULL, SOCKD_KIND_VSOCK_CID, 0, 0, -1);
	assert_name(NULL, SOCKD_KIND_ERRNO, 0, 0, 0);
	assert_name(NULL, SOCKD_KIND_ERRNO, 0, 0, INT64_MIN);
	assert_name(NULL, SOCKD_KIND_FAMILY, 0, 0, INT64_C(0x100000002));
	assert_name(NULL, (enum sockd_kind)1000, 0, 0, 1);
	assert_name(NULL, (enum sockd_kind) - 1, 0, 0, 1);
}
END_TEST

/* Every name of the tables here is known once, and its number comes back to a name of that number.
 */
static unsigned check_tables(const struct named_numbers *tables, size_t n)
{
	unsigned names = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < tables[i].n; j++, names++) {
			const struct named_numbers *table = &tables[i];
			const struct named_number *item = &table->items[j];
			int in_proto;
			int64_t number = 0;

			assert_constant(item->name, item->number);
			ck_assert_msg(constant_from_c_name(item->name, &in_proto) == -ENOENT &&
					      !option_by_name(item->name),
				"%s is also in proto/constants.h", item->name);
			if (table->kind == KIND_OTHER)
				continue;
			const char *back = sockd_constant_name((enum sockd_kind)table->kind,
				table->family, table->level, item->number);
			ck_assert_msg(back, "%s", item->name);
			ck_assert_int_eq(sockd_constant(back, &number), 0);
			ck_assert_msg(number == item->number, "%s becomes %s", item->name, back);
		}
	return names;
}

START_TEST(tables_are_reversible)
{
	ck_assert_uint_gt(check_tables(named_general, n_named_general), 150);
	ck_assert_uint_gt(check_tables(named_of_family, n_named_of_family), 100);
}
END_TEST

START_TEST(what_the_broker_knows_is_reversible)
{
	static const int families[] = {AF_INET, AF_PACKET, AF_NETLINK, AF_CAN, AF_BLUETOOTH,
		AF_PPPOX, AF_PHONET, AF_CAIF, AF_NFC, AF_SMC, AF_KCM, AF_KEY, AF_RXRPC};
	int64_t number;
	unsigned n = 0;

	for (int i = 0; i < 64; i++) {
		const char *name = sockd_constant_name(SOCKD_KIND_FAMILY, 0, 0, i);

		if (!name)
			continue;
		ck_assert_int_eq(sockd_constant(name, &number), 0);
		ck_assert_int_eq(number, i);
		n++;
	}
	ck_assert_uint_ge(n, 45);
	n = 0;
	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (int i = 0; i <= 0xffff; i++) {
			const char *name =
				sockd_constant_name(SOCKD_KIND_PROTOCOL, families[f], 0, i);

			if (!name)
				continue;
			ck_assert_int_eq(sockd_constant(name, &number), 0);
			ck_assert_msg(number == i, "%s of %d", name, families[f]);
			n++;
		}
	ck_assert_uint_gt(n, 190);
	n = 0;
	for (int level = 0; level < 300; level++)
		for (int i = 0; i < 300; i++)
			for (int bluetooth = 0; bluetooth < 2; bluetooth++) {
				const char *name = sockd_constant_name(SOCKD_KIND_OPTION,
					bluetooth ? AF_BLUETOOTH : AF_UNSPEC, level, i);

				if (!name)
					continue;
				ck_assert_msg(sockd_constant(name, &number) == 0, "%s", name);
				ck_assert_msg(number == i, "%s is %lld, not %d", name,
					(long long)number, i);
				n++;
			}
	ck_assert_uint_gt(n, 300);
}
END_TEST

START_TEST(resolver_and_services)
{
	struct sockd_host *host = NULL;
	char name[NI_MAXHOST];

	errno = 77;
	ck_assert_int_eq(sockd_gethostbyname_ex("127.0.0.1", &host), 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_str_eq(host->name, "127.0.0.1");
	ck_assert_int_eq(host->family, AF_INET);
	ck_assert_uint_eq(host->address_size, 4);
	ck_assert_uint_eq(host->n_addresses, 1);
	ck_assert(memcmp(host->addresses[0], "\x7f\0\0\1", 4) == 0);
	ck_assert_ptr_null(host->addresses[1]);
	ck_assert_uint_eq(host->n_aliases, 0);
	ck_assert_ptr_null(host->aliases[0]);
	sockd_host_free(host);
	sockd_host_free(NULL);
	ck_assert_int_eq(errno, 77);

	host = NULL;
	ck_assert_int_eq(sockd_gethostbyname_ex("::1", &host), EAI_ADDRFAMILY);
	ck_assert_int_eq(sockd_gethostbyaddr("", &host), EAI_NONAME);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(sockd_gethostbyname_ex(NULL, &host), EAI_SYSTEM);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_str_eq(sockd_resolve_error(EAI_SYSTEM), strerrordesc_np(EINVAL));
	ck_assert_int_eq(sockd_gethostbyaddr("127.0.0.1", NULL), EAI_SYSTEM);
	ck_assert_int_eq(sockd_gethostbyaddr(NULL, &host), EAI_SYSTEM);
	ck_assert_ptr_null(host);
	ck_assert_str_eq(sockd_resolve_error(EAI_NONAME), gai_strerror(EAI_NONAME));
	ck_assert_str_eq(sockd_resolve_error(HOST_NOT_FOUND), hstrerror(HOST_NOT_FOUND));
	ck_assert_str_ne(sockd_resolve_error(HOST_NOT_FOUND), sockd_resolve_error(EAI_NONAME));

	memset(name, 'x', sizeof name);
	ck_assert_int_eq(sockd_getfqdn("127.0.0.1", name, 2), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(name[0], 'x');
	ck_assert_int_eq(sockd_getfqdn("127.0.0.1", NULL, 2), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_getfqdn(NULL, name, sizeof name), 0);

	ck_assert_int_eq(sockd_getservbyname(NULL, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_getservbyport(80, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_getservbyport(65536, NULL, name, sizeof name), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_getservbyport(INT_MIN, NULL, name, sizeof name), -1);
	ck_assert_int_eq(sockd_getprotobyname(NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_getservbyname("no such service", "tcp"), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

static void *ask_much(void *data)
{
	const char *address = data;

	for (int i = 0; i < 50; i++) {
		struct sockd_host *host;

		if (sockd_gethostbyname_ex(address, &host) != 0 || strcmp(host->name, address) != 0)
			return "one has another's answer";
		sockd_host_free(host);
		(void)sockd_getservbyname("no such service", "tcp");
		(void)sockd_getprotobyname("no such protocol");
	}
	return NULL;
}

START_TEST(threads_do_not_meet)
{
	static char addresses[4][sizeof "10.0.0.1"] = {
		"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"};
	pthread_t threads[4];
	void *complaint;

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_much, addresses[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], &complaint), 0);
		ck_assert_ptr_null(complaint);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("names");
	TCase *constants = tcase_create("constants");
	TCase *resolver = tcase_create("resolver");

	tcase_set_timeout(constants, 60);
	tcase_add_test(constants, constants_by_name);
	tcase_add_test(constants, names_by_number);
	tcase_add_test(constants, tables_are_reversible);
	tcase_add_test(constants, what_the_broker_knows_is_reversible);
	suite_add_tcase(suite, constants);
	tcase_set_timeout(resolver, 60);
	tcase_add_test(resolver, resolver_and_services);
	tcase_add_test(resolver, threads_do_not_meet);
	suite_add_tcase(suite, resolver);

	return suite_run(suite);
}
