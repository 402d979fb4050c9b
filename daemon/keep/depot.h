/*
 * The service manager's descriptor store (FDSTORE=1, see sd_notify(3)): what is in it comes back
 * after a restart of the broker, also after one that it did not ask for.
 *
 * It is done one after the other, by a thread: the manager may be slow to read. What is of one name
 * is done in the order in which it was asked for, and what is taken away otherwise before what is
 * put there.
 *
 * The manager does this beside all else that it does, and each thing that is taken away may cost it
 * a process: so it is asked how long it takes, and at most a quarter of its time is made use of,
 * but for bursts; what is to be put there waits for that.
 *
 * All functions are for the loop's thread.
 */
#ifndef SOCKD_DAEMON_KEEP_DEPOT_H
#define SOCKD_DAEMON_KEEP_DEPOT_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "daemon/closer.h"

#define DEPOT_NAME_MAX 31u /* all names together come back in one variable of 128 KiB at most */
#define DEPOT_FDS_MAX 2u   /* under one name in one go */
#define DEPOT_WAITING_MAX 1024u

struct depot;

/* How many descriptors the manager takes; 0: there is no manager, or none that keeps any. */
size_t depot_room(void);

/* The closer closes what the depot's own copies were; it must outlive the depot. */
int depot_new(sd_event *event, struct closer *closer, struct depot **ret);
/* What was not begun is not done. Returns NULL. */
struct depot *depot_free(struct depot *depot);

/*
 * Puts copies of the descriptors there, once depot_work() is called. done, where given, is called
 * on the loop with 0 or a negative errno, also when the depot is freed (-ECANCELED). Once it was
 * called with 0 they are the manager's, whatever becomes of the broker; only one that has not
 * answered for 5 s may still have to read of them. Returns 0, or a negative errno where nothing was
 * begun.
 */
int depot_put(struct depot *depot, const char *name, const int *fds, size_t n,
	void (*done)(void *data, int result), void *data);
/* Begins with what was put since: the manager is asked once whether it has read all that. */
void depot_work(struct depot *depot);
/* Takes away what is there of this name. NULL is no depot. */
void depot_remove(struct depot *depot, const char *name);

#endif
