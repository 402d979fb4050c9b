#include "lib/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/time_types.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAITERS UINT32_C(0x80000000)

static bool owner_is_gone(uint32_t word)
{
	return syscall(SYS_tgkill, getpid(), (pid_t)(word & ~WAITERS), 0) < 0 && errno == ESRCH;
}

void lock_take(struct lock *lock)
{
	const struct __kernel_old_timespec second = {.tv_sec = 1};
	uint32_t self = (uint32_t)syscall(SYS_gettid);
	uint32_t word = 0;

	if (atomic_compare_exchange_strong(&lock->word, &word, self))
		return;
	for (;;) {
		if (word == 0) {
			/* Others may wait as well: their waker is whoever holds it next. */
			if (atomic_compare_exchange_strong(&lock->word, &word, self | WAITERS))
				return;
			continue;
		}
		if (!(word & WAITERS)) {
			if (!atomic_compare_exchange_strong(&lock->word, &word, word | WAITERS))
				continue;
			word |= WAITERS;
		}
		long r =
			syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, word, &second, NULL, 0);
		if (r < 0 && errno == ETIMEDOUT && owner_is_gone(word) &&
			atomic_compare_exchange_strong(&lock->word, &word, self | WAITERS))
			return;
		word = atomic_load(&lock->word);
	}
}

void lock_leave(struct lock *lock)
{
	if (atomic_exchange(&lock->word, 0) & WAITERS)
		syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
