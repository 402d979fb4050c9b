#include "client/run/learn-set.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/macro.h"

/* The longest range that is read number by number; a longer one stays one value. */
#define RANGE_READ_MAX 4096

static bool is_number(const char *text, long long *ret)
{
	char *end;

	if (!isdigit((unsigned char)text[text[0] == '-']))
		return false;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* Numbers by their value and before names. */
static int compare(const char *a, const char *b)
{
	long long x, y;
	bool a_is_number = is_number(a, &x), b_is_number = is_number(b, &y);

	if (a_is_number && b_is_number && x != y)
		return x < y ? -1 : 1;
	if (a_is_number != b_is_number)
		return a_is_number ? -1 : 1;
	return strcmp(a, b);
}

/* Where text is, or belongs. */
static size_t find(const struct learn_set *set, const char *text, bool *ret_found)
{
	size_t first = 0, end = set->n;

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		int order = compare(set->items[middle], text);
		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			first = middle + 1;
		else
			end = middle;
	}
	*ret_found = false;
	return first;
}

int learn_set_add(struct learn_set *set, const char *text)
{
	bool found;
	size_t at = find(set, text, &found);

	if (found)
		return 0;
	if (set->n == LEARN_SET_MAX)
		return -E2BIG;
	_cleanup_free_ char *copy = strdup(text);
	char **larger = reallocarray(set->items, set->n + 1, sizeof *larger);
	if (larger)
		set->items = larger;
	if (!copy || !larger)
		return -ENOMEM;
	memmove(larger + at + 1, larger + at, (set->n - at) * sizeof *larger);
	larger[at] = TAKE_PTR(copy);
	set->n++;
	return 0;
}

int learn_set_add_number(struct learn_set *set, long long number)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", number);
	return learn_set_add(set, text);
}

int learn_set_join(struct learn_set *set, const struct learn_set *other)
{
	for (size_t i = 0; i < other->n; i++) {
		int r = learn_set_add(set, other->items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

bool learn_set_has(const struct learn_set *set, const char *text)
{
	bool found;

	(void)find(set, text, &found);
	return found;
}

bool learn_set_within(const struct learn_set *a, const struct learn_set *b)
{
	if (a->n > b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!learn_set_has(b, a->items[i]))
			return false;
	return true;
}

bool learn_set_equal(const struct learn_set *a, const struct learn_set *b)
{
	return a->n == b->n && learn_set_within(a, b);
}

void learn_set_done(struct learn_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->items[i]);
	free(set->items);
	*set = (struct learn_set){0};
}

/* How many from here on are numbers in a row. */
static size_t row_length(const struct learn_set *set, size_t at)
{
	long long first, next;
	size_t n = 1;

	if (!is_number(set->items[at], &first) || first < 0)
		return 1;
	while (at + n < set->n && is_number(set->items[at + n], &next) &&
		next == first + (long long)n)
		n++;
	return n;
}

json_t *learn_set_to_json(const struct learn_set *set, enum learn_style style)
{
	json_t *list = json_array();
	long long number;

	for (size_t i = 0; list && i < set->n;) {
		size_t row = style == LEARN_RANGES ? row_length(set, i) : 1;
		json_t *item;

		if (row >= 3)
			item = json_sprintf("%s-%s", set->items[i], set->items[i + row - 1]);
		else {
			row = 1;
			item = style != LEARN_TEXTS && is_number(set->items[i], &number)
				       ? json_integer((json_int_t)number)
				       : json_string(set->items[i]);
		}
		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
		i += row;
	}
	return list;
}

static int add_text(struct learn_set *set, const char *text, enum learn_style style)
{
	unsigned long long first, last;
	int end = 0;

	if (style != LEARN_RANGES || sscanf(text, "%9llu-%9llu%n", &first, &last, &end) != 2 ||
		text[end] != '\0' || !isdigit((unsigned char)text[0]) || first > last ||
		last - first >= RANGE_READ_MAX)
		return learn_set_add(set, text);
	for (unsigned long long i = first; i <= last; i++) {
		int r = learn_set_add_number(set, (long long)i);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_json(struct learn_set *set, const json_t *json, enum learn_style style)
{
	if (json_is_integer(json) && style != LEARN_TEXTS)
		return learn_set_add_number(set, json_integer_value(json));
	return json_is_string(json) ? add_text(set, json_string_value(json), style) : -EINVAL;
}

int learn_set_from_json(const json_t *json, enum learn_style style, struct learn_set *ret)
{
	size_t n = json_array_size(json);

	if (!json_is_array(json))
		return add_json(ret, json, style);
	if (n == 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		int r = add_json(ret, json_array_get(json, i), style);
		if (r < 0)
			return r;
	}
	return 0;
}
