/*
 * The life of the daemon: starts it, runs it, ends it.
 */
#ifndef SOCKD_DAEMON_MANAGER_H
#define SOCKD_DAEMON_MANAGER_H

#include "daemon/options.h"

struct broker;

/* Opens the listening sockets, reads the policy, becomes the unprivileged user. Says on standard
 * error what it cannot go on from. Returns 0 or a negative errno. */
int manager_start(const struct options *options, struct broker **ret);
/* Serves until SIGTERM or SIGINT. Returns 0 or a negative errno. */
int manager_run(struct broker *broker);
struct broker *manager_free(struct broker *broker);

#endif
