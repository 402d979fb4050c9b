/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libsockd: making ordinary sockets and using them, with the contract of Python's socket module.
 * Included by <sockd.h>.
 *
 * All of it works on plain descriptors, and nothing is kept about them here: the result of every
 * function can be used with read(2), write(2), poll(2) and close(2) as well, and every function
 * takes descriptors that came from elsewhere.
 *
 * Timeouts. A span of time is a number of microseconds: SOCKD_FOREVER for none, 0 for at once.
 * The timeout of a socket is kept by the kernel on the open socket itself: SO_RCVTIMEO and
 * SO_SNDTIMEO for a span, O_NONBLOCK for 0. So it is the same for all copies of the descriptor, and
 * survives dup(2), fork(2), execve(2) and passing on; plain read(2) and write(2) obey it too. The
 * kernel keeps it in ticks (1 to 10 ms) and rounds up.
 *
 * A function here that waits obeys the socket's timeout, goes on after a signal (EINTR is never
 * returned) and still keeps to one deadline for the whole call. When that has passed it fails with
 * ETIMEDOUT; on a non-blocking socket it fails with EAGAIN, or EINPROGRESS from connecting.
 * Receiving and accepting go by SO_RCVTIMEO, sending and connecting by SO_SNDTIMEO. With
 * MSG_DONTWAIT, MSG_ERRQUEUE or MSG_OOB no function waits.
 *
 * Every descriptor that is made or received here is close-on-exec. No function raises SIGPIPE:
 * sending on a connection that is closed fails with EPIPE.
 *
 * On failure every function returns -1 (or NULL) and sets errno, and leaves what ret_... points to
 * as it was; on success errno is left as it was. Besides those that are named, the errors are those
 * of the system calls: EBADF for what is no open descriptor, ENOTSOCK for what is no socket.
 *
 * All functions are thread-safe, but one struct sockd_control may be used by one thread at a time.
 * What may be called from a signal handler says so.
 */
#ifndef SOCKD_USE_H
#define SOCKD_USE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef SOCKD_FOREVER
#define SOCKD_FOREVER INT64_C(-1)
#endif

/* For sockd_create_connection(): what sockd_getdefaulttimeout() says. */
#define SOCKD_DEFAULT_TIMEOUT INT64_C(-2)

/* The longest timeout of a socket: 2^31 - 1 seconds. */
#define SOCKD_TIMEOUT_MAX INT64_C(2147483647000000)

/*
 * Timeouts. All of them may be called from a signal handler.
 */

/*
 * Sets the timeout of a socket for receiving and sending alike. EINVAL: negative but for
 * SOCKD_FOREVER, more than SOCKD_TIMEOUT_MAX, or more than the kernel can keep; the socket's
 * timeout is then as it was.
 */
int sockd_settimeout(int fd, int64_t timeout_usec);

/* The timeout as the kernel keeps it: that for receiving where the two differ. */
int sockd_gettimeout(int fd, int64_t *ret_timeout_usec);

/* blocking: sockd_settimeout(fd, SOCKD_FOREVER); else sockd_settimeout(fd, 0). */
int sockd_setblocking(int fd, int blocking);

/* 1: blocking, with or without a timeout; 0: non-blocking. */
int sockd_getblocking(int fd);

/*
 * The timeout of the sockets that sockd_socket(), sockd_socketpair(), sockd_create_connection(),
 * sockd_create_server() and sockd_accept() make from now on in this process: SOCKD_FOREVER at
 * first. EINVAL as sockd_settimeout().
 */
int sockd_setdefaulttimeout(int64_t timeout_usec);
int64_t sockd_getdefaulttimeout(void);

/*
 * Making sockets. sockd_socket() is in <sockd.h>.
 */

/* socketpair(2), close-on-exec and with the default timeout. */
int sockd_socketpair(int domain, int type, int protocol, int ret_fds[2]);

