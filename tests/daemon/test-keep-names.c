/* The store, between real users: names of one's own and common ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"
#include "tests/daemon/keep.h"

static int meet_store(void *data _unused_)
{
	int fd = listen_here();

	EXPECT(sockd_store(fd, "meet", 0, SOCKD_COMMON) == 0);
	REFUSED(EEXIST, sockd_store(fd, "meet", 0, SOCKD_COMMON | SOCKD_NEW));
	return 0;
}

static int meet_fetch(void *data _unused_)
{
	struct sockd_stored *list;
	int fd = sockd_fetch("meet", SOCKD_COMMON);

	EXPECT(fd >= 0);
	REFUSED(ENOENT, sockd_fetch("meet", 0)); /* of its own it has none */
	EXPECT(sockd_stored(&list) == 1);
	EXPECT(strcmp(list->name, "meet") == 0 && list->flags == SOCKD_COMMON &&
		list->domain == AF_INET && list->type == SOCK_STREAM && list->left_usec == -1);
	free(list);
	return 0;
}

static int no_meeting(void *data _unused_)
{
	struct sockd_stored *list = (struct sockd_stored *)&list;

	REFUSED(ENOENT, sockd_fetch("meet", SOCKD_COMMON)); /* as if there were none */
	REFUSED(ENOENT, sockd_forget("meet", SOCKD_COMMON));
	EXPECT(sockd_stored(&list) == 0 && list == NULL);
	return 0;
}

/* Two users, each in a network namespace of its own. */
START_TEST(two_containers_meet_by_name)
{
	ck_assert_int_eq(in_a_namespace_of_its_own(meet_store, CLIENT_UID), 0);
	ck_assert_int_eq(in_a_namespace_of_its_own(meet_fetch, OTHER_UID), 0);
	ck_assert_int_eq(run_as(THIRD_UID, no_meeting, NULL), 0);
}
END_TEST

static int use_store(void *data _unused_)
{
	int one = listen_here(), two = listen_here();
	struct sockd_stored *list;
	char name[SOCKD_NAME_MAX + 2];

	EXPECT(sockd_store(one, "web-b", 0, SOCKD_NEW) == 0);
	REFUSED(EEXIST, sockd_store(two, "web-b", 0, SOCKD_NEW));
	int fd = sockd_fetch("web-b", 0);
	EXPECT(fd >= 0 && cookie_of(fd) == cookie_of(one));
	EXPECT(sockd_store(two, "web-b", 0, 0) == 0); /* replaced */
	fd = sockd_fetch("web-b", 0);
	EXPECT(fd >= 0 && cookie_of(fd) == cookie_of(two));
	EXPECT(sockd_store(one, "web-a", 60000000, 0) == 0);
	EXPECT(sockd_store(one, "web-c", 0, 0) == 0); /* the same socket twice */
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "web-%d", i);
		EXPECT(sockd_store(two, name, 0, 0) == 0);
	}
	REFUSED(EDQUOT, sockd_store(two, "web-9", 0, 0)); /* kept-per-user is 12 */
	EXPECT(sockd_store(two, "web-8", 0, 0) == 0);	  /* but what is there may be replaced */
	EXPECT(sockd_stored(&list) == 12);
	EXPECT(strcmp(list[0].name, "web-0") == 0 && strcmp(list[8].name, "web-8") == 0);
	EXPECT(strcmp(list[9].name, "web-a") == 0 && strcmp(list[11].name, "web-c") == 0);
	EXPECT(list[9].left_usec > 50000000 && list[9].left_usec <= 60000000);
	EXPECT(list[9].age_usec >= 0 && list[9].age_usec < 10000000 && list[9].flags == 0);
	free(list);
	fd = sockd_fetch("web-a", SOCKD_TAKE);
	EXPECT(fd >= 0 && cookie_of(fd) == cookie_of(one));
	REFUSED(ENOENT, sockd_fetch("web-a", 0));
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof name, "web-%d", i);
		EXPECT(sockd_forget(name, 0) == 0);
	}
	EXPECT(sockd_forget("web-b", 0) == 0 && sockd_forget("web-c", 0) == 0);
	REFUSED(ENOENT, sockd_forget("web-c", 0));

	memset(name, 'w', sizeof name);
	name[SOCKD_NAME_MAX + 1] = '\0';
	REFUSED(EINVAL, sockd_store(one, name, 0, 0));
	REFUSED(EINVAL, sockd_store(one, "", 0, 0));
	REFUSED(EINVAL, sockd_store(one, NULL, 0, 0));
	REFUSED(EINVAL, sockd_store(one, "web/../x", 0, 0));
	REFUSED(EINVAL, sockd_store(one, "web-a", -1, 0));
	REFUSED(EINVAL, sockd_store(one, "web-a", INT64_MAX, 0));
	REFUSED(EINVAL, sockd_store(one, "web-a", 0, SOCKD_TAKE));
	REFUSED(EINVAL, sockd_fetch("web-a", SOCKD_NEW));
	REFUSED(EINVAL, sockd_forget("web-a", SOCKD_NEW));
	return 0;
}

START_TEST(names_are_kept)
{
	size_t before = fds_at_rest();

	ck_assert_int_eq(run_as(CLIENT_UID, use_store, NULL), 0);
	ck_assert_uint_eq(fds_settled(before), before);
}
END_TEST

static int not_there(void *data _unused_)
{
	REFUSED(ENOENT, sockd_fetch("a", 0));
	REFUSED(ENOENT, sockd_forget("a", 0));
	return 0;
}

START_TEST(a_name_is_its_users)
{
	ck_assert_int_eq(run_as(CLIENT_UID, store_a, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, not_there, NULL), 0);
}
END_TEST

int main(void)
{
	TCase *tests = keep_case("keep-names");

	tcase_add_test(tests, two_containers_meet_by_name);
	tcase_add_test(tests, names_are_kept);
	tcase_add_test(tests, a_name_is_its_users);
	return keep_main("keep-names", tests);
}
