/* The audit trail's lines and the journal's fields: valid for any bytes. */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/audit-format.h"
#include "daemon/netns.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/audit-fixture.h"

static json_t *format(const struct audit_record *record)
{
	char line[AUDIT_LINE_MAX];
	size_t size = audit_format_json(record, line);

	ck_assert_uint_le(size, sizeof(line));
	ck_assert_int_eq(line[size - 1], '\n');
	ck_assert_ptr_null(memchr(line, '\n', size - 1));
	return parse(line, size);
}

START_TEST(a_grant_has_all_its_fields)
{
	struct audit_record record = make_record();
	json_t *object = format(&record);

	ck_assert_str_eq(string_of(object, "time"), "2025-12-31T23:59:59.123456Z");
	ck_assert_int_eq(integer_of(object, "time_usec"), INT64_C(1767225599123456));
	ck_assert_str_eq(string_of(object, "event"), "grant");
	ck_assert_int_eq(integer_of(object, "uid"), 1000);
	ck_assert_int_eq(integer_of(object, "gid"), 1001);
	ck_assert_int_eq(integer_of(object, "pid"), 4242);
	ck_assert_str_eq(string_of(object, "verb"), "open");
	ck_assert_str_eq(string_of(object, "listener"), "main");
	ck_assert_str_eq(string_of(object, "unit"), "web.service");
	ck_assert_str_eq(string_of(object, "family"), "inet");
	ck_assert_str_eq(string_of(object, "type"), "stream");
	ck_assert_str_eq(string_of(object, "protocol"), "tcp");
	ck_assert_str_eq(string_of(object, "steps"), "bind 127.0.0.1:80");
	ck_assert_str_eq(string_of(object, "rule"), "web");
	ck_assert_int_eq(integer_of(object, "grant"), 77);
	ck_assert_int_eq(integer_of(object, "count"), 1);
	ck_assert_ptr_null(json_object_get(object, "errno"));
	ck_assert_ptr_null(json_object_get(object, "reason"));
	json_decref(object);
}
END_TEST

START_TEST(a_refusal_has_its_error_and_reason)
{
	struct audit_record record = make_record();
	json_t *object;

	record.event = AUDIT_REFUSAL;
	record.grant = 0;
	record.error = EACCES;
	record.domain = 199;
	record.protocol = -5;
	record.text = "no rule";
	object = format(&record);
	ck_assert_str_eq(string_of(object, "event"), "refusal");
	ck_assert_int_eq(integer_of(object, "errno"), EACCES);
	ck_assert_str_eq(string_of(object, "error"), "EACCES");
	ck_assert_str_eq(string_of(object, "reason"), "no rule");
	ck_assert_str_eq(string_of(object, "family"), "199");
	ck_assert_str_eq(string_of(object, "protocol"), "-5");
	ck_assert_ptr_null(json_object_get(object, "grant"));
	json_decref(object);
}
END_TEST

START_TEST(a_question_is_no_grant_and_no_refusal)
{
	struct audit_record record = make_record();
	struct audit_fields fields;

	record.event = AUDIT_QUESTION;
	record.grant = 0;
	json_t *object = format(&record);
	ck_assert_str_eq(string_of(object, "event"), "question");
	ck_assert_str_eq(string_of(object, "rule"), "web");
	ck_assert_ptr_null(json_object_get(object, "grant"));
	json_decref(object);
	audit_format_journal(&record, &fields);
	ck_assert_ptr_nonnull(strstr(fields.text, "MESSAGE=Only asked, and allowed, by uid"));
	record.error = EACCES;
	audit_format_journal(&record, &fields);
	ck_assert_ptr_nonnull(strstr(fields.text, "MESSAGE=Only asked, and not allowed, by uid"));
}
END_TEST

static bool has_field(const struct audit_fields *fields, const char *field)
{
	for (size_t i = 0; i < fields->n; i++)
		if (fields->fields[i].iov_len == strlen(field) &&
			memcmp(fields->fields[i].iov_base, field, strlen(field)) == 0)
			return true;
	return false;
}

