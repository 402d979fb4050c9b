/*
 * The three processes of a supervised run: this one, which stands for the program (follow.h); its
 * child, the supervisor, which lives as long as anything that it supervises; and the child of that,
 * the program.
 */
#ifndef SOCKD_CLIENT_RUN_LAUNCH_H
#define SOCKD_CLIENT_RUN_LAUNCH_H

#include "client/run/options.h"

/* Runs the program under a supervisor. Returns the exit status where it could not be started;
 * otherwise ends this process as the program ends. */
int launch_supervised(const struct options *options);

#endif
