#include "lib/environment.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "proto/macro.h"

/* Neither a socket's path nor a namespace's name is longer. */
static struct {
	const char *name;
	char value[NAME_MAX + 1];
} kept[] = {{.name = ENVIRONMENT_SOCKET}, {.name = ENVIRONMENT_NETNS}};

const char *environment_get(const char *name)
{
	const char *value = secure_getenv(name);

	for (size_t i = 0; i < ARRAY_SIZE(kept) && !value; i++)
		if (kept[i].value[0] != '\0' && strcmp(kept[i].name, name) == 0)
			value = kept[i].value;
	return value;
}

void environment_keep(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const char *value = secure_getenv(kept[i].name);
		if (value && strlen(value) < sizeof kept[i].value)
			strcpy(kept[i].value, value);
	}
}
