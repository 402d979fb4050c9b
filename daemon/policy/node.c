#include "daemon/policy/node.h"

#include <ctype.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <string.h>

struct node node_root(struct source *source, json_t *json)
{
	return (struct node){.source = source, .json = json};
}

struct node node_key(const struct node *parent, const char *key)
{
	return (struct node){
		.source = parent->source,
		.path = {.parent = &parent->path, .key = key},
		.json = json_object_get(parent->json, key),
	};
}

struct node node_element(const struct node *parent, size_t index)
{
	return (struct node){
		.source = parent->source,
		.path = {.parent = &parent->path, .index = index},
		.json = json_array_get(parent->json, index),
	};
}

_printf_(3, 0) static void error_at(
	const struct node *node, bool of_key, const char *format, va_list arguments)
{
	const struct source *source = node->source;
	struct position at = {1, 1};
	char words[1024];

	/* Beyond the last that is shown nobody needs the place, and finding it costs a reading. */
	if (source->report->n_errors < REPORT_ERRORS_MAX)
		(void)position_find(source->text, source->size, &node->path, of_key, &at);
	vsnprintf(words, sizeof(words), format, arguments);
	report_error(source->report, source->file, &at, source->rule, "%s", words);
}

void node_error(const struct node *node, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	error_at(node, false, format, arguments);
	va_end(arguments);
}

void node_key_error(const struct node *node, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	error_at(node, true, format, arguments);
	va_end(arguments);
}

#define DISTANCE_TEXT_MAX 48u

/* Levenshtein's distance; texts longer than the keys can be are cut. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[DISTANCE_TEXT_MAX + 1];
	size_t size_a = strnlen(a, DISTANCE_TEXT_MAX), size_b = strnlen(b, DISTANCE_TEXT_MAX);

	for (size_t j = 0; j <= size_b; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= size_a; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= size_b; j++) {
			unsigned above = row[j];
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			unsigned best = diagonal + (same ? 0 : 1);
			best = MIN_OF(best, above + 1);
			row[j] = MIN_OF(best, row[j - 1] + 1);
			diagonal = above;
		}
	}
	return row[size_b];
}

void node_check_keys(const struct node *object, const char *const *known, size_t n_known)
{
	const char *key;
	json_t *value;

	json_object_foreach(object->json, key, value)
	{
		const char *nearest = known[0];
		unsigned least = UINT_MAX;

		for (size_t i = 0; i < n_known && least > 0; i++) {
			unsigned d = strcmp(key, known[i]) == 0 ? 0 : 1 + distance(key, known[i]);
			if (d < least) {
				least = d;
				nearest = known[i];
			}
		}
		if (least > 0) {
			char quoted[REPORT_QUOTE_MAX];
			struct node child = node_key(object, key);

			node_key_error(&child, "unknown key %s; the nearest known one is \"%s\"",
				report_quote(key, quoted), nearest);
		}
	}
}

static const char *kind_of(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	default:
		return "null";
	}
}

const char *node_text(const struct node *node, const char *expected)
{
	if (json_is_string(node->json))
		return json_string_value(node->json);
	node_error(node, "this is %s; give %s", kind_of(node->json), expected);
	return NULL;
}

bool node_integer(const struct node *node, const char *expected, json_int_t min, json_int_t max,
	json_int_t *ret)
{
	if (!json_is_integer(node->json)) {
		node_error(node, "this is %s; give %s", kind_of(node->json), expected);
		return false;
	}
	json_int_t value = json_integer_value(node->json);
	if (value < min || value > max) {
		node_error(node,
			"%" JSON_INTEGER_FORMAT
			" is out of range; give %s from %" JSON_INTEGER_FORMAT
			" to %" JSON_INTEGER_FORMAT,
			value, expected, min, max);
		return false;
	}
	*ret = value;
	return true;
}

int node_each(const struct node *node, node_item callback, void *data)
{
	if (!json_is_array(node->json))
		return callback(node, data);
	if (json_array_size(node->json) == 0)
		node_error(node, "the list is empty, which gives nothing; name something or leave "
				 "the key out");
	for (size_t i = 0; i < json_array_size(node->json); i++) {
		struct node item = node_element(node, i);
		int r = callback(&item, data);
		if (r < 0)
			return r;
	}
	return 0;
}

static const char *number_from_text(const char *text, uint32_t *ret)
{
	uint64_t value = 0;

	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++) {
		value = value * 10 + (unsigned)(*text - '0');
		if (value > UINT32_MAX)
			return NULL;
	}
	*ret = (uint32_t)value;
	return text;
}

int range_from_text(const char *text, uint32_t *ret_first, uint32_t *ret_last)
{
	uint32_t first, last;

	text = number_from_text(text, &first);
	if (!text || *text != '-')
		return -EINVAL;
	text = number_from_text(text + 1, &last);
	if (!text || *text)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

int node_range(const struct node *item, void *data)
{
	const struct node_ranges *wanted = data;
	uint32_t first, last;
	char quoted[REPORT_QUOTE_MAX], expected[128];

	snprintf(expected, sizeof(expected), "%s as a number or as a range \"FIRST-LAST\"",
		wanted->what);
	if (json_is_string(item->json)) {
		const char *text = json_string_value(item->json);

		if (range_from_text(text, &first, &last) < 0) {
			node_error(item, "%s is not a range; give %s", report_quote(text, quoted),
				expected);
			return 0;
		}
		if (first > last) {
			node_error(item, "the range %s ends before it begins; write \"%u-%u\"",
				report_quote(text, quoted), last, first);
			return 0;
		}
		if (first < wanted->min || last > wanted->max) {
			node_error(item, "the range %s goes beyond %s, which is from %u to %u",
				report_quote(text, quoted), wanted->what, wanted->min, wanted->max);
			return 0;
		}
		return ranges_add(wanted->ranges, first, last);
	}

	json_int_t value, min = wanted->negative ? INT_MIN : (json_int_t)wanted->min;
	if (!node_integer(item, expected, min, wanted->max, &value))
		return 0;
	return ranges_add(wanted->ranges, (uint32_t)value, (uint32_t)value);
}

bool name_is_plain(const char *text, size_t max)
{
	size_t size = strlen(text);

	if (size == 0 || size > max)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("._-", *text))
			return false;
	return true;
}

bool text_is_printable(const char *text)
{
	json_t *string = json_string(text); /* NULL where it is no UTF-8 */
	bool printable = string != NULL;

	json_decref(string);
	for (; printable && *text; text++)
		printable = (unsigned char)*text >= 0x20 && *text != 0x7f;
	return printable;
}

int node_interface(const struct node *item, void *data)
{
	struct names *names = data;
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, "an interface's name such as \"eth0\" or \"veth*\"");

	if (!text)
		return 0;
	size_t size = strlen(text);
	bool valid =
		size > 0 && size < IFNAMSIZ && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
	for (size_t i = 0; valid && i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		valid = c > ' ' && c != 0x7f && c != '/' && c != ':' && (c != '*' || i == size - 1);
	}
	if (!valid) {
		node_error(item,
			"%s is no interface's name; give at most 15 characters without space, / "
			"and :, with * only at the end",
			report_quote(text, quoted));
		return 0;
	}
	return names_add(names, text);
}
