/*
 * The wire format: every limit holds on both sides of it, and every field is checked.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/wire-material.h"

START_TEST(header_fields_are_checked)
{
	static struct wire_request request;
	struct wire_header seen;

	random_request((enum wire_verb)_i, &request);
	size_t size = encode(&request);
	struct wire_header good = *header();

	header()->magic ^= 1;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	*header() = good;

	static const uint16_t versions[] = {0, WIRE_VERSION + 1, 0x100, 0xffff};
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		header()->version = versions[i];
		ck_assert_int_eq(decode_exact(packet, size), -EPROTONOSUPPORT);
		ck_assert(wire_peek_header(packet, size, &seen));
		ck_assert_uint_eq(seen.version, versions[i]);
		ck_assert_uint_eq(seen.serial, good.serial);
	}
	*header() = good;

	static const uint16_t verbs[] = {
		0, WIRE_VERB_LAST + 1, 0x7fff, WIRE_REPLY, WIRE_REPLY | WIRE_OPEN, 0xffff};
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		header()->verb = verbs[i];
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	}
	*header() = good;

	const uint32_t sizes[] = {0, 1, (uint32_t)sizeof(struct wire_header) - 1,
		(uint32_t)size - 1, (uint32_t)size + 1, (uint32_t)size + 8, 0x80000000u,
		0xffffffffu};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		header()->size = sizes[i];
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	}
	*header() = good;

	bool may_ask = _i == WIRE_OPEN || _i == WIRE_APPLY;
	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t flag = UINT32_C(1) << bit;
		bool known = may_ask && flag == WIRE_REQUEST_ASK;

		header()->flags = flag;
		ck_assert_int_eq(decode_exact(packet, size), known ? 0 : -EBADMSG);
		header()->flags = flag | WIRE_REQUEST_ASK;
		ck_assert_int_eq(decode_exact(packet, size), known ? 0 : -EBADMSG);
		request.flags = flag;
		ssize_t encoded =
			wire_encode_request(&request, packet + size, sizeof(packet) - size);
		ck_assert_int_eq(encoded, known ? (ssize_t)size : -EINVAL);
	}
	*header() = good;
	ck_assert_int_eq(decode_exact(packet, size), 0);
}
END_TEST

START_TEST(reserved_fields_must_be_zero)
{
	static struct wire_request request;

	random_request(WIRE_HELLO, &request);
	size_t size = encode(&request);
	((struct wire_hello *)(packet + sizeof(struct wire_header)))->reserved = 1;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);

	random_request(WIRE_OPEN, &request);
	size = encode(&request);
	open_body()->reserved = 0x80000000u;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);

	random_request(WIRE_APPLY, &request);
	size = encode(&request);
	((struct wire_apply *)(packet + sizeof(struct wire_header)))->reserved = 1;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
}
END_TEST

START_TEST(counts_have_limits)
{
	static struct wire_request request;
	size_t size;
	static const uint32_t bad[] = {0, WIRE_COUNT_MAX + 1, 0x7fffffff, 0x80000000u, 0xffffffffu};

	open_request(&request);
	request.count = WIRE_COUNT_MAX;
	size = encode(&request);
	ck_assert_int_eq(decode_exact(packet, size), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		open_body()->count = bad[i];
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
		request.count = bad[i];
		ck_assert_int_eq(wire_encode_request(&request, packet + 8192, 8192), -EINVAL);
	}
}
END_TEST

START_TEST(step_numbers_have_limits)
{
	static struct wire_request request;
	size_t size;

	open_request(&request);
	request.n_steps = WIRE_STEPS_MAX;
	for (size_t i = 0; i < WIRE_STEPS_MAX; i++)
		request.steps[i] = option_step(4);
	size = encode(&request);
	ck_assert_int_eq(decode_exact(packet, size), 0);

	request.n_steps = WIRE_STEPS_MAX + 1;
	ck_assert_int_eq(wire_encode_request(&request, material, sizeof(material)), -EINVAL);

	/* One more step really there, one claimed that is not there, one there that is not claimed.
	 */
	struct wire_step_header *step = first_open_step();
	size_t step_size = step->size;
	memcpy(packet + size, step, step_size);
	open_body()->n_steps = WIRE_STEPS_MAX + 1;
	header()->size = (uint32_t)(size + step_size);
	ck_assert_int_eq(decode_exact(packet, size + step_size), -EBADMSG);
	header()->size = (uint32_t)size;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	open_body()->n_steps = WIRE_STEPS_MAX - 1;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	open_body()->n_steps = 0xffffffffu;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	open_body()->n_steps = WIRE_STEPS_MAX;
	ck_assert_int_eq(decode_exact(packet, size), 0);
}
END_TEST

