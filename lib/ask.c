#include "lib/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "lib/broker.h"
#include "lib/kernel.h"
#include "lib/reason.h"
#include "lib/request.h"
#include "lib/sockd.h"
#include "lib/span.h"
#include "proto/macro.h"

bool ask_is_worth_it(int error)
{
	return error == EPERM || error == EACCES;
}

bool ask_is_worth_it_for_socket(int error)
{
	return ask_is_worth_it(error) || error == EAFNOSUPPORT;
}

static ask_observer *observe;
static bool only_observed;
static void (*preview)(const struct wire_request *request, int fd);

void ask_set_observer(ask_observer *observer, bool only_observe)
{
	observe = observer;
	only_observed = only_observe;
}

void ask_set_preview(void (*looker)(const struct wire_request *request, int fd))
{
	preview = looker;
}

static enum ask_outcome put(const struct wire_request *request, int fd, bool once, int *fds,
	size_t n_fds, struct ask_result *ret)
{
	struct wire_answer answer = {0};

	*ret = (struct ask_result){0};
	if (only_observed) {
		ret->error = EPERM;
		return ASK_ABSENT;
	}
	int r = broker_exchange(request, fd, once, fds, n_fds, &answer, &ret->repeated);
	if (r < 0) {
		ret->error = -r;
		return ASK_ABSENT;
	}
	if (answer.error != 0) {
		ret->error = answer.error;
		return answer.origin == WIRE_ORIGIN_KERNEL ? ASK_FAILED : ASK_REFUSED;
	}
	ret->grant = answer.grant;
	ret->connecting = answer.flags & WIRE_ANSWER_CONNECTING;
	return ASK_DONE;
}

static enum ask_outcome ask(const struct wire_request *request, int fd, bool once, int *fds,
	size_t n_fds, struct ask_result *ret)
{
	if (preview)
		preview(request, fd);
	enum ask_outcome outcome = put(request, fd, once, fds, n_fds, ret);
	if (observe)
		observe(request, fd, outcome, ret);
	return outcome;
}

enum ask_outcome ask_open(
	const struct wire_request *request, int *fds, size_t n_fds, struct ask_result *ret)
{
	bool sends = false;

	/* All but what was sent is gone with the sockets of a try that came to nothing. */
	for (size_t i = 0; i < request->n_steps; i++)
		sends = sends || request->steps[i].kind == WIRE_STEP_SEND;
	return ask(request, -1, sends, fds, n_fds, ret);
}

enum ask_outcome ask_socket(
	int domain, int type, int protocol, const char *netns, struct ask_result *ret, int *ret_fd)
{
	struct wire_request request = {
		.verb = WIRE_OPEN,
		.domain = domain,
		.type = type,
		.protocol = protocol,
		.count = 1,
	};
	int fd;

	*ret = (struct ask_result){0};
	if (request_choose_netns(&request, netns) < 0)
		return ASK_ABSENT;
	enum ask_outcome outcome = ask_open(&request, &fd, 1, ret);
	if (outcome == ASK_DONE)
		*ret_fd = fd;
	return outcome;
}

enum ask_outcome ask_apply(
	int fd, const struct wire_step *steps, size_t n_steps, bool once, struct ask_result *ret)
{
	struct wire_request request = {.verb = WIRE_APPLY, .n_steps = n_steps};

	memcpy(request.steps, steps, n_steps * sizeof *steps);
	return ask(&request, fd, once, NULL, 0, ret);
}

enum ask_outcome ask_whether(const struct wire_request *request, int fd, struct ask_verdict *ret)
{
	struct wire_request question = *request;
	struct wire_answer answer = {0};

	question.flags |= WIRE_REQUEST_ASK;
	if (question.verb == WIRE_OPEN && question.count == 0)
		question.count = 1;
	*ret = (struct ask_verdict){.step = -1};
	int r = broker_exchange(&question, fd, false, NULL, 0, &answer, NULL);
	if (r == 0 && answer.error == 0 && !(answer.flags & WIRE_ANSWER_ONLY_ASKED)) {
		reason_set("the broker did not say that it was only asked", NULL, 0);
		r = -EPROTO;
	}
	if (r < 0) {
		ret->error = -r;
		return ASK_ABSENT;
	}
	if (answer.error != 0) {
		ret->error = answer.error;
		ret->step = answer.step;
		return ASK_REFUSED;
	}
	strncpy(ret->rule, sockd_reason(), ASK_RULE_MAX);
	reason_clear();
	return ASK_DONE;
}

int ask_error(enum ask_outcome outcome, const struct ask_result *result, int kernel_error)
{
	switch (outcome) {
	case ASK_DONE:
		return 0;
	case ASK_FAILED:
		return result->error;
	case ASK_REFUSED:
	case ASK_ABSENT:
		break;
	}
	return kernel_error;
}

int ask_wait_connected(int fd)
{
	int64_t timeout_usec = span_of_socket(fd, SO_SNDTIMEO);
	int error = 0;
	socklen_t size = sizeof error;

	int r = span_poll(fd, POLLOUT, span_deadline(span_now(), timeout_usec));
	if (r < 0)
		return r;
	if (r == 0)
		return -EINPROGRESS;
	if (kernel_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return negative_errno();
	return -error;
}

int ask_set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return negative_errno();
	int wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
		return negative_errno();
	return 0;
}
