#include "proto/wire-keep.h"

#include <string.h>

const char *wire_check_share(const struct wire_share *share)
{
	bool names_id = share->taker == WIRE_TAKER_USER || share->taker == WIRE_TAKER_GROUP;

	if (share->taker > WIRE_TAKER_GROUP)
		return "it is unknown who may take the socket";
	if (!names_id && share->id != 0)
		return "a user or group is given where none is meant";
	if (names_id && share->id == UINT32_MAX)
		return "the user or group is no number that one can have";
	if (share->lifetime_usec == 0 || share->lifetime_usec > WIRE_TICKET_USEC_MAX)
		return "a ticket is good for more than nothing and at most for an hour";
	return NULL;
}

bool wire_name_is_storable(const char *name, size_t size)
{
	if (size == 0 || size > WIRE_STORE_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
			    (name[i] >= '0' && name[i] <= '9') || name[i] == '.' ||
			    name[i] == '_' || name[i] == '-'))
			return false;
	return true;
}

const char *wire_check_named(enum wire_verb verb, const struct wire_named *named)
{
	static const uint32_t flags[] = {
		[WIRE_STORE] = WIRE_NAMED_NEW | WIRE_NAMED_COMMON,
		[WIRE_FETCH] = WIRE_NAMED_TAKE | WIRE_NAMED_COMMON,
		[WIRE_FORGET] = WIRE_NAMED_COMMON,
		[WIRE_STORED] = WIRE_NAMED_COMMON,
	};

	if (named->flags & ~flags[verb])
		return "a flag is unknown, or not one of this verb";
	if (verb != WIRE_STORE && named->lifetime_usec != 0)
		return "a time is given where none is meant";
	if (named->lifetime_usec > WIRE_STORE_USEC_MAX)
		return "the time is longer than any";
	return NULL;
}

bool wire_check_stored(const struct wire_stored *stored)
{
	size_t size = strnlen(stored->name, sizeof stored->name);

	if (!wire_name_is_storable(stored->name, size) || stored->flags & ~WIRE_NAMED_COMMON ||
		stored->age_usec > INT64_MAX || stored->left_usec > INT64_MAX)
		return false;
	for (size_t i = size; i < sizeof stored->name; i++)
		if (stored->name[i] != 0)
			return false;
	return true;
}
