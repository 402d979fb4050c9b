/*
 * One client's connection: reads requests one at a time, hands them to request.c, sends replies.
 *
 * A reply that the client's queue has no room for is kept and nothing more is read until it is
 * gone: a client that does not read stops only itself. Kept alive by references while a request is
 * in work.
 */
#ifndef SOCKD_DAEMON_CONNECTION_H
#define SOCKD_DAEMON_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/grant.h"
#include "daemon/peer.h"
#include "proto/wire.h"

struct listener;
struct manager;

struct connection {
	struct manager *manager;
	struct listener *listener;
	struct user *user; /* a reference */
	struct peer peer;
	int fd;	      /* -1: closed, kept only for the request in work */
	int netns_fd; /* the peer's namespace, opened when first needed; -1: not yet */
	unsigned references;
	bool greeted;	   /* HELLO was said */
	bool foreign;	   /* the peer lives in another network namespace */
	bool in_work;	   /* a worker has its request; nothing is read meanwhile */
	size_t unread_fds; /* see struct user */
	sd_event_source *io, *exit;
	/* A reply that waits for room. */
	unsigned char *waiting;
	size_t waiting_size, n_waiting_fds;
	int waiting_fds[WIRE_COUNT_MAX];
	struct connection *next_of_user, *previous_of_user;
	TAILQ_ENTRY(connection) entry;
};

/* Takes an accepted descriptor; refuses it where the peer is over its limit. */
void connection_accept_take(struct listener *listener, int fd);
struct connection *connection_ref(struct connection *connection);
struct connection *connection_unref(struct connection *connection);
/* Closes it; a request in work is finished without an answer. */
void connection_close(struct connection *connection);

/* May n more descriptors be sent, or has this user too many unread already? */
bool connection_has_room(struct connection *connection, size_t n);
/*
 * Sends a reply with descriptors. They are the connection's from here on, and are closed when sent;
 * close_sleeps: not on the loop.
 */
void connection_reply_take(struct connection *connection, const struct wire_reply *reply,
	const int *fds, size_t n_fds, bool close_sleeps);
/* A worker has the request, or has given it back. */
void connection_set_in_work(struct connection *connection, bool in_work);
/* The namespace of the peer, borrowed. Returns a descriptor or a negative errno. */
int connection_netns(struct connection *connection);

#endif
