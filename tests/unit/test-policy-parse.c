/*
 * Reading policy files: what is wrong with one is said with its place to the column, all of it in
 * one go, and nothing of it takes effect; drop-ins replace, mask and follow each other as the
 * manual says.
 */
#include <linux/capability.h>
#include <stdint.h>

#include "daemon/policy/identifiers.h"
#include "daemon/policy/position.h"
#include "tests/suite.h"
#include "tests/unit/policy-bad-files.h"
#include "tests/unit/policy-fixture.h"

START_TEST(test_bad_file)
{
	struct fixture fixture;
	struct policy *policy = NULL;
	static const char syntax[] = "not valid JSON";
	const char *expected = bad[_i].errors, *words = strstr(expected, syntax);

	fixture_make(&fixture);
	fixture_write(&fixture, "p.json", bad[_i].text);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_ptr_null(policy);
	size_t size = words ? (size_t)(words - expected) + strlen(syntax) : strlen(expected) + 1;
	ck_assert_msg(strncmp(fixture.errors, expected, size) == 0, "%s: expected %s, got %s",
		bad[_i].what, expected, fixture.errors);
	fixture_remove(&fixture);
}
END_TEST

static const char one_rule[] =
	"{\"rules\": [{\"name\": \"%s\", \"peers\": \"any\", \"family\": \"inet\", \"type\": "
	"\"stream\"}]}";

static void write_rule(const struct fixture *fixture, const char *file, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), one_rule, name);
	fixture_write(fixture, file, text);
}

START_TEST(test_every_error_of_every_file)
{
	struct fixture fixture;
	struct policy *policy = NULL;

	fixture_make(&fixture);
	fixture_write(&fixture, "20-b.json", "{\"rules\": [5, 6]}");
	fixture_write(&fixture, "10-a.json", "[");
	write_rule(&fixture, "30-c.json", "r");
	write_rule(&fixture, "40-d.json", "r");
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	const char *expected[] = {"10-a.json:1:1: not valid JSON",
		"\n20-b.json:1:12: a rule is an object", "\n20-b.json:1:15: a rule is an object",
		"\n40-d.json:1:21: rule r: the name is already used at 30-c.json:1; "};
	const char *at = fixture.errors;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		at = strstr(at, expected[i]);
		ck_assert_msg(at != NULL, "missing or out of order: %s in %s", expected[i],
			fixture.errors);
	}
	fixture_remove(&fixture);
}
END_TEST

START_TEST(test_errors_end_at_a_hundred)
{
	struct fixture fixture;
	struct policy *policy = NULL;
	char *text = NULL;
	size_t size, lines = 0;

	fixture_make(&fixture);
	FILE *out = open_memstream(&text, &size);
	fputs("{\"rules\": [1", out);
	for (int i = 0; i < 50000; i++)
		fputs(",\n1", out);
	fputs("]}", out);
	fclose(out);
	fixture_write(&fixture, "p.json", text);
	free(text);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	for (const char *c = fixture.errors; *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, 101);
	ck_assert_ptr_nonnull(strstr(fixture.errors, "\np.json:100:1: "));
	ck_assert_ptr_nonnull(strstr(fixture.errors, "\nfurther errors are not shown"));
	fixture_remove(&fixture);
}
END_TEST

START_TEST(test_too_many_rules)
{
	struct fixture fixture;
	struct policy *policy = NULL;
	char *text = NULL;
	size_t size;

	fixture_make(&fixture);
	FILE *out = open_memstream(&text, &size);
	fputs("{\"rules\": [1", out);
	for (int i = 0; i < 100000; i++)
		fputs(",1", out);
	fputs("]}", out);
	fclose(out);
	fixture_write(&fixture, "p.json", text);
	free(text);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_str_eq(fixture.errors, "p.json:1:11: more than 100000 rules in all; join rules "
					 "that differ only in their peers\n");
	fixture_remove(&fixture);
}
END_TEST

