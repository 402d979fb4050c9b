/* sockctl open: ask for sockets, then hand them to a command or say what they are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/dry-run.h"
#include "client/hand.h"
#include "client/output.h"
#include "client/plan.h"
#include "client/verbs.h"
#include "lib/sockd.h"
#include "proto/macro.h"

static int name_interface(struct sockd_request *request, const struct wire_step *step, int added)
{
	char name[WIRE_INTERFACE_MAX + 1] = "";

	if (added < 0 || step->data_size == 0)
		return added;
	memcpy(name, step->data, MIN_OF(step->data_size, sizeof name - 1));
	return sockd_request_interface(request, name);
}

static int add_step(struct sockd_request *request, const struct wire_step *step)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		return sockd_request_setsockopt(
			request, step->a, step->b, step->data, (socklen_t)step->data_size);
	case WIRE_STEP_BIND:
		return name_interface(request, step,
			sockd_request_bind(request, step->address, (socklen_t)step->address_size));
	case WIRE_STEP_CONNECT:
		return name_interface(request, step,
			sockd_request_connect(
				request, step->address, (socklen_t)step->address_size));
	case WIRE_STEP_LISTEN:
		return sockd_request_listen(request, step->a);
	case WIRE_STEP_FILTER:
	case WIRE_STEP_SEND:
		break;
	}
	return -1;
}

static struct sockd_request *make_request(
	const struct arguments *arguments, const struct plan *plan)
{
	struct sockd_request *request =
		sockd_request_new(plan->domain, plan->type | SOCK_CLOEXEC, plan->protocol);

	if (!request)
		return NULL;
	/* What cannot be added is remembered and said when the request is opened. */
	(void)sockd_request_netns(request, arguments->netns);
	for (size_t i = 0; i < plan->n_steps; i++)
		(void)add_step(request, &plan->steps[i]);
	return request;
}

/* The broker's words tell what was asked; where only the kernel spoke, we do. */
static int refused(const struct arguments *arguments)
{
	int error = errno;
	const char *reason = sockd_reason();
	_cleanup_free_ char *asked = NULL;

	if (*reason) {
		output_error("no socket: %s: %s", strerror(error), reason);
		return EXIT_REFUSED;
	}
	asked = arguments_describe(arguments);
	output_error("no socket for \"%s\": %s (the kernel's own answer; the broker was not asked)",
		asked ? asked : arguments->words[0], strerror(error));
	return EXIT_REFUSED;
}

int verb_open(const struct arguments *arguments)
{
	_cleanup_(sockd_request_freep) struct sockd_request *request = NULL;
	_cleanup_free_ struct plan *plan = malloc(sizeof *plan);
	int fds[WIRE_COUNT_MAX];

	if (!plan)
		return EXIT_REFUSED;
	if (plan_make(arguments, plan) < 0)
		return EXIT_USAGE;
	request = make_request(arguments, plan);
	if (request && arguments->dry_run)
		return dry_run(arguments, request);
	if (!request || sockd_request_open_many(request, fds, arguments->count) < 0)
		return refused(arguments);
	return hand_sockets_take(
		arguments, fds, arguments->count, sockd_request_grant(request), NULL);
}
