/*
 * What the address*.c files share: text that grows, numbers, and the families that have their text
 * in a file of their own.
 */
#ifndef SOCKD_PROTO_ADDRESS_INTERNAL_H
#define SOCKD_PROTO_ADDRESS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "proto/address.h"
#include "proto/macro.h"

/* Text that grows to the end of its buffer and no further. */
struct text {
	char bytes[ADDRESS_TEXT_MAX];
	size_t size;
};

void text_add(struct text *text, const char *format, ...) _printf_(2, 3);
/* A whole number and nothing else: decimal, or hexadecimal after 0x. 0 or -EINVAL. */
int parse_number(const char *text, uint32_t max, uint32_t *ret);
/* An interface's number or name. 0, -EINVAL, -ENODEV. */
int parse_interface(const char *text, uint32_t *ret);
/* Two hexadecimal digits. 0 or -EINVAL. */
int parse_hex_byte(const char *text, unsigned char *ret);

/* ALG, QIPCRTR, RDS, SMC, TIPC, XDP. *ret holds zeros and the family. 0, -EINVAL, -ENODEV. */
int address_more_parse(
	int domain, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size);
/* False: malformed, or it says more than the text could. The size is within the limits. */
bool address_more_format(const struct sockaddr_storage *storage, size_t size, struct text *text);
/* False: none of these families. */
bool address_more_limits(int domain, size_t *ret_min, size_t *ret_max);
/* May an address of this family be one of that domain: RDS and SMC have those of inet and inet6. */
bool address_more_is_of(int domain, int family);

#endif
