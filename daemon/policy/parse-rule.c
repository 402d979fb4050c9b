#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/policy/parse.h"
#include "daemon/policy/unit.h"
#include "proto/constants.h"
#include "proto/macro.h"

#define NUMBER_MAX 65535 /* families, protocols */
#define TYPE_MAX 15	 /* the kernel's SOCK_TYPE_MASK */
#define ID_MAX (UINT32_MAX - 1)
#define DATABASE_ENTRY_MAX (1024u * 1024u)

struct numbers {
	int *items;
	size_t n;
};

static int numbers_add(struct numbers *numbers, int value)
{
	for (size_t i = 0; i < numbers->n; i++)
		if (numbers->items[i] == value)
			return 0;
	int *larger = reallocarray(numbers->items, numbers->n + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	numbers->items = larger;
	numbers->items[numbers->n++] = value;
	return 0;
}

static void parse_name(const struct node *node, struct parsed *parsed, struct rule *rule, int *r)
{
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(node, "the rule's name as a string");

	if (!text)
		return;
	if (!name_is_plain(text, RULE_NAME_MAX)) {
		node_error(node, "%s is no rule's name; use 1 to %u letters, digits, and . _ -",
			report_quote(text, quoted), RULE_NAME_MAX);
		return;
	}
	*r = rule_set_name(rule, text);
	if (*r < 0)
		return;
	node->source->rule = rule->view.name;

	const char *other = json_string_value(json_object_get(parsed->names, text));
	if (other) {
		node_error(node, "the name is already used at %s; give each rule its own", other);
		return;
	}
	json_t *place = json_sprintf("%s:%u", rule->view.file, rule->view.line);
	if (!place || json_object_set_new(parsed->names, text, place) < 0)
		*r = -ENOMEM;
}

/* User and group databases: the buffer grows until the entry fits. */
static int look_up(const char *name, bool group, uint32_t *ret)
{
	for (size_t size = 4096; size <= DATABASE_ENTRY_MAX; size *= 4) {
		_cleanup_free_ char *buffer = malloc(size);
		struct passwd user, *found_user = NULL;
		struct group entry, *found_group = NULL;

		if (!buffer)
			return -ENOMEM;
		int error = group ? getgrnam_r(name, &entry, buffer, size, &found_group)
				  : getpwnam_r(name, &user, buffer, size, &found_user);
		if (error == ERANGE)
			continue;
		if (error == ENOMEM)
			return -ENOMEM;
		if (found_user || found_group) {
			*ret = group ? entry.gr_gid : user.pw_uid;
			return 0;
		}
		break;
	}
	return -ENOENT;
}

static int add_account(const struct node *item, struct ranges *ranges, bool group)
{
	const char *kind = group ? "group" : "user";
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, group ? "a group's name" : "a user's name");
	uint32_t id;

	if (!text)
		return 0;
	int r = look_up(text, group, &id);
	if (r == -ENOENT) {
		node_error(item,
			"no %s %s on this system; create it, or give a number under \"%s\"", kind,
			report_quote(text, quoted), group ? "gid" : "uid");
		return 0;
	}
	return r < 0 ? r : ranges_add(ranges, id, id);
}

static int add_user(const struct node *item, void *data)
{
	return add_account(item, data, false);
}

static int add_group(const struct node *item, void *data)
{
	return add_account(item, data, true);
}

static int parse_peers(const struct node *peers, struct rule *rule)
{
	static const char *const keys[] = {"user", "group", "uid", "gid"};
	struct node_ranges uids = {&rule->uids, "a user's number", 0, ID_MAX, false};
	struct node_ranges gids = {&rule->gids, "a group's number", 0, ID_MAX, false};
	const node_item callbacks[] = {add_user, add_group, node_range, node_range};
	void *const data[] = {&rule->uids, &rule->gids, &uids, &gids};

	if (json_is_string(peers->json) && strcmp(json_string_value(peers->json), "any") == 0) {
		rule->any_peer = true;
		return 0;
	}
	if (!json_is_object(peers->json) || json_object_size(peers->json) == 0) {
		node_error(peers, "peers are \"any\", or an object that names some by \"user\", "
				  "\"group\", \"uid\" or \"gid\"");
		return 0;
	}
	node_check_keys(peers, keys, ARRAY_SIZE(keys));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct node node = node_key(peers, keys[i]);
		int r = node.json ? node_each(&node, callbacks[i], data[i]) : 0;
		if (r < 0)
			return r;
	}
	ranges_normalize(&rule->uids);
	ranges_normalize(&rule->gids);
	return 0;
}

static int add_listener(const struct node *item, void *data)
{
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, "a listener's name");

	if (!text)
		return 0;
	if (!name_is_plain(text, WIRE_NAME_MAX)) {
		node_error(item, "%s is no listener's name; use letters, digits, and . _ -",
			report_quote(text, quoted));
		return 0;
	}
	return names_add(data, text);
}

static int add_family(const struct node *item, void *data)
{
	char quoted[REPORT_QUOTE_MAX];
	json_int_t number;
	int family;

	if (json_is_string(item->json)) {
		const char *text = json_string_value(item->json);
		if (constant_family_from_name(text, &family) < 0 || family == AF_UNSPEC) {
			node_error(item,
				"unknown family %s; give a name such as \"inet\" or \"packet\", or "
				"a number",
				report_quote(text, quoted));
			return 0;
		}
	} else {
		if (!node_integer(item, "a family's name or number", 1, NUMBER_MAX, &number))
			return 0;
		family = (int)number;
	}
	return numbers_add(data, family);
}

