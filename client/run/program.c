#include "client/run/program.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "client/run/filter.h"
#include "client/run/options.h"
#include "client/run/say.h"
#include "client/run/supervise.h"
#include "proto/macro.h"
#include "proto/transport.h"

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t size = strlen(text);

	if (fd < 0)
		return negative_errno();
	ssize_t n = write(fd, text, size);
	if (n < 0)
		return negative_errno();
	return (size_t)n == size ? 0 : -EIO;
}

int program_map_root(void)
{
	char users[32], groups[32];

	snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
	snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
	int r = unshare(CLONE_NEWUSER) < 0 ? negative_errno() : 0;
	/* Without this the group may not be mapped by who has no right to. */
	if (r == 0)
		r = write_file("/proc/self/setgroups", "deny");
	if (r == 0)
		r = write_file("/proc/self/uid_map", users);
	if (r == 0)
		r = write_file("/proc/self/gid_map", groups);
	if (r < 0)
		say_error("--map-root: a user namespace cannot be made: %s (see the sysctls "
			  "user.max_user_namespaces, kernel.unprivileged_userns_clone and "
			  "kernel.apparmor_restrict_unprivileged_userns)",
			strerror(-r));
	return r;
}

static bool ignores_children;

void program_prepare(void)
{
	ignores_children = signal(SIGCHLD, SIG_DFL) == SIG_IGN;
}

int program_exec(char **command)
{
	if (ignores_children)
		(void)signal(SIGCHLD, SIG_IGN);
	(void)execvp(command[0], command);
	int error = errno;
	/* The kernel's word for it tells nothing: capabilities(7), "capability-dumb". */
	say_error("%s cannot be run: %s%s", command[0], strerror(error),
		error == EPERM ? " (a program with file capabilities is not started where the "
				 "bounding set lacks them: run a copy without them)"
			       : "");
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

void program_traits(struct program_traits *ret)
{
	*ret = (struct program_traits){0};
	(void)prctl(PR_GET_PDEATHSIG, &ret->death_signal, 0, 0, 0);
	(void)prctl(PR_GET_CHILD_SUBREAPER, &ret->is_subreaper, 0, 0, 0);
}

/* The parent whose death is meant is the first process's. With that it dies too or is sent the
 * signal, and the supervisor, which is the program's parent, dies with the first process. */
static void take_traits(const struct program_traits *traits)
{
	if (traits->death_signal != 0)
		(void)prctl(PR_SET_PDEATHSIG, traits->death_signal, 0, 0, 0);
	if (traits->is_subreaper)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* Returns one of SUPERVISE_GO_ON and its like, or a negative errno. */
static int wait_for_supervisor(const struct program *program)
{
	char word;
	ssize_t n = read(program->channel, &word, sizeof word);

	if (n < 0)
		return negative_errno();
	if (n != sizeof word)
		return -ECONNRESET;
	return word == SUPERVISE_GIVEN_UP ? -ECANCELED : word;
}

/* The listener goes to the supervisor; its answer is waited for, so that nothing of the program
 * runs before. */
static int hand_over(const struct program *program, int listener)
{
	const char word = 0;
	int r = transport_send(program->channel, &word, sizeof word, &listener, 1, 0);

	return r < 0 ? r : wait_for_supervisor(program);
}

static bool renumber(const char *variable, pid_t from)
{
	const char *value = getenv(variable);
	char text[16], other[16];

	snprintf(other, sizeof other, "%d", (int)from);
	snprintf(text, sizeof text, "%d", (int)getpid());
	if (!value || strcmp(value, other) != 0)
		return false;
	(void)setenv(variable, text, 1);
	return true;
}

/* What a service manager said of the process that started us it said of the program. */
static void become_program(pid_t stand_in)
{
	/* The number of a pidfd has no meaning before Linux 6.9, and may be left out. */
	if (renumber("LISTEN_PID", stand_in))
		(void)unsetenv("LISTEN_PIDFDID");
	(void)renumber("WATCHDOG_PID", stand_in);
	(void)renumber("SYSTEMD_EXEC_PID", stand_in);
}

static int enter_filter(struct filter_choice choice, bool sends)
{
	struct sock_fprog filter;

	if (!sends)
		windows_leave_sends(choice.windows);
	choice.sends = sends;
	int r = filter_make(&choice, &filter);
	if (r < 0)
		return r;
	r = filter_install(&filter);
	free(filter.filter);
	return r;
}

_Noreturn void program_run(const struct program *program)
{
	int word = wait_for_supervisor(program);

	if (word < 0)
		_exit(EXIT_SOCKD_RUN); /* it has said why */
	if (program->map_root && program_map_root() < 0)
		_exit(EXIT_SOCKD_RUN);
	int listener = enter_filter(program->filter, word != SUPERVISE_GO_ON_WITHOUT_SENDS);
	if (listener < 0) {
		say_error("the program's system calls cannot be supervised: %s%s",
			strerror(-listener),
			listener == -EBUSY ? " (another supervisor does that already)" : "");
		_exit(EXIT_SOCKD_RUN);
	}
	/* Not earlier: new capabilities undo it. Where the supervisor has ended before, what
	 * follows fails. */
	take_traits(&program->traits);
	int r = hand_over(program, listener);
	if (r < 0) {
		if (r != -ECANCELED) /* it has said why */
			say_error("the supervisor did not start: %s", strerror(-r));
		_exit(EXIT_SOCKD_RUN);
	}
	(void)close(listener);
	(void)close(program->channel);
	become_program(program->stand_in);
	sigprocmask(SIG_SETMASK, program->signals, NULL);
	_exit(program_exec(program->command));
}
