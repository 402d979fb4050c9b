#include "daemon/policy/parse.h"

#include <string.h>

#include "proto/macro.h"

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

static void cleanup_rule(struct rule *rule)
{
	rule_done(rule);
}

void parsed_done(struct parsed *parsed)
{
	for (size_t i = 0; i < parsed->n_rules; i++)
		rule_done(&parsed->rules[i]);
	free(parsed->rules);
	json_decref(parsed->names);
	*parsed = (struct parsed){0};
}

static void parse_limits(const struct node *limits, struct policy_limits *ret)
{
	const struct {
		const char *key;
		unsigned *value;
	} all[] = {
		{"connections-per-user", &ret->connections_per_user},
		{"grants-per-user", &ret->grants_per_user},
		{"requests-in-work-per-user", &ret->requests_in_work_per_user},
		{"kept-per-user", &ret->kept_per_user},
	};
	const char *keys[ARRAY_SIZE(all)];

	if (!json_is_object(limits->json)) {
		node_error(limits, "\"limits\" must be an object, such as "
				   "{\"grants-per-user\": 1000}");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct node node = node_key(limits, all[i].key);
		json_int_t value;

		keys[i] = all[i].key;
		if (node.json && node_integer(&node, "a number", 1, 1000000000, &value))
			*all[i].value = (unsigned)value;
	}
	node_check_keys(limits, keys, ARRAY_SIZE(keys));
}

/* Room for one more; the array doubles. */
static int reserve_rule(struct parsed *parsed)
{
	if (parsed->n_rules & (parsed->n_rules - 1))
		return 0;
	struct rule *larger = reallocarray(
		parsed->rules, parsed->n_rules ? parsed->n_rules * 2 : 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	parsed->rules = larger;
	return 0;
}

static int parse_rules(struct node *rules, struct parsed *parsed)
{
	struct source *source = rules->source;
	size_t n = json_array_size(rules->json);

	if (!json_is_array(rules->json)) {
		node_error(rules, "\"rules\" must be a list of rules: [{...}, ...]");
		return 0;
	}
	if (n > POLICY_RULES_MAX || parsed->n_rules + n > POLICY_RULES_MAX) {
		node_error(rules,
			"more than %u rules in all; join rules that differ only in their peers",
			POLICY_RULES_MAX);
		return 0;
	}
	_cleanup_free_ unsigned *lines = reallocarray(NULL, n + 1, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	if (position_lines(source->text, source->size, &rules->path, n, lines) < 0)
		memset(lines, 0, (n + 1) * sizeof(*lines));

	for (size_t i = 0; i < n; i++) {
		_cleanup_(cleanup_rule) struct rule rule = {
			.view = {.file = source->file, .line = lines[i]}};
		struct node node = node_element(rules, i);
		unsigned errors_before = source->report->n_errors;

		source->rule = NULL;
		int r = parse_rule(&node, parsed, &rule);
		if (r == 0 && source->report->n_errors == errors_before)
			check_rule(&node, &rule);
		source->rule = NULL;
		if (r == 0)
			r = reserve_rule(parsed);
		if (r < 0)
			return r;
		if (source->report->n_errors == errors_before) {
			parsed->rules[parsed->n_rules++] = rule;
			rule = (struct rule){0};
		}
	}
	return 0;
}

static void report_syntax(struct report *report, const char *file, const json_error_t *error)
{
	struct position at = {
		error->line > 0 ? (unsigned)error->line : 1,
		error->column > 0 ? (unsigned)error->column : 1,
	};
	const char *words = error->text;
	char printable[sizeof(error->text)];

	if (json_error_code(error) == json_error_null_character)
		words = "a string holds the character NUL (\\u0000); take it out";
	/* The words quote the file. */
	size_t size = strnlen(words, sizeof(printable) - 1);
	for (size_t i = 0; i < size; i++)
		printable[i] = words[i] >= ' ' && words[i] < 0x7f ? words[i] : '?';
	printable[size] = '\0';
	report_error(report, file, &at, NULL, "not valid JSON: %s", printable);
}

int parse_text(const char *file, const char *text, size_t size, struct report *report,
	struct parsed *parsed)
{
	static const char *const keys[] = {"$schema", "description", "limits", "rules"};
	struct source source = {.file = file, .text = text, .size = size, .report = report};
	json_error_t error;

	if (!parsed->names) {
		parsed->names = json_object();
		if (!parsed->names)
			return -ENOMEM;
	}
	_cleanup_(cleanup_json) json_t *json =
		json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return -ENOMEM;
		report_syntax(report, file, &error);
		return 0;
	}

	struct node root = node_root(&source, json);
	if (!json_is_object(json)) {
		node_error(&root, "a policy is an object: {\"rules\": [...]}");
		return 0;
	}
	node_check_keys(&root, keys, ARRAY_SIZE(keys));

	for (size_t i = 0; i < 2; i++) {
		struct node text_node = node_key(&root, keys[i]);
		if (text_node.json)
			(void)node_text(&text_node, "a string");
	}
	struct node limits = node_key(&root, "limits");
	if (limits.json)
		parse_limits(&limits, &parsed->limits);

	struct node rules = node_key(&root, "rules");
	if (!rules.json) {
		node_error(&root, "\"rules\" is missing; an empty list is written \"rules\": []");
		return 0;
	}
	return parse_rules(&rules, parsed);
}