static int add_type(const struct node *item, void *data)
{
	char quoted[REPORT_QUOTE_MAX];
	json_int_t number;
	int type;

	if (json_is_string(item->json)) {
		const char *text = json_string_value(item->json);
		if (constant_type_from_name(text, &type) < 0) {
			node_error(item,
				"unknown type %s; give a name such as \"stream\", \"dgram\" or "
				"\"raw\", or a number",
				report_quote(text, quoted));
			return 0;
		}
	} else {
		if (!node_integer(item, "a type's name or number", 1, TYPE_MAX, &number))
			return 0;
		type = (int)number;
	}
	return numbers_add(data, type);
}

struct protocols {
	struct numbers numbers;
	const struct numbers *families;
};

/* A name must mean one number in every family of the rule: 6 is tcp for one, xfrm for another. */
static int add_protocol(const struct node *item, void *data)
{
	struct protocols *protocols = data;
	char quoted[REPORT_QUOTE_MAX];
	json_int_t number;
	int found = -1;

	if (!json_is_string(item->json)) {
		if (!node_integer(item, "a protocol's name or number", 0, NUMBER_MAX, &number))
			return 0;
		return numbers_add(&protocols->numbers, (int)number);
	}

	const char *text = json_string_value(item->json);
	for (size_t i = 0; i < protocols->families->n; i++) {
		int family = protocols->families->items[i], value;
		const char *name = constant_family_name(family);

		if (constant_protocol_from_name(family, text, &value) < 0) {
			node_error(item,
				"unknown protocol %s of family %s; give a name of that family or a "
				"number, or a rule for each family",
				report_quote(text, quoted), name ? name : "without a name");
			return 0;
		}
		if (found >= 0 && value != found) {
			node_error(item,
				"protocol %s is not the same in all families of this rule; give a "
				"rule for each family",
				report_quote(text, quoted));
			return 0;
		}
		found = value;
	}
	return found < 0 ? 0 : numbers_add(&protocols->numbers, found);
}

static void parse_words(const struct node *node, struct rule *rule)
{
	struct node description = node_key(node, "description"), effect = node_key(node, "effect"),
		    owner = node_key(node, "owner");

	if (description.json)
		(void)node_text(&description, "a string");
	if (effect.json) {
		const char *text = json_string_value(effect.json);
		rule->deny = text && strcmp(text, "deny") == 0;
		if (!rule->deny && (!text || strcmp(text, "allow") != 0))
			node_error(&effect, "the effect is \"allow\" or \"deny\"");
	}
	if (owner.json) {
		const char *text = json_string_value(owner.json);
		rule->owner_peer = text && strcmp(text, "peer") == 0;
		if (!rule->owner_peer)
			node_error(&owner, "the owner can only be \"peer\"; leave the key out for "
					   "sockd's own user");
	}
}

/* What kind of socket: protocols by name depend on the families. */
static int parse_kind(const struct node *node, struct rule *rule)
{
	struct node family = node_key(node, "family"), type = node_key(node, "type"),
		    protocol = node_key(node, "protocol");
	struct numbers families = {0}, types = {0};
	struct protocols protocols = {.families = &families};
	int r = 0;

	if (!family.json)
		node_error(node, "\"family\" is missing; name the socket family, such as \"inet\"");
	else
		r = node_each(&family, add_family, &families);
	if (r == 0 && type.json)
		r = node_each(&type, add_type, &types);
	if (r == 0 && protocol.json)
		r = node_each(&protocol, add_protocol, &protocols);

	rule->families = families.items;
	rule->n_families = families.n;
	rule->types = types.items;
	rule->n_types = types.n;
	rule->protocols = protocols.numbers.items;
	rule->n_protocols = protocols.numbers.n;
	if (r < 0)
		return r;

	size_t combinations = families.n * MAX_OF(types.n, (size_t)1);
	if (combinations > RULE_COMBINATIONS_MAX ||
		combinations * MAX_OF(protocols.numbers.n, (size_t)1) > RULE_COMBINATIONS_MAX)
		node_error(node,
			"families times types times protocols are more than %u; leave out \"type\" "
			"or "
			"\"protocol\", or split the rule",
			RULE_COMBINATIONS_MAX);
	return 0;
}

int parse_rule(struct node *node, struct parsed *parsed, struct rule *rule)
{
	static const char *const keys[] = {"name", "description", "effect", "peers", "listener",
		"unit", "slice", "user-unit", "family", "type", "protocol", "ports", "addresses",
		"interfaces", "options", "groups", "messages", "identifiers", "direction", "mark",
		"devices", "channels", "opcodes", "events", "psms", "cids", "transports", "netns",
		"owner", "actions", "names", "common"};
	int r = 0;

	if (!json_is_object(node->json)) {
		node_error(node, "a rule is an object: {\"name\": ..., \"peers\": ..., \"family\": "
				 "...}");
		return 0;
	}
	struct node name = node_key(node, "name"), peers = node_key(node, "peers"),
		    listener = node_key(node, "listener"), netns = node_key(node, "netns");

	if (!name.json)
		node_error(node, "\"name\" is missing; give each rule a name of its own");
	else
		parse_name(&name, parsed, rule, &r);
	node_check_keys(node, keys, ARRAY_SIZE(keys));
	parse_words(node, rule);
	if (r == 0 && !peers.json)
		node_error(node, "\"peers\" is missing; say whom the rule is for, or \"any\"");
	else if (r == 0)
		r = parse_peers(&peers, rule);
	if (r == 0 && listener.json)
		r = node_each(&listener, add_listener, &rule->listeners);
	if (r == 0)
		r = unit_parse(node, rule);
	if (r == 0)
		r = parse_kind(node, rule);
	if (r == 0)
		r = parse_use(node, rule);
	if (r == 0)
		r = parse_keep(node, rule);
	if (r == 0 && netns.json)
		r = parse_netns(&netns, rule);
	return r;
}
