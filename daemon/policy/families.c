/* Of which families the rules speak. */
#include "daemon/policy/policy-private.h"

void policy_count_families(
	const struct policy *policy, struct policy_family_count ret[static POLICY_FAMILIES_MAX])
{
	for (size_t i = 0; i < POLICY_FAMILIES_MAX; i++)
		ret[i] = (struct policy_family_count){0};
	for (size_t i = 0; i < policy->parsed.n_rules; i++) {
		const struct rule *rule = &policy->parsed.rules[i];

		if (rule->actions)
			continue;
		for (size_t j = 0; j < rule->n_families; j++) {
			int domain = rule->families[j];

			if (domain < 0 || domain >= (int)POLICY_FAMILIES_MAX)
				continue;
			if (rule->deny)
				ret[domain].deny++;
			else
				ret[domain].allow++;
		}
	}
}
