/*
 * All that was learnt of one kind of socket: family, type and protocol.
 */
#ifndef SOCKD_CLIENT_RUN_LEARN_SORT_H
#define SOCKD_CLIENT_RUN_LEARN_SORT_H

#include "client/run/learn-need.h"

struct learn_option {
	const struct option_info *info;
	bool any;
	struct learn_set values;
};

/* Whose call needed what; the product is that part of the sort which it is about, if any. */
struct learn_note {
	char *text;
	struct learn_product product;
};

struct learn_sort {
	struct learn_socket socket;
	bool open;
	struct learn_product *products;
	size_t n_products;
	struct learn_set groups, events;
	struct learn_option *options;
	size_t n_options;
	struct learn_note *notes;
	size_t n_notes;
};

#define LEARN_PRODUCTS_MAX 1024u
#define LEARN_NOTES_MAX 512u

/* All return 0, -ENOMEM or -E2BIG. A copy is made of what is added. */
int learn_sort_add_product(struct learn_sort *sort, const struct learn_product *product);
int learn_sort_add_option(struct learn_sort *sort, const struct option_info *info, bool any,
	const struct learn_set *values);
int learn_sort_add_note(
	struct learn_sort *sort, const char *text, const struct learn_product *product);
/* Adds all of another that is of the same socket. */
int learn_sort_join(struct learn_sort *sort, const struct learn_sort *other);
void learn_sort_done(struct learn_sort *sort);

bool learn_product_is_empty(const struct learn_product *product);
/* Does a rule with wide give all that one with narrow does? */
bool learn_product_covers(const struct learn_product *wide, const struct learn_product *narrow);

#endif