static void check_step_limit(struct wire_step within, struct wire_step beyond)
{
	static struct wire_request request;

	open_request(&request);
	request.n_steps = 1;
	request.steps[0] = within;
	ck_assert_int_eq(decode_exact(packet, encode(&request)), 0);
	request.steps[0] = beyond;
	ck_assert_int_eq(wire_encode_request(&request, packet, sizeof(packet)), -EINVAL);
}

/* A bind or connect step that names its interface. */
static struct wire_step named_step(enum wire_step_kind kind, const char *name)
{
	struct wire_step step = address_step(kind, 24);

	step.data = name;
	step.data_size = strlen(name);
	return step;
}

START_TEST(step_contents_have_limits)
{
	check_step_limit(option_step(WIRE_OPTION_MAX), option_step(WIRE_OPTION_MAX + 1));
	check_step_limit(filter_step(WIRE_FILTER_MAX), filter_step(WIRE_FILTER_MAX + 1));
	check_step_limit(filter_step(1), filter_step(0));
	check_step_limit(address_step(WIRE_STEP_BIND, WIRE_ADDRESS_MAX),
		address_step(WIRE_STEP_BIND, WIRE_ADDRESS_MAX + 1));
	check_step_limit(address_step(WIRE_STEP_CONNECT, WIRE_ADDRESS_MAX),
		address_step(WIRE_STEP_CONNECT, WIRE_ADDRESS_MAX + 1));
	check_step_limit(send_step(16, WIRE_ADDRESS_MAX), send_step(16, WIRE_ADDRESS_MAX + 1));
	check_step_limit(named_step(WIRE_STEP_BIND, "fifteen-letters"),
		named_step(WIRE_STEP_BIND, "sixteen-letters-"));
	check_step_limit(named_step(WIRE_STEP_CONNECT, "fifteen-letters"),
		named_step(WIRE_STEP_CONNECT, "sixteen-letters-"));
	struct wire_step nul = named_step(WIRE_STEP_BIND, "a\0b");
	nul.data_size = 3;
	check_step_limit(named_step(WIRE_STEP_BIND, "a"), nul);
}
END_TEST

/* The decoder is held to the limits by itself: these steps the encoder would not write. */
START_TEST(oversized_steps_are_refused_by_the_decoder)
{
	static const struct {
		uint32_t kind, address_size, data_size;
		bool good;
	} cases[] = {
		{WIRE_STEP_OPTION, 0, WIRE_OPTION_MAX, true},
		{WIRE_STEP_OPTION, 0, WIRE_OPTION_MAX + 1, false},
		{WIRE_STEP_FILTER, 0, WIRE_FILTER_MAX * 8, true},
		{WIRE_STEP_FILTER, 0, (WIRE_FILTER_MAX + 1) * 8, false},
		{WIRE_STEP_FILTER, 0, 0, false},
		{WIRE_STEP_FILTER, 0, 12, false},
		{WIRE_STEP_BIND, WIRE_ADDRESS_MAX, 0, true},
		{WIRE_STEP_BIND, WIRE_ADDRESS_MAX + 1, 0, false},
		{WIRE_STEP_BIND, 16, 8, false},
		{WIRE_STEP_BIND, 0, 0, false},
		{WIRE_STEP_CONNECT, WIRE_ADDRESS_MAX + 1, 0, false},
		{WIRE_STEP_CONNECT, 0, 16, false},
		{WIRE_STEP_LISTEN, 0, 0, true},
		{WIRE_STEP_LISTEN, 16, 0, false},
		{WIRE_STEP_LISTEN, 0, 8, false},
		{WIRE_STEP_OPTION, 16, 4, false},
		{WIRE_STEP_FILTER, 16, 8, false},
		{WIRE_STEP_SEND, WIRE_ADDRESS_MAX + 1, 8, false},
		{0, 0, 0, false},
		{7, 0, 0, false},
		{0xffffffff, 0, 0, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct wire_request request;
		size_t body = ALIGN8(cases[i].address_size) + ALIGN8(cases[i].data_size);
		struct wire_step_header step = {.kind = cases[i].kind,
			.size = (uint32_t)(sizeof(step) + body),
			.address_size = cases[i].address_size,
			.data_size = cases[i].data_size};

		if (step.kind == WIRE_STEP_LISTEN)
			step.a = 5;
		open_request(&request);
		size_t size = encode(&request);
		memcpy(packet + size, &step, sizeof(step));
		memset(packet + size + sizeof(step), 0, body);
		size += sizeof(step) + body;
		header()->size = (uint32_t)size;
		open_body()->n_steps = 1;
		ck_assert_msg(decode_exact(packet, size) == (cases[i].good ? 0 : -EBADMSG),
			"case %zu is %s", i, cases[i].good ? "refused" : "accepted");
	}
}
END_TEST

START_TEST(step_sizes_that_overflow_are_refused)
{
	static struct wire_request request;
	static const uint32_t sizes[] = {0xffffffffu, 0xfffffffeu, 0xfffffff9u, 0xfffffff8u,
		0xfffffff0u, 0xffffffe8u, 0xffffffe0u, 0x80000000u, 0x7ffffff8u};

	open_request(&request);
	request.n_steps = 2;
	request.steps[0] = send_step(16, 16);
	request.steps[1] = send_step(16, 16);
	size_t size = encode(&request);
	struct wire_step_header good = *first_open_step();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			first_open_step()->address_size = sizes[i];
			first_open_step()->data_size = sizes[j];
			ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
			/* Sums that come out right in 32 bits. */
			first_open_step()->data_size = 32 - sizes[i];
			ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
		}
		*first_open_step() = good;
		first_open_step()->size = sizes[i];
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
		*first_open_step() = good;
		open_body()->netns = WIRE_NETNS_NAMED;
		open_body()->netns_name_size = sizes[i];
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
		open_body()->netns = WIRE_NETNS_DEFAULT;
		open_body()->netns_name_size = 0;
	}
	for (uint32_t wrong = 0; wrong <= good.size + 64; wrong++) {
		if (wrong == good.size)
			continue;
		first_open_step()->size = wrong;
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	}
}
END_TEST

