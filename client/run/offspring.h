/*
 * The supervisor's children: the program, those that its descendants leave behind, and envoys
 * (elsewhere.h).
 *
 * With kernel.yama.ptrace_scope at 1, as on Ubuntu, a process is looked into only by its ancestors.
 * So the program is the supervisor's child; and where there is such a rule, the supervisor adopts
 * whoever of its descendants loses its parent.
 */
#ifndef SOCKD_CLIENT_RUN_OFFSPRING_H
#define SOCKD_CLIENT_RUN_OFFSPRING_H

#include <stdbool.h>
#include <sys/types.h>

/* Before the first child is forked. */
void offspring_adopt(void);

/* A descriptor that is readable when there is something to look after; SIGCHLD is to be blocked.
 * Returns a negative errno where there can be none. */
int offspring_watch(void);

/*
 * Reaps all that have ended. Tells of the program when it stops, and when it ends, before it is
 * reaped: whoever hears nothing of it any more finds it a child of its own. The status is as
 * waitpid(2) has it. Returns whether the program has ended.
 */
bool offspring_look_after(
	int watch, pid_t program, void (*tell)(int status, void *data), void *data);

#endif