/*
 * Connects a new stream socket to host and service (a name or number each, as getaddrinfo(3) has
 * them; host NULL: this machine). The addresses are tried as RFC 8305 says: the families taking
 * turns, and where one has not answered after 250 ms or has failed the next one is tried beside
 * it. The first to connect is returned, owned by the caller; the others are closed.
 *
 * timeout_usec becomes the socket's timeout, and is also the longest that connecting may take, from
 * when the name has been looked up (which getaddrinfo(3) takes its own time for).
 * SOCKD_DEFAULT_TIMEOUT takes the default. source_host and source_service, where either is not
 * NULL, say which address of this machine to connect from (source_host NULL or "": any;
 * source_service NULL: any port).
 *
 * Where binding or connecting needs a right that this process lacks, the broker is asked.
 *
 * Errors: that of the last address that was tried; ETIMEDOUT; EINPROGRESS where timeout_usec is 0
 * and the connection is not there at once; EINVAL for a timeout as sockd_settimeout(), service
 * NULL, or a port number that is none. Where a name could not be looked up, sockd_lookup_error()
 * says why; errno is then EAGAIN where it may be otherwise later, ENOENT where there is no such
 * name, or what else went wrong.
 */
int sockd_create_connection(const char *host, const char *service, int64_t timeout_usec,
	const char *source_host, const char *source_service);

/*
 * Why the thread's last sockd_create_connection() or sockd_create_server() failed: EAI_* of
 * getaddrinfo(3) where a name could not be looked up, else 0. sockd_resolve_error() has the words.
 */
int sockd_lookup_error(void);

/* For sockd_create_server(). */
#define SOCKD_REUSE_PORT 0x1u /* SO_REUSEPORT */
#define SOCKD_DUALSTACK 0x2u  /* AF_INET6: takes IPv4 connections too */
#define SOCKD_BACKLOG (-1)    /* the usual one */

/*
 * A stream socket that listens on host and service (NULL or "": any address, any port), with
 * SO_REUSEADDR; owned by the caller. family is AF_INET or AF_INET6; an IPv6 one takes IPv6
 * connections alone (IPV6_V6ONLY), but for SOCKD_DUALSTACK. Or it is AF_UNIX: service is then NULL,
 * and host a path, or "@" and an abstract name, or NULL or "" for an abstract name that the kernel
 * chooses. backlog is that of listen(2), or SOCKD_BACKLOG.
 *
 * Where the port needs a right that this process lacks, the broker is asked.
 *
 * Errors: those of socket(2), bind(2) and listen(2); EINVAL for unknown flags, SOCKD_DUALSTACK
 * with another family or where the system lacks it, another negative backlog, and a port number
 * that is none; EAFNOSUPPORT
 * for another family; ENAMETOOLONG for a path that does not fit. For a name that could not be
 * looked up as sockd_create_connection().
 */
int sockd_create_server(
	int family, const char *host, const char *service, int backlog, unsigned flags);

/* 1: an IPv6 socket can take IPv4 connections too; 0: not here. Never fails. */
int sockd_has_dualstack_ipv6(void);

/*
 * A copy of the descriptor of an open socket, close-on-exec, owned by the caller; fd stays open.
 * The timeout is the socket's, and so the same for both. ENOTSOCK: it is something else.
 */
int sockd_fromfd(int fd);

/* The first descriptor that a service manager passes (sd_listen_fds(3)). */
#define SOCKD_LISTEN_FDS_START 3

/*
 * Takes over the descriptors that the service manager passed to this process by LISTEN_FDS,
 * LISTEN_PID and LISTEN_FDNAMES: returns how many there are, from SOCKD_LISTEN_FDS_START on; 0
 * where none were passed, or not to this process. All of them are made close-on-exec and are the
 * caller's. ret_names, where it is not NULL, becomes an array of as many names and NULL behind
 * them ("unknown" where the manager gave no names), in one piece that the caller frees with
 * free(3); NULL where there are none. With unset_environment the three variables are removed,
 * whatever comes out, so that children do not see them; setenv(3) tells of the thread safety of
 * that.
 *
 * Errors: EINVAL the variables make no sense, or the number of names is another one; EBADF a
 * descriptor is not open; ENOMEM. Descriptors are left as they were then.
 */
int sockd_from_listen_fds(int unset_environment, char ***ret_names);

