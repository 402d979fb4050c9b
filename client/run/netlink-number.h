/*
 * The numbers of netlink sockets. The one that the kernel chooses for a socket without is that of
 * the process that makes the call, who is not the one to do so here.
 */
#ifndef SOCKD_CLIENT_RUN_NETLINK_NUMBER_H
#define SOCKD_CLIENT_RUN_NETLINK_NUMBER_H

#include <linux/netlink.h>
#include <sys/socket.h>

#include "client/run/call.h"
#include "client/run/given.h"

/* Binds a netlink socket of the program by this function, with the number that the kernel would
 * have chosen for the program where the address has none. Returns what bind(2) does, with errno. */
int netlink_number_bind(const struct call *call, int fd, struct sockaddr_nl *address,
	socklen_t size, bind_function *bind_by);

/* Before something is sent on it. What the program may not do itself is left undone. */
void netlink_number_ensure(const struct call *call, int fd);

#endif
