/* uring: asks for an io_uring. What one does goes round a seccomp filter: only the asking can be
 * refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

int main(void)
{
	unsigned char parameters[120] = {0}; /* struct io_uring_params */
	long fd = syscall(SYS_io_uring_setup, 4, parameters);

	if (fd < 0)
		printf("io_uring: %s\n", strerror(errno));
	else
		printf("io_uring: descriptor %ld\n", fd);
	return fd < 0 ? 1 : 0;
}
