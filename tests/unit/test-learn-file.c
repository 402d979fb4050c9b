/* The file that --learn writes: whole or not at all, with what others have put there, by several
 * threads. */
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "tests/suite.h"
#include "tests/unit/learn-fixture.h"

static void expect_left_alone(const char *text, const char *words)
{
	struct learn *learn = NULL;

	fixture_write(&fixture, "p.json", text);
	ck_assert_int_eq(learn_open(path, USER, &learn), -EEXIST);
	ck_assert_ptr_null(learn);
	ck_assert_msg(strstr(learn_reason(), words), "%s", learn_reason());
	ck_assert_ptr_nonnull(strstr(learn_reason(), "it is left as it is"));
	_cleanup_free_ char *after = read_file();
	ck_assert_str_eq(after, text);
}

#define OURS "Learnt by sockd-run --learn: what programs asked for, and no more."

START_TEST(other_files_are_left_alone)
{
	expect_left_alone("", "no valid JSON");
	expect_left_alone("#!/bin/sh\n", "no valid JSON");
	expect_left_alone("[1, 2]", "no policy that --learn has written");
	expect_left_alone("{\"rules\": []}", "no policy that --learn has written");
	expect_left_alone("{\"description\": \"mine\", \"rules\": []}", "no policy that");
	expect_left_alone("{\"description\": \"" OURS "\"}", "more than learnt rules");
	expect_left_alone(
		"{\"description\": \"" OURS "\", \"rules\": [], \"limits\": {}}", "holds more");
	expect_left_alone("{\"description\": \"" OURS "\", \"rules\": {}}", "no list of rules");
	expect_left_alone("{\"description\": \"" OURS "\", \"rules\": [1]}", "no list of rules");
	expect_left_alone("{\"description\": \"" OURS "\", \"rules\": [], \"rules\": []}", "JSON");
}
END_TEST

START_TEST(rules_of_others_are_kept)
{
	static const struct sample call = {TCP, .bind = "*:80"};
	struct policy *policy = NULL;

	fixture_write(&fixture, "p.json",
		"{\"description\": \"" OURS "\", \"rules\": ["
		"{\"name\": \"p-inet-stream-tcp\", \"peers\": \"any\", \"family\": \"packet\"},"
		"{\"name\": \"b\", \"peers\": {\"uid\": 1000}, \"family\": \"inet\", \"type\": "
		"\"stream\", \"protocol\": \"tcp\", \"ports\": 80, \"owner\": \"peer\"},"
		"{\"name\": \"c\", \"peers\": {\"uid\": 1000}, \"family\": \"inet\", \"type\": "
		"\"stream\", \"protocol\": \"tcp\", \"ports\": [81, \"100-102\"], \"addresses\": "
		"\"0.0.0.0\"}]}");
	struct learn *learn = open_learn();
	ck_assert_int_eq(learn_sample(learn, &call), 0);
	close_learn(learn);
	_cleanup_free_ char *text = read_file();
	ck_assert_int_eq(fixture_load(&fixture, &policy), 0);
	ck_assert_uint_eq(policy_rule_count(policy), 3);
	(void)policy_unref(policy);
	ck_assert_ptr_nonnull(strstr(text, "\"owner\": \"peer\""));
	ck_assert_ptr_nonnull(strstr(text, "\"name\": \"p-inet-stream-tcp-2\""));
	ck_assert_ptr_nonnull(strstr(text, "\"100-102\""));
	ck_assert_ptr_null(strstr(text, "\"name\": \"c\""));
}
END_TEST

