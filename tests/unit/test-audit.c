/* The audit trail: valid lines for any bytes, batches in order, losses told, files reopened, the
 * journal's fields. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/audit-format.h"
#include "daemon/audit.h"
#include "daemon/policy/describe.h"
#include "proto/macro.h"

static char directory[] = "/tmp/test-audit-XXXXXX";
static char path[64];

static struct audit_record make_record(void)
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

static json_t *parse(const char *line, size_t size)
{
	json_error_t error;
	json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(object != NULL, "not JSON: %s: %.*s", error.text, (int)size, line);
	ck_assert(json_is_object(object));
	return object;
}

static json_t *format(const struct audit_record *record)
{
	char line[AUDIT_LINE_MAX];
	size_t size = audit_format_json(record, line);

	ck_assert_uint_le(size, sizeof(line));
	ck_assert_int_eq(line[size - 1], '\n');
	ck_assert_ptr_null(memchr(line, '\n', size - 1));
	return parse(line, size);
}

static const char *string_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	ck_assert_msg(text != NULL, "no %s", key);
	return text;
}

static json_int_t integer_of(json_t *object, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(object, key)), "no %s", key);
	return json_integer_value(json_object_get(object, key));
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
		bytes[j] = (unsigned char)(i % 2 ? random() : (random() & 0x1f) | 0x80 | i);
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

static const int one = 1, five = 5, six = 6, mark = 66;

#define OPTION(level, option, value) \
	{ \
		.kind = WIRE_STEP_OPTION, .a = (level), .b = (option), .data = &(value), \
		.data_size = sizeof(value) \
	}
#define BIND(address_) \
	{ \
		.kind = WIRE_STEP_BIND, .address = &(address_), .address_size = sizeof(address_) \
	}
#define HARMLESS OPTION(SOL_SOCKET, SO_KEEPALIVE, one)

static void expect_steps(int domain, int protocol, const struct wire_step *steps, size_t n_steps,
	const char *expected)
{
	char text[AUDIT_STEPS_MAX + 1];

	describe_steps(domain, protocol, steps, n_steps, text, sizeof(text));
	ck_assert_str_eq(text, expected);
}

START_TEST(what_fits_is_told_in_order)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	const struct wire_step steps[] = {
		HARMLESS, HARMLESS, OPTION(SOL_SOCKET, SO_MARK, mark), BIND(address)};

	expect_steps(AF_INET, 0, steps, ARRAY_SIZE(steps),
		"SO_KEEPALIVE=1 SO_KEEPALIVE=1 SO_MARK=66 bind *:81");
	expect_steps(AF_INET, 0, steps, 0, "");
}
END_TEST

START_TEST(what_matters_is_not_hidden_behind_harmless_options)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	struct wire_step steps[WIRE_STEPS_MAX] = {
		OPTION(SOL_SOCKET, SO_REUSEADDR, one),
		HARMLESS,
		OPTION(SOL_SOCKET, SO_BROADCAST, one),
		HARMLESS,
		OPTION(IPPROTO_TCP, TCP_NODELAY, one),
		HARMLESS,
		OPTION(IPPROTO_IP, IP_TOS, one),
		OPTION(SOL_SOCKET, SO_MARK, mark),
		BIND(address),
	};

	expect_steps(AF_INET, 0, steps, 9,
		"bind *:81 SO_MARK=66 SO_REUSEADDR=1 SO_KEEPALIVE=1 x3 SO_BROADCAST=1 "
		"TCP_NODELAY=1 +1 more");
	for (unsigned i = 9; i < WIRE_STEPS_MAX; i++)
		steps[i] = (struct wire_step)HARMLESS;
	expect_steps(AF_INET, 0, steps, WIRE_STEPS_MAX,
		"bind *:81 SO_MARK=66 SO_REUSEADDR=1 SO_KEEPALIVE=1 x26 SO_BROADCAST=1 "
		"TCP_NODELAY=1 +1 more");
}
END_TEST

/* Nor behind what it takes the place of. */
START_TEST(the_value_that_stands_comes_first)
{
	static int marks[WIRE_STEPS_MAX];
	struct wire_step steps[WIRE_STEPS_MAX];

	for (unsigned i = 0; i < WIRE_STEPS_MAX; i++) {
		marks[i] = i % 2 ? 5 : 1000 + (int)i;
		steps[i] = (struct wire_step)OPTION(SOL_SOCKET, SO_MARK, marks[i]);
	}
	marks[WIRE_STEPS_MAX - 1] = 66;
	expect_steps(AF_INET, 0, steps, WIRE_STEPS_MAX,
		"SO_MARK=66 SO_MARK=1000 SO_MARK=5 x15 SO_MARK=1002 SO_MARK=1004 SO_MARK=1006 +12 "
		"more");
	for (unsigned i = 0; i < WIRE_STEPS_MAX; i++)
		steps[i] = (struct wire_step)OPTION(SOL_SOCKET, SO_MARK, mark);
	expect_steps(AF_INET, 0, steps, WIRE_STEPS_MAX, "SO_MARK=66 x32");
}
END_TEST

