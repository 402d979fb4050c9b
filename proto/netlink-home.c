/*
 * Does a route message keep to its socket's own network namespace?
 */
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/macro.h"
#include "proto/netlink-route.h"

/* A list of attributes as the kernel walks it: up to the first that is malformed. Calls back with
 * the type without its flag bits. Returns false where the callback does, or bytes are left over. */
typedef bool (*attribute_visit)(
	unsigned type, const unsigned char *data, size_t size, void *userdata);
static bool each_attribute(
	const unsigned char *data, size_t size, attribute_visit visit, void *userdata)
{
	while (size > 0) {
		struct nlattr header;

		if (size < sizeof header)
			return false;
		memcpy(&header, data, sizeof header);
		if (header.nla_len < sizeof header || header.nla_len > size)
			return false;
		if (!visit(header.nla_type & NLA_TYPE_MASK, data + sizeof header,
			    header.nla_len - sizeof header, userdata))
			return false;
		size_t step = MIN_OF((size_t)NLA_ALIGN(header.nla_len), size);
		data += step;
		size -= step;
	}
	return true;
}

struct home {
	bool leaves;	 /* an attribute that names another namespace, or a descriptor */
	bool pair, made; /* by the link's kind: has a peer; is made of a descriptor */
};

static bool visit_link(unsigned type, const unsigned char *data, size_t size, void *userdata);

static bool visit_peer(unsigned type, const unsigned char *data, size_t size, void *userdata)
{
	/* The same number for veth, vxcan and netkit. */
	if (type != VETH_INFO_PEER)
		return true;
	return size >= sizeof(struct ifinfomsg) &&
	       each_attribute(data + sizeof(struct ifinfomsg), size - sizeof(struct ifinfomsg),
		       visit_link, userdata);
}

static bool visit_kind(unsigned type, const unsigned char *data, size_t size, void *userdata)
{
	static const struct {
		const char *name;
		bool made;
	} known[] = {
		{"veth", false}, {"vxcan", false}, {"netkit", false}, {"gtp", true}, {"ppp", true}};
	struct home *home = userdata;
	size_t length = strnlen((const char *)data, size);

	if (type != IFLA_INFO_KIND)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == length && memcmp(known[i].name, data, length) == 0) {
			home->made = home->made || known[i].made;
			home->pair = home->pair || !known[i].made;
		}
	return true;
}

static bool visit_info(unsigned type, const unsigned char *data, size_t size, void *userdata)
{
	const struct home *home = userdata;

	return type != IFLA_INFO_DATA || !home->pair ||
	       each_attribute(data, size, visit_peer, userdata);
}

static bool visit_link(unsigned type, const unsigned char *data, size_t size, void *userdata)
{
	struct home *home = userdata;

	switch (type) {
	case IFLA_NET_NS_PID:
	case IFLA_NET_NS_FD:
	case IFLA_TARGET_NETNSID:
	case IFLA_LINK_NETNSID:
	case IFLA_XDP:
		home->leaves = true;
		return true;
	case IFLA_LINKINFO:
		/* The kind may stand behind its data. */
		if (!each_attribute(data, size, visit_kind, home))
			return false;
		home->leaves = home->leaves || home->made;
		return each_attribute(data, size, visit_info, home);
	default:
		return true;
	}
}

static bool visit_address(
	unsigned type, const unsigned char *data _unused_, size_t size _unused_, void *userdata)
{
	struct home *home = userdata;

	home->leaves = home->leaves || type == IFA_TARGET_NETNSID;
	return true;
}

static bool visit_nsid(
	unsigned type, const unsigned char *data _unused_, size_t size _unused_, void *userdata)
{
	struct home *home = userdata;

	home->leaves = home->leaves || type == NETNSA_PID || type == NETNSA_FD ||
		       type == NETNSA_TARGET_NSID;
	return true;
}

bool netlink_route_stays_home(const struct nlmsghdr *message)
{
	const unsigned char *data = (const unsigned char *)message + NLMSG_HDRLEN;
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;
	bool reads = (message->nlmsg_type & 3) == 2; /* RTM_GET... */
	size_t header_size = sizeof(struct ifinfomsg);
	attribute_visit visit = visit_link;
	struct home home = {0};

	switch (message->nlmsg_type) {
	case RTM_GETLINK:
		/* Old programs dump with a header of one byte. */
		if (size < header_size)
			header_size = NLMSG_ALIGN(sizeof(struct rtgenmsg));
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_SETLINK:
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_GETADDR:
	case RTM_GETMULTICAST:
	case RTM_GETANYCAST:
		header_size = sizeof(struct ifaddrmsg);
		visit = visit_address;
		break;
	case RTM_NEWNSID:
	case RTM_DELNSID:
	case RTM_GETNSID:
		header_size = NLMSG_ALIGN(sizeof(struct rtgenmsg));
		visit = visit_nsid;
		break;
	default:
		return true;
	}
	if (size <= header_size)
		return true;
	bool whole = each_attribute(data + header_size, size - header_size, visit, &home);
	/* Of a read the kernel leaves what is malformed; old ones are so by their longer header. */
	return !home.leaves && (whole || reads);
}