START_TEST(what_is_no_file_is_left_alone)
{
	struct learn *learn = NULL;
	char link[512];

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(learn_open(path, USER, &learn), -EEXIST);
	ck_assert_ptr_nonnull(strstr(learn_reason(), "no regular file"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(learn_open(fixture.directory, USER, &learn), -EEXIST);
	/* Whoever may not write beside it is told that first. */
	ck_assert_int_eq(learn_open("/dev/null", USER, &learn), geteuid() == 0 ? -EEXIST : -EACCES);
	ck_assert_int_lt(learn_open("", USER, &learn), 0);
	ck_assert_int_lt(learn_open("/nowhere/at/all", USER, &learn), 0);
	ck_assert_ptr_nonnull(strstr(learn_reason(), "/nowhere/at"));
	ck_assert_ptr_null(learn);

	/* Through a link its file is replaced, with the mode that it had. */
	close_learn(open_learn());
	ck_assert_int_eq(chmod(path, 0600), 0);
	fixture_path(&fixture, "link.json", link, sizeof link);
	ck_assert_int_eq(symlink("p.json", link), 0);
	ck_assert_int_eq(learn_open(link, USER, &learn), 0);
	close_learn(learn);
	struct stat status;
	ck_assert_int_eq(lstat(link, &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0600);
}
END_TEST

/* Where it cannot be written the old one is still there, and nothing else. */
START_TEST(written_whole_or_not_at_all)
{
	static const struct sample call = {RAW(IPPROTO_ICMP)};
	struct learn *learn = open_learn();
	char moved[128], command[300];

	ck_assert_int_eq(learn_sample(learn, &call), 0);
	snprintf(moved, sizeof moved, "%s-moved", fixture.directory);
	ck_assert_int_eq(rename(fixture.directory, moved), 0);
	ck_assert_int_eq(learn_write(learn), -ENOENT);
	ck_assert_ptr_nonnull(strstr(learn_reason(), "cannot be written"));
	ck_assert_int_eq(rename(moved, fixture.directory), 0);
	ck_assert_int_eq(learn_write(learn), 0);
	ck_assert_int_eq(learn_sample(learn, &call), 0);
	close_learn(learn);
	snprintf(command, sizeof command, "test \"$(ls -A '%s')\" = p.json", fixture.directory);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(nothing_learnt_is_a_policy_too)
{
	struct policy *policy = NULL;

	close_learn(open_learn());
	ck_assert_int_eq(fixture_load(&fixture, &policy), 0);
	ck_assert_uint_eq(policy_rule_count(policy), 0);
	(void)policy_unref(policy);
}
END_TEST

#define THREADS 8
#define PORTS_EACH 100

static void *add_ports(void *data)
{
	struct learn *learn = ((void **)data)[0];
	unsigned first = (unsigned)(uintptr_t)((void **)data)[1];
	char text[32];

	for (unsigned i = 0; i < PORTS_EACH; i++) {
		const struct sample call = {TCP, .bind = text};
		snprintf(text, sizeof text, "*:%u", first + i);
		if (learn_sample(learn, &call) != 0 || (i % 20 == 0 && learn_write(learn) != 0))
			return (void *)1;
	}
	return NULL;
}

START_TEST(several_threads)
{
	struct learn *learn = open_learn();
	pthread_t threads[THREADS];
	void *arguments[THREADS][2];
	void *result;

	for (size_t i = 0; i < THREADS; i++) {
		arguments[i][0] = learn;
		arguments[i][1] = (void *)(100 + i * (PORTS_EACH - 10));
		ck_assert_int_eq(pthread_create(&threads[i], NULL, add_ports, arguments[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &result), 0);
		ck_assert_ptr_null(result);
	}
	close_learn(learn);
	_cleanup_free_ char *text = read_file();
	ck_assert_ptr_nonnull(strstr(text, "\"100-829\""));
	check_policy(&(struct example){.name = "threads",
			     .calls = {{TCP, .bind = "*:100"}, {TCP, .bind = "*:829"}},
			     .others = {{TCP, .bind = "*:99"}, {TCP, .bind = "*:830"}}},
		false);
}
END_TEST

/* A program can make it grow only so far. */
START_TEST(there_are_limits)
{
	struct learn *learn = open_learn();
	struct policy *policy = NULL;
	int r = 0;

	for (int i = 1; i < 40000 && r == 0; i++) {
		const struct sample call = {UDP, .option = "SO_MARK", .value = i * 2};
		r = learn_sample(learn, &call);
	}
	ck_assert_int_eq(r, -E2BIG);
	close_learn(learn);
	ck_assert_int_eq(fixture_load(&fixture, &policy), 0);
	(void)policy_unref(policy);
}
END_TEST

START_TEST(notes)
{
	struct learn *learn = open_learn();
	const struct learn_call calls[] = {
		{.kind = LEARN_SOCKET, RAW(1), .program = "ping", .granted = true},
		{.kind = LEARN_SOCKET,
			RAW(1),
			.program = "p;i: ng\n\xff\"",
			.reason = "a; b; see why: x"},
		{.kind = LEARN_SOCKET, RAW(1)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		for (int twice = 0; twice < 2; twice++)
			ck_assert_int_eq(learn_add(learn, &calls[i]), 0);
	close_learn(learn);
	_cleanup_free_ char *text = read_file();
	ck_assert_msg(strstr(text, "\"ping: socket (given by the policy in force); p,i? ng??\\\": "
				   "socket (a, b); a program: socket\""),
		"%s", text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("learn-file");
	TCase *tcase = tcase_create("learn-file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, other_files_are_left_alone);
	tcase_add_test(tcase, rules_of_others_are_kept);
	tcase_add_test(tcase, what_is_no_file_is_left_alone);
	tcase_add_test(tcase, written_whole_or_not_at_all);
	tcase_add_test(tcase, nothing_learnt_is_a_policy_too);
	tcase_add_test(tcase, several_threads);
	tcase_add_test(tcase, there_are_limits);
	tcase_add_test(tcase, notes);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