/* But what was done with a value is done. */
START_TEST(a_value_that_something_was_done_with_comes_first)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	const struct wire_step steps[] = {
		OPTION(SOL_SOCKET, SO_REUSEADDR, one),
		OPTION(SOL_SOCKET, SO_BROADCAST, one),
		OPTION(SOL_SOCKET, SO_MARK, mark),
		{.kind = WIRE_STEP_CONNECT, .address = &address, .address_size = sizeof(address)},
		OPTION(IPPROTO_TCP, TCP_NODELAY, one),
		OPTION(SOL_SOCKET, SO_MARK, six),
		OPTION(SOL_SOCKET, SO_MARK, mark),
		HARMLESS,
		OPTION(SOL_SOCKET, SO_MARK, five),
	};

	expect_steps(AF_INET, 0, steps, ARRAY_SIZE(steps),
		"SO_MARK=66 SO_MARK=5 connect *:81 SO_REUSEADDR=1 SO_BROADCAST=1 TCP_NODELAY=1 +3 "
		"more");
}
END_TEST

/* Of groups each one stands. */
START_TEST(groups_are_all_told)
{
	const struct wire_step steps[] = {
		HARMLESS,
		OPTION(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, five),
		HARMLESS,
		OPTION(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, six),
		HARMLESS,
		HARMLESS,
	};

	expect_steps(AF_NETLINK, NETLINK_ROUTE, steps, ARRAY_SIZE(steps),
		"NETLINK_ADD_MEMBERSHIP=5 NETLINK_ADD_MEMBERSHIP=6 SO_KEEPALIVE=1 x4");
}
END_TEST

START_TEST(a_step_that_is_too_long_is_cut_off)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct wire_step steps[] = {BIND(address), OPTION(SOL_SOCKET, SO_MARK, mark)};
	char text[AUDIT_STEPS_MAX + 1];

	memset(address.sun_path, 'x', sizeof(address.sun_path) - 1);
	address.sun_path[0] = '/';
	for (size_t size = 1; size <= sizeof(text); size++) {
		describe_steps(AF_UNIX, 0, steps, ARRAY_SIZE(steps), text, size);
		ck_assert_uint_lt(strlen(text), size);
	}
	ck_assert_uint_le(strlen(text), AUDIT_STEPS_MAX);
	ck_assert_ptr_nonnull(strstr(text, "bind /xxx"));
	ck_assert_ptr_nonnull(strstr(text, "xxx... +1 more"));
}
END_TEST

static struct nlmsghdr messages[8192];

static struct wire_step send_of(size_t n)
{
	for (size_t i = 0; i < n; i++)
		messages[i].nlmsg_len = sizeof(messages[i]);
	return (struct wire_step){
		.kind = WIRE_STEP_SEND, .data = messages, .data_size = n * sizeof(messages[0])};
}

