#include "lib/message/pack-format.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/reason.h"

#define SIZE_LIMIT ((size_t)SSIZE_MAX)
#define ALIGNMENT(type) \
	offsetof( \
		struct { \
			char before; \
			type value; \
		}, \
		value)

struct code {
	char code;
	unsigned char standard;	       /* size; 0: only native */
	unsigned char size, alignment; /* native */
};

static const struct code codes[] = {
	{'x', 1, 1, 1},
	{'c', 1, 1, 1},
	{'b', 1, 1, 1},
	{'B', 1, 1, 1},
	{'s', 1, 1, 1},
	{'p', 1, 1, 1},
	{'?', 1, sizeof(_Bool), ALIGNMENT(_Bool)},
	{'h', 2, sizeof(short), ALIGNMENT(short)},
	{'H', 2, sizeof(short), ALIGNMENT(short)},
	{'i', 4, sizeof(int), ALIGNMENT(int)},
	{'I', 4, sizeof(int), ALIGNMENT(int)},
	{'l', 4, sizeof(long), ALIGNMENT(long)},
	{'L', 4, sizeof(long), ALIGNMENT(long)},
	{'q', 8, sizeof(long long), ALIGNMENT(long long)},
	{'Q', 8, sizeof(long long), ALIGNMENT(long long)},
	{'n', 0, sizeof(ssize_t), ALIGNMENT(ssize_t)},
	{'N', 0, sizeof(size_t), ALIGNMENT(size_t)},
	{'e', 2, 2, ALIGNMENT(short)},
	{'f', 4, sizeof(float), ALIGNMENT(float)},
	{'d', 8, sizeof(double), ALIGNMENT(double)},
	{'P', 0, sizeof(void *), ALIGNMENT(void *)},
};

int pack_refuse(int error, const char *format, ...)
{
	char words[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	reason_set(words, NULL, 0);
	return -error;
}

static const struct code *find_code(char c)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == c)
			return &codes[i];
	return NULL;
}

void pack_begin(struct pack_cursor *ret_cursor, const char *format)
{
	struct pack_cursor cursor = {
		.format = format,
		.at = format,
		.big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
	};

	switch (*format) {
	case '<':
		cursor.big = false;
		break;
	case '>':
	case '!':
		cursor.big = true;
		break;
	case '=':
		break;
	default:
		cursor.native = true;
		break;
	}
	if (*format && strchr("@=<>!", *format))
		cursor.at++;
	*ret_cursor = cursor;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t position(const struct pack_cursor *cursor)
{
	return (size_t)(cursor->at - cursor->format) + 1;
}

static int too_long(const struct pack_cursor *cursor)
{
	return pack_refuse(EOVERFLOW,
		"at character %zu the format stands for more bytes than there can be",
		position(cursor));
}

/* The count before a code; 1 where there is none. */
static int read_count(struct pack_cursor *cursor, size_t *ret_count)
{
	size_t count = 0;

	if (!is_digit(*cursor->at)) {
		*ret_count = 1;
		return 0;
	}
	for (; is_digit(*cursor->at); cursor->at++) {
		size_t digit = (size_t)(*cursor->at - '0');
		if (count > (SIZE_LIMIT - digit) / 10)
			return too_long(cursor);
		count = count * 10 + digit;
	}
	*ret_count = count;
	return 0;
}

static int no_code(const struct pack_cursor *cursor)
{
	unsigned char c = (unsigned char)*cursor->at;

	if (c == '\0')
		return pack_refuse(EINVAL,
			"the format ends at character %zu, after a count without a code",
			position(cursor));
	if (find_code(*cursor->at))
		return pack_refuse(EINVAL,
			"character %zu of the format is '%c', which there is only with native "
			"sizes: begin the format with '@'",
			position(cursor), c);
	if (c <= 0x20 || c >= 0x7f)
		return pack_refuse(EINVAL,
			"character %zu of the format is the byte 0x%02x, which is no code",
			position(cursor), c);
	return pack_refuse(EINVAL, "character %zu of the format is '%c', which is no code",
		position(cursor), c);
}

int pack_next(struct pack_cursor *cursor, struct pack_item *ret_item)
{
	struct pack_item item = {.big = cursor->big};
	size_t count = 1, total, offset = cursor->end;
	const struct code *code;
	int r;

	while (is_space(*cursor->at))
		cursor->at++;
	if (*cursor->at == '\0')
		return 0;
	r = read_count(cursor, &count);
	if (r < 0)
		return r;
	code = *cursor->at ? find_code(*cursor->at) : NULL;
	if (!code || (!cursor->native && code->standard == 0))
		return no_code(cursor);

	item.code = code->code;
	item.position = position(cursor);
	item.count = count;
	item.size = cursor->native ? code->size : code->standard;
	if (cursor->native) {
		size_t over = offset % code->alignment;
		if (over > 0) {
			if (offset > SIZE_LIMIT - (code->alignment - over))
				return too_long(cursor);
			offset += code->alignment - over;
		}
	}
	if (count > (SIZE_LIMIT - offset) / item.size)
		return too_long(cursor);
	total = count * item.size;
	if (code->code == 's' || code->code == 'p') {
		item.size = count;
		item.count = 1;
	}
	item.offset = offset;
	cursor->end = offset + total;
	cursor->at++;
	*ret_item = item;
	return 1;
}

int pack_measure(const char *format, size_t *ret_size, size_t *ret_values)
{
	struct pack_cursor cursor;
	struct pack_item item;
	size_t values = 0;
	int r;

	if (!format)
		return pack_refuse(EINVAL, "the format is NULL");
	pack_begin(&cursor, format);
	/* Each value but an empty s or p is a byte at least, so that the sum cannot overflow. */
	while ((r = pack_next(&cursor, &item)) > 0)
		values += pack_values_of(&item);
	if (r < 0)
		return r;
	*ret_size = cursor.end;
	*ret_values = values;
	return 0;
}
