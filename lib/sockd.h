/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libsockd: sockets that this process may not open or prepare itself, from the socket broker sockd.
 *
 * Two ways to use it:
 *
 *  - sockd_socket(), sockd_bind() and the others have the signatures, results and errors of the
 * POSIX calls whose names they bear, but for what sockd-use.h says of descriptors, timeouts and
 * signals. Each tries the kernel first. Only where the kernel refuses for
 * want of privilege (EPERM, EACCES, and EAFNOSUPPORT from socket(2)) is the broker asked, for a new
 * socket or for the same call on the caller's own descriptor. Without a broker, or where it
 * refuses, the caller gets the kernel's own errno.
 *  - struct sockd_request asks for a prepared socket in one round trip: options set, filter locked,
 * bound, connected or listening before this process sees it.
 *
 * All functions are thread-safe, but one struct sockd_request may be used by one thread at a time.
 * The calls of the first kind may also be made from a signal handler. The one connection to the
 * broker belongs to the process, is close-on-exec, is never on descriptor 0 to 2, and is made anew
 * after fork(2), a change of credentials or of namespace, or when the program has closed it.
 * SIGPIPE is never raised by it. An exchange with the broker takes at most 10 seconds; after that
 * the broker counts as absent. One that is restarted while its manager keeps the listening socket
 * is not noticed.
 *
 * On failure every function returns -1 (or NULL) and sets errno; on success errno is left as it
 * was.
 *
 * Environment (ignored in set-user-ID programs): SOCKD_SOCKET, the path of the broker's socket;
 * SOCKD_NETNS, where sockd_socket() is to open: "broker" or a namespace's name.
 * See libsockd(3), sockd(8).
 */
#ifndef SOCKD_H
#define SOCKD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "sockd-keep.h"
#include "sockd-names.h"
#include "sockd-pack.h"
#include "sockd-use.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sock_fprog; /* <linux/filter.h> */

/* socket(2). The descriptor is close-on-exec whatever type says, and has the default timeout
 * (sockd_setdefaulttimeout()) unless type has SOCK_NONBLOCK. With
 * SOCKD_NETNS the broker is asked first, and the kernel for what no rule gives there. */
int sockd_socket(int domain, int type, int protocol);

/* bind(2). The broker binds the caller's own socket. A refusal on AF_UNIX is about files and is
 * never taken to the broker. */
int sockd_bind(int fd, const struct sockaddr *address, socklen_t size);

/*
 * connect(2). As bind; a non-blocking socket may fail with EINPROGRESS. A blocking one waits for as
 * long as its timeout says (ETIMEDOUT), and goes on after a signal. After ETIMEDOUT the connection
 * may still come about; who no longer wants it closes the socket.
 */
int sockd_connect(int fd, const struct sockaddr *address, socklen_t size);

/* listen(2). */
int sockd_listen(int fd, int backlog);

/*
 * setsockopt(2). Only options whose value is plain data are taken to the broker: none that holds a
 * pointer or a descriptor. size is in bytes, at most 4096 for the broker. HCI_FILTER on a Bluetooth
 * HCI socket, which the kernel narrows without a word, is set by the broker where it was narrowed;
 * where the broker refuses, the call succeeds with the narrowed filter, and sockd_reason() says
 * why.
 */
int sockd_setsockopt(int fd, int level, int name, const void *value, socklen_t size);

/*
 * sendto(2) and sendmsg(2), with the timeout of the socket, without EINTR and SIGPIPE: see
 * sockd-use.h. Two kinds concern the broker: first messages to the kernel on an
 * AF_NETLINK socket: the kernel judges their sender, and answers EPERM only later, in
 * the socket's queue. So a message that needs a right that this process lacks is sent by the broker
 * on the caller's own socket, and the answer arrives at the caller. Where the broker refuses, the
 * message is sent plainly, and the kernel's own refusal arrives; sockd_reason() then has the words
 * although the call succeeded. A message is never sent twice by the broker. Where the broker
 * vanished before it answered, the message is sent plainly too: the caller finds one refusal, after
 * a success if there was one. Messages with control data, or too large for one packet to the broker
 * (128 KiB), are sent plainly. Second, commands on a Bluetooth HCI socket: one that the kernel
 * refuses with EPERM is sent by the broker, once; where it refuses, the errno is the kernel's.
 */
ssize_t sockd_sendto(int fd, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size);
ssize_t sockd_sendmsg(int fd, const struct msghdr *message, int flags);

