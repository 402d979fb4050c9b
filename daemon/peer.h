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

/* A rule is looked for by each of them, several times for one request, on the loop. A list in which
 * some are repeated may be four times as long. */
#define PEER_GROUPS_MAX 1024u
#define PEER_TOO_MANY_GROUPS \
	"the process is in more than 1024 groups (4096 with repetitions), and sockd compares no " \
	"more with rules: take it out of some (setgroups(2), /etc/group) and connect anew"

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned; in order, each once; see peer_read_groups() */
	size_t n_groups;
	bool has_groups; /* they were read */
	int pidfd;	 /* owned */
	uint64_t netns_cookie;
	struct place *place; /* a reference; NULL: not asked for yet */
	/* None were kept, and nothing may be decided: a deny rule might speak of one of them. */
	bool too_many_groups;
	/* The pidfd may be of a later process with its number; see peer_settle(). */
	bool is_doubtful;
};

/* Reads the identity of the other end of an accepted connection. Returns 0 or a negative errno. */
int peer_read(int fd, struct peer *ret);
/*
 * And its groups, once, before anything is decided: there can be thousands, for the kernel to copy
 * for each who only connects. Returns 0; -E2BIG: there are too many, which is noted; or another
 * negative errno.
 */
int peer_read_groups(struct peer *peer, int fd);
void peer_done(struct peer *peer);
/*
 * Where systemd keeps it: looked up when it is asked for the first time, and kept for as long as
 * the connection lasts. Returns 0 or a negative errno.
 */
int peer_place(struct peer *peer, struct policy_place *ret);

/*
 * Before Linux 6.5 a pidfd is had by the number alone, which may be another process's by then: so
 * nothing is decided by it until all that may have been sent before it was opened has been read
 * from the connection. What comes later is from who has the number, and that is the pidfd's process
 * for as long as it lives.
 */
void peer_settle(struct peer *peer, int fd);

/* Is this message from the process that connected, with the credentials it had then? */
bool peer_is_sender(const struct peer *peer, const struct transport_message *message);

#endif
