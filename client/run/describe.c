#include "client/run/describe.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "client/run/generic.h"
#include "lib/kernel.h"
#include "proto/address.h"
#include "proto/constants.h"
#include "proto/macro.h"

struct text {
	char *at;
	size_t left;
};

static void add(struct text *text, const char *word)
{
	int n = snprintf(text->at, text->left, "%s", word);

	if (n > 0) {
		size_t used = MIN_OF((size_t)n, text->left - 1);
		text->at += used;
		text->left -= used;
	}
}

static void add_name(struct text *text, const char *name, int number)
{
	char digits[16];

	add(text, " ");
	if (!name) {
		snprintf(digits, sizeof digits, "%d", number);
		name = digits;
	}
	add(text, name);
}

static void add_socket(struct text *text, int domain, int type, int protocol)
{
	type &= ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	add_name(text, constant_family_name(domain), domain);
	add_name(text, constant_type_name(type), type);
	protocol = constant_protocol_of_call(domain, protocol);
	if (protocol != 0 || domain == AF_NETLINK)
		add_name(text, constant_protocol_name(domain, protocol), protocol);
}

/* The first of a packet's messages. */
static const char *message_name(int protocol, const void *data, size_t size)
{
	union {
		struct nlmsghdr header;
		char bytes[NLMSG_LENGTH(sizeof(struct genlmsghdr))];
	} first = {0};

	memcpy(&first, data, MIN_OF(size, sizeof first));
	if (protocol != NETLINK_GENERIC)
		return constant_netlink_message_name(protocol, first.header.nlmsg_type);
	return size < sizeof first
		       ? NULL
		       : constant_netlink_message_name(protocol, generic_number(&first.header));
}

static void add_step(struct text *text, int domain, int protocol, const struct wire_step *step)
{
	char address[ADDRESS_TEXT_MAX];
	struct nlmsghdr header;

	switch (step->kind) {
	case WIRE_STEP_BIND:
	case WIRE_STEP_CONNECT:
		if (address_format(step->address, step->address_size, address, sizeof address) < 0)
			break;
		add(text, " ");
		add(text, address);
		break;
	case WIRE_STEP_OPTION: {
		const struct option_info *info = option_of_family(domain, step->a, step->b);
		int value;
		add_name(text, info ? info->name : NULL, step->b);
		if (!info || info->value != OPTION_INT || step->data_size != sizeof value)
			break;
		memcpy(&value, step->data, sizeof value);
		add_name(text, NULL, value);
		break;
	}
	case WIRE_STEP_SEND:
		if (domain != AF_NETLINK || step->data_size < sizeof header)
			break;
		memcpy(&header, step->data, sizeof header);
		add_name(text, message_name(protocol, step->data, step->data_size),
			header.nlmsg_type);
		break;
	case WIRE_STEP_FILTER:
	case WIRE_STEP_LISTEN:
		break;
	}
}

void describe_request(const struct wire_request *request, int fd, char *buffer, size_t size)
{
	static const char *const calls[] = {
		[WIRE_STEP_OPTION] = "setsockopt",
		[WIRE_STEP_FILTER] = "filter",
		[WIRE_STEP_BIND] = "bind",
		[WIRE_STEP_CONNECT] = "connect",
		[WIRE_STEP_LISTEN] = "listen",
		[WIRE_STEP_SEND] = "send",
	};
	struct text text = {.at = buffer, .left = size};

	if (request->verb == WIRE_OPEN) {
		add(&text, "socket");
		add_socket(&text, request->domain, request->type, request->protocol);
		return;
	}
	int domain = kernel_socket_number(fd, SO_DOMAIN);
	int protocol = kernel_socket_number(fd, SO_PROTOCOL);
	for (size_t i = 0; i < request->n_steps; i++) {
		add(&text, i > 0 ? ", " : "");
		add(&text, calls[request->steps[i].kind]);
		add_socket(&text, domain, kernel_socket_number(fd, SO_TYPE), protocol);
		add_step(&text, domain, protocol, &request->steps[i]);
	}
}
