/* ALG, KEY, QIPCRTR, RDS, SMC, TIPC and XDP: which rules are refused at load, which steps a rule
 * gives, what is never passed on. */
#include <check.h>
#include <linux/capability.h>
#include <linux/if_alg.h>
#include <linux/if_xdp.h>
#include <linux/tipc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"
#include "tests/suite.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#define SOL_SMC_NUMBER 286
#define RDS_GET_MR_NUMBER 2
#define BINDX_ADD_NUMBER 100
#define CONNECTX_NUMBER 110

#define CAPABILITY(cap) (UINT64_C(1) << (cap))

static char why[POLICY_REASON_MAX];

static const struct family *const families[] = {&family_alg, &family_key, &family_qipcrtr,
	&family_rds, &family_smc, &family_tipc, &family_xdp};

static struct policy_query query_of(int domain, int type, int protocol)
{
	return (struct policy_query){
		.domain = domain, .type = type, .protocol = protocol, .fd = -1};
}

static bool bind_within(const struct rule *rule, const struct policy_query *query, const char *text)
{
	struct sockaddr_storage storage;
	socklen_t size;

	ck_assert_msg(address_parse(query->domain, text, &storage, &size) == 0, "%s", text);
	struct wire_step step = {.kind = WIRE_STEP_BIND, .address = &storage, .address_size = size};
	why[0] = '\0';
	return family_get(query->domain)->step_within(rule, query, &step, why, sizeof why);
}

static bool option_within(
	const struct rule *rule, int domain, int level, int option, const void *data, size_t size)
{
	struct policy_query query = query_of(domain, SOCK_STREAM, 0);
	struct wire_step step = {
		.kind = WIRE_STEP_OPTION, .a = level, .b = option, .data = data, .data_size = size};

	return family_get(domain)->step_within(rule, &query, &step, why, sizeof why);
}

static bool open_within(const struct rule *rule, struct policy_query query, const char *bind)
{
	struct sockaddr_storage storage;
	struct wire_step step = {.kind = WIRE_STEP_BIND, .address = &storage};
	socklen_t size = 0;

	if (bind) {
		ck_assert_int_eq(address_parse(query.domain, bind, &storage, &size), 0);
		step.address_size = size;
		query.steps = &step;
		query.n_steps = 1;
	}
	return family_get(query.domain)->open_within(rule, &query, why, sizeof why);
}

static const char *bad_key(const struct family *family, const struct rule *rule)
{
	const char *key = NULL;

	why[0] = '\0';
	int r = family->check_rule(rule, why, sizeof why, &key);
	ck_assert(r == 0 ? !key : r == -EINVAL && key && why[0]);
	return key ? key : "";
}

static struct rule with_ports(struct range *range, uint32_t first, uint32_t last)
{
	*range = (struct range){first, last};
	return (struct rule){.has_ports = true, .ports = {range, 1}};
}

START_TEST(each_has_a_file)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		ck_assert_ptr_eq(family_get(families[i]->domain), families[i]);
		ck_assert(families[i]->close_sleeps);
		ck_assert_int_eq(families[i]->poll_is_lockless, families[i] != &family_xdp);
	}
}
END_TEST

START_TEST(keys_that_cannot_be_kept)
{
	static char *device[] = {"eth0"};
	struct range range;
	struct rule interfaces = {.has_interfaces = true, .interfaces = {device, 1}};
	struct rule addresses = {.has_addresses = true};
	struct rule ports = with_ports(&range, 80, 80);
	struct rule messages = {.has_messages = true};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct family *family = families[i];
		bool inet_like = family == &family_rds || family == &family_smc;
		struct rule nothing = {0};

		ck_assert_str_eq(bad_key(family, &nothing), "");
		ck_assert_str_eq(bad_key(family, &interfaces), "interfaces");
		ck_assert_str_eq(bad_key(family, &messages), "messages");
		ck_assert_str_eq(bad_key(family, &addresses), inet_like ? "" : "addresses");
		ck_assert_str_eq(bad_key(family, &ports),
			inet_like || family == &family_qipcrtr ? "" : "ports");
	}
	(void)bad_key(&family_tipc, &ports);
	ck_assert_ptr_nonnull(strstr(why, "at any time"));
	(void)bad_key(&family_alg, &addresses);
	ck_assert_ptr_nonnull(strstr(why, "another algorithm"));
	(void)bad_key(&family_xdp, &interfaces);
	ck_assert_ptr_nonnull(strstr(why, "interface and queue"));
}
END_TEST

