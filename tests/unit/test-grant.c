/* A grant lives exactly as long as the last copy of its socket, found out without keeping a copy.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/grant.h"
#include "proto/macro.h"
#include "proto/transport.h"
#include "tests/suite.h"

static sd_event *event;
static struct users *users;
static struct grants *grants;
static struct user *user;
static size_t fds_before;

static size_t count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

static void set_up(void)
{
	fds_before = count_fds();
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(users_new(&users), 0);
	ck_assert_int_eq(grants_new(event, 1000, &grants), 0);
	user = users_get(users, 1000);
	ck_assert_ptr_nonnull(user);
}

static void tear_down(void)
{
	grants = grants_free(grants);
	user = user_unref(user);
	users = users_free(users);
	event = sd_event_unref(event);
	ck_assert_uint_eq(count_fds(), fds_before);
}

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct grant *grant_like(const struct grant *description)
{
	struct grant *grant = grant_new(grants);

	ck_assert_ptr_nonnull(grant);
	*grant = *description;
	return grant;
}

static struct grant *grant_of(const int *fds, unsigned n)
{
	struct grant *grant = grant_like(&(struct grant){.rule = {.name = "r"}, .user = user});
	struct grant_watch watches[512];

	ck_assert_int_eq(grants_begin_take(grants, grant, n, watches), 0);
	for (unsigned i = 0; i < n; i++)
		grant_watch_socket(&watches[i], fds[i]);
	ck_assert_int_eq(grants_settle(grants, watches, n), 0);
	return grant;
}

START_TEST(a_grant_ends_with_its_socket)
{
	int fd = new_socket();
	uint64_t id = grant_of(&fd, 1)->id;

	grants_sweep(grants, NULL);
	ck_assert_ptr_nonnull(grants_find(grants, user, id));
	close(fd);
	grants_sweep(grants, NULL);
	ck_assert_ptr_null(grants_find(grants, user, id));
	ck_assert_uint_eq(grants_count(grants), 0);
	ck_assert_uint_eq(user->grants, 0);
}
END_TEST

START_TEST(a_copy_keeps_it)
{
	int fd = new_socket(), copy = dup(fd), pair[2], received;
	struct transport_message message;
	char byte = 0;

	ck_assert_int_ge(copy, 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	grant_of(&fd, 1);
	close(fd);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 1);
	/* Only in a queue, unread. */
	ck_assert_int_eq(transport_send(pair[0], &byte, 1, &copy, 1, 0), 0);
	close(copy);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 1);
	ck_assert_int_eq(transport_receive(pair[1], &byte, 1, &received, 1, 0, &message), 0);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 1);
	close(received);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 0);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(a_batch_ends_with_its_last)
{
	int fds[200];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = new_socket();
	struct grant *grant = grant_of(fds, ARRAY_SIZE(fds));
	for (size_t i = 0; i + 1 < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	grants_sweep(grants, user);
	ck_assert_uint_eq(grant->open, 1);
	ck_assert_uint_eq(grant->count, ARRAY_SIZE(fds));
	close(fds[ARRAY_SIZE(fds) - 1]);
	grants_sweep(grants, user);
	ck_assert_uint_eq(grants_count(grants), 0);
}
END_TEST

/* A client's own socket comes in under the same descriptor number again and again. */
START_TEST(one_socket_may_have_many_grants)
{
	int fd = new_socket();

	for (unsigned i = 0; i < 300; i++)
		grant_of(&fd, 1);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 300);
	close(fd);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 0);
}
END_TEST

START_TEST(what_comes_and_goes_takes_few_sets)
{
	int kept[600];
	size_t before = count_fds();

	for (unsigned i = 0; i < 5000; i++) {
		int fd = new_socket();
		grant_of(&fd, 1);
		close(fd);
	}
	ck_assert_uint_le(count_fds(), before + 5);
	ck_assert_uint_le(grants_count(grants), 4 * 128);

	/* Beside as many sets of sockets that stay. */
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		kept[i] = new_socket();
		grant_of(&kept[i], 1);
	}
	before = count_fds();
	for (unsigned i = 0; i < 5000; i++) {
		int fd = new_socket();
		grant_of(&fd, 1);
		close(fd);
	}
	ck_assert_uint_le(count_fds(), before + 8);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), ARRAY_SIZE(kept));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		close(kept[i]);
}
END_TEST

START_TEST(what_is_not_watched_yet_is_not_gone)
{
	struct grant *grant = grant_like(&(struct grant){.user = user});
	struct grant_watch watch;
	int fd = new_socket();

	ck_assert_int_eq(grants_begin_take(grants, grant, 1, &watch), 0);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 1);
	grant_watch_socket(&watch, fd);
	ck_assert_int_eq(grants_settle(grants, &watch, 1), 0);
	close(fd);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 0);
}
END_TEST

