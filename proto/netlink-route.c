/*
 * Which interfaces a route message touches. Everything is an allow-list: a message type, an
 * attribute or a kind of link that is not written down here is refused, because it may name another
 * interface or another namespace.
 */
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"
#include "proto/netlink-attributes.h"
#include "proto/netlink-route.h"

/* What stays with the link that the message is about. */
#define PLAIN_LINK_ATTRIBUTES \
	[IFLA_IFNAME] = true, [IFLA_MTU] = true, [IFLA_ADDRESS] = true, [IFLA_BROADCAST] = true, \
	[IFLA_TXQLEN] = true, [IFLA_OPERSTATE] = true, [IFLA_LINKMODE] = true, \
	[IFLA_NUM_TX_QUEUES] = true, [IFLA_NUM_RX_QUEUES] = true, [IFLA_GSO_MAX_SEGS] = true, \
	[IFLA_GSO_MAX_SIZE] = true, [IFLA_GRO_MAX_SIZE] = true

static const bool link_attributes[NETLINK_ATTRIBUTES_MAX] = {
	PLAIN_LINK_ATTRIBUTES,
	[IFLA_ALT_IFNAME] = true,
	[IFLA_IFALIAS] = true,
	[IFLA_EXT_MASK] = true,
	[IFLA_LINK] = true,
	[IFLA_MASTER] = true,
	[IFLA_LINKINFO] = true,
};

static const bool peer_attributes[NETLINK_ATTRIBUTES_MAX] = {PLAIN_LINK_ATTRIBUTES};

static const bool info_attributes[NETLINK_ATTRIBUTES_MAX] = {
	[IFLA_INFO_KIND] = true,
	[IFLA_INFO_DATA] = true,
};

static const bool veth_attributes[NETLINK_ATTRIBUTES_MAX] = {[VETH_INFO_PEER] = true};

/*
 * Kinds whose own data names no interface. Not macvlan, macvtap and ipvlan: made on one of their
 * kind they sit on the device below that, and what kind IFLA_LINK is the kernel tells under rtnl
 * only, which nobody's question may wait for.
 */
static const struct {
	const char *name;
	bool on_link; /* sits on the link of IFLA_LINK */
} kinds[] = {
	{"dummy", false},
	{"ifb", false},
	{"vcan", false},
	{"bridge", false},
	{"veth", false},
	{"vlan", true},
};

/* The other end of a veth is a link of its own: it must be named, and stay in this namespace. */
static bool judge_peer(struct netlink_judge *judge, const unsigned char *data, size_t size)
{
	struct netlink_attributes attributes;
	struct ifinfomsg header;

	if (!netlink_read_attributes(judge, "veth", data, size, veth_attributes, &attributes))
		return false;
	data = netlink_attribute(&attributes, VETH_INFO_PEER);
	if (!data || attributes.size[VETH_INFO_PEER] < sizeof header)
		return netlink_no(judge,
			"a veth needs a peer with a name that is in the rule's \"interfaces\"");
	size = attributes.size[VETH_INFO_PEER];
	memcpy(&header, data, sizeof header);
	if (header.ifi_index != 0)
		return netlink_no(judge, "a veth's peer may not ask for an interface index");
	if (!netlink_read_attributes(judge, "veth peer", data + sizeof header, size - sizeof header,
		    peer_attributes, &attributes))
		return false;
	if (!netlink_attribute(&attributes, IFLA_IFNAME))
		return netlink_no(
			judge, "a veth's peer needs a name that is in the rule's \"interfaces\"");
	return netlink_check_name_attribute(judge, &attributes, IFLA_IFNAME, NETLINK_NAME_NEW);
}

