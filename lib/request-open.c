/* Opening what a request describes: here where the kernel lets us, else by the broker. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>

#include "lib/ask.h"
#include "lib/bluetooth-control.h"
#include "lib/bluetooth.h"
#include "lib/broker.h"
#include "lib/kernel.h"
#include "lib/netlink.h"
#include "lib/reason.h"
#include "lib/request.h"
#include "lib/sockd.h"
#include "lib/span.h"
#include "proto/address.h"
#include "proto/macro.h"

static bool is_blocking(const struct sockd_request *request)
{
	return !(request->wire.type & SOCK_NONBLOCK);
}

static int apply_filter(int fd, const struct wire_step *step)
{
	const struct sock_fprog program = {
		.len = (unsigned short)(step->data_size / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)step->data,
	};
	const int on = 1;

	if (kernel_setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
		return -1;
	return kernel_setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on);
}

/* Less than was asked for is a refusal: a request gives all or nothing. */
static int set_option(int fd, const struct wire_step *step)
{
	unsigned char filter[HCI_FILTER_SIZE];

	if (kernel_setsockopt(fd, step->a, step->b, step->data, (socklen_t)step->data_size) < 0)
		return negative_errno();
	return bluetooth_filter_was_narrowed(
		       fd, step->a, step->b, step->data, step->data_size, filter)
		       ? -EPERM
		       : 0;
}

static int bind_here(int fd, const struct wire_step *step)
{
	struct sockaddr_storage storage;
	const struct sockaddr *address;

	int r = address_of_step(fd, step, &storage, &address);
	if (r < 0)
		return r;
	return kernel_bind(fd, address, (socklen_t)step->address_size) < 0 ? negative_errno() : 0;
}

/* A signal has ended the wait, and of the two families that are named here the connection too. */
static int connect_on(int fd, const struct sockaddr *address, socklen_t size)
{
	int64_t deadline = span_deadline(span_now(), span_of_socket(fd, SO_SNDTIMEO));
	int r = -EINTR;

	switch (address->sa_family) {
	case AF_UNIX:
		while (r == -EINTR && (deadline == SPAN_FOREVER || span_now() < deadline))
			r = kernel_connect(fd, address, size) < 0 ? negative_errno() : 0;
		return r == -EINTR ? -EAGAIN : r;
	case AF_VSOCK:
		r = ask_set_blocking(fd, false);
		if (r == 0 && kernel_connect(fd, address, size) < 0)
			r = errno == EINPROGRESS ? ask_wait_connected(fd) : negative_errno();
		(void)ask_set_blocking(fd, true);
		return r;
	default:
		return ask_wait_connected(fd);
	}
}

/* Returns 0 or a negative errno. */
static int connect_here(int fd, const struct wire_step *step, bool blocking)
{
	struct sockaddr_storage storage;
	const struct sockaddr *address;

	int r = address_of_step(fd, step, &storage, &address);
	if (r < 0)
		return r;
	if (kernel_connect(fd, address, (socklen_t)step->address_size) == 0)
		return 0;
	if (blocking && errno == EINTR)
		return connect_on(fd, address, (socklen_t)step->address_size);
	return !blocking && errno == EINPROGRESS ? 0 : -errno;
}

static int step_here(int fd, const struct wire_step *step, bool blocking)
{
	ssize_t r = -1;

	switch (step->kind) {
	case WIRE_STEP_OPTION:
		return set_option(fd, step);
	case WIRE_STEP_FILTER:
		r = apply_filter(fd, step);
		break;
	case WIRE_STEP_BIND:
		/* All or nothing: less than the broker could give is a refusal. */
		if (bluetooth_bind_is_lesser(fd, step->address, (socklen_t)step->address_size))
			return -EPERM;
		return bind_here(fd, step);
	case WIRE_STEP_CONNECT:
		return connect_here(fd, step, blocking);
	case WIRE_STEP_LISTEN:
		r = kernel_listen(fd, step->a);
		break;
	case WIRE_STEP_SEND:
		r = kernel_sendto(fd, step->data, step->data_size, step->a | MSG_NOSIGNAL,
			step->address_size > 0 ? step->address : NULL,
			(socklen_t)step->address_size);
		break;
	}
	return r < 0 ? negative_errno() : 0;
}

/* Such a message the kernel would refuse only in the queue, so trying it would tell nothing. */
static bool is_privileged_send(
	int fd, const struct sockd_request *request, const struct wire_step *step)
{
	int protocol;

	return step->kind == WIRE_STEP_SEND && request->wire.domain == AF_NETLINK &&
	       netlink_is_to_kernel(fd, step->address, (socklen_t)step->address_size, &protocol) &&
	       netlink_is_privileged(protocol, step->data, step->data_size) &&
	       !netlink_have_right(fd);
}

/* The rest of the steps, from one that the kernel refused, on a socket whose earlier ones must not
 * be repeated. */
