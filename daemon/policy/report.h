/*
 * The errors of a policy that is being loaded: written as they are found, counted, and cut off
 * where nobody would read on.
 */
#ifndef SOCKD_DAEMON_POLICY_REPORT_H
#define SOCKD_DAEMON_POLICY_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include "daemon/policy/position.h"
#include "proto/macro.h"

#define REPORT_ERRORS_MAX 100u

struct report {
	FILE *out; /* borrowed */
	unsigned n_errors;
};

/* "FILE:LINE:COLUMN: rule NAME: ...". at NULL: the file as a whole; rule NULL: no rule. */
void report_error(struct report *report, const char *file, const struct position *at,
	const char *rule, const char *format, ...) _printf_(5, 6);

/* Text of a file made fit for a message: printable, quoted, cut. Returns buffer. */
#define REPORT_QUOTE_MAX 80u
const char *report_quote(const char *text, char buffer[static REPORT_QUOTE_MAX]);

#endif
