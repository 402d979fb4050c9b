#include "client/run/learn-rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/run/learn-sort.h"

#define SORTS_MAX 1024u
#define NAME_MAX_SIZE 64u /* of a rule, with the NUL */
#define DESCRIPTION_MAX 8192u
#define SEPARATOR "; "

static const struct {
	const char *name;
	enum learn_style style;
} keys[LEARN_KEYS] = {
	[LEARN_PORTS] = {"ports", LEARN_RANGES},
	[LEARN_ADDRESSES] = {"addresses", LEARN_NUMBERS},
	[LEARN_MESSAGES] = {"messages", LEARN_NUMBERS},
	[LEARN_INTERFACES] = {"interfaces", LEARN_TEXTS},
	[LEARN_DEVICES] = {"devices", LEARN_TEXTS},
	[LEARN_CHANNELS] = {"channels", LEARN_RANGES},
	[LEARN_OPCODES] = {"opcodes", LEARN_NUMBERS},
	[LEARN_PSMS] = {"psms", LEARN_RANGES},
	[LEARN_TRANSPORTS] = {"transports", LEARN_TEXTS},
	[LEARN_CIDS] = {"cids", LEARN_RANGES},
};

static void cleanup_sort(struct learn_sort *sort)
{
	learn_sort_done(sort);
}

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

void learn_rules_done(struct learn_rules *rules)
{
	for (size_t i = 0; i < rules->n_sorts; i++)
		learn_sort_done(&rules->sorts[i]);
	free(rules->sorts);
	json_decref(rules->others);
	*rules = (struct learn_rules){0};
}

