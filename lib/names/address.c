#include <errno.h>
#include <linux/can.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/sockd-names.h"
#include "proto/address-more.h"
#include "proto/address-text.h"
#include "proto/address.h"
#include "proto/macro.h"

_Static_assert(SOCKD_ADDRESS_TEXT_MAX == ADDRESS_TEXT_MAX, "the header says what is enough");

#define RAW_PREFIX "raw:"
#define BROADCAST "<broadcast>"
#define HATYPE_PREFIX "/hatype="
#define PKTTYPE_PREFIX "/pkttype="

static const char *const packet_types[] = {
	[PACKET_HOST] = "host",
	[PACKET_BROADCAST] = "broadcast",
	[PACKET_MULTICAST] = "multicast",
	[PACKET_OTHERHOST] = "otherhost",
	[PACKET_OUTGOING] = "outgoing",
};

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The text of proto/address.h for what Python writes otherwise: head and the rest of text. */
static int parse_with_head(const char *head, const char *rest, int family,
	struct sockaddr_storage *ret, socklen_t *ret_size)
{
	char text[ADDRESS_TEXT_MAX];
	int n = snprintf(text, sizeof text, "%s%s", head, rest);

	if (n < 0 || (size_t)n >= sizeof text)
		return -EINVAL;
	return address_parse(family, text, ret, ret_size);
}

static int parse_inet(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	if (*text == '\0' || *text == ':')
		return parse_with_head("*", text, AF_INET, ret, ret_size);
	if (begins(text, BROADCAST))
		return parse_with_head(
			"255.255.255.255", text + strlen(BROADCAST), AF_INET, ret, ret_size);
	return address_parse(AF_INET, text, ret, ret_size);
}

static int parse_inet6(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	if (*text == '\0')
		return address_parse(AF_INET6, "[*]", ret, ret_size);
	if (begins(text, "[]"))
		return parse_with_head("[*]", text + strlen("[]"), AF_INET6, ret, ret_size);
	return address_parse(AF_INET6, text, ret, ret_size);
}

static int parse_either(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	if (parse_inet(text, ret, ret_size) == 0)
		return 0;
	return parse_inet6(text, ret, ret_size);
}

static int parse_can(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	bool any = *text == '\0' || *text == '/';

	return parse_with_head(any ? "0" : "", text, AF_CAN, ret, ret_size);
}

static int parse_packet_type(const char *text, uint32_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(packet_types); i++)
		if (strcmp(text, packet_types[i]) == 0) {
			*ret = (uint32_t)i;
			return 0;
		}
	return parse_number(text, UINT8_MAX, ret);
}

/* What the kernel says of a received packet, behind what proto/address.h reads. */
static int parse_packet(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	char copy[ADDRESS_TEXT_MAX];
	struct sockaddr_storage address;
	struct sockaddr_ll *packet = (struct sockaddr_ll *)&address;
	socklen_t size;
	char *hatype, *pkttype;
	uint32_t number;

	if (strlen(text) >= sizeof copy)
		return -EINVAL;
	strcpy(copy, text);
	hatype = strstr(copy, HATYPE_PREFIX);
	pkttype = strstr(hatype ? hatype : copy, PKTTYPE_PREFIX);
	if (hatype)
		*hatype = '\0';
	if (pkttype)
		*pkttype = '\0';
	int r = address_parse(AF_PACKET, copy, &address, &size);
	if (r < 0)
		return r;
	if (hatype) {
		if (parse_number(hatype + strlen(HATYPE_PREFIX), UINT16_MAX, &number) < 0)
			return -EINVAL;
		packet->sll_hatype = (unsigned short)number;
	}
	if (pkttype) {
		if (parse_packet_type(pkttype + strlen(PKTTYPE_PREFIX), &number) < 0)
			return -EINVAL;
		packet->sll_pkttype = (unsigned char)number;
	}
	*ret = address;
	*ret_size = size;
	return 0;
}

