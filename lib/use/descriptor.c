/* What is true of any descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/sockd.h"

int sockd_get_inheritable(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags < 0 ? -1 : !(flags & FD_CLOEXEC);
}

int sockd_set_inheritable(int fd, int inheritable)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return -1;
	int wanted = inheritable ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
	return wanted == flags || fcntl(fd, F_SETFD, wanted) == 0 ? 0 : -1;
}

int sockd_close(int fd)
{
	int saved_errno = errno;

	if (close(fd) < 0 && errno != EINTR && errno != ECONNRESET)
		return -1;
	errno = saved_errno;
	return 0;
}
