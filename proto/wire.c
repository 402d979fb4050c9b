#include "proto/wire.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"
#include "proto/wire-keep.h"

static_assert(sizeof(struct wire_header) == 24, "wire layout");
static_assert(sizeof(struct wire_hello) == 16, "wire layout");
static_assert(sizeof(struct wire_open) == 32, "wire layout");
static_assert(sizeof(struct wire_apply) == 8, "wire layout");
static_assert(sizeof(struct wire_release) == 8, "wire layout");
static_assert(sizeof(struct wire_share) == 16, "wire layout");
static_assert(sizeof(struct wire_ticket) == 32, "wire layout");
static_assert(sizeof(struct wire_named) == 16, "wire layout");
static_assert(sizeof(struct wire_list) == 8, "wire layout");
static_assert(sizeof(struct wire_stored) == 160, "wire layout");
static_assert(sizeof(struct wire_welcome) <= sizeof(struct wire_ticket), "WIRE_REPLY_USUAL");
static_assert(sizeof(struct wire_step_header) == 24, "wire layout");
static_assert(sizeof(struct wire_answer) == 32, "wire layout");
static_assert(sizeof(struct wire_welcome) == 24, "wire layout");

/* What is left of a packet that is being read. */
struct reader {
	const unsigned char *at;
	size_t left;
};

/* Takes size bytes and the zeros that pad them to a multiple of 8; NULL: not there. */
static const void *read_part(struct reader *reader, size_t size)
{
	if (size > reader->left || ALIGN8(size) > reader->left)
		return NULL;
	const unsigned char *part = reader->at;
	for (size_t i = size; i < ALIGN8(size); i++)
		if (part[i] != 0)
			return NULL;
	reader->at += ALIGN8(size);
	reader->left -= ALIGN8(size);
	return part;
}

static bool read_into(struct reader *reader, void *ret, size_t size)
{
	const void *part = read_part(reader, size);
	if (!part)
		return false;
	memcpy(ret, part, size);
	return true;
}

struct writer {
	unsigned char *buffer;
	size_t size, used;
	bool overflow;
};

static void write_part(struct writer *writer, const void *data, size_t size)
{
	size_t padded = ALIGN8(size);
	if (writer->overflow || size > WIRE_PACKET_MAX || padded > writer->size - writer->used) {
		writer->overflow = true;
		return;
	}
	if (size > 0)
		memcpy(writer->buffer + writer->used, data, size);
	if (padded > size)
		memset(writer->buffer + writer->used + size, 0, padded - size);
	writer->used += padded;
}

bool wire_peek_header(const void *packet, size_t size, struct wire_header *ret)
{
	if (size < sizeof *ret)
		return false;
	memcpy(ret, packet, sizeof *ret);
	return ret->magic == WIRE_MAGIC;
}

static const char *check_interface(const struct wire_step *step)
{
	if (step->data_size == 0)
		return NULL;
	if (step->data_size > WIRE_INTERFACE_MAX)
		return "an interface's name is longer than 15 bytes";
	return memchr(step->data, 0, step->data_size) ? "an interface's name contains a NUL" : NULL;
}

/* Words for what is wrong with a step; NULL: nothing. Sizes only: what the values mean is judged
 * elsewhere. */
static const char *check_step(const struct wire_step *step)
{
	bool takes_address = step->kind == WIRE_STEP_BIND || step->kind == WIRE_STEP_CONNECT;

	if (step->address_size > WIRE_ADDRESS_MAX)
		return "an address is longer than 128 bytes";
	if (takes_address && step->address_size < sizeof(sa_family_t))
		return "an address is too short to name its family";
	if (step->address_size > 0 && !takes_address && step->kind != WIRE_STEP_SEND)
		return "a step carries an address that it has no use for";
	if (step->address_size == 1)
		return "an address is too short to name its family";

	switch (step->kind) {
	case WIRE_STEP_OPTION:
		return step->data_size > WIRE_OPTION_MAX
			       ? "an option's value is longer than 4096 bytes"
			       : NULL;
	case WIRE_STEP_FILTER:
		if (step->data_size == 0 || step->data_size % sizeof(struct sock_filter) != 0)
			return "a filter is not a whole number of instructions";
		if (step->data_size / sizeof(struct sock_filter) > WIRE_FILTER_MAX)
			return "a filter has more than 4096 instructions";
		return NULL;
	case WIRE_STEP_SEND:
		return NULL;
	case WIRE_STEP_BIND:
	case WIRE_STEP_CONNECT:
		return check_interface(step);
	case WIRE_STEP_LISTEN:
		return step->data_size > 0 ? "a step carries data that it has no use for" : NULL;
	}
	return "a step is of an unknown kind";
}

