/*
 * What the daemon holds as a whole, handed to every listener and connection.
 */
#ifndef SOCKD_DAEMON_BROKER_H
#define SOCKD_DAEMON_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/audit-limit.h"
#include "daemon/audit.h"
#include "daemon/closer.h"
#include "daemon/grant.h"
#include "daemon/options.h"
#include "daemon/outbox.h"
#include "daemon/policy/policy.h"
#include "daemon/privilege.h"
#include "daemon/user.h"
#include "daemon/worker.h"
#include "proto/wire.h"

struct connection;
struct keep;
struct keep_returned;
struct listener;
struct management;

struct broker {
	const struct options *options;
	struct account account; /* what it runs as, or is to become */
	sd_event *event;
	int loop_epoll;	    /* see loop.h */
	uint64_t turn_usec; /* CLOCK_REALTIME at the beginning of the loop's turn */
	struct policy *policy;
	struct users *users;
	struct grants *grants;
	struct closer *closer;
	struct worker *worker;
	struct worker *releaser; /* closes what clients may let hang, see release.h */
	struct worker *reloader; /* reads a policy anew, whatever clients let hang */
	struct keep *keep;
	struct keep_returned *returned; /* from the manager's store, until they are restored */
	size_t n_returned;
	struct audit *audit;
	struct audit_limit *audit_limit;
	uint64_t missing; /* capabilities that sockd was started without, though the policy needs
			     them */
	TAILQ_HEAD(listener_list, listener) listeners;
	TAILQ_HEAD(, connection) connections;
	TAILQ_HEAD(, management) managements;
	size_t n_connections, connections_max; /* with those that drain */
	TAILQ_HEAD(, connection) draining;     /* see drain.h */
	size_t n_draining;
	sd_event_source *drain_timer;
	uint64_t drain_pause_usec;
	size_t n_managements;
	bool reloading, reload_again; /* see reload.h */
	void (*reload_done)(void *data, int result, const char *errors);
	void *reload_data;
	size_t closes_max;     /* with more to be closed, nobody can connect */
	size_t unread_fds_max; /* of a user's, in replies that are not read */
	size_t unread_fds, unread_fds_max_in_all;
	struct outbox outbox;
	struct rounds {
		uint64_t number, begun_usec, turn_usec, charged_usec;
		bool awaited;
	} rounds;			       /* see round.h */
	unsigned char packet[WIRE_PACKET_MAX]; /* the one that is being read */
};

/* The limits in force: the policy's, else the built-in ones. */
unsigned broker_connections_per_user(const struct broker *broker);
unsigned broker_grants_per_user(const struct broker *broker);
unsigned broker_jobs_per_user(const struct broker *broker);
unsigned broker_kept_per_user(const struct broker *broker);

/* An event of the daemon itself for the audit trail. */
void broker_audit(struct broker *broker, enum audit_event event, int error, const char *text);
/* READY=1 and STATUS= for the service manager. */
void broker_notify_ready(const struct broker *broker);

#endif