/* Who could write the file could write the policy. */
START_TEST(test_unsafe_files)
{
	struct fixture fixture;
	struct policy *policy = NULL;
	char path[512];

	fixture_make(&fixture);
	write_rule(&fixture, "p.json", "r");
	fixture_path(&fixture, "p.json", path, sizeof(path));
	ck_assert_int_eq(chmod(path, 0664), 0);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_str_eq(fixture.errors,
		"p.json: the file is writable by others than its owner (mode "
		"0664); chmod go-w it\n");
	ck_assert_int_eq(chmod(path, 0646), 0);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_int_eq(chmod(path, 0644), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(path, 12345, 0), 0);
		ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
		ck_assert_str_eq(fixture.errors,
			"p.json: the file belongs to user 12345, who could "
			"change what sockd gives away; chown root it\n");
	}
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fixture.errors, "p.json: this is no regular file"));
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fixture.errors, "p.json: this is no regular file"));
	ck_assert_int_eq(unlink(path), 0);

	write_rule(&fixture, "p.json", "r");
	ck_assert_int_eq(truncate(path, (16 << 20) + 1), 0);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_str_eq(fixture.errors, "p.json: the file is larger than 16 MiB; split it\n");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("nowhere", path), 0);
	ck_assert_int_eq(fixture_load(&fixture, &policy), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fixture.errors, "p.json: the file cannot be read: "));
	ck_assert_ptr_null(policy);
	fixture_remove(&fixture);
}
END_TEST

static size_t load_two(const struct fixture *first, const struct fixture *second)
{
	const char *directories[] = {first->directory, "/nonexistent/policy.d", second->directory};
	struct policy *policy = NULL;

	ck_assert_int_eq(policy_load(directories, 3, geteuid(), stderr, &policy), 0);
	size_t n = policy_rule_count(policy);
	policy_unref(policy);
	return n;
}

START_TEST(test_drop_ins)
{
	struct fixture vendor, admin;
	char path[512];

	fixture_make(&vendor);
	fixture_make(&admin);
	ck_assert_uint_eq(load_two(&vendor, &admin), 0);
	write_rule(&vendor, "10-a.json", "a");
	write_rule(&vendor, "20-b.json", "b");
	write_rule(&vendor, "ignored.conf", "a");
	write_rule(&vendor, ".hidden.json", "a");
	ck_assert_uint_eq(load_two(&vendor, &admin), 2);
	/* the same name replaces: a second rule "a" would else be an error */
	write_rule(&admin, "10-a.json", "a");
	ck_assert_uint_eq(load_two(&vendor, &admin), 2);
	/* an empty file and a link to /dev/null mask */
	fixture_write(&admin, "10-a.json", "");
	ck_assert_uint_eq(load_two(&vendor, &admin), 1);
	fixture_path(&admin, "20-b.json", path, sizeof(path));
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_uint_eq(load_two(&vendor, &admin), 0);
	/* and only the later directory does */
	ck_assert_uint_eq(load_two(&admin, &vendor), 2);
	fixture_remove(&vendor);
	fixture_remove(&admin);
}
END_TEST

START_TEST(test_limits_of_the_last_file_win)
{
	struct fixture fixture;
	struct policy *policy = NULL;

	fixture_make(&fixture);
	fixture_write(&fixture, "10-a.json",
		"{\"limits\": {\"grants-per-user\": 5, \"connections-per-user\": 6}, \"rules\": "
		"[]}");
	fixture_write(
		&fixture, "20-b.json", "{\"limits\": {\"grants-per-user\": 7}, \"rules\": []}");
	ck_assert_int_eq(fixture_load(&fixture, &policy), 0);
	ck_assert_uint_eq(policy_limits(policy)->grants_per_user, 7);
	ck_assert_uint_eq(policy_limits(policy)->connections_per_user, 6);
	ck_assert_uint_eq(policy_limits(policy)->requests_in_work_per_user, 0);
	ck_assert_uint_eq(policy_file_count(policy), 2);
	policy_unref(policy);
	fixture_remove(&fixture);
}
END_TEST

static void count_name(const char *name, void *data)
{
	ck_assert_str_eq(name, "blue");
	++*(int *)data;
}

