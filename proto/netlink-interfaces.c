#include "proto/netlink-interfaces.h"

#include "proto/netlink-generic.h"
#include "proto/netlink-route.h"

bool netlink_is_judged(int protocol, int number)
{
	switch (protocol) {
	case NETLINK_ROUTE:
		return netlink_route_is_judged(number);
	case NETLINK_GENERIC:
		return generic_is_judged(number);
	default:
		return false;
	}
}

bool netlink_each_interface(int protocol, int number, const struct nlmsghdr *message, int fd,
	netlink_visit visit, void *data, char *why, size_t why_size)
{
	return protocol == NETLINK_GENERIC
		       ? generic_each_interface(number, message, fd, visit, data, why, why_size)
		       : netlink_route_each_interface(message, fd, visit, data, why, why_size);
}
