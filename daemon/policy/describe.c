#include "daemon/policy/describe.h"

#include <ctype.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/netlink-judge.h"
#include "daemon/policy/index.h"
#include "proto/address.h"
#include "proto/bluetooth.h"
#include "proto/constants.h"
#include "proto/macro.h"

#define MESSAGES_SHOWN_MAX 4u

/* Text that is added to; once something did not fit, nothing more is. */
struct writer {
	char *buffer;
	size_t size, n;
	bool cut;
};

static struct writer writer_new(char *buffer, size_t size)
{
	if (size > 0)
		buffer[0] = '\0';
	return (struct writer){.buffer = buffer, .size = size, .cut = size == 0};
}

_printf_(2, 3) static void add(struct writer *writer, const char *format, ...)
{
	va_list arguments;

	if (writer->cut)
		return;
	va_start(arguments, format);
	size_t room = writer->size - writer->n;
	int n = vsnprintf(writer->buffer + writer->n, room, format, arguments);
	va_end(arguments);
	if (n >= 0 && (size_t)n < room) {
		writer->n += (size_t)n;
		return;
	}
	writer->cut = true;
	writer->n = writer->size - 1;
	if (writer->size > 3)
		memcpy(writer->buffer + writer->size - 4, "...", 4);
}

static void add_escaped(struct writer *writer, const char *text, size_t size)
{
	for (size_t i = 0; i < size && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c > 0x20 && c < 0x7f && c != '\\')
			add(writer, "%c", c);
		else
			add(writer, "\\x%02x", c);
	}
}

static void add_option(struct writer *writer, int domain, const struct wire_step *step)
{
	const struct option_info *info = option_of_family(domain, step->a, step->b);

	if (!info) {
		add(writer, "option %d:%d", step->a, step->b);
		return;
	}
	add(writer, "%s", info->name);
	if (info->value == OPTION_INTERFACE) {
		add(writer, "=");
		add_escaped(writer, step->data, step->data_size);
	} else if (info->value == OPTION_INT && step->data_size == sizeof(int)) {
		int value;
		memcpy(&value, step->data, sizeof(value));
		add(writer, "=%d", value);
	}
}

/* Where a step names its interface, that stands in the place of the number. */
static void add_interface_and_rest(
	struct writer *writer, const struct wire_step *step, const char *text)
{
	bool named = (step->kind == WIRE_STEP_BIND || step->kind == WIRE_STEP_CONNECT) &&
		     step->data_size > 0;

	if (named)
		add_escaped(writer, step->data, step->data_size);
	if (named && text[0] == '0' && (text[1] == '/' || text[1] == '\0'))
		text++;
	else if (named)
		add(writer, "+");
	add(writer, "%s", text);
}

static void add_address(struct writer *writer, const struct wire_step *step)
{
	char text[ADDRESS_TEXT_MAX];

	if (step->address_size == 0 ||
		address_format(step->address, step->address_size, text, sizeof(text)) < 0)
		return;
	add(writer, " ");
	add_interface_and_rest(writer, step, text);
}

/* A send on a netlink socket may hold several messages, one after the other. */
static void add_messages(struct writer *writer, int protocol, const struct wire_step *step)
{
	size_t at = 0;

	for (size_t i = 0; at + sizeof(struct nlmsghdr) <= step->data_size; i++) {
		const struct nlmsghdr *message =
			(const struct nlmsghdr *)((const char *)step->data + at);
		struct nlmsghdr header;
		memcpy(&header, message, sizeof(header));
		bool whole = header.nlmsg_len >= sizeof(header) &&
			     header.nlmsg_len <= step->data_size - at;
		const char *name = whole ? constant_netlink_message_name(protocol,
						   netlink_message_number(protocol, message))
					 : NULL;
		if (i == MESSAGES_SHOWN_MAX) {
			add(writer, " ...");
			return;
		}
		if (name)
			add(writer, " %s", name);
		else
			add(writer, " message %u", header.nlmsg_type);
		if (!whole)
			return;
		at += NLMSG_ALIGN((size_t)header.nlmsg_len);
	}
}