START_TEST(padding_must_be_zero)
{
	static struct wire_request request;
	static const size_t sizes[] = {1, 2, 3, 5, 7, 9, 15};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		open_request(&request);
		request.n_steps = 1;
		request.steps[0] = send_step(sizes[i], 17);
		size_t size = encode(&request);
		size_t address_at = (size_t)((unsigned char *)(first_open_step() + 1) - packet);
		size_t data_at = address_at + ALIGN8((size_t)17);

		for (size_t at = address_at; at < size; at++) {
			bool padding =
				(at >= address_at + 17 && at < data_at) || at >= data_at + sizes[i];
			packet[at] ^= 0x40;
			ck_assert_int_eq(decode_exact(packet, size), padding ? -EBADMSG : 0);
			packet[at] ^= 0x40;
		}
	}
	/* The name of a namespace is padded likewise. */
	open_request(&request);
	request.netns = WIRE_NETNS_NAMED;
	memcpy(request.netns_name, "blue", 5);
	size_t size = encode(&request);
	for (size_t at = sizeof(struct wire_header) + sizeof(struct wire_open) + 4; at < size;
		at++) {
		packet[at] = 1;
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
		packet[at] = 0;
	}
}
END_TEST

START_TEST(namespaces_are_checked)
{
	static struct wire_request request;
	size_t size;

	open_request(&request);
	size = encode(&request);
	static const uint32_t bad[] = {4, 5, 0x7fffffff, 0xffffffffu};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		open_body()->netns = bad[i];
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	}
	/* Named without a name. */
	open_body()->netns = WIRE_NETNS_NAMED;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);

	request.netns = WIRE_NETNS_NAMED;
	memset(request.netns_name, 'n', WIRE_NAME_MAX);
	request.netns_name[WIRE_NAME_MAX] = '\0';
	size = encode(&request);
	ck_assert_int_eq(decode_exact(packet, size), 0);
	/* A name where none belongs. */
	for (uint32_t netns = WIRE_NETNS_DEFAULT; netns < WIRE_NETNS_NAMED; netns++) {
		open_body()->netns = netns;
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	}
	/* One byte too long: it fits the padding, and must be refused for its length. */
	open_body()->netns = WIRE_NETNS_NAMED;
	open_body()->netns_name_size = WIRE_NAME_MAX + 1;
	packet[size - 1] = 'n';
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
	/* A NUL within the name. */
	open_body()->netns_name_size = WIRE_NAME_MAX;
	packet[size - 1] = 0;
	ck_assert_int_eq(decode_exact(packet, size), 0);
	packet[size - 9] = 0;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
}
END_TEST

