/*
 * Room for what is too large for the stack. Mapped and not allocated, because a signal handler may
 * need it while the program is inside malloc(3).
 */
#ifndef SOCKD_LIB_SCRATCH_H
#define SOCKD_LIB_SCRATCH_H

#include <stddef.h>

struct scratch {
	void *memory; /* NULL: none */
	size_t size;
};

/* Returns the memory, or NULL. Ended by scratch_free(), which also takes one that holds nothing. */
void *scratch_get(struct scratch *scratch, size_t size);
void scratch_free(struct scratch *scratch);

#define _cleanup_scratch_ __attribute__((cleanup(scratch_free)))

#endif
