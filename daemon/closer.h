/*
 * Closes descriptors in threads of its own, as the last close of a socket can sleep: a packet
 * socket's for as long as the kernel's grace period, a lingering one's for as long as a client
 * likes.
 *
 * What is closed for a user stands on that user's account until it is closed. A user has a few of
 * the threads at most, so that nobody waits for what another one left, however much that is; and
 * the loop reads nothing from a user whose account is full. (Else whoever can make sockets that are
 * slow to close, which takes no right, could send them until the process has no descriptor left.)
 *
 * All functions are for the loop's thread, unless they say otherwise. Make it after
 * privilege_drop() and privilege_fence(): the threads inherit both, and then give up what
 * capabilities there are.
 */
#ifndef SOCKD_DAEMON_CLOSER_H
#define SOCKD_DAEMON_CLOSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct closer;

/* The broker's own account, which is never full. */
#define CLOSER_OWN ((uid_t)-1)

/* An account with more is full, and has room again when half of it is left. */
#define CLOSES_PER_USER 512u

/* on_room is called on the loop when a full account has room again. */
int closer_new(sd_event *event, void (*on_room)(void *data), void *data, struct closer **ret);
/* Goes on with what it has been given, but calls nothing back. Returns NULL. */
struct closer *closer_free(struct closer *closer);
/* For a job that may outlive closer_free(): marks can be asked about until closer_unref(), which
 * returns NULL. Both from any thread. */
struct closer *closer_ref(struct closer *closer);
struct closer *closer_unref(struct closer *closer);

/* The array is copied. The descriptors are the closer's from here on, also where memory runs out
 * (they are then closed at once). */
void closer_take(struct closer *closer, uid_t uid, const int *fds, size_t n);
/* What is closed elsewhere, on the same account: so many more, or fewer. Without memory for an
 * account nothing is charged, so that nothing must be discharged. Returns whether it was. */
bool closer_charge(struct closer *closer, uid_t uid, size_t n);
void closer_discharge(struct closer *closer, uid_t uid, size_t n);
bool closer_is_full(struct closer *closer, uid_t uid);
/* Of all accounts: what is to be closed. */
size_t closer_count(struct closer *closer);

/* Have all been closed that were given before the mark was taken? Both from any thread. */
uint64_t closer_mark(struct closer *closer);
bool closer_has_closed(struct closer *closer, uint64_t mark);

#endif