/* A hello whose versions are the wrong way round, and an apply of nothing. */
START_TEST(senseless_bodies_are_refused)
{
	static struct wire_request request;

	random_request(WIRE_HELLO, &request);
	size_t size = encode(&request);
	struct wire_hello *hello = (struct wire_hello *)(packet + sizeof(struct wire_header));
	hello->version_min = 3;
	hello->version_max = 2;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);

	random_request(WIRE_APPLY, &request);
	request.n_steps = 1;
	request.steps[0] = listen_step(1);
	size = encode(&request);
	size_t bare = sizeof(struct wire_header) + sizeof(struct wire_apply);
	((struct wire_apply *)(packet + sizeof(struct wire_header)))->n_steps = 0;
	header()->size = (uint32_t)bare;
	ck_assert_int_eq(decode_exact(packet, bare), -EBADMSG);
}
END_TEST

START_TEST(packets_have_a_limit)
{
	static struct wire_request request;
	size_t overhead = sizeof(struct wire_header) + sizeof(struct wire_open) +
			  sizeof(struct wire_step_header);

	open_request(&request);
	request.n_steps = 1;
	request.steps[0] = send_step(WIRE_PACKET_MAX - overhead, 0);
	ck_assert_uint_eq(encode(&request), WIRE_PACKET_MAX);
	ck_assert_int_eq(decode_exact(packet, WIRE_PACKET_MAX), 0);

	/* The next one up, written by hand. */
	size_t size = WIRE_PACKET_MAX + 8;
	memset(packet + WIRE_PACKET_MAX, 0, 8);
	header()->size = (uint32_t)size;
	first_open_step()->size += 8;
	first_open_step()->data_size += 8;
	ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);

	request.steps[0].data_size++;
	ssize_t r = wire_encode_request(&request, packet, sizeof(packet));
	ck_assert_msg(r == -EINVAL || r == -EMSGSIZE, "a packet too large was encoded: %zd", r);
}
END_TEST

START_TEST(reply_text_has_a_limit)
{
	struct wire_reply reply = {.verb = WIRE_OPEN,
		.answer = {.error = EPERM, .origin = WIRE_ORIGIN_POLICY, .step = -1}};

	reply.text = (const char *)material;
	reply.answer.text_size = WIRE_TEXT_MAX;
	ssize_t size = wire_encode_reply(&reply, packet, sizeof(packet));
	ck_assert_int_gt(size, 0);
	ck_assert_int_eq(decode_reply_exact(packet, (size_t)size), 0);

	struct wire_answer *answer = (struct wire_answer *)(packet + sizeof(struct wire_header));
	static const uint32_t bad[] = {0, WIRE_TEXT_MAX - 8, WIRE_TEXT_MAX + 1, WIRE_TEXT_MAX + 8,
		0xffffffffu, 0xfffffff8u};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		answer->text_size = bad[i];
		ck_assert_int_lt(decode_reply_exact(packet, (size_t)size), 0);
	}
	/* Really there, but more than the limit. */
	answer->text_size = WIRE_TEXT_MAX + 8;
	header()->size = (uint32_t)size + 8;
	memset(packet + size, 'x', 8);
	ck_assert_int_lt(decode_reply_exact(packet, (size_t)size + 8), 0);

	reply.answer.text_size = WIRE_TEXT_MAX + 1;
	ck_assert_int_lt(wire_encode_reply(&reply, packet, sizeof(packet)), 0);
}
END_TEST

