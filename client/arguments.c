#include "client/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "config.h"
#include "proto/macro.h"

#ifndef SOCKD_MANAGEMENT_PATH
#define SOCKD_MANAGEMENT_PATH "/run/sockd/management"
#endif

#define FINISH(status) (1 + (status))

enum {
	OPTION_HELP = 256,
	OPTION_VERSION,
	OPTION_JSON,
	OPTION_NO_PAGER,
	OPTION_MANAGEMENT,
	OPTION_USER,
	OPTION_GROUP,
	OPTION_GROUPS,
	OPTION_LISTENER,
	OPTION_UNIT,
	OPTION_SLICE,
	OPTION_USER_UNIT,
	OPTION_FOREIGN,
	OPTION_APPLY,
	OPTION_NETNS,
	OPTION_COUNT,
	OPTION_DRY_RUN,
	OPTION_BIND,
	OPTION_CONNECT,
	OPTION_LISTEN,
	OPTION_OPTION,
	OPTION_MESSAGE,
	OPTION_PROCESS,
	OPTION_EXPIRES,
	OPTION_ACTION,
	OPTION_NAME,
	OPTION_NEW,
	OPTION_TAKE,
	OPTION_COMMON,
};

#define VERBS_ALL (VERB_OPEN | VERBS_ADMIN | VERBS_KEEP)
#define VERBS_KEEP \
	(VERB_SHARE | VERB_FROMSHARE | VERB_STORE | VERB_FETCH | VERB_STORED | VERB_FORGET)
#define VERBS_COMMAND (VERB_OPEN | VERB_FROMSHARE | VERB_FETCH)
#define VERBS_ADMIN (VERB_CHECK | VERB_LIST | VERB_STATUS | VERB_RELOAD | VERB_FAMILIES)
#define VERBS_REQUEST (VERB_OPEN | VERB_CHECK)

static const struct option_use {
	struct option option;
	unsigned verbs; /* for which it makes sense */
} uses[] = {
	{{"help", no_argument, NULL, OPTION_HELP}, VERBS_ALL},
	{{"version", no_argument, NULL, OPTION_VERSION}, VERBS_ALL},
	{{"json", optional_argument, NULL, OPTION_JSON}, VERBS_ALL},
	{{"no-pager", no_argument, NULL, OPTION_NO_PAGER}, VERBS_ALL},
	{{"management", required_argument, NULL, OPTION_MANAGEMENT}, VERBS_ADMIN},
	{{"uid", required_argument, NULL, OPTION_USER}, VERB_CHECK | VERB_SHARE},
	{{"user", required_argument, NULL, OPTION_USER}, VERB_CHECK | VERB_SHARE},
	{{"gid", required_argument, NULL, OPTION_GROUP}, VERB_CHECK | VERB_SHARE},
	{{"groups", required_argument, NULL, OPTION_GROUPS}, VERB_CHECK},
	{{"pid", required_argument, NULL, OPTION_PROCESS}, VERB_SHARE},
	{{"expires", required_argument, NULL, OPTION_EXPIRES}, VERB_SHARE | VERB_STORE},
	{{"action", required_argument, NULL, OPTION_ACTION}, VERB_CHECK},
	{{"name", required_argument, NULL, OPTION_NAME}, VERB_CHECK},
	{{"new", no_argument, NULL, OPTION_NEW}, VERB_STORE},
	{{"take", no_argument, NULL, OPTION_TAKE}, VERB_FETCH},
	{{"common", no_argument, NULL, OPTION_COMMON},
		VERB_STORE | VERB_FETCH | VERB_FORGET | VERB_CHECK},
	{{"listener", required_argument, NULL, OPTION_LISTENER}, VERB_CHECK},
	{{"unit", required_argument, NULL, OPTION_UNIT}, VERB_CHECK},
	{{"slice", required_argument, NULL, OPTION_SLICE}, VERB_CHECK},
	{{"user-unit", required_argument, NULL, OPTION_USER_UNIT}, VERB_CHECK},
	{{"foreign", no_argument, NULL, OPTION_FOREIGN}, VERB_CHECK},
	{{"apply", no_argument, NULL, OPTION_APPLY}, VERB_CHECK},
	{{"netns", required_argument, NULL, OPTION_NETNS}, VERBS_REQUEST},
	{{"count", required_argument, NULL, OPTION_COUNT}, VERB_OPEN},
	{{"dry-run", no_argument, NULL, OPTION_DRY_RUN}, VERB_OPEN},
	{{"bind", required_argument, NULL, OPTION_BIND}, VERBS_REQUEST},
	{{"connect", required_argument, NULL, OPTION_CONNECT}, VERBS_REQUEST},
	{{"listen", optional_argument, NULL, OPTION_LISTEN}, VERBS_REQUEST},
	{{"option", required_argument, NULL, OPTION_OPTION}, VERBS_REQUEST},
	{{"message", required_argument, NULL, OPTION_MESSAGE}, VERB_CHECK},
};

