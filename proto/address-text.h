/*
 * What the address-*.c files are made of: text that grows, numbers, interfaces.
 */
#ifndef SOCKD_PROTO_ADDRESS_TEXT_H
#define SOCKD_PROTO_ADDRESS_TEXT_H

#include <stddef.h>
#include <stdint.h>

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

#endif
