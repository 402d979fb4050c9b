/*
 * sockd-pack.h: the calls that take arguments one by one, errors and their words, hostile formats.
 * The language itself is compared with Python's by pack-python.py.
 */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/suite.h"

#define ASSERT_REFUSED(call, number, words) \
	do { \
		errno = 0; \
		ck_assert_int_eq((call), -1); \
		ck_assert_msg(errno == (number), "errno is %s", strerrorname_np(errno)); \
		ck_assert_msg(strstr(sockd_reason(), (words)) != NULL, "no '%s' in '%s'", (words), \
			sockd_reason()); \
	} while (0)

START_TEST(arguments_go_in_and_out)
{
	unsigned char buffer[256];
	char c;
	signed char b;
	unsigned char B;
	bool truth, no_truth;
	short h;
	unsigned short H;
	int i;
	unsigned I;
	long l;
	unsigned long L;
	long long q;
	unsigned long long Q;
	ssize_t n;
	size_t N, s_size, p_size;
	float e, f;
	double d;
	const void *s, *p;
	void *P;
	static const char format[] = "cbB??hHiIlLqQnNefd4s5pP";

	errno = 77;
	ssize_t size = sockd_pack(buffer, sizeof buffer, format, 'x', -128, 255, 17, 0, SHRT_MIN,
		USHRT_MAX, INT_MIN, UINT_MAX, LONG_MIN, ULONG_MAX, LLONG_MIN, ULLONG_MAX,
		(ssize_t)LONG_MIN, SIZE_MAX, 1.5, -0.1, 0.1, "ab", (size_t)2, "abcdef", (size_t)6,
		(void *)&buffer);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(size, sockd_calcsize(format));
	ck_assert_int_eq(sockd_calcvalues(format), 21);
	ck_assert_int_eq(
		sockd_unpack(buffer, (size_t)size, format, &c, &b, &B, &truth, &no_truth, &h, &H,
			&i, &I, &l, &L, &q, &Q, &n, &N, &e, &f, &d, &s, &s_size, &p, &p_size, &P),
		0);
	ck_assert_int_eq(errno, 77);
	ck_assert(c == 'x' && b == -128 && B == 255 && truth && !no_truth && h == SHRT_MIN);
	ck_assert(H == USHRT_MAX && i == INT_MIN && I == UINT_MAX && l == LONG_MIN);
	ck_assert(L == ULONG_MAX && q == LLONG_MIN && Q == ULLONG_MAX && n == LONG_MIN);
	ck_assert(N == SIZE_MAX && e == 1.5F && f == -0.1F && d == 0.1 && P == buffer);
	ck_assert(s_size == 4 && memcmp(s, "ab\0\0", 4) == 0);
	ck_assert(p_size == 4 && memcmp(p, "abcd", 4) == 0);
	ck_assert((const unsigned char *)s > buffer && (const unsigned char *)p < buffer + size);
}
END_TEST

START_TEST(a_value_may_be_passed_over)
{
	short h = 0;
	size_t size = 0;

	ck_assert_int_eq(sockd_unpack("\1\2ab\0\5", 6, "!BB2sh", NULL, NULL, NULL, &size, &h), 0);
	ck_assert_int_eq(h, 5);
	ck_assert_uint_eq(size, 2);
}
END_TEST

START_TEST(nothing_but_the_message_is_written)
{
	unsigned char buffer[8];

	memset(buffer, 0xee, sizeof buffer);
	ck_assert_int_eq(sockd_pack(buffer, sizeof buffer, "<bxh", 1, 0x0203), 4);
	ck_assert_mem_eq(buffer, "\1\0\3\2\xee\xee\xee\xee", 8);
	/* Where the second of two is wrong, the first is not written either. */
	ASSERT_REFUSED(sockd_pack(buffer, sizeof buffer, "bb", 9, 200), ERANGE,
		"value 2 is 200, and 'b' at character 2 of the format takes -128 to 127");
	ck_assert_mem_eq(buffer, "\1\0\3\2\xee\xee\xee\xee", 8);
	ck_assert_int_eq(sockd_pack(NULL, 0, ""), 0);
	ck_assert_int_eq(sockd_pack(NULL, 0, "0i0s", "ab", (size_t)2), 0);
	ck_assert_int_eq(sockd_unpack(NULL, 0, " "), 0);
	ck_assert_str_eq(sockd_reason(), "");
}
END_TEST

