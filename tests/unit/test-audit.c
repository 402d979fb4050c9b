/* The audit trail: batches in order, losses told, targets, the journal. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/audit.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/audit-fixture.h"

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
	for (unsigned i = 0; i < 2000 && stat(path, &st) == 0 && st.st_size == 0; i++)
		(void)usleep(10000);
	ck_assert_uint_eq(read_lines(path, check_grant_number), 1);
	push_grants(audit, 2, 2);
	for (unsigned i = 0; i < 2000 && read_lines(path, NULL) < 2; i++)
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
	TCase *trail = tcase_create("trail");

	tcase_add_checked_fixture(trail, setup, teardown);
	tcase_add_test(trail, records_reach_the_file_in_order);
	tcase_add_test(trail, records_are_written_without_being_asked);
	tcase_add_test(trail, a_full_queue_of_texts_that_are_too_long_is_cut_off);
	tcase_add_test(trail, without_a_thread_the_end_writes_all);
	tcase_add_test(trail, an_overflow_is_told);
	tcase_add_test(trail, a_flood_of_refusals_hides_no_grant);
	tcase_add_test(trail, after_a_flood_refusals_have_room_again);
	tcase_add_test(trail, nobody_reads_and_the_end_still_comes);
	tcase_add_test(trail, auto_is_standard_error_without_a_journal);
	tcase_add_test(trail, none_takes_and_forgets);
	tcase_add_test(trail, the_journal_gets_fields);
	tcase_set_timeout(trail, 60);
	suite_add_tcase(suite, trail);
	return suite_run(suite);
}
