#include "client/run/observe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "client/run/absolute.h"
#include "client/run/describe.h"
#include "client/run/learn.h"
#include "client/run/say.h"
#include "lib/ask.h"
#include "lib/kernel.h"
#include "lib/sockd.h"
#include "proto/macro.h"

static _Thread_local const struct call *current;
static _Thread_local struct learn_seen *seen; /* of the request under way; NULL: nothing */
static struct learn *learnt;
static const char *file;	       /* as the user says it */
static struct observation *kept;       /* in a process in another network namespace */
static const char *netns;	       /* where the program's sockets are to be opened */
static _Atomic unsigned long n_learnt; /* calls */
static _Atomic int missed;	       /* why some call is not learnt: a negative errno; 0: none */
static bool is_on;

/* "PROGRAM[PID]: REQUEST", for the call that this thread answers. */
static void describe_current(const struct wire_request *request, int fd, char *buffer, size_t size)
{
	char program[TARGET_NAME_SIZE] = "?", what[DESCRIBE_MAX];
	pid_t process = 0;

	if (current) {
		target_name(&current->target, program);
		process = target_process(&current->target);
	}
	describe_request(request, fd, what, sizeof what);
	snprintf(buffer, size, "%s[%d]: %s", program, (int)MAX_OF(process, 0), what);
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

static enum learn_kind kind_of(const struct wire_step *step)
{
	switch (step->kind) {
	case WIRE_STEP_BIND:
		return LEARN_BIND;
	case WIRE_STEP_SEND:
		return LEARN_SEND;
	default:
		return LEARN_OPTION; /* no other kind of step is put for a program's call */
	}
}

static bool is_granted(enum ask_outcome outcome)
{
	return outcome == ASK_DONE || outcome == ASK_FAILED;
}

/* Nor can root: the kernel has no such family. Not told where a filter may have said so. */
static bool nobody_has(const struct wire_request *request)
{
	if (request->verb != WIRE_OPEN || prctl(PR_GET_SECCOMP) != 0)
		return false;
	int fd = kernel_socket(request->domain, request->type | SOCK_CLOEXEC, request->protocol);
	if (fd >= 0)
		kernel_close(fd);
	return fd < 0 && errno == EAFNOSUPPORT;
}

/* What is asked for here after it was refused there is not what is meant. */
static bool is_meant(const struct wire_request *request)
{
	return request->verb != WIRE_OPEN || !netns || request->netns != WIRE_NETNS_DEFAULT;
}

static void say_of_whom(struct learn_call *call, char program[static TARGET_NAME_SIZE])
{
	if (!current)
		return;
	target_name(&current->target, program);
	call->program = program;
	call->pid = current->target.tid;
}

static void say_of_socket(struct learn_call *call, int fd)
{
	call->fd = MAX_OF(fd, 0);
	call->domain = kernel_socket_number(fd, SO_DOMAIN);
	call->type = kernel_socket_number(fd, SO_TYPE);
	call->protocol = kernel_socket_number(fd, SO_PROTOCOL);
}

/* What a message needs, before it is sent: after that a link has another name, or is gone. */
static void look(const struct wire_request *request, int fd)
{
	struct learn_call call = {.kind = LEARN_SEND, .step = request->steps};

	seen = learn_seen_free(seen);
	if (request->verb != WIRE_APPLY || request->n_steps != 1 ||
		request->steps[0].kind != WIRE_STEP_SEND)
		return;
	say_of_socket(&call, fd);
	seen = learn_look(&call);
}

/* What no rule can give the file says itself. */
static void count_learnt(int r)
{
	atomic_fetch_add(&n_learnt, 1);
	if (r == -E2BIG || r == -ENOMEM)
		atomic_store(&missed, r);
}

/* The kernel has refused each of these. own: where the program is, as a rule says it; NULL: where
 * the broker is. */
static void learn_request(const struct wire_request *request, int fd, bool granted,
	const char *reason, const char *own)
{
	char program[TARGET_NAME_SIZE] = "?";
	struct learn_call call = {
		.kind = LEARN_SOCKET,
		.domain = request->domain,
		.type = request->type,
		.protocol = request->protocol,
		.netns = own,
		.program = program,
		.granted = granted,
		.reason = reason,
	};

	if (!is_meant(request) || nobody_has(request))
		return;
	say_of_whom(&call, program);
	if (request->verb == WIRE_OPEN) {
		call.netns = netns ? netns : own;
		count_learnt(learn_add(learnt, &call));
		return;
	}
	say_of_socket(&call, fd);
	for (size_t i = 0; i < request->n_steps; i++) {
		call.step = &request->steps[i];
		call.kind = kind_of(call.step);
		count_learnt(seen ? learn_add_seen(learnt, &call, seen) : learn_add(learnt, &call));
	}
	seen = learn_seen_free(seen);
}

static void learn_from(const struct wire_request *request, int fd, enum ask_outcome outcome,
	const struct ask_result *result)
{
	tell(request, fd, outcome, result);
	learn_request(request, fd, is_granted(outcome), sockd_reason(), NULL);
}

static void keep_for_home(const struct wire_request *request, int fd, enum ask_outcome outcome,
	const struct ask_result *result)
{
	tell(request, fd, outcome, result);
	if (!is_meant(request))
		return;
	ssize_t size = wire_encode_request(request, kept->packet, sizeof kept->packet);
	kept->size = size < 0 ? 0 : (uint32_t)size;
	kept->granted = is_granted(outcome);
	snprintf(kept->reason, sizeof kept->reason, "%s", sockd_reason());
}

/* The supervisor leaves the user's directory. */
static int learn_in_directory(const char *path)
{
	_cleanup_free_ char *absolute = NULL;
	int r = absolute_path(path, &absolute);

	if (r < 0) {
		say_error("--learn: the current directory is not known: %s", strerror(-r));
		return r;
	}
	r = learn_open(absolute, geteuid(), &learnt);
	if (r < 0)
		say_error("--learn: %s", learn_reason());
	return r;
}

int observe_start(const struct options *options)
{
	is_on = options->dry_run || options->learn || say_level() == SAY_VERBOSE;
	if (options->dry_run)
		ask_set_observer(tell_verdict, true);
	else if (options->learn) {
		int r = learn_in_directory(options->learn);
		if (r < 0)
			return r;
		netns = options->netns;
		file = options->learn;
		ask_set_observer(learn_from, false);
		ask_set_preview(look);
	} else if (say_level() == SAY_VERBOSE)
		ask_set_observer(tell, false);
	return 0;
}

bool observe_is_on(void)
{
	return is_on;
}

void observe_call(const struct call *call)
{
	current = call;
}

void observe_elsewhere(struct observation *observation)
{
	kept = observation;
	if (!learnt)
		return;
	ask_set_observer(keep_for_home, false);
	ask_set_preview(NULL);
}

void observe_brought_home(const struct observation *observation, int fd)
{
	struct wire_request request;
	const char *what;

	/* That process is in the program's hands, if it is in those of root there. */
	if (learnt && observation->size > 0 && observation->size <= sizeof observation->packet &&
		memchr(observation->reason, '\0', sizeof observation->reason) &&
		wire_decode_request(observation->packet, observation->size, &request, &what) == 0 &&
		(request.verb == WIRE_OPEN || request.verb == WIRE_APPLY))
		learn_request(&request, fd, observation->granted, observation->reason, "peer");
}

void observe_end(bool goes_on)
{
	static bool is_written;
	static unsigned long n_written;
	unsigned long n = atomic_load(&n_learnt);

	/* Whoever has seen sockd-run end takes the file as his own. */
	if (!learnt || (is_written && n == n_written))
		return;
	if (learn_write(learnt) < 0) {
		say_error("--learn: %s", learn_reason());
		return;
	}
	is_written = true;
	n_written = n;
	if (atomic_load(&missed) != 0)
		say_error("--learn: %s lacks calls of the program: %s", file,
			atomic_load(&missed) == -E2BIG ? "there are too many for one file"
						       : "there was not enough memory");
	if (goes_on)
		say("--learn: %s is complete when the last process that the program has left "
		    "behind "
		    "has ended",
			file);
}
