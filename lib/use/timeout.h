/* The timeouts of sockets that are being made. */
#ifndef SOCKD_LIB_USE_TIMEOUT_H
#define SOCKD_LIB_USE_TIMEOUT_H

#include <stdbool.h>
#include <stdint.h>

/* One that sockd_settimeout() takes, so far as the kernel is not asked. */
bool timeout_is_valid(int64_t timeout_usec);

/* Gives the process's default to a socket of which nobody else knows yet. type: as for socket(2),
 * whose SOCK_NONBLOCK has precedence. Returns 0, or -1 with errno. */
int timeout_set_default(int fd, int type);

/* The socket, or -1 with errno and the socket closed. */
int timeout_set_default_or_close(int fd, int type);

#endif
