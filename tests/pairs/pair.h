/*
 * What Python has of itself: an error that nobody handles ends the program.
 */
#ifndef SOCKD_TESTS_PAIRS_PAIR_H
#define SOCKD_TESTS_PAIRS_PAIR_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sockd.h>

static inline long must(long result)
{
	if (result < 0) {
		fprintf(stderr, "%s (%s)\n", strerror(errno), sockd_reason());
		exit(1);
	}
	return result;
}

/* The port of a socket's own address, printed for the peer. */
static inline void print_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	char text[SOCKD_ADDRESS_TEXT_MAX];

	must(getsockname(fd, (struct sockaddr *)&address, &size));
	must(sockd_address_format((struct sockaddr *)&address, size, text, sizeof text));
	printf("port %s\n", strrchr(text, ':') + 1);
	fflush(stdout);
}

#endif
