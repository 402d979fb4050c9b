/*
 * Running a program with libsockd-preload.so, without a supervisor.
 */
#ifndef SOCKD_CLIENT_RUN_PRELOAD_H
#define SOCKD_CLIENT_RUN_PRELOAD_H

#include <stdbool.h>

#include "client/run/options.h"

/* Would the library be loaded into the program of this name, as execvp(3) finds it? Otherwise
 * *ret_why says why not. */
bool preload_can(const char *name, const char **ret_why);

/* Becomes the program. Returns the exit status where that fails. */
int preload_run(const struct options *options);

#endif