static void add_command(struct writer *writer, const struct wire_step *step)
{
	const unsigned char *bytes = step->data;

	if (step->data_size < HCI_COMMAND_HEADER_SIZE || bytes[0] != HCI_COMMAND_PACKET)
		return;
	uint16_t opcode = (uint16_t)(bytes[1] | bytes[2] << 8);
	const char *name = bluetooth_opcode_name(opcode);
	if (name)
		add(writer, " %s", name);
	else
		add(writer, " command 0x%04x", opcode);
}

static void add_step(struct writer *writer, int domain, int protocol, const struct wire_step *step)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		add_option(writer, domain, step);
		return;
	case WIRE_STEP_FILTER:
		add(writer, "filter");
		return;
	case WIRE_STEP_BIND:
		add(writer, "bind");
		add_address(writer, step);
		return;
	case WIRE_STEP_CONNECT:
		add(writer, "connect");
		add_address(writer, step);
		return;
	case WIRE_STEP_LISTEN:
		add(writer, "listen");
		return;
	case WIRE_STEP_SEND:
		add(writer, "send");
		if (domain == AF_NETLINK)
			add_messages(writer, protocol, step);
		else if (domain == AF_BLUETOOTH && protocol == BTPROTO_HCI)
			add_command(writer, step);
		else
			add_address(writer, step);
		return;
	}
	add(writer, "step %d", (int)step->kind);
}

static void add_steps(struct writer *writer, int domain, int protocol,
	const struct wire_step *steps, size_t n_steps)
{
	for (size_t i = 0; i < n_steps && !writer->cut; i++) {
		if (i > 0)
			add(writer, " ");
		add_step(writer, domain, protocol, &steps[i]);
	}
}

/* Names where there are any, else numbers, in the forms that sockctl and policies take. */
static void add_kind(struct writer *writer, const struct policy_query *query)
{
	int protocol =
		query->domain == AF_PACKET ? socket_kind_of_query(query).protocol : query->protocol;
	const char *family = constant_family_name(query->domain);
	const char *type = constant_type_name(query->type);
	const char *name = constant_protocol_name(query->domain, protocol);
	bool inet = query->domain == AF_INET || query->domain == AF_INET6;

	if (family)
		add(writer, "%s", family);
	else
		add(writer, "%d", query->domain);
	if (type)
		add(writer, " %s", type);
	else
		add(writer, " %d", query->type);
	/* The usual protocol goes without saying; netlink's 0 is one with a name. */
	if (protocol == 0 && (inet || !name))
		return;
	if (name)
		add(writer, " %s", name);
	else
		add(writer, " %d", protocol);
}

void describe_steps(int domain, int protocol, const struct wire_step *steps, size_t n_steps,
	char *buffer, size_t size)
{
	struct writer writer = writer_new(buffer, size);

	add_steps(&writer, domain, protocol, steps, n_steps);
}

void describe_query(const struct policy_query *query, char *buffer, size_t size)
{
	struct writer writer = writer_new(buffer, size);

	add_kind(&writer, query);
	if (query->n_steps > 0)
		add(&writer, ", ");
	add_steps(&writer, query->domain, query->protocol, query->steps, query->n_steps);
}

/* A word for a shell. */
static void add_quoted(struct writer *writer, const char *text)
{
	bool plain = true;

	for (const char *c = text; *c; c++)
		plain = plain && (isalnum((unsigned char)*c) || strchr("-_=.,:/@%+", *c));
	if (plain) {
		add(writer, "%s", text);
		return;
	}
	add(writer, "'");
	for (const char *c = text; *c; c++) {
		if (*c == '\'')
			add(writer, "'\\''");
		else
			add(writer, "%c", *c);
	}
	add(writer, "'");
}

/* A client's choice: only what a rule could name is repeated. */
static void add_netns(struct writer *writer, const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (strlen(name) <= 64 && name[strspn(name, plain)] == '\0')
		add(writer, "--netns=%s ", name);
}