START_TEST(a_message_is_not_hidden_behind_free_ones)
{
	struct wire_step step;

	for (unsigned i = 0; i < 12; i++)
		messages[i].nlmsg_type = RTM_GETLINK;
	messages[12].nlmsg_type = RTM_DELLINK;
	step = send_of(13);
	expect_steps(AF_NETLINK, NETLINK_ROUTE, &step, 1, "send RTM_GETLINK x12 RTM_DELLINK");

	/* Each another than the one before it. */
	for (unsigned i = 0; i < ARRAY_SIZE(messages); i++)
		messages[i].nlmsg_type = (uint16_t)(i % 2 ? RTM_GETLINK : RTM_GETADDR + i % 3 * 4);
	messages[8000].nlmsg_type = RTM_DELLINK;
	messages[8004].nlmsg_type = RTM_NEWADDR;
	step = send_of(ARRAY_SIZE(messages));
	expect_steps(AF_NETLINK, NETLINK_ROUTE, &step, 1,
		"send RTM_DELLINK RTM_NEWADDR send RTM_GETADDR x1365 RTM_GETLINK x4096 "
		"+2729 more");

	/* Many kinds, and one that is cut short. */
	for (unsigned i = 0; i < ARRAY_SIZE(messages); i++)
		messages[i].nlmsg_type = (uint16_t)(0x4000 + i);
	step = send_of(ARRAY_SIZE(messages));
	messages[5000].nlmsg_len = UINT32_MAX;
	expect_steps(AF_NETLINK, NETLINK_ROUTE, &step, 1,
		"send message 16384 message 16385 message 16387 message 16388 message 16389 +4996 "
		"more");
}
END_TEST

/* Answers of socket diagnosis tell a broker more than everybody. */
START_TEST(a_message_of_several_sends_is_told_before_other_steps)
{
	struct wire_step steps[] = {HARMLESS, OPTION(SOL_SOCKET, SO_RCVBUF, one),
		OPTION(SOL_SOCKET, SO_SNDBUF, one), OPTION(SOL_NETLINK, NETLINK_EXT_ACK, one),
		OPTION(SOL_NETLINK, NETLINK_CAP_ACK, one), send_of(1), send_of(1)};

	messages[0].nlmsg_type = SOCK_DIAG_BY_FAMILY;
	expect_steps(AF_NETLINK, NETLINK_SOCK_DIAG, steps, ARRAY_SIZE(steps),
		"send SOCK_DIAG_BY_FAMILY x2 SO_KEEPALIVE=1 SO_RCVBUF=1 SO_SNDBUF=1 "
		"NETLINK_EXT_ACK=1 +1 more");
}
END_TEST

static void setup(void)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/log", directory);
}

static void teardown(void)
{
	(void)unlink(path);
	(void)rmdir(directory);
}

/* Reads the lines of a file; each must be valid and is handed on. */
static size_t read_lines(const char *name, void (*each)(json_t *object, size_t i))
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

static void check_grant_number(json_t *object, size_t i)
{
	ck_assert_int_eq(integer_of(object, "grant"), (json_int_t)i + 1);
}

static void push_grants(struct audit *audit, uint64_t from, uint64_t to)
{
	struct audit_record record = make_record();

	for (record.grant = from; record.grant <= to; record.grant++)
		audit_push(audit, &record);
}

static struct audit *open_audit(const char *target)
{
	struct audit *audit = NULL;
	int r = audit_new(target, &audit);

	ck_assert_msg(r == 0, "audit_new: %s", strerror(-r));
	return audit;
}

/* The lines that the file has more than when it was last read to its end. */
static uint64_t new_lines(int fd)
{
	char bytes[65536];
	uint64_t lines = 0;

	for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0;)
		for (ssize_t i = 0; i < n; i++)
			lines += bytes[i] == '\n';
	return lines;
}

START_TEST(records_reach_the_file_in_order)
{
	struct audit *audit = open_audit(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t written = 0;
	struct stat st;

	ck_assert_int_ge(fd, 0);

	ck_assert_str_eq(audit_target(audit), path);
	push_grants(audit, 1, 10);
	ck_assert_int_eq(audit_start(audit), 0);
	for (uint64_t i = 11; i < 20000; i += 500) {
		push_grants(audit, i, i + 499);
		/* No more wait than there is room for, however slow the machine. */
		do {
			(void)usleep(2000);
			written += new_lines(fd);
		} while (i + 999 - written > AUDIT_QUEUE_MAX);
	}
	(void)close(fd);
	ck_assert_uint_eq(audit_lost(audit), 0);
	audit = audit_free(audit);
	ck_assert_ptr_null(audit);
	ck_assert_uint_eq(read_lines(path, check_grant_number), 20010);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0137, 0);
}
END_TEST

