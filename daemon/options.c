#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "daemon/keep/keep.h"
#include "daemon/policy/node.h"
#include "proto/macro.h"

static void print_help(void)
{
	printf("sockd [OPTION...]\n"
	       "sockd --check-policy [DIR...]\n\n"
	       "Opens and prepares sockets that other programs may not, and hands them over by "
	       "policy.\n\n"
	       "  --listen=[NAME=]PATH  listen for clients on PATH; may be given several times\n"
	       "  --management=PATH     listen for administrators (sockctl) on PATH\n"
	       "  --policy=DIR          read the policy from DIR instead of the usual directories; "
	       "may be\n"
	       "                        given several times, a file in a later one replaces its "
	       "namesake\n"
	       "  --check-policy        check the policy in the directories, say what is wrong, "
	       "and exit\n"
	       "  --user=USER           become this user (a name, UID or UID:GID; default %s)\n"
	       "  --audit=TARGET        auto, journal, stderr, none or a file (default auto)\n"
	       "  --help                show this and exit\n"
	       "  --version             show the version and exit\n\n"
	       "Listening sockets are also taken from systemd: FileDescriptorName=management is "
	       "for\n"
	       "administrators, every other name is a listener's. See sockd(8) and "
	       "sockd.policy(5).\n",
		SOCKD_USER);
}

static bool is_listener_name(const char *text, size_t length)
{
	char name[sizeof((struct options_listen *)NULL)->name];

	snprintf(name, sizeof name, "%.*s", (int)length, text);
	return name_is_plain(name, sizeof name - 1) && !keep_is_name(name) &&
	       strcmp(name, OPTIONS_MANAGEMENT_NAME) != 0;
}

static int add_listen(struct options *options, const char *text)
{
	if (options->n_listen == OPTIONS_LISTEN_MAX) {
		fprintf(stderr, "sockd: more than %u --listen\n", OPTIONS_LISTEN_MAX);
		return -EINVAL;
	}
	struct options_listen *listen = &options->listen[options->n_listen];
	const char *equals = strchr(text, '=');
	/* A path may hold "=", but not before its first "/". */
	if (equals && memchr(text, '/', (size_t)(equals - text)))
		equals = NULL;
	size_t length = equals ? (size_t)(equals - text) : 0;

	if (equals && (length == 0 || length >= sizeof listen->name)) {
		fprintf(stderr,
			"sockd: --listen=%s: the name before '=' must have 1 to %zu letters\n",
			text, sizeof listen->name - 1);
		return -EINVAL;
	}
	if (equals && !is_listener_name(text, length)) {
		fprintf(stderr,
			"sockd: --listen=%s: no rule could name this listener, or sockd uses the "
			"name "
			"itself; take letters, digits and . _ -\n",
			text);
		return -EINVAL;
	}
	if (equals)
		snprintf(listen->name, sizeof listen->name, "%.*s", (int)length, text);
	else
		snprintf(listen->name, sizeof listen->name, "default");
	for (size_t i = 0; i < options->n_listen; i++)
		if (strcmp(options->listen[i].name, listen->name) == 0) {
			fprintf(stderr,
				"sockd: --listen=%s: there is a listener \"%s\" already; give each "
				"a NAME= of its own\n",
				text, listen->name);
			return -EINVAL;
		}
	listen->path = equals ? equals + 1 : text;
	if (!*listen->path) {
		fprintf(stderr, "sockd: --listen=%s: a path is missing\n", text);
		return -EINVAL;
	}
	options->n_listen++;
	return 0;
}

static int add_policy(struct options *options, const char *directory)
{
	if (options->n_policy == OPTIONS_POLICY_MAX) {
		fprintf(stderr, "sockd: more than %u policy directories\n", OPTIONS_POLICY_MAX);
		return -EINVAL;
	}
	options->policy[options->n_policy++] = directory;
	return 0;
}

static int set_management(struct options *options, const char *path)
{
	if (!*path) {
		fprintf(stderr, "sockd: --management=: a path is missing\n");
		return -EINVAL;
	}
	options->management = path;
	return 0;
}

static int check_audit(const char *target)
{
	static const char *const words[] = {"auto", "journal", "stderr", "none"};

	if (target[0] == '/' && text_is_printable(target))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(target, words[i]) == 0)
			return 0;
	fprintf(stderr,
		"sockd: --audit=%s: say auto, journal, stderr, none, or a path from /, of "
		"UTF-8\n",
		target);
	return -EINVAL;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	enum { LISTEN = 256, MANAGEMENT, POLICY, CHECK_POLICY, USER, AUDIT, HELP, VERSION_ };
	static const struct option known[] = {
		{"listen", required_argument, NULL, LISTEN},
		{"management", required_argument, NULL, MANAGEMENT},
		{"policy", required_argument, NULL, POLICY},
		{"check-policy", no_argument, NULL, CHECK_POLICY},
		{"user", required_argument, NULL, USER},
		{"audit", required_argument, NULL, AUDIT},
		{"help", no_argument, NULL, HELP},
		{"version", no_argument, NULL, VERSION_},
		{NULL, 0, NULL, 0},
	};
	struct options options = {.user = SOCKD_USER, .audit = "auto"};
	int r = 0, c;

	optind = 1;
	while (r == 0 && (c = getopt_long(argc, argv, "h", known, NULL)) >= 0)
		switch (c) {
		case LISTEN:
			r = add_listen(&options, optarg);
			break;
		case MANAGEMENT:
			r = set_management(&options, optarg);
			break;
		case POLICY:
			r = add_policy(&options, optarg);
			break;
		case CHECK_POLICY:
			options.check_policy = true;
			break;
		case USER:
			options.user = optarg;
			options.user_given = true;
			break;
		case AUDIT:
			options.audit = optarg;
			r = check_audit(optarg);
			break;
		case 'h':
		case HELP:
			print_help();
			return 1;
		case VERSION_:
			printf("sockd %s\n", PACKAGE_VERSION);
			return 1;
		default:
			fprintf(stderr, "Try 'sockd --help'.\n");
			r = -EINVAL;
		}
	for (; r == 0 && optind < argc; optind++) {
		if (!options.check_policy) {
			fprintf(stderr, "sockd: '%s' is not an option. Try 'sockd --help'.\n",
				argv[optind]);
			return -EINVAL;
		}
		r = add_policy(&options, argv[optind]);
	}
	if (r < 0)
		return r;
	if (options.n_policy == 0) {
		options.policy[options.n_policy++] = SOCKD_POLICY_DIR_VENDOR;
		options.policy[options.n_policy++] = SOCKD_POLICY_DIR_RUNTIME;
		options.policy[options.n_policy++] = SOCKD_POLICY_DIR_ADMIN;
	}
	*ret = options;
	return 0;
}
