/* Can the rule be kept? What its holder could do in spite of it is refused here, with the reason.
 */
#include <linux/net.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "daemon/policy/parse.h"
#include "proto/constants.h"

#define FIRST_FREE_PORT 1024u

static void error_at_key(const struct node *rule_node, const char *key, const char *words)
{
	struct node node = key ? node_key(rule_node, key) : *rule_node;

	if (node.json)
		node_error(&node, "%s", words);
	else
		node_error(rule_node, "%s", words);
}

static bool value_is_free(const struct option_info *info, uint32_t value)
{
	int number = (int)value;

	return option_is_free(info, &number, sizeof(number));
}

/* One of another family would allow nothing and deny nothing, and might cost sockd a capability. */
static void check_options(const struct node *node, const struct rule *rule)
{
	struct node options = node_key(node, "options");

	for (size_t i = 0; i < rule->n_options; i++) {
		const struct option_info *info = rule->options[i].info;
		struct node place = node_key(&options, info->name);
		bool has = false;

		for (size_t j = 0; j < rule->n_families; j++)
			has = has || option_is_for_family(info, rule->families[j]);
		if (!has)
			node_key_error(&place,
				"no socket of the rule's \"family\" has %s; take it out, or name "
				"its "
				"family too",
				info->name);
	}
}

static void check_denied_options(const struct node *node, const struct rule *rule)
{
	struct node options = node_key(node, "options");

	for (size_t i = 0; i < rule->n_options; i++) {
		const struct rule_option *option = &rule->options[i];
		struct node place = node_key(&options, option->info->name);

		if (option->info->right == OPTION_FREE) {
			node_error(&place,
				"every process may set %s itself, so that denying it cannot be "
				"kept; deny the socket, or leave the option out",
				option->info->name);
			continue;
		}
		for (size_t j = 0; j < option->values.n; j++) {
			const struct range *range = &option->values.items[j];
			if (!value_is_free(option->info, range->first) &&
				!value_is_free(option->info, range->last))
				continue;
			node_error(&place,
				"every process may set %s to %d itself, so that denying it cannot "
				"be kept; name only values that need a privilege",
				option->info->name,
				value_is_free(option->info, range->first) ? (int)range->first
									  : (int)range->last);
			break;
		}
	}
}

static void check_denied_netlink(const struct node *node, const struct rule *rule)
{
	struct node groups = node_key(node, "groups"), messages = node_key(node, "messages");

	for (size_t i = 0; i < rule->n_protocols; i++) {
		int protocol = rule->protocols[i];
		const char *name = constant_protocol_name(AF_NETLINK, protocol);

		for (size_t j = 0; rule->has_groups && j < rule->groups.n; j++) {
			const struct range *range = &rule->groups.items[j];
			if (range->first != range->last ||
				!constant_netlink_group_is_free(protocol, (int)range->first))
				continue;
			node_error(&groups,
				"every process may join group %u of netlink protocol %s itself, so "
				"that denying it cannot be kept; deny the socket, or leave it out",
				range->first, name ? name : "given");
			return;
		}
		for (size_t j = 0; rule->has_messages && j < rule->messages.n; j++) {
			const struct range *range = &rule->messages.items[j];
			if (range->first != range->last ||
				!constant_netlink_message_is_free(protocol, (int)range->first))
				continue;
			node_error(&messages,
				"every process may send message %u of netlink protocol %s itself, "
				"so "
				"that denying it cannot be kept; leave it out",
				range->first, name ? name : "given");
			return;
		}
	}
}

static void check_denied_ports(const struct node *node, const struct rule *rule)
{
	bool judged = rule->n_families > 0;

	for (size_t i = 0; i < rule->n_families; i++)
		judged = judged && family_get(rule->families[i])->judges_denied_ports;
	if (judged)
		return;
	if (rule->has_ports && rule->ports.n > 0 &&
		rule->ports.items[rule->ports.n - 1].last >= FIRST_FREE_PORT)
		error_at_key(node, "ports",
			"every process may bind a port from 1024 up itself, so that denying it "
			"cannot be kept; name only ports under 1024");
	if (rule->has_ports && ranges_contain(&rule->ports, 0))
		error_at_key(node, "ports",
			"port 0 is a free port of the kernel's choice, which every process may "
			"have, "
			"so that denying it cannot be kept; name ports from 1 to 1023");
}

static void check_deny(const struct node *node, const struct rule *rule)
{
	if (rule->owner_peer)
		error_at_key(node, "owner",
			"a deny rule opens nothing, so that it has no owner; "
			"leave the key out");
	check_denied_ports(node, rule);
	if (rule->has_addresses)
		error_at_key(node, "addresses",
			"the holder of a socket may bind it to any address itself, so that denying "
			"some cannot be kept; deny the ports, or limit the allow rules");
	if (rule->identifiers)
		error_at_key(node, "identifiers",
			"the holder of a socket may choose an identifier itself, so that denying "
			"some cannot be kept; deny the socket, or limit the allow rules");
	if (rule->direction != RULE_DIRECTION_BOTH)
		error_at_key(node, "direction",
			"a socket receives and sends, so that denying one alone cannot be kept; "
			"deny the socket, or limit the allow rules");
	if (rule->has_mark)
		error_at_key(node, "mark",
			"a deny rule opens nothing, so that it has no mark; leave the key out, or "
			"name SO_MARK under \"options\"");
	/* Netlink's interfaces are those of messages, which the kernel judges each time. */
	if (rule->has_interfaces && !family_rule_has(rule->families, rule->n_families, AF_NETLINK))
		error_at_key(node, "interfaces",
			"the holder of a socket may choose an interface itself, so that denying "
			"some "
			"cannot be kept; deny the socket, or limit the allow rules");
	check_denied_options(node, rule);
	check_denied_netlink(node, rule);
}

void check_rule(const struct node *node, const struct rule *rule)
{
	unsigned errors_before = node->source->report->n_errors;

	if (rule->actions) {
		check_keep_rule(node, rule);
		return;
	}
	for (size_t i = 0; i < rule->n_families; i++)
		for (size_t j = 0; j < rule->n_types; j++)
			if (rule->families[i] == AF_INET && rule->types[j] == SOCK_PACKET)
				error_at_key(node, "type",
					"inet sockets of type packet are packet sockets; name "
					"family "
					"\"packet\"");
	check_options(node, rule);
	if (rule->deny)
		check_deny(node, rule);
	else if (rule->has_mark && rule_find_option(rule, option_by_number(SOL_SOCKET, SO_MARK)))
		error_at_key(node, "mark",
			"with SO_MARK among the \"options\" the holder could change the mark; take "
			"one of them out");
	if (node->source->report->n_errors > errors_before)
		return;

	for (size_t i = 0; i < rule->n_families; i++) {
		const struct family *family = family_get(rule->families[i]);
		char what[POLICY_REASON_MAX] = "this family cannot keep such a rule";
		const char *key = NULL;

		if (rule->has_mark && !family->marks_packets) {
			error_at_key(node, "mark",
				"the mark is on what sockets of inet, inet6, packet and can send, "
				"and "
				"on nothing of other families; take it out");
			return;
		}
		if (family->check_rule && family->check_rule(rule, what, sizeof(what), &key) < 0) {
			error_at_key(node, key, what);
			return;
		}
	}
}
