/* Where the broker is and where sockets are to be opened, as the user says it. */
#ifndef SOCKD_LIB_ENVIRONMENT_H
#define SOCKD_LIB_ENVIRONMENT_H

#define ENVIRONMENT_SOCKET "SOCKD_SOCKET"
#define ENVIRONMENT_NETNS "SOCKD_NETNS"

/*
 * The value, or else the one that was kept. NULL: none, or the process has gained privilege by its
 * program file.
 */
const char *environment_get(const char *name);

/* For a program that knows nothing of these: what it clears of its environment stays good here. */
void environment_keep(void);

#endif
