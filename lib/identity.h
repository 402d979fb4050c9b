/*
 * What the broker knows a connection by, as the calling thread has it now. A connection made
 * under another identity is not used: a thread that has changed its credentials or moved to another
 * namespace must never be given a socket of its old self.
 */
#ifndef SOCKD_LIB_IDENTITY_H
#define SOCKD_LIB_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
	uid_t uid[3];
	gid_t gid[3];
	uint64_t groups;  /* a hash */
	uint64_t network; /* the network namespace */
	uint64_t user;	  /* the user namespace */
};

void identity_read(struct identity *ret);
bool identity_equal(const struct identity *a, const struct identity *b);

#endif
