#include "daemon/policy/rule.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/policy/identifiers.h"
#include "proto/macro.h"

void rule_done(struct rule *rule)
{
	free((char *)rule->view.name);
	ranges_done(&rule->uids);
	ranges_done(&rule->gids);
	names_done(&rule->listeners);
	names_done(&rule->units);
	names_done(&rule->slices);
	names_done(&rule->user_units);
	free(rule->families);
	free(rule->types);
	free(rule->protocols);
	ranges_done(&rule->ports);
	free(rule->prefixes);
	names_done(&rule->address_patterns);
	names_done(&rule->interfaces);
	for (size_t i = 0; i < rule->n_options; i++) {
		ranges_done(&rule->options[i].values);
		names_done(&rule->options[i].texts);
	}
	free(rule->options);
	ranges_done(&rule->groups);
	ranges_done(&rule->messages);
	identifiers_free(rule->identifiers);
	ranges_done(&rule->bluetooth.devices);
	ranges_done(&rule->bluetooth.channels);
	ranges_done(&rule->bluetooth.opcodes);
	ranges_done(&rule->bluetooth.events);
	ranges_done(&rule->bluetooth.psms);
	ranges_done(&rule->bluetooth.cids);
	free(rule->netns_name);
	names_done(&rule->store_names);
	*rule = (struct rule){0};
}

const struct rule_option *rule_find_option(const struct rule *rule, const struct option_info *info)
{
	for (size_t i = 0; i < rule->n_options; i++)
		if (rule->options[i].info == info)
			return &rule->options[i];
	return NULL;
}
