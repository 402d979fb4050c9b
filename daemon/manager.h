/*
 * What the daemon holds as a whole, handed to every listener and connection.
 */
#ifndef SOCKD_DAEMON_MANAGER_H
#define SOCKD_DAEMON_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/audit.h"
#include "daemon/grant.h"
#include "daemon/options.h"
#include "daemon/policy/policy.h"
#include "daemon/user.h"
#include "daemon/worker.h"
#include "proto/wire.h"

struct connection;
struct listener;
struct management;

struct manager {
	const struct options *options;
	sd_event *event;
	struct policy *policy;
	struct users *users;
	struct grants *grants;
	struct worker *worker;
	struct audit *audit;
	uint64_t missing; /* capabilities that sockd was started without, though the policy needs
			     them */
	TAILQ_HEAD(listener_list, listener) listeners;
	TAILQ_HEAD(, connection) connections;
	TAILQ_HEAD(, management) managements;
	size_t n_connections, connections_max;
	size_t n_managements;
	size_t unread_fds_max;		       /* per user */
	unsigned char packet[WIRE_PACKET_MAX]; /* the one that is being read */
};

/* Opens the listening sockets, reads the policy, becomes the unprivileged user. Says on standard
 * error what it cannot go on from. Returns 0 or a negative errno. */
int manager_start(const struct options *options, struct manager **ret);
/* Serves until SIGTERM or SIGINT. Returns 0 or a negative errno. */
int manager_run(struct manager *manager);
struct manager *manager_free(struct manager *manager);

/*
 * Reads the policy anew; the old one stays in force where there is any error. Errors in words, a
 * line each, go to errors. Returns 0; -EINVAL: errors in the policy; -EPERM: it needs a capability
 * that was given up at start.
 */
int manager_reload(struct manager *manager, FILE *errors);

/* The limits in force: the policy's, else the built-in ones. */
unsigned manager_connections_per_user(const struct manager *manager);
unsigned manager_grants_per_user(const struct manager *manager);
unsigned manager_jobs_per_user(const struct manager *manager);

#endif