/* The daemon holds what the rules need, and nothing for a deny rule. */
START_TEST(test_what_rules_need)
{
	static const struct {
		const char *rule;
		uint64_t capabilities;
		bool netns, owner;
		int names;
	} all[] = {
		{"\"family\": \"inet\", \"type\": \"stream\"", 0, false, false, 0},
		{"\"family\": \"inet\", \"type\": \"stream\", \"ports\": 80",
			1u << CAP_NET_BIND_SERVICE, false, false, 0},
		{"\"family\": \"packet\"", 1u << CAP_NET_RAW, false, false, 0},
		{"\"family\": \"inet\", \"type\": \"stream\", \"netns\": \"broker\"", 0, false,
			false, 0},
		{"\"family\": \"inet\", \"type\": \"stream\", \"netns\": \"peer\"",
			1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN, true, false, 0},
		{"\"family\": \"inet\", \"type\": \"stream\", \"netns\": \"blue\"",
			1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN, true, false, 1},
		{"\"family\": \"inet\", \"type\": \"stream\", \"owner\": \"peer\"",
			1u << CAP_SETUID, false, true, 0},
		{"\"family\": \"packet\", \"netns\": \"blue\", \"effect\": \"deny\"", 0, false,
			false, 0},
	};
	struct fixture fixture;
	char text[512];
	int names = 0;

	fixture_make(&fixture);
	snprintf(text, sizeof(text), "{\"rules\": [{\"name\": \"r\", \"peers\": \"any\", %s}]}",
		all[_i].rule);
	struct policy *policy = fixture_policy(&fixture, text);
	ck_assert_uint_eq(policy_capabilities(policy), all[_i].capabilities);
	ck_assert_int_eq(policy_uses_netns(policy), all[_i].netns);
	ck_assert_int_eq(policy_uses_owner(policy), all[_i].owner);
	policy_each_netns_name(policy, count_name, &names);
	ck_assert_int_eq(names, all[_i].names);
	policy_unref(policy);
	fixture_remove(&fixture);
}
END_TEST

/* Where a value stands, in a text of a megabyte, with escapes and brackets in strings before it. */
START_TEST(test_positions)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	fputs("{\"a\": \"]}\\\"{\\\\\", \"list\": [\n", out);
	for (int i = 0; i < 50000; i++)
		fputs("  {\"x\": [1, \"}\", {}]},\n", out);
	fputs("  {\"y\": 1.5e+3 , \"k\\u0065y\" :\t\"v\"}]}", out);
	fclose(out);

	const struct json_path top = {0}, list = {.parent = &top, .key = "list"},
			       last = {.parent = &list, .index = 50000},
			       key = {.parent = &last, .key = "key"},
			       none = {.parent = &last, .key = "nokey"},
			       beyond = {.parent = &list, .index = 50001};
	struct position at = {0};
	unsigned lines[50001];

	ck_assert_int_eq(position_find(text, size, &key, false, &at), 0);
	ck_assert_uint_eq(at.line, 50002);
	ck_assert_uint_eq(at.column, 31);
	ck_assert_int_eq(position_find(text, size, &key, true, &at), 0);
	ck_assert_uint_eq(at.column, 18);
	ck_assert_int_eq(position_find(text, size, &none, false, &at), -ENOENT);
	ck_assert_int_eq(position_find(text, size, &beyond, false, &at), -ENOENT);
	ck_assert_int_eq(position_lines(text, size, &list, 50001, lines), 0);
	ck_assert_uint_eq(lines[0], 2);
	ck_assert_uint_eq(lines[50000], 50002);
	free(text);
}
END_TEST

/* The rest of a rule: it is loaded, or refused in these words. */
static void assert_rule(const char *rest, const char *words)
{
	struct fixture fixture;
	struct policy *policy = NULL;
	static char text[32 * 1024];

	fixture_make(&fixture);
	ck_assert_int_lt(
		snprintf(text, sizeof(text), "{\"rules\": [{%s, \"peers\": \"any\"}]}", rest),
		(int)sizeof(text));
	fixture_write(&fixture, "p.json", text);
	int r = fixture_load(&fixture, &policy);
	if (words)
		ck_assert_msg(r == -EINVAL && strstr(fixture.errors, words), "%.200s: %d, %s", rest,
			r, fixture.errors);
	else
		ck_assert_msg(r == 0, "%.200s: %d, %s", rest, r, fixture.errors);
	policy_unref(policy);
	fixture_remove(&fixture);
}

/* Numbers from this one on, as members of a list. */
static const char *list_numbers(char *buffer, size_t size, unsigned first, unsigned n)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(
			buffer + used, size - used, "%s%u", i > 0 ? ", " : "", first + i);
	return buffer;
}

/* A rule takes a place in the index for each combination. */
START_TEST(test_combinations_have_a_limit)
{
	static const struct {
		unsigned families, types, protocols;
		bool fits;
	} cases[] = {{128, 8, 1, true}, {129, 8, 1, false}, {128, 4, 2, true}, {128, 4, 3, false}};
	char families[2048], types[64], protocols[64], rest[4096];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(rest, sizeof(rest),
			"\"name\": \"r\", \"family\": [%s], \"type\": [%s], \"protocol\": [%s]",
			list_numbers(families, sizeof(families), 1000, cases[i].families),
			list_numbers(types, sizeof(types), 1, cases[i].types),
			list_numbers(protocols, sizeof(protocols), 1, cases[i].protocols));
		assert_rule(rest, cases[i].fits ? NULL : "are more than 1024");
	}
}
END_TEST

