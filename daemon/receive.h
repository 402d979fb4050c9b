/*
 * Accepts connections and reads requests, one at a time, from each.
 */
#ifndef SOCKD_DAEMON_RECEIVE_H
#define SOCKD_DAEMON_RECEIVE_H

struct broker;
struct epoll_event;
struct listener;

/*
 * Serves the connections that epoll_wait(2) named for broker->loop_epoll; data.ptr is the
 * connection, NULL for what is none. A request ends its own connection, or one that was served
 * before it in this call, and no other, so that all of them stay valid; while anything else is done
 * between the two, they must be held.
 */
void receive_ready(struct broker *broker, const struct epoll_event *ready, int n);
void receive_hold(const struct epoll_event *ready, int n);
void receive_release(const struct epoll_event *ready, int n);
/* Reads again from those whose users' accounts were full (closer.h). */
void receive_resume(struct broker *broker);
/* Takes an accepted descriptor; refuses it where the peer is over its limit. */
void receive_accept_take(struct listener *listener, int fd);

#endif
