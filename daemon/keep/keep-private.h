/*
 * What keep.c and restore.c share. For daemon/keep/ alone.
 */
#ifndef SOCKD_DAEMON_KEEP_KEEP_PRIVATE_H
#define SOCKD_DAEMON_KEEP_KEEP_PRIVATE_H

#include <inttypes.h>

#include "daemon/keep/depot.h"
#include "daemon/keep/keep.h"

#define PAST_MAX 256u

/* A ticket that was good once, so that the audit trail can tell. */
struct past {
	struct wire_ticket ticket;
	uint64_t number;
	enum ticket_state state;
};

struct keep {
	struct users *users;
	struct closer *closer;
	struct depot *depot; /* NULL: there is no manager */
	keep_told told;
	void *data;
	TAILQ_HEAD(, kept) all;
	LIST_HEAD(, kept_socket) sockets;
	size_t n, max;
	uint64_t last_number;
	sd_event_source *timer;
	uint64_t timer_usec;
	struct guesses guesses;
	struct past past[PAST_MAX];
	size_t n_past;
};

/* Names in the manager's store. */
void keep_socket_name(const struct kept_socket *socket, char name[static DEPOT_NAME_MAX + 1]);
void keep_terms_name(uint64_t number, char name[static DEPOT_NAME_MAX + 1]);
/* A reference to the one socket with this cookie; fd is taken, and closed on this account where
 * there is one already. NULL: no memory. */
struct kept_socket *keep_socket_get_take(
	struct keep *keep, uid_t uid, const struct keep_socket_info *info, int fd);
/* A record; takes the reference to the socket and the pidfd. NULL: no memory. */
struct kept *keep_add_take(struct keep *keep, struct user *user, const struct terms *terms,
	struct kept_socket *socket, int pidfd);

#endif
