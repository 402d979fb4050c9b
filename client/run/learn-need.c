#include "client/run/learn-need.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/can/isotp.h>
#include <linux/qrtr.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/address.h"

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
#define NUMBER_MAX 65535
#define TYPE_MAX 15
#define PROTOCOL_DCCP 33
#define PROTOCOL_SCTP 132
#define PROTOCOL_SMC6 1
#define QIPCRTR_FREE_FIRST 0x4000u
#define QIPCRTR_FREE_LAST 0x7fffffffu

void learn_need_say(struct learn_need *need, const char *format, ...)
{
	size_t used = strlen(need->text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(need->text + used, sizeof need->text - used, format, arguments);
	va_end(arguments);
}

int learn_need_never(struct learn_need *need, const char *why)
{
	(void)snprintf(need->why, sizeof need->why, "%s", why);
	return -EOPNOTSUPP;
}

int learn_need_add(struct learn_need *need, enum learn_key key, const char *text)
{
	return learn_set_add(&need->product.keys[key], text);
}

int learn_need_add_number(struct learn_need *need, enum learn_key key, long long number)
{
	return learn_set_add_number(&need->product.keys[key], number);
}

void learn_product_done(struct learn_product *product)
{
	for (size_t i = 0; i < LEARN_KEYS; i++)
		learn_set_done(&product->keys[i]);
}

void learn_need_done(struct learn_need *need)
{
	learn_product_done(&need->product);
	learn_set_done(&need->groups);
	learn_set_done(&need->events);
	learn_set_done(&need->values);
}

bool learn_product_limits(int domain, const struct learn_product *product)
{
	static const enum learn_key limiting[] = {LEARN_ADDRESSES, LEARN_DEVICES, LEARN_CHANNELS,
		LEARN_PSMS, LEARN_TRANSPORTS, LEARN_CIDS};

	for (size_t i = 0; i < ARRAY_SIZE(limiting); i++)
		if (product->keys[limiting[i]].n > 0)
			return true;
	return domain != AF_QIPCRTR && product->keys[LEARN_PORTS].n > 0;
}

enum learn_style learn_option_style(const struct option_info *info)
{
	return info->value == OPTION_INTERFACE ? LEARN_TEXTS : LEARN_NUMBERS;
}

/* --- which sockets --- */

static int usual_protocol(int type)
{
	switch (type) {
	case SOCK_STREAM:
		return IPPROTO_TCP;
	case SOCK_DGRAM:
		return IPPROTO_UDP;
	case SOCK_SEQPACKET:
		return PROTOCOL_SCTP;
	case SOCK_DCCP:
		return PROTOCOL_DCCP;
	default:
		return 0;
	}
}

/* The kernel tells 0 of most CAN sockets: raw is the only protocol of its type, and the others know
 * each other's options or do not, as the daemon tells them apart too. */
static int can_protocol(const struct learn_call *call, int type)
{
	unsigned char options[64];
	socklen_t size = sizeof options;

	if (call->protocol != 0)
		return call->protocol;
	if (type == SOCK_RAW)
		return CAN_RAW;
	if (call->fd <= 0)
		return LEARN_PROTOCOL_UNSAID;
	if (getsockopt(call->fd, SOL_CAN_ISOTP, CAN_ISOTP_LL_OPTS, options, &size) == 0)
		return CAN_ISOTP;
	return errno == EINVAL ? CAN_J1939 : CAN_BCM;
}

bool learn_socket_equal(const struct learn_socket *a, const struct learn_socket *b)
{
	return a->domain == b->domain && a->type == b->type && a->protocol == b->protocol &&
	       strcmp(a->netns, b->netns) == 0;
}

int learn_socket_set_netns(struct learn_socket *socket, const char *netns)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-";
	size_t size = strlen(netns);

	if (size == 0 || size > WIRE_NAME_MAX || strspn(netns, plain) != size ||
		strcmp(netns, ".") == 0 || strcmp(netns, "..") == 0)
		return -EINVAL;
	memcpy(socket->netns, netns, size + 1);
	return 0;
}

