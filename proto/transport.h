/*
 * One packet with its descriptors and its sender's credentials over AF_UNIX SOCK_SEQPACKET.
 *
 * Every received descriptor is owned by the caller or closed here: a truncated packet, a truncated
 * control message or more descriptors than asked for close all of them and fail.
 */
#ifndef SOCKD_PROTO_TRANSPORT_H
#define SOCKD_PROTO_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct transport_message {
	size_t size;  /* bytes received; 0: the other end has closed */
	size_t n_fds; /* descriptors stored in the caller's array, close-on-exec, owned by it */
	bool has_credentials; /* the receiving socket has SO_PASSCRED */
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/*
 * Sends one packet, never raising SIGPIPE. The descriptors stay the caller's. Returns 0 or a
 * negative errno (-EAGAIN where flags has MSG_DONTWAIT and the queue is full).
 */
int transport_send(
	int fd, const void *packet, size_t size, const int *fds, size_t n_fds, int flags);

/*
 * Receives one packet of at most size bytes with at most max_fds descriptors (WIRE_COUNT_MAX is
 * the most). Returns 0 or a negative errno: -EMSGSIZE packet truncated, -EBADMSG control message
 * truncated or not understood or more than max_fds descriptors. Nothing is owed to the caller on
 * failure.
 */
int transport_receive(int fd, void *buffer, size_t size, int *fds, size_t max_fds, int flags,
	struct transport_message *ret);

/*
 * The same, for a receiver that must not close what a stranger sent (closing can hang): on
 * -EMSGSIZE and -EBADMSG too ret->n_fds descriptors were stored and are the caller's.
 */
int transport_receive_keeping(int fd, void *buffer, size_t size, int *fds, size_t max_fds,
	int flags, struct transport_message *ret);

/* Whether descriptors can be sent to this socket, or to the connections that a listening one gets
 * from now on, until they are told otherwise. Before Linux 6.16 they always can. */
void transport_pass_fds(int fd, bool pass);

#endif
