/* The keys of CAN rules: which identifiers, and in which direction. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/policy/identifiers.h"
#include "daemon/policy/parse.h"
#include "proto/address-can.h"
#include "proto/macro.h"

static const char expected[] = "a standard identifier (0x123, or 0 to 2047), an extended one of "
			       "eight digits (0x18fef100), a range \"A-B\", a mask \"A/MASK\", or "
			       "\"error\"";

/* Two of one kind, with what stands between them. */
struct pair {
	canid_t first, second;
};

static bool parse_pair(const char *text, char separator, struct pair *ret)
{
	const char *at = strchr(text, separator);

	return at && identifier_parse(text, (size_t)(at - text), &ret->first) == 0 &&
	       identifier_parse(at + 1, strlen(at + 1), &ret->second) == 0 &&
	       (ret->first & CAN_EFF_FLAG) == (ret->second & CAN_EFF_FLAG);
}

static int add_range(struct identifiers *identifiers, canid_t first, canid_t last)
{
	struct ranges *ranges =
		first & CAN_EFF_FLAG ? &identifiers->extended : &identifiers->standard;

	return ranges_add(ranges, first & CAN_EFF_MASK, last & CAN_EFF_MASK);
}

static int add_mask(struct identifiers *identifiers, const struct pair *pair)
{
	struct identifier_mask *larger =
		reallocarray(identifiers->masks, identifiers->n_masks + 1, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	identifiers->masks = larger;
	larger[identifiers->n_masks++] = (struct identifier_mask){
		.identifier = pair->first & pair->second & CAN_EFF_MASK,
		.mask = pair->second & CAN_EFF_MASK,
		.extended = pair->first & CAN_EFF_FLAG,
	};
	return 0;
}

static size_t count(const struct identifiers *identifiers)
{
	return identifiers->standard.n + identifiers->extended.n + identifiers->n_masks;
}

static int add_identifier(const struct node *item, void *data)
{
	struct identifiers *identifiers = data;
	char quoted[REPORT_QUOTE_MAX];
	json_int_t number;
	canid_t identifier;
	struct pair pair;

	if (count(identifiers) == IDENTIFIERS_MAX) {
		node_error(item,
			"more than %u identifiers, ranges and masks; join some, or split the rule",
			IDENTIFIERS_MAX);
		return 0;
	}
	if (!json_is_string(item->json)) {
		if (!node_integer(item, expected, 0, CAN_SFF_MASK, &number))
			return 0;
		return add_range(identifiers, (canid_t)number, (canid_t)number);
	}
	const char *text = json_string_value(item->json);
	if (strcmp(text, "error") == 0) {
		identifiers->errors = true;
		return 0;
	}
	if (identifier_parse(text, strlen(text), &identifier) == 0)
		return add_range(identifiers, identifier, identifier);
	if (parse_pair(text, '/', &pair))
		return add_mask(identifiers, &pair);
	if (!parse_pair(text, '-', &pair)) {
		node_error(
			item, "%s is no identifier; give %s", report_quote(text, quoted), expected);
		return 0;
	}
	if (pair.first > pair.second) {
		node_error(item, "the range %s ends before it begins; write the lower one first",
			report_quote(text, quoted));
		return 0;
	}
	return add_range(identifiers, pair.first, pair.second);
}

static int parse_identifiers(const struct node *node, struct rule *rule)
{
	rule->identifiers = calloc(1, sizeof *rule->identifiers);
	if (!rule->identifiers)
		return -ENOMEM;
	int r = node_each(node, add_identifier, rule->identifiers);
	ranges_normalize(&rule->identifiers->standard);
	ranges_normalize(&rule->identifiers->extended);
	return r;
}

static void parse_direction(const struct node *node, struct rule *rule)
{
	static const struct {
		const char *text;
		enum rule_direction direction;
	} words[] = {
		{"both", RULE_DIRECTION_BOTH},
		{"receive", RULE_DIRECTION_RECEIVE},
		{"send", RULE_DIRECTION_SEND},
	};
	const char *text = json_string_value(node->json);

	for (size_t i = 0; text && i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i].text) == 0) {
			rule->direction = words[i].direction;
			return;
		}
	node_error(node, "the direction is \"receive\", \"send\" or \"both\"");
}

static bool only_can(const struct node *key, const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_families; i++)
		if (rule->families[i] != AF_CAN) {
			node_key_error(key,
				"\"%s\" is for family can alone; give it a rule of its own",
				key->path.key);
			return false;
		}
	return true;
}

int parse_can(const struct node *node, struct rule *rule)
{
	struct node identifiers = node_key(node, "identifiers"),
		    direction = node_key(node, "direction");

	if (direction.json && only_can(&direction, rule))
		parse_direction(&direction, rule);
	if (identifiers.json && only_can(&identifiers, rule))
		return parse_identifiers(&identifiers, rule);
	return 0;
}
