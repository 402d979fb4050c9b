#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/address.h"

#define INET_BITS 32u
#define INET6_BITS 128u
#define MAPPED_BITS 96u /* of ::ffff:0:0/96, before the IPv4 address */
#define MAPPED_BYTES (MAPPED_BITS / 8)

static bool is_mapped(const unsigned char bytes[static 16])
{
	static const unsigned char mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

	return memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

static int parse_bits(const char *text, unsigned max, unsigned *ret)
{
	unsigned bits = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		bits = bits * 10 + (unsigned)(*text - '0');
		if (bits > max)
			return -EINVAL;
	}
	*ret = bits;
	return 0;
}

int address_prefix_parse(const char *text, struct address_prefix *ret)
{
	struct address_prefix prefix = {0};
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	if (strcmp(text, "*") == 0) {
		*ret = prefix;
		return 0;
	}
	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';

	if (inet_pton(AF_INET, host, prefix.bytes) == 1) {
		prefix.domain = AF_INET;
		prefix.bits = INET_BITS;
	} else if (inet_pton(AF_INET6, host, prefix.bytes) == 1) {
		prefix.domain = AF_INET6;
		prefix.bits = INET6_BITS;
	} else {
		return -EINVAL;
	}
	if (slash && parse_bits(slash + 1, prefix.bits, &prefix.bits) < 0)
		return -EINVAL;

	if (prefix.domain == AF_INET6 && prefix.bits >= MAPPED_BITS && is_mapped(prefix.bytes)) {
		memmove(prefix.bytes, prefix.bytes + MAPPED_BYTES, 4);
		prefix.domain = AF_INET;
		prefix.bits -= MAPPED_BITS;
	}
	for (unsigned bit = prefix.bits; bit < INET6_BITS; bit++)
		prefix.bytes[bit / 8] &= (unsigned char)~(0x80u >> bit % 8);
	*ret = prefix;
	return 0;
}

bool address_prefix_contains(const struct address_prefix *prefix, const void *address, size_t size)
{
	sa_family_t domain;
	unsigned char bytes[16] = {0};
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

	if (!address || size < sizeof(domain))
		return false;
	memcpy(&domain, address, sizeof(domain));

	if (domain == AF_INET && size >= sizeof(struct sockaddr_in)) {
		memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in, sin_addr), 4);
	} else if (domain == AF_INET6 && size >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), 16);
		if (is_mapped(bytes)) {
			memmove(bytes, bytes + MAPPED_BYTES, 4);
			domain = AF_INET;
		}
	} else {
		return false;
	}

	if (prefix->domain == AF_UNSPEC)
		return true;
	if (prefix->domain != domain || memcmp(bytes, prefix->bytes, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ prefix->bytes[whole]) >> (8 - rest) == 0;
}
