#include "client/run/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run/options.h"
#include "client/run/say.h"
#include "client/run/supervise.h"
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
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
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
	/* The terminal may have sent it to us as well: while it is blocked, both are one. */
	(void)raise(number);
	sigprocmask(SIG_UNBLOCK, &one, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* A shell that is the program has a process group of its own, which took the terminal; who resumes
 * our job gives the terminal to ours. */
static void give_terminal(pid_t program)
{
	pid_t group = getpgid(program);
	_cleanup_close_ int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (terminal >= 0 && group > 0 && group != getpgrp() && tcgetpgrp(terminal) == getpgrp())
		(void)tcsetpgrp(terminal, group);
}

static void stop_with_program(const struct followed *followed, int status)
{
	(void)supervise_send_word(followed->to_supervisor, SUPERVISE_PROGRAM_STOPPED);
	stop_too(WSTOPSIG(status));
	(void)supervise_send_word(followed->to_supervisor, SUPERVISE_PARENT_RESUMED);
	give_terminal(followed->program);
}

/* What the supervisor has told of its child; only the last counts. Returns true, and the status,
 * when that has ended. */
static bool hear_news(const struct followed *followed, int *ret_status)
{
	struct supervise_news news;
	int stopped = 0;

	while (recv(followed->to_supervisor, &news, sizeof news, MSG_DONTWAIT) == sizeof news) {
		if (!WIFSTOPPED(news.status)) {
			*ret_status = news.status;
			return true;
		}
		stopped = news.status;
	}
	if (stopped != 0)
		stop_with_program(followed, stopped);
	return false;
}

/* Of our own children. The program becomes one where the supervisor is killed. */
static bool look_after(const struct followed *followed, int *ret_status)
{
	bool alone = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid == followed->program && WIFSTOPPED(status))
			stop_with_program(followed, status);
		else if (pid == followed->program) {
			*ret_status = status;
			return true;
		} else if (pid == followed->supervisor && !WIFSTOPPED(status)) {
			alone = true;
			if (status != 0)
				say("the supervisor has ended; what the program asks of it now "
				    "fails");
		}
	}
	/* It may have told of the end just before its own; otherwise nobody knows. */
	if (alone &&
		waitid(P_PID, (id_t)followed->program, NULL, WEXITED | WNOHANG | WNOWAIT) < 0) {
		if (!hear_news(followed, ret_status))
			*ret_status = __W_EXITCODE(EXIT_SOCKD_RUN, 0);
		return true;
	}
	return false;
}

/* Does the kernel send it for what this process itself did? */
static bool is_own_doing(int number)
{
	return number == SIGPIPE || number == SIGXCPU || number == SIGXFSZ || number == SIGTTIN ||
	       number == SIGTTOU;
}

static bool is_sent_by_terminal(int number)
{
	return number == SIGINT || number == SIGQUIT || number == SIGTSTP || number == SIGWINCH ||
	       number == SIGHUP || number == SIGCONT;
}

/*
 * What a terminal sends goes to the whole foreground process group, the program included unless it
 * has left; where we lead the group it would be the leader itself, and could not. But a hangup goes
 * to the leader of the session alone.
 */
static bool is_of_same_group(const struct followed *followed, int number)
{
	if (getsid(0) == getpid() && (number == SIGHUP || number == SIGCONT))
		return false;
	return getpgrp() != getpid() || getpgid(followed->program) == getpgrp();
}

static bool has_it_already(const struct followed *followed, const siginfo_t *info)
{
	if (is_own_doing(info->si_signo) &&
		(info->si_code == SI_KERNEL || info->si_pid == getpid()))
		return true;
	if (info->si_code == SI_KERNEL)
		return is_sent_by_terminal(info->si_signo) &&
		       is_of_same_group(followed, info->si_signo);
	return info->si_pid == followed->program || info->si_pid == followed->supervisor;
}

static void send_signal(int pidfd, int number, siginfo_t *info)
{
	(void)syscall(SYS_pidfd_send_signal, pidfd, number, info, 0);
}

static void pass_on(const struct followed *followed, siginfo_t *info)
{
	/* It is of the job, and may have been stopped with it. */
	if (info->si_signo == SIGCONT)
		send_signal(followed->supervisor_pidfd, SIGCONT, NULL);
	if (!has_it_already(followed, info))
		send_signal(followed->program_pidfd, info->si_signo,
			info->si_code == SI_QUEUE ? info : NULL);
}

int follow(const struct followed *followed)
{
	sigset_t signals;
	siginfo_t info;
	int status;

	followed_signals(&signals);
	/* First: before this was called a SIGCHLD may have been lost. */
	while (!hear_news(followed, &status) && !look_after(followed, &status)) {
		int number = sigwaitinfo(&signals, &info);
		if (number > 0 && number != SIGCHLD)
			pass_on(followed, &info);
	}
	return status;
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
