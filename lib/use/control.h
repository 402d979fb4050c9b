/* Control messages as recvmsg(2) leaves them, and the descriptors in them. */
#ifndef SOCKD_LIB_USE_CONTROL_H
#define SOCKD_LIB_USE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/* SCM_MAX_FD of the kernel: the most that one message carries. */
#define CONTROL_FDS_MAX 253u

struct sockd_control {
	unsigned char *data; /* aligned for struct cmsghdr; NULL: none */
	size_t size, room;
	bool is_received; /* the descriptors in it are the list's */
};

static inline bool control_is_rights(const struct cmsghdr *head)
{
	return head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS;
}

/* The numbers that a message holds, as of descriptors. */
size_t control_count_fds(const struct cmsghdr *head);
int control_get_fd(const struct cmsghdr *head, size_t index);
void control_set_fd(struct cmsghdr *head, size_t index, int fd);

/* Closes every descriptor in the control data of a message that was received; errno is left as it
 * was. */
void control_close_fds(struct msghdr *message);

/* Empties the list: descriptors that came are closed. */
void control_drop(struct sockd_control *control);

#endif
