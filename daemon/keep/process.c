#include "daemon/keep/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/id-map.h"
#include "proto/macro.h"

#define PIDFS_MAGIC 0x50494446

/* Paths begin with a slash, so that no file can have such a name. */
bool process_is_pidfd(int fd)
{
	char path[64], text[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, text, sizeof text - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	return strcmp(text, "anon_inode:[pidfd]") == 0 || strncmp(text, "pidfd:[", 7) == 0;
}

static bool is_alive(int pidfd)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};

	return poll(&wait, 1, 0) == 0;
}

/* In our own pid namespace; -1: it has ended, or has none here. */
static pid_t pid_of(int pidfd)
{
	char path[64], line[128];
	pid_t pid = -1;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			break;
	fclose(file);
	return pid;
}

bool process_is_same(int pidfd, int other)
{
	struct statfs system;
	struct stat one, two;

	if (fstatfs(pidfd, &system) == 0 && system.f_type == PIDFS_MAGIC)
		return fstat(pidfd, &one) == 0 && fstat(other, &two) == 0 &&
		       one.st_dev == two.st_dev && one.st_ino == two.st_ino;
	pid_t pid = pid_of(pidfd);
	/* A pid is nobody else's while its process lives. */
	return pid > 0 && pid == pid_of(other) && is_alive(pidfd) && is_alive(other);
}

int process_open_again(int pidfd)
{
	pid_t pid = pid_of(pidfd);

	if (pid <= 0)
		return -ESRCH;
	_cleanup_close_ int again = (int)syscall(SYS_pidfd_open, pid, 0);
	if (again < 0)
		return negative_errno();
	return process_is_same(again, pidfd) ? TAKE_FD(again) : -ESRCH;
}

int process_translate_id(pid_t pid, int pidfd, bool group, uint32_t id, uint32_t *ret)
{
	static struct id_map own, theirs; /* the loop's */
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, group ? "gid_map" : "uid_map");
	int r = id_map_read(path, &theirs);
	if (r >= 0)
		r = id_map_read(group ? "/proc/self/gid_map" : "/proc/self/uid_map", &own);
	if (r < 0)
		return r;
	if (!is_alive(pidfd))
		return -ESRCH;
	const struct id_extent *extent = id_map_find(&theirs, id);
	if (!extent)
		return -EINVAL;
	if (id_map_equal(&own, &theirs)) {
		/* Our own namespace: what both say is of its parent. */
		*ret = id;
		return 0;
	}
	/* Only the first id of the extent is told. The others follow it where all are of one. */
	const struct id_extent *in_own = id_map_find(&own, extent->outside);
	if (!in_own || extent->n > in_own->n - (extent->outside - in_own->first))
		return -EINVAL;
	*ret = extent->outside + (id - extent->first);
	return 0;
}
