/* The maps of user namespaces: what is in one, and whether it holds everybody. */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/id-map.h"
#include "proto/macro.h"
#include "tests/suite.h"

static struct id_map read_text(const char *text)
{
	char path[] = "/tmp/sockd-id-map-XXXXXX";
	struct id_map map;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close_quietly(fd);
	memset(&map, 0xff, sizeof map);
	int r = id_map_read(path, &map);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(r, 0);
	return map;
}

START_TEST(an_id_is_of_one_extent)
{
	const struct id_map map = read_text("         0     100000      65536\n"
					    "     70000       1000          1\n"
					    "4294967294          5          1\n");

	ck_assert_uint_eq(map.n, 3);
	ck_assert_ptr_eq(id_map_find(&map, 0), &map.extents[0]);
	ck_assert_ptr_eq(id_map_find(&map, 65535), &map.extents[0]);
	ck_assert_ptr_null(id_map_find(&map, 65536));
	ck_assert_ptr_null(id_map_find(&map, 69999));
	ck_assert_ptr_eq(id_map_find(&map, 70000), &map.extents[1]);
	ck_assert_uint_eq(map.extents[1].outside, 1000);
	ck_assert_ptr_null(id_map_find(&map, 70001));
	ck_assert_ptr_null(id_map_find(&map, 4294967293));
	ck_assert_ptr_eq(id_map_find(&map, 4294967294), &map.extents[2]);
	ck_assert_ptr_null(id_map_find(&map, UINT32_MAX));
}
END_TEST

/* The first user namespace has all but the id that is none; so may another one, in parts. */
START_TEST(a_whole_map_has_every_id)
{
	static const struct {
		const char *text;
		bool whole;
	} cases[] = {
		{"0 0 4294967295\n", true},
		{"0 0 4294967294\n", false},
		{"0 0 1000\n1000 1000 4294966295\n", true},
		{"0 0 1000\n1000 1000 4294966294\n", false},
		{"0 100000 65536\n", false},
		{"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct id_map map = read_text(cases[i].text);
		ck_assert_msg(id_map_is_whole(&map) == cases[i].whole, "case %zu", i);
	}
}
END_TEST

START_TEST(equal_maps_have_the_same_extents)
{
	const struct id_map one = read_text("0 100000 1000\n1000 5 1\n"),
			    same = read_text("0 100000 1000\n1000 5 1\n"),
			    shorter = read_text("0 100000 1000\n"),
			    other = read_text("0 100000 1000\n1000 5 2\n");

	ck_assert(id_map_equal(&one, &same));
	ck_assert(!id_map_equal(&one, &shorter));
	ck_assert(!id_map_equal(&shorter, &one));
	ck_assert(!id_map_equal(&one, &other));
}
END_TEST

START_TEST(no_more_is_read_than_there_is)
{
	static char many[(ID_EXTENTS_MAX + 5) * sizeof "10000 10000 1\n"];
	struct id_map map = read_text("1 2 3\n4 5\n");
	char *end = many;

	ck_assert_uint_eq(map.n, 1);
	ck_assert_int_eq(id_map_read("/nonexistent/uid_map", &map), -ENOENT);
	for (unsigned i = 0; i < ID_EXTENTS_MAX + 5; i++)
		end += sprintf(end, "%u %u 1\n", i, i);
	map = read_text(many);
	ck_assert_uint_eq(map.n, ID_EXTENTS_MAX);
	ck_assert_ptr_nonnull(id_map_find(&map, ID_EXTENTS_MAX - 1));
	ck_assert_ptr_null(id_map_find(&map, ID_EXTENTS_MAX));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("id-map");
	TCase *tests = tcase_create("id-map");

	tcase_add_test(tests, an_id_is_of_one_extent);
	tcase_add_test(tests, a_whole_map_has_every_id);
	tcase_add_test(tests, equal_maps_have_the_same_extents);
	tcase_add_test(tests, no_more_is_read_than_there_is);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
