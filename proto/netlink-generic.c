#include "proto/netlink-generic.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"

#define BUFFER_SIZE (32u * 1024u) /* the most that the kernel puts into one packet of a dump */
#define TRIES 4			  /* families that come or go meanwhile interrupt a dump */

static const char *const names[GENERIC_FAMILIES] = {
	[GENERIC_ETHTOOL] = "ethtool",
	[GENERIC_FOU] = "fou",
	[GENERIC_IPVS] = "IPVS",
	[GENERIC_MACSEC] = "macsec",
	[GENERIC_MPTCP_PM] = "mptcp_pm",
	[GENERIC_SEG6] = "SEG6",
	[GENERIC_TCP_METRICS] = "tcp_metrics",
	[GENERIC_WIREGUARD] = "wireguard",
};

static enum generic_family family_from_name(const char *name, size_t size)
{
	for (int i = GENERIC_UNKNOWN + 1; i < GENERIC_FAMILIES; i++)
		if (strnlen(name, size) == strlen(names[i]) &&
			memcmp(name, names[i], strlen(names[i])) == 0)
			return (enum generic_family)i;
	return GENERIC_UNKNOWN;
}

/* The attributes of one whole message, behind its generic header. */
static bool read_message(struct netlink_judge *judge, const struct nlmsghdr *message,
	struct genlmsghdr *ret_header, struct netlink_attributes *ret)
{
	const unsigned char *data = (const unsigned char *)message + NLMSG_HDRLEN;
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;

	if (size < GENL_HDRLEN)
		return netlink_no(judge, "the message is shorter than its own header");
	memcpy(ret_header, data, sizeof *ret_header);
	return netlink_read_attributes(
		judge, "command", data + GENL_HDRLEN, size - GENL_HDRLEN, NULL, ret);
}

static void note_message(struct generic_families *families, const struct nlmsghdr *message)
{
	char why[128];
	struct netlink_judge judge = {.fd = -1, .why = why, .why_size = sizeof why};
	struct netlink_attributes attributes = {0};
	struct genlmsghdr header;
	uint16_t id;

	if (message->nlmsg_type != GENL_ID_CTRL ||
		!read_message(&judge, message, &header, &attributes) ||
		attributes.size[CTRL_ATTR_FAMILY_ID] != sizeof id ||
		!netlink_attribute(&attributes, CTRL_ATTR_FAMILY_NAME))
		return;
	memcpy(&id, netlink_attribute(&attributes, CTRL_ATTR_FAMILY_ID), sizeof id);
	enum generic_family family = family_from_name(
		(const char *)netlink_attribute(&attributes, CTRL_ATTR_FAMILY_NAME),
		attributes.size[CTRL_ATTR_FAMILY_NAME]);
	if (family == GENERIC_UNKNOWN)
		return;
	if (header.cmd == CTRL_CMD_NEWFAMILY)
		families->ids[family] = id;
	else if (header.cmd == CTRL_CMD_DELFAMILY && families->ids[family] == id)
		families->ids[family] = 0;
}

/* Where one of the messages ends it, returns it. */
static const struct nlmsghdr *note_messages(
	struct generic_families *families, const void *data, size_t size, bool *interrupted)
{
	const struct nlmsghdr *message = data;
	int64_t left = (int64_t)size; /* below 0 behind the last one, if that is not aligned */

	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		*interrupted |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return message;
		note_message(families, message);
	}
	return NULL;
}

void generic_families_note(struct generic_families *families, const void *data, size_t size)
{
	bool interrupted = false;

	(void)note_messages(families, data, size, &interrupted);
}

ssize_t generic_receive(int fd, void *buffer, size_t size, int flags)
{
	for (;;) {
		struct sockaddr_nl sender = {0};
		socklen_t length = sizeof sender;
		ssize_t n = recvfrom(
			fd, buffer, size, flags | MSG_TRUNC, (struct sockaddr *)&sender, &length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return negative_errno();
		if (length != sizeof sender || sender.nl_family != AF_NETLINK || sender.nl_pid != 0)
			return 0;
		return (size_t)n > size ? -EMSGSIZE : n;
	}
}

static int error_of(const struct nlmsghdr *message)
{
	struct nlmsgerr error;

	if (message->nlmsg_type == NLMSG_DONE)
		return 0;
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof error))
		return -EBADMSG;
	memcpy(&error, NLMSG_DATA(message), sizeof error);
	return error.error < 0 ? error.error : -EBADMSG;
}

