/* How a test program of Check's ends. */
#ifndef SOCKD_TESTS_SUITE_H
#define SOCKD_TESTS_SUITE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Runs the suite. Returns the program's exit status. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same with a real daemon, or says that it needs root. */
static inline int suite_run_as_root(Suite *suite)
{
	const int skipped = 77;

	if (geteuid() != 0) {
		puts("SKIP: needs root, for the daemon and for other users");
		return skipped;
	}
	return suite_run(suite);
}

#endif