/* What may follow what: the order in which the calls make sense on any socket. */
const char *wire_check_order(const struct wire_step *steps, size_t n)
{
	bool bound = false, listening = false, connected = false;

	for (size_t i = 0; i < n; i++)
		switch (steps[i].kind) {
		case WIRE_STEP_BIND:
			if (bound || connected || listening)
				return "a bind step comes after another bind, a connect or a "
				       "listen step";
			bound = true;
			break;
		case WIRE_STEP_CONNECT:
			if (connected || listening)
				return "a connect step comes after another connect or a listen "
				       "step";
			connected = true;
			break;
		case WIRE_STEP_LISTEN:
			if (listening || connected)
				return "a listen step comes after another listen or a connect step";
			listening = true;
			break;
		case WIRE_STEP_SEND:
			if (listening)
				return "a send step comes after a listen step";
			break;
		case WIRE_STEP_OPTION:
		case WIRE_STEP_FILTER:
			break;
		}
	return NULL;
}

static const char *decode_steps(struct reader *reader, uint32_t n, struct wire_request *ret)
{
	if (n > WIRE_STEPS_MAX)
		return "a request has more than 32 steps";

	for (uint32_t i = 0; i < n; i++) {
		struct wire_step_header head;
		if (!read_into(reader, &head, sizeof head))
			return "a step is cut short";
		if (head.address_size > WIRE_PACKET_MAX || head.data_size > WIRE_PACKET_MAX ||
			head.size !=
				sizeof head + ALIGN8(head.address_size) + ALIGN8(head.data_size))
			return "a step's size is not the sum of its parts";
		if (head.kind < WIRE_STEP_OPTION || head.kind > WIRE_STEP_SEND)
			return "a step is of an unknown kind";

		struct wire_step *step = &ret->steps[i];
		*step = (struct wire_step){
			.kind = (enum wire_step_kind)head.kind,
			.a = head.a,
			.b = head.b,
			.address_size = head.address_size,
			.data_size = head.data_size,
		};
		step->address = read_part(reader, head.address_size);
		step->data = step->address ? read_part(reader, head.data_size) : NULL;
		if (!step->data)
			return "a step is cut short, or its padding is not zero";
		const char *what = check_step(step);
		if (what)
			return what;
	}
	ret->n_steps = n;
	return wire_check_order(ret->steps, n);
}

static const char *decode_open(struct reader *reader, struct wire_request *ret)
{
	struct wire_open open;

	if (!read_into(reader, &open, sizeof open))
		return "an OPEN is cut short";
	if (open.reserved != 0)
		return "a reserved field is not zero";
	if (open.count == 0 || open.count > WIRE_COUNT_MAX)
		return "the count is not between 1 and 253";
	if (open.netns > WIRE_NETNS_NAMED)
		return "the choice of network namespace is unknown";
	if ((open.netns == WIRE_NETNS_NAMED) != (open.netns_name_size > 0) ||
		open.netns_name_size > WIRE_NAME_MAX)
		return "the name of the network namespace is missing, too long or not asked for";

	const char *name = read_part(reader, open.netns_name_size);
	if (!name)
		return "an OPEN is cut short, or its padding is not zero";
	if (memchr(name, 0, open.netns_name_size))
		return "the name of the network namespace contains a NUL";
	memcpy(ret->netns_name, name, open.netns_name_size);
	ret->netns_name[open.netns_name_size] = 0;
	ret->domain = open.domain;
	ret->type = open.type;
	ret->protocol = open.protocol;
	ret->netns = (enum wire_netns)open.netns;
	ret->count = open.count;
	return decode_steps(reader, open.n_steps, ret);
}

