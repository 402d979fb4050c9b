/* Netlink messages put together, as programs do or as none would. */
#ifndef SOCKD_TESTS_UNIT_NETLINK_MESSAGE_H
#define SOCKD_TESTS_UNIT_NETLINK_MESSAGE_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buffer {
	_Alignas(8) unsigned char bytes[8192];
	size_t size;
};

static inline size_t start(
	struct buffer *b, int type, int flags, const void *header, size_t header_size)
{
	struct nlmsghdr message = {
		.nlmsg_type = (uint16_t)type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
	};
	size_t at = b->size;

	memcpy(b->bytes + b->size, &message, sizeof message);
	if (header_size > 0)
		memcpy(b->bytes + b->size + sizeof message, header, header_size);
	b->size += sizeof message + header_size;
	return at;
}

static inline size_t put(struct buffer *b, int type, const void *data, size_t size)
{
	struct nlattr attribute = {
		.nla_len = (uint16_t)(sizeof attribute + size),
		.nla_type = (uint16_t)type,
	};
	size_t at = b->size;

	memcpy(b->bytes + b->size, &attribute, sizeof attribute);
	if (size > 0)
		memcpy(b->bytes + b->size + sizeof attribute, data, size);
	b->size += NLA_ALIGN(sizeof attribute + size);
	return at;
}

static inline void put_text(struct buffer *b, int type, const char *text)
{
	put(b, type, text, strlen(text) + 1);
}

static inline void put_number(struct buffer *b, int type, uint32_t number)
{
	put(b, type, &number, sizeof number);
}

static inline void end_nested(struct buffer *b, size_t at)
{
	struct nlattr attribute;

	memcpy(&attribute, b->bytes + at, sizeof attribute);
	attribute.nla_len = (uint16_t)(b->size - at);
	memcpy(b->bytes + at, &attribute, sizeof attribute);
}

static inline void finish(struct buffer *b, size_t at)
{
	uint32_t size = (uint32_t)(b->size - at);

	memcpy(b->bytes + at, &size, sizeof size);
}

#endif
