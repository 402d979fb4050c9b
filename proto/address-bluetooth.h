/*
 * Text of Bluetooth addresses; see address.h for its forms. A sockaddr does not say which protocol
 * it is for, but each has its own size.
 */
#ifndef SOCKD_PROTO_ADDRESS_BLUETOOTH_H
#define SOCKD_PROTO_ADDRESS_BLUETOOTH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define BLUETOOTH_ADDRESS_TEXT_MAX 64u

/* Returns 0 or -EINVAL. */
int bluetooth_address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size);
/* False: no size of such an address, or it says more than the text could. */
bool bluetooth_address_format(
	const void *address, size_t size, char ret[BLUETOOTH_ADDRESS_TEXT_MAX]);

#endif
