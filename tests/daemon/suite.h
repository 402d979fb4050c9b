/* How a test program with a real daemon ends. */
#ifndef SOCKD_TESTS_DAEMON_SUITE_H
#define SOCKD_TESTS_DAEMON_SUITE_H

#include <check.h>

/* Runs the suite, or says that it needs root. Returns the program's exit status. */
int suite_run_as_root(Suite *suite);

#endif
