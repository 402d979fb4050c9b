/* What is asked to be done with a socket. */
#include "daemon/policy/describe.h"

#include <assert.h>
#include <limits.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/netlink-judge.h"
#include "daemon/policy/describe-private.h"
#include "proto/address.h"
#include "proto/bluetooth.h"
#include "proto/constants.h"
#include "proto/macro.h"

static void add_escaped(struct writer *writer, const char *text, size_t size)
{
	for (size_t i = 0; i < size && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c > 0x20 && c < 0x7f && c != '\\')
			writer_add(writer, "%c", c);
		else
			writer_add(writer, "\\x%02x", c);
	}
}

void describe_add_option(struct writer *writer, int domain, const struct wire_step *step)
{
	const struct option_info *info = option_of_family(domain, step->a, step->b);

	if (!info) {
		writer_add(writer, "option %d:%d", step->a, step->b);
		return;
	}
	writer_add(writer, "%s", info->name);
	if (info->value == OPTION_INTERFACE) {
		writer_add(writer, "=");
		add_escaped(writer, step->data, step->data_size);
	} else if (info->value == OPTION_INT && step->data_size == sizeof(int)) {
		int value;
		memcpy(&value, step->data, sizeof(value));
		writer_add(writer, "=%d", value);
	}
}

/* Where a step names its interface, that stands in the place of the number. */
void describe_add_address(struct writer *writer, const struct wire_step *step, const char *text)
{
	bool named = (step->kind == WIRE_STEP_BIND || step->kind == WIRE_STEP_CONNECT) &&
		     step->data_size > 0;

	if (named)
		add_escaped(writer, step->data, step->data_size);
	if (named && text[0] == '0' && (text[1] == '/' || text[1] == '\0'))
		text++;
	else if (named)
		writer_add(writer, "+");
	writer_add(writer, "%s", text);
}

static void add_address(struct writer *writer, const struct wire_step *step)
{
	char text[ADDRESS_TEXT_MAX];

	if (step->address_size == 0 ||
		address_format(step->address, step->address_size, text, sizeof(text)) < 0)
		return;
	writer_add(writer, " ");
	describe_add_address(writer, step, text);
}

/* A message as it is told. */
struct message {
	int number; /* as policies know it; MESSAGE_CUT: there is not all of it */
	unsigned type;
};
#define MESSAGE_CUT INT_MIN

static bool is_same_message(struct message a, struct message b)
{
	return a.number == b.number && a.type == b.type;
}

/* A send on a netlink socket may hold several messages, one after the other. Returns whether there
 * is one at *at, which moves on. */
static bool next_message(
	int protocol, const struct wire_step *step, size_t *at, struct message *ret)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)((const char *)step->data + *at);
	struct nlmsghdr header;

	if (*at >= step->data_size || step->data_size - *at < sizeof(header))
		return false;
	memcpy(&header, message, sizeof(header));
	bool whole =
		header.nlmsg_len >= sizeof(header) && header.nlmsg_len <= step->data_size - *at;
	ret->number = whole ? netlink_message_number(protocol, message) : MESSAGE_CUT;
	ret->type = header.nlmsg_type;
	*at = whole ? *at + NLMSG_ALIGN((size_t)header.nlmsg_len) : step->data_size;
	return true;
}

static void add_message(struct writer *writer, int protocol, struct message message, size_t times)
{
	const char *name = constant_netlink_message_name(protocol, message.number);

	if (name)
		writer_add(writer, " %s", name);
	else
		writer_add(writer, " message %u", message.type);
	if (times > 1)
		writer_add(writer, " x%zu", times);
}

bool describe_next_message(
	struct writer *writer, int protocol, const struct wire_step *step, size_t *at)
{
	struct message message;

	if (!next_message(protocol, step, at, &message))
		return false;
	const char *name = constant_netlink_message_name(protocol, message.number);
	if (name)
		writer_add(writer, "%s", name);
	else
		writer_add(writer, "%u", message.type);
	return true;
}

static void add_messages(struct writer *writer, int protocol, const struct wire_step *step)
{
	struct message message, last;
	size_t at = 0, times = 0;

	while (!writer->cut && next_message(protocol, step, &at, &message)) {
		if (times > 0 && is_same_message(message, last)) {
			times++;
			continue;
		}
		if (times > 0)
			add_message(writer, protocol, last, times);
		last = message;
		times = 1;
	}
	if (times > 0)
		add_message(writer, protocol, last, times);
}

