#include "client/run/follow.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run/say.h"
#include "proto/macro.h"

/* Our own faults are ours. */
static const int not_followed[] = {
	SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT, SIGKILL, SIGSTOP};

static void followed_signals(sigset_t *ret)
{
	sigfillset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(not_followed); i++)
		sigdelset(ret, not_followed[i]);
}

void follow_prepare(sigset_t *ret)
{
	sigset_t followed;

	followed_signals(&followed);
	sigprocmask(SIG_BLOCK, &followed, ret);
	/* Else nobody would be there to be waited for. */
	(void)signal(SIGCHLD, SIG_DFL);
}

/* So that a shell sees its job stop. Where the signal is ignored here, by the one that never is. */
static void stop_too(int number)
{
	struct sigaction action;
	sigset_t one, before;

	if (sigaction(number, NULL, &action) < 0 || action.sa_handler != SIG_DFL)
		number = SIGSTOP;
	sigemptyset(&one);
	sigaddset(&one, number);
	sigprocmask(SIG_UNBLOCK, &one, &before);
	(void)raise(number);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Returns true, and the status, when the program has ended. */
static bool look_after(pid_t program, pid_t supervisor, int *ret_status)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid == program && WIFSTOPPED(status))
			stop_too(WSTOPSIG(status));
		else if (pid == program) {
			*ret_status = status;
			return true;
		} else if (pid == supervisor && !WIFSTOPPED(status) && status != 0)
			say("the supervisor has ended; what the program asks of it now fails");
	}
	return false;
}

/* What a terminal sends goes to the whole foreground process group, the program included; but a
 * hangup goes to the leader of the session alone. */
static bool has_it_already(const siginfo_t *info, pid_t program)
{
	if (info->si_code == SI_KERNEL)
		return getsid(0) != getpid() ||
		       (info->si_signo != SIGHUP && info->si_signo != SIGCONT);
	return info->si_pid == program;
}

static void pass_on(const siginfo_t *info, pid_t program)
{
	if (has_it_already(info, program))
		return;
	if (info->si_code == SI_QUEUE)
		(void)sigqueue(program, info->si_signo, info->si_value);
	else
		(void)kill(program, info->si_signo);
}

int follow(pid_t program, pid_t supervisor)
{
	sigset_t followed;
	siginfo_t info;
	int status;

	followed_signals(&followed);
	for (;;) {
		int number = sigwaitinfo(&followed, &info);
		if (number == SIGCHLD) {
			if (look_after(program, supervisor, &status))
				return status;
		} else if (number > 0)
			pass_on(&info, program);
	}
}

_Noreturn void follow_end(int status)
{
	const struct rlimit no_core = {0, 0};
	sigset_t one;

	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	int number = WTERMSIG(status);
	/* The program has left its own. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(number, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	(void)raise(number);
	exit(128 + number);
}
