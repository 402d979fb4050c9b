#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/policy/describe-private.h"

struct writer writer_new(char *buffer, size_t size)
{
	if (size > 0)
		buffer[0] = '\0';
	return (struct writer){.buffer = buffer, .size = size, .cut = size == 0};
}

void writer_add(struct writer *writer, const char *format, ...)
{
	va_list arguments;

	if (writer->cut)
		return;
	va_start(arguments, format);
	size_t room = writer->size - writer->n;
	int n = vsnprintf(writer->buffer + writer->n, room, format, arguments);
	va_end(arguments);
	if (n >= 0 && (size_t)n < room) {
		writer->n += (size_t)n;
		return;
	}
	writer->cut = true;
	writer->n = writer->size - 1;
	if (writer->size > 3)
		memcpy(writer->buffer + writer->size - 4, "...", 4);
}