START_TEST(a_failed_watch_leaves_nothing)
{
	struct grant *grant = grant_like(&(struct grant){.user = user});
	struct grant_watch watches[2];
	int fd = new_socket();

	ck_assert_int_eq(grants_begin_take(grants, grant, 2, watches), 0);
	grant_watch_socket(&watches[0], fd);
	grant_watch_socket(&watches[1], -1);
	ck_assert_int_eq(grants_settle(grants, watches, 2), -EBADF);
	ck_assert_uint_eq(user->grants, 1);
	close(fd);
	grants_sweep(grants, NULL);
	ck_assert_uint_eq(grants_count(grants), 0);
}
END_TEST

START_TEST(limits_count_what_is_open)
{
	int fds[10];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = new_socket();
	grant_of(fds, ARRAY_SIZE(fds));
	ck_assert_int_eq(grants_reserve(grants, user, 11, 1), 0);
	ck_assert_int_eq(grants_reserve(grants, user, 10, 1), -EDQUOT);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	ck_assert_int_eq(grants_reserve(grants, user, 10, 10), 0);
	ck_assert_int_eq(grants_reserve(grants, user, 100000, 1001), -ENOSPC);
}
END_TEST

START_TEST(unwatched_ones_end_when_told)
{
	int owner = 0, other = 0;
	struct grant *grant = grant_like(&(struct grant){.user = user});

	grants_add_unwatched_take(grants, grant, 1, &owner);
	grants_sweep(grants, NULL);
	grants_end(grants, &other);
	ck_assert_uint_eq(grants_count(grants), 1);
	ck_assert_ptr_eq(grants_find(grants, user, grant->id), grant);
	grants_end(grants, &owner);
	ck_assert_uint_eq(grants_count(grants), 0);
	ck_assert_uint_eq(user->grants, 0);
}
END_TEST

START_TEST(the_same_again_has_one_record)
{
	int fd = new_socket();
	struct grant description = {.rule = {.name = "r"}, .user = user, .inode = 7, .pid = 1};
	struct grant_watch watch;
	struct grant *grant = grant_like(&description);

	ck_assert_int_eq(grants_begin_take(grants, grant, 1, &watch), 0);
	grant_watch_socket(&watch, fd);
	ck_assert_int_eq(grants_settle(grants, &watch, 1), 0);
	ck_assert_ptr_eq(grants_find_same(user, &description), grant);
	description.inode = 8;
	ck_assert_ptr_null(grants_find_same(user, &description));
	description.inode = 7;
	description.steps[0] = 'x';
	ck_assert_ptr_null(grants_find_same(user, &description));
	close(fd);
}
END_TEST

/* Of all users together, watched or not: what has ended makes room, as often as that may be. */
START_TEST(the_limit_of_all_counts_what_is_open)
{
	const unsigned all = 1000;
	int owner = 0;

	for (int round = 0; round < 3; round++) {
		int fd = new_socket();

		grant_of(&fd, 1);
		ck_assert_int_eq(grants_reserve(grants, user, all, all - 1), 0);
		ck_assert_int_eq(grants_reserve(grants, user, 2 * all, all), -ENOSPC);
		close(fd);
		grants_sweep(grants, NULL);
		ck_assert_int_eq(grants_reserve(grants, user, 2 * all, all), 0);
		grants_add_unwatched_take(grants,
			grant_like(&(struct grant){.rule = {.name = "r"}, .user = user}), 2,
			&owner);
		ck_assert_int_eq(grants_reserve(grants, user, 2 * all, all - 1), -ENOSPC);
		grants_end(grants, &owner);
		ck_assert_int_eq(grants_reserve(grants, user, 2 * all, all), 0);
		ck_assert_uint_eq(user->grants, 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grant");
	TCase *cases = tcase_create("grant");

	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(cases, a_grant_ends_with_its_socket);
	tcase_add_test(cases, a_copy_keeps_it);
	tcase_add_test(cases, a_batch_ends_with_its_last);
	tcase_add_test(cases, one_socket_may_have_many_grants);
	tcase_add_test(cases, what_comes_and_goes_takes_few_sets);
	tcase_add_test(cases, what_is_not_watched_yet_is_not_gone);
	tcase_add_test(cases, a_failed_watch_leaves_nothing);
	tcase_add_test(cases, limits_count_what_is_open);
	tcase_add_test(cases, unwatched_ones_end_when_told);
	tcase_add_test(cases, the_same_again_has_one_record);
	tcase_add_test(cases, the_limit_of_all_counts_what_is_open);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
