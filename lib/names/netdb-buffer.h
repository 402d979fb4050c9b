/*
 * The buffer of the netdb calls that end in _r: they want another one, larger, as long as they
 * return ERANGE.
 */
#ifndef SOCKD_LIB_NAMES_NETDB_BUFFER_H
#define SOCKD_LIB_NAMES_NETDB_BUFFER_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "proto/macro.h"

/* No entry of any source is so large. */
#define NETDB_BUFFER_MAX (1u << 20)

struct netdb_buffer {
	char *bytes; /* owned */
	size_t size;
};

#define _cleanup_netdb_ _cleanup_(netdb_buffer_cleanup)

static inline void netdb_buffer_cleanup(struct netdb_buffer *buffer)
{
	cleanup_free(&buffer->bytes);
}

/* Makes it larger, from nothing at first; what it held is lost. 0, or -ENOMEM. */
static inline int netdb_buffer_grow(struct netdb_buffer *buffer)
{
	size_t size = buffer->size > 0 ? 2 * buffer->size : 1024;

	free(TAKE_PTR(buffer->bytes));
	buffer->size = 0;
	if (size > NETDB_BUFFER_MAX)
		return -ENOMEM;
	buffer->bytes = malloc(size);
	if (!buffer->bytes)
		return -ENOMEM;
	buffer->size = size;
	return 0;
}

#endif