/* Each is looked for by the filter of every such socket, which has room for so many. */
START_TEST(test_identifiers_have_a_limit)
{
	static const char *const formats[] = {"%s%u", "%s\"0x%08x\"", "%s\"0x%08x/0x1fffffff\""};
	static char list[12 * 1024], rest[16 * 1024];

	for (unsigned n = IDENTIFIERS_MAX; n <= IDENTIFIERS_MAX + 1; n++) {
		size_t used = 0;
		for (unsigned i = 0; i < n; i++)
			used += (size_t)snprintf(list + used, sizeof(list) - used,
				formats[i % ARRAY_SIZE(formats)], i > 0 ? ", " : "", 2 * i);
		snprintf(rest, sizeof(rest),
			"\"name\": \"r\", \"family\": \"can\", \"protocol\": \"raw\", \"mark\": 7, "
			"\"identifiers\": [%s]",
			list);
		assert_rule(rest, n <= IDENTIFIERS_MAX ? NULL : "more than 256 identifiers");
	}
}
END_TEST

#define NAME_63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"
#define NAME_127 NAME_63 "-" NAME_63
#define STORE "\"name\": \"r\", \"family\": \"inet\", \"actions\": \"store\", "
#define INET "\"name\": \"r\", \"family\": \"inet\", "

START_TEST(test_bounds_of_values)
{
	static const struct {
		const char *rest, *words;
	} cases[] = {
		{"\"name\": \"" NAME_63 "\", \"family\": \"inet\"", NULL},
		{"\"name\": \"" NAME_63 "4\", \"family\": \"inet\"", "is no rule's name"},
		{"\"name\": \"r\", \"family\": 65535", NULL},
		{"\"name\": \"r\", \"family\": 65536", "out of range"},
		{INET "\"protocol\": 65536", "out of range"},
		{INET "\"mark\": 4294967296", "out of range"},
		{"\"name\": \"r\", \"family\": \"vsock\", \"addresses\": 4294967295", NULL},
		{"\"name\": \"r\", \"family\": \"vsock\", \"addresses\": 4294967296",
			"out of range"},
		{"\"name\": \"r\", \"family\": \"unix\", \"addresses\": \"@\"",
			"is no abstract name"},
		{"\"name\": \"r\", \"family\": \"inet6\", \"addresses\": \"10.0.0.0/8\"",
			"add \"inet\" to it"},
		{"\"name\": \"r\", \"family\": \"inet6\", \"type\": \"stream\", \"addresses\": "
		 "\"::ffff:10.0.0.1\"",
			NULL},
		{INET "\"options\": {}", "must be an object with values by option"},
		{"\"name\": \"r\", \"family\": [\"inet\", \"can\"], \"protocol\": \"raw\"",
			"is not the same in all families"},
		{STORE "\"names\": \"" NAME_127 "\"", NULL},
		{STORE "\"names\": \"" NAME_127 "*\"", NULL},
		{STORE "\"names\": \"" NAME_127 "8\"", "is no name of the store"},
		{STORE "\"names\": \"\"", "is no name of the store"},
		{STORE "\"common\": false", NULL},
		{INET "\"common\": true", "it needs \"actions\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_rule(cases[i].rest, cases[i].words);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy-parse");
	TCase *tests = tcase_create("parse");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_bad_file, 0, ARRAY_SIZE(bad));
	tcase_add_test(tests, test_every_error_of_every_file);
	tcase_add_test(tests, test_errors_end_at_a_hundred);
	tcase_add_test(tests, test_too_many_rules);
	tcase_add_test(tests, test_unsafe_files);
	tcase_add_test(tests, test_drop_ins);
	tcase_add_test(tests, test_limits_of_the_last_file_win);
	tcase_add_loop_test(tests, test_what_rules_need, 0, 8);
	tcase_add_test(tests, test_positions);
	tcase_add_test(tests, test_combinations_have_a_limit);
	tcase_add_test(tests, test_identifiers_have_a_limit);
	tcase_add_test(tests, test_bounds_of_values);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
