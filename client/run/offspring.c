#include "client/run/offspring.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run/sysctl.h"
#include "proto/macro.h"

void offspring_adopt(void)
{
	if (sysctl_number("/proc/sys/kernel/yama/ptrace_scope") > 0)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int offspring_watch(void)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGCHLD);
	int fd = signalfd(-1, &one, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? negative_errno() : fd;
}

static int status_of(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return __W_EXITCODE(info->si_status, 0);
	case CLD_DUMPED:
		return __W_EXITCODE(0, info->si_status) | WCOREFLAG;
	case CLD_KILLED:
		return __W_EXITCODE(0, info->si_status);
	default:
		return __W_STOPCODE(info->si_status);
	}
}

bool offspring_look_after(
	int watch, pid_t program, void (*tell)(int status, void *data), void *data)
{
	struct signalfd_siginfo signal;
	bool has_ended = false;

	(void)!read(watch, &signal, sizeof signal);
	for (;;) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) < 0 ||
			info.si_pid == 0)
			return has_ended;
		int status = status_of(&info), kind = WIFSTOPPED(status) ? WSTOPPED : WEXITED;
		if (info.si_pid == program) {
			tell(status, data);
			has_ended |= kind == WEXITED;
		}
		(void)waitid(P_PID, (id_t)info.si_pid, &info, kind | WNOHANG);
	}
}