static void add_command(struct writer *writer, const struct wire_step *step)
{
	const unsigned char *bytes = step->data;

	if (step->data_size < HCI_COMMAND_HEADER_SIZE || bytes[0] != HCI_COMMAND_PACKET)
		return;
	uint16_t opcode = (uint16_t)(bytes[1] | bytes[2] << 8);
	const char *name = bluetooth_opcode_name(opcode);
	if (name)
		writer_add(writer, " %s", name);
	else
		writer_add(writer, " command 0x%04x", opcode);
}

static void add_step(struct writer *writer, int domain, int protocol, const struct wire_step *step)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		describe_add_option(writer, domain, step);
		return;
	case WIRE_STEP_FILTER:
		writer_add(writer, "filter");
		return;
	case WIRE_STEP_BIND:
		writer_add(writer, "bind");
		add_address(writer, step);
		return;
	case WIRE_STEP_CONNECT:
		writer_add(writer, "connect");
		add_address(writer, step);
		return;
	case WIRE_STEP_LISTEN:
		writer_add(writer, "listen");
		return;
	case WIRE_STEP_SEND:
		writer_add(writer, "send");
		if (domain == AF_NETLINK)
			add_messages(writer, protocol, step);
		else if (domain == AF_BLUETOOTH && protocol == BTPROTO_HCI)
			add_command(writer, step);
		else
			add_address(writer, step);
		return;
	}
	writer_add(writer, "step %d", (int)step->kind);
}

static void add_in_order(struct writer *writer, int domain, int protocol,
	const struct wire_step *steps, size_t n_steps)
{
	for (size_t i = 0; i < n_steps && !writer->cut; i++) {
		if (i > 0)
			writer_add(writer, " ");
		add_step(writer, domain, protocol, &steps[i]);
	}
}

/* --- where not all fits --- */

/* What comes first, so that a client cannot hide it behind what is harmless. */
enum weight {
	WEIGHT_BIND,
	WEIGHT_PRIVILEGED, /* what not everybody may set or send */
	WEIGHT_CONNECT,
	WEIGHT_OTHER,
	WEIGHTS
};

struct shortlist {
	struct writer *writer;
	size_t begin, end; /* behind it there is room for the number of those left out */
	size_t left_out;
	bool full;
};

static void shortlist_add(struct shortlist *list, const char *text, size_t times)
{
	struct writer *writer = list->writer;
	const struct writer before = *writer;

	if (!list->full) {
		writer_add(writer, "%s%s", writer->n > list->begin ? " " : "", text);
		if (times > 1)
			writer_add(writer, " x%zu", times);
		if (!writer->cut && writer->n <= list->end)
			return;
		*writer = before;
		writer->buffer[writer->n] = '\0';
		list->full = true;
		if (writer->n == list->begin) {
			writer_add(writer, "%.*s...", (int)(list->end - list->begin - 3), text);
			times--;
		}
	}
	list->left_out += times;
}

