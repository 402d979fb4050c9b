#include "tests/unit/wire-material.h"

#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>

#include "proto/macro.h"

unsigned char packet[PACKET_ROOM];
unsigned char material[WIRE_PACKET_MAX];
static uint64_t random_state;

uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

size_t random_below(size_t n)
{
	return (size_t)(random_next() % n);
}

void material_setup(void)
{
	random_state = UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < sizeof(material); i++)
		material[i] = (unsigned char)random_next();
	memset(packet, 0xa5, sizeof(packet));
}

/* A copy that ends where the packet ends, so that a byte read too many is seen. */
void *exact_copy(const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	return copy;
}

/* Decodes and touches every byte that the result points to. */
int decode(const void *bytes, size_t size)
{
	static struct wire_request request;
	const char *what = NULL;
	volatile unsigned char sum = 0;
	int r = wire_decode_request(bytes, size, &request, &what);

	if (r < 0) {
		ck_assert_msg(r == -EBADMSG || r == -EPROTONOSUPPORT, "decoding returned %d", r);
		ck_assert_ptr_nonnull(what);
		ck_assert_uint_gt(strlen(what), 0);
		return r;
	}
	if (request.verb != WIRE_OPEN && request.verb != WIRE_APPLY)
		return 0;
	ck_assert_uint_le(request.n_steps, WIRE_STEPS_MAX);
	for (size_t i = 0; i < request.n_steps; i++) {
		const struct wire_step *step = &request.steps[i];
		for (size_t j = 0; j < step->address_size; j++)
			sum ^= ((const unsigned char *)step->address)[j];
		for (size_t j = 0; j < step->data_size; j++)
			sum ^= ((const unsigned char *)step->data)[j];
	}
	(void)sum;
	return 0;
}

int decode_exact(const void *bytes, size_t size)
{
	_cleanup_free_ void *copy = exact_copy(bytes, size);
	return decode(copy, size);
}

int decode_reply_exact(const void *bytes, size_t size)
{
	_cleanup_free_ void *copy = exact_copy(bytes, size);
	struct wire_reply reply;
	volatile unsigned char sum = 0;
	int r = wire_decode_reply(copy, size, &reply);

	if (r < 0)
		return r;
	ck_assert_uint_le(reply.answer.text_size, WIRE_TEXT_MAX);
	for (size_t i = 0; i < reply.answer.text_size; i++)
		sum ^= (unsigned char)reply.text[i];
	(void)sum;
	return 0;
}

struct wire_step option_step(size_t size)
{
	return (struct wire_step){
		.kind = WIRE_STEP_OPTION, .a = 1, .b = 36, .data = material, .data_size = size};
}

struct wire_step address_step(enum wire_step_kind kind, size_t size)
{
	return (struct wire_step){.kind = kind, .address = material, .address_size = size};
}

struct wire_step filter_step(size_t instructions)
{
	return (struct wire_step){.kind = WIRE_STEP_FILTER,
		.data = material,
		.data_size = instructions * sizeof(struct sock_filter)};
}

struct wire_step send_step(size_t size, size_t address_size)
{
	return (struct wire_step){.kind = WIRE_STEP_SEND,
		.data = material,
		.data_size = size,
		.address = address_size > 0 ? material : NULL,
		.address_size = address_size};
}

struct wire_step listen_step(int backlog)
{
	return (struct wire_step){.kind = WIRE_STEP_LISTEN, .a = backlog};
}

void open_request(struct wire_request *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->verb = WIRE_OPEN;
	ret->serial = 7;
	ret->domain = 2;
	ret->type = 1;
	ret->protocol = 6;
	ret->count = 1;
}

/* An order that every reader accepts: options, filter, bind, then listening or connecting and
 * sending. */
static void random_steps(struct wire_request *request, bool apply)
{
	size_t n = 0;
	size_t options = random_below(4);

	for (size_t i = 0; i < options; i++) {
		struct wire_step *step = &request->steps[n++];
		size_t size = 1 + random_below(40);
		*step = option_step(size);
		step->a = (int)random_next();
		step->b = (int)random_next();
		step->data = material + random_below(sizeof(material) - size);
	}
	if (random_below(3) == 0)
		request->steps[n++] = filter_step(1 + random_below(20));
	if (random_below(2) == 0)
		request->steps[n++] =
			address_step(WIRE_STEP_BIND, 2 + random_below(WIRE_ADDRESS_MAX - 1));
	if (random_below(2) == 0) {
		request->steps[n++] = listen_step((int)random_below(4096));
	} else {
		if (random_below(2) == 0)
			request->steps[n++] = address_step(
				WIRE_STEP_CONNECT, 2 + random_below(WIRE_ADDRESS_MAX - 1));
		if (request->count <= 1 && random_below(2) == 0)
			request->steps[n++] = send_step(
				1 + random_below(600), random_below(2) ? 0 : 2 + random_below(60));
	}
	if (apply && n == 0)
		request->steps[n++] = listen_step(5);
	request->n_steps = n;
}

static void random_name(char name[static WIRE_STORE_NAME_MAX + 1])
{
	static const char letters[] = "abcXYZ019._-";
	size_t size = 1 + random_below(WIRE_STORE_NAME_MAX);

	for (size_t i = 0; i < size; i++)
		name[i] = letters[random_below(sizeof(letters) - 1)];
	name[size] = '\0';
}

