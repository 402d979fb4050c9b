/*
 * What one user (uid) costs the broker: connections, grants, requests in work, descriptors in
 * unread replies.
 *
 * A user is kept as long as anything of it is; whoever counts something on it holds a reference.
 */
#ifndef SOCKD_DAEMON_USER_H
#define SOCKD_DAEMON_USER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct connection;
struct grant_set;
struct users;

struct user {
	uid_t uid;
	unsigned references;
	unsigned connections;
	unsigned grants;    /* sockets that count as open */
	unsigned unsettled; /* of these not watched yet, so that nothing tells whether they are */
	unsigned jobs;
	unsigned kept; /* sockets that the broker keeps for it; see keep/ */
	/* Descriptors in replies that may not have been read yet: never too low. */
	size_t unread_fds;
	struct connection *connection_list;
	/* All epoll sets of grant.c, and the same by whether they have a free place. */
	struct grant_set *grant_sets;
	TAILQ_HEAD(, grant_set) sets_with_room, full_sets;
	unsigned n_grant_sets;
	uint64_t sweep_after_usec; /* CLOCK_MONOTONIC */
	uint64_t room_after_usec;  /* the same, of connections */
	uint64_t time_usec, round; /* what it had of the loop's time in that round */
	/* Refusals and the like in this second, see audit-limit.h. */
	unsigned recorded, unrecorded;
	struct user *next_recorded;
	/* Grants that wait to be recorded, in that turn of the writer; and when the first came. */
	unsigned grants_to_record;
	uint64_t record_turn, record_usec;
	struct users *users;
	struct user *next;
};

int users_new(struct users **ret);
struct users *users_free(struct users *users); /* there must be no user left */
/* The user of this uid, made where there is none; a new reference. NULL: no memory. */
struct user *users_get(struct users *users, uid_t uid);
struct user *user_ref(struct user *user);
struct user *user_unref(struct user *user); /* returns NULL */

#endif
