#include "client/run/target.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client/run/listener.h"
#include "proto/macro.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#define PIDFD_OF_THREAD O_EXCL /* PIDFD_THREAD, from Linux 6.9 */

bool target_is_in_proc(void)
{
	char seen[16], own[16];
	ssize_t n = readlink("/proc/self", seen, sizeof seen);
	int size = snprintf(own, sizeof own, "%d", (int)getpid());

	return n == size && memcmp(seen, own, (size_t)n) == 0;
}

bool target_is_waiting(const struct target *target)
{
	uint64_t id = target->id;

	return listener_tell(target->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int target_read(const struct target *target, uint64_t address, void *buffer, size_t size)
{
	struct iovec local = {.iov_base = buffer, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};

	if (address > UINTPTR_MAX)
		return -EFAULT;
	ssize_t n = process_vm_readv(target->tid, &local, 1, &remote, 1, 0);
	if (n < 0)
		return negative_errno();
	return (size_t)n == size ? 0 : -EFAULT;
}

/* A field of /proc/TID/status. */
static int read_status(const struct target *target, const char *name, int base, uint64_t *ret)
{
	char path[64], text[4096], *end;

	snprintf(path, sizeof path, "/proc/%d/status", (int)target->tid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return negative_errno();
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n < 0)
		return negative_errno();
	text[n] = '\0';
	/* The name of the program, which is its own choice, has no line break: those are escaped.
	 */
	const char *at = strstr(text, name);
	if (!at)
		return -EINVAL;
	at += strlen(name);
	uint64_t value = strtoull(at, &end, base);
	if (end == at)
		return -EINVAL;
	*ret = value;
	return 0;
}

pid_t target_process(const struct target *target)
{
	uint64_t pid = 0;
	int r = read_status(target, "\nTgid:", 10, &pid);

	if (r < 0)
		return r;
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : -EINVAL;
}

bool target_has_capabilities(const struct target *target)
{
	uint64_t effective = 0;

	return read_status(target, "\nCapEff:", 16, &effective) < 0 || effective != 0;
}

/* Threads need not share their descriptors, and an older kernel hands out those of the process. */
static bool is_of_thread(pid_t tid, int number, int fd)
{
	char path[64], theirs[64], ours[64];

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)tid, number);
	ssize_t n = readlink(path, theirs, sizeof theirs);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return n > 0 && readlink(path, ours, sizeof ours) == n &&
	       memcmp(theirs, ours, (size_t)n) == 0;
}

static int get_fd_of_process(const struct target *target, int number)
{
	pid_t pid = target_process(target);
	if (pid < 0)
		return pid;
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return negative_errno();
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	if (fd < 0)
		return negative_errno();
	if (pid != target->tid && !is_of_thread(target->tid, number, fd))
		return -EPERM;
	return TAKE_FD(fd);
}

int target_pidfd(pid_t tid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, tid, PIDFD_OF_THREAD);

	if (pidfd < 0 && errno == EINVAL)
		pidfd = (int)syscall(SYS_pidfd_open, tid, 0);
	return pidfd < 0 ? negative_errno() : pidfd;
}

int target_get_fd(const struct target *target, int number)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, target->tid, PIDFD_OF_THREAD);

	if (pidfd < 0)
		return errno == EINVAL ? get_fd_of_process(target, number) : negative_errno();
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	return fd < 0 ? negative_errno() : fd;
}

static void mark_used(const char *entries, long size, int first, unsigned n, bool *used)
{
	const struct dirent64 *entry;

	for (long at = 0; at < size; at += entry->d_reclen) {
		entry = (const struct dirent64 *)(const void *)(entries + at);
		long number = strtol(entry->d_name, NULL, 10);
		if (isdigit((unsigned char)entry->d_name[0]) && number >= first &&
			number - first < (long)n)
			used[number - first] = true;
	}
}

int target_used_fds(const struct target *target, int first, unsigned n, bool *ret)
{
	_Alignas(struct dirent64) char entries[8192];
	char path[64];
	long size;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)target->tid);
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The place in this folder is the number, behind "." and "..". */
	if (dir < 0 || lseek(dir, first + 2, SEEK_SET) < 0)
		return negative_errno();
	memset(ret, 0, n * sizeof *ret);
	while ((size = syscall(SYS_getdents64, dir, entries, sizeof entries)) > 0)
		mark_used(entries, size, first, n, ret);
	return size < 0 ? negative_errno() : 0;
}

/* The link's text has the number, and costs less than following it. */
static int read_namespace(pid_t pid, const char *name, ino_t *ret)
{
	char path[64], text[64], *end;

	if (pid != 0)
		snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, name);
	else
		snprintf(path, sizeof path, "/proc/thread-self/ns/%s", name);
	ssize_t n = readlink(path, text, sizeof text - 1);
	if (n < 0)
		return negative_errno();
	text[n] = '\0';
	size_t length = strlen(name);
	if (strncmp(text, name, length) != 0 || strncmp(text + length, ":[", 2) != 0)
		return -EINVAL;
	*ret = (ino_t)strtoull(text + length + 2, &end, 10);
	return strcmp(end, "]") == 0 ? 0 : -EINVAL;
}

int namespaces_of(pid_t pid, struct namespaces *ret)
{
	struct namespaces namespaces;

	int r = read_namespace(pid, "net", &namespaces.network);
	if (r == 0)
		r = read_namespace(pid, "user", &namespaces.user);
	if (r == 0)
		*ret = namespaces;
	return r;
}

int namespaces_keep(pid_t pid)
{
	static const char *const names[] = {"net", "user"};
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, names[i]);
		if (open(path, O_RDONLY | O_CLOEXEC) < 0)
			return negative_errno();
	}
	return 0;
}

bool namespaces_equal(const struct namespaces *a, const struct namespaces *b)
{
	return a->network == b->network && a->user == b->user;
}

void target_name(const struct target *target, char ret[TARGET_NAME_SIZE])
{
	char path[64];
	pid_t process = target_process(target);

	strcpy(ret, "?");
	snprintf(path, sizeof path, "/proc/%d/comm", (int)(process > 0 ? process : target->tid));
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, TARGET_NAME_SIZE - 1);
	if (n <= 0)
		return;
	if (ret[n - 1] == '\n')
		n--;
	ret[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (!isprint((unsigned char)ret[i]))
			ret[i] = '?';
}
