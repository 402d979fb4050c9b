/*
 * Putting a request about kept sockets to the broker, and which errno its caller then gets.
 */
#ifndef SOCKD_LIB_KEEP_TELL_H
#define SOCKD_LIB_KEEP_TELL_H

#include <stdbool.h>

#include "lib/broker.h"

/*
 * Returns 0, or a negative errno: the broker's; where there is no broker -ECONNREFUSED, whatever
 * connecting to it failed with; -EOPNOTSUPP where it is too old.
 */
int keep_tell(struct broker_call *call, struct wire_reply *ret);

/* What is refused here already: sets the words of sockd_reason(), and returns -error. */
int keep_refuse(int error, const char *words);

/* Is it an open descriptor of a socket? Returns 0, -EBADF or -ENOTSOCK. */
int keep_check_socket(int fd);

/* The end of a call: sets errno, and -1, or leaves errno as it was at the beginning. */
int keep_finish(int result, int saved_errno);

#endif
