/* sockctl share, fromshare, store, fetch, stored, forget. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/hand.h"
#include "client/output.h"
#include "client/verbs.h"
#include "lib/sockd.h"
#include "proto/constants.h"
#include "proto/macro.h"

#define INPUT_MAX 256

static int refused(const char *what)
{
	int error = errno;
	const char *reason = sockd_reason();

	output_error("%s: %s%s%s", what, strerror(error), *reason ? ": " : "", reason);
	return EXIT_REFUSED;
}

static int parse_number(const char *text, long long max, long long *ret)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end || value < 0 || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* Where the caller's descriptor is; one that is not open is an error of usage. */
static int parse_fd(const char *text, int *ret)
{
	long long number = STDIN_FILENO;

	if (text && strcmp(text, "-") != 0 && parse_number(text, INT32_MAX, &number) < 0) {
		output_error("a descriptor is a number, or - for standard input, not \"%s\"", text);
		return -EINVAL;
	}
	if (fcntl((int)number, F_GETFD) < 0) {
		output_error("descriptor %d is not open here", (int)number);
		return -EBADF;
	}
	*ret = (int)number;
	return 0;
}

static int parse_expires(const char *text, int64_t *ret_usec)
{
	char *end;

	*ret_usec = 0;
	if (!text)
		return 0;
	errno = 0;
	double seconds = strtod(text, &end);
	if (errno != 0 || end == text || *end || !(seconds > 0) || !(seconds <= 4e9)) {
		output_error("--expires takes a number of seconds, not \"%s\"", text);
		return -EINVAL;
	}
	/* 0 would be "not said". */
	*ret_usec = MAX_OF((int64_t)(seconds * 1e6), INT64_C(1));
	return 0;
}

/* The only one who may take it; one of --pid, --user, --gid. */
static int parse_taker(const struct arguments *arguments, enum sockd_taker *ret, int64_t *ret_who)
{
	const char *text = arguments->process ? arguments->process
			   : arguments->user  ? arguments->user
					      : arguments->group;
	long long number = 0;

	if (!!arguments->process + !!arguments->user + !!arguments->group > 1) {
		output_error("only one of --pid, --user, --uid and --gid may be given");
		return -EINVAL;
	}
	*ret = arguments->process ? SOCKD_FOR_PROCESS
	       : arguments->user  ? SOCKD_FOR_USER
	       : arguments->group ? SOCKD_FOR_GROUP
				  : SOCKD_FOR_ANYONE;
	const struct passwd *user = arguments->user ? getpwnam(text) : NULL;
	const struct group *group = arguments->group ? getgrnam(text) : NULL;
	if (user)
		number = user->pw_uid;
	else if (group)
		number = group->gr_gid;
	else if (text && parse_number(text, UINT32_MAX - 1, &number) < 0) {
		output_error("there is no process, user or group \"%s\"", text);
		return -EINVAL;
	}
	*ret_who = number;
	return 0;
}

int verb_share(const struct arguments *arguments)
{
	char ticket[SOCKD_TICKET_SIZE];
	enum sockd_taker taker;
	int64_t usec, who;
	int fd;

	if (parse_fd(arguments->words[0], &fd) < 0 ||
		parse_expires(arguments->expires, &usec) < 0 ||
		parse_taker(arguments, &taker, &who) < 0)
		return EXIT_USAGE;
	if (sockd_share(fd, taker, who, usec, ticket, sizeof ticket) < 0)
		return refused("the socket was not shared");
	puts(ticket);
	return EXIT_SUCCESS;
}

int verb_fromshare(const struct arguments *arguments)
{
	const char *ticket = arguments->words[0];
	char input[INPUT_MAX];

	if (strcmp(ticket, "-") == 0) {
		/* Byte by byte: what follows the line is the command's to read. */
		size_t n = 0;
		while (n < sizeof input - 1 && read(STDIN_FILENO, input + n, 1) == 1 &&
			input[n] != '\n')
			n++;
		input[n] = '\0';
		ticket = input;
	}
	int fd = sockd_fromshare(ticket);
	if (fd < 0)
		return refused("no socket for this ticket");
	return hand_sockets_take(arguments, &fd, 1, 0, "shared");
}

