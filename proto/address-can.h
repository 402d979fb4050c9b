/*
 * Addresses of CAN sockets as text and back; address.h has the forms and what is promised of them.
 * Kept apart because one structure means three things: a raw or BCM socket reads the interface
 * alone, ISO-TP two identifiers behind it, J1939 a name, a parameter group and an address.
 */
#ifndef SOCKD_PROTO_ADDRESS_CAN_H
#define SOCKD_PROTO_ADDRESS_CAN_H

#include <linux/can.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDENTIFIER_TEXT_MAX sizeof("0x1fffffff")
#define ADDRESS_CAN_TEXT_MAX 64u

/* Returns 0, -EINVAL or -ENODEV. *ret must be zeros. */
int address_can_parse(const char *text, struct sockaddr_can *ret);
/* False: it says more, or other things, than the text could. */
bool address_can_format(
	const struct sockaddr_can *address, size_t size, char buffer[static ADDRESS_CAN_TEXT_MAX]);

/*
 * An identifier as text: standard ones (11 bits) decimal or as 0x and one to three digits, extended
 * ones (29 bits) as 0x and eight digits, which is how candump(1) tells them apart. As a number an
 * extended one has CAN_EFF_FLAG, as the kernel has it. Parsing takes size letters of text; returns
 * 0 or -EINVAL.
 */
int identifier_parse(const char *text, size_t size, canid_t *ret);
void identifier_format(canid_t identifier, char buffer[static IDENTIFIER_TEXT_MAX]);

#endif
