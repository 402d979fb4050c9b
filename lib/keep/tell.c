#include "lib/keep/tell.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/kernel.h"
#include "lib/reason.h"
#include "lib/sockd.h"
#include "proto/macro.h"

/* These would be taken for what the broker says of tickets and names. */
static int absent(int error)
{
	switch (error) {
	case -EOPNOTSUPP:
	case -ETIMEDOUT:
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EBADF:
	case -EINVAL:
		return error;
	default:
		return -ECONNREFUSED;
	}
}

int keep_tell(struct broker_call *call, struct wire_reply *ret)
{
	int r = broker_call(call, ret);

	if (r < 0)
		return absent(r);
	return -ret->answer.error;
}

int keep_refuse(int error, const char *words)
{
	reason_set(words, NULL, 0);
	return -error;
}

int keep_check_socket(int fd)
{
	int domain;
	socklen_t size = sizeof domain;

	if (kernel_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
		return keep_refuse(errno, errno == EBADF ? "the descriptor is not open"
							 : "the descriptor is not one of a socket");
	return 0;
}

int keep_finish(int result, int saved_errno)
{
	if (result < 0) {
		if (sockd_reason()[0] == '\0')
			reason_set("the call failed", NULL, -result);
		errno = -result;
		return -1;
	}
	errno = saved_errno;
	return result;
}
