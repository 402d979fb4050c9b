/*
 * The wire format: what is encoded comes back the same, and no packet, however bent, makes the
 * decoder read outside its buffer.
 */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/wire-material.h"

#define ROUNDS 1000

static void assert_same_request(const struct wire_request *a, const struct wire_request *b)
{
	ck_assert_int_eq(a->verb, b->verb);
	ck_assert_uint_eq(a->serial, b->serial);
	ck_assert_uint_eq(a->flags, b->flags);
	switch (a->verb) {
	case WIRE_HELLO:
		ck_assert_uint_eq(a->hello.version_min, b->hello.version_min);
		ck_assert_uint_eq(a->hello.version_max, b->hello.version_max);
		ck_assert_uint_eq(a->hello.features, b->hello.features);
		return;
	case WIRE_RELEASE:
		ck_assert_uint_eq(a->grant, b->grant);
		return;
	case WIRE_SHARE:
		ck_assert_mem_eq(&a->share, &b->share, sizeof(a->share));
		return;
	case WIRE_FROMSHARE:
		ck_assert_mem_eq(&a->ticket, &b->ticket, sizeof(a->ticket));
		return;
	case WIRE_STORE:
	case WIRE_FETCH:
	case WIRE_FORGET:
	case WIRE_STORED:
		ck_assert_mem_eq(&a->named, &b->named, sizeof(a->named));
		ck_assert_str_eq(a->name, b->name);
		return;
	case WIRE_OPEN:
		ck_assert_int_eq(a->domain, b->domain);
		ck_assert_int_eq(a->type, b->type);
		ck_assert_int_eq(a->protocol, b->protocol);
		ck_assert_int_eq(a->netns, b->netns);
		ck_assert_str_eq(a->netns_name, b->netns_name);
		ck_assert_uint_eq(a->count, b->count);
		break;
	case WIRE_APPLY:
		break;
	}
	ck_assert_uint_eq(a->n_steps, b->n_steps);
	for (size_t i = 0; i < a->n_steps; i++) {
		const struct wire_step *x = &a->steps[i], *y = &b->steps[i];
		ck_assert_int_eq(x->kind, y->kind);
		ck_assert_int_eq(x->a, y->a);
		ck_assert_int_eq(x->b, y->b);
		ck_assert_uint_eq(x->address_size, y->address_size);
		ck_assert_uint_eq(x->data_size, y->data_size);
		if (x->address_size > 0)
			ck_assert_mem_eq(x->address, y->address, x->address_size);
		if (x->data_size > 0)
			ck_assert_mem_eq(x->data, y->data, x->data_size);
	}
}

START_TEST(every_verb_comes_back_the_same)
{
	static struct wire_request request, back;
	enum wire_verb verb = (enum wire_verb)_i;

	for (int i = 0; i < ROUNDS; i++) {
		random_request(verb, &request);
		size_t size = encode(&request);
		_cleanup_free_ void *copy = exact_copy(packet, size);
		const char *what = NULL;
		struct wire_header seen;
		int r = wire_decode_request(copy, size, &back, &what);

		ck_assert_msg(r == 0, "round %d: %d, %s", i, r, what ? what : "no reason");
		assert_same_request(&request, &back);
		ck_assert(wire_peek_header(copy, size, &seen));
		ck_assert_uint_eq(seen.magic, WIRE_MAGIC);
		ck_assert_uint_eq(seen.version, WIRE_VERSION);
		ck_assert_uint_eq(seen.verb, verb);
		ck_assert_uint_eq(seen.size, size);
	}
}
END_TEST

START_TEST(every_request_cut_short_is_refused)
{
	static struct wire_request request;
	enum wire_verb verb = (enum wire_verb)_i;

	for (int i = 0; i < 12; i++) {
		random_request(verb, &request);
		size_t size = encode(&request);
		for (size_t cut = 0; cut < size; cut++) {
			/* As it came, and with a header that claims the shorter size. */
			ck_assert_int_eq(decode_exact(packet, cut), -EBADMSG);
			if (cut < sizeof(struct wire_header))
				continue;
			header()->size = (uint32_t)cut;
			ck_assert_int_eq(decode_exact(packet, cut), -EBADMSG);
			header()->size = (uint32_t)size;
		}
	}
}
END_TEST

