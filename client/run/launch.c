#include "client/run/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run/close-others.h"
#include "client/run/filter.h"
#include "client/run/follow.h"
#include "client/run/offspring.h"
#include "client/run/program.h"
#include "client/run/say.h"
#include "client/run/supervise.h"
#include "client/run/target.h"
#include "client/run/window.h"
#include "proto/macro.h"

/* Where the module of Bluetooth is loaded there may be controllers. The filter must not see what is
 * sent on the channel: it is there before anybody can answer. */
static void choose_windows(int channel, struct window *ret)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = 0;
	windows_choose(limit.rlim_cur, access("/sys/class/bluetooth", F_OK) == 0, ret);
	for (unsigned i = 0; i < WINDOWS; i++)
		if (channel >= ret[i].first && channel - ret[i].first < (int)ret[i].size)
			ret[i] = (struct window){0};
}

static int make_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? negative_errno()
									      : 0;
}

static void close_pair(const int pair[2])
{
	close_quietly(pair[0]);
	close_quietly(pair[1]);
}

/* Its first word: whether there is a broker. Returns 0, or -ENOTCONN where there is none. */
static int hear_of_broker(int to_supervisor, bool require, pid_t *ret_program)
{
	struct supervise_report report = {0};
	ssize_t n = read(to_supervisor, &report, sizeof report);

	if (n != sizeof report) {
		say_error("the supervisor did not start");
		return -ECONNRESET;
	}
	report.reason[sizeof report.reason - 1] = '\0';
	*ret_program = report.program;
	if (report.error == 0)
		return 0;
	if (report.reason[0] == '\0')
		return -ECANCELED;
	if (require)
		say_error("%s", report.reason);
	else
		say("%s; the program runs without it", report.reason);
	return require ? -ENOTCONN : 0;
}

/* Tells it that the program has ended, so that it goes on for what is left and does not take the
 * end of this process for an accident. */
static void part_from_supervisor(int to_supervisor)
{
	char word;

	if (supervise_send_word(to_supervisor, SUPERVISE_PROGRAM_ENDED))
		(void)!read(to_supervisor, &word, sizeof word);
}

/* The supervisor's process, and the program's, which is its child. */
static _Noreturn void run_both(
	const struct options *options, struct program *run, int with_program, int with_us)
{
	offspring_adopt();
	pid_t program = fork();
	if (program == 0) {
		close_quietly(with_program);
		close_quietly(with_us);
		program_run(run);
	}
	if (program < 0) {
		say_error("the program cannot be started: %s", strerror(errno));
		supervise_not(with_us);
	}
	close_quietly(run->channel);
	supervise(options, run->filter.windows, program, with_program, with_us);
}

int launch_supervised(const struct options *options)
{
	struct filter_choice choice = {
		.any_namespace = options->netns != NULL,
		.allow_io_uring = options->allow_io_uring,
	};
	int with_program[2] = {-1, -1}, with_us[2] = {-1, -1};
	sigset_t signals, blocked;

	if (!target_is_in_proc()) {
		say_error("the program cannot be supervised: " TARGET_NOT_IN_PROC);
		return EXIT_SOCKD_RUN;
	}
	int r = filter_can_be_made();
	if (r == 0)
		r = make_pair(with_program);
	if (r == 0)
		r = make_pair(with_us);
	if (r < 0) {
		say_error("the supervisor cannot be made: %s", strerror(-r));
		close_pair(with_program);
		close_pair(with_us);
		return EXIT_SOCKD_RUN;
	}
	choose_windows(with_program[1], choice.windows);
	struct program_traits traits;
	program_traits(&traits);
	follow_prepare(&signals);
	struct program run = {
		.command = options->command,
		.map_root = options->map_root,
		.filter = choice,
		.signals = &signals,
		.traits = traits,
		.stand_in = getpid(),
		.channel = with_program[1],
	};
	struct followed followed = {.supervisor = fork(), .to_supervisor = with_us[1]};
	if (followed.supervisor == 0) {
		close_quietly(with_us[1]);
		run_both(options, &run, with_program[0], with_us[0]);
	}
	if (followed.supervisor < 0) {
		say_error("the supervisor cannot be started: %s", strerror(errno));
		return EXIT_SOCKD_RUN;
	}
	/* What the program lets go of is to be gone, and where it no longer is nobody is. */
	(void)!chdir("/");
	put_null(STDIN_FILENO, STDOUT_FILENO);
	close_all_but(with_us[1], with_us[1]);
	/* Until there is a program, signals are for us. */
	(void)sigprocmask(SIG_SETMASK, &signals, &blocked);
	r = hear_of_broker(with_us[1], options->require, &followed.program);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
	if (r < 0)
		return EXIT_SOCKD_RUN;
	followed.program_pidfd = (int)syscall(SYS_pidfd_open, followed.program, 0);
	followed.supervisor_pidfd = (int)syscall(SYS_pidfd_open, followed.supervisor, 0);
	if (followed.program_pidfd < 0 || followed.supervisor_pidfd < 0) {
		say_error("the program cannot be followed: %s", strerror(errno));
		return EXIT_SOCKD_RUN;
	}
	if (!supervise_send_word(with_us[1], SUPERVISE_BEGIN)) {
		say_error("the supervisor cannot be told to begin: %s", strerror(errno));
		return EXIT_SOCKD_RUN;
	}
	int status = follow(&followed);
	part_from_supervisor(with_us[1]);
	follow_end(status);
}
