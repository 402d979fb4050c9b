/*
 * Where a process keeps its connection. fork copies this table and vfork shares it, so each
 * process finds its own entry by its process id and leaves the others alone. A child that has its
 * parent's number, in a pid namespace of its own, is told by wiped.h. What a child of fork inherits
 * is closed there at once.
 *
 * A slot owns its descriptor, but only while that is still the socket it was: a program may close
 * all its descriptors and get the number again for something of its own.
 */
#ifndef SOCKD_LIB_SLOT_H
#define SOCKD_LIB_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/identity.h"
#include "lib/lock.h"

struct slot {
	_Atomic pid_t owner; /* 0: free; negative: being set up by that process */
	struct lock lock;    /* for all that follows */
	_Atomic int fd;	     /* -1: no connection */
	_Atomic uint64_t device, inode;
	struct identity identity;
	uint64_t serial; /* of the last request */
	uint32_t packet_max;
	bool own;	   /* one thread's: identity is not kept */
	uint64_t features; /* that the broker has, as it has said in its welcome */
	int limit_msec;	   /* how long sending and receiving wait, as it was set last */
};

/*
 * From here on the calling thread has a slot of its own, and so need not wait for the others. Only
 * for a thread that has all signals blocked, in a process that closes no descriptor it does not
 * know and whose threads stay who they are: none of that is looked at again.
 */
void slot_use_own(void);
bool slot_is_own(void);
/* For a process that such a thread has forked, and that has closed what it inherited: the slot is
 * empty. */
void slot_forget_own(void);

/* This process's slot, locked, with signals blocked by the caller; or the thread's own one, which
 * is always to be had. Returns 0; -ETIMEDOUT where others have it until the deadline (span.h);
 * -EAGAIN where there is none. */
int slot_take(int64_t deadline, struct slot **ret);
void slot_leave(struct slot *slot);

/* A new socket for a connection, which is the slot's at once: a child that another thread forks
 * just then must have no share in it. Returns 0 or a negative errno. */
int slot_make_socket(struct slot *slot);
/* The slot owns fd from here on. Returns 0 or a negative errno, with fd closed. */
int slot_set_fd(struct slot *slot, int fd);

/* The descriptor, or -1 where there is none or it is no longer the slot's socket. */
int slot_fd(struct slot *slot);

/* Closes the connection, if it is still there. */
void slot_close(struct slot *slot);
/* The same for all copies of it, so that the other end sees that nobody waits for an answer. */
void slot_hang_up(struct slot *slot);

#endif
