#include "daemon/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/device.h"
#include "daemon/family/family.h"
#include "daemon/netns.h"
#include "daemon/privilege.h"
#include "proto/address.h"
#include "proto/constants.h"
#include "proto/macro.h"

#if !defined(SO_RCVMARK) && !defined(__sparc__) && !defined(__hppa__)
#define SO_RCVMARK 75
#endif

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
#define SEND_FLAGS (MSG_DONTROUTE | MSG_CONFIRM | MSG_MORE | MSG_OOB | MSG_EOR)

static int set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return negative_errno();
	int wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	return wanted != flags && fcntl(fd, F_SETFL, wanted) < 0 ? negative_errno() : 0;
}

static int attach_filter(int fd, const struct wire_step *step)
{
	struct sock_fprog program = {
		.len = (unsigned short)(step->data_size / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)step->data,
	};
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) < 0)
		return negative_errno();
	return 0;
}

/* A name is the client's: with the right the kernel would load a module for one that is not there.
 */
static int find_address(int fd, const struct wire_step *step, struct sockaddr_storage *storage,
	const struct sockaddr **ret)
{
	int had = step->data_size > 0 ? privilege_lower(CAP_NET_ADMIN) : 0;

	if (had < 0)
		return had;
	int r = address_of_step(fd, step, storage, ret);
	privilege_restore(CAP_NET_ADMIN, had);
	return r;
}

static int do_bind(
	int fd, const struct plan *plan, const struct family *family, const struct wire_step *step)
{
	struct sockaddr_storage storage;
	const struct sockaddr *address;

	int r = find_address(fd, step, &storage, &address);
	if (r < 0)
		return r;
	return family->bind(
		fd, plan->type & ~TYPE_FLAGS, plan->protocol, address, step->address_size);
}

/* The loop never waits for a connection: EINPROGRESS is an answer. */
static int start_connect(int fd, const struct wire_step *step, bool blocking, bool *ret_connecting)
{
	struct sockaddr_storage storage;
	const struct sockaddr *address;

	int r = find_address(fd, step, &storage, &address);
	if (r >= 0)
		r = set_blocking(fd, false);
	if (r < 0)
		return r;
	if (connect(fd, address, (socklen_t)step->address_size) < 0) {
		if (errno != EINPROGRESS)
			return negative_errno();
		*ret_connecting = true;
		return 0;
	}
	return blocking ? set_blocking(fd, true) : 0;
}

static int send_data(int fd, int domain, const struct wire_step *step)
{
	/* Without an address the kernel judges a netlink message by the opener too (KERNEL: file
	 * credential). */
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct iovec iov = {.iov_base = (void *)step->data, .iov_len = step->data_size};
	struct msghdr message = {
		.msg_name = (void *)step->address,
		.msg_namelen = (socklen_t)step->address_size,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	if (step->address_size == 0) {
		message.msg_name = domain == AF_NETLINK ? (void *)&kernel : NULL;
		message.msg_namelen = domain == AF_NETLINK ? sizeof kernel : 0;
	}
	ssize_t n = sendmsg(fd, &message, (step->a & SEND_FLAGS) | MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return negative_errno();
	return (size_t)n == step->data_size ? 0 : -EMSGSIZE;
}

/* Does a packet only ask what everybody may? Of socket diagnosis a rule gives the privileged
 * answer.
 */
static bool only_asks(int protocol, const struct wire_step *step)
{
	const struct nlmsghdr *message = step->data;
	int64_t left = (int64_t)step->data_size;

	if (protocol == NETLINK_SOCK_DIAG)
		return false;
	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
		if (!constant_netlink_message_is_free(protocol, message->nlmsg_type))
			return false;
	return true;
}

/*
 * What a message does is done in the name of who sends it: where it has the kernel bind a port
 * (MPTCP, FOU, tunnels) a low one is not to be had by the right to send. And the kernel tells the
 * privileged more of some links.
 */
static int send_netlink(int fd, const struct plan *plan, const struct wire_step *step)
{
	int had_ports = privilege_lower(CAP_NET_BIND_SERVICE);
	int had_admin = had_ports >= 0 && only_asks(plan->protocol, step)
				? privilege_lower(CAP_NET_ADMIN)
				: 0;
	int r = MIN_OF(had_ports, had_admin);

	if (r >= 0)
		r = send_data(fd, plan->domain, step);
	privilege_restore(CAP_NET_ADMIN, had_admin);
	privilege_restore(CAP_NET_BIND_SERVICE, had_ports);
	return r;
}

static int bind_device(int fd, const void *name, size_t size, struct outcome *outcome)
{
	char own[IFNAMSIZ];

	int r = device_bind(fd, name, size, own);
	if (own[0] == '\0')
		return r;
	outcome->denied = true;
	snprintf(outcome->why, sizeof outcome->why,
		"%.*s is another name of interface %s, and rules are about an interface's own name",
		(int)MIN_OF(size, IFNAMSIZ - 1u), (const char *)name, own);
	return r;
}

static int set_plainly(int fd, const struct wire_step *step)
{
	return setsockopt(fd, step->a, step->b, step->data, (socklen_t)step->data_size) < 0
		       ? negative_errno()
		       : 0;
}

/* Everybody's today, so that no rule need say them; kernels before Linux 6.5 ask for a right. */
static bool was_privileged(const struct wire_step *step)
{
#ifdef SO_RCVMARK
	if (step->a == SOL_SOCKET && step->b == SO_RCVMARK)
		return true;
#endif
	return step->a == SOL_SOCKET && step->b == SO_BUSY_POLL;
}

static int set_without_rights(int fd, const struct wire_step *step)
{
	int had_admin = privilege_lower(CAP_NET_ADMIN);
	int had_raw = had_admin < 0 ? had_admin : privilege_lower(CAP_NET_RAW);
	int r = had_raw < 0 ? had_raw : set_plainly(fd, step);

	privilege_restore(CAP_NET_RAW, had_raw);
	privilege_restore(CAP_NET_ADMIN, had_admin);
	return r;
}

static int set_option(int fd, const struct wire_step *step, struct outcome *outcome)
{
	if (step->a == SOL_SOCKET && step->b == SO_BINDTODEVICE)
		return bind_device(fd, step->data, step->data_size, outcome);
	return was_privileged(step) ? set_without_rights(fd, step) : set_plainly(fd, step);
}

static int do_step(int fd, const struct plan *plan, const struct family *family,
	const struct wire_step *step, struct outcome *outcome)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		return set_option(fd, step, outcome);
	case WIRE_STEP_FILTER:
		return attach_filter(fd, step);
	case WIRE_STEP_BIND:
		return do_bind(fd, plan, family, step);
	case WIRE_STEP_CONNECT:
		return start_connect(fd, step, !(plan->type & SOCK_NONBLOCK), &outcome->connecting);
	case WIRE_STEP_LISTEN:
		return listen(fd, step->a) < 0 ? negative_errno() : 0;
	case WIRE_STEP_SEND:
		if (plan->devices && !family->socket_within(fd, plan->devices))
			return -EXDEV;
		return plan->domain == AF_NETLINK ? send_netlink(fd, plan, step)
						  : send_data(fd, plan->domain, step);
	}
	return -EINVAL;
}

