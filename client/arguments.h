/*
 * The command line of sockctl: what was said, in order, not yet what it means.
 */
#ifndef SOCKD_CLIENT_ARGUMENTS_H
#define SOCKD_CLIENT_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/output.h"
#include "proto/wire.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 2

enum verb {
	VERB_OPEN = 1 << 0,
	VERB_CHECK = 1 << 1,
	VERB_LIST = 1 << 2,
	VERB_STATUS = 1 << 3,
	VERB_RELOAD = 1 << 4,
	VERB_FAMILIES = 1 << 5,
	VERB_SHARE = 1 << 6,
	VERB_FROMSHARE = 1 << 7,
	VERB_STORE = 1 << 8,
	VERB_FETCH = 1 << 9,
	VERB_STORED = 1 << 10,
	VERB_FORGET = 1 << 11,
};

struct arguments {
	enum verb verb;
	enum output_json json;
	const char *management; /* the path of the socket for administrators */
	const char *user;	/* --uid or --user */
	const char *group;	/* --gid */
	const char *groups;	/* --groups, with commas; NULL: those of the user's entries */
	const char *listener;
	const char *unit, *slice, *user_unit;
	const char *netns;
	bool foreign, apply;
	bool dry_run;
	const char *process, *expires; /* of share and store */
	const char *action, *name;     /* of check */
	bool is_new, take, common;     /* of the store */
	unsigned count;
	struct {
		enum wire_step_kind kind;
		const char *text; /* NULL: without a value */
	} steps[WIRE_STEPS_MAX];
	size_t n_steps;
	const char *words[3]; /* FAMILY TYPE PROTOCOL, as many as were given */
	size_t n_words;
	char **command; /* after "--", NULL-terminated; NULL: none */
};

/* Returns 0 with *ret filled (it points into argv); a positive number is 1 + the exit status to end
 * with. */
int arguments_parse(int argc, char **argv, struct arguments *ret);

/* What open or check asks for, as it was typed. The caller frees it; NULL where there is no memory.
 */
char *arguments_describe(const struct arguments *arguments);

#endif