/* Its bytes say the family themselves, where the caller does not. */
static int parse_raw(
	int family, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	const char *bytes = text + strlen(RAW_PREFIX);
	sa_family_t own;
	unsigned char *own_bytes = (unsigned char *)&own;

	if (family != AF_UNSPEC)
		return address_parse(family, text, ret, ret_size);
	for (size_t i = 0; i < sizeof own; i++)
		if (parse_hex_byte(bytes + 2 * i, &own_bytes[i]) < 0)
			return -EINVAL;
	return address_parse(own, text, ret, ret_size);
}

static bool has_text(int family)
{
	size_t min, max;

	address_limits(family, &min, &max);
	return max > 0 || address_more_is_of(family, AF_INET);
}

static int parse(int family, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	if (begins(text, RAW_PREFIX))
		return parse_raw(family, text, ret, ret_size);
	switch (family) {
	case AF_UNSPEC:
	case AF_RDS:
	case AF_SMC:
		return parse_either(text, ret, ret_size);
	case AF_INET:
		return parse_inet(text, ret, ret_size);
	case AF_INET6:
		return parse_inet6(text, ret, ret_size);
	case AF_CAN:
		return parse_can(text, ret, ret_size);
	case AF_PACKET:
		return parse_packet(text, ret, ret_size);
	default:
		if (!has_text(family))
			return -EAFNOSUPPORT;
		return address_parse(family, text, ret, ret_size);
	}
}

int sockd_address_parse(
	int family, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	int saved = errno;
	int r = text && ret && ret_size ? parse(family, text, ret, ret_size) : -EINVAL;

	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}

/*
 * The kernel returns less than the structure: of a packet socket's address what has a hardware
 * address in it, of a raw or BCM socket's the interface alone, of ISO-TP's what that reads.
 */
static socklen_t whole_size(const struct sockaddr_storage *address, socklen_t size)
{
	const struct sockaddr_ll *packet = (const struct sockaddr_ll *)address;
	const size_t can = offsetof(struct sockaddr_can, can_addr);
	const size_t isotp = can + sizeof(((struct sockaddr_can *)NULL)->can_addr.tp);

	switch (address->ss_family) {
	case AF_CAN:
		return size == can || size == isotp ? sizeof(struct sockaddr_can) : size;
	case AF_PACKET:
		if (size < sizeof(*packet) &&
			size == offsetof(struct sockaddr_ll, sll_addr) + packet->sll_halen)
			return sizeof(*packet);
		return size;
	default:
		return size;
	}
}

static void add_packet(const struct sockaddr_ll *address, struct text *text)
{
	if (address->sll_hatype != 0)
		text_add(text, HATYPE_PREFIX "%u", address->sll_hatype);
	if (address->sll_pkttype == 0)
		return;
	if (address->sll_pkttype < ARRAY_SIZE(packet_types))
		text_add(text, PKTTYPE_PREFIX "%s", packet_types[address->sll_pkttype]);
	else
		text_add(text, PKTTYPE_PREFIX "%u", address->sll_pkttype);
}

static int format(const struct sockaddr *address, socklen_t size, char *buffer, size_t buffer_size)
{
	struct sockaddr_storage copy = {0};
	struct text text;

	if (!address || !buffer || size < sizeof(sa_family_t) || size > sizeof copy)
		return -EINVAL;
	memcpy(&copy, address, size);
	int r = address_format(&copy, whole_size(&copy, size), text.bytes, sizeof text.bytes);
	if (r < 0)
		return r;
	text.size = strlen(text.bytes);
	if (copy.ss_family == AF_PACKET && !begins(text.bytes, RAW_PREFIX))
		add_packet((const struct sockaddr_ll *)&copy, &text);
	if (text.size >= buffer_size)
		return -ENOSPC;
	memcpy(buffer, text.bytes, text.size + 1);
	return 0;
}

int sockd_address_format(
	const struct sockaddr *address, socklen_t size, char *buffer, size_t buffer_size)
{
	int saved = errno;
	int r = format(address, size, buffer, buffer_size);

	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}
