/*
 * The window: descriptor numbers that are kept for sockets whose sends concern the supervisor, so
 * that the filter can tell them by their number and every other send runs at full speed. A copy
 * that the program makes by dup(2) has another number: what is sent there goes to the kernel alone.
 *
 * Below 1024, where select(2) still works, and as high as the program's limit allows, where few
 * programs ever come. One that does loses speed there and nothing else.
 */
#ifndef SOCKD_CLIENT_RUN_WINDOW_H
#define SOCKD_CLIENT_RUN_WINDOW_H

#include <sys/resource.h>

#define WINDOW_SIZE 64
#define WINDOW_END_MAX 1024

/*
 * A number is found free first, then taken, and whatever came there in between would be lost. What
 * the program puts there on purpose (dup2) waits its turn; any other new descriptor gets the lowest
 * number, and so many of those must be free below.
 */
#define WINDOW_GAP 64

/* The first number under a limit of descriptors; -1: so few are allowed that there is none. */
static inline int window_first(rlim_t limit)
{
	rlim_t end = limit < WINDOW_END_MAX ? limit : WINDOW_END_MAX;
	rlim_t first = end / WINDOW_SIZE * WINDOW_SIZE;

	return first < 3 * WINDOW_SIZE ? -1 : (int)(first - WINDOW_SIZE);
}

#endif
