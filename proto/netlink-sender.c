#include "proto/netlink-sender.h"

#include <linux/audit.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/sock_diag.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"

/* Numbers that old headers do not have. */
#define DIAG_STORAGES 2		     /* INET_DIAG_REQ_SK_BPF_STORAGES: descriptors of maps */
#define RDMA_SET (5 << 10 | 2)	     /* RDMA_NLDEV_CMD_SET */
#define RDMA_NAMESPACE_DESCRIPTOR 68 /* RDMA_NLDEV_NET_NS_FD */

typedef void (*attribute_visit)(
	unsigned type, const unsigned char *data, size_t size, void *result);

/* A list of attributes as the kernel walks it: up to the first that is malformed. */
static void each_attribute(
	const unsigned char *data, size_t size, attribute_visit visit, void *result)
{
	while (size >= NLA_HDRLEN) {
		struct nlattr header;

		memcpy(&header, data, sizeof header);
		if (header.nla_len < sizeof header || header.nla_len > size)
			return;
		visit(header.nla_type & NLA_TYPE_MASK, data + sizeof header,
			header.nla_len - sizeof header, result);
		size_t step = MIN_OF((size_t)NLA_ALIGN(header.nla_len), size);
		data += step;
		size -= step;
	}
}

/* At whatever depth; whatever looks like an attribute with this text is taken for one. */
static bool has_text(const unsigned char *data, size_t size, unsigned type, const char *text)
{
	size_t length = strlen(text);

	for (; size >= NLA_HDRLEN + length; data += NLA_ALIGNTO, size -= NLA_ALIGNTO) {
		struct nlattr header;

		memcpy(&header, data, sizeof header);
		size_t end = NLA_HDRLEN + length;
		if ((header.nla_type & NLA_TYPE_MASK) == type && header.nla_len >= end &&
			memcmp(data + NLA_HDRLEN, text, length) == 0 &&
			(header.nla_len == end || size == end || data[end] == '\0'))
			return true;
	}
	return false;
}

/* A match of x_tables, and one that is a BPF program, by its descriptor or by a path. */
struct expressions {
	bool matches, has_program;
};

static void visit_expressions(
	unsigned type _unused_, const unsigned char *data, size_t size, void *result)
{
	struct expressions *expressions = result;

	expressions->matches |= has_text(data, size, NFTA_EXPR_NAME, "match");
	expressions->has_program |= has_text(data, size, NFTA_MATCH_NAME, "bpf");
}

static bool nftables(const unsigned char *data, size_t size)
{
	struct expressions found = {0};

	if (size > sizeof(struct nfgenmsg))
		each_attribute(data + sizeof(struct nfgenmsg), size - sizeof(struct nfgenmsg),
			visit_expressions, &found);
	return found.matches && found.has_program;
}

static void visit_storages(
	unsigned type, const unsigned char *data _unused_, size_t size _unused_, void *result)
{
	*(bool *)result |= type == DIAG_STORAGES;
}

static bool diagnosis(int type, const unsigned char *data, size_t size)
{
	size_t header_size = type == SOCK_DIAG_BY_FAMILY ? sizeof(struct inet_diag_req_v2)
							 : sizeof(struct inet_diag_req);

	/* Other families have other headers, and no such attribute. */
	if (type == SOCK_DIAG_BY_FAMILY && size > 0 && data[0] != AF_INET && data[0] != AF_INET6)
		return false;
	bool found = false;
	if (size > header_size)
		each_attribute(data + header_size, size - header_size, visit_storages, &found);
	return found;
}

static void visit_namespace(
	unsigned type, const unsigned char *data _unused_, size_t size _unused_, void *result)
{
	*(bool *)result |= type == RDMA_NAMESPACE_DESCRIPTOR;
}

static bool rdma(int type, const unsigned char *data, size_t size)
{
	bool found = false;

	if (type == RDMA_SET)
		each_attribute(data, size, visit_namespace, &found);
	return found;
}

static bool audit(int type, const unsigned char *data, size_t size)
{
	uint32_t mask = 0;

	switch (type) {
	case AUDIT_TTY_GET:
	case AUDIT_TTY_SET:
		return true;
	case AUDIT_SET:
		/* The kernel takes a shorter one too. */
		if (size > 0)
			memcpy(&mask, data + offsetof(struct audit_status, mask),
				MIN_OF(size, sizeof mask));
		return mask & AUDIT_STATUS_PID;
	default:
		return false;
	}
}

bool netlink_types_tell(int protocol)
{
	return protocol != NETLINK_CONNECTOR && protocol != NETLINK_FIB_LOOKUP &&
	       protocol != NETLINK_ISCSI;
}

bool netlink_is_about_sender(int protocol, const struct nlmsghdr *message)
{
	const unsigned char *data = (const unsigned char *)message + NLMSG_HDRLEN;
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;

	switch (protocol) {
	case NETLINK_NETFILTER:
		return message->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES && nftables(data, size);
	case NETLINK_SOCK_DIAG:
		return diagnosis(message->nlmsg_type, data, size);
	case NETLINK_RDMA:
		return rdma(message->nlmsg_type, data, size);
	case NETLINK_AUDIT:
		return audit(message->nlmsg_type, data, size);
	default:
		return false;
	}
}
