/*
 * Whether a program started here can be supervised, found out by trying.
 */
#ifndef SOCKD_CLIENT_RUN_PROBE_H
#define SOCKD_CLIENT_RUN_PROBE_H

#include <stdbool.h>

/*
 * Tries each kind of call in a process of its own. Returns 0; -EACCES where a filter that was there
 * before answers some of them first; -ESRCH where /proc does not show the program; -ENOSYS where a
 * call that a supervisor needs is not there or barred, and another negative errno, where there can
 * be no supervisor at all. *ret_blind: a process may not be looked into, so that calls with
 * arguments in its memory or on its sockets cannot be answered.
 */
int probe_supervision(bool *ret_blind);

#endif
