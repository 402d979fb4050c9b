#include "daemon/policy/rule.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/identifiers.h"
#include "proto/macro.h"

struct rule_label {
	atomic_uint references;
	char texts[];
};

int rule_set_name(struct rule *rule, const char *name)
{
	const char *file = rule->view.file;
	size_t name_size = strlen(name) + 1, file_size = strlen(file) + 1;
	struct rule_label *label = malloc(sizeof *label + name_size + file_size);

	if (!label)
		return -ENOMEM;
	atomic_init(&label->references, 1);
	rule->view.label = label;
	rule->view.name = memcpy(label->texts, name, name_size);
	rule->view.file = memcpy(label->texts + name_size, file, file_size);
	return 0;
}

void rule_view_ref(const struct rule_view *view)
{
	if (view->label)
		atomic_fetch_add(&view->label->references, 1);
}

void rule_view_unref(const struct rule_view *view)
{
	if (view->label && atomic_fetch_sub(&view->label->references, 1) == 1)
		free(view->label);
}

void rule_done(struct rule *rule)
{
	rule_view_unref(&rule->view);
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
