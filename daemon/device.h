/*
 * Binding a socket to an interface by name.
 *
 * Rules compare names, and an interface may have many: by another one that looks like a tenant's a
 * client would be bound to what no rule gives it. So only the interface's own name is taken.
 */
#ifndef SOCKD_DAEMON_DEVICE_H
#define SOCKD_DAEMON_DEVICE_H

#include <net/if.h>
#include <stddef.h>

/* As SO_BINDTODEVICE, in the socket's own namespace. Returns 0; -EPERM with the interface's own
 * name in ret_own where the name is another one of it (else that is empty); or a negative errno. */
int device_bind(int fd, const void *name, size_t size, char ret_own[static IFNAMSIZ]);

#endif
