#include "client/run/say.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_SIZE 2048

static enum say_level level = SAY_USUAL;

void say_set_level(enum say_level new_level)
{
	level = new_level;
}

enum say_level say_level(void)
{
	return level;
}

/* In one write, so that lines of several threads and of the program stay whole. */
static _printf_(1, 0) void write_line(const char *format, va_list arguments)
{
	static const char prefix[] = "sockd-run: ";
	char line[LINE_MAX_SIZE];
	size_t used = sizeof prefix - 1;

	__builtin_memcpy(line, prefix, used);
	int n = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
	if (n < 0)
		return;
	used = MIN_OF(used + (size_t)n, sizeof line - 2);
	line[used++] = '\n';
	(void)!write(STDERR_FILENO, line, used);
}

#define SAY_AT(least) \
	do { \
		int saved_errno_ = errno; \
		va_list arguments_; \
		if (level < (least)) \
			break; \
		va_start(arguments_, format); \
		write_line(format, arguments_); \
		va_end(arguments_); \
		errno = saved_errno_; \
	} while (0)

void say_error(const char *format, ...)
{
	SAY_AT(SAY_QUIET);
}

void say(const char *format, ...)
{
	SAY_AT(SAY_USUAL);
}

void say_verbosely(const char *format, ...)
{
	SAY_AT(SAY_VERBOSE);
}
