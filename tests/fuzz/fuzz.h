/*
 * Targets for libFuzzer, each a parser of what somebody else wrote. They are built by
 *
 *	./configure CC=clang --enable-fuzzing && make fuzz
 *
 * and run one by one with its options: tests/fuzz/wire -max_total_time=60 [CORPUS...]. What a
 * target asserts of its parser is in its file; the rest is for the sanitizers to find.
 */
#ifndef SOCKD_TESTS_FUZZ_FUZZ_H
#define SOCKD_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/macro.h"

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of exactly this size, so that a byte read too many is seen; the second with a NUL behind. */
static inline void *copy_of(const void *data, size_t size)
{
	void *copy = malloc(size > 0 ? size : 1);

	MUST(copy);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static inline char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
