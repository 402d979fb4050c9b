/*
 * One value of a message: to bytes and from bytes, by the code of its item.
 */
#ifndef SOCKD_LIB_MESSAGE_PACK_VALUE_H
#define SOCKD_LIB_MESSAGE_PACK_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/message/pack-format.h"
#include "lib/sockd-pack.h"

/*
 * Checks a value and writes the item's size of bytes to out, or nothing where out is NULL. number
 * is the value's place among the others, from 1, for the words. 0, -EINVAL or -ERANGE.
 */
int pack_value_write(
	const struct pack_item *item, size_t number, const struct sockd_value *value, uint8_t *out);

/* The value in the item's size of bytes at data. Bytes are not copied. */
struct sockd_value pack_value_read(const struct pack_item *item, const uint8_t *data);

#endif
