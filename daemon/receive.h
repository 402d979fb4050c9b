/*
 * Accepts connections and reads requests, one at a time, from each.
 */
#ifndef SOCKD_DAEMON_RECEIVE_H
#define SOCKD_DAEMON_RECEIVE_H

struct listener;

/* Takes an accepted descriptor; refuses it where the peer is over its limit. */
void receive_accept_take(struct listener *listener, int fd);

#endif
