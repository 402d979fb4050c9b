/* The audit trail's file: opened anew, full, cut off, replaced. */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/audit.h"
#include "tests/suite.h"
#include "tests/unit/audit-fixture.h"

static void tear(struct audit *audit)
{
	struct rlimit before, limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){.rlim_cur = 10000, .rlim_max = before.rlim_max};
	ck_assert_int_eq(audit_start(audit), 0); /* its thread has SIGXFSZ blocked */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	push_grants(audit, 1, 100);
	for (unsigned i = 0; i < 2000 && audit_lost(audit) == 0; i++)
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
	for (unsigned i = 0; i < 2000 && read_lines(path, NULL) < 1; i++)
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

int main(void)
{
	Suite *suite = suite_create("audit-file");
	TCase *file = tcase_create("file");

	tcase_add_checked_fixture(file, setup, teardown);
	tcase_add_test(file, a_failed_write_is_told_and_leaves_whole_lines);
	tcase_add_test(file, the_file_is_reopened);
	tcase_add_test(file, a_line_that_was_cut_off_before_stays_alone);
	tcase_add_test(file, whole_lines_of_before_are_followed_by_the_next);
	tcase_add_test(file, a_new_file_has_nothing_of_the_old_ones_last_line);
	tcase_add_test(file, a_file_that_was_emptied_begins_with_a_record);
	tcase_add_test(file, a_file_that_stays_keeps_its_torn_line_alone);
	tcase_add_test(file, a_failed_reopen_keeps_the_old_file);
	tcase_add_test(file, only_a_regular_file_will_do);
	tcase_set_timeout(file, 60);
	suite_add_tcase(suite, file);
	return suite_run(suite);
}
