/*
 * sockctl open --dry-run: what the broker would say.
 */
#ifndef SOCKD_CLIENT_DRY_RUN_H
#define SOCKD_CLIENT_DRY_RUN_H

#include "client/arguments.h"
#include "lib/sockd.h"

/* Asks and says it. Returns the exit status: success where it would be allowed. */
int dry_run(const struct arguments *arguments, const struct sockd_request *request);

#endif
