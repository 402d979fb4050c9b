#include "client/run/answer-call.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "client/run/answer-send.h"
#include "client/run/elsewhere.h"
#include "client/run/netlink-number.h"
#include "client/run/reach.h"
#include "client/run/receiver.h"
#include "client/run/residents.h"
#include "client/run/say.h"
#include "lib/ask.h"
#include "lib/kernel.h"
#include "lib/sockd.h"
#include "proto/bluetooth.h"
#include "proto/constants.h"
#include "proto/macro.h"
#include "proto/wire.h"

/*
 * Rights that this process has still? Who has none to give up may be another user nevertheless, in
 * a user namespace that has more than one.
 */
static bool has_given_up(
	const struct surroundings *surroundings, const struct call *call, bool at_home)
{
	struct rights now;

	if (at_home && surroundings->rights_stay)
		return false;
	int r = rights_of(call->target.tid, &now);
	if (r < 0) {
		reach_failed(call, r);
		return true;
	}
	bool same = at_home ? rights_equal(&now, surroundings->rights)
			    : rights_same_person(&now, surroundings->rights);
	rights_release(&now);
	if (!same)
		reach_refrained(call,
			"its users, groups or capabilities are no longer those it was "
			"started with; start sockd-run with those that it has now");
	return !same;
}

enum place {
	PLACE_HOME,
	PLACE_ELSEWHERE, /* in another network namespace, where it can do nothing by itself */
	PLACE_OWN,	 /* where it is to be left to the kernel */
};

/*
 * A program that has moved to namespaces of its own must never be given a socket of those that it
 * was started in, nor one that gave up rights what it has none for any more. The thread waits in
 * its call meanwhile, and nobody else can move or change it.
 */
static enum place place_of(
	const struct surroundings *surroundings, const struct call *call, struct namespaces *ret)
{
	const struct namespaces *home = &surroundings->home;

	if (residents_has(call->target.tid))
		return PLACE_HOME;
	_cleanup_close_ int pidfd = residents_open(call->target.tid);
	int r = namespaces_of(call->target.tid, ret);
	if (r < 0)
		reach_failed(call, r);
	bool at_home = r == 0 && namespaces_equal(ret, home);
	if (r < 0 || has_given_up(surroundings, call, at_home) || !target_is_waiting(&call->target))
		return PLACE_OWN;
	if (at_home) {
		residents_add_take(call->target.tid, TAKE_FD(pidfd));
		return PLACE_HOME;
	}
	if (ret->network == home->network) {
		reach_refrained(
			call, "it is in a user namespace of its own; start sockd-run in there");
		return PLACE_OWN;
	}
	return target_has_capabilities(&call->target) || !target_is_waiting(&call->target)
		       ? PLACE_OWN
		       : PLACE_ELSEWHERE;
}

static struct answer give_fd_take(int fd, int type, enum window_kind window)
{
	return (struct answer){
		.kind = ANSWER_FD,
		.fd = fd,
		.close_on_exec = type & SOCK_CLOEXEC,
		.window = window,
	};
}

/* Of those whose later sends are judged by the rights of the sender. */
static enum window_kind window_of(
	const struct surroundings *surroundings, const struct call *call, int domain, int protocol)
{
	enum window_kind window = domain == AF_NETLINK ? WINDOW_NETLINK
				  : domain == AF_BLUETOOTH && protocol == BTPROTO_HCI ? WINDOW_HCI
										      : WINDOW_NONE;

	return call->compat || surroundings->windows[window].size == 0 ? WINDOW_NONE : window;
}

static bool is_inet(int domain)
{
	return domain == AF_INET || domain == AF_INET6;
}

static bool has_no_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) == 0 && data[0].effective == 0 &&
	       data[1].effective == 0;
}

/*
 * What this process was refused because it lacks CAP_NET_RAW it is refused for good: its rights,
 * and the namespaces it is in, stay as they are. A family that the kernel has no module for yet, or
 * one that a setting bars, is refused otherwise, or without that capability being asked for.
 */
static _Thread_local struct {
	bool is_known;
	int domain, type, protocol;
} refused;

static bool is_refused_for_good(int domain, int type, int protocol)
{
	return refused.is_known && refused.domain == domain && refused.type == type &&
	       refused.protocol == protocol;
}

