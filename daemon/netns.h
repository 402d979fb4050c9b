/*
 * Network namespaces: the broker's own, a peer's, a named one. Only the calling thread moves.
 */
#ifndef SOCKD_DAEMON_NETNS_H
#define SOCKD_DAEMON_NETNS_H

#include <stdbool.h>
#include <stdint.h>

/* Notes the namespace the process lives in. Called once, before any thread is made. */
int netns_init(void);
uint64_t netns_own_cookie(void);
int netns_own(void); /* its descriptor, borrowed */

/* The namespace that a socket lives in, as a new descriptor (ioctl SIOCGSKNS; needs CAP_NET_ADMIN
 * over it). */
int netns_of_socket(int fd);
/* The namespace named under /run/netns, as ip-netns(8) makes them, as a new descriptor. */
int netns_open_named(const char *name);
/* May names be looked up: is nothing in the way to /run/netns, whether that is there or not? Where
 * the fence is, a name that is not there cannot be told from one that is hidden. */
bool netns_names_are_visible(void);
/* Is this namespace the one of that name? 1 or 0, also where the name does not exist; any other
 * negative errno: it cannot be told. */
int netns_is_named(int netns_fd, const char *name);
/* Likewise: do both names mean one? */
int netns_are_same(const char *name, const char *other);
/*
 * The number of a namespace, as lsns(8) and the links /proc/PID/ns/net show it; 0: the broker's
 * own. NETNS_UNKNOWN: another one, which the broker has no right to look at (that takes
 * CAP_NET_ADMIN over it, and not every policy does).
 */
#define NETNS_UNKNOWN UINT64_MAX
uint64_t netns_number(int netns_fd);
uint64_t netns_number_of_socket(int fd, uint64_t cookie); /* for the loop's thread */
uint64_t netns_own_number(void);			  /* itself, not 0 */
/* SO_NETNS_COOKIE of a socket. Returns 0 or a negative errno. */
int netns_cookie_of(int fd, uint64_t *ret);

/* Moves the calling thread. netns_leave() ends the process where it cannot come back: it must never
 * go on in another namespace than it believes to be in. */
int netns_enter(int netns_fd);
void netns_leave(void);

#endif
