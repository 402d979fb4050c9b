#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/family/family.h"
#include "daemon/management-verbs.h"
#include "proto/constants.h"

json_t *management_families(struct broker *broker, const json_t *request _unused_)
{
	struct policy_family_count counts[POLICY_FAMILIES_MAX];
	json_t *list = json_array();

	policy_count_families(broker->policy, counts);
	for (int domain = 0; domain < (int)POLICY_FAMILIES_MAX; domain++) {
		const char *name = constant_family_name(domain);

		if (counts[domain].allow == 0 && counts[domain].deny == 0)
			continue;
		json_array_append_new(
			list, json_pack("{s:s?, s:i, s:I, s:I}", "family", name, "number", domain,
				      "allow", (json_int_t)counts[domain].allow, "deny",
				      (json_int_t)counts[domain].deny));
	}
	return json_pack("{s:b, s:o}", "ok", 1, "families", list);
}
