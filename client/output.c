#include "client/output.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>

#include "proto/macro.h"

struct output_table {
	size_t n_columns, n_cells;
	char **cells; /* owned; the first row is the heads */
};

void output_safe(FILE *stream, const char *text, bool lines)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c == '\n' && lines)
			fputc('\n', stream);
		else if (*c < 0x20 || *c == 0x7f)
			fprintf(stream, "\\x%02x", *c);
		else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) { /* C1 controls in UTF-8 */
			fprintf(stream, "\\x%02x", c[1]);
			c++;
		} else
			fputc(*c, stream);
}

void output_error(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	int n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) {
		text = NULL;
		return;
	}
	/* What the broker says in several lines ends in a newline of its own. */
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	fputs("sockctl: ", stderr);
	output_safe(stderr, text, true);
	fputc('\n', stderr);
}

int output_json(const json_t *value, enum output_json mode)
{
	size_t flags = JSON_ENSURE_ASCII | JSON_ENCODE_ANY;

	flags |= mode == OUTPUT_JSON_PRETTY ? JSON_INDENT(8) : JSON_COMPACT;
	_cleanup_free_ char *text = json_dumps(value, flags);
	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}

struct output_table *output_table_new(const char *const *heads, size_t n_columns)
{
	struct output_table *table = calloc(1, sizeof *table);

	if (!table)
		return NULL;
	table->n_columns = n_columns;
	for (size_t i = 0; i < n_columns; i++)
		output_table_add(table, "%s", heads[i]);
	return table;
}

void output_table_free(struct output_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

/* A cell that finds no memory is left empty, so that the columns stay in step. */
void output_table_add(struct output_table *table, const char *format, ...)
{
	char **cells = reallocarray(table->cells, table->n_cells + 1, sizeof *cells);
	va_list arguments;

	if (!cells)
		return;
	table->cells = cells;
	va_start(arguments, format);
	if (vasprintf(&cells[table->n_cells], format, arguments) < 0)
		cells[table->n_cells] = NULL;
	va_end(arguments);
	table->n_cells++;
}

static char *cell_text(const struct output_table *table, size_t i)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	output_safe(stream, table->cells[i] ? table->cells[i] : "", false);
	fclose(stream);
	return text;
}

/* In characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct output_table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->n_cells; i += table->n_columns) {
		_cleanup_free_ char *text = cell_text(table, i);
		if (text)
			width = MAX_OF(width, width_of(text));
	}
	return width;
}

void output_table_print(const struct output_table *table)
{
	_cleanup_free_ size_t *widths = calloc(table->n_columns, sizeof *widths);

	if (!widths)
		return;
	for (size_t i = 0; i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	for (size_t i = 0; i < table->n_cells; i++) {
		_cleanup_free_ char *text = cell_text(table, i);
		size_t column = i % table->n_columns;
		fputs(text ? text : "", stdout);
		if (column == table->n_columns - 1)
			putchar('\n');
		else
			printf("%*s", (int)(widths[column] - (text ? width_of(text) : 0)) + 2, "");
	}
}

const char *output_user(uint32_t uid, char *buffer, size_t size)
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		snprintf(buffer, size, "%s", entry->pw_name);
	else
		snprintf(buffer, size, "%u", uid);
	return buffer;
}
