/* sockctl list: the grants whose sockets are open. */
#include <string.h>
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

static void add_netns(struct output_table *table, const json_t *object)
{
	json_int_t number = management_integer(object, "netns");

	if (number == 0) /* it could not be told */
		output_table_add(table, "-");
	else
		output_table_add(table, "%" JSON_INTEGER_FORMAT, number);
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
	add_netns(table, grant);
	output_table_add(table, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
		management_integer(grant, "open"), management_integer(grant, "count"));
	output_table_add(table, "%s", time);
	output_table_add(table, "%s", management_string(grant, "rule"));
	output_table_add(table, "%s", management_string(grant, "steps"));
}

static void add_kept(struct output_table *table, const json_t *kept)
{
	char user[256], time[32];
	bool ticket = strcmp(management_string(kept, "kind"), "ticket") == 0;

	output_table_add(table, "%" JSON_INTEGER_FORMAT, management_integer(kept, "number"));
	output_table_add(table, "%s",
		output_user((uint32_t)management_integer(kept, "uid"), user, sizeof user));
	output_table_add(table, "%" JSON_INTEGER_FORMAT, management_integer(kept, "pid"));
	if (!ticket)
		output_table_add(table, "%s%s",
			json_is_true(json_object_get(kept, "common")) ? "common " : "",
			management_string(kept, "name"));
	else if (json_object_get(kept, "taker_id"))
		output_table_add(table, "ticket for %s %" JSON_INTEGER_FORMAT,
			management_string(kept, "taker"), management_integer(kept, "taker_id"));
	else
		output_table_add(table, "ticket for %s", management_string(kept, "taker"));
	output_table_add(table, "%s/%s/%s", management_string(kept, "family"),
		management_string(kept, "type"), management_string(kept, "protocol"));
	add_netns(table, kept);
	format_time(management_integer(kept, "time_usec"), time, sizeof time);
	output_table_add(table, "%s", time);
	if (json_is_null(json_object_get(kept, "expiry_usec")))
		snprintf(time, sizeof time, "-");
	else
		format_time(management_integer(kept, "expiry_usec"), time, sizeof time);
	output_table_add(table, "%s", time);
	output_table_add(table, "%s", management_string(kept, "rule"));
	output_table_add(
		table, "%s", json_is_true(json_object_get(kept, "survives")) ? "yes" : "no");
}

/* What the broker keeps: tickets that are open, and the store. Where there is nothing, nothing is
 * said. */
static int list_kept(const json_t *list)
{
	static const char *const heads[] = {"NUMBER", "USER", "PID", "KEPT", "SOCKET", "NETNS",
		"SINCE", "UNTIL", "RULE", "SURVIVES"};
	size_t i;
	json_t *kept;

	if (json_array_size(list) == 0)
		return EXIT_SUCCESS;
	_cleanup_(cleanup_table) struct output_table *table =
		output_table_new(heads, ARRAY_SIZE(heads));
	if (!table)
		return EXIT_REFUSED;
	json_array_foreach(list, i, kept) add_kept(table, kept);
	putchar('\n');
	output_table_print(table);
	printf("\n%zu sockets kept.\n", json_array_size(list));
	return EXIT_SUCCESS;
}

/* One list, of grants and of what is kept; these have a "kind". */
static int print_json(const json_t *reply, enum output_json mode)
{
	_cleanup_(cleanup_json) json_t *all = json_copy(json_object_get(reply, "grants"));
	json_t *kept = json_object_get(reply, "kept");

	if (!all || (kept && json_array_extend(all, kept) < 0))
		return EXIT_REFUSED;
	return output_json(all, mode) < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
}

int verb_list(const struct arguments *arguments)
{
	static const char *const heads[] = {"ID", "USER", "PID", "UNIT", "LISTENER", "VERB",
		"SOCKET", "NETNS", "OPEN", "SINCE", "RULE", "STEPS"};
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
		return print_json(reply, arguments->json);
	_cleanup_(cleanup_table) struct output_table *table =
		output_table_new(heads, ARRAY_SIZE(heads));
	if (!table)
		return EXIT_REFUSED;
	json_array_foreach(grants, i, grant) add_grant(table, grant);
	output_table_print(table);
	printf("\n%zu grants listed.\n", json_array_size(grants));
	return list_kept(json_object_get(reply, "kept"));
}
