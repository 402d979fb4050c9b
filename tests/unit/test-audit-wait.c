/*
 * Whose grants come faster than they can be recorded waits, so that no other grant is lost by it.
 */
#include <check.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/audit-limit.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/audit-fixture.h"

#define MANY 100000
#define OTHERS 1000

static sd_event *event;
static struct users *users;
static struct user *user, *other;
static struct audit *audit;
static struct audit_limit *limit;
static unsigned calls;
static int trail[2];

static void on_room(void *data _unused_)
{
	calls++;
}

/* A trail that nobody reads yet, so that its writer hangs. */
static void set_up(void)
{
	ck_assert_int_eq(pipe(trail), 0);
	ck_assert_int_eq(dup2(trail[1], STDERR_FILENO), STDERR_FILENO);
	close_quietly(trail[1]);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(audit_new("stderr", &audit), 0);
	ck_assert_int_eq(audit_start(audit), 0);
	ck_assert_int_eq(users_new(&users), 0);
	ck_assert_int_eq(audit_limit_new(event, audit, users, on_room, NULL, &limit), 0);
	user = users_get(users, 1000);
	other = users_get(users, 1001);
	ck_assert(user && other);
}

static void tear_down(void)
{
	limit = audit_limit_free(limit);
	user_unref(user);
	user_unref(other);
	users = users_free(users);
	audit = audit_free(audit);
	event = sd_event_unref(event);
}

static size_t push_until_it_must_wait(struct user *whose)
{
	const struct audit_record record = make_record();
	size_t n = 0;

	for (; n < MANY && !audit_limit_must_wait(limit, whose); n++)
		audit_limit_push_grant(limit, whose, &record);
	return n;
}

static pid_t read_trail(void)
{
	char bytes[65536];
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_quietly(STDERR_FILENO);
	while (read(trail[0], bytes, sizeof bytes) > 0)
		;
	_exit(0);
}

START_TEST(a_flood_of_grants_hides_no_other)
{
	const struct audit_record record = make_record();

	ck_assert_uint_lt(push_until_it_must_wait(user), MANY);
	for (int i = 0; i < OTHERS; i++)
		audit_limit_push_grant(limit, other, &record);
	ck_assert(!audit_limit_must_wait(limit, other));
	ck_assert_uint_eq(audit_lost(audit), 0);
	(void)read_trail();
	for (int i = 0; i < 1000 && (calls == 0 || audit_limit_must_wait(limit, user)); i++)
		ck_assert_int_ge(sd_event_run(event, 100000), 0);
	ck_assert(!audit_limit_must_wait(limit, user));
	ck_assert_uint_gt(calls, 0);
	ck_assert_uint_eq(audit_lost(audit), 0);
}
END_TEST

START_TEST(a_trail_that_hangs_is_not_waited_for)
{
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_lt(push_until_it_must_wait(user), MANY);
		usleep(1200000);
		ck_assert(!audit_limit_must_wait(limit, user));
	}
	(void)read_trail();
}
END_TEST

START_TEST(where_nothing_is_written_nobody_waits)
{
	(void)audit_limit_free(limit);
	(void)audit_free(audit);
	ck_assert_int_eq(audit_new("none", &audit), 0);
	ck_assert_int_eq(audit_limit_new(event, audit, users, on_room, NULL, &limit), 0);
	ck_assert_uint_eq(push_until_it_must_wait(user), MANY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit-wait");
	TCase *tcase = tcase_create("audit-wait");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_flood_of_grants_hides_no_other);
	tcase_add_test(tcase, a_trail_that_hangs_is_not_waited_for);
	tcase_add_test(tcase, where_nothing_is_written_nobody_waits);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
