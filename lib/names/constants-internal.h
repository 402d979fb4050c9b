/*
 * Tables of constants that the brokering part of sockd has no use for: shared by the constants*.c
 * files here. What proto/constants.h has is not repeated.
 */
#ifndef SOCKD_LIB_NAMES_CONSTANTS_INTERNAL_H
#define SOCKD_LIB_NAMES_CONSTANTS_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/sockd-names.h"

/* Values of single structures and options: they have names, but their numbers have none. */
#define KIND_OTHER (-1)

struct named_number {
	const char *name;
	int64_t number;
};

/* The names of one kind. */
struct named_numbers {
	int kind;   /* enum sockd_kind, or KIND_OTHER */
	int family; /* AF_UNSPEC: any; AF_BLUETOOTH: only that; another: any but Bluetooth */
	int level;  /* of options and control messages, else 0 */
	const struct named_number *items;
	size_t n;
};

/* One that the headers have, and one given by its number because not all have it. */
#define SAME(name) \
	{ \
#name, name \
	}
#define NUMBER(name, number) \
	{ \
#name, number \
	}
#define NAMED(kind, family, level, table) \
	{ \
		kind, family, level, table, sizeof(table) / sizeof((table)[0]) \
	}

/* In constants-general.c, what is not of one family alone, and in constants-family.c, what is. */
extern const struct named_numbers named_general[];
extern const size_t n_named_general;
extern const struct named_numbers named_of_family[];
extern const size_t n_named_of_family;

#endif