static bool judge_info(struct netlink_judge *judge, const struct netlink_attributes *link,
	bool creates, bool has_lower)
{
	struct netlink_attributes info;
	size_t i, length;

	if (!netlink_read_attributes(judge, "link information",
		    netlink_attribute(link, IFLA_LINKINFO), link->size[IFLA_LINKINFO],
		    info_attributes, &info))
		return false;
	if (!netlink_attribute(&info, IFLA_INFO_KIND))
		return netlink_no(judge, "link information without a kind");
	length = strnlen((const char *)info.data[IFLA_INFO_KIND], info.size[IFLA_INFO_KIND]);
	if (info.size[IFLA_INFO_KIND] - length > 1)
		return netlink_no(judge, "the link's kind is no string");
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].name) == length &&
			memcmp(kinds[i].name, info.data[IFLA_INFO_KIND], length) == 0)
			break;
	if (i == ARRAY_SIZE(kinds))
		return netlink_no(judge,
			"this kind of link is not one that a rule with \"interfaces\" can judge");
	if (creates && kinds[i].on_link && !has_lower)
		return netlink_no(judge, "a %s needs the link that it sits on", kinds[i].name);
	if (strcmp(kinds[i].name, "veth") == 0 &&
		(creates || netlink_attribute(&info, IFLA_INFO_DATA)))
		return judge_peer(
			judge, netlink_attribute(&info, IFLA_INFO_DATA), info.size[IFLA_INFO_DATA]);
	return true;
}

static bool judge_link(struct netlink_judge *judge, const struct nlmsghdr *message,
	const unsigned char *data, size_t size)
{
	bool creates = message->nlmsg_type == RTM_NEWLINK && message->nlmsg_flags & NLM_F_CREATE;
	struct netlink_attributes attributes;
	struct ifinfomsg header;
	uint32_t master;

	memcpy(&header, data, sizeof header);
	if (header.ifi_family != AF_UNSPEC && header.ifi_family != AF_INET &&
		header.ifi_family != AF_INET6)
		return netlink_no(
			judge, "link messages of family %u cannot be judged", header.ifi_family);
	if (!netlink_read_attributes(judge, "link", data + sizeof header, size - sizeof header,
		    link_attributes, &attributes))
		return false;
	bool by_name = header.ifi_index == 0;
	enum netlink_name whose = by_name ? NETLINK_NAME_MAY_EXIST : NETLINK_NAME_NEW;
	if (!by_name && !netlink_check_index(judge, (uint32_t)header.ifi_index))
		return false;
	if (by_name && !netlink_attribute(&attributes, IFLA_IFNAME) &&
		!netlink_attribute(&attributes, IFLA_ALT_IFNAME))
		return netlink_no(judge,
			"a link message that names no interface speaks of all or of a new one");
	/* Also where there is one by that index now: a message before this one may delete it. */
	if (creates && !netlink_attribute(&attributes, IFLA_IFNAME))
		return netlink_no(judge, "a new link needs a name: the kernel would choose one");
	if (netlink_attribute(&attributes, IFLA_IFNAME) &&
		!netlink_check_name_attribute(judge, &attributes, IFLA_IFNAME, whose))
		return false;
	if (netlink_attribute(&attributes, IFLA_ALT_IFNAME) &&
		!netlink_check_name_attribute(judge, &attributes, IFLA_ALT_IFNAME, whose))
		return false;
	if (netlink_attribute(&attributes, IFLA_LINK) &&
		!netlink_check_index_attribute(judge, &attributes, IFLA_LINK))
		return false;
	if (netlink_attribute(&attributes, IFLA_MASTER)) {
		/* 0 takes the link from its master. */
		bool release = attributes.size[IFLA_MASTER] == sizeof master &&
			       memcmp(netlink_attribute(&attributes, IFLA_MASTER), "\0\0\0\0",
				       sizeof master) == 0;
		if (!release && !netlink_check_index_attribute(judge, &attributes, IFLA_MASTER))
			return false;
	}
	return !netlink_attribute(&attributes, IFLA_LINKINFO) ||
	       judge_info(judge, &attributes, creates,
		       netlink_attribute(&attributes, IFLA_LINK) != NULL);
}

/* The kernel takes any, and programs that ask for addresses have it for the interface's name. */
static bool judge_label(struct netlink_judge *judge, const struct netlink_attributes *attributes)
{
	char name[IFNAMSIZ] = "";
	const char *label = (const char *)netlink_attribute(attributes, IFA_LABEL);
	size_t length = strnlen(label, attributes->size[IFA_LABEL]);

	if (length < sizeof name) {
		memcpy(name, label, length);
		name[strcspn(name, ":")] = '\0';
	}
	if (name[0] == '\0')
		return netlink_no(judge, "attribute %u is no label", IFA_LABEL);
	return judge->visit(name, judge->data);
}

