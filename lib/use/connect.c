/*
 * connect(2) with a deadline. The families of the Internet, AF_UNIX and Bluetooth wait for
 * SO_SNDTIMEO by themselves; others know a timeout of their own or none, and their sockets are made
 * non-blocking while the connection is begun. So are those of AF_VSOCK in any case: a signal ends
 * not only the wait, but the connection that was begun, without a word.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/ask.h"
#include "lib/calls.h"
#include "lib/kernel.h"
#include "lib/sockd.h"
#include "lib/span.h"
#include "lib/use/wait.h"
#include "proto/macro.h"

static bool obeys_timeout(int domain)
{
	return domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX ||
	       domain == AF_BLUETOOTH;
}

/* Of a connection that is under way. Returns 0 or a negative errno. */
static int wait_connected(int fd, int64_t deadline)
{
	int error = 0, r = span_poll(fd, POLLOUT, deadline);
	socklen_t size = sizeof error;

	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	if (kernel_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return negative_errno();
	return -error;
}

static void set_send_timeout(int fd, int64_t usec)
{
	struct timeval value = {
		.tv_sec = (time_t)(usec / 1000000),
		.tv_usec = (suseconds_t)(usec % 1000000),
	};

	(void)kernel_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
}

/* A local connection that waits for room is not under way when a signal ends the wait: it begins
 * anew, with what is left of the time. */
static int connect_local(
	int fd, const struct sockaddr *address, socklen_t size, int64_t span, int64_t deadline)
{
	int r = -EINTR;

	while (r == -EINTR) {
		if (deadline != SPAN_FOREVER) {
			int64_t left = deadline - span_now();
			if (left <= 0) {
				r = -EAGAIN;
				break;
			}
			set_send_timeout(fd, left);
		}
		r = call_connect(fd, address, size) < 0 ? negative_errno() : 0;
	}
	if (deadline != SPAN_FOREVER)
		set_send_timeout(fd, span);
	return r;
}

static int connect_at_once(int fd, const struct sockaddr *address, socklen_t size, int64_t deadline)
{
	int r = ask_set_blocking(fd, false);

	if (r < 0)
		return r;
	r = call_connect(fd, address, size) < 0 ? negative_errno() : 0;
	(void)ask_set_blocking(fd, true);
	return r == -EINPROGRESS || r == -EALREADY ? wait_connected(fd, deadline) : r;
}

int sockd_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int saved_errno = errno, domain = kernel_socket_number(fd, SO_DOMAIN);

	errno = saved_errno;
	if (domain < 0 || waiting_never(fd))
		return call_connect(fd, address, size);

	int64_t span = span_of_socket(fd, SO_SNDTIMEO);
	int64_t start = span_now(), deadline = span_deadline(start, span);
	int r;
	if (domain == AF_VSOCK || (span != SPAN_FOREVER && !obeys_timeout(domain)))
		r = connect_at_once(fd, address, size, deadline);
	else
		r = call_connect(fd, address, size) < 0 ? negative_errno() : 0;
	if (r == -EINTR)
		r = domain == AF_UNIX ? connect_local(fd, address, size, span, deadline)
				      : wait_connected(fd, deadline);
	/* So the kernel says that the time has passed; EALREADY of one that was begun before. */
	if (span != SPAN_FOREVER &&
		(r == -EINPROGRESS || r == -EALREADY || (r == -EAGAIN && domain == AF_UNIX)))
		r = -ETIMEDOUT;
	errno = r < 0 ? -r : saved_errno;
	return r < 0 ? -1 : 0;
}

int sockd_connect_ex(int fd, const struct sockaddr *address, socklen_t size)
{
	int saved_errno = errno, error = 0;

	if (sockd_connect(fd, address, size) < 0)
		error = errno;
	errno = saved_errno;
	return error;
}
