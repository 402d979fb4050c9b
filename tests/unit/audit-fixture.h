/*
 * A record of the audit trail, lines of it read back, and a trail in a directory of the test's own.
 */
#ifndef SOCKD_TESTS_UNIT_AUDIT_FIXTURE_H
#define SOCKD_TESTS_UNIT_AUDIT_FIXTURE_H

#include <check.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/audit-format.h"
#include "daemon/audit.h"

static inline struct audit_record make_record(void)
{
	return (struct audit_record){
		.event = AUDIT_GRANT,
		.time_usec = UINT64_C(1767225599123456),
		.grant = 77,
		.uid = 1000,
		.gid = 1001,
		.pid = 4242,
		.domain = AF_INET,
		.type = SOCK_STREAM | SOCK_CLOEXEC,
		.protocol = 6,
		.count = 1,
		.verb = "open",
		.listener = "main",
		.unit = "web.service",
		.rule = "web",
		.steps = "bind 127.0.0.1:80",
	};
}

static inline json_t *parse(const char *line, size_t size)
{
	json_error_t error;
	json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(object != NULL, "not JSON: %s: %.*s", error.text, (int)size, line);
	ck_assert(json_is_object(object));
	return object;
}

static const char *string_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	ck_assert_msg(text != NULL, "no %s", key);
	return text;
}

static inline json_int_t integer_of(json_t *object, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(object, key)), "no %s", key);
	return json_integer_value(json_object_get(object, key));
}

static char directory[] = "/tmp/test-audit-XXXXXX";
static char path[64];

static inline void setup(void)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/log", directory);
}

static inline void teardown(void)
{
	(void)unlink(path);
	(void)rmdir(directory);
}

/* Reads the lines of a file; each must be valid and is handed on. */
static inline size_t read_lines(const char *name, void (*each)(json_t *object, size_t i))
{
	FILE *file = fopen(name, "re");
	char line[AUDIT_LINE_MAX + 1];
	size_t n = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		json_t *object = parse(line, strlen(line));

		if (each)
			each(object, n);
		json_decref(object);
		n++;
	}
	(void)fclose(file);
	return n;
}

static inline void check_grant_number(json_t *object, size_t i)
{
	ck_assert_int_eq(integer_of(object, "grant"), (json_int_t)i + 1);
}

static inline void push_grants(struct audit *audit, uint64_t from, uint64_t to)
{
	struct audit_record record = make_record();

	for (record.grant = from; record.grant <= to; record.grant++)
		audit_push(audit, &record);
}

static inline struct audit *open_audit(const char *target)
{
	struct audit *audit = NULL;
	int r = audit_new(target, &audit);

	ck_assert_msg(r == 0, "audit_new: %s", strerror(-r));
	return audit;
}

static json_int_t lost_told;

static inline void add_up_lost(json_t *object, size_t i)
{
	(void)i;
	if (strcmp(string_of(object, "event"), "lost") == 0)
		lost_told += integer_of(object, "count");
}

#endif