static bool judge_address(struct netlink_judge *judge, const struct nlmsghdr *message,
	const unsigned char *data, size_t size)
{
	static const bool allowed[NETLINK_ATTRIBUTES_MAX] = {
		[IFA_ADDRESS] = true,
		[IFA_LOCAL] = true,
		[IFA_LABEL] = true,
		[IFA_BROADCAST] = true,
		[IFA_ANYCAST] = true,
		[IFA_CACHEINFO] = true,
		[IFA_MULTICAST] = true,
		[IFA_FLAGS] = true,
		[IFA_RT_PRIORITY] = true,
		[IFA_PROTO] = true,
	};
	struct netlink_attributes attributes;
	struct ifaddrmsg header;

	memcpy(&header, data, sizeof header);
	if (header.ifa_family != AF_INET && header.ifa_family != AF_INET6)
		return netlink_no(
			judge, "address messages of family %u cannot be judged", header.ifa_family);
	if (!netlink_read_attributes(judge, "address", data + sizeof header, size - sizeof header,
		    allowed, &attributes) ||
		!netlink_check_index(judge, header.ifa_index))
		return false;
	return message->nlmsg_type != RTM_NEWADDR || !netlink_attribute(&attributes, IFA_LABEL) ||
	       judge_label(judge, &attributes);
}

/*
 * The kernel looks at the table local, where the addresses of all interfaces are, before every
 * other. RTA_TABLE counts before the header's.
 */
static bool judge_table(struct netlink_judge *judge, const struct rtmsg *header,
	const struct netlink_attributes *attributes)
{
	uint32_t table = RT_TABLE_UNSPEC;

	if (netlink_attribute(attributes, RTA_TABLE)) {
		if (attributes->size[RTA_TABLE] != sizeof table)
			return netlink_no(judge, "attribute %u is no number of a table", RTA_TABLE);
		memcpy(&table, netlink_attribute(attributes, RTA_TABLE), sizeof table);
	}
	if (header->rtm_table == RT_TABLE_LOCAL || table == RT_TABLE_LOCAL)
		return netlink_no(judge,
			"a route of the table local may stand before an address of another "
			"interface");
	return true;
}

/* Only what makes a route of its own: another interface's equal route would lose its place to this
 * one, or have it as one more way (IPv6). */
static bool judge_addition(struct netlink_judge *judge, const struct nlmsghdr *message)
{
	const unsigned wanted = NLM_F_CREATE | NLM_F_EXCL;
	const unsigned all = wanted | NLM_F_REPLACE | NLM_F_APPEND;

	if ((message->nlmsg_flags & all) == wanted)
		return true;
	return netlink_no(judge,
		"a route can only be added (NLM_F_CREATE and NLM_F_EXCL), as else it may take the "
		"place of another interface's; delete the old one first");
}

static bool judge_route(struct netlink_judge *judge, const struct nlmsghdr *message,
	const unsigned char *data, size_t size)
{
	static const bool allowed[NETLINK_ATTRIBUTES_MAX] = {
		[RTA_DST] = true,
		[RTA_SRC] = true,
		[RTA_OIF] = true,
		[RTA_GATEWAY] = true,
		[RTA_PRIORITY] = true,
		[RTA_PREFSRC] = true,
		[RTA_METRICS] = true,
		[RTA_TABLE] = true,
		[RTA_PREF] = true,
		[RTA_EXPIRES] = true,
	};
	struct netlink_attributes attributes;
	struct rtmsg header;

	memcpy(&header, data, sizeof header);
	if (header.rtm_family != AF_INET && header.rtm_family != AF_INET6)
		return netlink_no(
			judge, "route messages of family %u cannot be judged", header.rtm_family);
	if (header.rtm_type != RTN_UNICAST &&
		(message->nlmsg_type != RTM_DELROUTE || header.rtm_type != RTN_UNSPEC))
		return netlink_no(
			judge, "a route of type %u is not one of an interface", header.rtm_type);
	if (message->nlmsg_type == RTM_NEWROUTE && !judge_addition(judge, message))
		return false;
	/* Of a route by such an object the kernel does not compare the interface, nor the gateway,
	 * and another process may make one at any time. */
	if (message->nlmsg_type == RTM_DELROUTE && header.rtm_family == AF_INET6)
		return netlink_no(judge,
			"a route of IPv6 cannot be deleted by a rule with \"interfaces\": one that "
			"goes by a next hop object goes whatever its interface is");
	if (!netlink_read_attributes(judge, "route", data + sizeof header, size - sizeof header,
		    allowed, &attributes) ||
		!judge_table(judge, &header, &attributes))
		return false;
	if (!netlink_attribute(&attributes, RTA_OIF))
		return netlink_no(judge, "a route message that names no interface may touch any");
	return netlink_check_index_attribute(judge, &attributes, RTA_OIF);
}