START_TEST(records_are_written_without_being_asked)
{
	struct audit *audit = open_audit(path);
	struct stat st;

	ck_assert_int_eq(audit_start(audit), 0);
	push_grants(audit, 1, 1);
	for (unsigned i = 0; i < 200 && stat(path, &st) == 0 && st.st_size == 0; i++)
		(void)usleep(10000);
	ck_assert_uint_eq(read_lines(path, check_grant_number), 1);
	push_grants(audit, 2, 2);
	for (unsigned i = 0; i < 200 && read_lines(path, NULL) < 2; i++)
		(void)usleep(10000);
	ck_assert_uint_eq(read_lines(path, check_grant_number), 2);
	(void)audit_free(audit);
}
END_TEST

static size_t length_of(json_t *object, const char *key)
{
	return strlen(string_of(object, key));
}

static void check_cut_off(json_t *object, size_t i _unused_)
{
	ck_assert_uint_eq(length_of(object, "verb"), AUDIT_VERB_MAX);
	ck_assert_uint_eq(length_of(object, "listener"), AUDIT_LISTENER_MAX);
	ck_assert_uint_eq(length_of(object, "unit"), AUDIT_UNIT_MAX);
	ck_assert_uint_eq(length_of(object, "rule"), AUDIT_RULE_MAX);
	ck_assert_uint_eq(length_of(object, "steps"), AUDIT_STEPS_MAX);
	ck_assert_uint_eq(length_of(object, "reason"), AUDIT_TEXT_MAX);
}

START_TEST(a_full_queue_of_texts_that_are_too_long_is_cut_off)
{
	struct audit_record record = make_record();
	struct audit *audit = open_audit(path);
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	record.verb = record.listener = record.unit = text;
	record.rule = record.steps = record.text = text;
	for (unsigned i = 0; i < AUDIT_QUEUE_MAX; i++)
		audit_push(audit, &record);
	(void)audit_free(audit);
	ck_assert_uint_eq(read_lines(path, check_cut_off), AUDIT_QUEUE_MAX);
}
END_TEST

START_TEST(without_a_thread_the_end_writes_all)
{
	struct audit *audit = open_audit(path);

	push_grants(audit, 1, 100);
	(void)audit_free(audit);
	ck_assert_uint_eq(read_lines(path, check_grant_number), 100);
}
END_TEST

static json_int_t lost_told;

static void add_up_lost(json_t *object, size_t i)
{
	(void)i;
	if (strcmp(string_of(object, "event"), "lost") == 0)
		lost_told += integer_of(object, "count");
}

START_TEST(an_overflow_is_told)
{
	struct audit *audit = open_audit(path);

	push_grants(audit, 1, AUDIT_QUEUE_MAX + 123);
	ck_assert_uint_eq(audit_lost(audit), 123);
	(void)audit_free(audit);
	lost_told = 0;
	ck_assert_uint_eq(read_lines(path, add_up_lost), AUDIT_QUEUE_MAX + 1);
	ck_assert_int_eq(lost_told, 123);
}
END_TEST

static unsigned n_of_anybody, n_of_others;

static void count_kinds(json_t *object, size_t i)
{
	const char *event = string_of(object, "event");

	(void)i;
	if (strcmp(event, "refusal") == 0 || strcmp(event, "question") == 0 ||
		strcmp(event, "peer") == 0)
		n_of_anybody++;
	else if (strcmp(event, "lost") == 0)
		lost_told += integer_of(object, "count");
	else
		n_of_others++;
}

