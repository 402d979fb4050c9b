/* What a rule lets its socket do: the keys that narrow or widen one family's sockets. */
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/policy/parse.h"
#include "proto/constants.h"
#include "proto/macro.h"

static bool only_family(const struct rule *rule, int a, int b)
{
	for (size_t i = 0; i < rule->n_families; i++)
		if (rule->families[i] != a && rule->families[i] != b)
			return false;
	return rule->n_families > 0;
}

static bool has_family(const struct rule *rule, int domain)
{
	for (size_t i = 0; i < rule->n_families; i++)
		if (rule->families[i] == domain)
			return true;
	return false;
}

/* Families whose addresses are those of inet or inet6. */
static bool has_prefixes(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_families; i++)
		if (rule->families[i] != AF_INET && rule->families[i] != AF_INET6 &&
			rule->families[i] != AF_RDS && rule->families[i] != AF_SMC)
			return false;
	return rule->n_families > 0;
}

static int add_prefix(const struct node *item, struct rule *rule)
{
	char quoted[REPORT_QUOTE_MAX];
	struct address_prefix prefix;
	const char *text = node_text(item, "a prefix such as \"10.0.0.0/8\" or \"::1\"");

	if (!text)
		return 0;
	if (address_prefix_parse(text, &prefix) < 0) {
		node_error(item,
			"%s is no address; give a prefix such as \"10.0.0.0/8\" or \"::1\"",
			report_quote(text, quoted));
		return 0;
	}
	/* An inet6 socket may be bound to an IPv4 address: ::ffff:10.0.0.1. */
	bool mapped = prefix.domain == AF_INET && strchr(text, ':') && has_family(rule, AF_INET6);
	if (prefix.domain != 0 && !mapped && !has_family(rule, prefix.domain) &&
		!has_family(rule, AF_RDS) && !has_family(rule, AF_SMC)) {
		node_error(item, "%s is of a family that the rule does not name; add \"%s\" to it",
			report_quote(text, quoted), prefix.domain == AF_INET ? "inet" : "inet6");
		return 0;
	}
	struct address_prefix *larger =
		reallocarray(rule->prefixes, rule->n_prefixes + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	rule->prefixes = larger;
	rule->prefixes[rule->n_prefixes++] = prefix;
	return 0;
}

static int add_address(const struct node *item, void *data)
{
	struct rule *rule = data;
	char quoted[REPORT_QUOTE_MAX], number[16];

	if (has_prefixes(rule))
		return add_prefix(item, rule);

	if (only_family(rule, AF_UNIX, AF_UNIX)) {
		const char *text = node_text(item, "an abstract name such as \"@example.*\"");
		if (!text)
			return 0;
		if (text[0] != '@' || text[1] == '\0') {
			node_error(item,
				"%s is no abstract name; give one as \"@NAME\", where * ? and [] "
				"match as in file names",
				report_quote(text, quoted));
			return 0;
		}
		return names_add(&rule->address_patterns, text);
	}

	if (only_family(rule, AF_VSOCK, AF_VSOCK)) {
		static const char *const known[] = {"any", "hypervisor", "local", "host"};
		static const char expected[] = "a context identifier as a number, or \"any\", "
					       "\"hypervisor\", \"local\" or "
					       "\"host\"";
		json_int_t value;

		if (!json_is_string(item->json)) {
			if (!node_integer(item, expected, 0, UINT32_MAX, &value))
				return 0;
			snprintf(number, sizeof(number), "%u", (unsigned)value);
			return names_add(&rule->address_patterns, number);
		}
		const char *text = json_string_value(item->json);
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (strcmp(text, known[i]) == 0)
				return names_add(&rule->address_patterns, text);
		node_error(item, "%s is no vsock address; give %s", report_quote(text, quoted),
			expected);
		return 0;
	}
	if (only_family(rule, AF_BLUETOOTH, AF_BLUETOOTH))
		return parse_bluetooth_address(item, rule);
	return 0; /* said once by the caller */
}

static int parse_addresses(const struct node *node, struct rule *rule)
{
	if (rule->n_families == 0)
		return 0;
	/* Whatever they are: the family says why not. */
	if (only_family(rule, AF_ALG, AF_TIPC)) {
		rule->has_addresses = true;
		return 0;
	}
	if (!has_prefixes(rule) && !only_family(rule, AF_UNIX, AF_UNIX) &&
		!only_family(rule, AF_VSOCK, AF_VSOCK) &&
		!only_family(rule, AF_BLUETOOTH, AF_BLUETOOTH)) {
		node_key_error(node, "\"addresses\" are for inet, inet6, rds and smc, for unix, "
				     "for vsock, or for "
				     "bluetooth; give each of these a rule of its own");
		return 0;
	}
	rule->has_addresses = true;
	return node_each(node, add_address, rule);
}

static bool is_any(const json_t *json)
{
	return json_is_string(json) && strcmp(json_string_value(json), "any") == 0;
}

static int parse_option(const struct node *node, struct rule *rule)
{
	const struct option_info *info = option_by_name(node->path.key);
	char quoted[REPORT_QUOTE_MAX];

	if (!info) {
		node_key_error(node,
			"unknown option %s; give one that sockd knows, as in the C headers "
			"(\"SO_MARK\")",
			report_quote(node->path.key, quoted));
		return 0;
	}
	struct rule_option *larger =
		reallocarray(rule->options, rule->n_options + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	rule->options = larger;
	struct rule_option *option = &rule->options[rule->n_options++];
	*option = (struct rule_option){.info = info, .any = is_any(node->json)};
	if (option->any)
		return 0;

	if (info->value == OPTION_INTERFACE)
		return node_each(node, node_interface, &option->texts);
	if (info->value == OPTION_BYTES) {
		node_error(node, "the value of %s is no number; the only value is \"any\"",
			info->name);
		return 0;
	}
	struct node_ranges values = {&option->values, "a value", 0, UINT32_MAX, true};
	int r = node_each(node, node_range, &values);
	ranges_normalize(&option->values);
	return r;
}

static int parse_options(const struct node *options, struct rule *rule)
{
	const char *key;
	json_t *value;

	if (!json_is_object(options->json) || json_object_size(options->json) == 0) {
		node_error(options, "\"options\" must be an object with values by option, such as "
				    "{\"SO_MARK\": 5}");
		return 0;
	}
	json_object_foreach(options->json, key, value)
	{
		struct node node = node_key(options, key);
		int r = parse_option(&node, rule);
		if (r < 0)
			return r;
	}
	return 0;
}

struct netlink_names {
	const struct rule *rule;
	struct node_ranges ranges;
	const char *example; /* and whatever else would do */
	int (*from_name)(int protocol, const char *name, int *ret);
};

static int add_netlink(const struct node *item, void *data)
{
	struct netlink_names *wanted = data;
	char quoted[REPORT_QUOTE_MAX];
	uint32_t first, last;
	int found = -1;

	const char *text = json_string_value(item->json);
	if (!text || range_from_text(text, &first, &last) == 0)
		return node_range(item, &wanted->ranges);
	if (wanted->rule->n_protocols == 0) {
		node_error(item, "a name means nothing here without \"protocol\"; name the one "
				 "netlink protocol");
		return 0;
	}
	for (size_t i = 0; i < wanted->rule->n_protocols; i++) {
		int protocol = wanted->rule->protocols[i], value;
		const char *name = constant_protocol_name(AF_NETLINK, protocol);

		if (wanted->from_name(protocol, text, &value) < 0 ||
			(found >= 0 && value != found)) {
			node_error(item, "%s is not %s of netlink protocol %s; give %s",
				report_quote(text, quoted), wanted->ranges.what,
				name ? name : "without a name", wanted->example);
			return 0;
		}
		found = value;
	}
	return ranges_add(wanted->ranges.ranges, (uint32_t)found, (uint32_t)found);
}

static bool is_of_protocol(const struct rule *rule, int protocol)
{
	return rule->n_protocols == 1 && rule->protocols[0] == protocol;
}

static int parse_netlink(const struct node *node, struct netlink_names *wanted)
{
	if (!only_family(wanted->rule, AF_NETLINK, AF_NETLINK)) {
		if (wanted->rule->n_families > 0)
			node_key_error(node,
				"\"%s\" is for family netlink alone; give it a rule of its own",
				node->path.key);
		return 0;
	}
	if (is_any(node->json))
		return ranges_add(wanted->ranges.ranges, wanted->ranges.min, wanted->ranges.max);
	int r = node_each(node, add_netlink, wanted);
	ranges_normalize(wanted->ranges.ranges);
	return r;
}

int parse_netns(const struct node *node, struct rule *rule)
{
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(node, "\"peer\", \"broker\" or a namespace's name");

	if (!text)
		return 0;
	if (strcmp(text, "peer") == 0) {
		rule->netns = RULE_NETNS_PEER;
		return 0;
	}
	if (strcmp(text, "broker") == 0) {
		rule->netns = RULE_NETNS_BROKER;
		return 0;
	}
	if (rule->actions && strcmp(text, "any") == 0) {
		rule->netns = RULE_NETNS_ANY;
		return 0;
	}
	if (!name_is_plain(text, WIRE_NAME_MAX) || strcmp(text, ".") == 0 ||
		strcmp(text, "..") == 0) {
		node_error(node,
			"%s is no namespace's name; give \"peer\", \"broker\", or a name under "
			"/run/netns of letters, digits, and . _ -",
			report_quote(text, quoted));
		return 0;
	}
	rule->netns = RULE_NETNS_NAMED;
	rule->netns_name = strdup(text);
	return rule->netns_name ? 0 : -ENOMEM;
}

static void parse_mark(const struct node *node, struct rule *rule)
{
	json_int_t mark;

	if (!node_integer(node, "a mark (SO_MARK)", 1, UINT32_MAX, &mark))
		return;
	rule->has_mark = true;
	rule->mark = (uint32_t)mark;
}

int parse_use(const struct node *node, struct rule *rule)
{
	struct node ports = node_key(node, "ports"), addresses = node_key(node, "addresses"),
		    interfaces = node_key(node, "interfaces"), options = node_key(node, "options"),
		    groups = node_key(node, "groups"), messages = node_key(node, "messages"),
		    mark = node_key(node, "mark");
	int r = 0;

	if (ports.json) {
		uint32_t max = only_family(rule, AF_VSOCK, AF_QIPCRTR) ? UINT32_MAX : 65535;
		struct node_ranges wanted = {&rule->ports, "a port", 0, max, false};

		rule->has_ports = true;
		r = node_each(&ports, node_range, &wanted);
		ranges_normalize(&rule->ports);
	}
	if (r == 0 && addresses.json)
		r = parse_addresses(&addresses, rule);
	if (r == 0 && interfaces.json) {
		rule->has_interfaces = true;
		r = node_each(&interfaces, node_interface, &rule->interfaces);
	}
	if (r == 0 && options.json)
		r = parse_options(&options, rule);
	if (r == 0 && groups.json) {
		struct netlink_names wanted = {rule,
			{&rule->groups, "a multicast group", 1, UINT32_MAX, false}, "a number",
			constant_netlink_group_from_name};

		if (is_of_protocol(rule, NETLINK_ROUTE))
			wanted.example = "a name such as \"RTNLGRP_LINK\", or a number";
		rule->has_groups = true;
		r = parse_netlink(&groups, &wanted);
	}
	if (r == 0 && messages.json) {
		struct netlink_names wanted = {rule,
			{&rule->messages, "a message type", 0, 65535, false}, "a number",
			constant_netlink_message_from_name};

		if (is_of_protocol(rule, NETLINK_GENERIC))
			wanted.example = "a name such as \"ETHTOOL_MSG_FEATURES_SET\"";
		else if (is_of_protocol(rule, NETLINK_ROUTE))
			wanted.example = "a name such as \"RTM_NEWLINK\", or a number";

		rule->has_messages = true;
		r = parse_netlink(&messages, &wanted);
	}
	if (mark.json)
		parse_mark(&mark, rule);
	if (r == 0)
		r = parse_can(node, rule);
	return r == 0 ? parse_bluetooth(node, rule) : r;
}
