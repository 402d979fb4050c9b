/*
 * The event loop: one epoll set in which every client's connection is a member, and sd-event, with
 * all else that the daemon waits for, one more. A client's request so takes the shortest way, and a
 * turn serves all clients that are ready, where sd-event tells of one source at a time.
 *
 * Of what is ready in a turn, all else goes before clients: the exit of a peer should be known
 * before a request that a process with the same, reused pid could have sent.
 */
#ifndef SOCKD_DAEMON_LOOP_H
#define SOCKD_DAEMON_LOOP_H

struct broker;

/* Makes broker->event and broker->loop_epoll, to which receive.h adds the connections. Returns 0 or
 * a negative errno; manager_free() lets go of both. */
int loop_new(struct broker *broker);
/* Runs until sd_event_exit(). Returns its code or a negative errno. */
int loop_run(struct broker *broker);

#endif