static int find_sort(
	struct learn_rules *rules, const struct learn_socket *socket, struct learn_sort **ret)
{
	for (size_t i = 0; i < rules->n_sorts; i++) {
		if (learn_socket_equal(&rules->sorts[i].socket, socket)) {
			*ret = &rules->sorts[i];
			return 0;
		}
	}
	if (rules->n_sorts == SORTS_MAX)
		return -E2BIG;
	struct learn_sort *larger = reallocarray(rules->sorts, rules->n_sorts + 1, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	rules->sorts = larger;
	*ret = &larger[rules->n_sorts++];
	**ret = (struct learn_sort){.socket = *socket};
	return 0;
}

int learn_rules_add(struct learn_rules *rules, const struct learn_need *need, const char *note)
{
	struct learn_sort *sort;
	int r = find_sort(rules, &need->socket, &sort);

	if (r == 0)
		r = learn_sort_add_product(sort, &need->product);
	if (r == 0)
		r = learn_set_join(&sort->groups, &need->groups);
	if (r == 0)
		r = learn_set_join(&sort->events, &need->events);
	if (r == 0 && need->option)
		r = learn_sort_add_option(
			sort, option_by_name(need->option), need->any, &need->values);
	if (r < 0)
		return r;
	sort->open = sort->open || need->open;
	return learn_sort_add_note(sort, note, &need->product);
}

/* --- reading --- */

static int read_number(const json_t *json, int (*from_name)(const char *name, int *ret), int *ret)
{
	if (json_is_string(json))
		return from_name(json_string_value(json), ret) < 0 ? -EINVAL : 0;
	if (!json_is_integer(json) || json_integer_value(json) < 0 ||
		json_integer_value(json) > UINT16_MAX)
		return -EINVAL;
	*ret = (int)json_integer_value(json);
	return 0;
}

static int read_socket(const json_t *rule, struct learn_socket *ret)
{
	const json_t *protocol = json_object_get(rule, "protocol");
	int r = read_number(
		json_object_get(rule, "family"), constant_family_from_name, &ret->domain);

	if (r == 0)
		r = read_number(json_object_get(rule, "type"), constant_type_from_name, &ret->type);
	if (r < 0)
		return r;
	ret->protocol = LEARN_PROTOCOL_UNSAID;
	if (json_is_string(protocol))
		return constant_protocol_from_name(
			       ret->domain, json_string_value(protocol), &ret->protocol) < 0
			       ? -EINVAL
			       : 0;
	return protocol ? read_number(protocol, constant_type_from_name, &ret->protocol) : 0;
}

static int read_options(const json_t *options, struct learn_sort *ret)
{
	const char *name;
	json_t *value;

	if (!json_is_object(options))
		return -EINVAL;
	json_object_foreach((json_t *)options, name, value)
	{
		const struct option_info *info = option_by_name(name);
		struct learn_set values = {0};
		bool any = json_is_string(value) && strcmp(json_string_value(value), "any") == 0;
		int r = info ? 0 : -EINVAL;

		if (r == 0 && !any)
			r = learn_set_from_json(value, learn_option_style(info), &values);
		if (r == 0)
			r = learn_sort_add_option(ret, info, any, &values);
		learn_set_done(&values);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_notes(const char *text, const struct learn_product *product, struct learn_sort *ret)
{
	int r = 0;

	while (r == 0 && *text) {
		const char *end = strstr(text, SEPARATOR);
		size_t size = end ? (size_t)(end - text) : strlen(text);
		_cleanup_free_ char *note = strndup(text, size);

		r = note ? learn_sort_add_note(ret, note, product) : -ENOMEM;
		text += size + (end ? strlen(SEPARATOR) : 0);
	}
	return r;
}

/* A value that is not read by itself. Returns 0, or 1 where it is one of our keys' lists. */
static int read_key(const char *name, const json_t *value, uint32_t uid,
	struct learn_product *product, struct learn_sort *ret)
{
	static const char *const read_elsewhere[] = {"family", "type", "protocol"};

	for (size_t i = 0; i < LEARN_KEYS; i++)
		if (strcmp(name, keys[i].name) == 0)
			return learn_set_from_json(value, keys[i].style, &product->keys[i]);
	for (size_t i = 0; i < ARRAY_SIZE(read_elsewhere); i++)
		if (strcmp(name, read_elsewhere[i]) == 0)
			return 0;
	if (strcmp(name, "name") == 0 || strcmp(name, "description") == 0)
		return json_is_string(value) ? 0 : -EINVAL;
	if (strcmp(name, "groups") == 0)
		return learn_set_from_json(value, LEARN_NUMBERS, &ret->groups);
	if (strcmp(name, "events") == 0)
		return learn_set_from_json(value, LEARN_RANGES, &ret->events);
	if (strcmp(name, "options") == 0)
		return read_options(value, ret);
	if (strcmp(name, "netns") == 0)
		return json_is_string(value)
			       ? learn_socket_set_netns(&ret->socket, json_string_value(value))
			       : -EINVAL;
	if (strcmp(name, "peers") == 0) {
		const json_t *id = json_object_get(value, "uid");
		return json_object_size(value) == 1 && json_is_integer(id) &&
				       json_integer_value(id) == (json_int_t)uid
			       ? 0
			       : -EINVAL;
	}
	return -EINVAL;
}

/* Whether the socket itself was asked for is not written down, but who asked for what: if for
 * options alone, then not. */
static bool is_for_options(const struct learn_sort *sort)
{
	for (size_t i = 0; i < sort->n_notes; i++) {
		const char *call = strstr(sort->notes[i].text, ": ");
		if (!call || strncmp(call, ": setsockopt ", strlen(": setsockopt ")) != 0)
			return false;
	}
	return sort->n_notes > 0 && sort->n_options > 0;
}

/* -EINVAL: it is not as we write them. */
static int read_rule(const json_t *rule, uint32_t uid, struct learn_sort *ret)
{
	_cleanup_(cleanup_sort) struct learn_sort sort = {0};
	const char *name, *description = json_string_value(json_object_get(rule, "description"));
	struct learn_product product = {0};
	json_t *value;
	int r = json_object_get(rule, "peers") ? read_socket(rule, &sort.socket) : -EINVAL;

	json_object_foreach((json_t *)rule, name, value)
	{
		if (r == 0)
			r = read_key(name, value, uid, &product, &sort);
	}
	if (r == 0)
		r = learn_sort_add_product(&sort, &product);
	if (r == 0 && description)
		r = read_notes(description, &product, &sort);
	sort.open = !learn_product_limits(sort.socket.domain, &product) && !is_for_options(&sort);
	learn_product_done(&product);
	if (r == 0) {
		*ret = sort;
		sort = (struct learn_sort){0};
	}
	return r;
}

int learn_rules_read(struct learn_rules *rules, const json_t *list, uint32_t uid)
{
	if (!json_is_array(list))
		return -EINVAL;
	if (!rules->others)
		rules->others = json_array();
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *rule = json_array_get(list, i);
		_cleanup_(cleanup_sort) struct learn_sort sort = {0};
		struct learn_sort *own;

		if (!json_is_string(json_object_get(rule, "name")))
			return -EINVAL;
		int r = read_rule(rule, uid, &sort);
		if (r == -EINVAL) {
			if (json_array_append(rules->others, rule) < 0)
				return -ENOMEM;
			continue;
		}
		if (r == 0)
			r = find_sort(rules, &sort.socket, &own);
		if (r == 0)
			r = learn_sort_join(own, &sort);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- writing --- */

/* What goes into one rule. */
struct part {
	const struct learn_product *product; /* NULL: none */
	bool base;			     /* groups and events, and whoever asks for no more */
	bool options;
};

struct parts {
	struct part items[LEARN_PRODUCTS_MAX + 1];
	size_t n;
};

/*
 * A rule whose sockets must be asked for bound cannot give one that is not. So there is a rule
 * without such limits where anything needs it; and the options stand in that, or with the limits
 * where these are all there is.
 */
static void divide(const struct learn_sort *sort, struct parts *ret)
{
	const struct learn_product *first_free = NULL;
	bool base = sort->open || sort->groups.n > 0 || sort->events.n > 0, carried = false;

	ret->n = 0;
	for (size_t i = 0; i < sort->n_products; i++) {
		const struct learn_product *product = &sort->products[i];
		bool limits = learn_product_limits(sort->socket.domain, product);
		/* With "devices" the option HCI_FILTER cannot be. */
		carried = carried || (limits && product->keys[LEARN_DEVICES].n == 0);
		if (!limits && !first_free)
			first_free = product;
	}
	base = base || first_free || (sort->n_options > 0 && !carried);
	if (base)
		ret->items[ret->n++] =
			(struct part){.product = first_free, .base = true, .options = true};
	carried = base;
	for (size_t i = 0; i < sort->n_products; i++) {
		const struct learn_product *product = &sort->products[i];
		if (product == first_free)
			continue;
		bool carries = !carried && product->keys[LEARN_DEVICES].n == 0;
		ret->items[ret->n++] = (struct part){.product = product, .options = carries};
		carried = carried || carries;
	}
}

static bool is_about(const struct learn_note *note, const struct part *part)
{
	if (learn_product_is_empty(&note->product))
		return part->options;
	return part->product && learn_product_covers(part->product, &note->product);
}

static json_t *describe(const struct learn_sort *sort, const struct part *part)
{
	char *text = NULL;
	size_t size, n = 0, left_out = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < sort->n_notes; i++) {
		if (!is_about(&sort->notes[i], part))
			continue;
		if (ftell(stream) + (long)strlen(sort->notes[i].text) > (long)DESCRIPTION_MAX)
			left_out++;
		else
			fprintf(stream, "%s%s", n++ > 0 ? SEPARATOR : "", sort->notes[i].text);
	}
	if (left_out > 0)
		fprintf(stream, SEPARATOR "and others");
	json_t *json = fclose(stream) == 0 ? json_string(text) : NULL;
	free(text);
	return json;
}

static json_t *name_or_number(const char *name, int number)
{
	return name ? json_string(name) : json_integer(number);
}

/* The name, where it means this number again. */
static const char *protocol_name(const struct learn_socket *socket)
{
	const char *name = constant_protocol_name(socket->domain, socket->protocol);
	int number;

	return name && constant_protocol_from_name(socket->domain, name, &number) == 0 &&
			       number == socket->protocol
		       ? name
		       : NULL;
}

/* 0 or -ENOMEM. Takes the value. */
static int set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

static int set_socket(json_t *rule, const struct learn_socket *socket)
{
	int r = set(rule, "family",
		name_or_number(constant_family_name(socket->domain), socket->domain));

	if (r == 0)
		r = set(rule, "type",
			name_or_number(constant_type_name(socket->type), socket->type));
	if (r == 0 && socket->protocol != LEARN_PROTOCOL_UNSAID)
		r = set(rule, "protocol", name_or_number(protocol_name(socket), socket->protocol));
	return r;
}

static int set_options(json_t *rule, const struct learn_sort *sort)
{
	if (sort->n_options == 0)
		return 0;
	json_t *options = json_object();
	int r = options ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < sort->n_options; i++) {
		const struct learn_option *option = &sort->options[i];
		json_t *value = option->any ? json_string("any")
					    : learn_set_to_json(&option->values,
						      learn_option_style(option->info));
		r = set(options, option->info->name, value);
	}
	if (r < 0) {
		json_decref(options);
		return r;
	}
	return set(rule, "options", options);
}

static int set_lists(json_t *rule, const struct learn_sort *sort, const struct part *part)
{
	int r = 0;

	for (size_t i = 0; r == 0 && part->product && i < LEARN_KEYS; i++)
		if (part->product->keys[i].n > 0)
			r = set(rule, keys[i].name,
				learn_set_to_json(&part->product->keys[i], keys[i].style));
	if (r == 0 && part->base && sort->groups.n > 0)
		r = set(rule, "groups", learn_set_to_json(&sort->groups, LEARN_NUMBERS));
	if (r == 0 && part->base && sort->events.n > 0)
		r = set(rule, "events", learn_set_to_json(&sort->events, LEARN_RANGES));
	return r == 0 && part->options ? set_options(rule, sort) : r;
}

static json_t *write_rule(
	const struct learn_sort *sort, const struct part *part, const char *name, uint32_t uid)
{
	_cleanup_(cleanup_json) json_t *rule = json_object();
	int r = rule ? set(rule, "name", json_string(name)) : -ENOMEM;

	if (r == 0)
		r = set(rule, "description", describe(sort, part));
	if (r == 0)
		r = set(rule, "peers", json_pack("{s:I}", "uid", (json_int_t)uid));
	if (r == 0)
		r = set_socket(rule, &sort->socket);
	if (r == 0)
		r = set_lists(rule, sort, part);
	if (r == 0 && *sort->socket.netns)
		r = set(rule, "netns", json_string(sort->socket.netns));
	return r == 0 ? TAKE_PTR(rule) : NULL;
}

static bool is_taken(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *other =
			json_string_value(json_object_get(json_array_get(list, i), "name"));
		if (other && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* STEM-inet-stream-tcp, and -2, -3, ... behind it for further ones. */
static void choose_name(const json_t *list, const char *stem, const struct learn_socket *socket,
	char ret[static NAME_MAX_SIZE])
{
	const char *family = constant_family_name(socket->domain);
	const char *type = constant_type_name(socket->type);
	const char *protocol = socket->protocol == LEARN_PROTOCOL_UNSAID
				       ? "any"
				       : constant_protocol_name(socket->domain, socket->protocol);
	char numbers[3][16];

	snprintf(numbers[0], sizeof numbers[0], "%d", socket->domain);
	snprintf(numbers[1], sizeof numbers[1], "%d", socket->type);
	snprintf(numbers[2], sizeof numbers[2], "%d", socket->protocol);
	int length = snprintf(ret, NAME_MAX_SIZE - 6, "%s-%s-%s%s%s", stem,
		family ? family : numbers[0], type ? type : numbers[1],
		socket->protocol == LEARN_PROTOCOL_UNSAID ? "" : "-",
		socket->protocol == LEARN_PROTOCOL_UNSAID ? ""
		: protocol				  ? protocol
							  : numbers[2]);
	char *end = ret + MIN_OF((size_t)length, NAME_MAX_SIZE - 7);
	for (char *c = ret; c < end; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '-';
	for (unsigned i = 2; is_taken(list, ret) && i < 10000; i++)
		snprintf(end, 6, "-%u", i);
}

json_t *learn_rules_write(const struct learn_rules *rules, const char *stem, uint32_t uid)
{
	_cleanup_(cleanup_json) json_t *list =
		rules->others ? json_copy(rules->others) : json_array();
	_cleanup_free_ struct parts *parts = malloc(sizeof *parts);

	if (!list || !parts)
		return NULL;
	for (size_t i = 0; i < rules->n_sorts; i++) {
		const struct learn_sort *sort = &rules->sorts[i];
		divide(sort, parts);
		for (size_t j = 0; j < parts->n; j++) {
			char name[NAME_MAX_SIZE];
			choose_name(list, stem, &sort->socket, name);
			json_t *rule = write_rule(sort, &parts->items[j], name, uid);
			if (json_array_append_new(list, rule) < 0)
				return NULL;
		}
	}
	return TAKE_PTR(list);
}
