/*
 * The identity of a peer, as the kernel vouches for it at connect.
 *
 * A pid alone can be reused, so the peer's pidfd is held: once it says that the process has ended,
 * the connection is closed, before anything that a later process of the same pid could have sent is
 * read.
 */
#ifndef SOCKD_DAEMON_PEER_H
#define SOCKD_DAEMON_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/place.h"
#include "proto/transport.h"

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned */
	size_t n_groups;
	int pidfd; /* owned */
	uint64_t netns_cookie;
	struct place *place; /* a reference; NULL: not asked for yet */
	/* What the credentials of its messages say: the real ids, where SO_PEERCRED has the
	 * effective ones. */
	bool has_sender;
	uid_t sender_uid;
	gid_t sender_gid;
};

/* Reads the identity of the other end of an accepted connection. Returns 0 or a negative errno. */
int peer_read(int fd, struct peer *ret);
void peer_done(struct peer *peer);
/*
 * Where systemd keeps it: looked up when it is asked for the first time, and kept for as long as
 * the connection lasts. Returns 0 or a negative errno.
 */
int peer_place(struct peer *peer, struct policy_place *ret);

/*
 * Is this message from the process that connected, with the credentials it had then? The first
 * message sets what the later ones are compared with; its pid must be the connected one.
 */
bool peer_is_sender(struct peer *peer, const struct transport_message *message);

#endif