/* In bytes: SSIZE_MAX, one more, and what the larger codes make of that. */
#if SIZE_MAX > UINT32_MAX
#define MOST "9223372036854775807"
#define ONE_TOO_MANY "9223372036854775808"
#define HALF_OF_THEM "4611686018427387904"
#define EIGHTH_OF_THEM "1152921504606846976"
#define LAST_DIGIT "19"
#else
#define MOST "2147483647"
#define ONE_TOO_MANY "2147483648"
#define HALF_OF_THEM "1073741824"
#define EIGHTH_OF_THEM "268435456"
#define LAST_DIGIT "10"
#endif

static const struct {
	const char *format;
	int error;
	const char *words;
} bad[] = {
	{"i!", EINVAL, "character 2 of the format is '!'"},
	{" <i", EINVAL, "character 2 of the format is '<'"},
	{"4", EINVAL, "ends at character 2, after a count"},
	{"4 i", EINVAL, "character 2 of the format is the byte 0x20"},
	{"<n", EINVAL, "begin the format with '@'"},
	{"!P", EINVAL, "begin the format with '@'"},
	{"i\xc3\xa9", EINVAL, "the byte 0xc3"},
	{"-1i", EINVAL, "character 1 of the format is '-'"},
	{"%s", EINVAL, "character 1 of the format is '%'"},
	{ONE_TOO_MANY "x", EOVERFLOW, "at character " LAST_DIGIT},
	{"99999999999999999999999999999999x", EOVERFLOW, "more bytes than there can be"},
	{"x" MOST "x", EOVERFLOW, "more bytes than there can be"},
	{MOST "xi", EOVERFLOW, "more bytes than there can be"},
	{"<" HALF_OF_THEM "h", EOVERFLOW, "more bytes than there can be"},
	{EIGHTH_OF_THEM "q", EOVERFLOW, "more bytes than there can be"},
};

START_TEST(bad_formats)
{
	char buffer[64] = "";
	struct sockd_value values[4] = {0};

	ck_assert_uint_lt(_i, ARRAY_SIZE(bad));
	ASSERT_REFUSED(sockd_calcsize(bad[_i].format), bad[_i].error, bad[_i].words);
	ASSERT_REFUSED(sockd_calcvalues(bad[_i].format), bad[_i].error, bad[_i].words);
	ASSERT_REFUSED(
		sockd_pack(buffer, sizeof buffer, bad[_i].format), bad[_i].error, bad[_i].words);
	ASSERT_REFUSED(sockd_pack_values(buffer, sizeof buffer, bad[_i].format, values, 4),
		bad[_i].error, bad[_i].words);
	ASSERT_REFUSED(
		sockd_unpack(buffer, sizeof buffer, bad[_i].format), bad[_i].error, bad[_i].words);
	ASSERT_REFUSED(sockd_unpack_values(buffer, sizeof buffer, bad[_i].format, values, 4),
		bad[_i].error, bad[_i].words);
}
END_TEST

/* Counts that are right, and far larger than anything there is. */
START_TEST(absurd_counts)
{
	char buffer[8] = "";
	struct sockd_value values[2] = {0};

	ck_assert_int_eq(sockd_calcsize(MOST "x"), SSIZE_MAX);
	ck_assert_int_eq(sockd_calcvalues(MOST "b"), SSIZE_MAX);
	ASSERT_REFUSED(sockd_calcvalues(MOST "b0s"), EOVERFLOW, "more values");
	ASSERT_REFUSED(sockd_pack(buffer, 8, MOST "b"), ENOSPC,
		"stands for " MOST " bytes, and there is room for 8");
	ASSERT_REFUSED(sockd_pack_values(buffer, SSIZE_MAX, MOST "b", values, 2), EINVAL,
		"stands for " MOST " values, and there are 2");
	ASSERT_REFUSED(sockd_unpack(buffer, 8, MOST "b"), EBADMSG, "the data has 8");
	ASSERT_REFUSED(
		sockd_unpack_values(buffer, 8, MOST "s", values, 2), EBADMSG, "the data has 8");
}
END_TEST

