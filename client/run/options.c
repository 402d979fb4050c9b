#include "client/run/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/run/say.h"
#include "config.h"
#include "proto/macro.h"
#include "proto/wire.h"

#define FINISH(status) (1 + (status))

enum {
	OPTION_HELP = 256,
	OPTION_VERSION,
	OPTION_MODE,
	OPTION_SOCKET,
	OPTION_NETNS,
	OPTION_MAP_ROOT,
	OPTION_ALLOW_IO_URING,
	OPTION_LEARN,
	OPTION_DRY_RUN,
	OPTION_REQUIRE,
	OPTION_QUIET,
	OPTION_VERBOSE,
};

static const struct option long_options[] = {
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"mode", required_argument, NULL, OPTION_MODE},
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"netns", required_argument, NULL, OPTION_NETNS},
	{"map-root", no_argument, NULL, OPTION_MAP_ROOT},
	{"allow-io-uring", no_argument, NULL, OPTION_ALLOW_IO_URING},
	{"learn", required_argument, NULL, OPTION_LEARN},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"require", no_argument, NULL, OPTION_REQUIRE},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"verbose", no_argument, NULL, OPTION_VERBOSE},
	{NULL, 0, NULL, 0},
};

static void print_help(void)
{
	puts("sockd-run [OPTION...] [--] PROGRAM [ARGUMENT...]\n\n"
	     "Runs an unmodified program so that the sockets it may not open or prepare itself\n"
	     "come from the socket broker sockd.\n\n"
	     "  --mode=MODE           seccomp: any program, by a supervisor of its system calls;\n"
	     "                        preload: a dynamically linked one, by a library;\n"
	     "                        auto (the default): whichever can\n"
	     "  --socket=PATH         the broker's socket\n"
	     "  --netns=WHERE         open sockets there: broker, or a name as in ip-netns(8)\n"
	     "  --map-root            let the program see itself as root, with no more rights\n"
	     "  --allow-io-uring      let it use io_uring, whose sockets are not supervised\n"
	     "  --learn=FILE          write the policy that the program would need\n"
	     "  --dry-run             say what would be asked and answered; give nothing\n"
	     "  --require             end with status 125 where the broker cannot be reached\n"
	     "  --quiet               say only why a program cannot be run\n"
	     "  --verbose             say what is chosen, asked and answered\n"
	     "  --help                show this and exit\n"
	     "  --version             show the version and exit\n\n"
	     "Environment:\n"
	     "  SOCKD_SOCKET, SOCKD_NETNS\n"
	     "                        as --socket and --netns\n\n"
	     "Exit status: the program's; 125 sockd-run failed, 126 PROGRAM cannot be run,\n"
	     "127 it is not found. See sockd-run(1).");
}

static int usage(const char *what, const char *which)
{
	say_error("%s%s%s; see sockd-run --help", what, which ? " " : "", which ? which : "");
	return FINISH(EXIT_SOCKD_RUN);
}

static int parse_mode(const char *text, enum run_mode *ret)
{
	static const char *const modes[] = {
		[RUN_AUTO] = "auto",
		[RUN_SECCOMP] = "seccomp",
		[RUN_PRELOAD] = "preload",
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(text, modes[i]) == 0) {
			*ret = (enum run_mode)i;
			return 0;
		}
	return usage("--mode is auto, seccomp or preload, not", text);
}

static int take_option(int option, char *value, struct options *ret)
{
	switch (option) {
	case OPTION_HELP:
		print_help();
		return FINISH(EXIT_SUCCESS);
	case OPTION_VERSION:
		puts("sockd-run " PACKAGE_VERSION);
		return FINISH(EXIT_SUCCESS);
	case OPTION_MODE:
		return parse_mode(value, &ret->mode);
	case OPTION_SOCKET:
		ret->socket = value;
		return 0;
	case OPTION_NETNS:
		ret->netns = value;
		return 0;
	case OPTION_MAP_ROOT:
		ret->map_root = true;
		return 0;
	case OPTION_ALLOW_IO_URING:
		ret->allow_io_uring = true;
		return 0;
	case OPTION_LEARN:
		ret->learn = value;
		return 0;
	case OPTION_DRY_RUN:
		ret->dry_run = true;
		return 0;
	case OPTION_REQUIRE:
		ret->require = true;
		return 0;
	case OPTION_QUIET:
		say_set_level(SAY_QUIET);
		return 0;
	case OPTION_VERBOSE:
		say_set_level(SAY_VERBOSE);
		return 0;
	default:
		return FINISH(EXIT_SOCKD_RUN);
	}
}

/* One that no namespace has the broker has no rule for, and the program's sockets would be where it
 * is. */
static bool is_namespace_name(const char *name)
{
	return strlen(name) <= WIRE_NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static int check(const struct options *options)
{
	if (!options->command[0])
		return usage("the program to run is missing", NULL);
	if (options->netns && !is_namespace_name(options->netns))
		return usage(
			"--netns (or SOCKD_NETNS) takes broker or a name as in ip-netns(8), not",
			options->netns);
	if (options->learn && options->dry_run)
		return usage(
			"--learn and --dry-run are two ways to run a program: choose one", NULL);
	if (options->mode == RUN_PRELOAD &&
		(options->learn || options->dry_run || options->map_root))
		return usage("--learn, --dry-run and --map-root need a supervisor, which "
			     "--mode=preload has not",
			NULL);
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	const char *netns = secure_getenv("SOCKD_NETNS");
	struct options options = {.netns = netns && *netns ? netns : NULL};
	int option;

	opterr = 0;
	/* The program's own options begin behind its name. */
	while ((option = getopt_long(argc, argv, "+:h", long_options, NULL)) != -1) {
		const char letter[] = {'-', (char)optopt, '\0'};
		if (option == ':')
			return usage("a value is missing after", argv[optind - 1]);
		if (option == '?' && optopt >= OPTION_HELP)
			return usage("this option takes no value:", argv[optind - 1]);
		if (option == '?')
			return usage("unknown or ambiguous option",
				optopt != 0 ? letter : argv[optind - 1]);
		int r = take_option(option == 'h' ? OPTION_HELP : option, optarg, &options);
		if (r != 0)
			return r;
	}
	options.command = argv + optind;
	int r = check(&options);
	if (r == 0)
		*ret = options;
	return r;
}
