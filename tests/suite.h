/* How a test program ends. */
#ifndef SOCKD_TESTS_DAEMON_SUITE_H
#define SOCKD_TESTS_DAEMON_SUITE_H

#include <check.h>

/* Runs the suite. Returns the program's exit status. */
int suite_run(Suite *suite);
/* The same with a real daemon, or says that it needs root. */
int suite_run_as_root(Suite *suite);

#endif