START_TEST(wrong_values)
{
	unsigned char buffer[16];
	struct sockd_value value = {.kind = SOCKD_VALUE_REAL, .as.real = 1};
	struct sockd_value kinds[2] = {{.kind = SOCKD_VALUE_TRUTH}, {.kind = 0}};

	ASSERT_REFUSED(sockd_pack_values(buffer, 16, "xi", &value, 1), EINVAL,
		"value 1, for 'i' at character 2 of the format, must be an integer");
	ASSERT_REFUSED(sockd_pack_values(buffer, 16, "s", &value, 1), EINVAL, "must be bytes");
	ASSERT_REFUSED(
		sockd_pack_values(buffer, 16, "?b", kinds, 2), EINVAL, "value 2 has no kind");
	ASSERT_REFUSED(sockd_pack_values(buffer, 16, "bb", kinds, 1), EINVAL,
		"stands for 2 values, and there are 1");
	ASSERT_REFUSED(sockd_pack_values(buffer, 16, "b", NULL, 1), EINVAL, "the values are NULL");
	ASSERT_REFUSED(sockd_pack(buffer, 16, NULL), EINVAL, "the format is NULL");
	ASSERT_REFUSED(sockd_pack(NULL, 16, "b", 1), EINVAL, "the buffer is NULL");
	ASSERT_REFUSED(sockd_unpack(NULL, 1, "b"), EINVAL, "the data is NULL");
	ASSERT_REFUSED(sockd_unpack_values("a", 1, "b", NULL, 1), EINVAL, "is NULL");
	ASSERT_REFUSED(sockd_unpack_values("aa", 2, "bb", kinds, 1), ENOSPC, "room for 1");
	ASSERT_REFUSED(sockd_pack(buffer, 16, "s", NULL, (size_t)1), EINVAL, "is NULL");
	ASSERT_REFUSED(sockd_pack(buffer, 3, "i", 1), ENOSPC, "4 bytes, and there is room for 3");
	ASSERT_REFUSED(sockd_pack(buffer, 16, "!e", 65520.0), ERANGE, "value 1 is 65520");
	ASSERT_REFUSED(sockd_pack(buffer, 16, "!f", 1e39), ERANGE, "too large for 'f'");
	ASSERT_REFUSED(sockd_pack(buffer, 16, "f", -1e39), ERANGE, "too large for 'f'");
	if (sizeof(long) > 4)
		ASSERT_REFUSED(sockd_pack(buffer, 16, "!l", (long)(INT64_C(1) << 40)), ERANGE,
			"1099511627776");
	ASSERT_REFUSED(sockd_pack(buffer, 16, "H", -1), ERANGE, "takes 0 to 65535");
}
END_TEST

START_TEST(data_is_untouched_where_the_size_is_wrong)
{
	int a = 5;
	struct sockd_value value = {.kind = 99};

	ASSERT_REFUSED(sockd_unpack("abcde", 5, "i", &a), EBADMSG,
		"the format stands for 4 bytes, and the data has 5");
	ASSERT_REFUSED(sockd_unpack("abc", 3, "i", &a), EBADMSG, "the data has 3");
	ASSERT_REFUSED(sockd_unpack_values("abc", 3, "i", &value, 1), EBADMSG, "the data has 3");
	ck_assert_int_eq(a, 5);
	ck_assert_int_eq(value.kind, 99);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack");
	TCase *all = tcase_create("all");

	tcase_add_test(all, arguments_go_in_and_out);
	tcase_add_test(all, a_value_may_be_passed_over);
	tcase_add_test(all, nothing_but_the_message_is_written);
	tcase_add_loop_test(all, bad_formats, 0, ARRAY_SIZE(bad));
	tcase_add_test(all, absurd_counts);
	tcase_add_test(all, wrong_values);
	tcase_add_test(all, data_is_untouched_where_the_size_is_wrong);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
