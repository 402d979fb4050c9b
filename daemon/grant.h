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

#include "daemon/policy/policy.h"
#include "daemon/user.h"

struct grants;

struct grant {
	uint64_t id;
	uint64_t time_usec;    /* CLOCK_REALTIME */
	struct policy *policy; /* a reference: rule points into it */
	struct rule_view rule;
	struct user *user; /* a reference */
	gid_t gid;
	pid_t pid;
	const char *listener; /* lives as long as the daemon */
	bool apply;
	int domain, type, protocol;
	unsigned count;	       /* sockets granted */
	unsigned open;	       /* of these not yet seen to be gone */
	const void *ends_with; /* NULL: with its sockets; else see grants_add() */
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

/*
 * Records a grant from this description (its id, count, open, references are set here) and watches
 * the n descriptors, which stay the caller's. A description with ends_with is not watched (polling
 * its socket could hang) but lasts until grants_end() is called with the same pointer. Returns 0 or
 * a negative errno; nothing is kept on failure.
 */
int grants_add(struct grants *grants, const struct grant *description, const int *fds, unsigned n,
	struct grant **ret);
void grants_end(struct grants *grants, const void *ends_with);
/* Forgets a grant whose sockets are not watched, or are gone. */
void grants_remove(struct grants *grants, struct grant *grant);

/* The grant of this id if it is this user's, or NULL. */
struct grant *grants_find(struct grants *grants, const struct user *user, uint64_t id);
/* Looks which sockets of this user (NULL: of all) are gone; ended grants are freed. */
void grants_sweep(struct grants *grants, struct user *user);
size_t grants_count(const struct grants *grants);
void grants_each(
	struct grants *grants, void (*callback)(const struct grant *grant, void *data), void *data);

#endif
