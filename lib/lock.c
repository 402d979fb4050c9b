#include "lib/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/span.h"
#include "proto/macro.h"

#define WAITERS UINT32_C(0x80000000)

/* How often it is looked whether the owner lives. */
#define LOOK_USEC INT64_C(1000000)

static bool owner_is_gone(uint32_t word)
{
	return syscall(SYS_tgkill, getpid(), (pid_t)(word & ~WAITERS), 0) < 0 && errno == ESRCH;
}

static long wait_for_change(struct lock *lock, uint32_t word, int64_t usec)
{
	const struct __kernel_old_timespec span = {
		.tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000};

	return syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, word, &span, NULL, 0);
}

int lock_take(struct lock *lock, int64_t deadline)
{
	uint32_t self = (uint32_t)syscall(SYS_gettid);
	uint32_t word = 0;

	if (atomic_compare_exchange_strong(&lock->word, &word, self))
		return 0;
	for (;;) {
		if (word == 0) {
			/* Others may wait as well: their waker is whoever holds it next. */
			if (atomic_compare_exchange_strong(&lock->word, &word, self | WAITERS))
				return 0;
			continue;
		}
		if (!(word & WAITERS)) {
			if (!atomic_compare_exchange_strong(&lock->word, &word, word | WAITERS))
				continue;
			word |= WAITERS;
		}
		/* Not earlier: who was woken wakes the next only by the mark. */
		int64_t left = deadline == SPAN_FOREVER ? LOOK_USEC : deadline - span_now();
		if (left <= 0)
			return -ETIMEDOUT;
		long r = wait_for_change(lock, word, MIN_OF(left, LOOK_USEC));
		if (r < 0 && errno == ETIMEDOUT && owner_is_gone(word) &&
			atomic_compare_exchange_strong(&lock->word, &word, self | WAITERS))
			return 0;
		word = atomic_load(&lock->word);
	}
}

void lock_leave(struct lock *lock)
{
	if (atomic_exchange(&lock->word, 0) & WAITERS)
		syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
