#include "daemon/round.h"

#include "daemon/broker.h"
#include "daemon/clock.h"
#include "daemon/connection.h"

#define TIME_USEC 50000u   /* of one user in a round, and of all in a turn */
#define ROUND_USEC 100000u /* at most; it ends when nothing else is left to do */

/* Ticks: whose turn it is then pays for what it was not seen to do, and it costs next to nothing.
 */
static uint64_t now_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC_COARSE);
}

bool round_begin_turn(struct broker *broker, bool any_ready)
{
	struct rounds *rounds = &broker->rounds;

	rounds->turn_usec = rounds->charged_usec = now_usec();
	if (any_ready && rounds->turn_usec < rounds->begun_usec + ROUND_USEC)
		return false;
	bool awaited = rounds->awaited;
	rounds->number++;
	rounds->begun_usec = rounds->turn_usec;
	rounds->awaited = false;
	return awaited;
}

void round_charge(const struct connection *connection)
{
	struct rounds *rounds = &connection->broker->rounds;
	struct user *user = connection->user;
	uint64_t now = now_usec();

	if (now == rounds->charged_usec)
		return;
	if (user->round != rounds->number) {
		user->round = rounds->number;
		user->time_usec = 0;
	}
	user->time_usec += now - rounds->charged_usec;
	rounds->charged_usec = now;
}

bool round_is_turn_over(const struct broker *broker)
{
	return broker->rounds.charged_usec - broker->rounds.turn_usec >= TIME_USEC;
}

bool round_is_alone(const struct connection *connection)
{
	return connection->user->connections == connection->broker->n_connections;
}

bool round_must_wait(const struct connection *connection)
{
	struct broker *broker = connection->broker;
	const struct user *user = connection->user;

	if (user->round != broker->rounds.number || user->time_usec < TIME_USEC ||
		round_is_alone(connection))
		return false;
	broker->rounds.awaited = true;
	return true;
}
