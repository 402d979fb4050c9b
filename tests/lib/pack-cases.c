/*
 * What pack-python.py puts to the library: a case a line on standard input, its result a line on
 * standard output.
 *
 *	S FORMAT		-> ok SIZE VALUES
 *	P FORMAT VALUE...	-> ok BYTES
 *	U FORMAT BYTES		-> ok VALUE...
 *
 * or "ERRNO words". Formats and bytes are hexadecimal after a letter, so that they may be empty:
 * fHEX, bHEX. Other values: i-5, n5, t1, r and the sixteen digits of a double's bits. A value i or
 *n is as the case has it; U gives what the library gives.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sockd.h"
#include "proto/macro.h"

#define VALUES_MAX 4096

/* Decodes in place; the result is zero-terminated. */
static size_t from_hex(char *text)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
		text[i] = (char)strtoul(pair, NULL, 16);
	}
	text[n] = '\0';
	return n;
}

static void print_hex(const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%02x", ((const unsigned char *)data)[i]);
}

static struct sockd_value parse_value(char *word)
{
	struct sockd_value value = {0};
	uint64_t bits;

	switch (word[0]) {
	case 'i':
		value.kind = SOCKD_VALUE_INTEGER;
		value.as.integer = strtoll(word + 1, NULL, 10);
		break;
	case 'n':
		value.kind = SOCKD_VALUE_UNSIGNED;
		value.as.natural = strtoull(word + 1, NULL, 10);
		break;
	case 't':
		value.kind = SOCKD_VALUE_TRUTH;
		value.as.integer = strtoll(word + 1, NULL, 10);
		break;
	case 'r':
		value.kind = SOCKD_VALUE_REAL;
		bits = strtoull(word + 1, NULL, 16);
		memcpy(&value.as.real, &bits, sizeof bits);
		break;
	case 'b':
		value.kind = SOCKD_VALUE_BYTES;
		value.as.bytes.size = from_hex(word + 1);
		value.as.bytes.data = word + 1;
		break;
	}
	return value;
}

static void print_value(const struct sockd_value *value)
{
	uint64_t bits;

	switch (value->kind) {
	case SOCKD_VALUE_INTEGER:
		printf(" i%" PRId64, value->as.integer);
		break;
	case SOCKD_VALUE_UNSIGNED:
		printf(" n%" PRIu64, value->as.natural);
		break;
	case SOCKD_VALUE_TRUTH:
		printf(" t%" PRId64, value->as.integer);
		break;
	case SOCKD_VALUE_REAL:
		memcpy(&bits, &value->as.real, sizeof bits);
		printf(" r%016" PRIx64, bits);
		break;
	case SOCKD_VALUE_BYTES:
		printf(" b");
		print_hex(value->as.bytes.data, value->as.bytes.size);
		break;
	}
}

/* Where the call was refused. */
static bool refused(ssize_t result)
{
	if (result >= 0)
		return false;
	printf("%s %s\n", strerrorname_np(errno), sockd_reason());
	return true;
}

static void measure(const char *format)
{
	ssize_t size = sockd_calcsize(format), values;

	if (refused(size))
		return;
	values = sockd_calcvalues(format);
	/* Beside all the bytes that there can be, an empty string may be one value too many. */
	if (values < 0 && errno == EOVERFLOW && size == SSIZE_MAX)
		printf("ok %zd -1\n", size);
	else if (!refused(values))
		printf("ok %zd %zd\n", size, values);
}

/* The buffer is exactly as large as it must be, so that a sanitizer sees a byte too many. */
static void pack(const char *format, const struct sockd_value *values, size_t n)
{
	ssize_t size = sockd_calcsize(format), written;
	_cleanup_free_ char *buffer = NULL;

	if (size < 0 || size > 1 << 20) {
		written = sockd_pack_values(NULL, SSIZE_MAX, format, values, n);
	} else {
		buffer = malloc(size > 0 ? (size_t)size : 1);
		memset(buffer, 0xa5, (size_t)size);
		written = sockd_pack_values(buffer, (size_t)size, format, values, n);
	}
	if (refused(written))
		return;
	printf("ok b");
	print_hex(buffer, (size_t)written);
	putchar('\n');
}

static void unpack(const char *format, char *hex)
{
	size_t size = from_hex(hex + 1);
	ssize_t n = sockd_calcvalues(format);
	_cleanup_free_ char *data = malloc(size > 0 ? size : 1);
	_cleanup_free_ struct sockd_value *values = NULL;

	memcpy(data, hex + 1, size);
	if (n < 0 || n > 1 << 16)
		n = 0;
	values = calloc(n > 0 ? (size_t)n : 1, sizeof *values);
	n = sockd_unpack_values(data, size, format, values, (size_t)n);
	if (refused(n))
		return;
	printf("ok");
	for (ssize_t i = 0; i < n; i++)
		print_value(&values[i]);
	putchar('\n');
}

int main(void)
{
	static struct sockd_value values[VALUES_MAX];
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stdin)) > 0) {
		char *rest = NULL, *what, *format, *word;
		size_t n = 0;
		line[length - 1] = '\0';
		what = strtok_r(line, " ", &rest);
		format = strtok_r(NULL, " ", &rest);
		if (!what || !format)
			return 1;
		from_hex(format + 1);
		format++;
		if (*what == 'S') {
			measure(format);
		} else if (*what == 'U') {
			unpack(format, strtok_r(NULL, " ", &rest));
		} else {
			while ((word = strtok_r(NULL, " ", &rest)) && n < VALUES_MAX)
				values[n++] = parse_value(word);
			pack(format, values, n);
		}
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