static const char *decode_apply(struct reader *reader, struct wire_request *ret)
{
	struct wire_apply apply;

	if (!read_into(reader, &apply, sizeof apply))
		return "an APPLY is cut short";
	if (apply.reserved != 0)
		return "a reserved field is not zero";
	if (apply.n_steps == 0)
		return "an APPLY has no step";
	return decode_steps(reader, apply.n_steps, ret);
}

static const char *decode_named(
	struct reader *reader, enum wire_verb verb, struct wire_request *ret)
{
	struct wire_named *named = &ret->named;

	if (!read_into(reader, named, sizeof *named))
		return "a request about the store is cut short";
	const char *what = wire_check_named(verb, named);
	if (what)
		return what;
	const char *name = read_part(reader, named->name_size);
	if (!name)
		return "a name is cut short, or its padding is not zero";
	bool may_be_empty = verb == WIRE_STORED && !(named->flags & WIRE_NAMED_COMMON);
	if (!(named->name_size == 0 && may_be_empty) &&
		!wire_name_is_storable(name, named->name_size))
		return "a name has 1 to 127 letters, digits, dots, underscores or hyphens";
	memcpy(ret->name, name, named->name_size);
	ret->name[named->name_size] = 0;
	return NULL;
}

static uint32_t flags_of(unsigned verb)
{
	return verb == WIRE_OPEN || verb == WIRE_APPLY ? WIRE_REQUEST_ASK : 0;
}

int wire_decode_request(
	const void *packet, size_t size, struct wire_request *ret, const char **ret_what)
{
	struct reader reader = {packet, size};
	struct wire_header header;
	struct wire_release release;
	const char *what = NULL;

	if (size > WIRE_PACKET_MAX) {
		*ret_what = "the packet is longer than 128 KiB";
		return -EBADMSG;
	}
	if (!read_into(&reader, &header, sizeof header)) {
		*ret_what = "the packet is shorter than a header";
		return -EBADMSG;
	}
	if (header.magic != WIRE_MAGIC) {
		*ret_what = "the packet does not begin with the magic number";
		return -EBADMSG;
	}
	if (header.version != WIRE_VERSION) {
		*ret_what = "the protocol version is unknown";
		return -EPROTONOSUPPORT;
	}
	if (header.size != size) {
		*ret_what = "the size in the header is not the packet's";
		return -EBADMSG;
	}
	if (header.flags & ~flags_of(header.verb)) {
		*ret_what = "a flag in the header is unknown, or not one of this verb";
		return -EBADMSG;
	}

	ret->serial = header.serial;
	ret->flags = header.flags;
	ret->n_steps = 0;
	ret->count = 0;
	switch (header.verb) {
	case WIRE_HELLO:
		if (!read_into(&reader, &ret->hello, sizeof ret->hello))
			what = "a HELLO is cut short";
		else if (ret->hello.reserved != 0)
			what = "a reserved field is not zero";
		else if (ret->hello.version_min > ret->hello.version_max)
			what = "the lowest version of a HELLO is above the highest";
		break;
	case WIRE_OPEN:
		what = decode_open(&reader, ret);
		break;
	case WIRE_APPLY:
		what = decode_apply(&reader, ret);
		break;
	case WIRE_RELEASE:
		if (!read_into(&reader, &release, sizeof release))
			what = "a RELEASE is cut short";
		else
			ret->grant = release.grant;
		break;
	case WIRE_SHARE:
		what = read_into(&reader, &ret->share, sizeof ret->share)
			       ? wire_check_share(&ret->share)
			       : "a SHARE is cut short";
		break;
	case WIRE_FROMSHARE:
		if (!read_into(&reader, &ret->ticket, sizeof ret->ticket))
			what = "a FROMSHARE is cut short";
		break;
	case WIRE_STORE:
	case WIRE_FETCH:
	case WIRE_FORGET:
	case WIRE_STORED:
		what = decode_named(&reader, (enum wire_verb)header.verb, ret);
		break;
	default:
		what = "the verb is unknown";
	}
	if (!what && reader.left > 0)
		what = "the packet is longer than its contents";
	if (what) {
		*ret_what = what;
		return -EBADMSG;
	}
	ret->verb = (enum wire_verb)header.verb;
	return 0;
}

