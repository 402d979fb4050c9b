#include "daemon/audit-limit.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/clock.h"
#include "daemon/timer.h"
#include "proto/macro.h"

#define SECOND_USEC 1000000u
#define SLACK_USEC 10000u
#define ROOM_USEC 10000u /* how often it is looked whether the writer has gone on */
#define ROOM_SLACK_USEC 1000u

struct audit_limit {
	struct audit *audit;
	struct users *users;
	struct user *recorded; /* in this second, which is the same for all */
	sd_event_source *timer, *room;
	bool is_awaited;
	void (*on_room)(void *data);
	void *data;
};

static void record_rest(struct audit_limit *limit, const struct user *user)
{
	const struct audit_record record = {
		.event = AUDIT_UNRECORDED,
		.time_usec = clock_usec(CLOCK_REALTIME),
		.uid = user->uid,
		.count = user->unrecorded,
		.text = "more than 1000 refusals, questions and ends of connections of one user in "
			"a second are not recorded one by one",
	};

	static_assert(AUDIT_OF_USER_MAX == 1000, "as the words have it");
	audit_push(limit->audit, &record);
}

static void end_second(struct audit_limit *limit)
{
	struct user *user;

	while ((user = limit->recorded)) {
		limit->recorded = user->next_recorded;
		if (user->unrecorded > 0)
			record_rest(limit, user);
		user->recorded = user->unrecorded = 0;
		user_unref(user);
	}
}

static int on_second(sd_event_source *timer _unused_, uint64_t usec _unused_, void *data)
{
	end_second(data);
	return 0;
}

static int on_room_time(sd_event_source *timer _unused_, uint64_t usec _unused_, void *data)
{
	struct audit_limit *limit = data;

	limit->is_awaited = false;
	limit->on_room(limit->data);
	return 0;
}

int audit_limit_new(sd_event *event, struct audit *audit, struct users *users,
	void (*on_room)(void *data), void *data, struct audit_limit **ret)
{
	struct audit_limit *limit = calloc(1, sizeof *limit);
	if (!limit)
		return -ENOMEM;
	limit->audit = audit;
	limit->users = users;
	int r = timer_new(event, CLOCK_MONOTONIC, SLACK_USEC, on_second, limit, &limit->timer);
	if (r >= 0)
		r = timer_new(
			event, CLOCK_MONOTONIC, ROOM_SLACK_USEC, on_room_time, limit, &limit->room);
	if (r < 0) {
		sd_event_source_disable_unref(limit->timer);
		free(limit);
		return r;
	}
	limit->on_room = on_room;
	limit->data = data;
	*ret = limit;
	return 0;
}

struct audit_limit *audit_limit_free(struct audit_limit *limit)
{
	if (!limit)
		return NULL;
	end_second(limit);
	sd_event_source_disable_unref(limit->timer);
	sd_event_source_disable_unref(limit->room);
	free(limit);
	return NULL;
}

void audit_limit_push(struct audit_limit *limit, const struct audit_record *record)
{
	struct user *user = users_get(limit->users, record->uid);

	if (user && user->recorded == AUDIT_OF_USER_MAX) {
		user->unrecorded++;
		user_unref(user);
		return;
	}
	audit_push(limit->audit, record);
	if (!user)
		return;
	if (user->recorded++ > 0) {
		user_unref(user);
		return;
	}
	/* The list has the reference from now on. */
	if (!limit->recorded)
		(void)timer_set_in(limit->timer, SECOND_USEC);
	user->next_recorded = limit->recorded;
	limit->recorded = user;
}

void audit_limit_push_grant(
	struct audit_limit *limit, struct user *user, const struct audit_record *record)
{
	const uint64_t turn = audit_turn(limit->audit);

	if (user->grants_to_record >= AUDIT_GRANTS_OF_USER_MAX || user->record_turn != turn)
		user->grants_to_record = 0;
	if (user->grants_to_record == 0) {
		user->record_turn = turn;
		user->record_usec = clock_usec(CLOCK_MONOTONIC_COARSE);
	}
	user->grants_to_record++;
	audit_push(limit->audit, record);
}

bool audit_limit_must_wait(struct audit_limit *limit, const struct user *user)
{
	if (user->grants_to_record < AUDIT_GRANTS_OF_USER_MAX ||
		user->record_turn != audit_turn(limit->audit) || !audit_is_written(limit->audit) ||
		clock_usec(CLOCK_MONOTONIC_COARSE) >= user->record_usec + SECOND_USEC)
		return false;
	if (!limit->is_awaited)
		limit->is_awaited = timer_set_in(limit->room, ROOM_USEC) >= 0;
	return limit->is_awaited;
}
