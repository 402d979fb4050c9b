/*
 * Which numbers the families of generic netlink have at this moment. The kernel is asked once, and
 * tells of its own accord when a family comes or goes.
 *
 * All functions are for the loop's thread.
 */
#ifndef SOCKD_DAEMON_GENERIC_H
#define SOCKD_DAEMON_GENERIC_H

#include <linux/netlink.h>
#include <systemd/sd-event.h>

#include "daemon/worker.h"

/*
 * Begins to listen, and asks: this waits for the kernel, later the worker does. Returns 0 or a
 * negative errno; without this, or where it failed, no family is known.
 */
int generic_start(sd_event *event, struct worker *worker);
/* Before the worker is freed. */
void generic_stop(void);

/* Reads what the kernel has told up to now: once for each request, so that all of it is judged by
 * the same. */
void generic_update(void);
/* As generic_message_number(). */
int generic_number(const struct nlmsghdr *message);

#endif
