#include "daemon/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/log.h"
#include "proto/macro.h"

static int own_netns = -1;
static uint64_t own_cookie, own_number;

int netns_cookie_of(int fd, uint64_t *ret)
{
	uint64_t cookie;
	socklen_t size = sizeof cookie;

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return negative_errno();
	*ret = cookie;
	return 0;
}

int netns_init(void)
{
	_cleanup_close_ int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return negative_errno();
	int r = netns_cookie_of(probe, &own_cookie);
	if (r < 0)
		return r;
	own_netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own_netns < 0)
		return negative_errno();
	struct stat status;
	if (fstat(own_netns, &status) < 0)
		return negative_errno();
	own_number = status.st_ino;
	return 0;
}

uint64_t netns_own_cookie(void)
{
	return own_cookie;
}

int netns_own(void)
{
	return own_netns;
}

int netns_of_socket(int fd)
{
	int netns = ioctl(fd, SIOCGSKNS);
	if (netns < 0)
		return negative_errno();
	/* The kernel makes it close-on-exec only since 5.x; it costs nothing to be sure. */
	(void)fcntl(netns, F_SETFD, FD_CLOEXEC);
	return netns;
}

uint64_t netns_own_number(void)
{
	return own_number;
}

uint64_t netns_number(int netns_fd)
{
	struct stat status;

	if (fstat(netns_fd, &status) < 0)
		return NETNS_UNKNOWN;
	return status.st_ino == own_number ? 0 : status.st_ino;
}

uint64_t netns_number_of_socket(int fd, uint64_t cookie)
{
	static uint64_t last_cookie, last_number; /* no other namespace ever has that cookie */

	if (cookie == own_cookie)
		return 0;
	if (cookie == last_cookie)
		return last_number;
	_cleanup_close_ int netns = netns_of_socket(fd);
	uint64_t number = netns < 0 ? NETNS_UNKNOWN : netns_number(netns);
	if (number != NETNS_UNKNOWN) {
		last_cookie = cookie;
		last_number = number;
	}
	return number;
}

int netns_open_named(const char *name)
{
	char path[300];

	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	if (snprintf(path, sizeof path, "/run/netns/%s", name) >= (int)sizeof path)
		return -ENAMETOOLONG;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return negative_errno();
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return -EINVAL;
	return TAKE_FD(fd);
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? negative_errno() : fd;
}

bool netns_names_are_visible(void)
{
	_cleanup_close_ int names = open_directory("/run/netns");
	if (names != -ENOENT)
		return names >= 0;
	_cleanup_close_ int above = open_directory("/run");
	return above >= 0 || above == -ENOENT;
}

int netns_is_named(int netns_fd, const char *name)
{
	_cleanup_close_ int named = netns_open_named(name);
	struct stat one, other;

	if (named < 0)
		return named == -ENOENT ? 0 : named;
	if (fstat(netns_fd, &one) < 0 || fstat(named, &other) < 0)
		return negative_errno();
	return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int netns_are_same(const char *name, const char *other)
{
	_cleanup_close_ int fd = netns_open_named(other);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return netns_is_named(fd, name);
}

int netns_enter(int netns_fd)
{
	return setns(netns_fd, CLONE_NEWNET) < 0 ? negative_errno() : 0;
}

void netns_leave(void)
{
	if (setns(own_netns, CLONE_NEWNET) < 0) {
		log_say("cannot return to the own network namespace: %s", strerror(errno));
		abort();
	}
}
