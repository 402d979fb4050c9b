/* The POSIX calls: the kernel first, then the broker. */
#include "lib/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ask.h"
#include "lib/bluetooth-control.h"
#include "lib/bluetooth.h"
#include "lib/environment.h"
#include "lib/kernel.h"
#include "lib/reason.h"
#include "lib/sockd.h"
#include "proto/constants.h"
#include "proto/macro.h"

/* A call that ended well leaves errno as it was. */
static int finish(int error, int saved_errno, int result)
{
	if (error != 0) {
		errno = error;
		return -1;
	}
	errno = saved_errno;
	return result;
}

static __attribute__((noinline)) enum ask_outcome open_by_broker(
	int domain, int type, int protocol, const char *netns, struct ask_result *ret, int *ret_fd)
{
	enum ask_outcome outcome = ask_socket(domain, type, protocol, netns, ret, ret_fd);

	if (outcome == ASK_DONE && !(type & SOCK_CLOEXEC))
		(void)fcntl(*ret_fd, F_SETFD, 0);
	return outcome;
}

int call_socket(int domain, int type, int protocol)
{
	const char *netns = domain == AF_UNIX ? NULL : environment_get(ENVIRONMENT_NETNS);
	int saved_errno = errno, fd = -1;
	struct ask_result result;

	reason_clear();
	/* Where the program's own namespace is not meant, the kernel is asked only for what the
	 * broker does not give there. */
	if (netns && *netns) {
		enum ask_outcome outcome =
			open_by_broker(domain, type, protocol, netns, &result, &fd);
		if (outcome == ASK_DONE || outcome == ASK_FAILED)
			return finish(ask_error(outcome, &result, 0), saved_errno, fd);
		reason_clear();
	}
	fd = kernel_socket(domain, type, protocol);
	if (fd >= 0 || !ask_is_worth_it_for_socket(errno))
		return fd;
	int kernel_error = errno;
	enum ask_outcome outcome = open_by_broker(domain, type, protocol, NULL, &result, &fd);
	return finish(ask_error(outcome, &result, kernel_error), saved_errno, fd);
}

static bool is_bound_to(int fd, const void *address, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in inet;
		struct sockaddr_in6 inet6;
		unsigned char bytes[WIRE_ADDRESS_MAX];
	} own = {0}, asked = {0};
	socklen_t own_size = sizeof own;

	if (size > sizeof asked || kernel_getsockname(fd, &own, &own_size) < 0)
		return false;
	memcpy(&asked, address, size);
	if (own.any.sa_family != asked.any.sa_family)
		return false;
	switch (own.any.sa_family) {
	case AF_INET:
		return own.inet.sin_port == asked.inet.sin_port &&
		       own.inet.sin_addr.s_addr == asked.inet.sin_addr.s_addr;
	case AF_INET6:
		return own.inet6.sin6_port == asked.inet6.sin6_port &&
		       IN6_ARE_ADDR_EQUAL(&own.inet6.sin6_addr, &asked.inet6.sin6_addr);
	default:
		return own_size == size && memcmp(&own, &asked, size) == 0;
	}
}

static __attribute__((noinline)) int apply(int fd, const struct wire_step *step, int kernel_error)
{
	struct ask_result result;
	int error = ask_error(ask_apply(fd, step, 1, false, &result), &result, kernel_error);

	/* Done by a broker that died before it could say so, and told by the next one as bind(2)
	 * tells it. */
	if (error == EINVAL && result.repeated && step->kind == WIRE_STEP_BIND &&
		is_bound_to(fd, step->address, step->address_size))
		return 0;
	return error;
}

/* On AF_UNIX a refusal is about the permissions of files, which are not the broker's to give. */
static bool is_askable_address(const struct sockaddr *address, socklen_t size)
{
	return address && size >= sizeof(sa_family_t) && size <= WIRE_ADDRESS_MAX &&
	       address->sa_family != AF_UNIX;
}

/* Where the broker does not help, the lesser bind is what the caller would have without it. */
static __attribute__((noinline)) int bind_by_broker_first(
	int fd, const struct sockaddr *address, socklen_t size)
{
	const struct wire_step step = {
		.kind = WIRE_STEP_BIND,
		.address = address,
		.address_size = size,
	};
	struct ask_result result;
	int saved_errno = errno;

	reason_clear();
	switch (ask_apply(fd, &step, 1, false, &result)) {
	case ASK_DONE:
		return finish(0, saved_errno, 0);
	case ASK_FAILED:
		return finish(result.error, saved_errno, 0);
	case ASK_REFUSED:
	case ASK_ABSENT:
		break;
	}
	errno = saved_errno;
	return kernel_bind(fd, address, size);
}