static int apply_rest(int fd, struct sockd_request *request, size_t first, int kernel_error)
{
	struct ask_result result;
	int error = ask_error(ask_apply(fd, request->wire.steps + first,
				      request->wire.n_steps - first, true, &result),
		&result, kernel_error);

	if (error != 0)
		return -error;
	request->grant = result.grant;
	return result.connecting && is_blocking(request) ? ask_wait_connected(fd) : 0;
}

/*
 * Returns a descriptor or a negative errno. Sets *ret_ask where the kernel refused for want of
 * privilege and all may still be asked of the broker.
 */
static int open_here(struct sockd_request *request, bool *ret_ask)
{
	bool blocking = is_blocking(request), repeatable = true;
	_cleanup_close_ int fd =
		kernel_socket(request->wire.domain, request->wire.type, request->wire.protocol);

	if (fd < 0) {
		*ret_ask = ask_is_worth_it_for_socket(errno);
		return negative_errno();
	}
	for (size_t i = 0; i < request->wire.n_steps; i++) {
		const struct wire_step *step = &request->wire.steps[i];
		bool refused_later = is_privileged_send(fd, request, step);
		int r = refused_later ? -EPERM : step_here(fd, step, blocking);
		if (r == 0) {
			repeatable &=
				step->kind != WIRE_STEP_SEND && step->kind != WIRE_STEP_CONNECT;
			continue;
		}
		if (!ask_is_worth_it(-r))
			return r;
		/* Of files, not of rights: see sockd_bind(). */
		if (request->wire.domain == AF_UNIX &&
			(step->kind == WIRE_STEP_BIND || step->kind == WIRE_STEP_CONNECT))
			return r;
		if (repeatable) {
			*ret_ask = true;
			return r;
		}
		r = apply_rest(fd, request, i, -r);
		if (r < 0)
			return r;
		if (blocking)
			(void)ask_set_blocking(fd, true);
		break;
	}
	return TAKE_FD(fd);
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close_quietly(fds[i]);
}

/* What the broker hands over is close-on-exec, and non-blocking where it is still connecting. */
static int adjust(const struct sockd_request *request, int fd, bool connecting)
{
	if (connecting && is_blocking(request)) {
		int r = ask_wait_connected(fd);
		if (r == 0)
			r = ask_set_blocking(fd, true);
		if (r < 0)
			return r;
	}
	if (!(request->wire.type & SOCK_CLOEXEC) && fcntl(fd, F_SETFD, 0) < 0)
		return negative_errno();
	return 0;
}

/* kernel_error: what the kernel said; 0 where it was not tried. */
static int open_by_broker(struct sockd_request *request, int *fds, size_t count, int kernel_error)
{
	struct ask_result result;
	int handed[WIRE_COUNT_MAX];

	request->wire.count = (uint32_t)count;
	enum ask_outcome outcome = ask_open(&request->wire, handed, count, &result);
	if (kernel_error == 0)
		kernel_error = outcome == ASK_ABSENT ? result.error : EACCES;
	if (outcome != ASK_DONE)
		return -ask_error(outcome, &result, kernel_error);
	for (size_t i = 0; i < count; i++) {
		int r = adjust(request, handed[i], result.connecting);
		if (r < 0) {
			close_all(handed, count);
			return r;
		}
	}
	request->grant = result.grant;
	for (size_t i = 0; i < count; i++)
		fds[i] = handed[i];
	return 0;
}

static int open_many(struct sockd_request *request, int *fds, size_t count)
{
	int opened[WIRE_COUNT_MAX];

	if (request->error != 0)
		return -request->error;
	if (count == 0 || count > WIRE_COUNT_MAX)
		return -EINVAL;
	if (request->wire.netns != WIRE_NETNS_DEFAULT)
		return open_by_broker(request, fds, count, 0);
	for (size_t i = 0; i < count; i++) {
		bool may_ask = false;
		int fd = open_here(request, &may_ask);
		if (fd < 0) {
			close_all(opened, i);
			return may_ask ? open_by_broker(request, fds, count, -fd) : fd;
		}
		opened[i] = fd;
	}
	for (size_t i = 0; i < count; i++)
		fds[i] = opened[i];
	return 0;
}

int sockd_request_open_many(struct sockd_request *request, int *fds, size_t count)
{
	int saved_errno = errno;

	reason_clear();
	request->grant = 0;
	int r = open_many(request, fds, count);
	errno = r < 0 ? -r : saved_errno;
	return r < 0 ? -1 : 0;
}

int sockd_request_open(struct sockd_request *request)
{
	int fd = -1;

	return sockd_request_open_many(request, &fd, 1) < 0 ? -1 : fd;
}

int sockd_release(uint64_t grant)
{
	const struct wire_request request = {.verb = WIRE_RELEASE, .grant = grant};
	struct wire_answer answer;
	int saved_errno = errno;

	reason_clear();
	int r = broker_exchange(&request, -1, false, NULL, 0, &answer, NULL);
	if (r == 0)
		r = -answer.error;
	errno = r < 0 ? -r : saved_errno;
	return r < 0 ? -1 : 0;
}
