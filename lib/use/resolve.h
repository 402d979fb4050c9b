/* Names of hosts and services for those that make sockets; why one could not be looked up is kept
 * for each thread (sockd_lookup_error()). */
#ifndef SOCKD_LIB_USE_RESOLVE_H
#define SOCKD_LIB_USE_RESOLVE_H

#include <netdb.h>

#include "proto/macro.h"

/* EAI_*, or 0: no name has failed. */
void resolve_set(int error);

static inline void resolve_clear(void)
{
	resolve_set(0);
}

/* The stream addresses of host and service, either of which may be NULL. Returns 0, and the list is
 * the caller's; or a negative errno, -EINVAL for a port number that is none. */
int resolve(const char *host, const char *service, int family, int flags, struct addrinfo **ret);

static inline void resolve_freep(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

#define _cleanup_addresses_ _cleanup_(resolve_freep)

#endif
