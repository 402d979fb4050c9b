#include "daemon/policy/identifiers.h"

#include <stdlib.h>

struct identifiers *identifiers_free(struct identifiers *identifiers)
{
	if (!identifiers)
		return NULL;
	ranges_done(&identifiers->standard);
	ranges_done(&identifiers->extended);
	free(identifiers->masks);
	free(identifiers);
	return NULL;
}

bool identifiers_contain(const struct identifiers *identifiers, canid_t identifier)
{
	bool extended = identifier & CAN_EFF_FLAG;
	uint32_t bits = identifier & ~CAN_EFF_FLAG;

	if (bits > (extended ? CAN_EFF_MASK : CAN_SFF_MASK))
		return false;
	if (ranges_contain(extended ? &identifiers->extended : &identifiers->standard, bits))
		return true;
	for (size_t i = 0; i < identifiers->n_masks; i++) {
		const struct identifier_mask *mask = &identifiers->masks[i];
		if (mask->extended == extended && (bits & mask->mask) == mask->identifier)
			return true;
	}
	return false;
}
