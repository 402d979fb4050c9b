/* CAN: identifiers of a policy, the filter as the kernel runs it, and what a rule gives. */
#include <check.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/can/j1939.h>
#include <linux/can/raw.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/can-filter.h"
#include "daemon/family/family.h"
#include "proto/address.h"
#include "tests/random.h"
#include "tests/suite.h"
#include "tests/unit/policy-fixture.h"

#define ROUNDS 400

static struct fixture fixture;
static void setup(void)
{
	fixture_make(&fixture);
}

static void teardown(void)
{
	fixture_remove(&fixture);
}

/* --- identifiers of a policy --- */

static struct policy *load(const char *keys)
{
	char text[1024];

	snprintf(text, sizeof text,
		"{\"rules\": [{\"name\": \"r\", \"peers\": \"any\", \"family\": \"can\", %s}]}",
		keys);
	return fixture_policy(&fixture, text);
}

static const char *load_error(const char *keys)
{
	struct policy *policy = NULL;
	char text[1024];

	snprintf(text, sizeof text,
		"{\"rules\": [{\"name\": \"r\", \"peers\": \"any\", \"family\": \"can\", %s}]}",
		keys);
	fixture_write(&fixture, "p.json", text);
	ck_assert_msg(fixture_load(&fixture, &policy) == -EINVAL, "loaded: %s", keys);
	return fixture.errors;
}

static void assert_said(const char *keys, const char *words)
{
	const char *errors = load_error(keys);

	ck_assert_msg(strstr(errors, words), "%s: no \"%s\" in %s", keys, words, errors);
}

/* The rule's way to a policy_query: the decision of a socket of this protocol. */
static bool decide(struct policy *policy, int protocol, struct wire_step *steps, size_t n,
	struct policy_decision *ret)
{
	const struct policy_subject subject = {.uid = 1000, .gid = 1000, .listener = "default"};
	const struct policy_query query = {.domain = AF_CAN,
		.type = protocol == CAN_RAW ? SOCK_RAW : SOCK_DGRAM,
		.protocol = protocol,
		.steps = steps,
		.n_steps = n,
		.fd = -1};

	policy_decide(policy, &subject, &query, ret);
	return ret->allowed;
}

START_TEST(listed_identifiers)
{
	static const struct {
		canid_t identifier;
		bool listed;
	} cases[] = {
		{4, false},
		{5, true},
		{6, true},
		{7, false},
		{0xff, false},
		{0x100, true},
		{0x10f, true},
		{0x110, false},
		{0x200, true},
		{0x20f, true},
		{0x210, false},
		{0x7ff, false},
		{0x800, false},
		{5 | CAN_EFF_FLAG, true},
		{6 | CAN_EFF_FLAG, false},
		{0x100 | CAN_EFF_FLAG, false},
		{0x18fef1ab | CAN_EFF_FLAG, true},
		{0x18fef2ab | CAN_EFF_FLAG, false},
		{0x10000000 | CAN_EFF_FLAG, true},
		{0x10000002 | CAN_EFF_FLAG, false},
		{5 | CAN_RTR_FLAG, false},
		{5 | CAN_ERR_FLAG, false},
	};
	struct policy_decision decision;
	struct policy *policy = load("\"protocol\": \"raw\", \"mark\": 7, \"identifiers\": [5, "
				     "\"0x100-0x10f\", \"0x20f/0x7f0\", \"0x00000005\", \"6\", "
				     "\"0x18fef100/0x1fffff00\", \"0x10000000-0x10000001\"]");

	ck_assert(decide(policy, CAN_RAW, NULL, 0, &decision));
	ck_assert_ptr_nonnull(decision.limits);
	ck_assert(decision.has_mark);
	ck_assert_uint_eq(decision.mark, 7);
	ck_assert(policy_capabilities(policy) == UINT64_C(1) << CAP_NET_RAW);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(identifiers_contain(decision.limits->identifiers,
				      cases[i].identifier) == cases[i].listed,
			"%x", cases[i].identifier);
	policy_unref(policy);
}
END_TEST

