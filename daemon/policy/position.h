/*
 * Where in a JSON text a value stands. The parser library keeps no positions, so the text, which it
 * has already found valid, is read once more when there is something to say about a value. Linear,
 * keeps nothing.
 */
#ifndef SOCKD_DAEMON_POLICY_POSITION_H
#define SOCKD_DAEMON_POLICY_POSITION_H

#include <stdbool.h>
#include <stddef.h>

/* The way from the top of the text to a value. The top itself has no parent. */
struct json_path {
	const struct json_path *parent;
	const char *key; /* NULL: an element of an array, by index */
	size_t index;
};

struct position {
	unsigned line, column; /* from 1; columns count characters, not bytes */
};

/* The position of the value at path, or of its key. Returns 0, or -ENOENT where there is no such
 * value. */
int position_find(const char *text, size_t size, const struct json_path *path, bool of_key,
	struct position *ret);
/* The lines on which the first n elements of the array at path begin. Returns 0 or -ENOENT. */
int position_lines(
	const char *text, size_t size, const struct json_path *path, size_t n, unsigned *ret_lines);

#endif
