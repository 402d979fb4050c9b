/*
 * The sockets that the broker keeps: shared ones, for whom a ticket is open, and stored ones.
 *
 * Of each socket there is one descriptor, however often it is kept, because the manager's store
 * knows each open file once. It is put there before anybody is told that it is kept, and stays
 * there for as long as it is. Nothing that a client sent is closed on the loop.
 *
 * All functions are for the loop's thread.
 */
#ifndef SOCKD_DAEMON_KEEP_KEEP_H
#define SOCKD_DAEMON_KEEP_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/closer.h"
#include "daemon/keep/guesses.h"
#include "daemon/keep/terms.h"
#include "daemon/user.h"

#define KEPT_MAX 1024u		       /* in all */
#define KEPT_PER_USER 128u	       /* where the policy does not say */
#define KEEP_NAME_PREFIX "sockd.kept." /* of all that is in the manager's store */

struct keep;

struct kept_socket {
	int fd; /* owned */
	uint64_t cookie;
	uint64_t netns;
	int domain, type, protocol;
	unsigned references;
	bool in_depot; /* it was put into the manager's store */
	bool lost;     /* but the manager did not take it */
	LIST_ENTRY(kept_socket) entry;
};

struct kept {
	struct keep *keep;
	struct terms terms;
	struct kept_socket *socket; /* a reference */
	struct user *user;	    /* a reference */
	int pidfd;		    /* of a ticket for a process, owned; else -1 */
	bool in_depot, lost;	    /* its terms; as for the socket */
	bool open;		    /* else it is on its way to the manager, and nobody finds it */
	TAILQ_ENTRY(kept) entry;
};

/* Why a kept socket is kept no longer. */
enum kept_end {
	KEPT_TAKEN,
	KEPT_EXPIRED,
	KEPT_FORGOTTEN,
	KEPT_REPLACED,
	KEPT_FAILED, /* it never was */
};

/* Told of each that ends by itself (KEPT_EXPIRED) or is replaced, just before it does. */
typedef void (*keep_told)(void *data, const struct kept *kept, enum kept_end how);

/* max: how many sockets may be kept, where that is less than KEPT_MAX. */
int keep_new(sd_event *event, struct users *users, struct closer *closer, size_t max,
	keep_told told, void *data, struct keep **ret);
/* What is in the manager's store stays there. Returns NULL. */
struct keep *keep_free(struct keep *keep);

/* Is this one of the names under which things come back from the manager? */
bool keep_is_name(const char *name);
struct keep_returned {
	char name[32];
	int fd; /* owned */
};
/* Takes what came back, at the start. What is wrong with any of it is told with its number. */
size_t keep_restore_take(struct keep *keep, struct keep_returned *returned, size_t n,
	void (*complain)(void *data, const char *what), void *data);

/*
 * Begins to keep a socket: takes fd and pidfd (which may be -1), also where it fails. What the
 * socket is has been found out by the caller. Until kept_open() nobody finds it.
 *
 * Returns 1 where all is done (there is no manager); 0 where done will be called, with 0 or a
 * negative errno, after which it is up to done to open or end it; -EDQUOT, -ENFILE a limit;
 * -EAGAIN, -ENOMEM.
 */
struct keep_socket_info {
	int domain, type, protocol;
	uint64_t cookie;
	uint64_t netns; /* its number, see daemon/netns.h */
};
int keep_begin_take(struct keep *keep, struct user *user, unsigned user_max,
	const struct terms *terms, const struct keep_socket_info *info, int fd, int pidfd,
	void (*done)(struct kept *kept, int result, void *data), void *data, struct kept **ret);
/* Makes it found; what has the same name is replaced. */
void kept_open(struct kept *kept);
/* Ends it. */
void kept_end(struct kept *kept, enum kept_end how);

/* A ticket, be it one that was good once. */
enum ticket_state { TICKET_OPEN, TICKET_UNKNOWN, TICKET_USED, TICKET_EXPIRED };
enum ticket_state keep_find_ticket(struct keep *keep, const struct wire_ticket *ticket,
	struct kept **ret, uint64_t *ret_number);
struct kept *keep_find_name(struct keep *keep, uid_t uid, const char *name, bool common);
/* The first after this name, in the order of names; after NULL: the first of all. */
struct kept *keep_next_name(struct keep *keep, uid_t uid, const char *after, bool common);

struct guesses *keep_guesses(struct keep *keep);
void keep_each(
	struct keep *keep, void (*callback)(const struct kept *kept, void *data), void *data);
size_t keep_count(const struct keep *keep);
uint64_t keep_now_usec(void); /* CLOCK_BOOTTIME */
/* Does it come back after a restart? */
bool kept_survives(const struct kept *kept);

#endif
