/*
 * The loop's time, which users have in equal parts where there is not enough of it.
 *
 * A user with many connections has a request in each, and can choose what takes long (sockets by
 * the hundred; an answer, where thousands of its epoll sets watch the connection). Who has had its
 * time waits for the next round while anybody else is there.
 */
#ifndef SOCKD_DAEMON_ROUND_H
#define SOCKD_DAEMON_ROUND_H

#include <stdbool.h>

struct broker;
struct connection;

/* The clients that are ready have their turn. Returns whether a round begins for which some have
 * waited. */
bool round_begin_turn(struct broker *broker, bool any_ready);
/* The time since the last call was this connection's. */
void round_charge(const struct connection *connection);
/* A user that is alone is left for another turn, or nobody could connect meanwhile. (Of several
 * none is: the same ones could be the first again and again.) */
bool round_is_turn_over(const struct broker *broker);
/* Is nobody else connected than its user? */
bool round_is_alone(const struct connection *connection);
/* Must its user wait for the next round? */
bool round_must_wait(const struct connection *connection);

#endif
