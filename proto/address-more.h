/*
 * Addresses of the families with little text: ALG, QIPCRTR, RDS, SMC, TIPC, XDP; address.h has the
 * forms.
 */
#ifndef SOCKD_PROTO_ADDRESS_MORE_H
#define SOCKD_PROTO_ADDRESS_MORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "proto/address-text.h"

/* *ret holds zeros and the family. 0, -EINVAL, -ENODEV. */
int address_more_parse(
	int domain, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size);
/* False: malformed, or it says more than the text could. The size is within the limits. */
bool address_more_format(const struct sockaddr_storage *storage, size_t size, struct text *text);
/* False: none of these families. */
bool address_more_limits(int domain, size_t *ret_min, size_t *ret_max);
/* May an address of this family be one of that domain: RDS and SMC have those of inet and inet6. */
bool address_more_is_of(int domain, int family);

#endif