static void remember_refusal(int error, int domain, int type, int protocol)
{
	bool needs_capability =
		domain == AF_PACKET || (is_inet(domain) && (type & 0xf) == SOCK_RAW);

	if (error != EPERM || !needs_capability || !has_no_capabilities())
		return;
	refused.is_known = true;
	refused.domain = domain;
	refused.type = type;
	refused.protocol = protocol;
}

static struct answer answer_socket(const struct surroundings *surroundings, const struct call *call)
{
	int domain = call_int(call, 0), type = call_int(call, 1), protocol = call_int(call, 2);
	enum window_kind window = window_of(surroundings, call, domain, protocol);
	struct ask_result result;
	struct namespaces where;
	int fd = -1;

	if (domain == AF_UNIX)
		return answer_continue();
	switch (place_of(surroundings, call, &where)) {
	case PLACE_HOME:
		break;
	case PLACE_ELSEWHERE: {
		receiver_hand_on();
		const struct elsewhere_request request = {.kind = ELSEWHERE_SOCKET,
			.tid = call->target.tid,
			.numbers = {domain, type, protocol}};
		return elsewhere_answer(surroundings, call, &where, &request, -1);
	}
	case PLACE_OWN:
		return answer_continue();
	}
	if (surroundings->netns) {
		enum ask_outcome outcome =
			ask_socket(domain, type, protocol, surroundings->netns, &result, &fd);
		if (outcome == ASK_DONE)
			return give_fd_take(fd, type, window);
		if (outcome == ASK_FAILED)
			return answer_value(-result.error);
	}
	int kernel_error = EPERM;
	if (!is_refused_for_good(domain, type, protocol)) {
		receiver_hand_on(); /* it may load a module */
		fd = kernel_socket(domain, type | SOCK_CLOEXEC, protocol);
		if (fd >= 0 && window != WINDOW_NONE)
			return give_fd_take(fd, type, window);
		if (fd >= 0) {
			/* Its own has its own credentials and cgroup. */
			kernel_close(fd);
			return answer_continue();
		}
		kernel_error = errno;
		if (!ask_is_worth_it_for_socket(kernel_error))
			return answer_continue();
		remember_refusal(kernel_error, domain, type, protocol);
	}
	enum ask_outcome outcome = ask_socket(domain, type, protocol, NULL, &result, &fd);
	if (outcome == ASK_DONE)
		return give_fd_take(fd, type, window);
	return answer_value(-ask_error(outcome, &result, kernel_error));
}

union address {
	struct sockaddr any;
	struct sockaddr_in inet; /* the port of inet6 is at the same place */
	struct sockaddr_nl netlink;
	unsigned char bytes[WIRE_ADDRESS_MAX];
};

/* Where everyone may bind to it, nobody but the kernel need be asked. */
static bool is_free_address(
	const struct surroundings *surroundings, const union address *address, size_t size)
{
	switch (address->any.sa_family) {
	case AF_UNIX: /* whose refusals are about files */
		return true;
	case AF_UNSPEC:
	case AF_INET:
	case AF_INET6: {
		unsigned port = ntohs(address->inet.sin_port);
		return size < offsetof(struct sockaddr_in, sin_addr) || port == 0 ||
		       port >= surroundings->first_free_port;
	}
	case AF_NETLINK:
		return size < sizeof address->netlink || address->netlink.nl_groups == 0;
	default:
		return false;
	}
}

static struct answer answer_bind(const struct surroundings *surroundings, const struct call *call)
{
	socklen_t size = (socklen_t)call->arguments[2];
	union address address = {0};
	struct namespaces where;

	if (size < sizeof(sa_family_t) || size > sizeof address ||
		reach_memory(call, call->arguments[1], &address, size) < 0)
		return answer_continue();
	if (is_free_address(surroundings, &address, size)) {
		if (address.any.sa_family != AF_UNIX)
			given_wait();
		return answer_continue();
	}
	enum place place = place_of(surroundings, call, &where);
	if (place == PLACE_OWN)
		return answer_continue();
	_cleanup_close_ int fd = reach_fd(call, call_int(call, 0));
	if (fd < 0 || !target_is_waiting(&call->target))
		return answer_continue();
	/* A packet socket's, for one, waits until every processor has noticed. */
	if (place == PLACE_ELSEWHERE || !is_inet(address.any.sa_family))
		receiver_hand_on();
	if (place == PLACE_ELSEWHERE) {
		struct elsewhere_request request = {
			.kind = ELSEWHERE_BIND, .tid = call->target.tid, .size = size};
		memcpy(request.data, &address, size);
		return elsewhere_answer(surroundings, call, &where, &request, fd);
	}
	int r = address.any.sa_family == AF_NETLINK
			? netlink_number_bind(call, fd, &address.netlink, size, sockd_bind)
			: given_bind(fd, &address.any, size, sockd_bind);
	return answer_value(r < 0 ? -errno : 0);
}

