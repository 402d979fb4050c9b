/*
 * What the tests of what sockd gives up have in common. Check runs each test in a process of its
 * own, so that a drop ends with its test.
 */
#ifndef SOCKD_TESTS_DAEMON_DROPPED_H
#define SOCKD_TESTS_DAEMON_DROPPED_H

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/privilege.h"

#define CAP(name) (UINT64_C(1) << (name))
#define USER 65534

extern const struct account account; /* USER */

/* A new directory for the test; dropped_main() removes it. */
void make_directory(char *name, size_t size);
/* A hexadecimal field of the calling thread's /proc/…/status. */
uint64_t read_caps(const char *field);
/* privilege_drop() and privilege_fence(), which must succeed and do what they say. */
void drop(uint64_t capabilities);
void fence(const struct fence_options *options);

#define ck_assert_fails(call, error) \
	do { \
		errno = 0; \
		ck_assert_int_eq((call), -1); \
		ck_assert_int_eq(errno, (error)); \
	} while (0)

/* Runs the suite, or says that it needs root. Returns the program's exit status. */
int dropped_main(Suite *suite);

#endif