/* What the kernel and the policy hold for the same is made the same. */
static int name_socket(const struct learn_call *call, struct learn_socket *ret)
{
	int domain = call->domain, type = call->type & ~TYPE_FLAGS, protocol = call->protocol;

	if (domain == AF_INET && type == SOCK_PACKET)
		domain = AF_PACKET;
	switch (domain) {
	case AF_INET:
	case AF_INET6:
		protocol = protocol == 0 ? usual_protocol(type) : protocol;
		break;
	case AF_PACKET:
		protocol = LEARN_PROTOCOL_UNSAID;
		break;
	case AF_NETLINK:
		type = type == SOCK_DGRAM ? SOCK_RAW : type;
		break;
	case AF_UNIX:
		type = type == SOCK_RAW ? SOCK_DGRAM : type;
		protocol = protocol == PF_UNIX ? 0 : protocol;
		break;
	case AF_VSOCK:
		protocol = protocol == PF_VSOCK ? 0 : protocol;
		break;
	case AF_CAN:
		protocol = can_protocol(call, type);
		break;
	}
	*ret = (struct learn_socket){.domain = domain, .type = type, .protocol = protocol};
	if (call->netns && learn_socket_set_netns(ret, call->netns) < 0)
		return -EINVAL;
	return call->protocol < 0 || domain < 1 || domain > NUMBER_MAX || type < 1 ||
			       type > TYPE_MAX || protocol > NUMBER_MAX
		       ? -EINVAL
		       : 0;
}

/* --- options --- */

static void say_value(struct learn_need *need, const struct option_info *info, const char *text)
{
	learn_need_say(need, "setsockopt %s%s%s", info->name, text ? "=" : "", text ? text : "");
}

static bool is_device(const struct wire_step *step)
{
	return step->a == SOL_SOCKET && (step->b == SO_BINDTODEVICE || step->b == SO_BINDTOIFINDEX);
}

bool learn_interface_is_plain(const char *name)
{
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("*/:", *c))
			return false;
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int need_interface_option(
	const struct option_info *info, const struct wire_step *step, struct learn_need *need)
{
	char name[IFNAMSIZ] = "";

	if (step->data_size > IFNAMSIZ)
		return learn_need_never(need, "such a value is not one that sockd takes");
	if (step->data_size > 0)
		memcpy(name, step->data,
			strnlen(step->data, MIN_OF(step->data_size, sizeof name - 1)));
	say_value(need, info, name);
	if (*name == '\0') {
		need->any = true; /* taking the device away again: no name says that */
		return 0;
	}
	if (!learn_interface_is_plain(name))
		return learn_need_never(need, "no rule can name such an interface");
	return learn_set_add(&need->values, name);
}

int learn_need_option(const struct learn_call *call, struct learn_need *need)
{
	const struct wire_step *step = call->step;
	const struct option_info *info = option_of_family(need->socket.domain, step->a, step->b);
	char text[16];
	int value;

	if (!info || !option_is_for_family(info, need->socket.domain)) {
		learn_need_say(need, "setsockopt level %d option %d", step->a, step->b);
		return learn_need_never(need, "sockd does not know this option for the family");
	}
	if (need->socket.domain == AF_UNIX) {
		say_value(need, info, NULL);
		return learn_need_never(need, "sockd sets no options on sockets of this family");
	}
	need->option = info->name;
	if (info->value == OPTION_INTERFACE)
		return need_interface_option(info, step, need);
	if (info->value == OPTION_BYTES) {
		say_value(need, info, NULL);
		if (step->data_size > WIRE_OPTION_MAX)
			return learn_need_never(need, "such a value is not one that sockd takes");
		need->any = true;
	} else if (step->data_size != sizeof value) {
		say_value(need, info, NULL);
		return learn_need_never(need, "a value of this size is not one that sockd takes");
	} else {
		memcpy(&value, step->data, sizeof value);
		/* Marks are written as people write them. */
		if (step->a == SOL_SOCKET && step->b == SO_MARK)
			snprintf(text, sizeof text, "%u", (unsigned)value);
		else
			snprintf(text, sizeof text, "%d", value);
		say_value(need, info, text);
		int r = learn_set_add(&need->values, text);
		if (r < 0)
			return r;
	}
	/* A device may be set by everyone once; that it was not says that it is being changed. */
	if (!is_device(step) && option_is_free(info, step->data, step->data_size)) {
		need->option = NULL;
		need->open = true;
	}
	return 0;
}

/* --- addresses --- */

