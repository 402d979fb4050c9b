/*
 * What the preload library costs a write(2) that is none of its business: one byte to /dev/null, to
 * a pipe and to a connected socket pair, by the name that the program sees and by the C library's
 * own, in turns, in one process. The least of many rounds counts. One per cent is usual; it fails
 * where it is clearly more than the few instructions that it should be, three times in a row.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define TRIES 3
#define RATIO_MAX 1.1
#define ROUNDS 400
#define WRITES 100 /* as many as a socket holds unread */

struct writer {
	ssize_t (*write)(int fd, const void *buffer, size_t size);
	ssize_t (*writev)(int fd, const struct iovec *parts, int n);
};

static int64_t now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void empty(int fd)
{
	char bytes[WRITES];

	while (fd >= 0 && read(fd, bytes, sizeof bytes) > 0)
		;
}

static int64_t measure(const struct writer *by, int fd, int reader, int vector)
{
	struct iovec part = {.iov_base = "x", .iov_len = 1};
	int64_t begun = now_nsec();

	for (int i = 0; i < WRITES; i++)
		if ((vector ? by->writev(fd, &part, 1) : by->write(fd, "x", 1)) != 1)
			return -1;
	int64_t took = now_nsec() - begun;
	empty(reader);
	return took;
}

static double ratio_of(const struct writer by[2], const char *name, int fd, int reader, int vector)
{
	int64_t least[2] = {INT64_MAX, INT64_MAX};

	for (int i = 0; i < 2 * ROUNDS; i++) {
		/* Neither is always the one that comes after the other. */
		int who = (i + i / 2) % 2;
		int64_t took = measure(&by[who], fd, reader, vector);
		if (took < 0) {
			perror(name);
			exit(1);
		}
		if (took < least[who])
			least[who] = took;
	}
	double ratio = (double)least[1] / (double)least[0];
	printf("%s to a %s: %.1f ns by the C library, %.1f ns as the program sees it, ratio %.3f\n",
		vector ? "writev" : "write", name, (double)least[0] / WRITES,
		(double)least[1] / WRITES, ratio);
	return ratio;
}

static int compare(const struct writer by[2], const char *name, int fd, int reader, int vector)
{
	for (int i = 0; i < TRIES; i++)
		if (ratio_of(by, name, fd, reader, vector) <= RATIO_MAX)
			return 0;
	printf("FAIL: more than %.2f\n", RATIO_MAX);
	return 1;
}

/* Again, with the library loaded. */
static int run_with_preload(void)
{
	const char *build = getenv("SOCKD_BUILD");
	char path[PATH_MAX], self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);

	snprintf(path, sizeof path, "%s/lib/.libs/libsockd-preload.so", build ? build : ".");
	if (access(path, R_OK) < 0 || size < 0 || getenv("LD_PRELOAD")) {
		printf("SKIP: the preload library cannot be loaded from %s\n", path);
		return 77;
	}
	self[size] = 0;
	setenv("LD_PRELOAD", path, 1);
	execl(self, self, (char *)NULL);
	perror(self);
	return 1;
}

int main(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), pipes[2], pair[2], failed = 0;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	printf("SKIP: with a sanitizer write is not the C library's\n");
	return 77;
#endif
	if (!libc || null < 0 || pipe2(pipes, O_NONBLOCK | O_CLOEXEC) < 0 ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
		perror("the files to write to");
		return 1;
	}
	const struct writer by[2] = {
		{dlsym(libc, "write"), dlsym(libc, "writev")},
		{dlsym(RTLD_DEFAULT, "write"), dlsym(RTLD_DEFAULT, "writev")},
	};
	if (by[0].write == by[1].write)
		return run_with_preload();
	for (int vector = 0; vector < 2; vector++) {
		failed |= compare(by, "null device", null, -1, vector);
		failed |= compare(by, "pipe", pipes[1], pipes[0], vector);
		failed |= compare(by, "socket", pair[1], pair[0], vector);
	}
	return failed;
}
