/*
 * The supervisor's process: what is around the answering of calls (supervisor.h).
 *
 * It has no terminal, no descriptor of the program's but standard error, and no limit of
 * descriptors below the hard one. It ends when nothing is left to supervise; at once, so that calls
 * fail, where the process that stands for the program was killed; and of a signal only by SIGKILL:
 * whoever ends the program and all around it lets it end first.
 */
#ifndef SOCKD_CLIENT_RUN_SUPERVISE_H
#define SOCKD_CLIENT_RUN_SUPERVISE_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "client/run/options.h"
#include "client/run/window.h"

/* What it says first. */
struct supervise_report {
	pid_t program;
	int error;	  /* positive: there is no broker, because of this */
	char reason[512]; /* "": it has said itself why it cannot go on */
};

/* What it says later, and sends SIGCHLD with it: that its child, the program, has ended or stopped,
 * as waitpid(2) has it. */
struct supervise_news {
	int status;
};

/* What it tells the program: it goes on, or it ends, and why has been said. */
#define SUPERVISE_GO_ON 1
#define SUPERVISE_GIVEN_UP 0
/* Before there is a filter: no rule lets it have anything sent. */
#define SUPERVISE_GO_ON_WITHOUT_SENDS 2

/* What it is told. The program may begin. */
#define SUPERVISE_BEGIN 'B'
/* Answered with the same byte when it has done what was still due. */
#define SUPERVISE_PROGRAM_ENDED 'E'
/* And its parent is about to stop too; until it says that it goes on, it is woken when the program
 * is no longer stopped. */
#define SUPERVISE_PROGRAM_STOPPED 'S'
#define SUPERVISE_PARENT_RESUMED 'R'

/* Returns false where nobody is there to hear it. */
static inline bool supervise_send_word(int to, char word)
{
	return send(to, &word, sizeof word, MSG_NOSIGNAL) == sizeof word;
}

/* with_program: where the listener comes from; with_parent: what the report goes to. Both are
 * taken. */
_Noreturn void supervise(const struct options *options, const struct window *windows, pid_t program,
	int with_program, int with_parent);

/* Ends the process instead, which has said why. */
_Noreturn void supervise_not(int with_parent);

#endif
