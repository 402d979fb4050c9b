#include "daemon/policy/report.h"

#include <stdarg.h>
#include <string.h>

void report_error(struct report *report, const char *file, const struct position *at,
	const char *rule, const char *format, ...)
{
	va_list arguments;

	if (++report->n_errors > REPORT_ERRORS_MAX) {
		if (report->n_errors == REPORT_ERRORS_MAX + 1)
			fputs("further errors are not shown; mend these first\n", report->out);
		return;
	}
	fputs(file, report->out);
	if (at)
		fprintf(report->out, ":%u:%u", at->line, at->column);
	fputs(": ", report->out);
	if (rule)
		fprintf(report->out, "rule %s: ", rule);
	va_start(arguments, format);
	vfprintf(report->out, format, arguments);
	va_end(arguments);
	fputc('\n', report->out);
}

const char *report_quote(const char *text, char buffer[static REPORT_QUOTE_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *out = buffer;

	*out++ = '"';
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		/* room for one escape, the dots, the quote and the end */
		if (out - buffer > (int)REPORT_QUOTE_MAX - 10) {
			out = stpcpy(out, "...");
			break;
		}
		if (*c >= 0x20 && *c < 0x7f && *c != '"' && *c != '\\') {
			*out++ = (char)*c;
		} else {
			*out++ = '\\';
			*out++ = 'x';
			*out++ = digits[*c >> 4];
			*out++ = digits[*c & 15];
		}
	}
	*out++ = '"';
	*out = '\0';
	return buffer;
}
