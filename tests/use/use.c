#include "tests/use/use.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "proto/macro.h"

#define LATE_USEC 1000000 /* patience with a machine that is busy */

int64_t use_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void use_took_the_span(const char *name, int64_t since)
{
	int64_t took = use_now() - since;

	ck_assert_msg(took >= USE_SPAN_USEC - USE_EARLY_USEC && took <= USE_SPAN_USEC + LATE_USEC,
		"%s took %d ms", name, (int)(took / 1000));
}

/* Counted by a signal's handler, and read by another thread. */
static atomic_int rings;

static void count_ring(int number _unused_)
{
	rings++;
}

void use_ring(void)
{
	const struct sigaction action = {.sa_handler = count_ring};
	const struct itimerval often = {{0, 7000}, {0, 7000}};

	rings = 0;
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}

int use_quiet(void)
{
	const struct itimerval never = {0};

	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	return rings;
}

int use_listen(int backlog, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	*ret_size = sizeof *ret_address;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret_address, ret_size), 0);
	return fd;
}

void use_tcp_pair(int ends[2])
{
	struct sockaddr_storage address;
	socklen_t size;
	_cleanup_close_ int listening = use_listen(1, &address, &size);

	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(ends[0], (struct sockaddr *)&address, size), 0);
	ends[1] = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(ends[1], 0);
}

void use_fill(int fd)
{
	static const char block[64 * 1024];

	/* What is on its way still makes room when it arrives. */
	for (bool is_full = false; !is_full; usleep(10000)) {
		is_full = true;
		for (size_t size = sizeof block; size > 0; size /= 4)
			while (send(fd, block, size, MSG_DONTWAIT) > 0)
				is_full = false;
	}
}

size_t use_count_fds(void)
{
	size_t n = 0;
	DIR *dir = opendir("/proc/self/fd");

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			n++;
	(void)closedir(dir);
	return n - 1; /* the directory itself */
}

static struct later {
	pthread_t thread;
	int msec, fd;
	void (*function)(int fd);
} later;

/* The signals are for the thread that waits. */
static void *run_later(void *data)
{
	struct later *it = data;

	usleep((useconds_t)it->msec * 1000);
	/* However late the one that waits came to it. */
	while (rings == 0)
		usleep(1000);
	it->function(it->fd);
	return NULL;
}

void use_later(int msec, void (*function)(int fd), int fd)
{
	sigset_t ring, old;

	later = (struct later){.msec = msec, .fd = fd, .function = function};
	sigemptyset(&ring);
	sigaddset(&ring, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &ring, &old);
	ck_assert_int_eq(pthread_create(&later.thread, NULL, run_later, &later), 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void use_later_done(void)
{
	ck_assert_int_eq(pthread_join(later.thread, NULL), 0);
}