/*
 * The words behind the last refusal of this thread: why the broker said no, or that there is no
 * broker. One line without a newline. Every function that may go to the broker, and those of
 * sockd-pack.h, begin with "", so that afterwards it stands for no refusal; all others, those that
 * add to a request too, leave the words as they were. Never NULL. Belongs to the library; valid
 * until the thread's next call of any other function here.
 */
const char *sockd_reason(void);

/* A request for prepared sockets. Opaque. Its steps are carried out in the order in which they were
 * added. */
struct sockd_request;

/*
 * A new request without steps, for the three arguments of socket(2). The caller owns it and frees
 * it with sockd_request_free(). NULL with ENOMEM.
 */
struct sockd_request *sockd_request_new(int domain, int type, int protocol);

/* Frees a request; NULL is allowed. Sockets that it opened stay open. */
void sockd_request_free(struct sockd_request *request);

/* For __attribute__((cleanup(sockd_request_freep))). */
static inline void sockd_request_freep(struct sockd_request **request)
{
	sockd_request_free(*request);
}

/*
 * The functions that add to a request return 0, or -1 with errno: EINVAL for an argument that
 * cannot be (too long, NULL), E2BIG for more than 32 steps, ENOMEM. All data is copied. The first
 * error is also kept and makes sockd_request_open() fail with it, so that only that call need be
 * checked.
 */

/*
 * The network namespace of the socket: "peer" is the caller's own, "broker" the broker's, anything
 * else a name as in ip-netns(8). NULL, as at first, leaves it to the rule. With a namespace the
 * kernel is not tried first.
 */
int sockd_request_netns(struct sockd_request *request, const char *name);

/* Adds setsockopt(2). */
int sockd_request_setsockopt(
	struct sockd_request *request, int level, int name, const void *value, socklen_t size);

/* Adds a classic BPF filter that is attached and then locked: nobody can detach or replace it. */
int sockd_request_filter(struct sockd_request *request, const struct sock_fprog *filter);

/* Adds bind(2), connect(2), listen(2). */
int sockd_request_bind(
	struct sockd_request *request, const struct sockaddr *address, socklen_t size);
int sockd_request_connect(
	struct sockd_request *request, const struct sockaddr *address, socklen_t size);
int sockd_request_listen(struct sockd_request *request, int backlog);
/*
 * Names the interface of the bind or connect added last, whose address then has 0 in the place of
 * the number: for a socket of another network namespace, where the caller's numbers mean nothing.
 * For AF_CAN and AF_PACKET.
 */
int sockd_request_interface(struct sockd_request *request, const char *name);

/* Adds sendto(2). address may be NULL with size 0. */
int sockd_request_sendto(struct sockd_request *request, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size);

/*
 * Carries the request out and returns a descriptor that the caller owns, or -1. May be called again
 * for another socket. All of it is tried in the calling process first; where the kernel refuses for
 * want of privilege, all of it is asked of the broker. Only where a connect or send step had
 * already been done by then, which must not be done twice, are the remaining steps asked for on
 * that socket instead.
 *
 * With a connect step a blocking socket is returned connected; a non-blocking one may still be
 * connecting. The wait for the connection is not interrupted by signals, and is as long as an
 * SO_SNDTIMEO among the steps before allows (then EINPROGRESS).
 *
 * Errors: those of the system calls; the kernel's own where there is no broker or it refuses. With
 * an explicit namespace, where the kernel was not tried: EACCES refused, or what connecting to the
 * broker failed with.
 */
int sockd_request_open(struct sockd_request *request);

/*
 * Opens count sockets (1 to 253), all alike, in one exchange. Stores as many descriptors in fds,
 * owned by the caller, and returns 0; or stores none and returns -1. EINVAL for another count.
 */
int sockd_request_open_many(struct sockd_request *request, int *fds, size_t count);

/* The broker's number for what the last open granted; 0 where the kernel gave the socket without
 * it. */
uint64_t sockd_request_grant(const struct sockd_request *request);

/*
 * Tells the broker that a grant is no longer wanted, so that it no longer counts towards this
 * user's limits. Seldom needed: a grant ends by itself when the last copy of its sockets is closed.
 * Returns 0, also for a grant that has ended already; -1 with EBUSY where a socket of it is still
 * open, or what connecting to the broker failed with.
 */
int sockd_release(uint64_t grant);

#ifdef __cplusplus
}
#endif

#endif
