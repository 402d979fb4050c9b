/* The requests of the store: sockets by name. For daemon/keep/ alone. */
#ifndef SOCKD_DAEMON_KEEP_SERVE_STORE_H
#define SOCKD_DAEMON_KEEP_SERVE_STORE_H

#include "daemon/keep/give.h"

/* STORE takes fd. */
void keep_serve_store_take(struct asked *asked, const struct wire_request *request, int fd);
void keep_serve_fetch(struct asked *asked, const struct wire_request *request);
void keep_serve_forget(struct asked *asked, const struct wire_request *request);
void keep_serve_stored(struct asked *asked, const struct wire_request *request);

#endif
