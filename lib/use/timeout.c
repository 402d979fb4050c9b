#include "lib/use/timeout.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/ask.h"
#include "lib/kernel.h"
#include "lib/sockd.h"
#include "lib/span.h"
#include "lib/use/wait.h"
#include "proto/macro.h"

#define USEC_PER_SEC INT64_C(1000000)

_Static_assert(SOCKD_FOREVER == SPAN_FOREVER, "one number for both");

static _Atomic int64_t default_usec = SOCKD_FOREVER;

bool timeout_is_valid(int64_t timeout_usec)
{
	return timeout_usec == SOCKD_FOREVER ||
	       (timeout_usec >= 0 && timeout_usec <= SOCKD_TIMEOUT_MAX);
}

/* 0 and SOCKD_FOREVER are the same here. */
static int set_option(int fd, int option, int64_t usec)
{
	struct timeval value = {0};

	if (usec > 0) {
		value.tv_sec = (time_t)(usec / USEC_PER_SEC);
		value.tv_usec = (suseconds_t)(usec % USEC_PER_SEC);
	}
	return kernel_setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

/* Of a kernel whose ticks have 32 bits a long span is for ever. */
static int set_and_check(int fd, int option, int64_t usec)
{
	if (set_option(fd, option, usec) < 0)
		return -1;
	if (usec > 0 && span_of_socket(fd, option) == SPAN_FOREVER) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int sockd_settimeout(int fd, int64_t timeout_usec)
{
	int saved_errno = errno;

	if (!timeout_is_valid(timeout_usec)) {
		errno = EINVAL;
		return -1;
	}
	int64_t old_receive = span_of_socket(fd, SO_RCVTIMEO);
	int64_t old_send = span_of_socket(fd, SO_SNDTIMEO);
	int r = 0;
	if (set_and_check(fd, SO_RCVTIMEO, timeout_usec) < 0 ||
		set_and_check(fd, SO_SNDTIMEO, timeout_usec) < 0)
		r = negative_errno();
	else
		r = ask_set_blocking(fd, timeout_usec != 0);
	if (r < 0) {
		(void)set_option(fd, SO_RCVTIMEO, old_receive);
		(void)set_option(fd, SO_SNDTIMEO, old_send);
		errno = -r;
		return -1;
	}
	errno = saved_errno;
	return 0;
}

int sockd_gettimeout(int fd, int64_t *ret_timeout_usec)
{
	int saved_errno = errno;

	if (kernel_socket_number(fd, SO_TYPE) < 0)
		return -1;
	*ret_timeout_usec = waiting_never(fd) ? 0 : span_of_socket(fd, SO_RCVTIMEO);
	errno = saved_errno;
	return 0;
}

int sockd_setblocking(int fd, int blocking)
{
	return sockd_settimeout(fd, blocking ? SOCKD_FOREVER : 0);
}

int sockd_getblocking(int fd)
{
	int64_t timeout_usec;

	return sockd_gettimeout(fd, &timeout_usec) < 0 ? -1 : timeout_usec != 0;
}

int sockd_setdefaulttimeout(int64_t timeout_usec)
{
	if (!timeout_is_valid(timeout_usec)) {
		errno = EINVAL;
		return -1;
	}
	atomic_store_explicit(&default_usec, timeout_usec, memory_order_relaxed);
	return 0;
}

int64_t sockd_getdefaulttimeout(void)
{
	return atomic_load_explicit(&default_usec, memory_order_relaxed);
}

int timeout_set_default(int fd, int type)
{
	int64_t usec = sockd_getdefaulttimeout();

	if (usec == SOCKD_FOREVER || type & SOCK_NONBLOCK)
		return 0;
	return sockd_settimeout(fd, usec);
}

int timeout_set_default_or_close(int fd, int type)
{
	if (fd >= 0 && timeout_set_default(fd, type) < 0) {
		close_quietly(fd);
		return -1;
	}
	return fd;
}