static bool is_same_part(const void *a, size_t a_size, const void *b, size_t b_size)
{
	return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static bool is_same_step(const struct wire_step *a, const struct wire_step *b)
{
	return a->kind == b->kind && a->a == b->a && a->b == b->b &&
	       is_same_part(a->data, a->data_size, b->data, b->data_size) &&
	       is_same_part(a->address, a->address_size, b->address, b->address_size);
}

/* To another value, before anything was done with this one. Groups are joined one beside the other.
 */
static bool is_set_again(const struct wire_step *steps, size_t n_steps, size_t i)
{
	const struct wire_step *step = &steps[i];

	for (size_t j = i + 1; j < n_steps && steps[j].kind == WIRE_STEP_OPTION; j++)
		if (steps[j].a == step->a && steps[j].b == step->b &&
			!is_same_step(&steps[j], step))
			return step->a != SOL_NETLINK;
	return false;
}

static enum weight weight_of_step(
	int domain, int protocol, const struct wire_step *steps, size_t n_steps, size_t i)
{
	const struct wire_step *step = &steps[i];

	switch (step->kind) {
	case WIRE_STEP_BIND:
		return WEIGHT_BIND;
	case WIRE_STEP_CONNECT:
		return WEIGHT_CONNECT;
	case WIRE_STEP_OPTION:
		return is_set_again(steps, n_steps, i) ||
				       option_is_free(option_of_family(domain, step->a, step->b),
					       step->data, step->data_size)
			       ? WEIGHT_OTHER
			       : WEIGHT_PRIVILEGED;
	case WIRE_STEP_SEND:
		return domain == AF_BLUETOOTH && protocol == BTPROTO_HCI ? WEIGHT_PRIVILEGED
									 : WEIGHT_OTHER;
	default:
		return WEIGHT_OTHER;
	}
}

/* As the policy has it: the answers of socket diagnosis are more than everybody gets. */
static enum weight weight_of_message(int protocol, struct message message)
{
	return protocol != NETLINK_SOCK_DIAG &&
			       constant_netlink_message_is_free(protocol, message.number)
		       ? WEIGHT_OTHER
		       : WEIGHT_PRIVILEGED;
}

struct steps {
	const struct wire_step *steps;
	size_t n;
	enum weight weights[WIRE_STEPS_MAX];
};

/* How many of the first n steps are the same as this one? */
static size_t count_same(const struct steps *steps, size_t n, size_t i)
{
	size_t same = 0;

	for (size_t j = 0; j < n; j++)
		same += steps->weights[j] == steps->weights[i] &&
			is_same_step(&steps->steps[j], &steps->steps[i]);
	return same;
}

static void list_steps(struct shortlist *list, int domain, int protocol, const struct steps *steps,
	enum weight weight)
{
	for (size_t i = 0; i < steps->n; i++) {
		const struct wire_step *step = &steps->steps[i];
		char text[ADDRESS_TEXT_MAX + 128];
		struct writer part = writer_new(text, sizeof(text));

		if (steps->weights[i] != weight || count_same(steps, i, i) > 0 ||
			(domain == AF_NETLINK && step->kind == WIRE_STEP_SEND))
			continue;
		if (!list->full)
			add_step(&part, domain, protocol, step);
		shortlist_add(list, text, count_same(steps, steps->n, i));
	}
}

/* The messages of all sends, each kind once; of more kinds than have room there is the number. */
struct messages {
	struct message kinds[8];
	size_t times[8], n, others;
};

static void count_message(struct messages *messages, struct message message)
{
	size_t i = 0;

	while (i < messages->n && !is_same_message(message, messages->kinds[i]))
		i++;
	if (i == ARRAY_SIZE(messages->kinds)) {
		messages->others++;
		return;
	}
	if (i == messages->n)
		messages->kinds[messages->n++] = message;
	messages->times[i]++;
}

static void count_messages(struct messages *messages_by_weight, int protocol,
	const struct wire_step *steps, size_t n_steps)
{
	struct message message;

	for (size_t i = 0; i < n_steps; i++) {
		size_t at = 0;

		if (steps[i].kind != WIRE_STEP_SEND)
			continue;
		while (next_message(protocol, &steps[i], &at, &message)) {
			enum weight weight = weight_of_message(protocol, message);

			count_message(&messages_by_weight[weight], message);
		}
		if (at == 0) /* not even one */
			messages_by_weight[WEIGHT_OTHER].others++;
	}
}

static void list_messages(struct shortlist *list, int protocol, const struct messages *messages)
{
	for (size_t i = 0; i < messages->n; i++) {
		char text[64];
		struct writer part = writer_new(text, sizeof(text));

		if (i == 0)
			writer_add(&part, "send");
		add_message(&part, protocol, messages->kinds[i], 1);
		shortlist_add(list, i == 0 ? text : text + 1, messages->times[i]);
	}
	list->left_out += messages->others;
}

#define LEFT_OUT_MAX (sizeof(" +9999 more") - 1)

static void add_by_weight(struct writer *writer, int domain, int protocol,
	const struct wire_step *steps, size_t n_steps)
{
	struct shortlist list = {
		.writer = writer,
		.begin = writer->n,
		.end = writer->size - 1 - LEFT_OUT_MAX,
	};
	struct messages messages[WEIGHTS] = {0};
	struct steps weighed = {.steps = steps, .n = n_steps};

	assert(n_steps <= WIRE_STEPS_MAX);
	for (size_t i = 0; i < n_steps; i++)
		weighed.weights[i] = weight_of_step(domain, protocol, steps, n_steps, i);
	if (domain == AF_NETLINK)
		count_messages(messages, protocol, steps, n_steps);
	for (enum weight weight = 0; weight < WEIGHTS; weight++) {
		list_steps(&list, domain, protocol, &weighed, weight);
		list_messages(&list, protocol, &messages[weight]);
	}
	if (list.left_out > 0)
		writer_add(writer, " +%zu more", list.left_out);
}

/* In the order of the client where all fits. */
void describe_add_steps(struct writer *writer, int domain, int protocol,
	const struct wire_step *steps, size_t n_steps)
{
	const struct writer before = *writer;

	add_in_order(writer, domain, protocol, steps, n_steps);
	if (!writer->cut || before.cut || before.size - before.n < 2 * LEFT_OUT_MAX)
		return;
	*writer = before;
	writer->buffer[writer->n] = '\0';
	add_by_weight(writer, domain, protocol, steps, n_steps);
}

void describe_steps(int domain, int protocol, const struct wire_step *steps, size_t n_steps,
	char *buffer, size_t size)
{
	struct writer writer = writer_new(buffer, size);

	describe_add_steps(&writer, domain, protocol, steps, n_steps);
}
