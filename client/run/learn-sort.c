#include "client/run/learn-sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

bool learn_product_is_empty(const struct learn_product *product)
{
	for (size_t i = 0; i < LEARN_KEYS; i++)
		if (product->keys[i].n > 0)
			return false;
	return true;
}

/* What is not said of these stands for every one. */
static bool unsaid_is_any(enum learn_key key)
{
	return key == LEARN_INTERFACES || key == LEARN_DEVICES;
}

bool learn_product_covers(const struct learn_product *wide, const struct learn_product *narrow)
{
	for (size_t i = 0; i < LEARN_KEYS; i++) {
		const struct learn_set *all = &wide->keys[i], *some = &narrow->keys[i];
		bool both = (all->n > 0) == (some->n > 0);

		if (both ? !learn_set_within(some, all)
			 : all->n > 0 || !unsaid_is_any((enum learn_key)i))
			return false;
	}
	return true;
}

static int copy_product(const struct learn_product *product, struct learn_product *ret)
{
	struct learn_product copy = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < LEARN_KEYS; i++)
		r = learn_set_join(&copy.keys[i], &product->keys[i]);
	if (r < 0)
		learn_product_done(&copy);
	else
		*ret = copy;
	return r;
}

/* The one key in which they differ, where both say the same keys; else LEARN_KEYS. */
static enum learn_key only_difference(const struct learn_product *a, const struct learn_product *b)
{
	enum learn_key found = LEARN_KEYS;

	for (size_t i = 0; i < LEARN_KEYS; i++) {
		if ((a->keys[i].n > 0) != (b->keys[i].n > 0))
			return LEARN_KEYS;
		if (learn_set_equal(&a->keys[i], &b->keys[i]))
			continue;
		if (found != LEARN_KEYS)
			return LEARN_KEYS;
		found = (enum learn_key)i;
	}
	return found;
}

static void remove_product(struct learn_sort *sort, size_t at)
{
	learn_product_done(&sort->products[at]);
	sort->products[at] = sort->products[--sort->n_products];
}

/* What joins with the product is taken into it, until nothing does. */
static int absorb(struct learn_sort *sort, struct learn_product *product)
{
	for (size_t i = 0; i < sort->n_products;) {
		const struct learn_product *other = &sort->products[i];
		enum learn_key key = only_difference(product, other);

		if (key != LEARN_KEYS) {
			int r = learn_set_join(&product->keys[key], &other->keys[key]);
			if (r < 0)
				return r;
		} else if (!learn_product_covers(product, other)) {
			i++;
			continue;
		}
		remove_product(sort, i);
		i = 0;
	}
	return 0;
}

static void cleanup_product(struct learn_product *product)
{
	learn_product_done(product);
}

int learn_sort_add_product(struct learn_sort *sort, const struct learn_product *product)
{
	_cleanup_(cleanup_product) struct learn_product copy = {0};

	if (learn_product_is_empty(product))
		return 0;
	for (size_t i = 0; i < sort->n_products; i++)
		if (learn_product_covers(&sort->products[i], product))
			return 0;
	if (sort->n_products == LEARN_PRODUCTS_MAX)
		return -E2BIG;
	/* First the room, so that nothing is lost of what is absorbed. */
	struct learn_product *larger =
		reallocarray(sort->products, sort->n_products + 1, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	sort->products = larger;
	int r = copy_product(product, &copy);
	if (r == 0)
		r = absorb(sort, &copy);
	if (!learn_product_is_empty(&copy)) {
		sort->products[sort->n_products++] = copy;
		copy = (struct learn_product){0};
	}
	return r;
}

int learn_sort_add_option(struct learn_sort *sort, const struct option_info *info, bool any,
	const struct learn_set *values)
{
	struct learn_option *option = NULL;

	for (size_t i = 0; i < sort->n_options; i++)
		if (sort->options[i].info == info)
			option = &sort->options[i];
	if (!option) {
		struct learn_option *larger =
			reallocarray(sort->options, sort->n_options + 1, sizeof *larger);
		if (!larger)
			return -ENOMEM;
		sort->options = larger;
		option = &larger[sort->n_options++];
		*option = (struct learn_option){.info = info};
	}
	option->any |= any;
	return learn_set_join(&option->values, values);
}

int learn_sort_add_note(
	struct learn_sort *sort, const char *text, const struct learn_product *product)
{
	for (size_t i = 0; i < sort->n_notes; i++)
		if (strcmp(sort->notes[i].text, text) == 0)
			return 0;
	if (sort->n_notes == LEARN_NOTES_MAX)
		return 0;
	struct learn_note *larger = reallocarray(sort->notes, sort->n_notes + 1, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	sort->notes = larger;
	struct learn_note *note = &larger[sort->n_notes];
	*note = (struct learn_note){.text = strdup(text)};
	int r = note->text ? copy_product(product, &note->product) : -ENOMEM;
	if (r < 0)
		free(note->text);
	else
		sort->n_notes++;
	return r;
}

int learn_sort_join(struct learn_sort *sort, const struct learn_sort *other)
{
	int r = learn_set_join(&sort->groups, &other->groups);

	if (r == 0)
		r = learn_set_join(&sort->events, &other->events);
	for (size_t i = 0; r == 0 && i < other->n_products; i++)
		r = learn_sort_add_product(sort, &other->products[i]);
	for (size_t i = 0; r == 0 && i < other->n_options; i++)
		r = learn_sort_add_option(sort, other->options[i].info, other->options[i].any,
			&other->options[i].values);
	for (size_t i = 0; r == 0 && i < other->n_notes; i++)
		r = learn_sort_add_note(sort, other->notes[i].text, &other->notes[i].product);
	sort->open = sort->open || other->open;
	return r;
}

void learn_sort_done(struct learn_sort *sort)
{
	for (size_t i = 0; i < sort->n_products; i++)
		learn_product_done(&sort->products[i]);
	for (size_t i = 0; i < sort->n_options; i++)
		learn_set_done(&sort->options[i].values);
	for (size_t i = 0; i < sort->n_notes; i++) {
		free(sort->notes[i].text);
		learn_product_done(&sort->notes[i].product);
	}
	free(sort->products);
	free(sort->options);
	free(sort->notes);
	learn_set_done(&sort->groups);
	learn_set_done(&sort->events);
	*sort = (struct learn_sort){0};
}
