/*
 * Does a route message keep to its socket's own network namespace, and name no descriptor?
 */
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/lwtunnel.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/nexthop.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/macro.h"
#include "proto/netlink-attributes.h"
#include "proto/netlink-route.h"

/* Peers of peers: the kernel reads one, and each costs some of the stack here. */
#define PEERS_MAX 4u

struct home {
	unsigned peers;	 /* that are being looked at, each within the other */
	bool leaves;	 /* an attribute that names another namespace, or a descriptor */
	bool malformed;	 /* at whatever depth; what stands behind it is looked at all the same */
	bool pair, made; /* by the link's kind: has a peer; is made of a descriptor */
	bool local, program; /* of a route's encapsulation: SEG6_LOCAL; what is a program there */
	bool kind;	     /* of a filter: it says its own */
};

typedef void (*attribute_visit)(
	unsigned type, const unsigned char *data, size_t size, struct home *home);

/* A list of attributes as the kernel walks it: up to the first that is malformed. */
static void each_attribute(
	const unsigned char *data, size_t size, attribute_visit visit, struct home *home)
{
	struct netlink_attribute next;

	while (netlink_next_attribute(&data, &size, &next))
		visit(next.type, next.data, next.size, home);
	if (size > 0)
		home->malformed = true;
}

static void visit_link(unsigned type, const unsigned char *data, size_t size, struct home *home);

static void visit_peer(unsigned type, const unsigned char *data, size_t size, struct home *home)
{
	/* The same number for veth, vxcan and netkit. */
	if (type != VETH_INFO_PEER)
		return;
	if (size < sizeof(struct ifinfomsg)) {
		home->malformed = true;
		return;
	}
	if (home->peers == PEERS_MAX) {
		home->leaves = true;
		return;
	}
	home->peers++;
	each_attribute(
		data + sizeof(struct ifinfomsg), size - sizeof(struct ifinfomsg), visit_link, home);
	home->peers--;
}

static void visit_kind(unsigned type, const unsigned char *data, size_t size, struct home *home)
{
	static const struct {
		const char *name;
		bool made;
	} known[] = {
		{"veth", false}, {"vxcan", false}, {"netkit", false}, {"gtp", true}, {"ppp", true}};
	size_t length = strnlen((const char *)data, size);

	if (type != IFLA_INFO_KIND)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == length && memcmp(known[i].name, data, length) == 0) {
			home->made = home->made || known[i].made;
			home->pair = home->pair || !known[i].made;
		}
}

static void visit_info(unsigned type, const unsigned char *data, size_t size, struct home *home)
{
	if (type == IFLA_INFO_DATA && home->pair)
		each_attribute(data, size, visit_peer, home);
}

static void visit_link(unsigned type, const unsigned char *data, size_t size, struct home *home)
{
	switch (type) {
	case IFLA_NET_NS_PID:
	case IFLA_NET_NS_FD:
	case IFLA_TARGET_NETNSID:
	case IFLA_LINK_NETNSID:
	case IFLA_XDP:
		home->leaves = true;
		break;
	case IFLA_LINKINFO:
		/* The kind may stand behind its data. */
		each_attribute(data, size, visit_kind, home);
		home->leaves = home->leaves || home->made;
		each_attribute(data, size, visit_info, home);
		break;
	default:
		break;
	}
}

static void visit_address(
	unsigned type, const unsigned char *data _unused_, size_t size _unused_, struct home *home)
{
	home->leaves = home->leaves || type == IFA_TARGET_NETNSID;
}

static void visit_nsid(
	unsigned type, const unsigned char *data _unused_, size_t size _unused_, struct home *home)
{
	home->leaves = home->leaves || type == NETNSA_PID || type == NETNSA_FD ||
		       type == NETNSA_TARGET_NSID;
}

static void visit_local(
	unsigned type, const unsigned char *data _unused_, size_t size _unused_, struct home *home)
{
	home->program = home->program || type == SEG6_LOCAL_BPF;
}

