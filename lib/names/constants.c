#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/names/constants-internal.h"
#include "lib/sockd-names.h"
#include "proto/constants.h"
#include "proto/macro.h"

#define ERRNO_MAX 4095 /* of the kernel, MAX_ERRNO */

static const struct {
	const struct named_numbers *items;
	const size_t *n;
} tables[] = {
	{named_general, &n_named_general},
	{named_of_family, &n_named_of_family},
};

static int from_tables(const char *name, int64_t *ret)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; i < *tables[t].n; i++)
			for (size_t j = 0; j < tables[t].items[i].n; j++)
				if (strcmp(tables[t].items[i].items[j].name, name) == 0) {
					*ret = tables[t].items[i].items[j].number;
					return 0;
				}
	return -ENOENT;
}

static int from_errno(const char *name, int64_t *ret)
{
	for (int error = 1; *name == 'E' && error <= ERRNO_MAX; error++) {
		const char *known = strerrorname_np(error);

		if (known && strcmp(known, name) == 0) {
			*ret = error;
			return 0;
		}
	}
	return -ENOENT;
}

int sockd_constant(const char *name, int64_t *ret)
{
	const struct option_info *info;
	int number;

	if (!name || !ret) {
		errno = EINVAL;
		return -1;
	}
	if (constant_from_c_name(name, &number) == 0) {
		*ret = number;
		return 0;
	}
	info = option_by_name(name);
	if (info) {
		*ret = info->option;
		return 0;
	}
	if (from_tables(name, ret) == 0 || from_errno(name, ret) == 0)
		return 0;
	errno = ENOENT;
	return -1;
}

static bool is_asked_for(
	const struct named_numbers *table, enum sockd_kind kind, int family, int level)
{
	if (table->kind == KIND_OTHER || table->kind != (int)kind)
		return false;
	switch (kind) {
	case SOCKD_KIND_OPTION:
	case SOCKD_KIND_CONTROL:
		if (table->level != level)
			return false;
		break;
	case SOCKD_KIND_LEVEL:
		break;
	default:
		return true;
	}
	return table->family == AF_UNSPEC ||
	       (table->family == AF_BLUETOOTH) == (family == AF_BLUETOOTH);
}

static const char *name_in_tables(enum sockd_kind kind, int family, int level, int64_t number)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; i < *tables[t].n; i++) {
			const struct named_numbers *table = &tables[t].items[i];

			if (!is_asked_for(table, kind, family, level))
				continue;
			for (size_t j = 0; j < table->n; j++)
				if (table->items[j].number == number)
					return table->items[j].name;
		}
	return NULL;
}

/* Where a control message bears the number of the option that asks for it. */
static bool control_is_option(int level)
{
	switch (level) {
	case SOL_SOCKET:
	case IPPROTO_IP:
	case IPPROTO_UDP:
	case IPPROTO_IPV6:
	case SOL_PACKET:
	case SOL_NETLINK:
	case SOL_ALG:
		return true;
	default:
		return false;
	}
}

static const char *option_name(int family, int level, int number)
{
	const struct option_info *info;

	/* What proto/constants.h takes for "the family does not matter" also finds Bluetooth's. */
	if (family == AF_UNSPEC)
		info = option_of_family(AF_INET, level, number);
	else
		info = option_of_family(family, level, number);
	return info ? info->name : NULL;
}

/* What proto/constants.h has. */
static const char *name_in_proto(enum sockd_kind kind, int family, int level, int number)
{
	switch (kind) {
	case SOCKD_KIND_FAMILY:
		return constant_family_c_name(number);
	case SOCKD_KIND_TYPE:
		return constant_type_c_name(number);
	case SOCKD_KIND_PROTOCOL:
		return constant_protocol_c_name(family, number);
	case SOCKD_KIND_OPTION:
		return option_name(family, level, number);
	case SOCKD_KIND_ERRNO:
		return number > 0 ? strerrorname_np(number) : NULL;
	default:
		return NULL;
	}
}

const char *sockd_constant_name(enum sockd_kind kind, int family, int level, int64_t number)
{
	bool is_int = number >= INT_MIN && number <= INT_MAX;
	const char *name = is_int ? name_in_proto(kind, family, level, (int)number) : NULL;

	if (!name)
		name = name_in_tables(kind, family, level, number);
	if (!name && kind == SOCKD_KIND_CONTROL && control_is_option(level) &&
		family != AF_BLUETOOTH)
		name = sockd_constant_name(SOCKD_KIND_OPTION, family, level, number);
	return name;
}
