/*
 * What sockd-run itself has to say: one line at a time on standard error, beside what the program
 * says there.
 */
#ifndef SOCKD_CLIENT_RUN_SAY_H
#define SOCKD_CLIENT_RUN_SAY_H

#include "proto/macro.h"

enum say_level {
	SAY_QUIET,   /* only why sockd-run cannot do its work at all */
	SAY_USUAL,   /* and what the user should know */
	SAY_VERBOSE, /* and each request */
};

void say_set_level(enum say_level level);
enum say_level say_level(void);

void say_error(const char *format, ...) _printf_(1, 2);
void say(const char *format, ...) _printf_(1, 2);
void say_verbosely(const char *format, ...) _printf_(1, 2);

#endif
