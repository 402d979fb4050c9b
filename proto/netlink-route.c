/*
 * Which interfaces a route message touches. Everything is an allow-list: a message type, an
 * attribute or a kind of link that is not written down here is refused, because it may name another
 * interface or another namespace.
 */
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/macro.h"
#include "proto/netlink-route.h"

#define ATTRIBUTES_MAX \
	128 /* attribute numbers that are told apart; none that is allowed is above */

struct judge {
	int fd;
	netlink_route_visit visit;
	void *data;
	char *why;
	size_t why_size;
};

_printf_(3, 4) static bool no(char *why, size_t why_size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return false;
}

struct attributes {
	const unsigned char *data[ATTRIBUTES_MAX];
	uint16_t size[ATTRIBUTES_MAX];
};

static const unsigned char *get(const struct attributes *attributes, unsigned type)
{
	return attributes->data[type];
}

/*
 * Reads a list of attributes as nla_parse() does: the type without the two flag bits, each length
 * at least the header's. Unlike it: one type once only, none that is not allowed, no bytes left
 * over.
 */
static bool read_attributes(struct judge *judge, const char *where, const unsigned char *data,
	size_t size, const bool allowed[static ATTRIBUTES_MAX], struct attributes *ret)
{
	memset(ret, 0, sizeof *ret);
	while (size > 0) {
		struct nlattr header;

		if (size < sizeof header)
			return no(judge->why, judge->why_size,
				"%s: %zu bytes after the last attribute", where, size);
		memcpy(&header, data, sizeof header);
		if (header.nla_len < sizeof header || header.nla_len > size)
			return no(judge->why, judge->why_size,
				"%s: an attribute of %u bytes where there are %zu", where,
				header.nla_len, size);
		unsigned type = header.nla_type & NLA_TYPE_MASK;
		if (type >= ATTRIBUTES_MAX || !allowed[type])
			return no(judge->why, judge->why_size,
				"%s: attribute %u is not one that a rule with \"interfaces\" can "
				"judge",
				where, type);
		if (get(ret, type))
			return no(judge->why, judge->why_size, "%s: attribute %u is there twice",
				where, type);
		ret->data[type] = data + sizeof header;
		ret->size[type] = (uint16_t)(header.nla_len - sizeof header);
		size_t step = MIN_OF((size_t)NLA_ALIGN(header.nla_len), size);
		data += step;
		size -= step;
	}
	return true;
}

static bool check_index(struct judge *judge, uint32_t index)
{
	struct ifreq request = {.ifr_ifindex = (int)index};

	if (judge->fd < 0)
		return no(judge->why, judge->why_size,
			"interfaces can be told only on a socket of the client's own");
	if (index == 0 || index > INT32_MAX || ioctl(judge->fd, SIOCGIFNAME, &request) < 0)
		return no(judge->why, judge->why_size,
			"there is no interface %u in the socket's network namespace", index);
	request.ifr_name[IFNAMSIZ - 1] = '\0';
	return judge->visit(request.ifr_name, judge->data);
}

static bool check_index_attribute(
	struct judge *judge, const struct attributes *attributes, unsigned type)
{
	uint32_t index;

	if (attributes->size[type] != sizeof index)
		return no(judge->why, judge->why_size, "attribute %u is no interface index", type);
	memcpy(&index, attributes->data[type], sizeof index);
	return check_index(judge, index);
}

/*
 * For a name that is not there the kernel loads the module "netdev-NAME", and waits for it, where
 * the asker has CAP_NET_ADMIN: not for a client, who could not.
 */
static int index_of_name(int fd, struct ifreq *request)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[2], without[2];

	if (syscall(SYS_capget, &header, held) < 0)
		return -1;
	memcpy(without, held, sizeof without);
	without[0].effective &= ~(UINT32_C(1) << CAP_NET_ADMIN);
	bool changes = without[0].effective != held[0].effective;
	if (changes && syscall(SYS_capset, &header, without) < 0)
		return -1;
	int r = ioctl(fd, SIOCGIFINDEX, request);
	int error = errno;
	if (changes && syscall(SYS_capset, &header, held) < 0)
		return -1;
	errno = error;
	return r;
}

