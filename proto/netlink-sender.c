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
#include "proto/netlink-attributes.h"

/* Numbers that old headers do not have. */
#define DIAG_STORAGES 2		     /* INET_DIAG_REQ_SK_BPF_STORAGES: descriptors of maps */
#define RDMA_SET (5 << 10 | 2)	     /* RDMA_NLDEV_CMD_SET */
#define RDMA_NAMESPACE_DESCRIPTOR 68 /* RDMA_NLDEV_NET_NS_FD */

/* In a list of attributes as the kernel walks it: up to the first that is malformed. */
static bool has_attribute(const unsigned char *data, size_t size, unsigned type)
{
	struct netlink_attribute next;

	while (netlink_next_attribute(&data, &size, &next))
		if (next.type == type)
			return true;
	return false;
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

/* A match of x_tables that is a BPF program, by its descriptor or by a path. */
static bool nftables(const unsigned char *data, size_t size)
{
	struct netlink_attribute next;
	bool matches = false, has_program = false;

	if (size <= sizeof(struct nfgenmsg))
		return false;
	data += sizeof(struct nfgenmsg);
	size -= sizeof(struct nfgenmsg);
	while (netlink_next_attribute(&data, &size, &next)) {
		matches |= has_text(next.data, next.size, NFTA_EXPR_NAME, "match");
		has_program |= has_text(next.data, next.size, NFTA_MATCH_NAME, "bpf");
	}
	return matches && has_program;
}

static bool diagnosis(int type, const unsigned char *data, size_t size)
{
	size_t header_size = type == SOCK_DIAG_BY_FAMILY ? sizeof(struct inet_diag_req_v2)
							 : sizeof(struct inet_diag_req);

	/* Other families have other headers, and no such attribute. */
	if (type == SOCK_DIAG_BY_FAMILY && size > 0 && data[0] != AF_INET && data[0] != AF_INET6)
		return false;
	return size > header_size &&
	       has_attribute(data + header_size, size - header_size, DIAG_STORAGES);
}

static bool rdma(int type, const unsigned char *data, size_t size)
{
	return type == RDMA_SET && has_attribute(data, size, RDMA_NAMESPACE_DESCRIPTOR);
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
