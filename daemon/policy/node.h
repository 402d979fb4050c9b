/*
 * A value of a policy file together with the way to it, so that whatever is wrong with it can be
 * said with its place. Borrows everything; lives on the stack while the file is read.
 *
 * Functions return 0 or -ENOMEM; what is wrong with the file goes to the report and reading goes
 * on.
 */
#ifndef SOCKD_DAEMON_POLICY_NODE_H
#define SOCKD_DAEMON_POLICY_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/policy/position.h"
#include "daemon/policy/report.h"
#include "daemon/policy/rule.h"

struct source {
	const char *file, *text;
	size_t size;
	struct report *report;
	const char
		*rule; /* the rule that is being read; NULL: none, or one without a usable name */
};

struct node {
	struct source *source;
	struct json_path path;
	json_t *json; /* NULL: not there */
};

struct node node_root(struct source *source, json_t *json);
struct node node_key(const struct node *parent, const char *key);
struct node node_element(const struct node *parent, size_t index);

/* What is wrong with this value, or with the key that holds it. */
void node_error(const struct node *node, const char *format, ...) _printf_(2, 3);
void node_key_error(const struct node *node, const char *format, ...) _printf_(2, 3);

/* Reports every key of an object that is not among the known ones, with the nearest of these. */
void node_check_keys(const struct node *object, const char *const *known, size_t n_known);

/* The text of a string, or NULL where it is none (reported; expected says what it should be). */
const char *node_text(const struct node *node, const char *expected);
/* An integer within bounds. */
bool node_integer(const struct node *node, const char *expected, json_int_t min, json_int_t max,
	json_int_t *ret);

typedef int (*node_item)(const struct node *item, void *data);
/* Calls back for each element of a list, or for the one value; an empty list is an error. */
int node_each(const struct node *node, node_item callback, void *data);

/* A number or "FIRST-LAST", or a list of these. */
struct node_ranges {
	struct ranges *ranges;
	const char *what; /* "a port" */
	uint32_t min, max;
	bool negative; /* numbers down to INT_MIN are taken as their unsigned form */
};
int node_range(const struct node *item, void *node_ranges);
/* "FIRST-LAST" without anything around it. Returns 0 or -EINVAL. */
int range_from_text(const char *text, uint32_t *ret_first, uint32_t *ret_last);

/* An interface's name; a trailing * stands for any ending. data is a struct names. */
int node_interface(const struct node *item, void *names);
/* A name made of letters, digits, dot, underscore, hyphen. */
bool name_is_plain(const char *text, size_t max);
/* UTF-8 without control characters: what can stand in a line of a log and in JSON. */
bool text_is_printable(const char *text);

#endif