/* A name in an attribute. The kernel makes a pattern of "%d" and finds an interface by its other
 * names too. */
static bool check_name_attribute(
	struct judge *judge, const struct attributes *attributes, unsigned type, bool may_exist)
{
	struct ifreq request = {0};
	size_t size = attributes->size[type];
	size_t length = strnlen((const char *)attributes->data[type], size);

	if (length == 0 || length >= IFNAMSIZ || (length != size && length + 1 != size))
		return no(judge->why, judge->why_size, "attribute %u is no interface name", type);
	memcpy(request.ifr_name, attributes->data[type], length);
	if (strchr(request.ifr_name, '%') || strchr(request.ifr_name, '/'))
		return no(judge->why, judge->why_size,
			"an interface name with %% or / may become another one");
	if (!judge->visit(request.ifr_name, judge->data))
		return false;
	if (!may_exist)
		return true;
	if (judge->fd < 0)
		return no(judge->why, judge->why_size,
			"interfaces can be told only on a socket of the client's own");
	if (index_of_name(judge->fd, &request) < 0)
		return errno == ENODEV ||
		       no(judge->why, judge->why_size, "the interface cannot be looked up");
	return check_index(judge, (uint32_t)request.ifr_ifindex);
}

/* What stays with the link that the message is about. */
#define PLAIN_LINK_ATTRIBUTES \
	[IFLA_IFNAME] = true, [IFLA_MTU] = true, [IFLA_ADDRESS] = true, [IFLA_BROADCAST] = true, \
	[IFLA_TXQLEN] = true, [IFLA_OPERSTATE] = true, [IFLA_LINKMODE] = true, \
	[IFLA_NUM_TX_QUEUES] = true, [IFLA_NUM_RX_QUEUES] = true, [IFLA_GSO_MAX_SEGS] = true, \
	[IFLA_GSO_MAX_SIZE] = true, [IFLA_GRO_MAX_SIZE] = true

static const bool link_attributes[ATTRIBUTES_MAX] = {
	PLAIN_LINK_ATTRIBUTES,
	[IFLA_ALT_IFNAME] = true,
	[IFLA_IFALIAS] = true,
	[IFLA_EXT_MASK] = true,
	[IFLA_LINK] = true,
	[IFLA_MASTER] = true,
	[IFLA_LINKINFO] = true,
};

static const bool peer_attributes[ATTRIBUTES_MAX] = {PLAIN_LINK_ATTRIBUTES};

static const bool info_attributes[ATTRIBUTES_MAX] = {
	[IFLA_INFO_KIND] = true,
	[IFLA_INFO_DATA] = true,
};

static const bool veth_attributes[ATTRIBUTES_MAX] = {[VETH_INFO_PEER] = true};

/* Kinds whose own data names no interface. */
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
	{"macvlan", true},
	{"macvtap", true},
	{"ipvlan", true},
};

/* The other end of a veth is a link of its own: it must be named, and stay in this namespace. */
static bool judge_peer(struct judge *judge, const unsigned char *data, size_t size)
{
	struct attributes attributes;
	struct ifinfomsg header;

	if (!read_attributes(judge, "veth", data, size, veth_attributes, &attributes))
		return false;
	data = get(&attributes, VETH_INFO_PEER);
	if (!data || attributes.size[VETH_INFO_PEER] < sizeof header)
		return no(judge->why, judge->why_size,
			"a veth needs a peer with a name that is in the rule's \"interfaces\"");
	size = attributes.size[VETH_INFO_PEER];
	memcpy(&header, data, sizeof header);
	if (header.ifi_index != 0)
		return no(judge->why, judge->why_size,
			"a veth's peer may not ask for an interface index");
	if (!read_attributes(judge, "veth peer", data + sizeof header, size - sizeof header,
		    peer_attributes, &attributes))
		return false;
	if (!get(&attributes, IFLA_IFNAME))
		return no(judge->why, judge->why_size,
			"a veth's peer needs a name that is in the rule's \"interfaces\"");
	return check_name_attribute(judge, &attributes, IFLA_IFNAME, false);
}

