/*
 * The way of one request: decode, decide, carry out (on the loop, or in a worker where it can
 * sleep), record, answer.
 */
#ifndef SOCKD_DAEMON_REQUEST_H
#define SOCKD_DAEMON_REQUEST_H

#include "daemon/connection.h"
#include "proto/transport.h"

/* Handles the packet in the broker's buffer and the descriptors that came with it (they are the
 * request's from here on). */
void request_handle_take(
	struct connection *connection, const struct transport_message *message, const int *fds);

#endif
