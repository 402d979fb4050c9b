/*
 * A lock that does not outlive its owner: the word is the owner's thread id, so that one whose
 * owner is gone (killed in a vfork child, or left behind by fork) is found out and taken over.
 *
 * Holders have all signals blocked, so that a handler never waits for the thread it interrupted.
 */
#ifndef SOCKD_LIB_LOCK_H
#define SOCKD_LIB_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct lock {
	_Atomic uint32_t word;
};

/* Waits until the deadline (span.h) at the most. Returns 0, or -ETIMEDOUT where it is held all the
 * time. */
int lock_take(struct lock *lock, int64_t deadline);
void lock_leave(struct lock *lock);

#endif
