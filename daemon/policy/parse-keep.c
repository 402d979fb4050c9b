/* The keys of a rule about sockets that are handed on: "actions", "names", "common". */
#include <errno.h>
#include <string.h>

#include "daemon/policy/parse.h"
#include "proto/macro.h"

static const struct {
	const char *name;
	enum policy_action action;
} actions[] = {
	{"share", POLICY_SHARE},
	{"receive", POLICY_RECEIVE},
	{"store", POLICY_STORE},
	{"fetch", POLICY_FETCH},
};

const char *policy_action_name(enum policy_action action)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (actions[i].action == action)
			return actions[i].name;
	return NULL;
}

enum policy_action policy_action_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return actions[i].action;
	return (enum policy_action)0;
}

static int add_action(const struct node *item, void *data)
{
	unsigned *all = data;
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, "an action");

	if (!text)
		return 0;
	enum policy_action action = policy_action_from_name(text);
	if (!action)
		node_error(item,
			"unknown action %s; the actions are \"share\", \"receive\", \"store\" and "
			"\"fetch\"; a rule without \"actions\" is about opening",
			report_quote(text, quoted));
	*all |= action;
	return 0;
}

static int add_name(const struct node *item, void *data)
{
	char quoted[REPORT_QUOTE_MAX], bare[WIRE_STORE_NAME_MAX + 1];
	const char *text = node_text(item, "a name in the store");
	size_t size;

	if (!text)
		return 0;
	size = strlen(text);
	if (size > 0 && text[size - 1] == '*')
		size--;
	bool fits = size < sizeof bare && (size > 0 || text[0] == '*');
	if (fits) {
		memcpy(bare, text, size);
		bare[size] = '\0';
	}
	if (!fits || (size > 0 && !wire_name_is_storable(bare, size))) {
		node_error(item,
			"%s is no name of the store; use 1 to %u letters, digits, and . _ -, or "
			"end it with * for any ending",
			report_quote(text, quoted), WIRE_STORE_NAME_MAX);
		return 0;
	}
	return names_add(data, text);
}

int parse_keep(const struct node *node, struct rule *rule)
{
	struct node list = node_key(node, "actions"), names = node_key(node, "names"),
		    common = node_key(node, "common");
	int r = 0;

	if (list.json)
		r = node_each(&list, add_action, &rule->actions);
	if (r == 0 && names.json)
		r = node_each(&names, add_name, &rule->store_names);
	if (r == 0 && common.json) {
		if (!json_is_boolean(common.json))
			node_error(&common, "\"common\" is true or false");
		rule->common = json_is_true(common.json);
	}
	if (!list.json && (names.json || common.json))
		node_key_error(names.json ? &names : &common,
			"\"%s\" is about the store; it needs \"actions\" with \"store\" or "
			"\"fetch\"",
			names.json ? "names" : "common");
	return r;
}

/* The socket is taken as it is: what an opened one is held to says nothing of it. */
static void refuse_keys_of_opening(const struct node *node)
{
	static const char *const keys[] = {"ports", "addresses", "interfaces", "options", "groups",
		"messages", "identifiers", "direction", "mark", "devices", "channels", "opcodes",
		"events", "psms", "cids", "transports", "owner"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct node key = node_key(node, keys[i]);

		if (key.json)
			node_key_error(&key,
				"\"%s\" is about opening, and a rule with \"actions\" hands on "
				"sockets as they are; leave it out, or make two rules",
				keys[i]);
	}
}

void check_keep_rule(const struct node *node, const struct rule *rule)
{
	struct node names = node_key(node, "names"), common = node_key(node, "common");
	bool stores = rule->actions & POLICY_ACTIONS_OF_STORE;

	refuse_keys_of_opening(node);
	if (names.json && rule->actions & ~(unsigned)POLICY_ACTIONS_OF_STORE)
		node_key_error(&names,
			"only \"store\" and \"fetch\" have names; make a rule of its own for "
			"\"share\" and \"receive\"");
	if (common.json && !stores)
		node_key_error(&common, "only \"store\" and \"fetch\" have common names");
	else if (rule->common && !names.json)
		node_error(&common,
			"names that several users have in common must be listed: add \"names\"");
}
