/* What netlink calls need: groups that are joined, messages and the interfaces that they touch. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/run/generic.h"
#include "client/run/learn-families.h"
#include "lib/generic.h"
#include "proto/netlink-generic.h"
#include "proto/netlink-interfaces.h"
#include "proto/netlink-route.h"
#include "proto/netlink-sender.h"

#define GROUPS_IN_ADDRESS 32

/* As the daemon has it: whose groups generic netlink's and audit's are is known at run time only.
 */
static bool group_is_free(int protocol, uint32_t group)
{
	return protocol != NETLINK_GENERIC && protocol != NETLINK_AUDIT &&
	       constant_netlink_group_is_free(protocol, (int)group);
}

static bool message_is_free(int protocol, int type)
{
	return protocol != NETLINK_SOCK_DIAG && constant_netlink_message_is_free(protocol, type);
}

static int need_group(struct learn_need *need, uint32_t group)
{
	const char *name = constant_netlink_group_name(need->socket.protocol, (int)group);

	if (name)
		learn_need_say(need, " %s", name);
	else
		learn_need_say(need, " %u", group);
	if (group_is_free(need->socket.protocol, group)) {
		need->open = true;
		return 0;
	}
	return name ? learn_set_add(&need->groups, name)
		    : learn_set_add_number(&need->groups, group);
}

static int need_bind(const struct learn_call *call, struct learn_need *need)
{
	struct sockaddr_nl address;

	learn_need_say(need, "bind to groups");
	if (call->step->address_size < sizeof address)
		return learn_need_never(need, "the address is not one of the socket's family");
	memcpy(&address, call->step->address, sizeof address);
	if (address.nl_family != AF_NETLINK)
		return learn_need_never(need, "the address is not one of the socket's family");
	if (address.nl_groups == 0) {
		learn_need_say(need, " none");
		need->open = true;
	}
	for (uint32_t group = 1; group <= GROUPS_IN_ADDRESS; group++)
		if (address.nl_groups & UINT32_C(1) << (group - 1)) {
			int r = need_group(need, group);
			if (r < 0)
				return r;
		}
	return 0;
}

static int need_option(const struct learn_call *call, struct learn_need *need)
{
	const struct wire_step *step = call->step;
	uint32_t group;

	if (step->a != SOL_NETLINK ||
		(step->b != NETLINK_ADD_MEMBERSHIP && step->b != NETLINK_DROP_MEMBERSHIP))
		return learn_need_option(call, need);
	learn_need_say(need, "%s group", step->b == NETLINK_ADD_MEMBERSHIP ? "join" : "leave");
	if (step->data_size != sizeof group)
		return learn_need_never(need, "a value of this size is not one that sockd takes");
	memcpy(&group, step->data, sizeof group);
	if (group == 0 || group > INT32_MAX)
		return -EINVAL;
	return need_group(need, group);
}

/* --- messages --- */

struct visited {
	struct learn_need *need;
	int error;
};

static bool add_interface(const char *name, void *data)
{
	struct visited *visited = data;

	if (!learn_interface_is_plain(name))
		visited->error = -EOPNOTSUPP;
	else
		visited->error = learn_need_add(visited->need, LEARN_INTERFACES, name);
	return visited->error == 0;
}

/* Calls back for each whole message. Returns 0 or what the callback did; -EINVAL: malformed. */
static int each_message(const void *data, size_t size,
	int (*visit)(const struct nlmsghdr *message, void *data), void *userdata)
{
	const unsigned char *at = data;

	for (size_t left = size; left > 0;) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)at;

		if (left < sizeof *message || message->nlmsg_len < sizeof *message ||
			message->nlmsg_len > left)
			return -EINVAL;
		int r = visit(message, userdata);
		if (r != 0)
			return r;
		size_t step = MIN_OF((size_t)NLMSG_ALIGN(message->nlmsg_len), left);
		at += step;
		left -= step;
	}
	return 0;
}

/* A packet by which ip-link(8) looks whether the kernel has RTM_NEWLINK: it names no link, and one
 * error is as good as another. */
static bool is_probe(int protocol, const struct nlmsghdr *message, size_t size)
{
	struct ifinfomsg link;

	if (protocol != NETLINK_ROUTE || size != NLMSG_LENGTH(sizeof link) ||
		message->nlmsg_len != size || message->nlmsg_type != RTM_NEWLINK ||
		message->nlmsg_flags & NLM_F_CREATE)
		return false;
	memcpy(&link, NLMSG_DATA(message), sizeof link);
	return link.ifi_index == 0;
}

/* The number by which policies know it; whether a rule is needed for it. */
static int number_of(int protocol, const struct nlmsghdr *message, bool *ret_needs_rule)
{
	bool generic = protocol == NETLINK_GENERIC && message->nlmsg_type > GENL_ID_CTRL;
	int number = generic ? generic_number(message) : message->nlmsg_type;

	*ret_needs_rule = generic ? generic_takes_privilege(message, message->nlmsg_len)
				  : !message_is_free(protocol, number);
	return number;
}

