#include "lib/use/control.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sockd.h"
#include "proto/macro.h"

/* The kernel takes less (net.core.optmem_max). */
#define DATA_MAX ((size_t)1 << 20)

size_t control_count_fds(const struct cmsghdr *head)
{
	return (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
}

int control_get_fd(const struct cmsghdr *head, size_t index)
{
	int fd;

	memcpy(&fd, CMSG_DATA(head) + index * sizeof fd, sizeof fd);
	return fd;
}

void control_set_fd(struct cmsghdr *head, size_t index, int fd)
{
	memcpy(CMSG_DATA(head) + index * sizeof fd, &fd, sizeof fd);
}

void control_close_fds(struct msghdr *message)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
		head = CMSG_NXTHDR(message, head)) {
		bool is_pidfd = head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_PIDFD;
		if (!is_pidfd && !control_is_rights(head))
			continue;
		for (size_t i = 0; i < control_count_fds(head); i++)
			close_quietly(control_get_fd(head, i));
	}
}

/* The list as a message, to be walked through. */
static struct msghdr as_message(const struct sockd_control *control)
{
	return (struct msghdr){
		.msg_control = control->size > 0 ? control->data : NULL,
		.msg_controllen = control->size,
	};
}

void control_drop(struct sockd_control *control)
{
	struct msghdr message = as_message(control);

	if (control->is_received)
		control_close_fds(&message);
	control->size = 0;
	control->is_received = false;
}

struct sockd_control *sockd_control_new(void)
{
	return calloc(1, sizeof(struct sockd_control));
}

void sockd_control_free(struct sockd_control *control)
{
	if (!control)
		return;
	control_drop(control);
	cleanup_free(&control->data);
	cleanup_free(&control);
}

/* Room for one more message of so many bytes; its header is filled in. Returns -1 with errno. */
static int append(
	struct sockd_control *control, int level, int type, size_t size, struct cmsghdr **ret)
{
	if (control->is_received) {
		errno = EBUSY;
		return -1;
	}
	if (size > DATA_MAX || control->size + CMSG_SPACE(size) > DATA_MAX) {
		errno = EINVAL;
		return -1;
	}
	size_t wanted = control->size + CMSG_SPACE(size);
	if (wanted > control->room) {
		unsigned char *data = realloc(control->data, wanted);
		if (!data)
			return -1;
		control->data = data;
		control->room = wanted;
	}
	struct cmsghdr *head = (struct cmsghdr *)(void *)(control->data + control->size);
	memset(head, 0, CMSG_SPACE(size)); /* the padding too is sent */
	head->cmsg_level = level;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(size);
	control->size = wanted;
	*ret = head;
	return 0;
}

int sockd_control_add(
	struct sockd_control *control, int level, int type, const void *data, size_t size)
{
	struct cmsghdr *head;

	if (!data && size > 0) {
		errno = EINVAL;
		return -1;
	}
	if (append(control, level, type, size, &head) < 0)
		return -1;
	if (size > 0)
		memcpy(CMSG_DATA(head), data, size);
	return 0;
}

int sockd_control_add_fds(struct sockd_control *control, const int *fds, size_t n_fds)
{
	bool is_valid = fds && n_fds > 0 && n_fds <= CONTROL_FDS_MAX;

	for (size_t i = 0; is_valid && i < n_fds; i++)
		is_valid = fds[i] >= 0;
	if (!is_valid) {
		errno = EINVAL;
		return -1;
	}
	return sockd_control_add(control, SOL_SOCKET, SCM_RIGHTS, fds, n_fds * sizeof *fds);
}

int sockd_control_add_credentials(struct sockd_control *control, pid_t pid, uid_t uid, gid_t gid)
{
	const struct ucred credentials = {.pid = pid, .uid = uid, .gid = gid};

	return sockd_control_add(
		control, SOL_SOCKET, SCM_CREDENTIALS, &credentials, sizeof credentials);
}

int sockd_control_attach(struct sockd_control *control, struct msghdr *message)
{
	if (control->is_received) {
		errno = EBUSY;
		return -1;
	}
	message->msg_control = control->size > 0 ? control->data : NULL;
	message->msg_controllen = control->size;
	return 0;
}

size_t sockd_control_count(const struct sockd_control *control)
{
	struct msghdr message = as_message(control);
	size_t n = 0;

	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head;
		head = CMSG_NXTHDR(&message, head))
		n++;
	return n;
}

int sockd_control_get(const struct sockd_control *control, size_t index, int *ret_level,
	int *ret_type, const void **ret_data, size_t *ret_size)
{
	struct msghdr message = as_message(control);
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	for (; head && index > 0; index--)
		head = CMSG_NXTHDR(&message, head);
	if (!head) {
		errno = ENOENT;
		return -1;
	}
	if (ret_level)
		*ret_level = head->cmsg_level;
	if (ret_type)
		*ret_type = head->cmsg_type;
	if (ret_data)
		*ret_data = CMSG_DATA(head);
	if (ret_size)
		*ret_size = head->cmsg_len - CMSG_LEN(0);
	return 0;
}

/* Stores in fds, where it is not NULL, and returns how many there are. */
static size_t collect_fds(const struct sockd_control *control, int *fds)
{
	struct msghdr message = as_message(control);
	size_t n = 0;

	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head;
		head = CMSG_NXTHDR(&message, head))
		for (size_t i = 0; control_is_rights(head) && i < control_count_fds(head); i++) {
			int fd = control_get_fd(head, i);
			if (fd < 0)
				continue;
			if (fds) {
				fds[n] = fd;
				control_set_fd(head, i, -1);
			}
			n++;
		}
	return n;
}

ssize_t sockd_control_take_fds(struct sockd_control *control, int *fds, size_t max)
{
	if (!control->is_received && control->size > 0) {
		errno = EBUSY;
		return -1;
	}
	size_t n = collect_fds(control, NULL);
	if (n > max) {
		errno = EMSGSIZE;
		return -1;
	}
	return n == 0 ? 0 : (ssize_t)collect_fds(control, fds);
}

int sockd_control_get_credentials(
	const struct sockd_control *control, pid_t *ret_pid, uid_t *ret_uid, gid_t *ret_gid)
{
	struct ucred credentials;
	const void *data;
	int level = 0, type = 0;
	size_t size;

	for (size_t i = 0; i < sockd_control_count(control); i++) {
		(void)sockd_control_get(control, i, &level, &type, &data, &size);
		if (level != SOL_SOCKET || type != SCM_CREDENTIALS || size != sizeof credentials)
			continue;
		memcpy(&credentials, data, sizeof credentials);
		if (ret_pid)
			*ret_pid = credentials.pid;
		if (ret_uid)
			*ret_uid = credentials.uid;
		if (ret_gid)
			*ret_gid = credentials.gid;
		return 0;
	}
	errno = ENODATA;
	return -1;
}
