#include "client/run/observe.h"

#include <stdio.h>
#include <string.h>

#include "client/run/describe.h"
#include "client/run/say.h"
#include "lib/ask.h"
#include "lib/sockd.h"
#include "proto/macro.h"

static _Thread_local const struct call *current;

/* "PROGRAM[PID]: REQUEST", for the call that this thread answers. */
static void describe_current(const struct wire_request *request, int fd, char *buffer, size_t size)
{
	char program[TARGET_NAME_SIZE] = "?", what[DESCRIBE_MAX];

	if (current)
		target_name(&current->target, program);
	describe_request(request, fd, what, sizeof what);
	snprintf(buffer, size, "%s[%d]: %s", program, current ? (int)current->target.tid : 0, what);
}

static void tell(const struct wire_request *request, int fd, enum ask_outcome outcome,
	const struct ask_result *result)
{
	char line[DESCRIBE_MAX + TARGET_NAME_SIZE + 16];

	describe_current(request, fd, line, sizeof line);
	switch (outcome) {
	case ASK_DONE:
		if (request->verb == WIRE_OPEN)
			say_verbosely("%s: given by sockd, grant %llu", line,
				(unsigned long long)result->grant);
		else
			say_verbosely("%s: done by sockd", line);
		return;
	case ASK_FAILED:
	case ASK_REFUSED:
	case ASK_ABSENT:
		say_verbosely("%s: %s: %s", line, strerror(result->error), sockd_reason());
	}
}

static void tell_verdict(const struct wire_request *request, int fd,
	enum ask_outcome outcome _unused_, const struct ask_result *result _unused_)
{
	char line[DESCRIBE_MAX + TARGET_NAME_SIZE + 16];
	struct ask_verdict verdict;

	describe_current(request, fd, line, sizeof line);
	switch (ask_whether(request, fd, &verdict)) {
	case ASK_DONE:
		say("%s: would be allowed by rule %s", line, verdict.rule);
		return;
	case ASK_REFUSED:
		say("%s: would be refused with %s: %s", line, strerrorname_np(verdict.error),
			sockd_reason());
		return;
	case ASK_FAILED:
	case ASK_ABSENT:
		say("%s: cannot be asked: %s", line, sockd_reason());
	}
}

int observe_start(const struct options *options)
{
	if (options->dry_run)
		ask_set_observer(tell_verdict, true);
	else if (say_level() == SAY_VERBOSE)
		ask_set_observer(tell, false);
	return 0;
}

void observe_call(const struct call *call)
{
	current = call;
}

void observe_end(void)
{
}
