#include "proto/address-more.h"

#include <ctype.h>
#include <errno.h>
#include <linux/if_alg.h>
#include <linux/if_xdp.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "proto/address-inet.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)
#endif

#define WORD_MAX 16u
#define ALG_NAME_OFFSET offsetof(struct sockaddr_alg, salg_name)
/* Of the kernel, which takes longer names than the header has room for. */
#define ALG_NAME_MAX (sizeof(struct sockaddr_storage) - ALG_NAME_OFFSET - 1)

/* Cuts a word off: what stands before the separator, which is skipped. NULL: it is not there. */
static char *cut(char **text, char separator)
{
	char *word = *text, *end = strchr(word, separator);

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return word;
}

static int copy_text(const char *text, char *ret, size_t size)
{
	if (strlen(text) >= size)
		return -EINVAL;
	strcpy(ret, text);
	return 0;
}

/* TIPC */

static int parse_scope(const char *text, signed char *ret)
{
	bool minus = text[0] == '-';
	uint32_t number;

	if (strcmp(text, "zone") == 0)
		*ret = TIPC_ZONE_SCOPE;
	else if (strcmp(text, "cluster") == 0)
		*ret = TIPC_CLUSTER_SCOPE;
	else if (strcmp(text, "node") == 0)
		*ret = TIPC_NODE_SCOPE;
	else if (parse_number(text + minus, minus ? 128 : 127, &number) == 0)
		*ret = (signed char)(minus ? -(int)number : (int)number);
	else
		return -EINVAL;
	return 0;
}

static int parse_service(char *text, struct sockaddr_tipc *address)
{
	char *lookup = strchr(text, '@'), *type = cut(&text, ':');

	address->addrtype = TIPC_SERVICE_ADDR;
	if (lookup)
		*lookup++ = '\0';
	if (!type || parse_number(type, UINT32_MAX, &address->addr.name.name.type) < 0 ||
		parse_number(text, UINT32_MAX, &address->addr.name.name.instance) < 0)
		return -EINVAL;
	return lookup ? parse_number(lookup, UINT32_MAX, &address->addr.name.domain) : 0;
}

static int parse_range(char *text, struct sockaddr_tipc *address)
{
	char *type = cut(&text, ':'), *lower = cut(&text, '-');

	address->addrtype = TIPC_SERVICE_RANGE;
	if (!type || !lower || parse_number(type, UINT32_MAX, &address->addr.nameseq.type) < 0 ||
		parse_number(lower, UINT32_MAX, &address->addr.nameseq.lower) < 0 ||
		parse_number(text, UINT32_MAX, &address->addr.nameseq.upper) < 0)
		return -EINVAL;
	return 0;
}

static int parse_socket(char *text, struct sockaddr_tipc *address)
{
	char *node = cut(&text, ':');

	address->addrtype = TIPC_SOCKET_ADDR;
	if (!node || parse_number(node, UINT32_MAX, &address->addr.id.node) < 0 ||
		parse_number(text, UINT32_MAX, &address->addr.id.ref) < 0)
		return -EINVAL;
	return 0;
}

static int parse_tipc(const char *text, struct sockaddr_tipc *address)
{
	static const struct {
		const char *name;
		int (*parse)(char *text, struct sockaddr_tipc *address);
	} kinds[] = {
		{"service", parse_service},
		{"range", parse_range},
		{"socket", parse_socket},
	};
	char copy[ADDRESS_TEXT_MAX], *rest = copy;

	if (copy_text(text, copy, sizeof(copy)) < 0)
		return -EINVAL;
	char *scope = strchr(copy, '/');
	if (scope)
		*scope++ = '\0';
	address->scope = TIPC_CLUSTER_SCOPE;
	if (scope && parse_scope(scope, &address->scope) < 0)
		return -EINVAL;
	char *kind = cut(&rest, ':');
	for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kind, kinds[i].name) == 0)
			return kinds[i].parse(rest, address);
	return -EINVAL;
}

static bool format_tipc(const struct sockaddr_tipc *address, struct text *text)
{
	switch (address->addrtype) {
	case TIPC_SERVICE_ADDR:
		text_add(text, "service:%u:%u", address->addr.name.name.type,
			address->addr.name.name.instance);
		if (address->addr.name.domain != 0)
			text_add(text, "@%u", address->addr.name.domain);
		break;
	case TIPC_SERVICE_RANGE:
		text_add(text, "range:%u:%u-%u", address->addr.nameseq.type,
			address->addr.nameseq.lower, address->addr.nameseq.upper);
		break;
	case TIPC_SOCKET_ADDR:
		text_add(text, "socket:%u:%u", address->addr.id.node, address->addr.id.ref);
		break;
	default:
		return false;
	}
	if (address->scope == TIPC_NODE_SCOPE)
		text_add(text, "/node");
	else if (address->scope == TIPC_ZONE_SCOPE)
		text_add(text, "/zone");
	else if (address->scope != TIPC_CLUSTER_SCOPE)
		text_add(text, "/%d", address->scope);
	return true;
}

