/*
 * A request to the broker in words: "socket inet raw icmp", "bind inet stream 127.0.0.1:80",
 * "setsockopt inet stream SO_MARK".
 */
#ifndef SOCKD_CLIENT_RUN_DESCRIBE_H
#define SOCKD_CLIENT_RUN_DESCRIBE_H

#include <stddef.h>

#include "proto/wire.h"

#define DESCRIBE_MAX 512

/* fd: the socket of an APPLY, else -1. */
void describe_request(const struct wire_request *request, int fd, char *buffer, size_t size);

#endif