int sockd_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	if (bluetooth_bind_is_lesser(fd, address, size))
		return bind_by_broker_first(fd, address, size);
	int saved_errno = errno, r = kernel_bind(fd, address, size);

	reason_clear();
	if (r == 0 || !ask_is_worth_it(errno) || !is_askable_address(address, size))
		return r;
	const struct wire_step step = {
		.kind = WIRE_STEP_BIND,
		.address = address,
		.address_size = size,
	};
	return finish(apply(fd, &step, errno), saved_errno, 0);
}

static __attribute__((noinline)) int connect_by_broker(
	int fd, const struct wire_step *step, int kernel_error)
{
	struct ask_result result;
	int flags = fcntl(fd, F_GETFL);

	enum ask_outcome outcome = ask_apply(fd, step, 1, false, &result);
	int error = ask_error(outcome, &result, kernel_error);
	/* Begun by a broker that died before it could say so. */
	if (result.repeated && (error == EALREADY || error == EISCONN)) {
		result.connecting = error == EALREADY;
		error = 0;
	}
	if (flags < 0 || outcome == ASK_REFUSED)
		return error;
	/* The broker must not wait and so makes the socket, which is the same for both,
	 * non-blocking. */
	if (flags & O_NONBLOCK)
		return error == 0 && result.connecting ? EINPROGRESS : error;
	if (error == 0 && result.connecting)
		error = -ask_wait_connected(fd);
	(void)ask_set_blocking(fd, true);
	return error;
}

int call_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int saved_errno = errno, r = kernel_connect(fd, address, size);

	reason_clear();
	if (r == 0 || !ask_is_worth_it(errno) || !is_askable_address(address, size))
		return r;
	const struct wire_step step = {
		.kind = WIRE_STEP_CONNECT,
		.address = address,
		.address_size = size,
	};
	return finish(connect_by_broker(fd, &step, errno), saved_errno, 0);
}

int sockd_listen(int fd, int backlog)
{
	int saved_errno = errno, r = kernel_listen(fd, backlog);

	reason_clear();
	if (r == 0 || !ask_is_worth_it(errno))
		return r;
	const struct wire_step step = {.kind = WIRE_STEP_LISTEN, .a = backlog};
	return finish(apply(fd, &step, errno), saved_errno, 0);
}

/* Where the broker does not help either, what the kernel kept is what the caller would have. */
static void widen_filter(int fd, int level, int name, const unsigned char *filter)
{
	const struct wire_step step = {
		.kind = WIRE_STEP_OPTION,
		.a = level,
		.b = name,
		.data = filter,
		.data_size = HCI_FILTER_SIZE,
	};
	int saved_errno = errno;

	(void)apply(fd, &step, 0);
	errno = saved_errno;
}

/*
 * Whether the kernel can read the word that has this byte. No option that says of what kind a
 * socket is can be set, but the value of each is read first. The call is the one that was made
 * anyway: a filter of the program's own may end it for any other.
 */
static bool can_read(int fd, const unsigned char *byte)
{
	const void *word = byte - (uintptr_t)byte % sizeof(int);
	int saved_errno = errno;
	bool can = kernel_setsockopt(fd, SOL_SOCKET, SO_TYPE, word, sizeof(int)) == 0 ||
		   errno != EFAULT;

	errno = saved_errno;
	return can;
}

/* Some options are refused before the kernel looks at the value. */
static bool is_value_readable(int fd, const void *value, size_t size)
{
	const unsigned char *bytes = value;

	return size == 0 || (can_read(fd, bytes) && can_read(fd, bytes + size - 1));
}

int sockd_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	int saved_errno = errno, r = kernel_setsockopt(fd, level, name, value, size);
	unsigned char filter[HCI_FILTER_SIZE];

	reason_clear();
	if (r == 0 && bluetooth_filter_was_narrowed(fd, level, name, value, size, filter))
		widen_filter(fd, level, name, filter);
	if (r == 0 || !ask_is_worth_it(errno) || (!value && size > 0))
		return r;
	const struct option_info *info = option_by_number(level, name);
	if (!info) {
		int error = errno;
		reason_set("the option is not one whose value is known to be plain data, "
			   "so the broker is not asked",
			NULL, 0);
		return finish(error, 0, -1);
	}
	const struct wire_step step = {
		.kind = WIRE_STEP_OPTION,
		.a = level,
		.b = name,
		.data = value,
		.data_size = option_size_read(info, size),
	};
	if (step.data_size > WIRE_OPTION_MAX || !is_value_readable(fd, value, step.data_size))
		return r;
	return finish(apply(fd, &step, errno), saved_errno, 0);
}