/* ALG */

/* A colon would read as the raw form. */
static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '\\' && c != '/' && c != '"' && c != ':';
}

/* `\xHH` is a byte. A NUL would end the name. */
static int parse_alg_name(const char *text, char *ret, size_t max)
{
	size_t n = 0;

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '\\') {
			if (text[1] != 'x' || parse_hex_byte(text + 2, &byte) < 0 || byte == 0)
				return -EINVAL;
			text += 3;
		}
		if (n == max)
			return -EINVAL;
		ret[n++] = (char)byte;
	}
	return n > 0 ? 0 : -EINVAL;
}

static int parse_alg(const char *text, struct sockaddr_storage *storage, socklen_t *ret_size)
{
	struct sockaddr_alg *address = (struct sockaddr_alg *)storage;
	char *name_bytes = (char *)storage + ALG_NAME_OFFSET;
	char copy[ADDRESS_TEXT_MAX], *rest = copy;

	if (copy_text(text, copy, sizeof(copy)) < 0)
		return -EINVAL;
	char *type = cut(&rest, '/');
	char *name = rest, *feat = strchr(rest, '/');
	if (feat)
		*feat++ = '\0';
	char *mask = feat ? strchr(feat, '/') : NULL;
	if (mask)
		*mask++ = '\0';
	if (!type ||
		parse_alg_name(type, (char *)address->salg_type, sizeof(address->salg_type) - 1) <
			0 ||
		parse_alg_name(name, name_bytes, ALG_NAME_MAX) < 0 ||
		(feat && parse_number(feat, UINT32_MAX, &address->salg_feat) < 0) ||
		(mask && parse_number(mask, UINT32_MAX, &address->salg_mask) < 0))
		return -EINVAL;
	*ret_size = (socklen_t)MAX_OF(
		sizeof(*address), ALG_NAME_OFFSET + strnlen(name_bytes, ALG_NAME_MAX) + 1);
	return 0;
}

static void format_alg_name(const char *name, size_t max, struct text *text)
{
	for (size_t i = 0; i < max && name[i]; i++)
		text_add(text, is_plain((unsigned char)name[i]) ? "%c" : "\\x%02x",
			(unsigned char)name[i]);
}

static bool format_alg(const struct sockaddr_storage *storage, size_t size, struct text *text)
{
	const struct sockaddr_alg *address = (const struct sockaddr_alg *)storage;
	const char *name = (const char *)storage + ALG_NAME_OFFSET;

	/* The kernel makes the last byte of each a NUL. */
	if (address->salg_type[0] == '\0' || name[0] == '\0' || size == ALG_NAME_OFFSET + 1)
		return false;
	format_alg_name((const char *)address->salg_type, sizeof(address->salg_type) - 1, text);
	text_add(text, "/");
	format_alg_name(name, size - ALG_NAME_OFFSET - 1, text);
	if (address->salg_feat != 0 || address->salg_mask != 0)
		text_add(text, "/0x%x", address->salg_feat);
	if (address->salg_mask != 0)
		text_add(text, "/0x%x", address->salg_mask);
	return true;
}

/* QIPCRTR */

static int parse_qipcrtr(const char *text, struct sockaddr_qrtr *address)
{
	char copy[ADDRESS_TEXT_MAX], *port = copy;

	if (copy_text(text, copy, sizeof(copy)) < 0)
		return -EINVAL;
	char *node = cut(&port, ':');
	uint32_t number;
	if (!node)
		return -EINVAL;
	if (strcmp(node, "any") == 0)
		address->sq_node = QRTR_NODE_BCAST;
	else if (parse_number(node, UINT32_MAX, &number) == 0)
		address->sq_node = number;
	else
		return -EINVAL;
	if (strcmp(port, "control") == 0)
		address->sq_port = QRTR_PORT_CTRL;
	else if (parse_number(port, UINT32_MAX, &number) == 0)
		address->sq_port = number;
	else
		return -EINVAL;
	return 0;
}

static bool format_qipcrtr(const struct sockaddr_qrtr *address, struct text *text)
{
	if (address->sq_node == QRTR_NODE_BCAST)
		text_add(text, "any");
	else
		text_add(text, "%u", address->sq_node);
	if (address->sq_port == QRTR_PORT_CTRL)
		text_add(text, ":control");
	else
		text_add(text, ":%u", address->sq_port);
	return true;
}

/* XDP */

static const struct {
	const char *name;
	unsigned flag;
} xdp_flags[] = {
	{"copy", XDP_COPY},
	{"zerocopy", XDP_ZEROCOPY},
	{"wakeup", XDP_USE_NEED_WAKEUP},
	{"sg", XDP_USE_SG},
};

