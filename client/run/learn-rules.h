/*
 * The rules that were learnt: for each kind of socket what its calls needed, put together into as
 * few rules as give exactly that.
 *
 * A rule gives every combination of the values of its keys. So two needs are joined only where all
 * keys but one are the same: 127.0.0.1:80 and 127.0.0.1:81 become one rule, 127.0.0.1:80 and
 * 10.0.0.1:81 stay two.
 */
#ifndef SOCKD_CLIENT_RUN_LEARN_RULES_H
#define SOCKD_CLIENT_RUN_LEARN_RULES_H

#include <jansson.h>
#include <stdint.h>

#include "client/run/learn-need.h"

struct learn_sort;

struct learn_rules {
	struct learn_sort *sorts; /* one for each kind of socket */
	size_t n_sorts;
	json_t *others; /* a list: rules that are not of our making, kept as they are */
};

/* Adds what a call needs, with a note of whose it was. 0, -ENOMEM, -E2BIG. */
int learn_rules_add(struct learn_rules *rules, const struct learn_need *need, const char *note);
/* Reads what learn_rules_write() has written for this user. 0, -EINVAL: no list of objects with
 * names. */
int learn_rules_read(struct learn_rules *rules, const json_t *list, uint32_t uid);
/* The list of rules, whose names begin with stem; NULL: no memory. */
json_t *learn_rules_write(const struct learn_rules *rules, const char *stem, uint32_t uid);
void learn_rules_done(struct learn_rules *rules);

#endif