int verb_store(const struct arguments *arguments)
{
	unsigned flags =
		(arguments->is_new ? SOCKD_NEW : 0) | (arguments->common ? SOCKD_COMMON : 0);
	int64_t usec;
	int fd;

	if (parse_fd(arguments->words[1], &fd) < 0 || parse_expires(arguments->expires, &usec) < 0)
		return EXIT_USAGE;
	if (sockd_store(fd, arguments->words[0], usec, flags) < 0)
		return refused("the socket was not stored");
	return EXIT_SUCCESS;
}

int verb_fetch(const struct arguments *arguments)
{
	unsigned flags =
		(arguments->take ? SOCKD_TAKE : 0) | (arguments->common ? SOCKD_COMMON : 0);

	int fd = sockd_fetch(arguments->words[0], flags);
	if (fd < 0)
		return refused("no socket of this name");
	return hand_sockets_take(arguments, &fd, 1, 0, "stored");
}

int verb_forget(const struct arguments *arguments)
{
	if (sockd_forget(arguments->words[0], arguments->common ? SOCKD_COMMON : 0) < 0)
		return refused("nothing was forgotten");
	return EXIT_SUCCESS;
}

static json_t *named(const char *name, int number)
{
	return name ? json_string(name) : json_sprintf("%d", number);
}

static json_t *to_json(const struct sockd_stored *stored)
{
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:I, s:o}", "name", stored->name, "common",
		!!(stored->flags & SOCKD_COMMON), "family",
		named(constant_family_name(stored->domain), stored->domain), "type",
		named(constant_type_name(stored->type), stored->type), "protocol",
		named(constant_protocol_name(stored->domain, stored->protocol), stored->protocol),
		"age_usec", (json_int_t)stored->age_usec, "left_usec",
		stored->left_usec < 0 ? json_null() : json_integer(stored->left_usec));
}

static void add_row(struct output_table *table, const json_t *stored)
{
	const json_t *left = json_object_get(stored, "left_usec");

	output_table_add(table, "%s%s",
		json_is_true(json_object_get(stored, "common")) ? "common " : "",
		json_string_value(json_object_get(stored, "name")));
	output_table_add(table, "%s/%s/%s", json_string_value(json_object_get(stored, "family")),
		json_string_value(json_object_get(stored, "type")),
		json_string_value(json_object_get(stored, "protocol")));
	output_table_add(table, "%.0f s",
		(double)json_integer_value(json_object_get(stored, "age_usec")) / 1e6);
	if (json_is_null(left))
		output_table_add(table, "-");
	else
		output_table_add(table, "%.0f s", (double)json_integer_value(left) / 1e6);
}

static int print_stored(const json_t *list)
{
	static const char *const heads[] = {"NAME", "SOCKET", "SINCE", "LEFT"};
	struct output_table *table = output_table_new(heads, ARRAY_SIZE(heads));
	json_t *stored;
	size_t i;

	if (!table)
		return EXIT_REFUSED;
	json_array_foreach(list, i, stored) add_row(table, stored);
	output_table_print(table);
	output_table_free(table);
	printf("\n%zu sockets stored.\n", json_array_size(list));
	return EXIT_SUCCESS;
}

int verb_stored(const struct arguments *arguments)
{
	_cleanup_free_ struct sockd_stored *stored = NULL;
	int n = sockd_stored(&stored), status;

	if (n < 0)
		return refused("the names cannot be listed");
	json_t *list = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(list, to_json(&stored[i]));
	if (arguments->json != OUTPUT_JSON_OFF)
		status = output_json(list, arguments->json) < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
	else
		status = print_stored(list);
	json_decref(list);
	return status;
}
