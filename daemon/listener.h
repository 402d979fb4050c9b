/*
 * A listening socket: one for clients of a name, or the one for administrators.
 */
#ifndef SOCKD_DAEMON_LISTENER_H
#define SOCKD_DAEMON_LISTENER_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct broker;

#define LISTENER_NAME_MAX 63u

struct listener {
	struct broker *broker;
	char name[LISTENER_NAME_MAX +
		  1]; /* grants refer to it: a listener lives as long as the daemon */
	int fd;
	char *path; /* made by us, removed at the end; NULL: systemd's */
	dev_t device;
	ino_t inode; /* of the file that was made there */
	bool for_administrators;
	sd_event_source *source, *pause;
	TAILQ_ENTRY(listener) entry;
};

/* Makes the socket file: clients' ones open to everybody (the policy decides), the administrators'
 * one to the owner alone. A stale socket file is replaced; any other file is an error, and one that
 * somebody listens on (-EADDRINUSE). */
int listener_open(
	struct broker *broker, const char *name, const char *path, bool for_administrators);
/* Takes over systemd's listening socket, also on failure. */
int listener_adopt_take(struct broker *broker, const char *name, int fd, bool for_administrators);
/* Starts accepting. */
int listener_start(struct listener *listener);
struct listener *listener_free(struct listener *listener);

#endif
