/*
 * Are the interfaces that a message touches those of a rule?
 */
#include "proto/netlink-interfaces.h"
#include "daemon/family/family.h"
#include "daemon/family/netlink-judge.h"
#include "proto/netlink-route.h"

struct judge {
	const struct names *interfaces;
	bool denied; /* looks for one of the names, where otherwise all must be among them */
	bool touched;
	char *why;
	size_t why_size;
};

static bool visit_interface(const char *name, void *data)
{
	struct judge *judge = data;
	bool match = names_match(judge->interfaces, name);

	judge->touched = judge->touched || match;
	if (match || judge->denied)
		return true;
	return family_no(judge->why, judge->why_size,
		"interface %s is not in the rule's \"interfaces\"", name);
}

bool netlink_interfaces_within(const struct names *interfaces, bool denied, int protocol,
	int number, int fd, const struct nlmsghdr *message, char *why, size_t why_size)
{
	struct judge judge = {
		.interfaces = interfaces, .denied = denied, .why = why, .why_size = why_size};
	bool clear = netlink_each_interface(
		protocol, number, message, fd, visit_interface, &judge, why, why_size);

	if (!denied)
		return clear;
	/* A message before it, or another process, may give the name to one that is denied. */
	bool by_name = protocol == NETLINK_ROUTE && netlink_route_goes_by_name(message);
	return judge.touched || !clear || by_name;
}