START_TEST(capabilities)
{
	struct range range;
	struct rule rule = {0};

	ck_assert_uint_eq(family_tipc.capabilities(&rule), 0);
	ck_assert_uint_eq(family_rds.capabilities(&rule), 0);
	ck_assert_uint_eq(family_alg.capabilities(&rule), 0);
	ck_assert_uint_eq(family_qipcrtr.capabilities(&rule), 0);
	ck_assert_uint_eq(family_smc.capabilities(&rule), 0);
	ck_assert_uint_eq(family_xdp.capabilities(&rule), CAPABILITY(CAP_NET_RAW));
	ck_assert_uint_eq(family_key.capabilities(&rule), CAPABILITY(CAP_NET_ADMIN));
	rule = with_ports(&range, 80, 80);
	ck_assert_uint_eq(family_smc.capabilities(&rule), CAPABILITY(CAP_NET_BIND_SERVICE));
	ck_assert_uint_eq(family_rds.capabilities(&rule), 0);
	ck_assert_uint_eq(family_qipcrtr.capabilities(&rule), CAPABILITY(CAP_NET_ADMIN));
	rule = with_ports(&range, 8080, 8080);
	ck_assert_uint_eq(family_smc.capabilities(&rule), 0);
	rule.deny = true;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		ck_assert_uint_eq(families[i]->capabilities(&rule), 0);
}
END_TEST

START_TEST(rds)
{
	struct policy_query query = query_of(AF_RDS, SOCK_SEQPACKET, 0);
	struct address_prefix prefix;
	struct range range;
	struct rule rule = {0};

	ck_assert(bind_within(&rule, &query, "127.0.0.1:80"));
	ck_assert(bind_within(&rule, &query, "[::1]:4000"));
	ck_assert(open_within(&rule, query, NULL));
	rule = with_ports(&range, 4000, 4001);
	ck_assert(bind_within(&rule, &query, "127.0.0.1:4001"));
	ck_assert(!bind_within(&rule, &query, "127.0.0.1:4002"));
	ck_assert(!bind_within(&rule, &query, "127.0.0.1"));
	ck_assert(!bind_within(&rule, &query, "[::1]:80"));
	ck_assert(!open_within(&rule, query, NULL));
	ck_assert(open_within(&rule, query, "127.0.0.1:4001"));
	rule.deny = true;
	ck_assert_str_eq(bad_key(&family_rds, &rule), "ports");
	ck_assert_int_eq(address_prefix_parse("10.0.0.0/8", &prefix), 0);
	rule = (struct rule){.has_addresses = true, .prefixes = &prefix, .n_prefixes = 1};
	ck_assert(bind_within(&rule, &query, "10.1.2.3:1"));
	ck_assert(!bind_within(&rule, &query, "127.0.0.1:1"));
	ck_assert(bind_within(&rule, &query, "[::ffff:10.1.2.3]:1"));
	ck_assert(!bind_within(&rule, &query, "[::1]:1"));

	struct sockaddr_in in = {.sin_family = AF_UNIX};
	struct wire_step step = {.kind = WIRE_STEP_BIND, .address = &in, .address_size = sizeof in};
	rule = (struct rule){0};
	ck_assert(!family_rds.step_within(&rule, &query, &step, why, sizeof why));
	in.sin_family = AF_INET;
	step.address_size = sizeof in - 1;
	ck_assert(!family_rds.step_within(&rule, &query, &step, why, sizeof why));
	in.sin_family = AF_INET6;
	step.address_size = sizeof in;
	ck_assert(!family_rds.step_within(&rule, &query, &step, why, sizeof why));
	step.address_size = 0;
	ck_assert(!family_rds.step_within(&rule, &query, &step, why, sizeof why));
}
END_TEST

