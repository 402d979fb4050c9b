/* sockctl list: the grants whose sockets are open. */
#include <time.h>

#include "client/management.h"
#include "client/output.h"
#include "client/verbs.h"
#include "proto/macro.h"

static void cleanup_json(json_t **value)
{
	json_decref(*value);
}

static void cleanup_table(struct output_table **table)
{
	output_table_free(*table);
}

static void format_time(json_int_t usec, char *buffer, size_t size)
{
	time_t seconds = (time_t)(usec / 1000000);
	struct tm broken;

	if (!localtime_r(&seconds, &broken) ||
		strftime(buffer, size, "%Y-%m-%d %H:%M:%S", &broken) == 0)
		snprintf(buffer, size, "-");
}

static void add_grant(struct output_table *table, const json_t *grant)
{
	char user[256], time[32];
	const char *unit = management_string(grant, "unit");

	format_time(management_integer(grant, "time_usec"), time, sizeof time);
	output_table_add(table, "%" JSON_INTEGER_FORMAT, management_integer(grant, "id"));
	output_table_add(table, "%s",
		output_user((uint32_t)management_integer(grant, "uid"), user, sizeof user));
	output_table_add(table, "%" JSON_INTEGER_FORMAT, management_integer(grant, "pid"));
	output_table_add(table, "%s", unit && *unit ? unit : "-");
	output_table_add(table, "%s", management_string(grant, "listener"));
	output_table_add(table, "%s", management_string(grant, "verb"));
	output_table_add(table, "%s/%s/%s", management_string(grant, "family"),
		management_string(grant, "type"), management_string(grant, "protocol"));
	output_table_add(table, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
		management_integer(grant, "open"), management_integer(grant, "count"));
	output_table_add(table, "%s", time);
	output_table_add(table, "%s", management_string(grant, "rule"));
	output_table_add(table, "%s", management_string(grant, "steps"));
}

int verb_list(const struct arguments *arguments)
{
	static const char *const heads[] = {"ID", "USER", "PID", "UNIT", "LISTENER", "VERB",
		"SOCKET", "OPEN", "SINCE", "RULE", "STEPS"};
	_cleanup_(cleanup_json) json_t *request = json_pack("{s:s}", "verb", "list");
	_cleanup_(cleanup_json) json_t *reply = NULL;
	size_t i;
	json_t *grant;

	if (management_call(arguments->management, request, &reply) < 0)
		return EXIT_REFUSED;
	json_t *grants = json_object_get(reply, "grants");
	if (!json_is_array(grants)) {
		output_error("the answer holds no list of grants");
		return EXIT_REFUSED;
	}
	if (arguments->json != OUTPUT_JSON_OFF)
		return output_json(grants, arguments->json) < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
	_cleanup_(cleanup_table) struct output_table *table =
		output_table_new(heads, ARRAY_SIZE(heads));
	if (!table)
		return EXIT_REFUSED;
	json_array_foreach(grants, i, grant) add_grant(table, grant);
	output_table_print(table);
	printf("\n%zu grants listed.\n", json_array_size(grants));
	return EXIT_SUCCESS;
}
