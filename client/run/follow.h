/*
 * The process that the user sees stands for the program: signals sent to it reach the program, it
 * stops and goes on with it, and ends as it ends.
 */
#ifndef SOCKD_CLIENT_RUN_FOLLOW_H
#define SOCKD_CLIENT_RUN_FOLLOW_H

#include <signal.h>
#include <sys/types.h>

/* Blocks what follow() will wait for. To be called before anything is forked; *ret is the mask to
 * be restored in the program. */
void follow_prepare(sigset_t *ret);

/* Signals go by the pidfds: the numbers may soon be others', since it is the supervisor that reaps
 * the program, and may itself be killed before that ends. */
struct followed {
	pid_t program, supervisor; /* its child, and ours */
	int program_pidfd, supervisor_pidfd;
	int to_supervisor; /* it tells how the program fares, and is told that it has stopped */
};

/* Returns when the program has ended: its status as waitpid(2) has it. Others that end meanwhile
 * are reaped; that the supervisor has ended is said. */
int follow(const struct followed *followed);

/* Ends this process as the program ended: with its status, or by its signal. */
_Noreturn void follow_end(int status);

#endif
