/*
 * What a client's own socket is, as the kernel tells of it. Takes no lock that the socket's holder
 * could keep, so that it may be asked on the loop.
 */
#ifndef SOCKD_DAEMON_OWN_SOCKET_H
#define SOCKD_DAEMON_OWN_SOCKET_H

#include <stdint.h>

struct own_socket {
	int domain, type, protocol; /* as a policy_query has them */
	uint64_t netns_cookie;
	uint64_t netns; /* its number, see netns.h */
};

/* Returns 0; -ENOTSOCK; another negative errno where the kernel does not tell. */
int own_socket_read(int fd, struct own_socket *ret);

#endif
