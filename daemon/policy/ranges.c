#include "daemon/policy/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/macro.h"

/* Arrays grow by doubling: a new one is needed whenever n is a power of two. */
static int grow(void **items, size_t n, size_t item_size)
{
	if (n & (n - 1))
		return 0;
	void *larger = reallocarray(*items, n ? n * 2 : 1, item_size);
	if (!larger)
		return -ENOMEM;
	*items = larger;
	return 0;
}

int ranges_add(struct ranges *ranges, uint32_t first, uint32_t last)
{
	int r = grow((void **)&ranges->items, ranges->n, sizeof(*ranges->items));
	if (r < 0)
		return r;
	ranges->items[ranges->n++] = (struct range){first, last};
	return 0;
}

int names_add(struct names *names, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	int r = grow((void **)&names->items, names->n, sizeof(*names->items));
	if (r < 0)
		return r;
	names->items[names->n++] = TAKE_PTR(copy);
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void ranges_normalize(struct ranges *ranges)
{
	if (ranges->n < 2)
		return;
	qsort(ranges->items, ranges->n, sizeof(*ranges->items), compare_ranges);
	size_t kept = 0;
	for (size_t i = 1; i < ranges->n; i++) {
		struct range *previous = &ranges->items[kept];
		const struct range *next = &ranges->items[i];
		if (previous->last == UINT32_MAX || next->first <= previous->last + 1)
			previous->last = MAX_OF(previous->last, next->last);
		else
			ranges->items[++kept] = *next;
	}
	ranges->n = kept + 1;
}

void ranges_done(struct ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct ranges){0};
}

void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct names){0};
}

bool ranges_contain(const struct ranges *ranges, uint32_t value)
{
	size_t low = 0, high = ranges->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (value < ranges->items[middle].first)
			high = middle;
		else if (value > ranges->items[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

bool names_match(const struct names *names, const char *text)
{
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->items[i];
		size_t size = strlen(name);

		if (size > 0 && name[size - 1] == '*') {
			if (strncmp(name, text, size - 1) == 0)
				return true;
		} else if (strcmp(name, text) == 0) {
			return true;
		}
	}
	return false;
}