START_TEST(smc_is_judged_as_tcp)
{
	struct policy_query query = query_of(AF_SMC, SOCK_STREAM, 0);
	struct policy_query six = query_of(AF_SMC, SOCK_STREAM, 1);
	struct range range;
	struct rule rule = {0};

	ck_assert(bind_within(&rule, &query, "*:1024"));
	ck_assert(!bind_within(&rule, &query, "*:80"));
	ck_assert(!bind_within(&rule, &six, "[::1]:80"));
	ck_assert(bind_within(&rule, &six, "[::1]:8080"));
	/* Each of its own protocol. */
	ck_assert(!bind_within(&rule, &query, "[::1]:8080"));
	ck_assert(!bind_within(&rule, &six, "127.0.0.1:8080"));
	rule = with_ports(&range, 80, 90);
	ck_assert(bind_within(&rule, &query, "*:80"));
	ck_assert(!bind_within(&rule, &query, "*:8080"));
	ck_assert(!open_within(&rule, query, NULL));
	ck_assert(!open_within(&rule, query, "127.0.0.1"));
	ck_assert(open_within(&rule, query, "127.0.0.1:80"));
	ck_assert(open_within(&rule, six, "[::1]:80"));
	rule.deny = true;
	ck_assert(bind_within(&rule, &query, "*:80"));
	ck_assert(!bind_within(&rule, &query, "*:443"));
	rule = with_ports(&range, 0, 90);
	ck_assert_str_eq(bad_key(&family_smc, &rule), "ports");
}
END_TEST

START_TEST(qipcrtr)
{
	struct policy_query query = query_of(AF_QIPCRTR, SOCK_DGRAM, 0);
	struct range range;
	struct rule rule = {0};

	ck_assert(open_within(&rule, query, NULL));
	ck_assert(bind_within(&rule, &query, "1:0"));
	ck_assert(bind_within(&rule, &query, "1:16384"));
	ck_assert(bind_within(&rule, &query, "1:0x7fffffff"));
	ck_assert(!bind_within(&rule, &query, "1:16383"));
	ck_assert(!bind_within(&rule, &query, "1:0x80000000"));
	ck_assert(!bind_within(&rule, &query, "1:control"));
	rule = with_ports(&range, 100, 110);
	ck_assert(bind_within(&rule, &query, "1:100"));
	ck_assert(!bind_within(&rule, &query, "1:99"));
	ck_assert(bind_within(&rule, &query, "1:20000"));
	ck_assert(open_within(&rule, query, NULL));
	rule.deny = true;
	ck_assert(bind_within(&rule, &query, "1:100"));
	ck_assert(!bind_within(&rule, &query, "1:99"));
	rule = with_ports(&range, UINT32_MAX - 1, UINT32_MAX - 1);
	ck_assert_str_eq(bad_key(&family_qipcrtr, &rule), "");
	ck_assert(bind_within(&rule, &query, "1:control"));
	rule = with_ports(&range, 0, 100);
	ck_assert_str_eq(bad_key(&family_qipcrtr, &rule), "ports");
	rule = with_ports(&range, 16383, 16384);
	ck_assert_str_eq(bad_key(&family_qipcrtr, &rule), "ports");
	rule = with_ports(&range, 0x7fffffff, UINT32_MAX);
	ck_assert_str_eq(bad_key(&family_qipcrtr, &rule), "ports");
}
END_TEST

