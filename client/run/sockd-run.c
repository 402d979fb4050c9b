/* sockd-run: any program, unmodified, with its sockets from sockd. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/run/absolute.h"
#include "client/run/close-others.h"
#include "client/run/launch.h"
#include "client/run/options.h"
#include "client/run/preload.h"
#include "client/run/probe.h"
#include "client/run/program.h"
#include "client/run/say.h"
#include "client/run/target.h"
#include "proto/macro.h"

/* Which way is open to this program here. RUN_AUTO: none. */
static enum run_mode choose(const struct options *options)
{
	bool blind;
	int r = probe_supervision(&blind);
	/* By a supervisor that cannot answer every call, where there is no other way. */
	enum run_mode otherwise = r == 0 || r == -EACCES ? RUN_SECCOMP : RUN_AUTO;
	const char *why;

	if (r == 0 && !blind)
		return RUN_SECCOMP;
	say_verbosely("system calls cannot be supervised here: %s",
		r == 0	       ? "no process may be looked into (see the sysctl "
				 "kernel.yama.ptrace_scope; a seccomp filter that was there before "
				 "may bar it, too)"
		: r == -EACCES ? "a seccomp filter that was there before answers first"
		: r == -EBUSY  ? "another supervisor does that already"
		: r == -ESRCH  ? TARGET_NOT_IN_PROC
		: r == -ENOSYS ? "the kernel lacks what it takes, or a seccomp filter that was "
				 "there before bars it"
			       : strerror(-r));
	if (options->learn || options->dry_run || options->map_root)
		return otherwise;
	if (preload_can(options->command[0], &why))
		return RUN_PRELOAD;
	say_verbosely("the library cannot be loaded into the program: %s", why);
	return otherwise;
}

/* So that no socket of ours gets a number of the standard three. The program finds them closed as
 * they were. */
static int fill_standard_numbers(void)
{
	int fd;

	do
		fd = open_null();
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

/* For the supervisor, which leaves the user's directory, and for a program that does. */
static int name_broker(const char *option)
{
	const char *path = option ? option : secure_getenv("SOCKD_SOCKET");
	_cleanup_free_ char *absolute = NULL;

	/* From a directory that is gone nothing is found; the reason is said where it is tried. */
	if (path && *path && absolute_path(path, &absolute) == 0)
		path = absolute;
	return path && setenv("SOCKD_SOCKET", path, 1) < 0 ? negative_errno() : 0;
}

int main(int argc, char **argv)
{
	struct options options;

	int filled = fill_standard_numbers();
	if (filled < 0) {
		say_error("no descriptor can be opened: %s", strerror(-filled));
		return EXIT_SOCKD_RUN;
	}
	program_prepare();
	setlocale(LC_ALL, "");
	int r = options_parse(argc, argv, &options);
	if (r > 0)
		return fflush(stdout) != 0 ? EXIT_SOCKD_RUN : r - 1;
	r = name_broker(options.socket);
	if (r < 0) {
		say_error("the broker's socket cannot be named: %s", strerror(-r));
		return EXIT_SOCKD_RUN;
	}
	if (options.netns && setenv("SOCKD_NETNS", options.netns, 1) < 0)
		return EXIT_SOCKD_RUN;
	/* As the library reads the variable. */
	if (options.netns && *options.netns == '\0')
		options.netns = NULL;
	enum run_mode mode = options.mode == RUN_AUTO ? choose(&options) : options.mode;
	switch (mode) {
	case RUN_SECCOMP:
		if (options.mode == RUN_AUTO)
			say_verbosely("chosen: --mode=seccomp");
		return launch_supervised(&options);
	case RUN_PRELOAD:
		if (options.mode == RUN_AUTO)
			say_verbosely("chosen: --mode=preload");
		return preload_run(&options);
	case RUN_AUTO:
		break;
	}
	say_error("neither a supervisor nor the preload library can bring sockets to %s here%s%s",
		options.command[0], options.require ? "" : "; it runs without",
		say_level() == SAY_VERBOSE ? "" : " (--verbose says why)");
	return options.require ? EXIT_SOCKD_RUN : program_exec(options.command);
}