static bool judge_info(
	struct judge *judge, const struct attributes *link, bool creates, bool has_lower)
{
	struct attributes info;
	size_t i, length;

	if (!read_attributes(judge, "link information", get(link, IFLA_LINKINFO),
		    link->size[IFLA_LINKINFO], info_attributes, &info))
		return false;
	if (!get(&info, IFLA_INFO_KIND))
		return no(judge->why, judge->why_size, "link information without a kind");
	length = strnlen((const char *)info.data[IFLA_INFO_KIND], info.size[IFLA_INFO_KIND]);
	if (info.size[IFLA_INFO_KIND] - length > 1)
		return no(judge->why, judge->why_size, "the link's kind is no string");
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].name) == length &&
			memcmp(kinds[i].name, info.data[IFLA_INFO_KIND], length) == 0)
			break;
	if (i == ARRAY_SIZE(kinds))
		return no(judge->why, judge->why_size,
			"this kind of link is not one that a rule with \"interfaces\" can judge");
	if (creates && kinds[i].on_link && !has_lower)
		return no(judge->why, judge->why_size, "a %s needs the link that it sits on",
			kinds[i].name);
	if (strcmp(kinds[i].name, "veth") == 0 && (creates || get(&info, IFLA_INFO_DATA)))
		return judge_peer(judge, get(&info, IFLA_INFO_DATA), info.size[IFLA_INFO_DATA]);
	return true;
}

static bool judge_link(
	struct judge *judge, const struct nlmsghdr *message, const unsigned char *data, size_t size)
{
	bool creates = message->nlmsg_type == RTM_NEWLINK && message->nlmsg_flags & NLM_F_CREATE;
	struct attributes attributes;
	struct ifinfomsg header;
	uint32_t master;

	memcpy(&header, data, sizeof header);
	if (header.ifi_family != AF_UNSPEC && header.ifi_family != AF_INET &&
		header.ifi_family != AF_INET6)
		return no(judge->why, judge->why_size,
			"link messages of family %u cannot be judged", header.ifi_family);
	if (!read_attributes(judge, "link", data + sizeof header, size - sizeof header,
		    link_attributes, &attributes))
		return false;
	bool by_name = header.ifi_index == 0;
	if (!by_name && !check_index(judge, (uint32_t)header.ifi_index))
		return false;
	if (by_name && !get(&attributes, IFLA_IFNAME) && !get(&attributes, IFLA_ALT_IFNAME))
		return no(judge->why, judge->why_size,
			"a link message that names no interface speaks of all or of a new one");
	/* Also where there is one by that index now: a message before this one may delete it. */
	if (creates && !get(&attributes, IFLA_IFNAME))
		return no(judge->why, judge->why_size,
			"a new link needs a name: the kernel would choose one");
	if (get(&attributes, IFLA_IFNAME) &&
		!check_name_attribute(judge, &attributes, IFLA_IFNAME, by_name))
		return false;
	if (get(&attributes, IFLA_ALT_IFNAME) &&
		!check_name_attribute(judge, &attributes, IFLA_ALT_IFNAME, by_name))
		return false;
	if (get(&attributes, IFLA_LINK) && !check_index_attribute(judge, &attributes, IFLA_LINK))
		return false;
	if (get(&attributes, IFLA_MASTER)) {
		/* 0 takes the link from its master. */
		bool release =
			attributes.size[IFLA_MASTER] == sizeof master &&
			memcmp(get(&attributes, IFLA_MASTER), "\0\0\0\0", sizeof master) == 0;
		if (!release && !check_index_attribute(judge, &attributes, IFLA_MASTER))
			return false;
	}
	return !get(&attributes, IFLA_LINKINFO) ||
	       judge_info(judge, &attributes, creates, get(&attributes, IFLA_LINK) != NULL);
}

