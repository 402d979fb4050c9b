#include "daemon/policy/unit.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "proto/macro.h"

#define UNIT_NAME_MAX 255u /* systemd's */

/* The kinds of unit that have processes. */
static const char *const unit_suffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};

static bool has_suffix(const char *text, const char *suffix)
{
	size_t size = strlen(text), suffix_size = strlen(suffix);

	return size > suffix_size && strcmp(text + size - suffix_size, suffix) == 0;
}

/* What systemd takes in a unit's name; and what stands for several of these. */
static bool is_name(const char *text, const char *wildcards)
{
	size_t size = strlen(text);

	if (size == 0 || size > UNIT_NAME_MAX)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(":-_.\\@", *text) &&
			!strchr(wildcards, *text))
			return false;
	return true;
}

static int add_unit(const struct node *item, void *data)
{
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, "a unit's name");
	bool suffixed = false;

	if (!text)
		return 0;
	if (has_suffix(text, ".slice")) {
		node_error(
			item, "%s is a slice; name it under \"slice\"", report_quote(text, quoted));
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(unit_suffixes); i++)
		suffixed = suffixed || has_suffix(text, unit_suffixes[i]);
	if (!suffixed || !is_name(text, "*?")) {
		node_error(item,
			"%s is no unit's name; give it with its ending, such as \"can.service\" or "
			"\"can@*.service\"",
			report_quote(text, quoted));
		return 0;
	}
	return names_add(data, text);
}

static int add_slice(const struct node *item, void *data)
{
	char quoted[REPORT_QUOTE_MAX];
	const char *text = node_text(item, "a slice's name");

	if (!text)
		return 0;
	if (!has_suffix(text, ".slice") || !is_name(text, "")) {
		node_error(item, "%s is no slice's name; give one such as \"system.slice\"",
			report_quote(text, quoted));
		return 0;
	}
	return names_add(data, text);
}

int unit_parse(const struct node *node, struct rule *rule)
{
	struct node unit = node_key(node, "unit"), slice = node_key(node, "slice"),
		    user_unit = node_key(node, "user-unit");
	int r = 0;

	if (unit.json)
		r = node_each(&unit, add_unit, &rule->units);
	if (r == 0 && slice.json)
		r = node_each(&slice, add_slice, &rule->slices);
	if (r == 0 && user_unit.json)
		r = node_each(&user_unit, add_unit, &rule->user_units);
	if (r == 0 && user_unit.json && rule->deny)
		node_error(&user_unit,
			"a user moves its programs between its own units as it likes, so that "
			"denying one cannot be kept; deny the user");
	return r;
}

bool unit_is_named(const struct rule *rule)
{
	return rule->units.n > 0 || rule->slices.n > 0 || rule->user_units.n > 0;
}

/* A backslash in a unit's name stands for itself. */
static bool name_matches(const struct names *patterns, const char *name)
{
	if (patterns->n == 0)
		return true;
	for (size_t i = 0; name && i < patterns->n; i++)
		if (fnmatch(patterns->items[i], name, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

/* a-b.slice lies in a.slice, and every slice in -.slice: a slice's name is the way to it. */
static bool is_within(const char *slice, const char *outer)
{
	size_t size = strlen(outer) - strlen(".slice");

	if (strcmp(outer, "-.slice") == 0 || strcmp(slice, outer) == 0)
		return true;
	return strncmp(slice, outer, size) == 0 && slice[size] == '-';
}

static bool slice_matches(const struct names *slices, const char *slice)
{
	if (slices->n == 0)
		return true;
	for (size_t i = 0; slice && i < slices->n; i++)
		if (is_within(slice, slices->items[i]))
			return true;
	return false;
}

bool unit_matches(const struct rule *rule, const struct policy_place *place)
{
	return name_matches(&rule->units, place->unit) &&
	       slice_matches(&rule->slices, place->slice) &&
	       name_matches(&rule->user_units, place->user_unit);
}

void unit_describe_mismatch(
	const struct rule *rule, const struct policy_place *place, char *text, size_t size)
{
	const char *kind = "unit", *named = NULL, *is = place->unit;

	if (!name_matches(&rule->units, place->unit)) {
		named = rule->units.items[0];
	} else if (!slice_matches(&rule->slices, place->slice)) {
		kind = "slice";
		named = rule->slices.items[0];
		is = place->slice;
	} else {
		kind = "user unit";
		named = rule->user_units.n > 0 ? rule->user_units.items[0] : "";
		is = place->user_unit;
	}
	snprintf(text, size, "it is for another %s, such as %s, not for %s", kind, named,
		is ? is : "peers outside of any");
}
