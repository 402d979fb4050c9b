#include "proto/netlink-attributes.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/macro.h"

bool netlink_no(struct netlink_judge *judge, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(judge->why, judge->why_size, format, arguments);
	va_end(arguments);
	return false;
}

bool netlink_next_attribute(const unsigned char **data, size_t *size, struct netlink_attribute *ret)
{
	struct nlattr header;

	if (*size < sizeof header)
		return false;
	memcpy(&header, *data, sizeof header);
	if (header.nla_len < sizeof header || header.nla_len > *size)
		return false;
	*ret = (struct netlink_attribute){
		.type = header.nla_type & NLA_TYPE_MASK,
		.data = *data + sizeof header,
		.size = header.nla_len - sizeof header,
	};
	size_t step = MIN_OF((size_t)NLA_ALIGN(header.nla_len), *size);
	*data += step;
	*size -= step;
	return true;
}

static bool no_malformed(
	struct netlink_judge *judge, const char *where, const unsigned char *data, size_t size)
{
	struct nlattr header;

	if (size < sizeof header)
		return netlink_no(judge, "%s: %zu bytes after the last attribute", where, size);
	memcpy(&header, data, sizeof header);
	return netlink_no(judge, "%s: an attribute of %u bytes where there are %zu", where,
		header.nla_len, size);
}

bool netlink_read_attributes(struct netlink_judge *judge, const char *where,
	const unsigned char *data, size_t size, const bool *allowed, struct netlink_attributes *ret)
{
	struct netlink_attribute next;

	memset(ret, 0, sizeof *ret);
	while (netlink_next_attribute(&data, &size, &next)) {
		if (next.type >= NETLINK_ATTRIBUTES_MAX || (allowed && !allowed[next.type]))
			return netlink_no(judge,
				"%s: attribute %u is not one that a rule with \"interfaces\" can "
				"judge",
				where, next.type);
		if (netlink_attribute(ret, next.type))
			return netlink_no(
				judge, "%s: attribute %u is there twice", where, next.type);
		ret->data[next.type] = next.data;
		ret->size[next.type] = (uint16_t)next.size;
	}
	return size == 0 || no_malformed(judge, where, data, size);
}

bool netlink_check_index(struct netlink_judge *judge, uint32_t index)
{
	struct ifreq request = {.ifr_ifindex = (int)index};

	if (judge->fd < 0)
		return netlink_no(
			judge, "interfaces can be told only on a socket of the client's own");
	if (index == 0 || index > INT32_MAX || ioctl(judge->fd, SIOCGIFNAME, &request) < 0)
		return netlink_no(
			judge, "there is no interface %u in the socket's network namespace", index);
	request.ifr_name[IFNAMSIZ - 1] = '\0';
	return judge->visit(request.ifr_name, judge->data);
}

bool netlink_check_index_attribute(
	struct netlink_judge *judge, const struct netlink_attributes *attributes, unsigned type)
{
	uint32_t index;

	if (attributes->size[type] != sizeof index)
		return netlink_no(judge, "attribute %u is no interface index", type);
	memcpy(&index, attributes->data[type], sizeof index);
	return netlink_check_index(judge, index);
}

bool netlink_check_name_attribute(struct netlink_judge *judge,
	const struct netlink_attributes *attributes, unsigned type, enum netlink_name whose)
{
	struct ifreq request = {0};
	size_t size = attributes->size[type];
	size_t length = strnlen((const char *)attributes->data[type], size);

	if (length == 0 || length >= IFNAMSIZ || (length != size && length + 1 != size))
		return netlink_no(judge, "attribute %u is no interface name", type);
	memcpy(request.ifr_name, attributes->data[type], length);
	/* The call below looks up what stands before a colon, netlink the whole. */
	if (strpbrk(request.ifr_name, "%/:"))
		return netlink_no(
			judge, "an interface name with %%, / or : may become another one");
	if (!judge->visit(request.ifr_name, judge->data))
		return false;
	if (whose == NETLINK_NAME_NEW)
		return true;
	if (judge->fd < 0)
		return netlink_no(
			judge, "interfaces can be told only on a socket of the client's own");
	int r = address_find_interface(judge->fd, &request);
	if (r < 0)
		return (r == -ENODEV && whose == NETLINK_NAME_MAY_EXIST) ||
		       netlink_no(judge, "interface %s cannot be found", request.ifr_name);
	return netlink_check_index(judge, (uint32_t)request.ifr_ifindex);
}
