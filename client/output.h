/*
 * What sockctl prints: tables in aligned columns, JSON, and nothing in either that a terminal would
 * obey.
 */
#ifndef SOCKD_CLIENT_OUTPUT_H
#define SOCKD_CLIENT_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum output_json {
	OUTPUT_JSON_OFF,
	OUTPUT_JSON_SHORT,
	OUTPUT_JSON_PRETTY,
};

/* Prints text with control characters (but newlines, where lines is set) written as \xHH. */
void output_safe(FILE *stream, const char *text, bool lines);

/* Prints a message on standard error: "sockctl: ..." with untrusted text made safe. */
void output_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a value as JSON in ASCII only. Returns 0 or -ENOMEM. */
int output_json(const json_t *value, enum output_json mode);

/* A table. Owns its cells. */
struct output_table;
struct output_table *output_table_new(const char *const *heads, size_t n_columns);
void output_table_free(struct output_table *table);
/* Adds the next cell, left to right, row by row. */
void output_table_add(struct output_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void output_table_print(const struct output_table *table);

/* A user's name, or the number where it has none. */
const char *output_user(uint32_t uid, char *buffer, size_t size);

#endif