/* What anybody can cause leaves room for what only the policy and administrators can. */
START_TEST(a_flood_of_refusals_hides_no_grant)
{
	static const enum audit_event floods[] = {AUDIT_REFUSAL, AUDIT_QUESTION, AUDIT_PEER};
	static const enum audit_event others[] = {
		AUDIT_GRANT, AUDIT_RELEASE, AUDIT_RELOAD, AUDIT_STOP};
	struct audit_record record = make_record();
	struct audit *audit = open_audit(path);

	for (unsigned i = 0; i < AUDIT_QUEUE_MAX * 3; i++) {
		record.event = floods[i % ARRAY_SIZE(floods)];
		audit_push(audit, &record);
	}
	ck_assert_uint_eq(audit_lost(audit), AUDIT_QUEUE_MAX * 5 / 2);
	for (unsigned i = 0; i < AUDIT_QUEUE_MAX / 2; i++) {
		record.event = others[i % ARRAY_SIZE(others)];
		audit_push(audit, &record);
	}
	ck_assert_uint_eq(audit_lost(audit), AUDIT_QUEUE_MAX * 5 / 2);
	(void)audit_free(audit);
	lost_told = 0;
	(void)read_lines(path, count_kinds);
	ck_assert_uint_eq(n_of_anybody, AUDIT_QUEUE_MAX / 2);
	ck_assert_uint_eq(n_of_others, AUDIT_QUEUE_MAX / 2);
	ck_assert_int_eq(lost_told, AUDIT_QUEUE_MAX * 5 / 2);
}
END_TEST

/* What waited does not count any more once it is written. */
START_TEST(after_a_flood_refusals_have_room_again)
{
	struct audit_record record = make_record();
	struct audit *audit = open_audit(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t written = 0;

	ck_assert_int_ge(fd, 0);
	record.event = AUDIT_REFUSAL;
	for (unsigned i = 0; i < AUDIT_QUEUE_MAX / 2; i++)
		audit_push(audit, &record);
	ck_assert_int_eq(audit_start(audit), 0);
	for (unsigned i = 0; i < 500 && written < AUDIT_QUEUE_MAX / 2; i++) {
		(void)usleep(10000);
		written += new_lines(fd);
	}
	for (unsigned i = 0; i < AUDIT_QUEUE_MAX / 2; i++)
		audit_push(audit, &record);
	ck_assert_uint_eq(audit_lost(audit), 0);
	(void)audit_free(audit);
	(void)close(fd);
	ck_assert_uint_eq(read_lines(path, NULL), AUDIT_QUEUE_MAX);
}
END_TEST

/* Fills the file up to a limit, so that its last line is cut off. */
static void tear(struct audit *audit)
{
	struct rlimit before, limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){.rlim_cur = 10000, .rlim_max = before.rlim_max};
	ck_assert_int_eq(audit_start(audit), 0); /* its thread has SIGXFSZ blocked */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	push_grants(audit, 1, 100);
	for (unsigned i = 0; i < 300 && audit_lost(audit) == 0; i++)
		(void)usleep(10000);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_uint_gt(audit_lost(audit), 0);
	ck_assert_uint_lt(audit_lost(audit), 100);
	ck_assert_int_eq(audit_error(audit), -EFBIG);
}

/* A disk that is full: what was written is whole, what was not is counted, and told when there is
 * room again. */
START_TEST(a_failed_write_is_told_and_leaves_whole_lines)
{
	struct audit *audit = open_audit(path);
	size_t n;

	tear(audit);
	push_grants(audit, 101, 101);
	n = 101 - audit_lost(audit);
	(void)audit_free(audit);

	/* All whole lines but the one that the limit cut off. */
	FILE *file = fopen(path, "re");
	char line[AUDIT_LINE_MAX + 1];
	size_t whole = 0, cut = 0;

	lost_told = 0;
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		json_t *object = json_loadb(line, strlen(line), 0, NULL);

		if (object) {
			add_up_lost(object, 0);
			whole++;
		} else
			cut++;
		json_decref(object);
	}
	(void)fclose(file);
	ck_assert_uint_eq(cut, 1);
	ck_assert_uint_eq(whole, n + 1);
	ck_assert_int_eq(lost_told, (json_int_t)(101 - n));
}
END_TEST

