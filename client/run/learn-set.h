/*
 * A set of the values that a key of a rule lists, as text: numbers in decimal, names as they are.
 * Sorted, without doubles. Whoever fills one owns it.
 */
#ifndef SOCKD_CLIENT_RUN_LEARN_SET_H
#define SOCKD_CLIENT_RUN_LEARN_SET_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define LEARN_SET_MAX 16384u

struct learn_set {
	char **items;
	size_t n;
};

/* How the values stand in a rule. */
enum learn_style {
	LEARN_TEXTS,   /* strings, whatever they look like */
	LEARN_NUMBERS, /* numbers as numbers, the others as strings */
	LEARN_RANGES,  /* and three numbers or more in a row as "FIRST-LAST" */
};

/* 0, -ENOMEM, or -E2BIG where there are LEARN_SET_MAX. */
int learn_set_add(struct learn_set *set, const char *text);
int learn_set_add_number(struct learn_set *set, long long number);
/* Adds all of another. */
int learn_set_join(struct learn_set *set, const struct learn_set *other);
bool learn_set_has(const struct learn_set *set, const char *text);
bool learn_set_equal(const struct learn_set *a, const struct learn_set *b);
/* Is all of a in b? */
bool learn_set_within(const struct learn_set *a, const struct learn_set *b);
void learn_set_done(struct learn_set *set);

/* A list; NULL: no memory. Reading takes one value for a list of one, and short ranges apart;
 * -EINVAL where it is neither strings nor integers. */
json_t *learn_set_to_json(const struct learn_set *set, enum learn_style style);
int learn_set_from_json(const json_t *json, enum learn_style style, struct learn_set *ret);

#endif