START_TEST(another_network_namespace_is_named)
{
	struct audit_record record = make_record();
	struct audit_fields fields;
	json_t *object = format(&record);

	ck_assert_ptr_null(json_object_get(object, "netns"));
	json_decref(object);
	audit_format_journal(&record, &fields);
	ck_assert_ptr_null(strstr(fields.text, "SOCKD_NETNS"));

	record.netns = 4026532321;
	object = format(&record);
	ck_assert_int_eq(integer_of(object, "netns"), INT64_C(4026532321));
	json_decref(object);
	audit_format_journal(&record, &fields);
	ck_assert(has_field(&fields, "SOCKD_NETNS=4026532321"));
	ck_assert_ptr_nonnull(strstr(fields.text, "tcp, network namespace 4026532321, bind"));

	record.netns = NETNS_UNKNOWN;
	object = format(&record);
	ck_assert(json_is_null(json_object_get(object, "netns")));
	json_decref(object);
	audit_format_journal(&record, &fields);
	ck_assert(has_field(&fields, "SOCKD_NETNS=unknown"));
}
END_TEST

START_TEST(what_was_not_recorded_one_by_one_names_its_user)
{
	struct audit_record record = {
		.event = AUDIT_UNRECORDED, .uid = 1000, .count = 2000, .text = "too many"};
	struct audit_fields fields;
	json_t *object = format(&record);

	ck_assert_str_eq(string_of(object, "event"), "unrecorded");
	ck_assert_int_eq(integer_of(object, "uid"), 1000);
	ck_assert_int_eq(integer_of(object, "count"), 2000);
	ck_assert_str_eq(string_of(object, "reason"), "too many");
	ck_assert_ptr_null(json_object_get(object, "gid"));
	ck_assert_ptr_null(json_object_get(object, "pid"));
	ck_assert_ptr_null(json_object_get(object, "family"));
	json_decref(object);
	audit_format_journal(&record, &fields);
	ck_assert(has_field(&fields, "MESSAGE=Left out 2000 records of uid 1000: too many"));
	ck_assert(has_field(&fields, "PRIORITY=4"));
	ck_assert(has_field(&fields, "SOCKD_EVENT=unrecorded"));
	ck_assert(has_field(&fields, "SOCKD_UID=1000"));
	ck_assert(has_field(&fields, "SOCKD_COUNT=2000"));
	ck_assert(!has_field(&fields, "SOCKD_PID=0"));
}
END_TEST

START_TEST(a_reload_names_no_peer)
{
	struct audit_record record = {.event = AUDIT_RELOAD, .error = 4095, .text = "line 3"};
	json_t *object = format(&record);

	ck_assert_str_eq(string_of(object, "time"), "1970-01-01T00:00:00.000000Z");
	ck_assert_str_eq(string_of(object, "event"), "reload");
	ck_assert_str_eq(string_of(object, "error"), "4095");
	ck_assert_ptr_null(json_object_get(object, "uid"));
	ck_assert_ptr_null(json_object_get(object, "family"));
	json_decref(object);
}
END_TEST

