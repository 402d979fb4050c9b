#include "lib/request.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sockd.h"
#include "proto/macro.h"

struct sockd_request *sockd_request_new(int domain, int type, int protocol)
{
	struct sockd_request *request = calloc(1, sizeof *request);

	if (!request)
		return NULL;
	request->wire.verb = WIRE_OPEN;
	request->wire.domain = domain;
	request->wire.type = type;
	request->wire.protocol = protocol;
	return request;
}

void sockd_request_free(struct sockd_request *request)
{
	if (!request)
		return;
	for (size_t i = 0; i < request->wire.n_steps; i++)
		free(request->memory[i]);
	free(request);
}

static int fail(struct sockd_request *request, int error)
{
	if (request->error == 0)
		request->error = error;
	errno = error;
	return -1;
}

/* Copies the step with what it points to. */
static int add(struct sockd_request *request, const struct wire_step *step)
{
	size_t n = request->wire.n_steps, address_room = ALIGN8(step->address_size);

	if (n >= WIRE_STEPS_MAX)
		return fail(request, E2BIG);
	if (step->address_size > WIRE_ADDRESS_MAX || step->data_size > WIRE_PACKET_MAX ||
		(step->address_size > 0 && !step->address) || (step->data_size > 0 && !step->data))
		return fail(request, EINVAL);

	size_t data_room = MAX_OF(step->data_size, (size_t)WIRE_INTERFACE_MAX);
	unsigned char *memory = malloc(address_room + data_room + 1);
	if (!memory)
		return fail(request, ENOMEM);
	struct wire_step copy = *step;
	copy.address = memory;
	copy.data = memory + address_room;
	if (step->address_size > 0)
		memcpy(memory, step->address, step->address_size);
	if (step->data_size > 0)
		memcpy(memory + address_room, step->data, step->data_size);
	request->memory[n] = memory;
	request->wire.steps[n] = copy;
	request->wire.n_steps++;
	return 0;
}

int request_choose_netns(struct wire_request *request, const char *name)
{
	size_t size = name ? strlen(name) : 0;

	if (name && (size == 0 || size > WIRE_NAME_MAX))
		return -EINVAL;
	request->netns_name[0] = '\0';
	if (!name)
		request->netns = WIRE_NETNS_DEFAULT;
	else if (strcmp(name, "peer") == 0)
		request->netns = WIRE_NETNS_PEER;
	else if (strcmp(name, "broker") == 0)
		request->netns = WIRE_NETNS_BROKER;
	else {
		request->netns = WIRE_NETNS_NAMED;
		memcpy(request->netns_name, name, size + 1);
	}
	return 0;
}

int sockd_request_netns(struct sockd_request *request, const char *name)
{
	int r = request_choose_netns(&request->wire, name);
	return r < 0 ? fail(request, -r) : 0;
}

int sockd_request_setsockopt(
	struct sockd_request *request, int level, int name, const void *value, socklen_t size)
{
	const struct wire_step step = {
		.kind = WIRE_STEP_OPTION,
		.a = level,
		.b = name,
		.data = value,
		.data_size = size,
	};
	return size > WIRE_OPTION_MAX ? fail(request, EINVAL) : add(request, &step);
}

int sockd_request_filter(struct sockd_request *request, const struct sock_fprog *filter)
{
	if (!filter || filter->len == 0 || filter->len > WIRE_FILTER_MAX)
		return fail(request, EINVAL);
	const struct wire_step step = {
		.kind = WIRE_STEP_FILTER,
		.data = filter->filter,
		.data_size = filter->len * sizeof filter->filter[0],
	};
	return add(request, &step);
}

static int add_addressed(struct sockd_request *request, enum wire_step_kind kind,
	const struct sockaddr *address, socklen_t size)
{
	const struct wire_step step = {.kind = kind, .address = address, .address_size = size};

	return size < sizeof(sa_family_t) ? fail(request, EINVAL) : add(request, &step);
}

int sockd_request_bind(
	struct sockd_request *request, const struct sockaddr *address, socklen_t size)
{
	return add_addressed(request, WIRE_STEP_BIND, address, size);
}

int sockd_request_connect(
	struct sockd_request *request, const struct sockaddr *address, socklen_t size)
{
	return add_addressed(request, WIRE_STEP_CONNECT, address, size);
}

int sockd_request_interface(struct sockd_request *request, const char *name)
{
	size_t n = request->wire.n_steps, size = name ? strlen(name) : 0;

	if (n == 0 || size == 0 || size > WIRE_INTERFACE_MAX)
		return fail(request, EINVAL);
	struct wire_step *step = &request->wire.steps[n - 1];
	if ((step->kind != WIRE_STEP_BIND && step->kind != WIRE_STEP_CONNECT) ||
		step->data_size > 0)
		return fail(request, EINVAL);
	/* Room was left for it behind the address. */
	memcpy((char *)request->memory[n - 1] + ALIGN8(step->address_size), name, size);
	step->data_size = size;
	return 0;
}

int sockd_request_listen(struct sockd_request *request, int backlog)
{
	const struct wire_step step = {.kind = WIRE_STEP_LISTEN, .a = backlog};

	return add(request, &step);
}

int sockd_request_sendto(struct sockd_request *request, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size)
{
	const struct wire_step step = {
		.kind = WIRE_STEP_SEND,
		.a = flags,
		.address = address,
		.address_size = address_size,
		.data = buffer,
		.data_size = size,
	};
	return address_size == 1 ? fail(request, EINVAL) : add(request, &step);
}

uint64_t sockd_request_grant(const struct sockd_request *request)
{
	return request->grant;
}