START_TEST(the_file_is_reopened)
{
	struct audit *audit = open_audit(path);
	char old[96];

	(void)snprintf(old, sizeof(old), "%s.1", path);
	ck_assert_int_eq(audit_start(audit), 0);
	push_grants(audit, 1, 1);
	for (unsigned i = 0; i < 200 && read_lines(path, NULL) < 1; i++)
		(void)usleep(10000);
	ck_assert_int_eq(rename(path, old), 0);
	ck_assert_int_eq(audit_reopen(audit), 0);
	push_grants(audit, 1, 2);
	(void)audit_free(audit);
	ck_assert_uint_eq(read_lines(old, check_grant_number), 1);
	ck_assert_uint_eq(read_lines(path, check_grant_number), 2);
	(void)unlink(old);
}
END_TEST

static void begin_file(const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* What a full disk left of the last line of an earlier trail spoils no record of this one. */
START_TEST(a_line_that_was_cut_off_before_stays_alone)
{
	char line[AUDIT_LINE_MAX + 1];

	begin_file("{\"time\":\"20");
	struct audit *audit = open_audit(path);
	push_grants(audit, 1, 1);
	(void)audit_free(audit);

	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	ck_assert_str_eq(line, "{\"time\":\"20\n");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	json_t *object = parse(line, strlen(line));
	check_grant_number(object, 0);
	json_decref(object);
	ck_assert_ptr_null(fgets(line, sizeof(line), file));
	(void)fclose(file);
}
END_TEST

START_TEST(whole_lines_of_before_are_followed_by_the_next)
{
	begin_file("{\"grant\":1}\n");
	struct audit *audit = open_audit(path);
	push_grants(audit, 2, 2);
	(void)audit_free(audit);
	ck_assert_uint_eq(read_lines(path, check_grant_number), 2);
}
END_TEST

START_TEST(a_new_file_has_nothing_of_the_old_ones_last_line)
{
	struct audit *audit = open_audit(path);
	char old[96];

	(void)snprintf(old, sizeof(old), "%s.1", path);
	tear(audit);
	ck_assert_int_eq(rename(path, old), 0);
	ck_assert_int_eq(audit_reopen(audit), 0);
	push_grants(audit, 101, 101);
	(void)audit_free(audit);
	ck_assert_uint_eq(read_lines(path, NULL), 2); /* with what was lost */
	(void)unlink(old);
}
END_TEST

START_TEST(a_file_that_was_emptied_begins_with_a_record)
{
	struct audit *audit = open_audit(path);

	tear(audit);
	ck_assert_int_eq(truncate(path, 0), 0);
	push_grants(audit, 101, 101);
	(void)audit_free(audit);
	ck_assert_uint_eq(read_lines(path, NULL), 2);
}
END_TEST

START_TEST(a_file_that_stays_keeps_its_torn_line_alone)
{
	struct audit *audit = open_audit(path);
	char line[AUDIT_LINE_MAX + 1];
	size_t torn = 0;

	tear(audit);
	ck_assert_int_eq(audit_reopen(audit), 0);
	push_grants(audit, 101, 101);
	(void)audit_free(audit);

	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		json_t *object = json_loadb(line, strlen(line), 0, NULL);

		torn += object == NULL;
		json_decref(object);
	}
	(void)fclose(file);
	ck_assert_uint_eq(torn, 1);
}
END_TEST

START_TEST(a_failed_reopen_keeps_the_old_file)
{
	struct audit *audit = open_audit(path);
	char old[96];

	(void)snprintf(old, sizeof(old), "%s.1", path);
	ck_assert_int_eq(rename(path, old), 0);
	ck_assert_int_eq(symlink(old, path), 0);
	ck_assert_int_eq(audit_reopen(audit), -ELOOP);
	ck_assert_int_eq(audit_error(audit), -ELOOP);
	push_grants(audit, 1, 1);
	(void)audit_free(audit);
	ck_assert_uint_eq(read_lines(old, check_grant_number), 1);
	(void)unlink(old);
}
END_TEST

