/*
 * From the text of one policy file to its rules. Checks all that can be seen in the file itself,
 * and asks the families whether each rule can be kept.
 */
#ifndef SOCKD_DAEMON_POLICY_PARSE_H
#define SOCKD_DAEMON_POLICY_PARSE_H

#include <jansson.h>
#include <stddef.h>

#include "daemon/policy/node.h"
#include "daemon/policy/policy.h"
#include "daemon/policy/rule.h"

#define POLICY_RULES_MAX 100000u
#define RULE_NAME_MAX 63u
/* Families times types times protocols of one rule: each takes a place in the index. */
#define RULE_COMBINATIONS_MAX 1024u

/* What all files together have given so far. Owned by the loader. */
struct parsed {
	struct rule *rules;
	size_t n_rules;
	struct policy_limits limits;
	json_t *names; /* rule name: where it stands, for doubles */
};

/*
 * Adds a file's rules. file must outlive them. Errors go to the report (the caller sees them by its
 * count); what was added before stays valid. Returns 0 or -ENOMEM.
 */
int parse_text(const char *file, const char *text, size_t size, struct report *report,
	struct parsed *parsed);
void parsed_done(struct parsed *parsed);

/* One rule. The rule is zeroed by the caller and freed by it, also after a failure. */
int parse_rule(struct node *node, struct parsed *parsed, struct rule *rule);
/* The keys that say what such a socket may do (ports to messages), and where it is opened. Families
 * and protocols have been read. */
int parse_use(const struct node *node, struct rule *rule);
/* Of these, Bluetooth's own keys. */
int parse_bluetooth(const struct node *node, struct rule *rule);
int parse_bluetooth_address(const struct node *item, struct rule *rule);
int parse_netns(const struct node *node, struct rule *rule);
/* Of a rule with "actions": these and their names. Before parse_netns(). */
int parse_keep(const struct node *node, struct rule *rule);
/* Such a rule as a whole. */
void check_keep_rule(const struct node *node, const struct rule *rule);
/* Of these, what is for CAN. */
int parse_can(const struct node *node, struct rule *rule);
/* The rule as a whole, once its parts were read without an error: can it be kept? */
void check_rule(const struct node *node, const struct rule *rule);

#endif
