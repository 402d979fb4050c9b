/*
 * What the programs of this folder share: results in words, as tests/run counts them.
 */
#ifndef TESTS_TARGETS_TARGET_H
#define TESTS_TARGETS_TARGET_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/macro.h"

static unsigned n_wrong;

/* Ends a program that cannot be the test it should be. */
static inline _Noreturn void give_up(const char *what)
{
	printf("FAIL %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static inline _printf_(2, 3) void check(bool right, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs(right ? "ok " : "FAIL ", stdout);
	vprintf(format, arguments);
	putchar('\n');
	(void)fflush(stdout);
	va_end(arguments);
	n_wrong += !right;
}

static inline long number(const char *text)
{
	char *end;
	long value = text ? strtol(text, &end, 10) : -1;

	if (!text || *end || value < 0) {
		errno = EINVAL;
		give_up("a number on the command line");
	}
	return value;
}

static inline const char *outcome(long r)
{
	return r < 0 ? strerrorname_np(errno) : "success";
}

#endif
