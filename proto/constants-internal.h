/*
 * Tables of names and numbers, and of options: shared by the constants*.c files.
 */
#ifndef SOCKD_PROTO_CONSTANTS_INTERNAL_H
#define SOCKD_PROTO_CONSTANTS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/constants.h"

struct constant {
	const char *name;
	int number;
	const char *c_name; /* as in the C headers, where name is a short form of that */
};

#define NAME(name, number) \
	{ \
		name, number, NULL \
	}
#define HEADER(name, c_name, number) \
	{ \
		name, number, c_name \
	}

struct constants {
	const struct constant *items;
	size_t n;
};

extern const struct constants constants_generic_messages;

#define CONSTANTS(table) ((struct constants){(table), sizeof(table) / sizeof((table)[0])})

static inline const char *constants_name(struct constants table, int number)
{
	for (size_t i = 0; i < table.n; i++)
		if (table.items[i].number == number)
			return table.items[i].name;
	return NULL;
}

/*
 * The options of one level, and the family that the level is of: the numbers below 256 mean other
 * things to other families.
 */
struct option_level {
	int level;
	int domain; /* AF_UNSPEC: every family; AF_INET: also inet6 and what runs on them */
	const struct option_info *items;
	size_t n;
};

/* Of AF_INET; in constants-options-inet.c. */
extern const struct option_level option_levels_inet[];
extern const size_t n_option_levels_inet;
/* Of AF_CAN; in constants-can.c. */
extern const struct option_level option_levels_can[];
extern const size_t n_option_levels_can;

/* Of AF_BLUETOOTH, at levels that inet has too; in constants-bluetooth.c. */
extern const struct option_level option_levels_bluetooth[];
extern const size_t n_option_levels_bluetooth;
bool option_is_free_bluetooth(const struct option_info *info, const void *value, size_t size);

#define LEVEL(level, domain, table) \
	{ \
		level, domain, table, sizeof(table) / sizeof((table)[0]) \
	}
/* An option that the headers have, and one given by its number because not all have it. */
#define OPTION(level, option, value, right) \
	{ \
#option, level, option, OPTION_##value, OPTION_##right \
	}
#define NUMBERED(level, name, number, value, right) \
	{ \
		name, level, number, OPTION_##value, OPTION_##right \
	}

#endif
