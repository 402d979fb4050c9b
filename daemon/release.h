/*
 * Descriptors that came from a client are closed without waiting for it.
 *
 * Every close of a file on a file system of the client's own (FUSE) comes back when the client
 * likes, and no signal ends it. So what is no socket is closed on the client's account, in threads
 * that no request waits for, however many users an attacker may be, and not by those that close for
 * all.
 */
#ifndef SOCKD_DAEMON_RELEASE_H
#define SOCKD_DAEMON_RELEASE_H

#include <stddef.h>

struct connection;

/* Whatever they are. The array is copied. */
void release_fds_take(struct connection *connection, const int *fds, size_t n);

#endif
