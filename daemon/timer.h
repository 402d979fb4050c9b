/*
 * Timers of the event loop.
 *
 * sd-event arms its timers when it is run, and while only clients have something to say it is not
 * run (loop.h). A timer that a client's request sets is therefore set by these functions, which the
 * loop asks whether there is something to arm. Only for the loop's thread.
 */
#ifndef SOCKD_DAEMON_TIMER_H
#define SOCKD_DAEMON_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <time.h>

/* Makes one that is not set; the caller unrefs it. It may be late by accuracy_usec, which is not 0.
 * Returns 0 or a negative errno. */
int timer_new(sd_event *event, clockid_t clock, uint64_t accuracy_usec,
	sd_event_time_handler_t handler, void *data, sd_event_source **ret);
/* Lets it go off once, at a time of its clock or a while from now. Returns 0 or a negative errno.
 */
int timer_set_at(sd_event_source *timer, uint64_t usec);
int timer_set_in(sd_event_source *timer, uint64_t usec);
int timer_stop(sd_event_source *timer);

/* Was one set since this was asked last? */
bool timer_was_set(void);

#endif
