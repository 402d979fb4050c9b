/*
 * The command line of sockd.
 */
#ifndef SOCKD_DAEMON_OPTIONS_H
#define SOCKD_DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_MANAGEMENT_NAME "management" /* of the administrators' socket */
#define OPTIONS_LISTEN_MAX 64u
#define OPTIONS_POLICY_MAX 16u

struct options_listen {
	char name[32];
	const char *path;
};

struct options {
	struct options_listen listen[OPTIONS_LISTEN_MAX];
	size_t n_listen;
	const char *management; /* NULL: none of its own */
	const char *policy[OPTIONS_POLICY_MAX];
	size_t n_policy;
	const char *user;
	bool user_given;
	const char *audit;
	bool check_policy;
};

/* Returns 0 to go on, 1 where all is done (--help, --version), -EINVAL after saying on standard
 * error what is wrong. The strings are those of argv. */
int options_parse(int argc, char **argv, struct options *ret);

#endif
