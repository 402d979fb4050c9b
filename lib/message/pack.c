/* The calls of sockd-pack.h. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "lib/message/pack-format.h"
#include "lib/message/pack-value.h"
#include "lib/reason.h"
#include "lib/sockd-pack.h"

/* Where values come from when packing: an array, or the caller's arguments. */
struct source {
	const struct sockd_value *values; /* NULL: the arguments */
	va_list arguments;
	size_t taken;
};

static ssize_t finish(int r, size_t result)
{
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return (ssize_t)result;
}

ssize_t sockd_calcsize(const char *format)
{
	size_t size = 0, values;
	int r;

	reason_clear();
	r = pack_measure(format, &size, &values);
	return finish(r, size);
}

ssize_t sockd_calcvalues(const char *format)
{
	size_t size, values = 0;
	int r;

	reason_clear();
	r = pack_measure(format, &size, &values);
	if (r == 0 && values > SSIZE_MAX)
		r = pack_refuse(EOVERFLOW, "the format stands for more values than there can be");
	return finish(r, values);
}

/* An argument as C passes it, by the code that it is for. */
static struct sockd_value take_argument(char code, va_list *arguments, char *one)
{
	struct sockd_value value = {.kind = SOCKD_VALUE_INTEGER};

	switch (code) {
	case 'c':
		*one = (char)va_arg(*arguments, int);
		value.kind = SOCKD_VALUE_BYTES;
		value.as.bytes.data = one;
		value.as.bytes.size = 1;
		break;
	case 'l':
		value.as.integer = va_arg(*arguments, long);
		break;
	case 'q':
		value.as.integer = va_arg(*arguments, long long);
		break;
	case 'n':
		value.as.integer = va_arg(*arguments, ssize_t);
		break;
	case 'I':
		value.kind = SOCKD_VALUE_UNSIGNED;
		value.as.natural = va_arg(*arguments, unsigned);
		break;
	case 'L':
		value.kind = SOCKD_VALUE_UNSIGNED;
		value.as.natural = va_arg(*arguments, unsigned long);
		break;
	case 'Q':
		value.kind = SOCKD_VALUE_UNSIGNED;
		value.as.natural = va_arg(*arguments, unsigned long long);
		break;
	case 'N':
		value.kind = SOCKD_VALUE_UNSIGNED;
		value.as.natural = va_arg(*arguments, size_t);
		break;
	case 'P':
		value.kind = SOCKD_VALUE_UNSIGNED;
		value.as.natural = (uintptr_t)va_arg(*arguments, const void *);
		break;
	case 'e':
	case 'f':
	case 'd':
		value.kind = SOCKD_VALUE_REAL;
		value.as.real = va_arg(*arguments, double);
		break;
	case 's':
	case 'p':
		value.kind = SOCKD_VALUE_BYTES;
		value.as.bytes.data = va_arg(*arguments, const void *);
		value.as.bytes.size = va_arg(*arguments, size_t);
		break;
	default:
		value.as.integer = va_arg(*arguments, int);
		break;
	}
	return value;
}

/* Takes all values, and writes them where out is not NULL. The format has been measured. */
static int write_all(struct source *source, const char *format, uint8_t *out)
{
	struct pack_cursor cursor;
	struct pack_item item;
	int r;

	pack_begin(&cursor, format);
	while ((r = pack_next(&cursor, &item)) > 0) {
		for (size_t i = 0; i < pack_values_of(&item); i++) {
			struct sockd_value argument;
			const struct sockd_value *value = &argument;
			char one;
			if (source->values)
				value = &source->values[source->taken];
			else
				argument = take_argument(item.code, &source->arguments, &one);
			source->taken++;
			r = pack_value_write(&item, source->taken, value,
				out ? out + item.offset + i * item.size : NULL);
			if (r < 0)
				return r;
		}
	}
	return r;
}

static int check_room(const void *buffer, size_t size, size_t wanted)
{
	if (size < wanted)
		return pack_refuse(ENOSPC,
			"the format stands for %zu bytes, and there is room for %zu", wanted, size);
	if (!buffer && wanted > 0)
		return pack_refuse(EINVAL, "the buffer is NULL");
	return 0;
}

ssize_t sockd_pack(void *buffer, size_t size, const char *format, ...)
{
	size_t wanted = 0, n;
	struct source source = {0};
	int r;

	reason_clear();
	r = pack_measure(format, &wanted, &n);
	if (r == 0)
		r = check_room(buffer, size, wanted);
	/* Once to check, once to write: where one value is wrong, nothing is written. */
	if (r == 0) {
		va_start(source.arguments, format);
		r = write_all(&source, format, NULL);
		va_end(source.arguments);
	}
	if (r == 0 && wanted > 0) {
		source.taken = 0;
		memset(buffer, 0, wanted);
		va_start(source.arguments, format);
		r = write_all(&source, format, buffer);
		va_end(source.arguments);
	}
	return finish(r, wanted);
}