static bool judge_neighbour(struct netlink_judge *judge, const struct nlmsghdr *message _unused_,
	const unsigned char *data, size_t size)
{
	static const bool allowed[NETLINK_ATTRIBUTES_MAX] = {
		[NDA_DST] = true,
		[NDA_LLADDR] = true,
		[NDA_CACHEINFO] = true,
		[NDA_PROBES] = true,
		[NDA_PROTOCOL] = true,
		[NDA_FLAGS_EXT] = true,
	};
	struct netlink_attributes attributes;
	struct ndmsg header;

	memcpy(&header, data, sizeof header);
	/* AF_BRIDGE may speak of the interface's master. */
	if (header.ndm_family != AF_INET && header.ndm_family != AF_INET6)
		return netlink_no(judge, "neighbour messages of family %u cannot be judged",
			header.ndm_family);
	return netlink_read_attributes(judge, "neighbour", data + sizeof header,
		       size - sizeof header, allowed, &attributes) &&
	       netlink_check_index(judge, (uint32_t)header.ndm_ifindex);
}

static const struct {
	uint16_t type;
	uint16_t header_size; /* all multiples of NLMSG_ALIGNTO */
	bool (*judge)(struct netlink_judge *judge, const struct nlmsghdr *message,
		const unsigned char *data, size_t size);
} judged[] = {
	{RTM_NEWLINK, sizeof(struct ifinfomsg), judge_link},
	{RTM_DELLINK, sizeof(struct ifinfomsg), judge_link},
	{RTM_SETLINK, sizeof(struct ifinfomsg), judge_link},
	{RTM_NEWADDR, sizeof(struct ifaddrmsg), judge_address},
	{RTM_DELADDR, sizeof(struct ifaddrmsg), judge_address},
	{RTM_NEWROUTE, sizeof(struct rtmsg), judge_route},
	{RTM_DELROUTE, sizeof(struct rtmsg), judge_route},
	{RTM_NEWNEIGH, sizeof(struct ndmsg), judge_neighbour},
	{RTM_DELNEIGH, sizeof(struct ndmsg), judge_neighbour},
};

bool netlink_route_is_judged(int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++)
		if (judged[i].type == type)
			return true;
	return false;
}

bool netlink_route_goes_by_name(const struct nlmsghdr *message)
{
	const unsigned only_new = NLM_F_CREATE | NLM_F_EXCL;
	struct ifinfomsg header;

	if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK &&
		    message->nlmsg_type != RTM_SETLINK) ||
		message->nlmsg_len < NLMSG_LENGTH(sizeof header))
		return false;
	if (message->nlmsg_type == RTM_NEWLINK && (message->nlmsg_flags & only_new) == only_new)
		return false;
	memcpy(&header, (const unsigned char *)message + NLMSG_HDRLEN, sizeof header);
	return header.ifi_index == 0;
}

bool netlink_route_each_interface(const struct nlmsghdr *message, int fd, netlink_visit visit,
	void *data, char *why, size_t why_size)
{
	struct netlink_judge judge = {
		.fd = fd, .visit = visit, .data = data, .why = why, .why_size = why_size};
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;

	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		if (judged[i].type != message->nlmsg_type)
			continue;
		if (size < judged[i].header_size)
			return netlink_no(&judge, "the message is shorter than its own header");
		return judged[i].judge(
			&judge, message, (const unsigned char *)message + NLMSG_HDRLEN, size);
	}
	return netlink_no(&judge, "the message is not one that can be judged");
}