/* Returns 1 where families came or went meanwhile. */
static int dump(int fd, void *buffer, struct generic_families *ret)
{
	const struct {
		struct nlmsghdr header;
		struct genlmsghdr command;
	} request = {
		.header = {.nlmsg_len = sizeof request,
			.nlmsg_type = GENL_ID_CTRL,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.command = {.cmd = CTRL_CMD_GETFAMILY, .version = 1},
	};
	bool interrupted = false;

	if (send(fd, &request, sizeof request, MSG_NOSIGNAL) < 0)
		return negative_errno();
	for (;;) {
		ssize_t n = generic_receive(fd, buffer, BUFFER_SIZE, 0);
		if (n < 0)
			return (int)n;
		const struct nlmsghdr *end = note_messages(ret, buffer, (size_t)n, &interrupted);
		if (!end)
			continue;
		int r = error_of(end);
		return r == 0 && interrupted ? 1 : r;
	}
}

int generic_families_read(struct generic_families *ret)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	_cleanup_free_ void *buffer = malloc(BUFFER_SIZE);
	int r = 1;

	if (fd < 0)
		return negative_errno();
	if (!buffer)
		return -ENOMEM;
	for (int i = 0; r > 0 && i < TRIES; i++) {
		struct generic_families families = {0};
		r = dump(fd, buffer, &families);
		if (r >= 0)
			*ret = families;
	}
	return r < 0 ? r : 0;
}

int generic_message_number(const struct generic_families *families, const struct nlmsghdr *message)
{
	struct genlmsghdr header;

	if (message->nlmsg_type <= GENL_ID_CTRL)
		return message->nlmsg_type;
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof header))
		return GENERIC_NO_NUMBER;
	memcpy(&header, NLMSG_DATA(message), sizeof header);
	for (int i = GENERIC_UNKNOWN + 1; i < GENERIC_FAMILIES; i++)
		if (families->ids[i] == message->nlmsg_type)
			return GENERIC_COMMAND(i, header.cmd);
	return GENERIC_NO_NUMBER;
}

/* Where a family has its interface: as an index, and by name. */
struct place {
	unsigned nest; /* the attribute that both are in; 0: none */
	unsigned index, name;
	bool one_dump; /* a dump too is about the one */
};

static const struct place places[GENERIC_FAMILIES] = {
	[GENERIC_ETHTOOL] = {.nest = 1, .index = 1, .name = 2}, /* ETHTOOL_A_..._HEADER */
	[GENERIC_MACSEC] = {.index = 1},			/* MACSEC_ATTR_IFINDEX */
	[GENERIC_WIREGUARD] = {.index = 1,
		.name = 2,
		.one_dump = true}, /* WGDEVICE_A_IFINDEX, _IFNAME */
};

static const struct place *place_of(int number)
{
	int family = number >> 16;

	return family > GENERIC_UNKNOWN && family < GENERIC_FAMILIES && places[family].index > 0
		       ? &places[family]
		       : NULL;
}

bool generic_is_judged(int number)
{
	return place_of(number) != NULL;
}

bool generic_each_interface(int number, const struct nlmsghdr *message, int fd, netlink_visit visit,
	void *data, char *why, size_t why_size)
{
	struct netlink_judge judge = {
		.fd = fd, .visit = visit, .data = data, .why = why, .why_size = why_size};
	const struct place *place = place_of(number);
	struct netlink_attributes all = {0}, attributes;
	struct genlmsghdr header;

	if (!place)
		return netlink_no(&judge, "the message is not one that can be judged");
	if (!place->one_dump && message->nlmsg_flags & NLM_F_DUMP)
		return netlink_no(&judge, "a dump is about all interfaces");
	if (!read_message(&judge, message, &header, &all))
		return false;
	if (place->nest == 0)
		attributes = all;
	else if (!netlink_attribute(&all, place->nest))
		return netlink_no(&judge, "the command names no interface");
	else if (!netlink_read_attributes(&judge, "command's header",
			 netlink_attribute(&all, place->nest), all.size[place->nest], NULL,
			 &attributes))
		return false;

	bool by_index = netlink_attribute(&attributes, place->index) != NULL;
	bool by_name = place->name > 0 && netlink_attribute(&attributes, place->name) != NULL;
	if (!by_index && !by_name)
		return netlink_no(&judge, "the command names no interface");
	return (!by_index || netlink_check_index_attribute(&judge, &attributes, place->index)) &&
	       (!by_name || netlink_check_name_attribute(
				    &judge, &attributes, place->name, NETLINK_NAME_EXISTS));
}