/* Names that libsystemd has found valid: a backslash is the worst that they hold. */
static void add_place(struct writer *writer, const struct policy_place *place)
{
	const struct {
		const char *option, *name;
	} words[] = {
		{"--unit=", place->unit},
		{"--slice=", place->slice},
		{"--user-unit=", place->user_unit},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char word[WIRE_NAME_MAX + 16];

		if (!words[i].name)
			continue;
		snprintf(word, sizeof(word), "%s%s", words[i].option, words[i].name);
		add_quoted(writer, word);
		add(writer, " ");
	}
}

/* But for its uid. */
static void add_subject(struct writer *writer, const struct policy_subject *subject,
	const struct policy_place *place)
{
	if (subject->listener && strcmp(subject->listener, "default") != 0)
		add(writer, "--listener=%s ", subject->listener);
	if (subject->foreign_netns)
		add(writer, "--foreign ");
	if (place)
		add_place(writer, place);
}

void describe_check(const struct policy_query *query, const struct policy_subject *subject,
	const struct policy_place *place, char *buffer, size_t size)
{
	struct writer writer = writer_new(buffer, size);

	add(&writer, "sockctl check --uid=%u --gid=%u ", subject->uid, subject->gid);
	add_subject(&writer, subject, place);
	if (query->apply)
		add(&writer, "--apply ");
	else if (query->netns == WIRE_NETNS_PEER)
		add(&writer, "--netns=peer ");
	else if (query->netns == WIRE_NETNS_BROKER)
		add(&writer, "--netns=broker ");
	else if (query->netns == WIRE_NETNS_NAMED && query->netns_name)
		add_netns(&writer, query->netns_name);
	add_kind(&writer, query);
	for (size_t i = 0; i < query->n_steps && !writer.cut; i++) {
		char word[ADDRESS_TEXT_MAX + 16];
		struct writer part = writer_new(word, sizeof(word));
		struct writer before = writer;
		const struct wire_step *step = &query->steps[i];

		/* Elsewhere no rule speaks of what a socket is connected to. */
		bool connect = step->kind == WIRE_STEP_CONNECT && query->domain == AF_CAN;

		if (step->kind == WIRE_STEP_BIND || connect) {
			char text[ADDRESS_TEXT_MAX];
			if (address_format(step->address, step->address_size, text, sizeof(text)) <
				0)
				continue;
			add(&part, connect ? "--connect=" : "--bind=");
			add_interface_and_rest(&part, step, text);
		} else if (step->kind == WIRE_STEP_OPTION &&
			   option_of_family(query->domain, step->a, step->b)) {
			add(&part, "--option=");
			add_option(&part, query->domain, step);
		} else {
			continue;
		}
		add(&writer, " ");
		add_quoted(&writer, word);
		/* Half a word would ask for something else: leave it out. */
		if (writer.cut || part.cut) {
			writer = before;
			writer.buffer[writer.n] = '\0';
		}
	}
}

/* The name was checked when it came in. */
void describe_keep(const struct policy_keep_query *query, char *buffer, size_t size)
{
	struct writer writer = writer_new(buffer, size);
	const struct policy_query plain = {
		.domain = query->domain,
		.type = query->type,
		.protocol = query->protocol,
	};

	add(&writer, "%s ", policy_action_name(query->action));
	add_kind(&writer, &plain);
	if (query->name)
		add(&writer, " as %s%s", query->common ? "common " : "", query->name);
}

void describe_keep_check(const struct policy_keep_query *query,
	const struct policy_subject *subject, const struct policy_place *place, char *buffer,
	size_t size)
{
	struct writer writer = writer_new(buffer, size);
	const struct policy_query plain = {
		.domain = query->domain,
		.type = query->type,
		.protocol = query->protocol,
	};

	add(&writer, "sockctl check --uid=%u --gid=%u --action=%s ", subject->uid, subject->gid,
		policy_action_name(query->action));
	add_subject(&writer, subject, place);
	if (!query->in_peers)
		add(&writer, query->in_brokers ? "--netns=broker " : "--netns=other ");
	if (query->common)
		add(&writer, "--common ");
	if (query->name)
		add(&writer, "--name=%s ", query->name);
	add_kind(&writer, &plain);
}
