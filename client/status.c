/* sockctl status and reload. */
#include "client/management.h"
#include "client/output.h"
#include "client/verbs.h"
#include "proto/macro.h"

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

static void print_string(const char *label, const json_t *reply, const char *name)
{
	printf("%14s: ", label);
	output_safe(stdout, management_string(reply, name), false);
	putchar('\n');
}

static void print_integer(const char *label, const json_t *reply, const char *name)
{
	printf("%14s: %" JSON_INTEGER_FORMAT "\n", label, management_integer(reply, name));
}

static int ask(const struct arguments *arguments, const char *verb, json_t **ret)
{
	_cleanup_(cleanup_json) json_t *request = json_pack("{s:s}", "verb", verb);

	return management_call(arguments->management, request, ret);
}

int verb_status(const struct arguments *arguments)
{
	_cleanup_(cleanup_json) json_t *reply = NULL;

	if (ask(arguments, "status", &reply) < 0)
		return EXIT_REFUSED;
	if (arguments->json != OUTPUT_JSON_OFF)
		return output_json(reply, arguments->json) < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
	print_string("Version", reply, "version");
	print_integer("Rules", reply, "rules");
	print_integer("Policy files", reply, "files");
	print_integer("Connections", reply, "connections");
	print_integer("Grants", reply, "grants");
	print_string("Capabilities", reply, "capabilities");
	print_string("Audit", reply, "audit");
	if (*management_string(reply, "audit_error"))
		print_string("Audit error", reply, "audit_error");
	print_integer("Audit lost", reply, "audit_lost");
	return EXIT_SUCCESS;
}

int verb_reload(const struct arguments *arguments)
{
	_cleanup_(cleanup_json) json_t *reply = NULL;

	if (ask(arguments, "reload", &reply) < 0)
		return EXIT_REFUSED;
	if (arguments->json != OUTPUT_JSON_OFF)
		return output_json(reply, arguments->json) < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
	printf("Policy reloaded: %" JSON_INTEGER_FORMAT " rules in %" JSON_INTEGER_FORMAT
	       " files.\n",
		management_integer(reply, "rules"), management_integer(reply, "files"));
	if (*management_string(reply, "audit_error"))
		output_error("the audit trail is not as it should be: %s",
			management_string(reply, "audit_error"));
	return EXIT_SUCCESS;
}
