/*
 * Serves the requests about kept sockets: SHARE, FROMSHARE, and those of the store.
 */
#ifndef SOCKD_DAEMON_KEEP_SERVE_H
#define SOCKD_DAEMON_KEEP_SERVE_H

#include <stddef.h>

#include "daemon/connection.h"

struct broker;

/* Makes the broker's keep, with what came back from the manager. */
int keep_serve_start(struct broker *broker);
/* Decides, carries out and answers. The descriptors are the request's from here on. The request is
 * not needed after it. */
void keep_serve_take(struct connection *connection, const struct wire_request *request,
	const int *fds, size_t n_fds);

#endif