ssize_t sockd_pack_values(
	void *buffer, size_t size, const char *format, const struct sockd_value *values, size_t n)
{
	struct sockd_value none = {0};
	struct source source = {.values = values ? values : &none};
	size_t wanted = 0, count;
	int r;

	reason_clear();
	r = pack_measure(format, &wanted, &count);
	if (r == 0 && count != n)
		r = pack_refuse(
			EINVAL, "the format stands for %zu values, and there are %zu", count, n);
	if (r == 0 && !values && n > 0)
		r = pack_refuse(EINVAL, "the values are NULL");
	if (r == 0)
		r = check_room(buffer, size, wanted);
	if (r == 0)
		r = write_all(&source, format, NULL);
	if (r == 0 && wanted > 0) {
		source.taken = 0;
		memset(buffer, 0, wanted);
		r = write_all(&source, format, buffer);
	}
	return finish(r, wanted);
}

/* data may be NULL where there is none. */
static const uint8_t *at(const void *data, size_t offset)
{
	return data ? (const uint8_t *)data + offset : NULL;
}

/* Checks all that can be wrong with a message; then unpacking cannot fail. */
static int check_message(const void *data, size_t size, const char *format, size_t *ret_count)
{
	size_t wanted;
	int r = pack_measure(format, &wanted, ret_count);

	if (r < 0)
		return r;
	if (size != wanted)
		return pack_refuse(EBADMSG, "the format stands for %zu bytes, and the data has %zu",
			wanted, size);
	if (!data && size > 0)
		return pack_refuse(EINVAL, "the data is NULL");
	return 0;
}

/* Stores a value where the next argument points to; NULL is passed over. */
static void give_argument(char code, const struct sockd_value *value, va_list *arguments)
{
	void *to = va_arg(*arguments, void *);
	size_t *to_size = code == 's' || code == 'p' ? va_arg(*arguments, size_t *) : NULL;

	if (to_size)
		*to_size = value->as.bytes.size;
	if (!to)
		return;
	switch (code) {
	case 's':
	case 'p':
		*(const void **)to = value->as.bytes.data;
		break;
	case 'c':
		*(char *)to = *(const char *)value->as.bytes.data;
		break;
	case '?':
		*(bool *)to = value->as.integer != 0;
		break;
	case 'b':
		*(signed char *)to = (signed char)value->as.integer;
		break;
	case 'B':
		*(unsigned char *)to = (unsigned char)value->as.natural;
		break;
	case 'h':
		*(short *)to = (short)value->as.integer;
		break;
	case 'H':
		*(unsigned short *)to = (unsigned short)value->as.natural;
		break;
	case 'i':
		*(int *)to = (int)value->as.integer;
		break;
	case 'I':
		*(unsigned *)to = (unsigned)value->as.natural;
		break;
	case 'l':
		*(long *)to = (long)value->as.integer;
		break;
	case 'L':
		*(unsigned long *)to = (unsigned long)value->as.natural;
		break;
	case 'q':
		*(long long *)to = (long long)value->as.integer;
		break;
	case 'Q':
		*(unsigned long long *)to = (unsigned long long)value->as.natural;
		break;
	case 'n':
		*(ssize_t *)to = (ssize_t)value->as.integer;
		break;
	case 'N':
		*(size_t *)to = (size_t)value->as.natural;
		break;
	case 'P':
		*(void **)to = (void *)(uintptr_t)value->as.natural;
		break;
	case 'e':
	case 'f':
		*(float *)to = (float)value->as.real;
		break;
	case 'd':
		*(double *)to = value->as.real;
		break;
	}
}

int sockd_unpack(const void *data, size_t size, const char *format, ...)
{
	struct pack_cursor cursor;
	struct pack_item item;
	va_list arguments;
	size_t count;
	int r;

	reason_clear();
	r = check_message(data, size, format, &count);
	if (r < 0)
		return (int)finish(r, 0);
	va_start(arguments, format);
	pack_begin(&cursor, format);
	while (pack_next(&cursor, &item) > 0) {
		for (size_t i = 0; i < pack_values_of(&item); i++) {
			struct sockd_value value =
				pack_value_read(&item, at(data, item.offset + i * item.size));
			give_argument(item.code, &value, &arguments);
		}
	}
	va_end(arguments);
	return 0;
}

ssize_t sockd_unpack_values(
	const void *data, size_t size, const char *format, struct sockd_value *ret_values, size_t n)
{
	struct pack_cursor cursor;
	struct pack_item item;
	size_t count = 0, done = 0;
	int r;

	reason_clear();
	r = check_message(data, size, format, &count);
	if (r == 0 && count > n)
		r = pack_refuse(ENOSPC,
			"the format stands for %zu values, and there is room for %zu", count, n);
	if (r == 0 && !ret_values && count > 0)
		r = pack_refuse(EINVAL, "the array for the values is NULL");
	if (r < 0)
		return finish(r, 0);
	pack_begin(&cursor, format);
	while (pack_next(&cursor, &item) > 0)
		for (size_t i = 0; i < pack_values_of(&item); i++)
			ret_values[done++] =
				pack_value_read(&item, at(data, item.offset + i * item.size));
	return finish(0, done);
}