static const struct {
	const char *raw, *seen;
} texts[] = {
	{"a \"quoted\" back\\slash", "a \"quoted\" back\\slash"},
	{"\x01\n\t\x7f", "\x01\n\t\x7f"},
	{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7"},
	{"\xff\x80", "\\xff\\x80"},
	{"\xc0\xaf", "\\xc0\\xaf"},		      /* overlong */
	{"\xe0\x80\x80", "\\xe0\\x80\\x80"},	      /* overlong */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* a surrogate */
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
	{"cut \xe2\x82", "cut \\xe2\\x82"},
	{"\xc2\x9b", "\xc2\x9b"},
};

START_TEST(texts_are_escaped)
{
	struct audit_record record = make_record();
	json_t *object;

	record.text = texts[_i].raw;
	object = format(&record);
	ck_assert_str_eq(string_of(object, "reason"), texts[_i].seen);
	json_decref(object);
}
END_TEST

START_TEST(no_control_character_gets_through)
{
	struct audit_record record = make_record();
	struct audit_fields fields;
	char line[AUDIT_LINE_MAX], all[AUDIT_TEXT_MAX];
	size_t size;

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(i % 255 + 1);
	record.text = all;
	record.steps = "\xc2\x9b[31m";
	size = audit_format_json(&record, line);
	for (size_t i = 0; i + 1 < size; i++)
		ck_assert((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	ck_assert_ptr_null(memmem(line, size, "\xc2\x9b", 2));

	audit_format_journal(&record, &fields);
	for (size_t i = 0; i < fields.n; i++) {
		const unsigned char *text = fields.fields[i].iov_base;

		for (size_t j = 0; j < fields.fields[i].iov_len; j++)
			ck_assert(text[j] >= 0x20 && text[j] < 0x7f);
	}
}
END_TEST

/* Texts as long as they may be, without a NUL behind them. */
struct longest {
	char verb[AUDIT_VERB_MAX];
	char listener[AUDIT_LISTENER_MAX];
	char unit[AUDIT_UNIT_MAX];
	char rule[AUDIT_RULE_MAX];
	char steps[AUDIT_STEPS_MAX];
	char text[AUDIT_TEXT_MAX];
};

static void set_texts(struct audit_record *record, const struct longest *longest)
{
	record->verb = longest->verb;
	record->listener = longest->listener;
	record->unit = longest->unit;
	record->rule = longest->rule;
	record->steps = longest->steps;
	record->text = longest->text;
}

static void fill_randomly(void *memory, size_t size, unsigned i)
{
	unsigned char *bytes = memory;

	for (size_t j = 0; j < size; j++)
		bytes[j] = (unsigned char)(i % 2 ? (unsigned)random()
						 : ((unsigned)random() & 0x1f) | 0x80 | i);
}

START_TEST(random_bytes_give_valid_lines)
{
	struct audit_fields fields;

	srandom(1);
	for (unsigned i = 0; i < 5000; i++) {
		struct audit_record record;
		/* Of its own, so that a sanitizer sees who reads behind a text. */
		struct longest *random_texts = malloc(sizeof(*random_texts));

		ck_assert_ptr_nonnull(random_texts);
		fill_randomly(&record, sizeof(record), i);
		fill_randomly(random_texts, sizeof(*random_texts), i);
		set_texts(&record, random_texts);
		record.event = (enum audit_event)(i % (AUDIT_LOST + 1));
		record.time_usec >>= 1; /* JSON's integers are signed here */
		record.grant >>= 1;
		record.netns >>= 1;
		json_decref(format(&record));

		audit_format_journal(&record, &fields);
		ck_assert_uint_le(fields.n, AUDIT_FIELDS_MAX);
		for (size_t j = 0; j < fields.n; j++) {
			char *start = fields.fields[j].iov_base;

			ck_assert(start >= fields.text);
			ck_assert(start + fields.fields[j].iov_len <=
				  fields.text + sizeof(fields.text));
		}
		free(random_texts);
	}
}
END_TEST

START_TEST(the_longest_record_fits)
{
	struct audit_record record = make_record();
	struct audit_fields fields;
	struct longest longest;

	memset(&longest, 1, sizeof(longest));
	set_texts(&record, &longest);
	record.time_usec = record.grant = INT64_MAX;
	record.uid = record.gid = record.count = UINT32_MAX;
	record.pid = record.domain = record.type = record.protocol = INT32_MIN;
	record.error = INT32_MIN;
	json_decref(format(&record));
	audit_format_journal(&record, &fields);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit-format");
	TCase *formats = tcase_create("format");

	tcase_add_test(formats, a_grant_has_all_its_fields);
	tcase_add_test(formats, a_refusal_has_its_error_and_reason);
	tcase_add_test(formats, a_question_is_no_grant_and_no_refusal);
	tcase_add_test(formats, another_network_namespace_is_named);
	tcase_add_test(formats, what_was_not_recorded_one_by_one_names_its_user);
	tcase_add_test(formats, a_reload_names_no_peer);
	tcase_add_loop_test(formats, texts_are_escaped, 0, ARRAY_SIZE(texts));
	tcase_add_test(formats, no_control_character_gets_through);
	tcase_add_test(formats, random_bytes_give_valid_lines);
	tcase_add_test(formats, the_longest_record_fits);
	tcase_set_timeout(formats, 60);
	suite_add_tcase(suite, formats);
	return suite_run(suite);
}
