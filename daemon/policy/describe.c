#include "daemon/policy/describe.h"

#include <ctype.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/policy/describe-private.h"
#include "daemon/policy/index.h"
#include "proto/address.h"
#include "proto/constants.h"
#include "proto/macro.h"

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
		writer_add(writer, "%s", family);
	else
		writer_add(writer, "%d", query->domain);
	if (type)
		writer_add(writer, " %s", type);
	else
		writer_add(writer, " %d", query->type);
	/* The usual protocol goes without saying; netlink's 0 is one with a name. */
	if (protocol == 0 && (inet || !name))
		return;
	if (name)
		writer_add(writer, " %s", name);
	else
		writer_add(writer, " %d", protocol);
}

void describe_query(const struct policy_query *query, char *buffer, size_t size)
{
	struct writer writer = writer_new(buffer, size);

	add_kind(&writer, query);
	if (query->n_steps > 0)
		writer_add(&writer, ", ");
	describe_add_steps(&writer, query->domain, query->protocol, query->steps, query->n_steps);
}

/* A word for a shell. */
static void add_quoted(struct writer *writer, const char *text)
{
	bool plain = true;

	for (const char *c = text; *c; c++)
		plain = plain && (isalnum((unsigned char)*c) || strchr("-_=.,:/@%+", *c));
	if (plain) {
		writer_add(writer, "%s", text);
		return;
	}
	writer_add(writer, "'");
	for (const char *c = text; *c; c++) {
		if (*c == '\'')
			writer_add(writer, "'\\''");
		else
			writer_add(writer, "%c", *c);
	}
	writer_add(writer, "'");
}

/* A client's choice: only what a rule could name is repeated. */
static void add_netns(struct writer *writer, const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (strlen(name) <= 64 && name[strspn(name, plain)] == '\0')
		writer_add(writer, "--netns=%s ", name);
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
		writer_add(writer, " ");
	}
}

static void add_who(struct writer *writer, const struct policy_subject *subject)
{
	writer_add(writer, "--uid=%u --gid=%u ", subject->uid, subject->gid);
	for (size_t i = 0; i < subject->n_groups; i++)
		writer_add(writer, "%s%u", i == 0 ? "--groups=" : ",", subject->groups[i]);
	if (subject->n_groups > 0)
		writer_add(writer, " ");
}

static void add_whence(struct writer *writer, const struct policy_subject *subject,
	const struct policy_place *place)
{
	if (subject->listener && strcmp(subject->listener, "default") != 0)
		writer_add(writer, "--listener=%s ", subject->listener);
	if (subject->foreign_netns)
		writer_add(writer, "--foreign ");
	if (place)
		add_place(writer, place);
}

/* Half a word would ask for something else: it is left out. Returns whether there was room. */
static bool add_whole(struct writer *writer, const struct writer *word)
{
	struct writer before = *writer;

	writer_add(writer, " ");
	add_quoted(writer, word->buffer);
	if (!writer->cut && !word->cut)
		return true;
	*writer = before;
	writer->buffer[writer->n] = '\0';
	return false;
}

/* Each kind once where they stand together; as many as there is room for. */
static void add_check_messages(struct writer *writer, int protocol, const struct wire_step *step)
{
	char last[64] = "", text[64];
	bool room = true;

	for (size_t at = 0; room;) {
		struct writer word = writer_new(text, sizeof(text));
		writer_add(&word, "--message=");
		if (!describe_next_message(&word, protocol, step, &at))
			return;
		if (strcmp(text, last) != 0)
			room = add_whole(writer, &word);
		memcpy(last, text, sizeof(last));
	}
}

/* As sockctl takes it. False: it takes no such value, which is of another size than the kernel's.
 */
static bool add_check_option(struct writer *writer, int domain, const struct wire_step *step)
{
	const struct option_info *info = option_of_family(domain, step->a, step->b);
	const unsigned char *bytes = step->data;

	if (!info || (info->value == OPTION_INT && step->data_size != sizeof(int)))
		return false;
	writer_add(writer, "--option=");
	describe_add_option(writer, domain, step);
	if (info->value != OPTION_BYTES)
		return true;
	writer_add(writer, "=");
	for (size_t i = 0; i < step->data_size && !writer->cut; i++)
		writer_add(writer, "%02x", bytes[i]);
	return true;
}

static void add_check_step(
	struct writer *writer, const struct policy_query *query, const struct wire_step *step)
{
	char text[ADDRESS_TEXT_MAX + 16];
	struct writer word = writer_new(text, sizeof(text));
	/* Elsewhere no rule speaks of what a socket is connected to. */
	bool connect = step->kind == WIRE_STEP_CONNECT && query->domain == AF_CAN;

	if (step->kind == WIRE_STEP_BIND || connect) {
		char address[ADDRESS_TEXT_MAX];
		if (address_format(step->address, step->address_size, address, sizeof(address)) < 0)
			return;
		writer_add(&word, connect ? "--connect=" : "--bind=");
		describe_add_address(&word, step, address);
	} else if (step->kind == WIRE_STEP_OPTION) {
		if (!add_check_option(&word, query->domain, step))
			return;
	} else {
		if (step->kind == WIRE_STEP_SEND && query->domain == AF_NETLINK)
			add_check_messages(writer, query->protocol, step);
		return;
	}
	(void)add_whole(writer, &word);
}

void describe_check(const struct policy_query *query, const struct policy_subject *subject,
	const struct policy_place *place, char *buffer, size_t size)
{
	struct writer writer = writer_new(buffer, size);

	writer_add(&writer, "sockctl check ");
	add_who(&writer, subject);
	add_whence(&writer, subject, place);
	if (query->apply)
		writer_add(&writer, "--apply ");
	else if (query->netns == WIRE_NETNS_PEER)
		writer_add(&writer, "--netns=peer ");
	else if (query->netns == WIRE_NETNS_BROKER)
		writer_add(&writer, "--netns=broker ");
	else if (query->netns == WIRE_NETNS_NAMED && query->netns_name)
		add_netns(&writer, query->netns_name);
	add_kind(&writer, query);
	for (size_t i = 0; i < query->n_steps && !writer.cut; i++)
		add_check_step(&writer, query, &query->steps[i]);
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

	writer_add(&writer, "%s ", policy_action_name(query->action));
	add_kind(&writer, &plain);
	if (query->name)
		writer_add(&writer, " as %s%s", query->common ? "common " : "", query->name);
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

	writer_add(&writer, "sockctl check ");
	add_who(&writer, subject);
	writer_add(&writer, "--action=%s ", policy_action_name(query->action));
	add_whence(&writer, subject, place);
	if (!query->in_peers)
		writer_add(&writer, query->in_brokers ? "--netns=broker " : "--netns=other ");
	if (query->common)
		writer_add(&writer, "--common ");
	if (query->name)
		writer_add(&writer, "--name=%s ", query->name);
	add_kind(&writer, &plain);
}