START_TEST(rules_that_are_refused)
{
	static const char *const bad_identifiers[] = {"2048", "-1", "1.5", "null", "[]", "\"\"",
		"\"0x\"", "\"0x800\"", "\"0x1234\"", "\"0x20000000\"", "\"0x123456789\"", "\"any\"",
		"\"5-\"", "\"-5\"", "\"6-5\"", "\"0x005-0x00000006\"", "\"5/\"", "\"5/0x00000007\"",
		"\"5/6/7\"", "\"2048\"", "{\"a\": 1}"};
	char keys[200];

	for (size_t i = 0; i < ARRAY_SIZE(bad_identifiers); i++) {
		snprintf(keys, sizeof keys,
			"\"protocol\": \"raw\", \"mark\": 7, \"identifiers\": %s",
			bad_identifiers[i]);
		(void)load_error(keys);
	}
	assert_said("\"protocol\": \"raw\", \"mark\": 7, \"identifiers\": \"0x1234\"",
		"\"0x1234\" is no identifier; give a standard identifier");
	assert_said("\"protocol\": \"raw\", \"mark\": 7, \"identifiers\": \"6-5\"",
		"ends before it begins");
	assert_said("\"direction\": \"in\"", "\"receive\", \"send\" or \"both\"");
	assert_said("\"mark\": 0", "out of range");

	/* What nothing would hold. */
	assert_said("\"protocol\": \"raw\", \"identifiers\": 5", "add \"mark\"");
	assert_said("\"protocol\": \"raw\", \"interfaces\": \"vcan0\"", "add \"mark\"");
	assert_said("\"protocol\": \"raw\", \"direction\": \"receive\"", "add \"mark\"");
	assert_said("\"interfaces\": \"vcan0\"", "add \"mark\"");
	assert_said("\"protocol\": \"bcm\", \"identifiers\": 5", "BCM socket may send other");
	assert_said("\"protocol\": \"j1939\", \"identifiers\": 5", "J1939 socket may send other");
	assert_said("\"protocol\": [\"isotp\", \"bcm\"], \"identifiers\": 5", "BCM socket");
	assert_said("\"protocol\": \"isotp\", \"direction\": \"receive\"", "keeps the holder");
	assert_said("\"protocol\": \"j1939\", \"direction\": \"receive\"", "keeps the holder");
	assert_said("\"protocol\": \"bcm\", \"mark\": 5", "only raw ones");
	assert_said("\"protocol\": 3, \"interfaces\": \"vcan0\"", "CAN protocol 3");
	assert_said("\"protocol\": \"raw\", \"mark\": 5, \"options\": {\"SO_MARK\": 6}",
		"the holder could change the mark");
	assert_said("\"ports\": 5", "cannot limit can sockets by \"ports\"");
	assert_said("\"effect\": \"deny\", \"identifiers\": 5", "denying some cannot be kept");
	assert_said("\"effect\": \"deny\", \"interfaces\": \"vcan0\"", "cannot be kept");
	assert_said("\"effect\": \"deny\", \"direction\": \"send\"", "cannot be kept");
	assert_said("\"effect\": \"deny\", \"mark\": 5", "has no mark");
}
END_TEST

START_TEST(keys_of_other_families)
{
	struct policy *policy = NULL;

	fixture_write(&fixture, "p.json",
		"{\"rules\": [\n{\"name\": \"r\", \"peers\": \"any\", \"family\": \"packet\", "
		"\"identifiers\": 5},\n{\"name\": \"s\", \"peers\": \"any\", \"family\": [\"can\", "
		"\"inet\"], \"direction\": \"send\"}]}");
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_str_eq(fixture.errors,
		"p.json:2:51: rule r: \"identifiers\" is for family can alone; give it a rule of "
		"its own\n"
		"p.json:3:58: rule s: \"direction\" is for family can alone; give it a rule of its "
		"own\n");
}
END_TEST

/* --- what a rule gives --- */

static struct wire_step step_of(
	enum wire_step_kind kind, const char *text, struct sockaddr_can *storage, const char *name)
{
	struct sockaddr_storage address;
	socklen_t size;

	ck_assert_msg(address_parse(AF_CAN, text, &address, &size) == 0, "%s", text);
	memcpy(storage, &address, sizeof *storage);
	return (struct wire_step){
		.kind = kind,
		.address = storage,
		.address_size = sizeof *storage,
		.data = name,
		.data_size = name ? strlen(name) : 0,
	};
}