START_TEST(tipc_and_alg_bind_what_is_theirs)
{
	struct policy_query tipc = query_of(AF_TIPC, SOCK_RDM, 0);
	struct policy_query alg = query_of(AF_ALG, SOCK_SEQPACKET, 0);
	struct sockaddr_tipc address = {.family = AF_TIPC};
	struct wire_step step = {
		.kind = WIRE_STEP_BIND, .address = &address, .address_size = sizeof address - 1};
	struct rule rule = {0}, deny = {.deny = true};

	ck_assert(bind_within(&rule, &tipc, "service:1000:1"));
	ck_assert(!bind_within(&deny, &tipc, "service:1000:1"));
	ck_assert(!family_tipc.step_within(&rule, &tipc, &step, why, sizeof why));
	address.family = AF_ALG;
	step.address_size = sizeof address;
	ck_assert(!family_tipc.step_within(&rule, &tipc, &step, why, sizeof why));
	ck_assert(!family_alg.step_within(&rule, &alg, &step, why, sizeof why));
	ck_assert(bind_within(&rule, &alg, "hash/sha256"));
}
END_TEST

/* Pointers, descriptors, the broker's keyring, and binds in disguise. */
START_TEST(options_that_are_never_passed_on)
{
	struct rule rule = {0};
	unsigned char bytes[64] = {0};
	int number = 1;

	ck_assert(option_within(&rule, AF_ALG, SOL_ALG, ALG_SET_KEY, bytes, 32));
	ck_assert(!option_within(
		&rule, AF_ALG, SOL_ALG, 7 /* ALG_SET_KEY_BY_KEY_SERIAL */, bytes, 4));
	ck_assert(!option_within(&rule, AF_ALG, SOL_ALG, 6 /* ALG_SET_DRBG_ENTROPY */, bytes, 4));
	ck_assert(option_within(&rule, AF_XDP, SOL_XDP, XDP_RX_RING, &number, sizeof number));
	ck_assert(!option_within(&rule, AF_XDP, SOL_XDP, XDP_UMEM_REG, bytes, 32));
	ck_assert(!option_within(&rule, AF_RDS, SOL_RDS, RDS_GET_MR_NUMBER, bytes, 32));
	ck_assert(!option_within(&rule, AF_INET, 132 /* SOL_SCTP */, BINDX_ADD_NUMBER, bytes, 16));
	ck_assert(!option_within(&rule, AF_INET, 132, CONNECTX_NUMBER, bytes, 16));
	ck_assert(option_within(&rule, AF_TIPC, SOL_TIPC, TIPC_IMPORTANCE, &number, sizeof number));
	ck_assert(option_within(&rule, AF_SMC, SOL_SMC_NUMBER, 1, &number, sizeof number));
	ck_assert(!option_within(&rule, AF_TIPC, SOL_SMC_NUMBER, 1, &number, sizeof number));
	/* With the broker's right a mark is not the holder's to set. */
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		ck_assert(!option_within(
			&rule, families[i]->domain, SOL_SOCKET, SO_MARK, &number, sizeof number));
	/* An XDP bind could name a descriptor of the broker's. */
	ck_assert_uint_eq(family_xdp.open_steps, STEP_BIT(WIRE_STEP_OPTION));
	ck_assert_uint_eq(family_xdp.apply_steps, STEP_BIT(WIRE_STEP_OPTION));
}
END_TEST