START_TEST(only_a_regular_file_will_do)
{
	struct audit *audit = NULL;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_lt(audit_new(path, &audit), 0);
	(void)unlink(path);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(audit_new(path, &audit), -ELOOP);
	ck_assert_int_eq(audit_new("/dev/null", &audit), -EINVAL);
	ck_assert_int_eq(audit_new(directory, &audit), -EISDIR);
	ck_assert_int_eq(audit_new("/does/not/exist", &audit), -ENOENT);
	ck_assert_ptr_null(audit);
}
END_TEST

START_TEST(nobody_reads_and_the_end_still_comes)
{
	struct timespec before, after;
	struct audit *audit;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	audit = open_audit("stderr");
	ck_assert_int_eq(audit_start(audit), 0);
	push_grants(audit, 1, AUDIT_QUEUE_MAX);
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	push_grants(audit, 1, AUDIT_QUEUE_MAX * 2);
	ck_assert_uint_gt(audit_lost(audit), 0);
	(void)audit_free(audit);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_le(after.tv_sec - before.tv_sec, 4);
}
END_TEST

START_TEST(auto_is_standard_error_without_a_journal)
{
	struct audit *audit;
	struct stat st;
	char stream[64];

	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
	audit = open_audit("auto");
	ck_assert_str_eq(audit_target(audit), "stderr");
	(void)audit_free(audit);

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino + 1);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
	audit = open_audit("auto");
	ck_assert_str_eq(audit_target(audit), "stderr");
	(void)audit_free(audit);
}
END_TEST

START_TEST(none_takes_and_forgets)
{
	struct audit *audit = open_audit("none");

	ck_assert_int_eq(audit_start(audit), 0);
	push_grants(audit, 1, AUDIT_QUEUE_MAX * 2);
	ck_assert_uint_eq(audit_lost(audit), 0);
	ck_assert_int_eq(audit_reopen(audit), 0);
	(void)audit_free(audit);
	(void)audit_free(NULL);
}
END_TEST

static bool datagram_has(const char *datagram, size_t size, const char *field)
{
	const char *found = memmem(datagram, size, field, strlen(field));

	return found && (found == datagram || found[-1] == '\n') && found[strlen(field)] == '\n';
}

#define NO_NAMESPACES 77

static bool write_file(const char *name, const char *text)
{
	_cleanup_close_ int fd = open(name, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* A mount namespace with an empty /run; without root by way of a user namespace. */
static bool enter_namespaces(void)
{
	char uid_map[64], gid_map[64];
	uid_t uid = geteuid();

	(void)snprintf(uid_map, sizeof(uid_map), "0 %u 1", uid);
	(void)snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0)
		return false;
	if (uid != 0 && (!write_file("/proc/self/setgroups", "deny") ||
				!write_file("/proc/self/uid_map", uid_map) ||
				!write_file("/proc/self/gid_map", gid_map)))
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0;
}

/* In a mount namespace of its own, with a socket where the journal's is. */
static int be_journal(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct audit_record record = make_record();
	struct audit *audit = NULL;
	char datagram[8192], stream[64];
	struct stat st;
	ssize_t size;
	int fd;

	if (!enter_namespaces())
		return NO_NAMESPACES;
	if (audit_new("journal", &audit) != -ENOENT)
		return 1;
	if (mkdir("/run/systemd", 0755) < 0 || mkdir("/run/systemd/journal", 0755) < 0)
		return 2;
	strcpy(address.sun_path, "/run/systemd/journal/socket");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 3;
	if (fstat(STDERR_FILENO, &st) < 0)
		return 4;
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	if (audit_new("auto", &audit) < 0 || strcmp(audit_target(audit), "journal") != 0)
		return 5;

	record.event = AUDIT_REFUSAL;
	record.error = EPERM;
	record.text = "because\nof this";
	if (audit_start(audit) < 0)
		return 6;
	audit_push(audit, &record);
	(void)audit_free(audit);
	size = recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT);
	if (size <= 0)
		return 7;
	if (!datagram_has(datagram, (size_t)size, "SOCKD_EVENT=refusal") ||
		!datagram_has(datagram, (size_t)size, "PRIORITY=5") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_UID=1000") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_GID=1001") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_PID=4242") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_FAMILY=inet") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_TYPE=stream") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_PROTOCOL=tcp") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_RULE=web") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_LISTENER=main") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_UNIT=web.service") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_STEPS=bind 127.0.0.1:80") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_ERRNO=1") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_GRANT=77") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_COUNT=1") ||
		!datagram_has(datagram, (size_t)size, "SOCKD_REASON=because\\x0aof this") ||
		!datagram_has(datagram, (size_t)size,
			"MESSAGE=Refused to uid 1000 (pid 4242): inet stream tcp, "
			"bind 127.0.0.1:80, rule web: EPERM: because\\x0aof this"))
		return 8;
	(void)close(fd);
	return 0;
}