/* 1: no rule can name it. */
static int add_message(const struct nlmsghdr *message, void *data)
{
	struct learn_need *need = data;
	int protocol = need->socket.protocol;
	bool needs_rule;
	int number = number_of(protocol, message, &needs_rule);
	const char *name = constant_netlink_message_name(protocol, number);

	if (protocol == NETLINK_NETFILTER &&
		(number == NFNL_MSG_BATCH_BEGIN || number == NFNL_MSG_BATCH_END))
		return 0;
	if (!needs_rule)
		return 0;
	if (name) {
		learn_need_say(need, " %s", name);
		return learn_need_add(need, LEARN_MESSAGES, name);
	}
	learn_need_say(need, " %u", message->nlmsg_type);
	return protocol == NETLINK_GENERIC
		       ? 1
		       : learn_need_add_number(need, LEARN_MESSAGES, (uint32_t)number);
}

struct search {
	int fd;
	struct learn_need *need;
};

/* 1: the interfaces cannot all be told. */
static int add_interfaces(const struct nlmsghdr *message, void *data)
{
	const struct search *search = data;
	struct visited visited = {.need = search->need};
	int protocol = search->need->socket.protocol;
	bool needs_rule;
	int number = number_of(protocol, message, &needs_rule);

	if (!needs_rule)
		return 0;
	if (!netlink_is_judged(protocol, number)) {
		(void)strcpy(search->need->why,
			"which interfaces such a message touches no rule can say");
		return 1;
	}
	if (netlink_each_interface(protocol, number, message, search->fd, add_interface, &visited,
		    search->need->why, sizeof search->need->why))
		return 0;
	return visited.error == 0 || visited.error == -EOPNOTSUPP ? 1 : visited.error;
}

static int leaves_home(const struct nlmsghdr *message, void *data)
{
	bool narrow = *(const bool *)data;

	/* Of what is judged by its interfaces all attributes are known to stay. */
	if (narrow && netlink_route_is_judged(message->nlmsg_type))
		return 0;
	return netlink_route_stays_home(message) ? 0 : -EOPNOTSUPP;
}

static int is_about_sender(const struct nlmsghdr *message, void *data)
{
	const struct learn_need *need = data;

	return netlink_is_about_sender(need->socket.protocol, message) ? -EOPNOTSUPP : 0;
}

static int need_interfaces(
	const struct learn_call *call, const void *data, size_t size, struct learn_need *need)
{
	_cleanup_close_ int own = call->fd > 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct search search = {.fd = call->fd > 0 ? call->fd : own, .need = need};
	struct learn_set *interfaces = &need->product.keys[LEARN_INTERFACES];
	bool narrow = false;

	if (need->product.keys[LEARN_MESSAGES].n > 0) {
		int r = each_message(data, size, add_interfaces, &search);
		if (r < 0)
			return r;
		narrow = r == 0;
	}
	if (!narrow)
		learn_set_done(interfaces);
	if (need->socket.protocol == NETLINK_ROUTE &&
		each_message(data, size, leaves_home, &narrow) < 0)
		return learn_need_never(need,
			"a message names another network namespace, a process "
			"or a descriptor, or is malformed");
	for (size_t i = 0; i < interfaces->n; i++)
		learn_need_say(need, "%s%s", i == 0 ? " of " : " ", interfaces->items[i]);
	if (narrow)
		need->why[0] = '\0';
	return 0;
}

static bool is_to_kernel(const struct wire_step *step)
{
	struct sockaddr_nl address;

	if (step->address_size == 0)
		return true;
	if (step->address_size < sizeof address)
		return false;
	memcpy(&address, step->address, sizeof address);
	return address.nl_family == AF_NETLINK && address.nl_pid == 0 && address.nl_groups == 0;
}

static int need_send(const struct learn_call *call, struct learn_need *need)
{
	const struct wire_step *step = call->step;
	size_t size = step->data_size;
	/* A copy that is aligned. */
	_cleanup_free_ void *data = size > 0 ? malloc(size) : NULL;

	learn_need_say(need, "send");
	if (!is_to_kernel(step))
		return learn_need_never(need, "sockd sends netlink messages to the kernel only");
	if (size == 0)
		return -EINVAL;
	if (!data)
		return -ENOMEM;
	memcpy(data, step->data, size);
	if (is_probe(need->socket.protocol, data, size))
		return -EINVAL;
	int r = each_message(data, size, add_message, need);
	if (r == -EINVAL)
		return learn_need_never(need, "the netlink packet is malformed");
	if (r < 0)
		return r;
	if (r > 0)
		return learn_need_never(
			need, "it is a command of generic netlink that no rule can name");
	bool needs_rule = need->product.keys[LEARN_MESSAGES].n > 0;
	if (needs_rule && need->socket.protocol == NETLINK_KOBJECT_UEVENT)
		return learn_need_never(
			need, "an event of the kernel's is not for a client to send");
	if (needs_rule && !netlink_types_tell(need->socket.protocol))
		return learn_need_never(need, "its type does not say what it does");
	if (each_message(data, size, is_about_sender, need) < 0)
		return learn_need_never(
			need, "it names a descriptor, or the process that sends it");
	if (!needs_rule)
		need->open = true;
	return need->socket.protocol == NETLINK_ROUTE || need->socket.protocol == NETLINK_GENERIC
		       ? need_interfaces(call, data, size, need)
		       : 0;
}

int learn_need_netlink(const struct learn_call *call, struct learn_need *need)
{
	switch (call->kind) {
	case LEARN_BIND:
		return need_bind(call, need);
	case LEARN_OPTION:
		return need_option(call, need);
	default:
		return need_send(call, need);
	}
}