static bool judge_address(struct judge *judge, const struct nlmsghdr *message _unused_,
	const unsigned char *data, size_t size)
{
	static const bool allowed[ATTRIBUTES_MAX] = {
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
	struct attributes attributes;
	struct ifaddrmsg header;

	memcpy(&header, data, sizeof header);
	if (header.ifa_family != AF_INET && header.ifa_family != AF_INET6)
		return no(judge->why, judge->why_size,
			"address messages of family %u cannot be judged", header.ifa_family);
	return read_attributes(judge, "address", data + sizeof header, size - sizeof header,
		       allowed, &attributes) &&
	       check_index(judge, header.ifa_index);
}

/* NLM_F_REPLACE takes the place of an equal route of any interface. */
static bool judge_route(
	struct judge *judge, const struct nlmsghdr *message, const unsigned char *data, size_t size)
{
	static const bool allowed[ATTRIBUTES_MAX] = {
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
	struct attributes attributes;
	struct rtmsg header;

	memcpy(&header, data, sizeof header);
	if (header.rtm_family != AF_INET && header.rtm_family != AF_INET6)
		return no(judge->why, judge->why_size,
			"route messages of family %u cannot be judged", header.rtm_family);
	if (header.rtm_type != RTN_UNICAST &&
		(message->nlmsg_type != RTM_DELROUTE || header.rtm_type != RTN_UNSPEC))
		return no(judge->why, judge->why_size,
			"a route of type %u is not one of an interface", header.rtm_type);
	if (message->nlmsg_type == RTM_NEWROUTE && message->nlmsg_flags & NLM_F_REPLACE)
		return no(judge->why, judge->why_size,
			"replacing a route may take one of another interface; delete it and add "
			"the new one");
	if (!read_attributes(judge, "route", data + sizeof header, size - sizeof header, allowed,
		    &attributes))
		return false;
	if (!get(&attributes, RTA_OIF))
		return no(judge->why, judge->why_size,
			"a route message that names no interface may touch any");
	return check_index_attribute(judge, &attributes, RTA_OIF);
}

static bool judge_neighbour(struct judge *judge, const struct nlmsghdr *message _unused_,
	const unsigned char *data, size_t size)
{
	static const bool allowed[ATTRIBUTES_MAX] = {
		[NDA_DST] = true,
		[NDA_LLADDR] = true,
		[NDA_CACHEINFO] = true,
		[NDA_PROBES] = true,
		[NDA_PROTOCOL] = true,
		[NDA_FLAGS_EXT] = true,
	};
	struct attributes attributes;
	struct ndmsg header;

	memcpy(&header, data, sizeof header);
	/* AF_BRIDGE may speak of the interface's master. */
	if (header.ndm_family != AF_INET && header.ndm_family != AF_INET6)
		return no(judge->why, judge->why_size,
			"neighbour messages of family %u cannot be judged", header.ndm_family);
	return read_attributes(judge, "neighbour", data + sizeof header, size - sizeof header,
		       allowed, &attributes) &&
	       check_index(judge, (uint32_t)header.ndm_ifindex);
}

static const struct {
	uint16_t type;
	uint16_t header_size; /* all multiples of NLMSG_ALIGNTO */
	bool (*judge)(struct judge *judge, const struct nlmsghdr *message,
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

bool netlink_route_each_interface(const struct nlmsghdr *message, int fd, netlink_route_visit visit,
	void *data, char *why, size_t why_size)
{
	struct judge judge = {
		.fd = fd, .visit = visit, .data = data, .why = why, .why_size = why_size};
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;

	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		if (judged[i].type != message->nlmsg_type)
			continue;
		if (size < judged[i].header_size)
			return no(why, why_size, "the message is shorter than its own header");
		return judged[i].judge(
			&judge, message, (const unsigned char *)message + NLMSG_HDRLEN, size);
	}
	return no(why, why_size, "the message is not one that can be judged");
}
