#include "bench/start.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/load.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"

#define PATH_SIZE 4096
#define OWN_PATH_SIZE 32

/* Stays open in what is exec'd. */
static int open_program(const char *directory, const char *name)
{
	char path[PATH_SIZE + 64];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
	return fd;
}

int start_open_programs(struct start_programs *ret)
{
	const char *build = getenv("SOCKD_BUILD");
	char self[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[MAX_OF(n, 0)] = '\0';
	if (!build || !*build)
		build = ".";
	struct start_programs programs = {
		.client = open_program(dirname(self), "client"),
		.run = open_program(build, "client/run/sockd-run"),
		.preload = open_program(build, "lib/.libs/libsockd-preload.so"),
	};
	if (programs.client < 0 || programs.run < 0 || programs.preload < 0) {
		start_close_programs(&programs);
		return -1;
	}
	*ret = programs;
	return 0;
}

void start_close_programs(struct start_programs *programs)
{
	close_quietly(programs->client);
	close_quietly(programs->run);
	close_quietly(programs->preload);
}

static const char *own_path(int fd, char ret[OWN_PATH_SIZE])
{
	snprintf(ret, OWN_PATH_SIZE, "/proc/self/fd/%d", fd);
	return ret;
}

/* In the child. */
static int become_client(void *data)
{
	const struct start *start = data;
	char client[OWN_PATH_SIZE], run[OWN_PATH_SIZE], preload[OWN_PATH_SIZE], memory[16];
	const char *arguments[16], **next = arguments;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	load_pin(0, start->pinned ? 0 : LOAD_ALL);
	own_path(start->programs->client, client);
	snprintf(memory, sizeof memory, "%d", start->memory);
	if (start->process != RUN_PLAIN && start->process != RUN_FILTERED) {
		*next++ = own_path(start->programs->run, run);
		*next++ = start->process == RUN_PRELOADED ? "--mode=preload" : "--mode=seccomp";
		*next++ = "--require";
		*next++ = "--socket";
		*next++ = start->socket;
		*next++ = "--";
		(void)setenv("SOCKD_PRELOAD", own_path(start->programs->preload, preload), 1);
	}
	*next++ = client;
	*next++ = start->mode;
	*next++ = memory;
	*next++ = start->first;
	*next++ = start->first ? start->second : NULL;
	*next = NULL;
	(void)execv(arguments[0], (char *const *)arguments);
	fprintf(stderr, "bench: %s: %s\n", arguments[0], strerror(errno));
	return 127;
}

pid_t start_client(const struct start *start)
{
	struct start copy = *start;
	bool may_send = start->process == RUN_SENDING || start->process == RUN_PRELOADED;
	pid_t pid = fork_as(may_send ? OTHER_UID : CLIENT_UID, become_client, &copy);

	if (pid < 0)
		fprintf(stderr, "bench: fork: %s\n", strerror(errno));
	return pid;
}

int start_wait(const pid_t *pids, size_t n, void (*idle)(void *data), void *data)
{
	bool ended[16] = {false};
	int result = 0;

	for (size_t left = n; left > 0;) {
		for (size_t i = 0; i < n; i++) {
			int status = -1;
			if (ended[i] || (pids[i] > 0 && waitpid(pids[i], &status, WNOHANG) == 0))
				continue;
			ended[i] = true;
			left--;
			if (status == 0)
				continue;
			result = -1;
			for (size_t j = 0; j < n; j++)
				if (!ended[j] && pids[j] > 0)
					(void)kill(pids[j], SIGTERM);
		}
		if (idle)
			idle(data);
		(void)usleep(20000);
	}
	return result;
}

int start_make_memory(size_t size, void *ret_memory)
{
	int fd = memfd_create("bench", 0);

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
		void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (memory != MAP_FAILED) {
			memcpy(ret_memory, &memory, sizeof memory);
			return fd;
		}
	}
	fprintf(stderr, "bench: %zu bytes of shared memory: %s\n", size, strerror(errno));
	exit(EXIT_FAILURE);
}