/*
 * Using sockets. All but sockd_sendfile(), sockd_makefile() and those for control messages may be
 * called from a signal handler.
 */

/*
 * accept(2). The new socket is close-on-exec and has the default timeout, whatever the listening
 * socket's own. Where a signal came and another process takes the connection in the same moment, it
 * may wait for the timeout once more.
 */
int sockd_accept(int fd, struct sockaddr *ret_address, socklen_t *size);

/*
 * sockd_connect() is in <sockd.h>. This one has the contract of Python's connect_ex: returns 0, or
 * the errno, and leaves errno as it was.
 */
int sockd_connect_ex(int fd, const struct sockaddr *address, socklen_t size);

/* recv(2), recvfrom(2), send(2). MSG_WAITALL may return less after a signal, or when the timeout
 * has passed. sockd_recv() of 0 bytes of a stream is 0 at once, and takes nothing from it (but with
 * MSG_ERRQUEUE). EINVAL: a size beyond SSIZE_MAX. */
ssize_t sockd_recv(int fd, void *buffer, size_t size, int flags);
ssize_t sockd_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *ret_address,
	socklen_t *address_size);
ssize_t sockd_send(int fd, const void *buffer, size_t size, int flags);

/*
 * Sends all of it: returns 0 then. The timeout is for the whole. *sent, where sent is not NULL,
 * is how many bytes have gone, on failure too.
 */
int sockd_sendall(int fd, const void *buffer, size_t size, int flags, size_t *sent);

/*
 * Sends a file from offset on, count bytes of it or to its end (SOCKD_TO_END), and returns how
 * many went; fewer than count where the file ends before. By sendfile(2) where that is possible,
 * else by reading and sending. A file that has no positions (a pipe) is read from where it is, and
 * offset must be 0.
 *
 * The position of a file that has one is afterwards behind the last byte that was sent, on failure
 * too; it is left alone where none was. The timeout is for each wait in which nothing goes, so that
 * a large file may take longer; it can be twice as long before that is noticed.
 *
 * Errors: EPROTOTYPE not a stream socket; EINVAL a non-blocking socket, a negative offset, a count
 * that is 0 or negative; ESPIPE an offset into a file without positions; those of read(2) and
 * send(2).
 */
int64_t sockd_sendfile(int fd, int file, int64_t offset, int64_t count);

#define SOCKD_TO_END INT64_C(-1)

/*
 * A stream for reading ("r") or writing ("w") a socket, fully buffered; a "b" after it changes
 * nothing. It has a copy of the descriptor: fclose(3) closes that alone, and fd may be closed
 * before. For both ways make two. Reading and writing obey the timeout, fail with ETIMEDOUT, go on
 * after a signal and raise no SIGPIPE; after a timeout or on a non-blocking socket, part of what
 * was buffered may be lost. fileno(3) knows no descriptor of it, and it has no positions. EINVAL:
 * another mode. The caller owns the stream.
 */
FILE *sockd_makefile(int fd, const char *mode);

/* 1: the descriptor is inherited by what execve(2) starts; 0: it is close-on-exec. */
int sockd_get_inheritable(int fd);
int sockd_set_inheritable(int fd, int inheritable);

/*
 * close(2). The descriptor is closed after any error but EBADF. EINTR and ECONNRESET, which say
 * nothing to whoever is done with it, count as success.
 */
int sockd_close(int fd);

