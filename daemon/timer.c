#include "daemon/timer.h"

#include "daemon/clock.h"

static bool was_set;

int timer_new(sd_event *event, clockid_t clock, uint64_t accuracy_usec,
	sd_event_time_handler_t handler, void *data, sd_event_source **ret)
{
	sd_event_source *timer;

	int r = sd_event_add_time(event, &timer, clock, UINT64_MAX, accuracy_usec, handler, data);
	if (r < 0)
		return r;
	r = timer_stop(timer);
	if (r < 0) {
		sd_event_source_disable_unref(timer);
		return r;
	}
	*ret = timer;
	return 0;
}

int timer_set_at(sd_event_source *timer, uint64_t usec)
{
	int r = sd_event_source_set_time(timer, usec);
	if (r >= 0)
		r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	was_set = true;
	return r < 0 ? r : 0;
}

/* sd-event's own "now" is the time of its last turn, which may be long ago. */
int timer_set_in(sd_event_source *timer, uint64_t usec)
{
	clockid_t clock;

	int r = sd_event_source_get_time_clock(timer, &clock);
	return r < 0 ? r : timer_set_at(timer, clock_usec(clock) + usec);
}

int timer_stop(sd_event_source *timer)
{
	int r = sd_event_source_set_enabled(timer, SD_EVENT_OFF);
	return r < 0 ? r : 0;
}

bool timer_was_set(void)
{
	bool result = was_set;

	was_set = false;
	return result;
}