static int confine(
	int fd, const struct plan *plan, const struct family *family, struct outcome *outcome)
{
	const struct confine_request request = {
		.rule = plan->limits,
		.type = plan->type & ~TYPE_FLAGS,
		.protocol = plan->protocol,
		.steps = plan->steps,
		.n_steps = plan->n_steps,
	};
	int r = family->confine(fd, &request, &outcome->step, outcome->why, sizeof outcome->why);

	outcome->denied = r == -EPERM;
	return r;
}

static int do_steps(
	int fd, const struct plan *plan, const struct family *family, struct outcome *outcome)
{
	int *ret_step = &outcome->step;
	bool bound = false;
	int r;

	*ret_step = -1;
	if (plan->has_mark &&
		setsockopt(fd, SOL_SOCKET, SO_MARK, &plan->mark, sizeof plan->mark) < 0)
		return negative_errno();
	if (plan->limits) {
		r = confine(fd, plan, family, outcome);
		if (r < 0)
			return r;
		*ret_step = -1;
	}
	if (plan->device) {
		r = bind_device(fd, plan->device, strlen(plan->device), outcome);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < plan->n_steps; i++) {
		*ret_step = (int)i;
		bound = bound || plan->steps[i].kind == WIRE_STEP_BIND;
		r = do_step(fd, plan, family, &plan->steps[i], outcome);
		if (r < 0)
			return r;
	}
	*ret_step = -1;
	if (plan->fd >= 0 || bound)
		return 0;
	return family->bind(fd, plan->type & ~TYPE_FLAGS, plan->protocol, NULL, 0);
}

/* Opens all sockets while in the right namespace and under the right fsuid, then comes back. */
static int open_all(const struct plan *plan, const struct family *family, struct outcome *ret)
{
	int r = 0;

	if (plan->netns_fd >= 0) {
		r = netns_enter(plan->netns_fd);
		if (r < 0)
			return r;
	}
	uid_t own = plan->has_owner ? (uid_t)setfsuid(plan->owner) : 0;
	/* setfsuid(2) reports no error; asking again tells. */
	if (plan->has_owner && (uid_t)setfsuid((uid_t)-1) != plan->owner)
		r = -EPERM;
	while (r >= 0 && ret->n_fds < plan->count) {
		r = family->open(plan->domain, plan->type & ~TYPE_FLAGS, plan->protocol);
		if (r >= 0)
			ret->fds[ret->n_fds++] = r;
	}
	if (plan->has_owner)
		(void)setfsuid(own);
	if (plan->netns_fd >= 0)
		netns_leave();
	return r < 0 ? r : 0;
}

void execute(const struct plan *plan, struct outcome *ret)
{
	const struct family *family = family_get(plan->domain);
	int r;

	ret->error = 0;
	ret->step = -1;
	ret->elsewhere = false;
	ret->connecting = false;
	ret->denied = false;
	ret->n_fds = 0;
	ret->n_failed_fds = 0;
	if (plan->fd >= 0) {
		r = do_steps(plan->fd, plan, family, ret);
		ret->elsewhere = r == -EXDEV && plan->devices;
		ret->error = r < 0 ? -r : 0;
		return;
	}
	r = open_all(plan, family, ret);
	for (size_t i = 0; r >= 0 && i < ret->n_fds; i++) {
		if (plan->type & SOCK_NONBLOCK)
			r = set_blocking(ret->fds[i], false);
		if (r >= 0)
			r = do_steps(ret->fds[i], plan, family, ret);
	}
	if (r < 0) {
		ret->error = -r;
		ret->n_failed_fds = ret->n_fds;
		ret->n_fds = 0;
	}
}
