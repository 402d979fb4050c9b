#include "daemon/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/macro.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* To read the 65536 that there may be takes the kernel some milliseconds. */
#define GROUPS_READ_MAX (4 * PEER_GROUPS_MAX)

static int compare_groups(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

/* The kernel keeps them in order; only a user namespace of the broker's own can change it. */
static void sort(gid_t *groups, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (groups[i - 1] > groups[i]) {
			qsort(groups, n, sizeof *groups, compare_groups);
			return;
		}
}

/* Returns how many are left. */
static size_t drop_duplicates(gid_t *groups, size_t n)
{
	size_t used = MIN_OF(n, (size_t)1);

	for (size_t i = 1; i < n; i++)
		if (groups[i] != groups[used - 1])
			groups[used++] = groups[i];
	return used;
}

/* Returns 0, -E2BIG where there are too many, or another negative errno. */
static int read_groups(int fd, gid_t **ret, size_t *ret_n)
{
	gid_t few[64];
	socklen_t size = sizeof few;
	_cleanup_free_ gid_t *groups = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &size) == 0) {
		if (size == 0) {
			*ret = NULL;
			*ret_n = 0;
			return 0;
		}
		groups = malloc(size);
		if (!groups)
			return -ENOMEM;
		memcpy(groups, few, size);
	} else {
		if (errno != ERANGE)
			return negative_errno();
		if (size > GROUPS_READ_MAX * sizeof *groups)
			return -E2BIG;
		groups = malloc(size);
		if (!groups)
			return -ENOMEM;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
			return negative_errno();
	}
	size_t n = size / sizeof *groups;
	sort(groups, n);
	size_t n_left = drop_duplicates(groups, n);
	if (n_left > PEER_GROUPS_MAX)
		return -E2BIG;
	if (n_left < n) {
		gid_t *smaller = realloc(groups, n_left * sizeof *groups);
		if (!smaller)
			return -ENOMEM;
		groups = smaller;
	}
	*ret = TAKE_PTR(groups);
	*ret_n = n_left;
	return 0;
}

static int read_pidfd(int fd, pid_t pid, int *ret, bool *ret_by_number)
{
	int pidfd;
	socklen_t size = sizeof pidfd;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
		*ret = pidfd;
		*ret_by_number = false;
		return 0;
	}
	if (errno != ENOPROTOOPT)
		return negative_errno();
	/* Before Linux 6.5. */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return negative_errno();
	*ret = pidfd;
	*ret_by_number = true;
	return 0;
}

int peer_read(int fd, struct peer *ret)
{
	struct ucred credentials;
	socklen_t size = sizeof credentials;
	uint64_t cookie;
	bool by_number;
	int pidfd, r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return negative_errno();
	/* A process outside the broker's pid namespace cannot be told from another one. */
	if (credentials.pid <= 0)
		return -ESRCH;
	size = sizeof cookie;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return negative_errno();
	r = read_pidfd(fd, credentials.pid, &pidfd, &by_number);
	if (r < 0)
		return r;
	*ret = (struct peer){
		.pid = credentials.pid,
		.uid = credentials.uid,
		.gid = credentials.gid,
		.pidfd = pidfd,
		.netns_cookie = cookie,
		.is_doubtful = by_number,
	};
	return 0;
}

int peer_read_groups(struct peer *peer, int fd)
{
	if (peer->has_groups)
		return 0;
	int r = read_groups(fd, &peer->groups, &peer->n_groups);
	peer->too_many_groups = r == -E2BIG;
	peer->has_groups = r >= 0 || peer->too_many_groups;
	return r;
}

void peer_done(struct peer *peer)
{
	free(peer->groups);
	peer->groups = NULL;
	close_quietly(TAKE_FD(peer->pidfd));
	peer->place = place_unref(peer->place);
}

void peer_settle(struct peer *peer, int fd)
{
	char byte;

	if (peer->is_doubtful && recv(fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) < 0 &&
		errno == EAGAIN)
		peer->is_doubtful = false;
}

int peer_place(struct peer *peer, struct policy_place *ret)
{
	if (peer->is_doubtful)
		return -ESRCH;
	if (!peer->place) {
		int r = place_read(peer->pid, peer->pidfd, &peer->place);
		if (r < 0)
			return r;
	}
	*ret = peer->place->names;
	return 0;
}

/* The effective ids of a process, which its directory belongs to whatever it forbids others to see.
 * (Its status tells them too, but is made with all its groups: 6 ms for the 65536 that there may
 * be.) */
static bool effective_ids(pid_t pid, uid_t *ret_uid, gid_t *ret_gid)
{
	char path[64];
	struct stat status;

	snprintf(path, sizeof path, "/proc/%d", pid);
	if (stat(path, &status) < 0)
		return false;
	*ret_uid = status.st_uid;
	*ret_gid = status.st_gid;
	return true;
}

/*
 * A message carries the real ids, SO_PEERCRED the effective ones. Where they differ, either the
 * process is such a one (it runs a setuid program), or it has changed since it connected: that it
 * was such a one before says nothing, as it gives up its rights without a change of the real ids.
 */
static bool is_still_itself(const struct peer *peer, const struct transport_message *message)
{
	uid_t uid;
	gid_t gid;

	if (message->uid == peer->uid && message->gid == peer->gid)
		return true;
	return effective_ids(peer->pid, &uid, &gid) && uid == peer->uid && gid == peer->gid;
}

bool peer_is_sender(const struct peer *peer, const struct transport_message *message)
{
	return message->has_credentials && message->pid == peer->pid &&
	       is_still_itself(peer, message);
}
