/*
 * Grants: the record of each request that was allowed, until its sockets are really gone.
 *
 * No copy of a socket is kept. It is put into an epoll set (with no events) before the broker
 * closes its descriptor; the entry leaves the set by itself when the last copy anywhere is closed,
 * and /proc/self/fdinfo of the set tells which are left (epoll(7), proc_pid_fdinfo(5)). Nothing
 * announces that, so sets are read from time to time, when a user reaches its limit, and before
 * they are listed. Each user has sets of its own, so that one user's sockets cost no other user's
 * opens anything.
 */
#ifndef SOCKD_DAEMON_GRANT_H
#define SOCKD_DAEMON_GRANT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "daemon/place.h"
#include "daemon/policy/policy.h"
#include "daemon/user.h"

struct grants;

struct grant {
	uint64_t id;
	uint64_t time_usec;    /* CLOCK_REALTIME */
	struct rule_view rule; /* a reference */
	struct user *user;     /* a reference */
	gid_t gid;
	pid_t pid;
	struct place *place;  /* a reference; NULL: no rule asked for it */
	const char *listener; /* lives as long as the daemon */
	bool apply;
	int domain, type, protocol;
	uint64_t netns;	       /* the number of the socket's namespace, see netns.h */
	ino_t inode;	       /* of the client's own socket; 0: opened by the broker */
	unsigned count;	       /* sockets granted */
	unsigned open;	       /* of these not yet seen to be gone */
	const void *ends_with; /* NULL: with its sockets; else see grants_add_unwatched_take() */
	char steps[96];
	TAILQ_ENTRY(grant) entry;
};

int grants_new(sd_event *event, size_t sockets_max, struct grants **ret);
struct grants *grants_free(struct grants *grants);

/*
 * Is there room for n more sockets of this user? Looks for sockets that are gone where there seems
 * to be none. Returns 0; -EDQUOT the user's own limit; -ENOSPC the limit in all.
 */
int grants_reserve(struct grants *grants, struct user *user, unsigned user_max, unsigned n);

/* One socket's place in an epoll set. */
struct grant_watch {
	struct grant_set *set;
	unsigned slot;
	int epoll_fd;
	uint64_t data;
	int error; /* of grant_watch_socket(), positive */
};

/* A record to be filled in, from time_usec to inode and steps; its references are taken later.
 * NULL: no memory. Given back with free(3) where nothing takes it. */
struct grant *grant_new(struct grants *grants);
/*
 * Records a grant of n sockets and finds a place for each. Until grants_settle() they all count as
 * open. Returns 0 or a negative errno; the grant is gone then.
 */
int grants_begin_take(
	struct grants *grants, struct grant *grant, unsigned n, struct grant_watch *ret_watches);
/* Watches a socket, which stays the caller's. May be called in any thread. */
void grant_watch_socket(struct grant_watch *watch, int fd);
/* Sockets whose watch failed are given up: the grant ends without them. Returns the first error,
 * negative, or 0. */
int grants_settle(struct grants *grants, const struct grant_watch *watches, unsigned n);

/* Records a grant that is not watched (polling its socket could hang) but lasts until grants_end()
 * is called with the same ends_with. */
void grants_add_unwatched_take(
	struct grants *grants, struct grant *grant, unsigned n, const void *ends_with);
void grants_end(struct grants *grants, const void *ends_with);
/* Forgets a grant whose sockets are not watched, or are gone. */
void grants_remove(struct grants *grants, struct grant *grant);

/*
 * The grant of this user that says just what the description does, of the same socket: a program
 * that does one thing again and again (a batch of netlink messages) has one record for it. Or NULL.
 */
struct grant *grants_find_same(const struct user *user, const struct grant *description);
/* The grant of this id if it is this user's, or NULL. */
struct grant *grants_find(struct grants *grants, const struct user *user, uint64_t id);
/* Looks which sockets of this user (NULL: of all) are gone; ended grants are freed. */
void grants_sweep(struct grants *grants, struct user *user);
/* The same, after a look whether its sockets are gone (only its own sets are read). */
struct grant *grants_find_open(struct grants *grants, struct user *user, uint64_t id);
size_t grants_count(const struct grants *grants);
void grants_each(
	struct grants *grants, void (*callback)(const struct grant *grant, void *data), void *data);

#endif
