/*
 * The command line of sockd-run.
 */
#ifndef SOCKD_CLIENT_RUN_OPTIONS_H
#define SOCKD_CLIENT_RUN_OPTIONS_H

#include <stdbool.h>

/* As env(1) and its like have them; all others are the program's own. */
#define EXIT_SOCKD_RUN 125
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127

enum run_mode {
	RUN_AUTO,
	RUN_SECCOMP,
	RUN_PRELOAD,
};

struct options {
	enum run_mode mode;
	const char *socket; /* NULL: as the library finds it */
	const char *netns;  /* NULL: the program's own */
	const char *learn;  /* NULL: no */
	bool map_root, allow_io_uring, dry_run, require;
	char **command; /* NULL-terminated, of one word at least */
};

/* Returns 0 with *ret filled (it points into argv), and the level of say.h set; a positive number
 * is 1 + the exit status to end with. */
int options_parse(int argc, char **argv, struct options *ret);

#endif