START_TEST(the_journal_gets_fields)
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(be_journal());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACES)
		(void)printf(
			"SKIP: the_journal_gets_fields: no mount namespace can be made here\n");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit");
	TCase *formats = tcase_create("format");
	TCase *steps = tcase_create("steps");
	TCase *trail = tcase_create("trail");
	SRunner *runner;
	int failed;

	tcase_add_test(formats, a_grant_has_all_its_fields);
	tcase_add_test(formats, a_refusal_has_its_error_and_reason);
	tcase_add_test(formats, a_question_is_no_grant_and_no_refusal);
	tcase_add_test(formats, what_was_not_recorded_one_by_one_names_its_user);
	tcase_add_test(formats, a_reload_names_no_peer);
	tcase_add_loop_test(formats, texts_are_escaped, 0, ARRAY_SIZE(texts));
	tcase_add_test(formats, no_control_character_gets_through);
	tcase_add_test(formats, random_bytes_give_valid_lines);
	tcase_add_test(formats, the_longest_record_fits);
	tcase_set_timeout(formats, 60);
	suite_add_tcase(suite, formats);

	tcase_add_test(steps, what_fits_is_told_in_order);
	tcase_add_test(steps, what_matters_is_not_hidden_behind_harmless_options);
	tcase_add_test(steps, the_value_that_stands_comes_first);
	tcase_add_test(steps, a_value_that_something_was_done_with_comes_first);
	tcase_add_test(steps, groups_are_all_told);
	tcase_add_test(steps, a_step_that_is_too_long_is_cut_off);
	tcase_add_test(steps, a_message_is_not_hidden_behind_free_ones);
	tcase_add_test(steps, a_message_of_several_sends_is_told_before_other_steps);
	suite_add_tcase(suite, steps);

	tcase_add_checked_fixture(trail, setup, teardown);
	tcase_add_test(trail, records_reach_the_file_in_order);
	tcase_add_test(trail, records_are_written_without_being_asked);
	tcase_add_test(trail, a_full_queue_of_texts_that_are_too_long_is_cut_off);
	tcase_add_test(trail, without_a_thread_the_end_writes_all);
	tcase_add_test(trail, an_overflow_is_told);
	tcase_add_test(trail, a_flood_of_refusals_hides_no_grant);
	tcase_add_test(trail, after_a_flood_refusals_have_room_again);
	tcase_add_test(trail, a_failed_write_is_told_and_leaves_whole_lines);
	tcase_add_test(trail, the_file_is_reopened);
	tcase_add_test(trail, a_line_that_was_cut_off_before_stays_alone);
	tcase_add_test(trail, whole_lines_of_before_are_followed_by_the_next);
	tcase_add_test(trail, a_new_file_has_nothing_of_the_old_ones_last_line);
	tcase_add_test(trail, a_file_that_was_emptied_begins_with_a_record);
	tcase_add_test(trail, a_file_that_stays_keeps_its_torn_line_alone);
	tcase_add_test(trail, a_failed_reopen_keeps_the_old_file);
	tcase_add_test(trail, only_a_regular_file_will_do);
	tcase_add_test(trail, nobody_reads_and_the_end_still_comes);
	tcase_add_test(trail, auto_is_standard_error_without_a_journal);
	tcase_add_test(trail, none_takes_and_forgets);
	tcase_add_test(trail, the_journal_gets_fields);
	tcase_set_timeout(trail, 60);
	suite_add_tcase(suite, trail);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
