/*
 * The index finds exactly the rules that a scan of all of them finds, over random rules and
 * requests of a fixed seed.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/policy/index.h"
#include "proto/macro.h"
#include "tests/suite.h"

#define RULES 400u
#define REQUESTS 500u
#define POLICIES 8u
#define SMALL_ID 40u /* few users and groups, so that most requests find something */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 16) % n);
}

static const int domains[] = {AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, AF_PACKET, AF_VSOCK};
static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
static const int protocols[] = {0, 1, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, 16, PF_VSOCK};

static void random_numbers(int **items, size_t *n, const int *from, size_t n_from, uint32_t least)
{
	*n = least + random_below(3);
	*items = calloc(*n + 1, sizeof(**items));
	for (size_t i = 0; i < *n; i++)
		(*items)[i] = from[random_below((uint32_t)n_from)];
}

static void random_ids(struct ranges *ids)
{
	for (uint32_t n = random_below(3); n > 0; n--) {
		static const uint32_t widths[] = {1, 2, 10, 64, 65, 1000, 3000000000u};
		uint32_t first = random_below(SMALL_ID);
		uint32_t width = widths[random_below(ARRAY_SIZE(widths))];

		ck_assert_int_eq(ranges_add(ids, first, first + width - 1), 0);
	}
	ranges_normalize(ids);
}

static void random_rule(struct rule *rule)
{
	*rule = (struct rule){.deny = random_below(4) == 0, .any_peer = random_below(16) == 0};
	if (!rule->any_peer) {
		random_ids(&rule->uids);
		random_ids(&rule->gids);
	}
	random_numbers(&rule->families, &rule->n_families, domains, ARRAY_SIZE(domains), 1);
	random_numbers(&rule->types, &rule->n_types, types, ARRAY_SIZE(types), 0);
	random_numbers(&rule->protocols, &rule->n_protocols, protocols, ARRAY_SIZE(protocols), 0);
}

/* --- the plain scan: said again in the plainest words --- */

static int usual(int domain, int type)
{
	if (domain != AF_INET && domain != AF_INET6)
		return 0;
	return type == SOCK_STREAM	? IPPROTO_TCP
	       : type == SOCK_DGRAM	? IPPROTO_UDP
	       : type == SOCK_SEQPACKET ? IPPROTO_SCTP
					: 0;
}

static bool same_type(int domain, int a, int b)
{
	if (domain == AF_NETLINK || domain == AF_UNIX) {
		int alike = domain == AF_NETLINK ? SOCK_RAW : SOCK_DGRAM;
		int other = domain == AF_NETLINK ? SOCK_DGRAM : SOCK_RAW;
		a = a == other ? alike : a;
		b = b == other ? alike : b;
	}
	return a == b;
}

static bool same_protocol(int domain, int type, int a, int b)
{
	if (domain == AF_UNIX) {
		a = a == PF_UNIX ? 0 : a;
		b = b == PF_UNIX ? 0 : b;
	}
	if (domain == AF_VSOCK) {
		a = a == PF_VSOCK ? 0 : a;
		b = b == PF_VSOCK ? 0 : b;
	}
	return (a ? a : usual(domain, type)) == (b ? b : usual(domain, type));
}

static bool scan_matches(const struct rule *rule, const struct policy_subject *subject,
	const struct policy_query *query)
{
	int protocol =
		query->domain == AF_PACKET ? ntohs((uint16_t)query->protocol) : query->protocol;
	bool peer = rule->any_peer || ranges_contain(&rule->uids, subject->uid) ||
		    ranges_contain(&rule->gids, subject->gid);
	bool family = false, type = rule->n_types == 0, same = rule->n_protocols == 0;

	for (size_t i = 0; i < subject->n_groups; i++)
		peer = peer || ranges_contain(&rule->gids, subject->groups[i]);
	for (size_t i = 0; i < rule->n_families; i++)
		family = family || rule->families[i] == query->domain;
	for (size_t i = 0; i < rule->n_types; i++)
		type = type || same_type(query->domain, rule->types[i], query->type);
	for (size_t i = 0; i < rule->n_protocols; i++)
		same = same ||
		       same_protocol(query->domain, query->type, rule->protocols[i], protocol);
	return peer && family && type && same;
}

static void mark(size_t rule, void *data)
{
	((bool *)data)[rule] = true;
}