static const struct {
	const char *name;
	enum verb verb;
	size_t words_min, words_max;
	const char *missing;
} verbs[] = {
	{"open", VERB_OPEN, 2, 3, "FAMILY and TYPE are missing after"},
	{"check", VERB_CHECK, 2, 3, "FAMILY and TYPE are missing after"},
	{"list", VERB_LIST, 0, 0, NULL},
	{"status", VERB_STATUS, 0, 0, NULL},
	{"reload", VERB_RELOAD, 0, 0, NULL},
	{"families", VERB_FAMILIES, 0, 0, NULL},
	{"share", VERB_SHARE, 1, 1, "the descriptor's number, or -, is missing after"},
	{"fromshare", VERB_FROMSHARE, 1, 1, "the ticket, or -, is missing after"},
	{"store", VERB_STORE, 1, 2, "a name is missing after"},
	{"fetch", VERB_FETCH, 1, 1, "a name is missing after"},
	{"stored", VERB_STORED, 0, 0, NULL},
	{"forget", VERB_FORGET, 1, 1, "a name is missing after"},
};

static void print_help(void)
{
	puts("sockctl [OPTION...] COMMAND\n\n"
	     "Asks the socket broker sockd for sockets, and about its policy.\n\n"
	     "Commands:\n"
	     "  open FAMILY TYPE [PROTOCOL] [-- COMMAND [ARGUMENT...]]\n"
	     "                        ask for a socket; run COMMAND with it as descriptor 3 and\n"
	     "                        LISTEN_FDS set, or say what it is and close it\n"
	     "  check FAMILY TYPE [PROTOCOL]\n"
	     "                        would this be allowed, by which rule, and if not why\n"
	     "  share FD|-            give descriptor FD (-: standard input) to the broker and "
	     "print\n"
	     "                        a ticket, good for one other process\n"
	     "  fromshare TICKET|- [-- COMMAND [ARGUMENT...]]\n"
	     "                        take the socket (-: the ticket is on standard input)\n"
	     "  store NAME [FD]       let the broker keep descriptor FD (standard input) as NAME\n"
	     "  fetch NAME [-- COMMAND [ARGUMENT...]]\n"
	     "                        a socket that is kept\n"
	     "  stored                the names that are kept for you\n"
	     "  forget NAME           end the keeping\n"
	     "  list                  the grants whose sockets are open\n"
	     "  status                what the broker is doing\n"
	     "  reload                make the broker read its policy again\n"
	     "  families              what this kernel has, what the policy speaks of, and what a\n"
	     "                        broker adds\n\n"
	     "Options of open and check, carried out in the order given:\n"
	     "  --bind=ADDRESS        bind the socket\n"
	     "  --connect=ADDRESS     connect it\n"
	     "  --listen[=BACKLOG]    listen on it\n"
	     "  --option=NAME=VALUE   set a socket option, such as SO_MARK=7\n"
	     "  --netns=WHERE         peer, broker, or a name as in ip-netns(8)\n"
	     "Of open:\n"
	     "  --count=N             so many sockets, as descriptors 3, 4, ...\n"
	     "  --dry-run             only ask whether the broker would give it, and by which "
	     "rule\n"
	     "Of share and store:\n"
	     "  --expires=SECONDS     for how long (share: 30, at most 3600; store: for good)\n"
	     "  --pid=PID, --user=NAME, --uid=UID, --gid=GID\n"
	     "                        share: the only process, user or group that may take it\n"
	     "  --new                 store: not where the name is taken\n"
	     "  --common              store, fetch, forget: a name that several users have in "
	     "common\n"
	     "Of fetch:\n"
	     "  --take                the broker keeps it no longer\n"
	     "Of check:\n"
	     "  --action=ACTION       share, receive, store or fetch a socket that is there, with\n"
	     "  --name=NAME           of the store; --netns then says where the socket lives\n"
	     "  --user=NAME, --uid=UID, --gid=GID, --groups=GID,...\n"
	     "                        who would ask; by default you\n"
	     "  --message=TYPE[/INTERFACE]\n"
	     "                        send a netlink message, such as RTM_NEWLINK/eth0\n"
	     "  --listener=NAME       on which listener (default: default)\n"
	     "  --unit=UNIT, --slice=SLICE, --user-unit=UNIT\n"
	     "                        in which unit and slice of systemd (default: none)\n"
	     "  --foreign             from another network namespace than the broker's\n"
	     "  --apply               for a socket that the asker has already\n\n"
	     "Of all:\n"
	     "  --json[=MODE]         print JSON: short, pretty, off\n"
	     "  --management=PATH     the broker's socket for administrators\n"
	     "  --no-pager            accepted; sockctl never starts a pager\n"
	     "  --help                show this and exit\n"
	     "  --version             show the version and exit\n\n"
	     "Environment:\n"
	     "  SOCKD_SOCKET, SOCKD_MANAGEMENT\n"
	     "                        the broker's sockets for clients and for administrators\n\n"
	     "An ADDRESS is written 127.0.0.1:80, '*:80', '[::1]:80', @abstract, eth0/arp.\n"
	     "Exit status: 0 done or allowed, 1 refused or failed, 2 wrong usage. See sockctl(1).");
}