/* In which order steps make sense on any socket; both sides hold to it. */
START_TEST(steps_have_an_order)
{
	static const struct {
		enum wire_step_kind kinds[4];
		bool good;
	} cases[] = {
		{{WIRE_STEP_OPTION, WIRE_STEP_BIND, WIRE_STEP_OPTION, WIRE_STEP_LISTEN}, true},
		{{WIRE_STEP_FILTER, WIRE_STEP_BIND, WIRE_STEP_CONNECT, WIRE_STEP_SEND}, true},
		{{WIRE_STEP_SEND, WIRE_STEP_SEND, WIRE_STEP_BIND, 0}, true},
		{{WIRE_STEP_BIND, WIRE_STEP_BIND, 0, 0}, false},
		{{WIRE_STEP_CONNECT, WIRE_STEP_BIND, 0, 0}, false},
		{{WIRE_STEP_LISTEN, WIRE_STEP_BIND, 0, 0}, false},
		{{WIRE_STEP_CONNECT, WIRE_STEP_CONNECT, 0, 0}, false},
		{{WIRE_STEP_LISTEN, WIRE_STEP_CONNECT, 0, 0}, false},
		{{WIRE_STEP_CONNECT, WIRE_STEP_LISTEN, 0, 0}, false},
		{{WIRE_STEP_LISTEN, WIRE_STEP_LISTEN, 0, 0}, false},
		{{WIRE_STEP_BIND, WIRE_STEP_LISTEN, WIRE_STEP_SEND, 0}, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct wire_request request;
		struct wire_step steps[4];
		size_t n = 0;

		for (; n < 4 && cases[i].kinds[n] != 0; n++)
			switch (cases[i].kinds[n]) {
			case WIRE_STEP_OPTION:
				steps[n] = option_step(8);
				break;
			case WIRE_STEP_FILTER:
				steps[n] = filter_step(1);
				break;
			case WIRE_STEP_LISTEN:
				steps[n] = listen_step(1);
				break;
			case WIRE_STEP_SEND:
				steps[n] = send_step(8, 0);
				break;
			default:
				steps[n] = address_step(cases[i].kinds[n], 16);
			}
		open_request(&request);
		memcpy(request.steps, steps, sizeof(steps));
		request.n_steps = n;
		ssize_t size = wire_encode_request(&request, packet, sizeof(packet));
		ck_assert_msg((size > 0) == cases[i].good, "case %zu encoded to %zd", i, size);
		if (cases[i].good) {
			ck_assert_int_eq(decode_exact(packet, (size_t)size), 0);
			continue;
		}
		ck_assert_int_eq(size, -EINVAL);

		/* Written one by one, where no order can be wrong, and put together by hand. */
		size_t used = sizeof(struct wire_header) + sizeof(struct wire_open);
		unsigned char together[1024];
		for (size_t j = 0; j < n; j++) {
			request.steps[0] = steps[j];
			request.n_steps = 1;
			size_t one = encode(&request);
			size_t step_size = first_open_step()->size;
			ck_assert_uint_eq(one,
				sizeof(struct wire_header) + sizeof(struct wire_open) + step_size);
			memcpy(together + used, first_open_step(), step_size);
			used += step_size;
		}
		memcpy(together, packet, sizeof(struct wire_header) + sizeof(struct wire_open));
		memcpy(packet, together, used);
		header()->size = (uint32_t)used;
		open_body()->n_steps = (uint32_t)n;
		ck_assert_msg(decode_exact(packet, used) == -EBADMSG, "case %zu is accepted", i);
	}
}
END_TEST

START_TEST(shares_have_limits)
{
	static struct wire_request request;
	struct wire_share *share = (struct wire_share *)(packet + sizeof(struct wire_header));
	static const struct wire_share bad[] = {
		{WIRE_TAKER_GROUP + 1, 0, 5},
		{WIRE_TAKER_ANYONE, 1, 5},
		{WIRE_TAKER_PROCESS, 1, 5},
		{WIRE_TAKER_USER, UINT32_MAX, 5},
		{WIRE_TAKER_ANYONE, 0, 0},
		{WIRE_TAKER_ANYONE, 0, WIRE_TICKET_USEC_MAX + 1},
		{WIRE_TAKER_ANYONE, 0, UINT64_MAX},
	};

	random_request(WIRE_SHARE, &request);
	size_t size = encode(&request);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		*share = bad[i];
		ck_assert_int_eq(decode_exact(packet, size), -EBADMSG);
		request.share = bad[i];
		ck_assert_int_eq(wire_encode_request(&request, material, 4096), -EINVAL);
	}
}
END_TEST

static void assert_bad_named(enum wire_verb verb, uint32_t flags, uint64_t usec, const char *name)
{
	static struct wire_request request;

	memset(&request, 0, sizeof(request));
	request.verb = verb;
	request.named.flags = flags;
	request.named.lifetime_usec = usec;
	memcpy(request.name, name, MIN_OF(strlen(name), sizeof(request.name)));
	ck_assert_int_eq(wire_encode_request(&request, packet, sizeof(packet)), -EINVAL);

	/* The same bytes by hand. */
	struct wire_header head = {
		.magic = WIRE_MAGIC, .version = WIRE_VERSION, .verb = (uint16_t)verb};
	struct wire_named named = {flags, (uint32_t)strlen(name), usec};
	head.size = (uint32_t)(sizeof(head) + sizeof(named) + ALIGN8(strlen(name)));
	memset(packet, 0, head.size);
	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), &named, sizeof(named));
	memcpy(packet + sizeof(head) + sizeof(named), name, strlen(name));
	ck_assert_int_eq(decode_exact(packet, head.size), -EBADMSG);
}

