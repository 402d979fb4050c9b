#include "client/run/learn-families.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/can.h>
#include <linux/can/isotp.h>
#include <linux/qrtr.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/address.h"
#include "proto/vm-sockets.h"

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
#define NUMBER_MAX 65535
#define TYPE_MAX 15
#define PROTOCOL_SMC6 1
#define QIPCRTR_FREE_FIRST 0x4000u
#define QIPCRTR_FREE_LAST 0x7fffffffu

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

/* What the kernel and the policy hold for the same is made the same. */
static int name_socket(const struct learn_call *call, struct learn_socket *ret)
{
	int domain = call->domain, type = call->type & ~TYPE_FLAGS, protocol = call->protocol;

	if (domain == AF_INET && type == SOCK_PACKET)
		domain = AF_PACKET;
	switch (domain) {
	case AF_INET:
	case AF_INET6:
		protocol = protocol == 0 ? constant_inet_protocol(type) : protocol;
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
	if (r == 0 && socket->protocol != IPPROTO_SCTP)
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
