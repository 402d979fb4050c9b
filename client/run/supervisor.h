/*
 * The supervisor: receives the notified calls of the program and of all that descends from it, and
 * answers them, each in a thread that no other call has to wait for.
 */
#ifndef SOCKD_CLIENT_RUN_SUPERVISOR_H
#define SOCKD_CLIENT_RUN_SUPERVISOR_H

#include <stdbool.h>

#include "client/run/answer.h"

/*
 * Starts answering. The listener stays the caller's, and must stay open. Returns 0 or a negative
 * errno. There is no way to stop but to end the process.
 */
int supervisor_start(int listener, const struct surroundings *surroundings);

#endif