/* Takes the descriptor out of a variable, which is -1 afterwards: the caller owns it now. */
static inline int sockd_detach(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* For __attribute__((cleanup(sockd_closep))): closes it, unless it is negative. */
static inline void sockd_closep(int *fd)
{
	if (*fd >= 0)
		(void)sockd_close(*fd);
}

/*
 * Control messages (cmsg(3)). sockd_sendmsg() is in <sockd.h>.
 */

/*
 * recvmsg(2) with MSG_CMSG_CLOEXEC. The descriptors in the control data are the caller's. Where it
 * was truncated (MSG_CTRUNC) every descriptor in it is closed and the call fails: EMFILE where this
 * process can have no more descriptors, else EMSGSIZE, there was too little room. The data of the
 * message is lost then. Truncated data (MSG_TRUNC) is no error: see msg_flags.
 */
ssize_t sockd_recvmsg(int fd, struct msghdr *message, int flags);

/* A list of control messages. It owns the descriptors that came in it until they are taken out. */
struct sockd_control;

/* An empty list. NULL with ENOMEM. */
struct sockd_control *sockd_control_new(void);

/* Frees a list; descriptors that came in it and were not taken are closed. NULL is allowed. */
void sockd_control_free(struct sockd_control *control);

/* For __attribute__((cleanup(sockd_control_freep))). */
static inline void sockd_control_freep(struct sockd_control **control)
{
	sockd_control_free(*control);
}

/*
 * Add a message to be sent: any, of size bytes (copied); SCM_RIGHTS with descriptors, which stay
 * the caller's and must stay open until the list has been sent; SCM_CREDENTIALS. EINVAL: no or too
 * many descriptors (253 at most), a negative one, or too much data. EBUSY: the list holds what was
 * received. ENOMEM.
 */
int sockd_control_add(
	struct sockd_control *control, int level, int type, const void *data, size_t size);
int sockd_control_add_fds(struct sockd_control *control, const int *fds, size_t n_fds);
int sockd_control_add_credentials(struct sockd_control *control, pid_t pid, uid_t uid, gid_t gid);

/* Makes the list the control data of message, for sockd_sendmsg(): message borrows it, until the
 * list is changed or freed. EBUSY: it holds what was received. */
int sockd_control_attach(struct sockd_control *control, struct msghdr *message);

/*
 * As sockd_recvmsg(), and control becomes what came: what it held before is dropped as by
 * sockd_control_free(), also on failure. The control fields of message are not looked at, and are
 * empty afterwards. There is room for more than 253 descriptors with credentials and the usual
 * others (16 KiB).
 */
ssize_t sockd_recvmsg_control(
	int fd, struct msghdr *message, struct sockd_control *control, int flags);

/* How many messages the list holds. */
size_t sockd_control_count(const struct sockd_control *control);

/*
 * One of them, counted from 0; each ret_ may be NULL. The data is the list's own. ENOENT: there are
 * not so many.
 */
int sockd_control_get(const struct sockd_control *control, size_t index, int *ret_level,
	int *ret_type, const void **ret_data, size_t *ret_size);

/*
 * Takes the descriptors that came out of the list, in the order in which they came: stores them in
 * fds, which has room for max, and returns how many there were. They are the caller's. In the list
 * -1 is in their place. A pidfd of the sender (SCM_PIDFD) is not among them and stays the list's.
 * EMSGSIZE: there are more than max; none is taken. EBUSY: the list is for sending.
 */
ssize_t sockd_control_take_fds(struct sockd_control *control, int *fds, size_t max);

/* The credentials of the sender (SO_PASSCRED). Each ret_ may be NULL. ENODATA: there are none. */
int sockd_control_get_credentials(
	const struct sockd_control *control, pid_t *ret_pid, uid_t *ret_uid, gid_t *ret_gid);

/*
 * Sends data with descriptors over AF_UNIX: as many bytes as were sent are returned, and the
 * descriptors went with the first of them; they stay the caller's too. EINVAL: more than 253
 * descriptors, a negative one, or no data on a stream, which carries none without. EAFNOSUPPORT:
 * descriptors over a socket of another family, nothing is sent.
 */
ssize_t sockd_send_fds(
	int fd, const void *buffer, size_t size, const int *fds, size_t n_fds, int flags);

/*
 * Receives data with descriptors: *n_fds says how many fds has room for, and afterwards how many
 * came; they are the caller's. Returns the number of bytes, 0 where the other end has closed.
 * ret_flags, where it is not NULL, is msg_flags of recvmsg(2) (MSG_TRUNC: the data was cut off).
 * EMSGSIZE: more descriptors than there is room for; EMFILE: than this process can have; all of
 * them are closed, and the data is lost. Other control data that came is dropped.
 */
ssize_t sockd_recv_fds(
	int fd, void *buffer, size_t size, int *fds, size_t *n_fds, int flags, int *ret_flags);

#ifdef __cplusplus
}
#endif

#endif
