/*
 * The process that becomes the program.
 */
#ifndef SOCKD_CLIENT_RUN_PROGRAM_H
#define SOCKD_CLIENT_RUN_PROGRAM_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "client/run/filter.h"

/* What execve(2) keeps and fork(2) does not. */
struct program_traits {
	int death_signal; /* of PR_SET_PDEATHSIG; 0: none */
	int is_subreaper;
};

struct program {
	char **command;
	bool map_root;
	struct filter_choice filter;
	const sigset_t *signals; /* the mask to start with */
	struct program_traits traits;
	pid_t stand_in; /* the process that stands for the program */
	int channel;	/* to the supervisor */
};

/* Of this process, which the program is to have. */
void program_traits(struct program_traits *ret);

/* When the supervisor says so: runs the program in this process, which has one thread; ends it
 * where that fails. */
_Noreturn void program_run(const struct program *program);

/* Puts this process into a user namespace where it is root and nobody else is anybody. Returns 0 or
 * a negative errno, after saying what is wrong. */
int program_map_root(void);

/* Children are to be waited for here, even where the program will ignore them. To be called first.
 */
void program_prepare(void);

/* execvp(3); returns the exit status to end with, after saying why. */
int program_exec(char **command);

#endif