static void begin_packet(struct writer *writer, uint16_t verb, uint64_t serial, uint32_t flags)
{
	struct wire_header header = {
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.verb = verb,
		.serial = serial,
		.flags = flags,
	};
	write_part(writer, &header, sizeof header);
}

static ssize_t end_packet(struct writer *writer)
{
	if (writer->overflow)
		return -EMSGSIZE;
	uint32_t size = (uint32_t)writer->used;
	memcpy(writer->buffer + offsetof(struct wire_header, size), &size, sizeof size);
	return (ssize_t)writer->used;
}

static int write_steps(struct writer *writer, const struct wire_request *request)
{
	for (size_t i = 0; i < request->n_steps; i++) {
		const struct wire_step *step = &request->steps[i];
		if (check_step(step))
			return -EINVAL;
		if (step->data_size > WIRE_PACKET_MAX)
			return -EMSGSIZE;
		struct wire_step_header head = {
			.kind = step->kind,
			.size = (uint32_t)(sizeof head + ALIGN8(step->address_size) +
					   ALIGN8(step->data_size)),
			.a = step->a,
			.b = step->b,
			.address_size = (uint32_t)step->address_size,
			.data_size = (uint32_t)step->data_size,
		};
		write_part(writer, &head, sizeof head);
		write_part(writer, step->address, step->address_size);
		write_part(writer, step->data, step->data_size);
	}
	return wire_check_order(request->steps, request->n_steps) ? -EINVAL : 0;
}

static int write_named(struct writer *writer, const struct wire_request *request)
{
	struct wire_named named = request->named;
	size_t size = strnlen(request->name, sizeof request->name);
	bool may_be_empty = request->verb == WIRE_STORED && !(named.flags & WIRE_NAMED_COMMON);

	named.name_size = (uint32_t)size;
	if (wire_check_named(request->verb, &named) ||
		(!(size == 0 && may_be_empty) && !wire_name_is_storable(request->name, size)))
		return -EINVAL;
	write_part(writer, &named, sizeof named);
	write_part(writer, request->name, size);
	return 0;
}

ssize_t wire_encode_request(const struct wire_request *request, void *buffer, size_t size)
{
	struct writer writer = {.buffer = buffer, .size = MIN_OF(size, WIRE_PACKET_MAX)};
	size_t name_size = 0;
	int r = 0;

	if (request->n_steps > WIRE_STEPS_MAX || request->flags & ~flags_of(request->verb))
		return -EINVAL;
	begin_packet(&writer, request->verb, request->serial, request->flags);
	switch (request->verb) {
	case WIRE_HELLO:
		write_part(&writer, &request->hello, sizeof request->hello);
		break;
	case WIRE_OPEN:
		if (request->netns == WIRE_NETNS_NAMED) {
			name_size = strnlen(request->netns_name, sizeof request->netns_name);
			if (name_size == 0 || name_size > WIRE_NAME_MAX)
				return -EINVAL;
		}
		if (request->count == 0 || request->count > WIRE_COUNT_MAX)
			return -EINVAL;
		struct wire_open open = {
			.domain = request->domain,
			.type = request->type,
			.protocol = request->protocol,
			.netns = request->netns,
			.count = request->count,
			.n_steps = (uint32_t)request->n_steps,
			.netns_name_size = (uint32_t)name_size,
		};
		write_part(&writer, &open, sizeof open);
		write_part(&writer, request->netns_name, name_size);
		r = write_steps(&writer, request);
		break;
	case WIRE_APPLY:
		if (request->n_steps == 0)
			return -EINVAL;
		struct wire_apply apply = {.n_steps = (uint32_t)request->n_steps};
		write_part(&writer, &apply, sizeof apply);
		r = write_steps(&writer, request);
		break;
	case WIRE_RELEASE:
		write_part(&writer, &request->grant, sizeof request->grant);
		break;
	case WIRE_SHARE:
		if (wire_check_share(&request->share))
			return -EINVAL;
		write_part(&writer, &request->share, sizeof request->share);
		break;
	case WIRE_FROMSHARE:
		write_part(&writer, &request->ticket, sizeof request->ticket);
		break;
	case WIRE_STORE:
	case WIRE_FETCH:
	case WIRE_FORGET:
	case WIRE_STORED:
		r = write_named(&writer, request);
		break;
	default:
		return -EINVAL;
	}
	return r < 0 ? r : end_packet(&writer);
}

