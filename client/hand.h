/*
 * What sockctl does with sockets that it got: hands them to a command, or says what they are.
 */
#ifndef SOCKD_CLIENT_HAND_H
#define SOCKD_CLIENT_HAND_H

#include <stddef.h>
#include <stdint.h>

#include "client/arguments.h"

/* Takes the sockets. Becomes the command where there is one; else prints and closes. origin: where
 * they come from, in words; NULL: the grant, or the kernel where that is 0. Returns the exit
 * status. */
int hand_sockets_take(
	const struct arguments *arguments, int *fds, size_t n, uint64_t grant, const char *origin);

#endif