/* Or IP_TTL: the number is the same. */
static bool is_hci_filter(int level, int name)
{
	return level == SOL_HCI && name == HCI_FILTER;
}

static struct answer answer_setsockopt(
	const struct surroundings *surroundings, const struct call *call)
{
	int level = call_int(call, 1), name = call_int(call, 2);
	socklen_t size = (socklen_t)call->arguments[4];
	unsigned char value[WIRE_OPTION_MAX] = {0};
	const struct option_info *info = option_by_number(level, name);
	struct namespaces where;

	/* Those that hold a pointer or a descriptor are not ours to act on. */
	if (!info || size > INT_MAX)
		return answer_continue();
	size_t size_read = option_size_read(info, size);
	if (size_read > sizeof value ||
		reach_memory(call, call->arguments[3], value, size_read) < 0)
		return answer_continue();
	/* Some options the kernel takes in their exact size only: it is shown the one that was
	 * given. */
	size = MIN_OF(size, sizeof value);
	if (option_is_free(info, value, size) && !is_hci_filter(level, name))
		return answer_continue();
	enum place place = place_of(surroundings, call, &where);
	if (place == PLACE_OWN)
		return answer_continue();
	_cleanup_close_ int fd = reach_fd(call, call_int(call, 0));
	if (fd < 0 || !target_is_waiting(&call->target))
		return answer_continue();
	if (place == PLACE_ELSEWHERE || level != SOL_SOCKET)
		receiver_hand_on();
	if (place == PLACE_ELSEWHERE) {
		struct elsewhere_request request = {.kind = ELSEWHERE_SETSOCKOPT,
			.tid = call->target.tid,
			.numbers = {level, name},
			.size = size};
		memcpy(request.data, value, size);
		return elsewhere_answer(surroundings, call, &where, &request, fd);
	}
	return answer_value(sockd_setsockopt(fd, level, name, value, size) < 0 ? -errno : 0);
}

/*
 * A number of a window that the program takes by itself. Carried out here, it cannot come between
 * our finding a number free and taking it. Where it cannot be, because the program may not be
 * looked into, nothing is put into its windows either.
 */
static struct answer answer_dup(const struct call *call)
{
	int from = call_int(call, 0), to = call_int(call, 1);
	int flags = call->kind == CALL_DUP3 ? call_int(call, 2) : 0;

	if (from == to || (flags & ~O_CLOEXEC))
		return answer_continue();
	int fd = target_get_fd(&call->target, from);
	if (fd < 0)
		return answer_continue();
	return (struct answer){
		.kind = ANSWER_FD,
		.fd = fd,
		.close_on_exec = flags & O_CLOEXEC,
		.exactly = true,
		.number = to,
	};
}

struct answer answer_call(const struct surroundings *surroundings, const struct call *call)
{
	struct namespaces where;

	switch (call->kind) {
	case CALL_SOCKET:
		return answer_socket(surroundings, call);
	case CALL_BIND:
		return answer_bind(surroundings, call);
	case CALL_SETSOCKOPT:
		return answer_setsockopt(surroundings, call);
	case CALL_SENDTO:
	case CALL_SENDMSG:
	case CALL_SENDMMSG:
	case CALL_WRITE:
	case CALL_WRITEV:
		return place_of(surroundings, call, &where) == PLACE_HOME ? answer_send(call)
									  : answer_continue();
	case CALL_DUP2:
	case CALL_DUP3:
		return answer_dup(call);
	case CALL_UNSHARE:
	case CALL_SETNS:
		residents_end();
		break;
	case CALL_OTHER:
		break;
	}
	return answer_continue();
}
