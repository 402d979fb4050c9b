#include "daemon/policy/position.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

struct scan {
	const char *at, *end;
	struct position position;
};

static char look(const struct scan *scan)
{
	return scan->at < scan->end ? *scan->at : '\0';
}

static void advance(struct scan *scan)
{
	unsigned char c = (unsigned char)*scan->at++;

	if (c == '\n') {
		scan->position.line++;
		scan->position.column = 1;
	} else if ((c & 0xc0) != 0x80) { /* the later bytes of a UTF-8 character are no column */
		scan->position.column++;
	}
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at)
		advance(scan);
}

static void skip_string(struct scan *scan)
{
	advance(scan);
	while (scan->at < scan->end && *scan->at != '"') {
		if (*scan->at == '\\')
			advance(scan);
		if (scan->at < scan->end)
			advance(scan);
	}
	if (scan->at < scan->end)
		advance(scan);
}

static void skip_value(struct scan *scan)
{
	size_t depth = 0;

	do {
		skip_space(scan);
		char c = look(scan);
		if (c == '"') {
			skip_string(scan);
		} else if (c == '{' || c == '[') {
			depth++;
			advance(scan);
		} else if (c == '}' || c == ']') {
			depth--;
			advance(scan);
		} else if (c == ',' || c == ':') {
			advance(scan);
		} else {
			while (scan->at < scan->end && !strchr(" \t\r\n,:]}", *scan->at))
				advance(scan);
		}
	} while (depth > 0 && scan->at < scan->end);
}

static bool key_is(const char *token, size_t size, const char *key)
{
	if (!memchr(token, '\\', size))
		return size == strlen(key) + 2 && memcmp(token + 1, key, size - 2) == 0;

	json_t *decoded = json_loadb(token, size, JSON_DECODE_ANY, NULL);
	bool same = decoded && strcmp(json_string_value(decoded), key) == 0;
	json_decref(decoded);
	return same;
}

/* From the start of an object or array to the start of one of its values, or of that value's key.
 */
static int enter(struct scan *scan, const struct json_path *step, bool of_key)
{
	if (look(scan) != (step->key ? '{' : '['))
		return -ENOENT;
	advance(scan);
	for (size_t i = 0;; i++) {
		skip_space(scan);
		if (scan->at >= scan->end || *scan->at == '}' || *scan->at == ']')
			return -ENOENT;
		bool found = !step->key && i == step->index;
		if (step->key) {
			struct scan before = *scan;
			skip_string(scan);
			found = key_is(before.at, (size_t)(scan->at - before.at), step->key);
			if (found && of_key) {
				*scan = before;
				return 0;
			}
			skip_space(scan);
			if (look(scan) == ':')
				advance(scan);
			skip_space(scan);
		}
		if (found)
			return 0;
		skip_value(scan);
		skip_space(scan);
		if (look(scan) == ',')
			advance(scan);
	}
}

static int go_to(struct scan *scan, const struct json_path *path, bool of_key)
{
	if (!path->parent) {
		skip_space(scan);
		return 0;
	}
	int r = go_to(scan, path->parent, false);
	return r < 0 ? r : enter(scan, path, of_key);
}

int position_find(const char *text, size_t size, const struct json_path *path, bool of_key,
	struct position *ret)
{
	struct scan scan = {.at = text, .end = text + size, .position = {1, 1}};
	int r = go_to(&scan, path, of_key);

	if (r < 0)
		return r;
	*ret = scan.position;
	return 0;
}

int position_lines(
	const char *text, size_t size, const struct json_path *path, size_t n, unsigned *ret_lines)
{
	struct scan scan = {.at = text, .end = text + size, .position = {1, 1}};
	int r = go_to(&scan, path, false);

	if (r < 0)
		return r;
	if (look(&scan) != '[')
		return -ENOENT;
	advance(&scan);
	for (size_t i = 0; i < n; i++) {
		skip_space(&scan);
		if (scan.at >= scan.end || *scan.at == ']')
			return -ENOENT;
		ret_lines[i] = scan.position.line;
		skip_value(&scan);
		skip_space(&scan);
		if (look(&scan) == ',')
			advance(&scan);
	}
	return 0;
}
