/* Messages with control data: received whole, with every descriptor owned by somebody, or not at
 * all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "lib/kernel.h"
#include "lib/sockd.h"
#include "lib/use/control.h"
#include "lib/use/wait.h"
#include "proto/macro.h"

#define ROOM ((size_t)16 * 1024)

/* Truncated for want of descriptors, or of room? */
static int truncation_error(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int error = copy < 0 && (errno == EMFILE || errno == ENFILE) ? errno : EMSGSIZE;

	close_quietly(copy);
	return error;
}

ssize_t sockd_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct waiting wait = waiting_to_receive(fd, flags);
	ssize_t n;

	do
		n = recvmsg(fd, message, flags | wait.flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && waiting_again(&wait));
	if (n >= 0 && message->msg_flags & MSG_CTRUNC) {
		int error = truncation_error(fd);
		control_close_fds(message);
		message->msg_controllen = 0;
		errno = error;
		return -1;
	}
	return waiting_end(&wait, n);
}

static int make_room(struct sockd_control *control)
{
	control_drop(control);
	if (control->room >= ROOM)
		return 0;
	unsigned char *data = realloc(control->data, ROOM);
	if (!data)
		return -1;
	control->data = data;
	control->room = ROOM;
	return 0;
}

ssize_t sockd_recvmsg_control(
	int fd, struct msghdr *message, struct sockd_control *control, int flags)
{
	if (make_room(control) < 0)
		return -1;
	message->msg_control = control->data;
	message->msg_controllen = control->room;
	ssize_t n = sockd_recvmsg(fd, message, flags);
	if (n >= 0) {
		control->size = message->msg_controllen;
		control->is_received = true;
	}
	message->msg_control = NULL;
	message->msg_controllen = 0;
	return n;
}

/* Can descriptors go over this socket, with so many bytes? Families that carry none say nothing. */
static int check_carrier(int fd, size_t size)
{
	int domain = kernel_socket_number(fd, SO_DOMAIN);

	if (domain < 0)
		return negative_errno();
	if (domain != AF_UNIX)
		return -EAFNOSUPPORT;
	return size == 0 && kernel_socket_number(fd, SO_TYPE) == SOCK_STREAM ? -EINVAL : 0;
}

ssize_t sockd_send_fds(
	int fd, const void *buffer, size_t size, const int *fds, size_t n_fds, int flags)
{
	struct sockd_control control = {0};
	struct iovec part = {.iov_base = (void *)buffer, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	int r = size > SSIZE_MAX ? -EINVAL : n_fds > 0 ? check_carrier(fd, size) : 0;
	if (r < 0) {
		errno = -r;
		return -1;
	}
	if (n_fds > 0 && sockd_control_add_fds(&control, fds, n_fds) < 0)
		return -1;
	(void)sockd_control_attach(&control, &message);
	ssize_t n = sockd_sendmsg(fd, &message, flags);
	cleanup_free(&control.data);
	return n;
}

/* Moves the descriptors of a message to the caller, and closes a pidfd. Where there are more than
 * max all of them are closed. */
static int take_fds(struct msghdr *message, int *fds, size_t max, size_t *ret_n)
{
	size_t n = 0;

	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head))
		if (control_is_rights(head))
			n += control_count_fds(head);
	if (n > max) {
		control_close_fds(message);
		errno = EMSGSIZE;
		return -1;
	}
	n = 0;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head))
		for (size_t i = 0; control_is_rights(head) && i < control_count_fds(head); i++) {
			fds[n++] = control_get_fd(head, i);
			control_set_fd(head, i, -1);
		}
	control_close_fds(message);
	*ret_n = n;
	return 0;
}

ssize_t sockd_recv_fds(
	int fd, void *buffer, size_t size, int *fds, size_t *n_fds, int flags, int *ret_flags)
{
	union {
		struct cmsghdr align;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * CONTROL_FDS_MAX) + 1024];
	} control;
	struct iovec part = {.iov_base = buffer, .iov_len = size};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes,
	};

	if (size > SSIZE_MAX) {
		errno = EINVAL;
		return -1;
	}
	ssize_t n = sockd_recvmsg(fd, &message, flags);
	if (n < 0 || take_fds(&message, fds, *n_fds, n_fds) < 0)
		return -1;
	if (ret_flags)
		*ret_flags = message.msg_flags;
	return n;
}
