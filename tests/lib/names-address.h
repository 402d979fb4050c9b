/* An address as text and back, where that must go well. */
#ifndef SOCKD_TESTS_LIB_NAMES_ADDRESS_H
#define SOCKD_TESTS_LIB_NAMES_ADDRESS_H

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/sockd.h"

struct address {
	struct sockaddr_storage storage;
	socklen_t size;
};

static inline struct address parsed(int family, const char *text)
{
	static const struct sockaddr_storage zeros;
	struct address address;

	memset(&address, 0xee, sizeof address);
	errno = 77;
	ck_assert_msg(sockd_address_parse(family, text, &address.storage, &address.size) == 0,
		"family %d: \"%s\": %s", family, text, strerrordesc_np(errno));
	ck_assert_int_eq(errno, 77);
	ck_assert(memcmp((const char *)&address.storage + address.size, &zeros,
			  sizeof zeros - address.size) == 0);
	return address;
}

static inline const char *formatted(const void *address, socklen_t size)
{
	static char text[SOCKD_ADDRESS_TEXT_MAX];

	errno = 77;
	ck_assert_int_eq(sockd_address_format(address, size, text, sizeof text), 0);
	ck_assert_int_eq(errno, 77);
	ck_assert_uint_lt(strlen(text), sizeof text);
	return text;
}

#endif