START_TEST(raw_sockets)
{
	struct policy *policy =
		load("\"protocol\": \"raw\", \"mark\": 7, \"interfaces\": [\"vcan0\", \"vcan1\"]");
	struct policy_decision decision;
	struct sockaddr_can address;
	struct wire_step step = step_of(WIRE_STEP_BIND, "0", &address, "vcan1");
	struct sock_filter pass = {.code = BPF_RET | BPF_K, .k = 1};
	struct wire_step filter = {
		.kind = WIRE_STEP_FILTER, .data = &pass, .data_size = sizeof pass};

	ck_assert(decide(policy, CAN_RAW, NULL, 0, &decision));
	ck_assert(decide(policy, CAN_RAW, &step, 1, &decision));
	ck_assert(!decide(policy, CAN_BCM, NULL, 0, &decision));
	ck_assert(!decide(policy, CAN_RAW, &filter, 1, &decision));
	ck_assert(strstr(decision.reason, "leave the filter step out"));
	step.data = "vcan2";
	ck_assert(!decide(policy, CAN_RAW, &step, 1, &decision));
	ck_assert(strstr(decision.reason, "interface vcan2 is not in the rule's"));
	ck_assert(strstr(decision.reason, "--bind=vcan2"));
	address.can_ifindex = 3;
	step.data = "vcan0";
	ck_assert(!decide(policy, CAN_RAW, &step, 1, &decision));
	address.can_ifindex = 0;
	ck_assert(decide(policy, CAN_RAW, &step, 1, &decision));
	address.can_family = AF_PACKET;
	ck_assert(!decide(policy, CAN_RAW, &step, 1, &decision));
	address.can_family = AF_CAN;
	for (step.address_size = 2; step.address_size < 8; step.address_size++)
		ck_assert(!decide(policy, CAN_RAW, &step, 1, &decision));
	policy_unref(policy);

	policy = load("\"protocol\": \"raw\", \"mark\": 7, \"interfaces\": \"vcan*\"");
	ck_assert(!decide(policy, CAN_RAW, NULL, 0, &decision));
	ck_assert(decide(policy, CAN_RAW, &step, 1, &decision));
	policy_unref(policy);
}
END_TEST

START_TEST(bound_sockets)
{
	struct policy *policy = load("\"protocol\": [\"isotp\", \"bcm\", \"j1939\"], "
				     "\"interfaces\": \"vcan0\"");
	struct policy_decision decision;
	struct sockaddr_can address, other;
	struct wire_step isotp = step_of(WIRE_STEP_BIND, "0/rx=0x123/tx=0x124", &address, "vcan0");
	struct wire_step bcm = step_of(WIRE_STEP_CONNECT, "0", &other, "vcan0");

	ck_assert(!decide(policy, CAN_ISOTP, NULL, 0, &decision));
	ck_assert(!decide(policy, CAN_J1939, NULL, 0, &decision));
	ck_assert(!decide(policy, CAN_BCM, NULL, 0, &decision));
	ck_assert(decide(policy, CAN_ISOTP, &isotp, 1, &decision));
	ck_assert(decide(policy, CAN_J1939, &isotp, 1, &decision));
	ck_assert(!decide(policy, CAN_BCM, &isotp, 1, &decision));
	ck_assert(decide(policy, CAN_BCM, &bcm, 1, &decision));
	bcm.data = "vcan1";
	ck_assert(!decide(policy, CAN_BCM, &bcm, 1, &decision));
	policy_unref(policy);

	policy = load("\"protocol\": \"isotp\", \"identifiers\": [\"0x123\", \"0x124\"]");
	ck_assert(!decide(policy, CAN_ISOTP, NULL, 0, &decision));
	ck_assert(decide(policy, CAN_ISOTP, &isotp, 1, &decision));
	address.can_addr.tp.tx_id = 0x124 | CAN_EFF_FLAG;
	ck_assert(!decide(policy, CAN_ISOTP, &isotp, 1, &decision));
	ck_assert(strstr(decision.reason, "the sending identifier 0x00000124 is not"));
	address.can_addr.tp.tx_id = 0x124;
	address.can_addr.tp.rx_id = 0x125;
	ck_assert(!decide(policy, CAN_ISOTP, &isotp, 1, &decision));
	isotp.address_size = 8;
	ck_assert(!decide(policy, CAN_ISOTP, &isotp, 1, &decision));
	policy_unref(policy);

	/* Without limits the holder may do all that the kernel lets it. */
	policy = load("\"protocol\": [\"raw\", \"isotp\", \"bcm\", \"j1939\"]");
	ck_assert(decide(policy, CAN_ISOTP, NULL, 0, &decision));
	ck_assert(decide(policy, CAN_RAW, NULL, 0, &decision));
	ck_assert(!decision.has_mark);
	ck_assert(policy_capabilities(policy) == 0);
	policy_unref(policy);
}
END_TEST

/* --- the filter, run by the kernel --- */

struct rig {
	int in, out;
};

