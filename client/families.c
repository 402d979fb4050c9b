/* sockctl families: what this kernel has, what the policy speaks of, what a broker adds. */
#include "client/families.h"

#include <stdlib.h>
#include <string.h>

#include "client/management.h"
#include "client/output.h"
#include "client/verbs.h"
#include "proto/constants.h"
#include "proto/macro.h"

static const char *const state_names[] = {
	[FAMILY_UNKNOWN] = "unknown",
	[FAMILY_NO] = "no",
	[FAMILY_BY_HAND] = "modprobe",
	[FAMILY_ON_USE] = "on-use",
	[FAMILY_YES] = "yes",
};

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

static void cleanup_table(struct output_table **table)
{
	output_table_free(*table);
}

/* What the broker says of this family; NULL: nothing. */
static const json_t *find_rules(const json_t *reply, int domain)
{
	const json_t *list = json_object_get(reply, "families"), *item;
	size_t i;

	json_array_foreach((json_t *)list, i,
		item) if (management_integer(item, "number") == domain) return item;
	return NULL;
}

static json_t *rules_to_json(const json_t *reply, int domain)
{
	const json_t *rules = find_rules(reply, domain);

	if (!reply)
		return json_null();
	return json_pack("{s:I, s:I}", "allow", management_integer(rules, "allow"), "deny",
		management_integer(rules, "deny"));
}

static int print_json(
	const json_t *reply, const enum family_state *states, const struct arguments *arguments)
{
	_cleanup_(cleanup_json) json_t *list = json_array();

	for (size_t i = 0; i < n_family_infos; i++) {
		const struct family_info *info = &family_infos[i];

		json_array_append_new(list,
			json_pack("{s:s?, s:i, s:s, s:s?, s:o, s:s}", "family",
				constant_family_name(info->domain), "number", info->domain,
				"kernel", state_names[states[i]], "module", info->module, "policy",
				rules_to_json(reply, info->domain), "adds", info->adds));
	}
	return output_json(list, arguments->json);
}

static void add_kernel(
	struct output_table *table, const struct family_info *info, enum family_state state)
{
	if (state == FAMILY_BY_HAND)
		output_table_add(table, "modprobe %s", info->module);
	else
		output_table_add(
			table, "%s", state == FAMILY_ON_USE ? "on use" : state_names[state]);
}

static void add_policy(struct output_table *table, const json_t *reply, int domain)
{
	const json_t *rules = find_rules(reply, domain);
	json_int_t allow = management_integer(rules, "allow"),
		   deny = management_integer(rules, "deny");

	if (!reply)
		output_table_add(table, "?");
	else if (!rules)
		output_table_add(table, "-");
	else if (deny == 0)
		output_table_add(table, "%" JSON_INTEGER_FORMAT " allow", allow);
	else if (allow == 0)
		output_table_add(table, "%" JSON_INTEGER_FORMAT " deny", deny);
	else
		output_table_add(table,
			"%" JSON_INTEGER_FORMAT " allow, %" JSON_INTEGER_FORMAT " deny", allow,
			deny);
}

static int print_table(const json_t *reply, const enum family_state *states)
{
	static const char *const heads[] = {"FAMILY", "KERNEL", "POLICY", "A BROKER ADDS"};
	_cleanup_(cleanup_table) struct output_table *table =
		output_table_new(heads, ARRAY_SIZE(heads));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < n_family_infos; i++) {
		const struct family_info *info = &family_infos[i];

		output_table_add(table, "%s", constant_family_name(info->domain));
		add_kernel(table, info, states[i]);
		add_policy(table, reply, info->domain);
		output_table_add(table, "%s", info->adds);
	}
	output_table_print(table);
	return 0;
}

int verb_families(const struct arguments *arguments)
{
	_cleanup_(cleanup_json) json_t *request = json_pack("{s:s}", "verb", "families");
	_cleanup_(cleanup_json) json_t *reply = NULL;
	_cleanup_free_ enum family_state *states = calloc(n_family_infos, sizeof *states);
	int r;

	if (!states || families_of_kernel(states) < 0)
		return EXIT_REFUSED;
	/* Without the broker the rest is still true; what is missing has been said. */
	(void)management_call(arguments->management, request, &reply);
	if (arguments->json != OUTPUT_JSON_OFF)
		r = print_json(reply, states, arguments);
	else
		r = print_table(reply, states);
	return r < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
}