static void note_encap(struct home *home, const unsigned char *data, size_t size)
{
	uint16_t type = LWTUNNEL_ENCAP_NONE;

	if (size >= sizeof type)
		memcpy(&type, data, sizeof type);
	home->leaves = home->leaves || type == LWTUNNEL_ENCAP_BPF;
	home->local = home->local || type == LWTUNNEL_ENCAP_SEG6_LOCAL;
}

static void visit_hop(unsigned type, const unsigned char *data, size_t size, struct home *home)
{
	if (type == RTA_ENCAP_TYPE)
		note_encap(home, data, size);
	else if (type == RTA_ENCAP)
		each_attribute(data, size, visit_local, home);
}

static void visit_route(unsigned type, const unsigned char *data, size_t size, struct home *home)
{
	if (type != RTA_MULTIPATH) {
		visit_hop(type, data, size, home);
		return;
	}
	while (size > 0) {
		struct rtnexthop hop;

		if (size >= sizeof hop)
			memcpy(&hop, data, sizeof hop);
		if (size < sizeof hop || hop.rtnh_len < sizeof hop || hop.rtnh_len > size) {
			home->malformed = true;
			return;
		}
		each_attribute(data + sizeof hop, hop.rtnh_len - sizeof hop, visit_hop, home);
		size_t step = MIN_OF((size_t)RTNH_ALIGN(hop.rtnh_len), size);
		data += step;
		size -= step;
	}
}

static void visit_nexthop(unsigned type, const unsigned char *data, size_t size, struct home *home)
{
	if (type == NHA_ENCAP_TYPE)
		note_encap(home, data, size);
	else if (type == NHA_ENCAP)
		each_attribute(data, size, visit_local, home);
}

static void visit_filter(
	unsigned type, const unsigned char *data _unused_, size_t size _unused_, struct home *home)
{
	home->kind = home->kind || type == TCA_KIND;
}

/*
 * Is there a filter or an action of the kind "bpf", at whatever depth? Where actions are is another
 * attribute for each kind of filter; so whatever looks like that is taken for it.
 */
static bool has_program(const unsigned char *data, size_t size)
{
	static const char kind[] = {'b', 'p', 'f'}; /* TCA_KIND is TCA_ACT_KIND */

	for (; size >= NLA_HDRLEN + sizeof kind; data += NLA_ALIGNTO, size -= NLA_ALIGNTO) {
		struct nlattr header;

		memcpy(&header, data, sizeof header);
		if ((header.nla_type & NLA_TYPE_MASK) == TCA_KIND &&
			header.nla_len >= NLA_HDRLEN + sizeof kind &&
			memcmp(data + NLA_HDRLEN, kind, sizeof kind) == 0)
			return true;
	}
	return false;
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
	case RTM_NEWROUTE:
		/* Others have no encapsulation, and some another header. */
		if (size > 0 && data[0] != AF_INET && data[0] != AF_INET6)
			return true;
		header_size = sizeof(struct rtmsg);
		visit = visit_route;
		break;
	case RTM_NEWNEXTHOP:
		header_size = sizeof(struct nhmsg);
		visit = visit_nexthop;
		break;
	case RTM_NEWTFILTER:
		/* Without a kind it may be for one that is there, of the kind "bpf". */
		if (size > sizeof(struct tcmsg))
			each_attribute(data + sizeof(struct tcmsg), size - sizeof(struct tcmsg),
				visit_filter, &home);
		return home.kind && !has_program(data, size);
	case RTM_NEWCHAIN:
	case RTM_NEWACTION:
		return !has_program(data, size);
	default:
		return true;
	}
	if (size <= header_size)
		return true;
	each_attribute(data + header_size, size - header_size, visit, &home);
	home.leaves = home.leaves || (home.local && home.program);
	/* Of a read the kernel leaves what is malformed; old ones are so by their longer header. */
	return !home.leaves && (!home.malformed || reads);
}