START_TEST(a_tail_is_refused)
{
	static struct wire_request request;

	random_request((enum wire_verb)_i, &request);
	size_t size = encode(&request);
	memset(packet + size, 0, 64);
	for (size_t more = 1; more <= 64; more++) {
		ck_assert_int_eq(decode_exact(packet, size + more), -EBADMSG);
		header()->size = (uint32_t)(size + more);
		ck_assert_int_eq(decode_exact(packet, size + more), -EBADMSG);
		header()->size = (uint32_t)size;
	}
	ck_assert_int_eq(decode_exact(packet, size), 0);
}
END_TEST

START_TEST(a_buffer_too_small_is_never_overrun)
{
	static struct wire_request request;

	for (int i = 0; i < 12; i++) {
		random_request((enum wire_verb)_i, &request);
		size_t size = encode(&request);
		for (size_t room = 0; room <= size; room++) {
			_cleanup_free_ void *buffer = malloc(room ? room : 1);
			ck_assert_ptr_nonnull(buffer);
			ck_assert_int_eq(wire_encode_request(&request, buffer, room),
				room < size ? -EMSGSIZE : (ssize_t)size);
		}
	}
}
END_TEST

START_TEST(bent_requests_never_read_outside)
{
	static struct wire_request request;
	_cleanup_free_ unsigned char *pristine = NULL;

	for (int i = 0; i < 60; i++) {
		random_request((enum wire_verb)_i, &request);
		size_t size = encode(&request);
		unsigned char *copy = exact_copy(packet, size);
		for (int j = 0; j < 60; j++) {
			size_t flips = 1 + random_below(4);
			memcpy(copy, packet, size);
			for (size_t k = 0; k < flips; k++)
				copy[random_below(size)] ^= (unsigned char)(1u << random_below(8));
			(void)decode(copy, size);
		}
		/* Whole words, as sizes and counts are. */
		static const uint32_t words[] = {0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff,
			0xfffffff8, 0xfffffff0, 0x10000};
		for (size_t at = 0; at + 4 <= MIN_OF(size, (size_t)160); at += 4) {
			for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
				memcpy(copy, packet, size);
				memcpy(copy + at, &words[k], 4);
				(void)decode(copy, size);
			}
		}
		free(copy);
	}
	/* And bytes that were never a packet but for the header. */
	for (int i = 0; i < 2000; i++) {
		size_t size = sizeof(struct wire_header) + random_below(256);
		free(pristine);
		pristine = exact_copy(material + random_below(sizeof(material) - size), size);
		struct wire_header h = {.magic = WIRE_MAGIC,
			.version = WIRE_VERSION,
			.verb = (uint16_t)_i,
			.size = (uint32_t)size};
		memcpy(pristine, &h, sizeof(h));
		(void)decode(pristine, size);
	}
}
END_TEST

START_TEST(peeking_needs_a_whole_header)
{
	static struct wire_request request;
	struct wire_header seen;

	random_request(WIRE_RELEASE, &request);
	size_t size = encode(&request);
	for (size_t cut = 0; cut < sizeof(struct wire_header); cut++) {
		_cleanup_free_ void *copy = exact_copy(packet, cut);
		ck_assert(!wire_peek_header(copy, cut, &seen));
	}
	ck_assert(wire_peek_header(packet, size, &seen));
	ck_assert(wire_peek_header(packet, sizeof(struct wire_header), &seen));
	header()->magic ^= 1;
	ck_assert(!wire_peek_header(packet, size, &seen));
}
END_TEST

