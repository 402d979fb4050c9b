#include "tests/daemon/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SKIPPED 77

int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int suite_run_as_root(Suite *suite)
{
	if (geteuid() != 0) {
		puts("SKIP: needs root, for the daemon and for other users");
		return SKIPPED;
	}
	return suite_run(suite);
}