static int usage(const char *what, const char *which)
{
	output_error("%s%s%s; see sockctl --help", what, which ? " " : "", which ? which : "");
	return FINISH(EXIT_USAGE);
}

static int parse_json(const char *text, enum output_json *ret)
{
	static const char *const modes[] = {
		[OUTPUT_JSON_OFF] = "off",
		[OUTPUT_JSON_SHORT] = "short",
		[OUTPUT_JSON_PRETTY] = "pretty",
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(text ? text : "short", modes[i]) == 0) {
			*ret = (enum output_json)i;
			return 0;
		}
	return usage("--json takes short, pretty or off, not", text);
}

static int parse_count(const char *text, unsigned *ret)
{
	char *end;

	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	/* A sign would be taken, and a large negative number for a small one. */
	if (errno != 0 || !isdigit((unsigned char)*text) || *end || value < 1 ||
		value > WIRE_COUNT_MAX)
		return usage("--count takes a number from 1 to 253, not", text);
	*ret = (unsigned)value;
	return 0;
}

static int parse_action(const char *text, const char **ret)
{
	static const char *const actions[] = {"share", "receive", "store", "fetch"};

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(text, actions[i]) == 0) {
			*ret = text;
			return 0;
		}
	return usage("--action takes share, receive, store or fetch, not", text);
}

static int add_step(struct arguments *arguments, enum wire_step_kind kind, const char *text)
{
	if (arguments->n_steps == WIRE_STEPS_MAX)
		return usage("more than 32 steps", NULL);
	arguments->steps[arguments->n_steps].kind = kind;
	arguments->steps[arguments->n_steps++].text = text;
	return 0;
}

static int take_option(int option, const char *value, struct arguments *ret)
{
	switch (option) {
	case OPTION_HELP:
		print_help();
		return FINISH(EXIT_SUCCESS);
	case OPTION_VERSION:
		puts("sockctl " PACKAGE_VERSION);
		return FINISH(EXIT_SUCCESS);
	case OPTION_JSON:
		return parse_json(value, &ret->json);
	case OPTION_NO_PAGER:
		return 0;
	case OPTION_MANAGEMENT:
		ret->management = value;
		return 0;
	case OPTION_USER:
		ret->user = value;
		return 0;
	case OPTION_GROUP:
		ret->group = value;
		return 0;
	case OPTION_GROUPS:
		ret->groups = value;
		return 0;
	case OPTION_PROCESS:
		ret->process = value;
		return 0;
	case OPTION_EXPIRES:
		ret->expires = value;
		return 0;
	case OPTION_ACTION:
		return parse_action(value, &ret->action);
	case OPTION_NAME:
		ret->name = value;
		return 0;
	case OPTION_NEW:
		ret->is_new = true;
		return 0;
	case OPTION_TAKE:
		ret->take = true;
		return 0;
	case OPTION_COMMON:
		ret->common = true;
		return 0;
	case OPTION_LISTENER:
		ret->listener = value;
		return 0;
	case OPTION_UNIT:
		ret->unit = value;
		return 0;
	case OPTION_SLICE:
		ret->slice = value;
		return 0;
	case OPTION_USER_UNIT:
		ret->user_unit = value;
		return 0;
	case OPTION_FOREIGN:
		ret->foreign = true;
		return 0;
	case OPTION_APPLY:
		ret->apply = true;
		return 0;
	case OPTION_NETNS:
		ret->netns = value;
		return 0;
	case OPTION_COUNT:
		return parse_count(value, &ret->count);
	case OPTION_DRY_RUN:
		ret->dry_run = true;
		return 0;
	case OPTION_BIND:
		return add_step(ret, WIRE_STEP_BIND, value);
	case OPTION_CONNECT:
		return add_step(ret, WIRE_STEP_CONNECT, value);
	case OPTION_LISTEN:
		return add_step(ret, WIRE_STEP_LISTEN, value);
	case OPTION_OPTION:
		return add_step(ret, WIRE_STEP_OPTION, value);
	case OPTION_MESSAGE:
		return add_step(ret, WIRE_STEP_SEND, value);
	default:
		return FINISH(EXIT_USAGE);
	}
}

