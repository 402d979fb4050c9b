/*
 * What the requests and replies about kept sockets may hold. For proto/wire.c alone.
 */
#ifndef SOCKD_PROTO_WIRE_KEEP_H
#define SOCKD_PROTO_WIRE_KEEP_H

#include <stdbool.h>

#include "proto/wire.h"

/* Words for what is wrong (a static string); NULL: nothing. */
const char *wire_check_share(const struct wire_share *share);
const char *wire_check_named(enum wire_verb verb, const struct wire_named *named);

bool wire_check_stored(const struct wire_stored *stored);

#endif
