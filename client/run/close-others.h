/* For a process that goes on alone: the descriptors that it was born with are not its own. */
#ifndef SOCKD_CLIENT_RUN_CLOSE_OTHERS_H
#define SOCKD_CLIENT_RUN_CLOSE_OTHERS_H

/* Closes every descriptor but the standard ones and these two. */
void close_all_but(int one, int other);

/* Puts /dev/null in the place of these. */
void put_null(int first, int last);

#endif
