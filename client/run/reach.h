/*
 * What of the program a call is about: copies of its descriptors and of its memory. Where they are
 * not to be had, or the broker is not asked, it is said why, once.
 */
#ifndef SOCKD_CLIENT_RUN_REACH_H
#define SOCKD_CLIENT_RUN_REACH_H

#include <stddef.h>
#include <stdint.h>

#include "client/run/call.h"

/* A copy of the program's descriptor, owned by the caller, or a negative errno. */
int reach_fd(const struct call *call, int number);

/* A copy of exactly size bytes of the program's memory. Returns 0 or a negative errno. */
int reach_memory(const struct call *call, uint64_t address, void *buffer, size_t size);

/* Says why the program could not be looked at. */
void reach_failed(const struct call *call, int error);

/* Says why the broker is not asked for the program, to who wants to know what is asked. */
void reach_refrained(const struct call *call, const char *why);

#endif