void wire_get_stored(const struct wire_reply *reply, uint32_t i, struct wire_stored *ret)
{
	memcpy(ret, (const char *)reply->stored + i * sizeof *ret, sizeof *ret);
}

/* What stands between the answer and its text. */
static bool read_more(struct reader *reader, struct wire_reply *ret)
{
	switch (ret->verb) {
	case WIRE_HELLO:
		return read_into(reader, &ret->welcome, sizeof ret->welcome);
	case WIRE_SHARE:
		return read_into(reader, &ret->ticket, sizeof ret->ticket);
	case WIRE_STORED:
		if (!read_into(reader, &ret->list, sizeof ret->list) ||
			ret->list.n > WIRE_STORED_MAX || ret->list.more > 1 ||
			(ret->list.more && ret->list.n == 0))
			return false;
		ret->stored = read_part(reader, ret->list.n * sizeof(struct wire_stored));
		for (uint32_t i = 0; ret->stored && i < ret->list.n; i++) {
			struct wire_stored stored;
			wire_get_stored(ret, i, &stored);
			if (!wire_check_stored(&stored))
				return false;
		}
		return ret->stored;
	default:
		return true;
	}
}

int wire_decode_reply(const void *packet, size_t size, struct wire_reply *ret)
{
	struct reader reader = {packet, size};
	struct wire_header header;
	struct wire_reply reply = {0};

	if (size > WIRE_PACKET_MAX || !read_into(&reader, &header, sizeof header) ||
		header.magic != WIRE_MAGIC || header.size != size || header.flags != 0 ||
		!(header.verb & WIRE_REPLY))
		return -EBADMSG;
	if (header.version != WIRE_VERSION)
		return -EPROTONOSUPPORT;
	if (!read_into(&reader, &reply.answer, sizeof reply.answer))
		return -EBADMSG;
	reply.verb = (enum wire_verb)(header.verb & ~WIRE_REPLY);
	reply.serial = header.serial;
	if (!read_more(&reader, &reply))
		return -EBADMSG;
	if (reply.answer.text_size > WIRE_TEXT_MAX || reply.answer.count > WIRE_COUNT_MAX ||
		reply.answer.error < 0 || reply.answer.error > WIRE_ERROR_MAX ||
		reply.answer.origin > WIRE_ORIGIN_STALE)
		return -EBADMSG;
	reply.text = read_part(&reader, reply.answer.text_size);
	if (!reply.text || reader.left > 0)
		return -EBADMSG;
	*ret = reply;
	return 0;
}

ssize_t wire_encode_reply(const struct wire_reply *reply, void *buffer, size_t size)
{
	struct writer writer = {.buffer = buffer, .size = MIN_OF(size, WIRE_PACKET_MAX)};

	if (reply->answer.text_size > WIRE_TEXT_MAX || reply->answer.count > WIRE_COUNT_MAX ||
		(reply->verb == WIRE_STORED && reply->list.n > WIRE_STORED_MAX))
		return -EINVAL;
	begin_packet(&writer, (uint16_t)(reply->verb | WIRE_REPLY), reply->serial, 0);
	write_part(&writer, &reply->answer, sizeof reply->answer);
	if (reply->verb == WIRE_HELLO)
		write_part(&writer, &reply->welcome, sizeof reply->welcome);
	if (reply->verb == WIRE_SHARE)
		write_part(&writer, &reply->ticket, sizeof reply->ticket);
	if (reply->verb == WIRE_STORED) {
		write_part(&writer, &reply->list, sizeof reply->list);
		write_part(&writer, reply->stored, reply->list.n * sizeof(struct wire_stored));
	}
	write_part(&writer, reply->text, reply->answer.text_size);
	return end_packet(&writer);
}