START_TEST(replies_come_back_the_same)
{
	struct wire_reply reply, back;

	for (int i = 0; i < ROUNDS; i++) {
		random_reply((enum wire_verb)_i, &reply);
		ssize_t size = wire_encode_reply(&reply, packet, sizeof(packet));
		ck_assert_msg(size > 0, "encoding a reply returned %zd", size);
		_cleanup_free_ void *copy = exact_copy(packet, (size_t)size);
		ck_assert_int_eq(wire_decode_reply(copy, (size_t)size, &back), 0);
		ck_assert_int_eq(back.verb, reply.verb);
		ck_assert_uint_eq(back.serial, reply.serial);
		ck_assert_mem_eq(&back.answer, &reply.answer, sizeof(reply.answer));
		if (reply.verb == WIRE_HELLO)
			ck_assert_mem_eq(&back.welcome, &reply.welcome, sizeof(reply.welcome));
		if (reply.verb == WIRE_SHARE)
			ck_assert_mem_eq(&back.ticket, &reply.ticket, sizeof(reply.ticket));
		if (reply.verb == WIRE_STORED) {
			ck_assert_mem_eq(&back.list, &reply.list, sizeof(reply.list));
			ck_assert_mem_eq(back.stored, reply.stored,
				reply.list.n * sizeof(struct wire_stored));
		}
		if (reply.answer.text_size > 0)
			ck_assert_mem_eq(back.text, reply.text, reply.answer.text_size);
		ck_assert_uint_eq(header()->verb, (unsigned)_i | WIRE_REPLY);
	}
}
END_TEST

/* What no kernel says would be a number that no program knows. */
START_TEST(errors_are_those_of_a_kernel)
{
	static const struct {
		int error, result;
	} cases[] = {{0, 0}, {1, 0}, {4095, 0}, {4096, -EBADMSG}, {INT_MAX, -EBADMSG},
		{-1, -EBADMSG}, {INT_MIN, -EBADMSG}};
	struct wire_reply reply = {
		.verb = WIRE_APPLY, .answer.origin = WIRE_ORIGIN_KERNEL, .text = ""};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		reply.answer.error = cases[i].error;
		ssize_t size = wire_encode_reply(&reply, packet, sizeof(packet));
		ck_assert_int_gt(size, 0);
		ck_assert_int_eq(decode_reply_exact(packet, (size_t)size), cases[i].result);
	}
}
END_TEST

START_TEST(bent_replies_never_read_outside)
{
	struct wire_reply reply;

	for (int i = 0; i < 40; i++) {
		random_reply((enum wire_verb)_i, &reply);
		ssize_t r = wire_encode_reply(&reply, packet, sizeof(packet));
		ck_assert_int_gt(r, 0);
		size_t size = (size_t)r;
		unsigned char *copy = exact_copy(packet, size);

		for (size_t cut = 0; cut < size; cut++)
			ck_assert_int_lt(decode_reply_exact(packet, cut), 0);
		for (size_t room = 0; room <= size; room++) {
			_cleanup_free_ void *buffer = malloc(room ? room : 1);
			ck_assert_ptr_nonnull(buffer);
			ck_assert_int_eq(wire_encode_reply(&reply, buffer, room),
				room < size ? -EMSGSIZE : (ssize_t)size);
		}
		for (int j = 0; j < 100; j++) {
			memcpy(copy, packet, size);
			copy[random_below(size)] ^= (unsigned char)(1u << random_below(8));
			(void)decode_reply_exact(copy, size);
		}
		free(copy);
	}
}
END_TEST

START_TEST(replies_are_not_requests)
{
	static struct wire_request request;
	struct wire_reply reply;

	random_reply((enum wire_verb)_i, &reply);
	ssize_t size = wire_encode_reply(&reply, packet, sizeof(packet));
	ck_assert_int_gt(size, 0);
	ck_assert_int_eq(decode_exact(packet, (size_t)size), -EBADMSG);
	random_request((enum wire_verb)_i, &request);
	ck_assert_int_lt(decode_reply_exact(packet, encode(&request)), 0);
}
END_TEST

