/* A socket as a stream of stdio. Not fdopen(3): its reads and writes know no EINTR, no ETIMEDOUT
 * and no MSG_NOSIGNAL. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/sockd.h"
#include "proto/macro.h"

struct cookie {
	int fd;
};

static ssize_t read_cookie(void *cookie, char *buffer, size_t size)
{
	return sockd_recv(((struct cookie *)cookie)->fd, buffer, size, 0);
}

/* Less than size is an error to the stream. */
static ssize_t write_cookie(void *cookie, const char *buffer, size_t size)
{
	size_t sent = 0;

	(void)sockd_sendall(((struct cookie *)cookie)->fd, buffer, size, 0, &sent);
	return (ssize_t)sent;
}

static int close_cookie(void *cookie)
{
	int r = sockd_close(((struct cookie *)cookie)->fd);

	cleanup_free(&cookie);
	return r;
}

FILE *sockd_makefile(int fd, const char *mode)
{
	const cookie_io_functions_t functions = {
		.read = read_cookie,
		.write = write_cookie,
		.close = close_cookie,
	};

	if (!mode || (*mode != 'r' && *mode != 'w') ||
		(mode[1] != '\0' && strcmp(mode + 1, "b") != 0)) {
		errno = EINVAL;
		return NULL;
	}
	_cleanup_close_ int copy = sockd_fromfd(fd);
	if (copy < 0)
		return NULL;
	_cleanup_free_ struct cookie *cookie = malloc(sizeof *cookie);
	if (!cookie)
		return NULL;
	cookie->fd = copy;
	FILE *stream = fopencookie(cookie, mode, functions);
	if (stream) {
		TAKE_FD(copy);
		TAKE_PTR(cookie);
	}
	return stream;
}
