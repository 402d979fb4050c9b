#include "lib/reason.h"

#include <string.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "proto/wire.h"

static _Thread_local char reason[WIRE_TEXT_MAX + 1];

const char *sockd_reason(void)
{
	return reason;
}

void reason_clear(void)
{
	reason[0] = '\0';
}

static size_t append(size_t used, const char *text, size_t size)
{
	size = MIN_OF(size, sizeof reason - 1 - used);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		reason[used + i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	reason[used + size] = '\0';
	return used + size;
}

void reason_set_bytes(const char *text, size_t size)
{
	append(0, text, size);
}

void reason_set(const char *words, const char *where, int error)
{
	size_t used = append(0, words, strlen(words));

	if (where) {
		used = append(used, " ", 1);
		used = append(used, where, strlen(where));
	}
	if (error != 0) {
		const char *description = strerrordesc_np(error);
		if (!description)
			description = "unknown error";
		used = append(used, ": ", 2);
		append(used, description, strlen(description));
	}
}
