/*
 * Lists of numbers and of names, as rules hold them. Whoever fills one owns it.
 */
#ifndef SOCKD_DAEMON_POLICY_RANGES_H
#define SOCKD_DAEMON_POLICY_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint32_t first, last; /* both included */
};

struct ranges {
	struct range *items;
	size_t n;
};

struct names {
	char **items;
	size_t n;
};

/* Adds to a growing array; 0 or -ENOMEM. names_add() copies the text. */
int ranges_add(struct ranges *ranges, uint32_t first, uint32_t last);
int names_add(struct names *names, const char *text);
/* Sorts and joins what overlaps or touches; ranges_contain() relies on it. */
void ranges_normalize(struct ranges *ranges);
void ranges_done(struct ranges *ranges);
void names_done(struct names *names);

bool ranges_contain(const struct ranges *ranges, uint32_t value);
/* Does one of the names (a trailing * stands for any ending) match text? */
bool names_match(const struct names *names, const char *text);

#endif