void random_request(enum wire_verb verb, struct wire_request *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->verb = verb;
	ret->serial = random_next();
	switch (verb) {
	case WIRE_HELLO:
		ret->hello.version_min = 1;
		ret->hello.version_max = (uint16_t)(1 + random_below(60000));
		ret->hello.features = random_next();
		break;
	case WIRE_OPEN:
		ret->domain = (int)random_below(46);
		ret->type = 1 + (int)random_below(5);
		ret->protocol = (int)random_below(65536);
		ret->count = random_below(2) ? 1 : 1 + (uint32_t)random_below(WIRE_COUNT_MAX);
		ret->netns = (enum wire_netns)random_below(4);
		if (ret->netns == WIRE_NETNS_NAMED) {
			size_t size = 1 + random_below(WIRE_NAME_MAX);
			for (size_t i = 0; i < size; i++)
				ret->netns_name[i] = (char)('a' + (int)random_below(26));
		}
		random_steps(ret, false);
		ret->flags = random_below(2) ? WIRE_REQUEST_ASK : 0;
		break;
	case WIRE_APPLY:
		random_steps(ret, true);
		ret->flags = random_below(2) ? WIRE_REQUEST_ASK : 0;
		break;
	case WIRE_RELEASE:
		ret->grant = 1 + random_next() / 2;
		break;
	case WIRE_SHARE:
		ret->share.taker = (uint32_t)random_below(4);
		if (ret->share.taker >= WIRE_TAKER_USER)
			ret->share.id = (uint32_t)random_below(UINT32_MAX);
		ret->share.lifetime_usec = 1 + random_next() % WIRE_TICKET_USEC_MAX;
		break;
	case WIRE_FROMSHARE:
		for (size_t i = 0; i < WIRE_TICKET_BYTES; i++)
			ret->ticket.bytes[i] = (uint8_t)random_next();
		break;
	case WIRE_STORE:
		ret->named.flags = random_below(2) ? WIRE_NAMED_NEW : 0;
		ret->named.lifetime_usec =
			random_below(2) ? 0 : random_next() % WIRE_STORE_USEC_MAX;
		random_name(ret->name);
		break;
	case WIRE_FETCH:
		ret->named.flags = random_below(2) ? WIRE_NAMED_TAKE : WIRE_NAMED_COMMON;
		random_name(ret->name);
		break;
	case WIRE_FORGET:
		ret->named.flags = random_below(2) ? WIRE_NAMED_COMMON : 0;
		random_name(ret->name);
		break;
	case WIRE_STORED:
		if (random_below(2))
			random_name(ret->name);
		break;
	}
	ret->named.name_size = (uint32_t)strlen(ret->name);
}

size_t encode(const struct wire_request *request)
{
	ssize_t size = wire_encode_request(request, packet, sizeof(packet));
	ck_assert_msg(size > 0, "encoding verb %d returned %zd", (int)request->verb, size);
	ck_assert_uint_le((size_t)size, WIRE_PACKET_MAX);
	return (size_t)size;
}

struct wire_header *header(void)
{
	return (struct wire_header *)packet;
}

struct wire_open *open_body(void)
{
	return (struct wire_open *)(packet + sizeof(struct wire_header));
}

struct wire_step_header *first_open_step(void)
{
	return (struct wire_step_header *)(packet + sizeof(struct wire_header) +
					   sizeof(struct wire_open));
}

static struct wire_stored random_stored[WIRE_STORED_MAX];

void random_reply(enum wire_verb verb, struct wire_reply *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->verb = verb;
	ret->serial = random_next();
	ret->answer.step = -1;
	if (random_below(2)) {
		ret->answer.error = 1 + (int)random_below(132);
		ret->answer.origin = WIRE_ORIGIN_POLICY + (uint32_t)random_below(5);
		ret->answer.step = (int)random_below(WIRE_STEPS_MAX + 1) - 1;
	} else if (verb == WIRE_OPEN) {
		ret->answer.count = 1 + (uint32_t)random_below(WIRE_COUNT_MAX);
		ret->answer.grant = 1 + random_next() / 2;
		ret->answer.flags = random_below(2) ? WIRE_ANSWER_CONNECTING : 0;
	} else if (verb == WIRE_APPLY) {
		ret->answer.flags = random_below(2) ? WIRE_ANSWER_ONLY_ASKED : 0;
	}
	if (verb == WIRE_HELLO)
		ret->welcome = (struct wire_welcome){.version_min = 1,
			.version_max = 1,
			.packet_max = WIRE_PACKET_MAX,
			.features = random_next(),
			.steps_max = WIRE_STEPS_MAX,
			.count_max = WIRE_COUNT_MAX};
	if (verb == WIRE_SHARE)
		for (size_t i = 0; i < WIRE_TICKET_BYTES; i++)
			ret->ticket.bytes[i] = (uint8_t)random_next();
	if (verb == WIRE_STORED) {
		ret->list.n = (uint32_t)random_below(WIRE_STORED_MAX + 1);
		ret->stored = random_stored;
		ret->list.more = ret->list.n > 0 && random_below(2);
		for (uint32_t i = 0; i < ret->list.n; i++) {
			struct wire_stored *stored = &random_stored[i];
			*stored = (struct wire_stored){0};
			random_name(stored->name);
			stored->domain = (int)random_below(46);
			stored->type = 1 + (int)random_below(5);
			stored->protocol = (int)random_below(65536);
			stored->flags = random_below(2) ? WIRE_NAMED_COMMON : 0;
			stored->age_usec = random_next() / 2;
			stored->left_usec = random_next() / 2;
		}
	}
	ret->answer.text_size = random_below(2) ? 0 : (uint32_t)random_below(WIRE_TEXT_MAX + 1);
	ret->text = ret->answer.text_size > 0 ? (const char *)material : NULL;
}
