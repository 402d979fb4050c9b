/*
 * The program that bench runs with and without sockd-run:
 *
 *   client turns MEMORY PROCESS FLOOR   see turns.h
 *   client crowd MEMORY [FLOOR]         see crowd.h
 *
 * MEMORY is the number of an inherited descriptor.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/crowd.h"
#include "bench/turns.h"

/* For good: as sockd-run does it, but everything is allowed and nobody listens. */
static void enter_empty_filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = {.len = 1, .filter = &allow};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
		fprintf(stderr, "bench: an empty filter: %s\n", strerror(errno));
		exit(EXIT_FAILURE);
	}
}

static void *map(const char *number)
{
	int fd = (int)strtol(number, NULL, 10);
	struct stat status;

	if (fstat(fd, &status) == 0) {
		void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, fd, 0);
		if (memory != MAP_FAILED)
			return memory;
	}
	fprintf(stderr, "bench: the shared memory: %s\n", strerror(errno));
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "turns") == 0) {
		unsigned long process = strtoul(argv[3], NULL, 10);
		if (process == RUN_FILTERED)
			enter_empty_filter();
		if (process < N_RUN_PROCESSES)
			return run_take_turns(map(argv[2]), (enum run_process)process, argv[4]);
	}
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "crowd") == 0)
		return crowd_take_part(map(argv[2]), argv[3]);
	fprintf(stderr, "usage: client turns MEMORY PROCESS FLOOR | crowd MEMORY [FLOOR]; it is "
			"for bench to run\n");
	return 2;
}
