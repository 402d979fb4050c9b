/*
 * One client's connection: who it is, and the replies to it.
 *
 * A reply that the client's queue has no room for is kept and nothing more is read until it is
 * gone: a client that does not read stops only itself. Kept alive by references while a request is
 * in work.
 */
#ifndef SOCKD_DAEMON_CONNECTION_H
#define SOCKD_DAEMON_CONNECTION_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/grant.h"
#include "daemon/peer.h"
#include "proto/wire.h"

#define CACHE_LINE 64

struct listener;
struct broker;

struct connection {
	/* What each request looks at, in two lines of the processor's cache: with many clients
	 * neither is there when its turn comes. */
	alignas(CACHE_LINE) struct peer peer;
	struct user *user; /* a reference */
	struct broker *broker;
	struct listener *listener;
	int fd; /* -1: closed, kept only for the request in work, or while it drains */
	unsigned references;
	bool greeted;  /* HELLO was said */
	bool may_ask;  /* and with WIRE_FEATURE_ASK */
	bool may_keep; /* and with WIRE_FEATURE_KEEP */
	bool foreign;  /* the peer lives in another network namespace */
	bool in_work;  /* a worker has its request; nothing is read meanwhile */
	bool stalled;  /* the user has too much in work, to be closed or to be recorded, or had of
			  the  loop's time; nothing is read meanwhile */
	/* For another request at once; see receive.c: the turns left, and what they were at first.
	 */
	uint8_t turns_without_look, look_pause;
	unsigned char *waiting; /* a reply that waits for room; NULL: none */
	size_t unread_fds;	/* see struct user */
	/* And what few do. */
	uint64_t netns;	 /* the number of the peer's namespace, see netns.h */
	int netns_fd;	 /* the peer's namespace, opened when first needed; -1: not yet */
	int draining_fd; /* see drain.h; -1: does not drain */
	bool drained;	 /* all that the client had sent was read */
	sd_event_source *exit;
	size_t waiting_size, n_waiting_fds;
	int waiting_fds[WIRE_COUNT_MAX];
	struct connection *next_of_user, *previous_of_user;
	TAILQ_ENTRY(connection) entry;
};

struct connection *connection_ref(struct connection *connection);
struct connection *connection_unref(struct connection *connection);

/* What it waits for next, after any change of waiting, in_work or stalled. */
int connection_set_events(struct connection *connection);
/* Something about a peer that is no request, for the audit trail. NULL: who it is is not known. */
void connection_audit(
	struct listener *listener, const struct peer *peer, int error, const char *text);

/* Counts again: nothing is unread where its queue is empty. */
bool connection_has_unread(struct connection *connection);
/* So many were sent. */
void connection_count_unread(struct connection *connection, size_t n);
/* No longer one of its user's, nor are its unread descriptors. */
void connection_unlink(struct connection *connection);
/* May n more descriptors be sent, or has this user too many unread already? */
bool connection_has_room(struct connection *connection, size_t n);

/*
 * A worker has a request of this connection: nothing is read from it meanwhile; and nothing from
 * any connection of a user that has as many in work as it may have.
 */
void connection_work_begun(struct connection *connection);
void connection_work_ended(struct connection *connection);
/* The same for work that is no request of the connection, which is read meanwhile. */
void connection_job_begun(struct connection *connection);
void connection_job_ended(struct connection *connection);
/* The namespace of the peer, borrowed. Returns a descriptor or a negative errno. */
int connection_netns(struct connection *connection);

#endif