START_TEST(test_same_as_a_scan)
{
	static struct rule rules[RULES];
	struct rule_index *index[2];
	size_t found_in_all = 0;

	random_state = UINT64_C(0x853c49e6748fea9b) + (uint64_t)_i;
	for (size_t i = 0; i < RULES; i++)
		random_rule(&rules[i]);
	for (size_t deny = 0; deny < 2; deny++)
		ck_assert_int_eq(rule_index_new(rules, RULES, deny, &index[deny]), 0);

	for (size_t n = 0; n < REQUESTS; n++) {
		gid_t groups[3];
		struct policy_subject subject = {.uid = random_below(SMALL_ID * 3),
			.gid = random_below(SMALL_ID * 3),
			.groups = groups,
			.n_groups = random_below(4)};
		struct policy_query query = {.domain = domains[random_below(ARRAY_SIZE(domains))],
			.type = types[random_below(ARRAY_SIZE(types))],
			.protocol = protocols[random_below(ARRAY_SIZE(protocols))]};
		bool found[2][RULES] = {0};

		if (random_below(50) == 0)
			subject.uid = UINT32_MAX - random_below(2);
		for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
			groups[i] = random_below(2000);
		if (query.domain == AF_PACKET)
			query.protocol = htons((uint16_t)query.protocol);
		struct socket_kind kind = socket_kind_of_query(&query);
		for (size_t deny = 0; deny < 2; deny++)
			rule_index_each(index[deny], &subject, &kind, mark, found[deny]);
		for (size_t i = 0; i < RULES; i++) {
			bool matches = scan_matches(&rules[i], &subject, &query);
			found_in_all += matches;
			ck_assert_msg(found[rules[i].deny][i] == matches,
				"request %zu (domain %d type %d protocol %d uid %u), rule %zu: %s",
				n, query.domain, query.type, query.protocol, subject.uid, i,
				matches ? "not found" : "found");
			ck_assert(!found[!rules[i].deny][i]);
		}
	}
	ck_assert_uint_gt(found_in_all, REQUESTS); /* else nothing was tested */
	for (size_t deny = 0; deny < 2; deny++)
		rule_index_free(index[deny]);
	for (size_t i = 0; i < RULES; i++)
		rule_done(&rules[i]);
}
END_TEST

static void count(size_t rule _unused_, void *data)
{
	++*(size_t *)data;
}

/* An inet socket of type SOCK_PACKET is a packet socket: rules for inet do not speak of it. */
START_TEST(test_packet_by_its_old_name)
{
	int inet = AF_INET, packet = AF_PACKET;
	struct rule rules[] = {
		{.any_peer = true, .families = &inet, .n_families = 1},
		{.any_peer = true, .families = &packet, .n_families = 1, .deny = true},
	};
	struct policy_subject subject = {.uid = 1};
	struct policy_query query = {
		.domain = AF_INET, .type = SOCK_PACKET, .protocol = htons(0x0003)};
	struct socket_kind kind = socket_kind_of_query(&query);
	size_t n[2] = {0};

	ck_assert_int_eq(kind.domain, AF_PACKET);
	ck_assert_int_eq(kind.protocol, 3);
	for (size_t deny = 0; deny < 2; deny++) {
		struct rule_index *index;
		ck_assert_int_eq(rule_index_new(rules, 2, deny, &index), 0);
		rule_index_each(index, &subject, &kind, count, &n[deny]);
		rule_index_free(index);
	}
	ck_assert_uint_eq(n[0], 0);
	ck_assert_uint_eq(n[1], 1);
}
END_TEST

/* Ten thousand rules for as many users: each request is shown its own rule and no other. */
START_TEST(test_ten_thousand_of_one_kind)
{
	enum { N = 10000 };
	struct rule *rules = calloc(N, sizeof(*rules));
	struct range *ranges = calloc(N, sizeof(*ranges));
	int inet = AF_INET;
	struct rule_index *index;
	uint32_t width = _i ? 100 : 3; /* spread over the hash, or kept as ranges */

	ck_assert(rules && ranges);
	for (uint32_t i = 0; i < N; i++) {
		ranges[i] = (struct range){i * width, i * width + width - 1};
		rules[i] = (struct rule){
			.families = &inet, .n_families = 1, .uids = {.items = &ranges[i], .n = 1}};
	}
	/* one that spans all must not make the search walk through all */
	ranges[N / 2] = (struct range){0, UINT32_MAX - 1};
	ck_assert_int_eq(rule_index_new(rules, N, false, &index), 0);
	for (uint32_t uid = 0; uid < N * width; uid += 7) {
		struct policy_subject subject = {.uid = uid};
		struct policy_query query = {.domain = AF_INET, .type = SOCK_STREAM};
		struct socket_kind kind = socket_kind_of_query(&query);
		size_t n = 0;

		rule_index_each(index, &subject, &kind, count, &n);
		ck_assert_uint_eq(n, uid / width == N / 2 ? 1 : 2);
	}
	rule_index_free(index);
	free(rules);
	free(ranges);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy-index");
	TCase *tests = tcase_create("index");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_same_as_a_scan, 0, POLICIES);
	tcase_add_test(tests, test_packet_by_its_old_name);
	tcase_add_loop_test(tests, test_ten_thousand_of_one_kind, 0, 2);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