static int take_words(int n, char **words, struct arguments *ret)
{
	if (n == 0)
		return usage("a command is missing", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(words[0], verbs[i].name) != 0)
			continue;
		size_t given = (size_t)n - 1;
		if (given < verbs[i].words_min)
			return usage(verbs[i].missing, words[0]);
		if (given > verbs[i].words_max)
			return usage("too many words after", words[0]);
		ret->verb = verbs[i].verb;
		for (size_t j = 0; j < given; j++)
			ret->words[j] = words[1 + j];
		ret->n_words = given;
		return 0;
	}
	return usage("unknown command", words[0]);
}

/* getopt_long() is told to be silent, so that all messages are of one form. */
static int wrong_option(int error, const char *text)
{
	const char letter[] = {'-', (char)optopt, '\0'};

	if (error == ':')
		return usage("a value is missing after", text);
	if (optopt >= OPTION_HELP)
		return usage("this option takes no value:", text);
	return usage("unknown or ambiguous option", optopt != 0 ? letter : text);
}

/* Cuts argv at "--"; what follows is the command to run. */
static char **split_command(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			*argc = i;
			argv[i] = NULL;
			return argv + i + 1;
		}
	return NULL;
}

/* Of check: a name is of the store, and nothing else asks for one. */
static int check_names(const struct arguments *arguments)
{
	bool stored = arguments->action && (strcmp(arguments->action, "store") == 0 ||
						   strcmp(arguments->action, "fetch") == 0);

	if (arguments->verb != VERB_CHECK)
		return 0;
	if (stored && !arguments->name)
		return usage("--name is missing beside --action=store or --action=fetch", NULL);
	if (!stored && (arguments->name || arguments->common))
		return usage("--name and --common go with --action=store or --action=fetch", NULL);
	return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *ret)
{
	struct option options[ARRAY_SIZE(uses) + 1] = {0};
	const char *management = secure_getenv("SOCKD_MANAGEMENT");
	struct arguments arguments = {
		.management = management && *management ? management : SOCKD_MANAGEMENT_PATH,
		.count = 1,
	};
	bool given[ARRAY_SIZE(uses)] = {false};
	int option, index;

	for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
		options[i] = uses[i].option;
	arguments.command = split_command(&argc, argv);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, &index)) != -1) {
		if (option == '?' || option == ':')
			return wrong_option(option, argv[optind - 1]);
		if (option == 'h')
			option = OPTION_HELP;
		else if (option >= OPTION_HELP)
			given[index] = true;
		int r = take_option(option, optarg, &arguments);
		if (r != 0)
			return r;
	}
	int r = take_words(argc - optind, argv + optind, &arguments);
	if (r != 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++)
		if (given[i] && !(uses[i].verbs & arguments.verb))
			return usage("this command has no option", uses[i].option.name);
	if (arguments.command && !(arguments.verb & VERBS_COMMAND))
		return usage("only open, fromshare and fetch run a command", NULL);
	if (arguments.action && arguments.n_steps > 0)
		return usage("nothing is done with a socket that is handed on; leave out the steps",
			NULL);
	if (arguments.command && arguments.dry_run)
		return usage("--dry-run opens nothing that a command could be given", NULL);
	if (arguments.command && !*arguments.command)
		return usage("a command is missing after --", NULL);
	r = check_names(&arguments);
	if (r != 0)
		return r;
	*ret = arguments;
	return 0;
}

static const char *step_option(enum wire_step_kind kind)
{
	switch (kind) {
	case WIRE_STEP_BIND:
		return "bind";
	case WIRE_STEP_CONNECT:
		return "connect";
	case WIRE_STEP_LISTEN:
		return "listen";
	case WIRE_STEP_SEND:
		return "message";
	default:
		return "option";
	}
}

char *arguments_describe(const struct arguments *arguments)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < arguments->n_words; i++)
		fprintf(stream, "%s%s", i > 0 ? " " : "", arguments->words[i]);
	for (size_t i = 0; i < arguments->n_steps; i++) {
		const char *value = arguments->steps[i].text;
		fprintf(stream, " --%s%s%s", step_option(arguments->steps[i].kind),
			value ? "=" : "", value ? value : "");
	}
	fclose(stream);
	return text;
}
