#include "proto/address-text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	size_t room = sizeof(text->bytes) - text->size;

	va_start(arguments, format);
	int n = vsnprintf(text->bytes + text->size, room, format, arguments);
	va_end(arguments);
	if (n > 0)
		text->size += MIN_OF((size_t)n, room - 1);
}

int parse_number(const char *text, uint32_t max, uint32_t *ret)
{
	unsigned base = 10;
	uint64_t number = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		unsigned digit;

		if (isdigit(c))
			digit = c - '0';
		else if (base == 16 && isxdigit(c))
			digit = (unsigned)tolower(c) - 'a' + 10;
		else
			return -EINVAL;
		number = number * base + digit;
		if (number > max)
			return -EINVAL;
	}
	*ret = (uint32_t)number;
	return 0;
}

int parse_interface(const char *text, uint32_t *ret)
{
	if (parse_number(text, INT_MAX, ret) == 0)
		return 0;
	if (!*text || strlen(text) >= IFNAMSIZ)
		return -EINVAL;

	unsigned index = if_nametoindex(text);
	if (index == 0)
		return -ENODEV;
	*ret = index;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int parse_hex_byte(const char *text, unsigned char *ret)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);

	if (low < 0)
		return -EINVAL;
	*ret = (unsigned char)(high << 4 | low);
	return 0;
}
