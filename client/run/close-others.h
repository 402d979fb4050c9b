/* For a process that goes on alone: the descriptors that it was born with are not its own. */
#ifndef SOCKD_CLIENT_RUN_CLOSE_OTHERS_H
#define SOCKD_CLIENT_RUN_CLOSE_OTHERS_H

/* Closes every descriptor but the standard ones and these two. */
void close_all_but(int one, int other);

/* What takes a number and is good for nothing else: /dev/null, or in a container without devices
 * what cannot be read or written at all. Returns it, or a negative errno. */
int open_null(void);

/* Puts such a descriptor in the place of these. */
void put_null(int first, int last);

#endif
