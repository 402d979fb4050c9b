/* A netlink message of a type that a rule names, with no more in it than what tells which interface
 * it is about. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "client/plan-message.h"
#include "proto/constants.h"
#include "proto/macro.h"
#include "proto/netlink-generic.h"

/* Put together in the step's memory. */
struct message {
	unsigned char *bytes;
	size_t size;
};

static void add(struct message *message, const void *data, size_t size)
{
	memcpy(message->bytes + message->size, data, size);
	message->size += NLMSG_ALIGN(size);
}

static void add_attribute(struct message *message, uint16_t type, const void *data, size_t size)
{
	const struct nlattr head = {.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};

	add(message, &head, sizeof head);
	add(message, data, size);
}

static int say_unnamed(const char *type)
{
	output_error("--message: an interface can be named behind RTM_NEWLINK, RTM_NEWADDR, "
		     "RTM_NEWROUTE, RTM_NEWNEIGH and what undoes these, not behind %s",
		type);
	return -EINVAL;
}

static int find_index(const char *interface, uint32_t *ret)
{
	*ret = if_nametoindex(interface);
	if (*ret != 0)
		return 0;
	output_error(
		"\"%s\": there is no such interface here; ip link shows their names", interface);
	return -ENODEV;
}

/* NULL: without an interface. What is judged then says that one is missing. */
static int add_route_body(
	struct message *message, int type, const char *name, const char *interface)
{
	uint32_t index = 0;
	bool link = type == RTM_NEWLINK || type == RTM_DELLINK || type == RTM_SETLINK;

	if (interface && !link) {
		int r = find_index(interface, &index);
		if (r < 0)
			return r;
	}
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_SETLINK:
		add(message, &(struct ifinfomsg){0}, sizeof(struct ifinfomsg));
		if (interface)
			add_attribute(message, IFLA_IFNAME, interface, strlen(interface) + 1);
		return 0;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		add(message, &(struct ifaddrmsg){.ifa_family = AF_INET, .ifa_index = index},
			sizeof(struct ifaddrmsg));
		return 0;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		add(message, &(struct ndmsg){.ndm_family = AF_INET, .ndm_ifindex = (int)index},
			sizeof(struct ndmsg));
		return 0;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		add(message, &(struct rtmsg){.rtm_family = AF_INET, .rtm_type = RTN_UNICAST},
			sizeof(struct rtmsg));
		if (interface)
			add_attribute(message, RTA_OIF, &index, sizeof index);
		return 0;
	default:
		return interface ? say_unnamed(name) : 0;
	}
}

/* A command of generic netlink is known by the number that its family has at the moment. */
static int add_generic_body(struct message *message, struct nlmsghdr *head, int number)
{
	struct generic_families families;
	const struct genlmsghdr command = {.cmd = (uint8_t)(number & 0xff)};

	int r = generic_families_read(&families);
	if (r < 0) {
		output_error(
			"the families of generic netlink cannot be asked for: %s", strerror(-r));
		return r;
	}
	head->nlmsg_type = families.ids[number >> 16];
	if (head->nlmsg_type == 0) {
		output_error("--message: this kernel has no such family of generic netlink at the "
			     "moment; its module may not be loaded");
		return -ENOENT;
	}
	add(message, &command, sizeof command);
	return 0;
}

static int read_type(const struct plan *plan, const char *name, int *ret)
{
	char *end;

	if (constant_netlink_message_from_name(plan->protocol, name, ret) == 0)
		return 0;
	errno = 0;
	unsigned long number = strtoul(name, &end, 0);
	if (errno == 0 && end != name && *end == '\0' && number <= UINT16_MAX) {
		*ret = (int)number;
		return 0;
	}
	output_error("\"%s\" is not a message of this netlink protocol; give its name as in the C "
		     "headers, such as RTM_NEWLINK of route, or its number",
		name);
	return -ENOENT;
}

int plan_message(struct plan *plan, size_t i, const char *text)
{
	size_t length = strcspn(text, "/");
	const char *interface = text[length] == '/' ? text + length + 1 : NULL;
	_cleanup_free_ char *name = strndup(text, length);
	struct message message = {.bytes = plan->memory[i].value};
	struct nlmsghdr head = {.nlmsg_flags = NLM_F_REQUEST};
	int type, r = 0;

	if (plan->domain != AF_NETLINK) {
		output_error("--message=%s: only on sockets of the family netlink sockd sends "
			     "messages that have a type",
			text);
		return -EINVAL;
	}
	if (!name)
		return -ENOMEM;
	if (interface && (*interface == '\0' || strlen(interface) >= IF_NAMESIZE)) {
		output_error("--message=%s: there is no name of an interface behind the /", text);
		return -EINVAL;
	}
	if (interface && plan->elsewhere) {
		output_error("--message=%s: what interfaces another network namespace has cannot "
			     "be told from here; leave the name out",
			text);
		return -EINVAL;
	}
	r = read_type(plan, name, &type);
	if (r < 0)
		return r;
	head.nlmsg_type = (uint16_t)type;
	message.size = NLMSG_HDRLEN;
	if (plan->protocol == NETLINK_ROUTE)
		r = add_route_body(&message, type, name, interface);
	else if (interface)
		r = say_unnamed(name);
	else if (plan->protocol == NETLINK_GENERIC && type > UINT16_MAX)
		r = add_generic_body(&message, &head, type);
	if (r < 0)
		return r;
	/* Else it might take the place of another interface's. */
	if (plan->protocol == NETLINK_ROUTE && type == RTM_NEWROUTE)
		head.nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	head.nlmsg_len = (uint32_t)message.size;
	memcpy(message.bytes, &head, sizeof head);
	plan->steps[i].data = message.bytes;
	plan->steps[i].data_size = message.size;
	return 0;
}
