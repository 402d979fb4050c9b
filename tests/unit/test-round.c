/*
 * The loop's time in equal parts: who has had much waits, where there is somebody to wait for.
 */
#include <check.h>
#include <unistd.h>

#include "daemon/broker.h"
#include "daemon/connection.h"
#include "daemon/round.h"
#include "tests/suite.h"

#define LONG_USEC 70000 /* more than one user may have */

static struct broker broker;
static struct user users[2];
static struct connection connections[2];

static void set_up(void)
{
	broker = (struct broker){.n_connections = 2};
	for (int i = 0; i < 2; i++) {
		users[i] = (struct user){.connections = 1};
		connections[i] = (struct connection){.broker = &broker, .user = &users[i]};
	}
	(void)round_begin_turn(&broker, false);
}

static void take_long(int i)
{
	usleep(LONG_USEC);
	round_charge(&connections[i]);
}

START_TEST(who_has_had_much_waits_for_the_next_round)
{
	take_long(0);
	ck_assert(round_is_turn_over(&broker));
	ck_assert(round_must_wait(&connections[0]));
	ck_assert(!round_must_wait(&connections[1]));
	/* Nobody else has anything to do. */
	ck_assert(round_begin_turn(&broker, false));
	ck_assert(!round_is_turn_over(&broker));
	ck_assert(!round_must_wait(&connections[0]));
	ck_assert(!round_begin_turn(&broker, false));
}
END_TEST

START_TEST(a_round_ends_though_others_are_busy)
{
	take_long(0);
	ck_assert(round_must_wait(&connections[0]));
	take_long(1);
	ck_assert(round_must_wait(&connections[1]));
	ck_assert(round_begin_turn(&broker, true));
	ck_assert(!round_must_wait(&connections[0]));
	ck_assert(!round_must_wait(&connections[1]));
}
END_TEST

START_TEST(who_is_alone_need_not_wait)
{
	broker.n_connections = users[0].connections = 3;
	take_long(0);
	ck_assert(!round_must_wait(&connections[0]));
	/* But it ends its turn, for those who want to connect. */
	ck_assert(round_is_turn_over(&broker));
	broker.n_connections++;
	ck_assert(round_must_wait(&connections[0]));
}
END_TEST

START_TEST(nobody_pays_for_another)
{
	take_long(0);
	round_charge(&connections[1]);
	ck_assert_uint_lt(users[1].time_usec, users[0].time_usec);
	/* Nor for what the loop does between two turns. */
	(void)round_begin_turn(&broker, false);
	uint64_t time = users[1].time_usec;
	usleep(LONG_USEC);
	(void)round_begin_turn(&broker, true);
	ck_assert_uint_eq(users[1].time_usec, time);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("round");
	TCase *tcase = tcase_create("round");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, who_has_had_much_waits_for_the_next_round);
	tcase_add_test(tcase, a_round_ends_though_others_are_busy);
	tcase_add_test(tcase, who_is_alone_need_not_wait);
	tcase_add_test(tcase, nobody_pays_for_another);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