/* The broker reads all requests into one place. */
START_TEST(nothing_is_left_of_the_request_before)
{
	static struct wire_request request, back;
	static const enum wire_verb verbs[] = {WIRE_HELLO, WIRE_RELEASE, WIRE_STORE};
	const char *what;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		open_request(&request);
		request.count = 7;
		request.steps[0] = listen_step(1);
		request.n_steps = 1;
		ck_assert_int_eq(wire_decode_request(packet, encode(&request), &back, &what), 0);
		ck_assert_uint_eq(back.n_steps, 1);
		ck_assert_uint_eq(back.count, 7);
		random_request(verbs[i], &request);
		ck_assert_int_eq(wire_decode_request(packet, encode(&request), &back, &what), 0);
		ck_assert_uint_eq(back.n_steps, 0);
		ck_assert_uint_eq(back.count, 0);
	}
}
END_TEST

START_TEST(what_no_decoder_takes_is_not_encoded)
{
	static struct wire_request request;

#define REFUSED(change) \
	do { \
		open_request(&request); \
		change; \
		ck_assert_int_eq(wire_encode_request(&request, packet, sizeof(packet)), -EINVAL); \
	} while (0)
	REFUSED(request.n_steps = WIRE_STEPS_MAX + 1);
	REFUSED(request.netns = WIRE_NETNS_NAMED);
	REFUSED(request.netns = WIRE_NETNS_NAMED;
		memset(request.netns_name, 'a', sizeof(request.netns_name)));
	REFUSED(request.verb = WIRE_APPLY; request.n_steps = 0);
	REFUSED(request.steps[0] = send_step(8, 1); request.n_steps = 1);
#undef REFUSED
}
END_TEST

START_TEST(the_fields_of_a_reply_are_checked)
{
	struct wire_reply reply = {.verb = WIRE_RELEASE, .answer = {.step = -1}};
	struct wire_answer *answer = (struct wire_answer *)(header() + 1);

#define BENT(change, error) \
	do { \
		ssize_t size = wire_encode_reply(&reply, packet, sizeof(packet)); \
		ck_assert_int_gt(size, 0); \
		ck_assert_int_eq(decode_reply_exact(packet, (size_t)size), 0); \
		change; \
		ck_assert_int_eq(decode_reply_exact(packet, (size_t)size), error); \
	} while (0)
	BENT(header()->magic ^= 1, -EBADMSG);
	BENT(header()->size += 8, -EBADMSG);
	BENT(header()->flags = 1, -EBADMSG);
	BENT(header()->verb = WIRE_RELEASE, -EBADMSG);
	BENT(header()->version++, -EPROTONOSUPPORT);
	BENT(answer->count = WIRE_COUNT_MAX + 1, -EBADMSG);
	BENT(answer->origin = WIRE_ORIGIN_STALE + 1, -EBADMSG);
#undef BENT
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase = tcase_create("wire");

	tcase_add_checked_fixture(tcase, material_setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, every_verb_comes_back_the_same, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(
		tcase, every_request_cut_short_is_refused, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, a_tail_is_refused, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(
		tcase, a_buffer_too_small_is_never_overrun, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(
		tcase, bent_requests_never_read_outside, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, replies_come_back_the_same, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_test(tcase, errors_are_those_of_a_kernel);
	tcase_add_loop_test(tcase, bent_replies_never_read_outside, WIRE_HELLO, WIRE_VERB_LAST + 1);
	tcase_add_loop_test(tcase, replies_are_not_requests, WIRE_HELLO, WIRE_VERB_LAST + 1);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("fields");
	tcase_add_checked_fixture(tcase, material_setup, NULL);
	tcase_add_test(tcase, peeking_needs_a_whole_header);
	tcase_add_test(tcase, nothing_is_left_of_the_request_before);
	tcase_add_test(tcase, what_no_decoder_takes_is_not_encoded);
	tcase_add_test(tcase, the_fields_of_a_reply_are_checked);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