static struct rig rig_make(const struct can_bounds *bounds)
{
	static struct sock_filter program[CAN_FILTER_MAX];
	struct sock_fprog attached = {.filter = program};
	int pair[2];

	attached.len = (unsigned short)can_filter_build(bounds, program);
	ck_assert_uint_le(attached.len, CAN_FILTER_MAX);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(
		setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached), 0);
	return (struct rig){pair[0], pair[1]};
}

static void rig_done(struct rig *rig)
{
	close(rig->in);
	close(rig->out);
}

/* Does it get through, and whole? */
static bool passes(const struct rig *rig, const void *frame, size_t size)
{
	unsigned char buffer[4096];

	ck_assert_int_eq(send(rig->in, frame, size, 0), (ssize_t)size);
	ssize_t n = recv(rig->out, buffer, sizeof buffer, MSG_DONTWAIT);
	if (n < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		return false;
	}
	ck_assert_int_eq(n, (ssize_t)size);
	ck_assert_mem_eq(buffer, frame, size);
	return true;
}

static bool classic_passes(const struct rig *rig, canid_t identifier)
{
	struct can_frame frame = {.can_id = identifier, .can_dlc = 8, .data = "abcdefg"};
	struct canfd_frame fd = {.can_id = identifier, .len = 64, .flags = 1};
	bool passed = passes(rig, &frame, sizeof frame);

	ck_assert_int_eq(passes(rig, &fd, sizeof fd), passed);
	return passed;
}

/* struct canxl_frame, which not every header has yet: priority and VCID, flags, type, length, ...
 */
static bool xl_passes(const struct rig *rig, uint32_t priority)
{
	unsigned char frame[12 + 100] = {0};
	uint16_t length = 100;

	memcpy(frame, &priority, sizeof priority);
	frame[4] = 0x80;
	memcpy(frame + 6, &length, sizeof length);
	return passes(rig, frame, sizeof frame);
}

START_TEST(filter_by_identifiers)
{
	struct range standard[] = {{0x100, 0x10f}, {0x123, 0x123}}, extended[] = {{5, 5}};
	struct identifier_mask masks[] = {{0x18fef100, 0x1fffff00, true}, {0x300, 0x700, false}};
	struct identifiers identifiers = {
		.standard = {standard, 2},
		.extended = {extended, 1},
		.masks = masks,
		.n_masks = 2,
	};
	struct can_bounds bounds = {.identifiers = &identifiers};
	struct rig rig = rig_make(&bounds);

	ck_assert(classic_passes(&rig, 0x100));
	ck_assert(classic_passes(&rig, 0x10f));
	ck_assert(classic_passes(&rig, 0x123));
	ck_assert(classic_passes(&rig, 0x123 | CAN_RTR_FLAG));
	ck_assert(classic_passes(&rig, 0x3ab));
	ck_assert(classic_passes(&rig, 0x18fef1cd | CAN_EFF_FLAG));
	ck_assert(classic_passes(&rig, 5 | CAN_EFF_FLAG));
	ck_assert(!classic_passes(&rig, 0x110));
	ck_assert(!classic_passes(&rig, 0x0ff));
	ck_assert(!classic_passes(&rig, 5));
	ck_assert(!classic_passes(&rig, 0x123 | CAN_EFF_FLAG));
	ck_assert(!classic_passes(&rig, 0x3ab | CAN_EFF_FLAG));
	ck_assert(!classic_passes(&rig, 0x123 | CAN_ERR_FLAG));
	ck_assert(!classic_passes(&rig, 0x123 | CAN_ERR_FLAG | CAN_EFF_FLAG));
	/* The same bytes, read the other way round. */
	ck_assert(!classic_passes(&rig, __builtin_bswap32(0x123)));
	ck_assert(xl_passes(&rig, 0x123));
	ck_assert(xl_passes(&rig, 0x123 | 0xab << 16));
	ck_assert(!xl_passes(&rig, 0x124));
	ck_assert(xl_passes(&rig, 0x123 | CAN_ERR_FLAG)); /* no flags, but reserved */
	for (size_t size = 1; size < 5; size++)
		ck_assert(!passes(&rig, "\x23\x01\0\0", size));
	rig_done(&rig);

	identifiers.errors = true;
	rig = rig_make(&bounds);
	ck_assert(classic_passes(&rig, 0x7 | CAN_ERR_FLAG));
	ck_assert(!classic_passes(&rig, 0x7));
	rig_done(&rig);

	bounds = (struct can_bounds){.nothing = true, .identifiers = &identifiers};
	rig = rig_make(&bounds);
	ck_assert(!classic_passes(&rig, 0x123));
	rig_done(&rig);

	/* Datagrams of AF_UNIX come from no interface at all. */
	bounds = (struct can_bounds){.interfaces = (int[]){1, 2, 3}, .n_interfaces = 3};
	rig = rig_make(&bounds);
	ck_assert(!classic_passes(&rig, 0x123));
	rig_done(&rig);
}
END_TEST

