/*
 * The calls of sockd.h whose names a program may have for the POSIX ones, with exactly what POSIX
 * says of them, but for the broker: no descriptor is close-on-exec unasked, no signal is hidden
 * and no default of this library comes in. For those who stand in a program's place (preload,
 * sockd-run) and as the ground of the library's own. Those that send are in lib/send.h.
 */
#ifndef SOCKD_LIB_CALLS_H
#define SOCKD_LIB_CALLS_H

#include <sys/socket.h>

int call_socket(int domain, int type, int protocol);
int call_connect(int fd, const struct sockaddr *address, socklen_t size);

#endif