START_TEST(names_have_limits)
{
	char longest[WIRE_STORE_NAME_MAX + 2];
	static struct wire_request request = {.verb = WIRE_STORED};

	memset(longest, 'a', sizeof(longest));
	longest[WIRE_STORE_NAME_MAX + 1] = '\0';
	for (int verb = WIRE_STORE; verb <= WIRE_STORED; verb++) {
		assert_bad_named((enum wire_verb)verb, 8, 0, "a");
		assert_bad_named((enum wire_verb)verb, 0, 0, "a/b");
		assert_bad_named((enum wire_verb)verb, 0, 0, "a b");
		assert_bad_named((enum wire_verb)verb, 0, 0, "\303\251");
		assert_bad_named((enum wire_verb)verb, 0, 0, longest);
		if (verb != WIRE_STORE)
			assert_bad_named((enum wire_verb)verb, 0, 1, "a");
		if (verb != WIRE_STORED)
			assert_bad_named((enum wire_verb)verb, 0, 0, "");
	}
	assert_bad_named(WIRE_STORED, WIRE_NAMED_COMMON, 0, "");
	assert_bad_named(WIRE_STORE, WIRE_NAMED_TAKE, 0, "a");
	assert_bad_named(WIRE_FETCH, WIRE_NAMED_NEW, 0, "a");
	assert_bad_named(WIRE_STORE, 0, WIRE_STORE_USEC_MAX + 1, "a");
	ck_assert_int_eq(decode_exact(packet, encode(&request)), 0);
}
END_TEST

START_TEST(lists_are_checked)
{
	struct wire_reply reply = {.verb = WIRE_STORED, .answer = {.step = -1}, .list = {1, 0}};
	struct wire_list *list = (struct wire_list *)(packet + sizeof(struct wire_header) +
						      sizeof(struct wire_answer));
	struct wire_stored *stored = (struct wire_stored *)(list + 1);

	const struct wire_stored named = {.name = "a"};
	reply.stored = &named;
	ssize_t size = wire_encode_reply(&reply, packet, sizeof(packet));
	ck_assert_int_gt(size, 0);
	ck_assert_int_eq(decode_reply_exact(packet, (size_t)size), 0);
	const struct wire_stored good = *stored;
#define BENT(change) \
	do { \
		change; \
		ck_assert_int_eq(decode_reply_exact(packet, (size_t)size), -EBADMSG); \
		*stored = good; \
		*list = (struct wire_list){1, 0}; \
	} while (0)
	BENT(stored->name[0] = '\0');
	BENT(stored->name[0] = '/');
	BENT(stored->name[5] = 'x');
	BENT(memset(stored->name, 'a', sizeof(stored->name)));
	BENT(stored->flags = WIRE_NAMED_NEW);
	BENT(stored->age_usec = UINT64_MAX);
	BENT(stored->left_usec = UINT64_MAX);
	BENT(list->more = 2);
	BENT(list->n = 0);
	BENT(list->n = 2);
	BENT(list->n = WIRE_STORED_MAX + 1);
	BENT(list->n = UINT32_MAX);
#undef BENT
	reply.list.n = WIRE_STORED_MAX + 1;
	ck_assert_int_eq(wire_encode_reply(&reply, packet, sizeof(packet)), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire-limits");
	TCase *tcase = tcase_create("wire-limits");

	tcase_add_checked_fixture(tcase, material_setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, shares_have_limits);
	tcase_add_test(tcase, names_have_limits);
	tcase_add_test(tcase, lists_are_checked);
	tcase_add_loop_test(tcase, header_fields_are_checked, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, reserved_fields_must_be_zero, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, counts_have_limits, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, step_numbers_have_limits, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_test(tcase, step_contents_have_limits);
	tcase_add_test(tcase, oversized_steps_are_refused_by_the_decoder);
	tcase_add_loop_test(
		tcase, step_sizes_that_overflow_are_refused, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, padding_must_be_zero, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, namespaces_are_checked, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, senseless_bodies_are_refused, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, packets_have_a_limit, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, reply_text_has_a_limit, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_test(tcase, steps_have_an_order);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