/* The kernel's verdict is that of identifiers_contain(). */
START_TEST(filter_is_what_the_list_says)
{
	for (int i = 0; i < ROUNDS / 10; i++) {
		struct identifiers list = {0};
		struct identifier_mask masks[8];
		size_t n = random_number() % 100;

		for (size_t j = 0; j < n; j++) {
			bool extended = random_number() % 2;
			uint32_t most = extended ? CAN_EFF_MASK : CAN_SFF_MASK;
			uint32_t first = random_number() & most;
			uint32_t last = MIN_OF(first + random_number() % 64, most);
			ck_assert_int_eq(
				ranges_add(extended ? &list.extended : &list.standard, first, last),
				0);
		}
		ranges_normalize(&list.standard);
		ranges_normalize(&list.extended);
		list.masks = masks;
		list.n_masks = random_number() % 8;
		for (size_t j = 0; j < list.n_masks; j++) {
			bool extended = random_number() % 2;
			uint32_t mask = random_number() & random_number() &
					(extended ? CAN_EFF_MASK : CAN_SFF_MASK);
			masks[j] = (struct identifier_mask){random_number() & mask, mask, extended};
		}
		struct can_bounds bounds = {.identifiers = &list};
		struct rig rig = rig_make(&bounds);
		for (int j = 0; j < ROUNDS; j++) {
			bool extended = random_number() % 2;
			canid_t identifier = random_number() & CAN_SFF_MASK;
			const struct ranges *ranges = extended ? &list.extended : &list.standard;
			if (extended)
				identifier = (random_number() & CAN_EFF_MASK) | CAN_EFF_FLAG;
			if (ranges->n > 0 && random_number() % 2) {
				const struct range *range =
					&ranges->items[random_number() % ranges->n];
				identifier =
					(random_number() % 2 ? range->last + 1
							     : range->first - random_number() % 2) &
					(extended ? CAN_EFF_MASK : CAN_SFF_MASK);
				identifier |= extended ? CAN_EFF_FLAG : 0;
			}
			ck_assert_msg(classic_passes(&rig, identifier) ==
					      identifiers_contain(&list, identifier),
				"round %d: %x", i, identifier);
		}
		rig_done(&rig);
		ranges_done(&list.standard);
		ranges_done(&list.extended);
	}
}
END_TEST

START_TEST(the_largest_filter_is_taken)
{
	static struct identifier_mask masks[IDENTIFIERS_MAX];
	static int interfaces[CAN_FILTER_INTERFACES_MAX];
	static struct range ranges[IDENTIFIERS_MAX];
	struct identifiers list = {.masks = masks, .n_masks = ARRAY_SIZE(masks)};
	struct identifiers other = {.standard = {ranges, ARRAY_SIZE(ranges)}};
	struct can_bounds bounds = {.interfaces = interfaces,
		.n_interfaces = ARRAY_SIZE(interfaces),
		.identifiers = &list};

	for (uint32_t i = 0; i < IDENTIFIERS_MAX; i++) {
		masks[i] = (struct identifier_mask){i * 4, 0x7fc, i % 2};
		ranges[i] = (struct range){i * 4, i * 4 + 1};
	}
	struct rig rig = rig_make(&bounds);
	rig_done(&rig);
	bounds.identifiers = &other;
	rig = rig_make(&bounds);
	rig_done(&rig);
	bounds.n_interfaces = 0;
	rig = rig_make(&bounds);
	ck_assert(classic_passes(&rig, 255 * 4 + 1));
	ck_assert(!classic_passes(&rig, 255 * 4 + 2));
	rig_done(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("can");
	TCase *tests = tcase_create("can");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, listed_identifiers);
	tcase_add_test(tests, rules_that_are_refused);
	tcase_add_test(tests, keys_of_other_families);
	tcase_add_test(tests, raw_sockets);
	tcase_add_test(tests, bound_sockets);
	tcase_add_test(tests, filter_by_identifiers);
	tcase_add_test(tests, filter_is_what_the_list_says);
	tcase_add_test(tests, the_largest_filter_is_taken);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