static int need_inet(const struct learn_call *call, int domain, struct learn_need *need)
{
	const struct wire_step *step = call->step;
	const struct learn_socket *socket = &need->socket;
	union {
		sa_family_t family;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {0};
	size_t size = domain == AF_INET ? sizeof address.in : sizeof address.in6;
	char text[INET6_ADDRSTRLEN];

	if (step->address_size < size)
		return learn_need_never(need, "the address is not one of the socket's family");
	memcpy(&address, step->address, size);
	if (address.family != domain)
		return learn_need_never(need, "the address is not one of the socket's family");
	bool is_ping = socket->type == SOCK_DGRAM &&
		       (socket->protocol == IPPROTO_ICMP || socket->protocol == IPPROTO_ICMPV6);
	unsigned port = ntohs(domain == AF_INET ? address.in.sin_port : address.in6.sin6_port);
	if (socket->type == SOCK_RAW || is_ping || port == 0) {
		need->open = true;
		return 0;
	}
	const void *bytes = domain == AF_INET ? (const void *)&address.in.sin_addr
					      : (const void *)&address.in6.sin6_addr;
	(void)inet_ntop(domain, bytes, text, sizeof text);
	int r = learn_need_add_number(need, LEARN_PORTS, port);
	/* Further ones may be added to a bound SCTP socket, so that a rule cannot say which. */
	if (r == 0 && socket->protocol != PROTOCOL_SCTP)
		r = learn_need_add(need, LEARN_ADDRESSES, text);
	return r;
}

static int need_vsock(const struct learn_call *call, struct learn_need *need)
{
	struct sockaddr_vm address;
	char number[16];
	const char *text = number;

	if (call->step->address_size < sizeof address)
		return learn_need_never(need, "the address is not one of the socket's family");
	memcpy(&address, call->step->address, sizeof address);
	if (address.svm_family != AF_VSOCK)
		return learn_need_never(need, "the address is not one of the socket's family");
	snprintf(number, sizeof number, "%u", address.svm_cid);
	if (address.svm_cid == VMADDR_CID_ANY)
		text = "any";
	int r = learn_need_add_number(need, LEARN_PORTS, address.svm_port);
	return r < 0 ? r : learn_need_add(need, LEARN_ADDRESSES, text);
}

static int need_qipcrtr(const struct learn_call *call, struct learn_need *need)
{
	struct sockaddr_qrtr address;

	if (call->step->address_size < sizeof address)
		return learn_need_never(need, "the address is not one of the socket's family");
	memcpy(&address, call->step->address, sizeof address);
	if (address.sq_family != AF_QIPCRTR)
		return learn_need_never(need, "the address is not one of the socket's family");
	if (address.sq_port == 0 ||
		(address.sq_port >= QIPCRTR_FREE_FIRST && address.sq_port <= QIPCRTR_FREE_LAST)) {
		need->open = true;
		return 0;
	}
	return learn_need_add_number(need, LEARN_PORTS, address.sq_port);
}

static int need_bind(const struct learn_call *call, struct learn_need *need)
{
	char text[ADDRESS_TEXT_MAX];

	if (address_format(call->step->address, call->step->address_size, text, sizeof text) < 0)
		return -EINVAL;
	learn_need_say(need, "bind %s", text);
	switch (need->socket.domain) {
	case AF_INET:
	case AF_INET6:
		return need_inet(call, need->socket.domain, need);
	case AF_SMC:
		return need_inet(
			call, need->socket.protocol == PROTOCOL_SMC6 ? AF_INET6 : AF_INET, need);
	case AF_VSOCK:
		return need_vsock(call, need);
	case AF_QIPCRTR:
		return need_qipcrtr(call, need);
	default:
		return learn_need_never(
			need, "sockd binds no socket of this family that the program opened");
	}
}

static int need_step(const struct learn_call *call, struct learn_need *need)
{
	if (need->socket.domain == AF_NETLINK)
		return learn_need_netlink(call, need);
	if (need->socket.domain == AF_BLUETOOTH)
		return learn_need_bluetooth(call, need);
	switch (call->kind) {
	case LEARN_BIND:
		return need_bind(call, need);
	case LEARN_OPTION:
		return learn_need_option(call, need);
	default:
		learn_need_say(need, "send");
		return learn_need_never(need,
			"sockd sends nothing on a socket of this family that the program opened");
	}
}

static bool is_whole(const struct learn_call *call)
{
	static const enum wire_step_kind kinds[] = {
		[LEARN_BIND] = WIRE_STEP_BIND,
		[LEARN_OPTION] = WIRE_STEP_OPTION,
		[LEARN_SEND] = WIRE_STEP_SEND,
	};
	const struct wire_step *step = call->step;

	if (call->kind == LEARN_SOCKET)
		return true;
	return call->kind <= LEARN_SEND && step && step->kind == kinds[call->kind] &&
	       step->address_size <= WIRE_ADDRESS_MAX && step->data_size <= WIRE_PACKET_MAX &&
	       (step->address_size == 0 || step->address) && (step->data_size == 0 || step->data);
}

int learn_need_of(const struct learn_call *call, struct learn_need *ret)
{
	*ret = (struct learn_need){0};
	if (!is_whole(call))
		return -EINVAL;
	int r = name_socket(call, &ret->socket);
	if (r < 0)
		return r;
	if (call->kind != LEARN_SOCKET)
		return need_step(call, ret);
	learn_need_say(ret, "socket");
	ret->open = true;
	return 0;
}
