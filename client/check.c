/* sockctl check: would this be allowed, by which rule, and if not why. */
#include <stdlib.h>

#include "client/asker.h"
#include "client/management.h"
#include "client/output.h"
#include "client/plan.h"
#include "client/verbs.h"
#include "proto/macro.h"

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

static json_t *hex(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	_cleanup_free_ char *text = malloc(2 * size + 1);

	if (!text)
		return NULL;
	text[0] = '\0';
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *step_to_json(const struct wire_step *step)
{
	switch (step->kind) {
	case WIRE_STEP_BIND:
		return json_pack("{s:s, s:o, s:o}", "kind", "bind", "address",
			hex(step->address, step->address_size), "data",
			hex(step->data, step->data_size));
	case WIRE_STEP_CONNECT:
		return json_pack("{s:s, s:o, s:o}", "kind", "connect", "address",
			hex(step->address, step->address_size), "data",
			hex(step->data, step->data_size));
	case WIRE_STEP_LISTEN:
		return json_pack("{s:s, s:i}", "kind", "listen", "backlog", step->a);
	case WIRE_STEP_OPTION:
		return json_pack("{s:s, s:i, s:i, s:o}", "kind", "option", "level", step->a, "name",
			step->b, "value", hex(step->data, step->data_size));
	case WIRE_STEP_SEND:
		return json_pack(
			"{s:s, s:o}", "kind", "send", "data", hex(step->data, step->data_size));
	case WIRE_STEP_FILTER:
		break;
	}
	return NULL;
}

static json_t *make_request(
	const struct arguments *arguments, const struct asker *asker, const struct plan *plan)
{
	json_t *groups = json_array(), *steps = json_array();

	for (size_t i = 0; i < asker->n_groups; i++)
		json_array_append_new(groups, json_integer(asker->groups[i]));
	for (size_t i = 0; i < plan->n_steps; i++)
		json_array_append_new(steps, step_to_json(&plan->steps[i]));
	return json_pack(
		"{s:s, s:I, s:I, s:o, s:s, s:s?, s:s?, s:s?, s:b, s:b, s:i, s:i, s:i, s:s?, s:o}",
		"verb", "check", "uid", (json_int_t)asker->uid, "gid", (json_int_t)asker->gid,
		"groups", groups, "listener", arguments->listener ? arguments->listener : "default",
		"unit", arguments->unit, "slice", arguments->slice, "user-unit",
		arguments->user_unit, "foreign", arguments->foreign, "apply", arguments->apply,
		"domain", plan->domain, "type", plan->type, "protocol", plan->protocol, "netns",
		arguments->netns, "steps", steps);
}

/* A socket that is there, and is to be handed on. */
static void add_action(json_t *request, const struct arguments *arguments)
{
	if (!request || !arguments->action)
		return;
	json_object_set_new(request, "action", json_string(arguments->action));
	if (arguments->name)
		json_object_set_new(request, "name", json_string(arguments->name));
	json_object_set_new(request, "common", json_boolean(arguments->common));
}

static void print_allowed(const json_t *reply)
{
	const char *netns = management_string(reply, "netns");

	printf("Allowed by rule ");
	output_safe(stdout, management_string(reply, "rule"), false);
	printf(" (");
	output_safe(stdout, management_string(reply, "file"), false);
	printf(":%" JSON_INTEGER_FORMAT ").\n  network namespace: ",
		management_integer(reply, "line"));
	output_safe(stdout, netns, false);
	if (json_object_get(reply, "owner")) {
		printf("\n  owner: ");
		output_safe(stdout, management_string(reply, "owner"), false);
	}
	putchar('\n');
}

static void print_refused(const json_t *reply)
{
	printf("Refused: ");
	output_safe(stdout, management_string(reply, "reason"), false);
	putchar('\n');
	if (*management_string(reply, "rule") == '\0')
		return;
	printf("  rule: ");
	output_safe(stdout, management_string(reply, "rule"), false);
	printf(" (");
	output_safe(stdout, management_string(reply, "file"), false);
	printf(":%" JSON_INTEGER_FORMAT ")\n", management_integer(reply, "line"));
}

int verb_check(const struct arguments *arguments)
{
	_cleanup_(cleanup_json) json_t *request = NULL, *reply = NULL;
	_cleanup_free_ struct plan *plan = malloc(sizeof *plan);
	struct asker asker;

	if (!plan)
		return EXIT_REFUSED;
	if (asker_find(arguments, &asker) < 0 || plan_make(arguments, plan) < 0)
		return EXIT_USAGE;
	request = make_request(arguments, &asker, plan);
	add_action(request, arguments);
	if (!request) {
		output_error("the question cannot be put into JSON: a name is not UTF-8");
		return EXIT_USAGE;
	}
	if (management_call(arguments->management, request, &reply) < 0)
		return EXIT_REFUSED;
	bool allowed = json_is_true(json_object_get(reply, "allowed"));
	if (arguments->json != OUTPUT_JSON_OFF) {
		if (output_json(reply, arguments->json) < 0)
			return EXIT_REFUSED;
	} else if (allowed)
		print_allowed(reply);
	else
		print_refused(reply);
	return allowed ? EXIT_SUCCESS : EXIT_REFUSED;
}
