/*
 * Generic netlink: which commands take a privilege. Only the kernel knows, for each family that it
 * has at the time, and tells everybody.
 */
#ifndef SOCKD_LIB_GENERIC_H
#define SOCKD_LIB_GENERIC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does the kernel ask for a privilege, for this whole message (size bytes, of any alignment) to a
 * family? Asks it over a socket that is made and closed meanwhile. Also true where it cannot be
 * told: the family is not there, or no such socket can be had. Leaves errno in any state.
 * Thread-safe.
 */
bool generic_takes_privilege(const void *message, size_t size);

#endif
