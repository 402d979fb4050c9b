#include "client/run/close-others.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/macro.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static void close_between(int first, int last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	/* Before Linux 5.9. */
	for (int fd = first; fd <= MIN_OF(last, 65536); fd++)
		(void)close(fd);
}

void close_all_but(int one, int other)
{
	int lower = MIN_OF(one, other), higher = MAX_OF(one, other);

	close_between(STDERR_FILENO + 1, lower - 1);
	close_between(lower + 1, higher - 1);
	close_between(higher + 1, INT32_MAX);
}

int open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = open("/", O_PATH | O_CLOEXEC);
	return fd < 0 ? negative_errno() : fd;
}

void put_null(int first, int last)
{
	int null = open_null();

	if (null < 0)
		return;
	for (int fd = first; fd <= last; fd++)
		(void)dup2(null, fd);
	if (null > last)
		close_quietly(null);
}
