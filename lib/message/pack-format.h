/*
 * The format language of sockd-pack.h: what a format says, item by item. Formats are hostile: every
 * sum is checked, and nothing here takes memory or time by a count.
 */
#ifndef SOCKD_LIB_MESSAGE_PACK_FORMAT_H
#define SOCKD_LIB_MESSAGE_PACK_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/macro.h"

/* A code with its count. */
struct pack_item {
	char code;
	bool big;	 /* big endian */
	size_t count;	 /* how many; 1 for s and p */
	size_t size;	 /* of each, in bytes; for s and p the count of the format */
	size_t offset;	 /* of the first, from the beginning of the message */
	size_t position; /* of the code in the format, from 1 */
};

struct pack_cursor {
	const char *format, *at;
	bool big, native;
	size_t end; /* of what has been read so far, from the beginning of the message */
};

/* Begins; takes the first character where it chooses the order. */
void pack_begin(struct pack_cursor *ret_cursor, const char *format);

/* The next item: 1; the end of the format: 0; or -EINVAL or -EOVERFLOW with words set. */
int pack_next(struct pack_cursor *cursor, struct pack_item *ret_item);

/* Checks a whole format. ret_size is SSIZE_MAX at most. 0 or as above; NULL is -EINVAL. */
int pack_measure(const char *format, size_t *ret_size, size_t *ret_values);

/* The number of values that an item stands for. */
static inline size_t pack_values_of(const struct pack_item *item)
{
	return item->code == 'x' ? 0 : item->count;
}

/* Sets the words that sockd_reason() returns, and returns -error. */
_printf_(2, 3) int pack_refuse(int error, const char *format, ...);

#endif
