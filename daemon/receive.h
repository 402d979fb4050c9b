/*
 * Accepts connections and reads requests, one at a time, from each.
 */
#ifndef SOCKD_DAEMON_RECEIVE_H
#define SOCKD_DAEMON_RECEIVE_H

struct broker;
struct listener;

/*
 * Before the first connection. All connections are in an epoll set of their own, which is one
 * source of the event loop: a turn of the loop serves every client that is ready, where the loop
 * itself would be told of all of them for each one served.
 */
int receive_start(struct broker *broker);
/* Takes an accepted descriptor; refuses it where the peer is over its limit. */
void receive_accept_take(struct listener *listener, int fd);

#endif