/* SCTP, DCCP and UDP-Lite are inet's. */
START_TEST(protocols_of_inet)
{
	struct policy_query one = query_of(AF_INET, SOCK_STREAM, 132);
	struct policy_query many = query_of(AF_INET, SOCK_SEQPACKET, 0);
	struct policy_query dccp = query_of(AF_INET, SOCK_DCCP, 33);
	struct policy_query lite = query_of(AF_INET, SOCK_DGRAM, 136);
	struct address_prefix prefix;
	struct range range;
	struct rule rule = {0};

	ck_assert(!bind_within(&rule, &one, "*:80"));
	ck_assert(!bind_within(&rule, &many, "*:80"));
	ck_assert(!bind_within(&rule, &dccp, "*:80"));
	ck_assert(!bind_within(&rule, &lite, "*:80"));
	rule = with_ports(&range, 80, 80);
	ck_assert(bind_within(&rule, &one, "*:80"));
	ck_assert(bind_within(&rule, &many, "*:80"));
	ck_assert(bind_within(&rule, &dccp, "*:80"));
	ck_assert(bind_within(&rule, &lite, "*:80"));
	ck_assert(!open_within(&rule, many, NULL));
	ck_assert_int_eq(address_prefix_parse("10.0.0.0/8", &prefix), 0);
	rule = (struct rule){.has_addresses = true, .prefixes = &prefix, .n_prefixes = 1};
	/* The holder may add addresses to an SCTP socket, not to the others. */
	ck_assert(!bind_within(&rule, &one, "10.0.0.1:8080"));
	ck_assert(!bind_within(&rule, &many, "10.0.0.1:8080"));
	ck_assert(bind_within(&rule, &dccp, "10.0.0.1:8080"));
	ck_assert(bind_within(&rule, &lite, "10.0.0.1:8080"));
}
END_TEST

START_TEST(vsock_denials)
{
	struct policy_query query = query_of(AF_VSOCK, SOCK_STREAM, 0);
	struct sockaddr_vm address = {.svm_family = AF_UNIX, .svm_port = 80};
	struct wire_step step = {
		.kind = WIRE_STEP_BIND, .address = &address, .address_size = sizeof address};
	struct range range;
	struct rule rule = with_ports(&range, 80, 80);

	rule.deny = true;
	ck_assert(bind_within(&rule, &query, "any:80"));
	ck_assert(bind_within(&rule, &query, "1:80"));
	ck_assert(!bind_within(&rule, &query, "any:81"));
	rule.deny = false;
	ck_assert(!family_vsock.step_within(&rule, &query, &step, why, sizeof why));
	address.svm_family = AF_VSOCK;
	ck_assert(family_vsock.step_within(&rule, &query, &step, why, sizeof why));
	step.address_size--;
	ck_assert(!family_vsock.step_within(&rule, &query, &step, why, sizeof why));
}
END_TEST

/* Its holder would bind it to any. */
START_TEST(vsock_is_opened_bound)
{
	static struct range ports[] = {{5000, 5000}};
	static char *cids[] = {"local"};
	const struct policy_query query = query_of(AF_VSOCK, SOCK_STREAM, 0);
	struct rule rule = {0};

	ck_assert(open_within(&rule, query, NULL));
	rule.has_ports = true;
	rule.ports = (struct ranges){ports, 1};
	ck_assert(!open_within(&rule, query, NULL));
	ck_assert(open_within(&rule, query, "1:5000"));
	rule.has_ports = false;
	rule.has_addresses = true;
	rule.address_patterns = (struct names){cids, 1};
	ck_assert(!open_within(&rule, query, NULL));
	ck_assert(open_within(&rule, query, "1:5000"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("family-more");
	TCase *tests = tcase_create("families");

	tcase_add_test(tests, each_has_a_file);
	tcase_add_test(tests, keys_that_cannot_be_kept);
	tcase_add_test(tests, capabilities);
	tcase_add_test(tests, rds);
	tcase_add_test(tests, smc_is_judged_as_tcp);
	tcase_add_test(tests, qipcrtr);
	tcase_add_test(tests, tipc_and_alg_bind_what_is_theirs);
	tcase_add_test(tests, options_that_are_never_passed_on);
	tcase_add_test(tests, protocols_of_inet);
	tcase_add_test(tests, vsock_denials);
	tcase_add_test(tests, vsock_is_opened_bound);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
