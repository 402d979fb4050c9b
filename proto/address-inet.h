/*
 * Addresses of inet and inet6 as text and back; address.h has the forms.
 */
#ifndef SOCKD_PROTO_ADDRESS_INET_H
#define SOCKD_PROTO_ADDRESS_INET_H

#include <netinet/in.h>

#include "proto/address-text.h"

/* *address holds zeros and the family. 0, -EINVAL, -ENODEV. */
int address_inet_parse(const char *text, struct sockaddr_in *address);
int address_inet6_parse(const char *text, struct sockaddr_in6 *address);
void address_inet_format(const struct sockaddr_in *address, struct text *text);
void address_inet6_format(const struct sockaddr_in6 *address, struct text *text);

#endif