static int parse_xdp_flags(char *text, uint16_t *ret)
{
	uint32_t number;

	if (parse_number(text, UINT16_MAX, &number) == 0) {
		*ret = (uint16_t)number;
		return 0;
	}
	for (char *word = text, *next; word; word = next) {
		bool found = false;

		next = strchr(word, ',');
		if (next)
			*next++ = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(xdp_flags); i++) {
			if (strcmp(word, xdp_flags[i].name) != 0)
				continue;
			*ret = (uint16_t)(*ret | xdp_flags[i].flag);
			found = true;
		}
		if (!found)
			return -EINVAL;
	}
	return 0;
}

static int parse_xdp(const char *text, struct sockaddr_xdp *address)
{
	char copy[ADDRESS_TEXT_MAX], *queue = copy;

	if (copy_text(text, copy, sizeof(copy)) < 0)
		return -EINVAL;
	char *interface = cut(&queue, '/'), *flags = strchr(queue, '/');
	if (flags)
		*flags++ = '\0';
	if (!interface || parse_number(queue, UINT32_MAX, &address->sxdp_queue_id) < 0 ||
		(flags && parse_xdp_flags(flags, &address->sxdp_flags) < 0))
		return -EINVAL;
	/* The text has no word for another socket's descriptor. */
	if (address->sxdp_flags & XDP_SHARED_UMEM)
		return -EINVAL;
	return parse_interface(interface, &address->sxdp_ifindex);
}

static bool format_xdp(const struct sockaddr_xdp *address, struct text *text)
{
	unsigned left = address->sxdp_flags;
	const char *separator = "/";

	if (address->sxdp_flags & XDP_SHARED_UMEM || address->sxdp_ifindex > INT32_MAX)
		return false;
	text_add(text, "%u/%u", address->sxdp_ifindex, address->sxdp_queue_id);
	for (size_t i = 0; i < ARRAY_SIZE(xdp_flags); i++)
		left &= ~xdp_flags[i].flag;
	if (left != 0) {
		text_add(text, "/0x%x", address->sxdp_flags);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(xdp_flags); i++) {
		if (!(address->sxdp_flags & xdp_flags[i].flag))
			continue;
		text_add(text, "%s%s", separator, xdp_flags[i].name);
		separator = ",";
	}
	return true;
}

/* All of them */

bool address_more_is_of(int domain, int family)
{
	return (domain == AF_RDS || domain == AF_SMC) && (family == AF_INET || family == AF_INET6);
}

static int parse_as_inet(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	struct sockaddr_in inet = {.sin_family = AF_INET};
	struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6};

	if (address_inet_parse(text, &inet) == 0) {
		memcpy(ret, &inet, sizeof(inet));
		*ret_size = sizeof(inet);
		return 0;
	}
	int r = address_inet6_parse(text, &inet6);
	if (r < 0)
		return r;
	memcpy(ret, &inet6, sizeof(inet6));
	*ret_size = sizeof(inet6);
	return 0;
}

int address_more_parse(
	int domain, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	switch (domain) {
	case AF_RDS:
	case AF_SMC:
		return parse_as_inet(text, ret, ret_size);
	case AF_TIPC:
		*ret_size = sizeof(struct sockaddr_tipc);
		return parse_tipc(text, (struct sockaddr_tipc *)ret);
	case AF_ALG:
		return parse_alg(text, ret, ret_size);
	case AF_QIPCRTR:
		*ret_size = sizeof(struct sockaddr_qrtr);
		return parse_qipcrtr(text, (struct sockaddr_qrtr *)ret);
	case AF_XDP:
		*ret_size = sizeof(struct sockaddr_xdp);
		return parse_xdp(text, (struct sockaddr_xdp *)ret);
	default:
		return -EINVAL;
	}
}

bool address_more_format(const struct sockaddr_storage *storage, size_t size, struct text *text)
{
	switch (storage->ss_family) {
	case AF_TIPC:
		return format_tipc((const struct sockaddr_tipc *)storage, text);
	case AF_ALG:
		return format_alg(storage, size, text);
	case AF_QIPCRTR:
		return format_qipcrtr((const struct sockaddr_qrtr *)storage, text);
	case AF_XDP:
		return format_xdp((const struct sockaddr_xdp *)storage, text);
	default:
		return false;
	}
}

bool address_more_limits(int domain, size_t *ret_min, size_t *ret_max)
{
	*ret_max = sizeof(struct sockaddr_storage);
	switch (domain) {
	case AF_TIPC:
		*ret_min = sizeof(struct sockaddr_tipc);
		return true;
	case AF_ALG:
		*ret_min = ALG_NAME_OFFSET + 1;
		return true;
	case AF_QIPCRTR:
		*ret_min = sizeof(struct sockaddr_qrtr);
		return true;
	case AF_XDP:
		*ret_min = sizeof(struct sockaddr_xdp);
		return true;
	default:
		return false;
	}
}
