#include "lib/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/kernel.h"
#include "lib/span.h"
#include "lib/wiped.h"
#include "proto/macro.h"

#define N_SLOTS 8
#define FD_HIGH 512
#define FD_MIDDLE 64
#define FD_LEAST 3

/* How often another thread of this process is waited for while it sets a slot up. */
#define PATIENCE 10000
/* And how long one that forks, or makes a socket. */
#define PATIENCE_USEC INT64_C(100000)

static struct slot slots[N_SLOTS];
static _Thread_local struct slot own_slot;

/*
 * Held while a socket is made, until its slot knows it, and over fork, which copies the descriptors
 * first and then this memory: what a child has, it is told of. Over fork run the handlers of
 * others, too. They may wait for whoever waits for this: not for long, then. And what they call in
 * the same thread, as what its signals' handlers call, does without.
 */
static struct lock making;
static _Thread_local unsigned forks; /* more than one where such a handler forks */
static _Thread_local bool has_making;

static pid_t owner_of(struct slot *slot)
{
	pid_t pid = atomic_load(&slot->owner);
	return pid < 0 ? -pid : pid;
}

static bool is_same_socket(struct slot *slot, int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
	       (uint64_t)status.st_dev == atomic_load(&slot->device) &&
	       (uint64_t)status.st_ino == atomic_load(&slot->inode);
}

/* An inherited copy of another process's connection would keep it open. The slot's data is its
 * owner's. */
static void close_inherited(const struct slot *own)
{
	for (size_t i = 0; i < N_SLOTS; i++) {
		struct slot *slot = &slots[i];
		if (slot == own || owner_of(slot) == 0)
			continue;
		int fd = atomic_load(&slot->fd);
		if (fd >= FD_LEAST && is_same_socket(slot, fd))
			kernel_close(fd);
	}
}

static void let_go(struct slot *slot)
{
	int fd = atomic_load(&slot->fd);

	if (fd >= FD_LEAST && is_same_socket(slot, fd))
		kernel_close(fd);
	atomic_store(&slot->fd, -1);
	atomic_store(&slot->owner, 0);
}

/* The parent's, where it had our number in its pid namespace: with its connection our requests and
 * its own would get each other's answers. */
static void free_inherited(pid_t self)
{
	for (size_t i = 0; i < N_SLOTS; i++)
		if (owner_of(&slots[i]) == self)
			let_go(&slots[i]);
}

/* Returns false where another thread is at it. */
static bool is_known(pid_t self)
{
	enum wiped wiped = wiped_begin();

	if (wiped == WIPED_HERE) {
		free_inherited(self);
		wiped_done();
	}
	return wiped != WIPED_ELSEWHERE;
}

/* The parent may be suspended in vfork and share this memory. */
static bool may_claim(struct slot *slot, pid_t self, bool living)
{
	pid_t owner = owner_of(slot);

	if (owner == 0)
		return true;
	if (owner == self || owner == getppid())
		return false;
	return living || (kill(owner, 0) < 0 && errno == ESRCH);
}

static struct slot *find(pid_t self)
{
	for (size_t i = 0; i < N_SLOTS; i++)
		if (owner_of(&slots[i]) == self)
			return &slots[i];
	return NULL;
}

static bool claim(struct slot *slot, pid_t self)
{
	pid_t owner = atomic_load(&slot->owner);

	if (owner == self || owner == -self ||
		!atomic_compare_exchange_strong(&slot->owner, &owner, -self))
		return false;
	int fd = atomic_load(&slot->fd);
	if (owner != 0 && fd >= FD_LEAST && is_same_socket(slot, fd))
		kernel_close(fd);
	atomic_store(&slot->fd, -1);
	atomic_store(&slot->lock.word, 0);
	slot->serial = 0;
	if (find(self) != slot) { /* another thread came first */
		atomic_store(&slot->owner, 0);
		return false;
	}
	close_inherited(slot);
	atomic_store(&slot->owner, self);
	return true;
}

/* A free slot, else one of a dead process, else anyone's but the parent's. */
static void claim_any(pid_t self)
{
	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < N_SLOTS; i++) {
			struct slot *slot = &slots[i];
			if (pass == 0 && owner_of(slot) != 0)
				continue;
			if (may_claim(slot, self, pass == 2) && (claim(slot, self) || find(self)))
				return;
		}
}

static bool take_making(void)
{
	return lock_take(&making, span_deadline(span_now(), PATIENCE_USEC)) == 0;
}

static void block_signals(sigset_t *ret_before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, ret_before);
}

static void begin_fork(void)
{
	if (forks++ == 0)
		has_making = take_making();
}

static void end_fork(void)
{
	if (forks > 0 && --forks == 0 && has_making)
		lock_leave(&making);
}

static void before_fork(void)
{
	int saved_errno = errno;
	sigset_t before;

	block_signals(&before);
	begin_fork();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved_errno;
}

static void after_fork(void)
{
	int saved_errno = errno;
	sigset_t before;

	block_signals(&before);
	end_fork();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved_errno;
}

/* Else what the broker gives to the parent could be received here, by who may have become another
 * user since. Of a child that no handler sees (clone(2) itself) only the first request tells. */
static void after_fork_in_child(void)
{
	int saved_errno = errno;
	sigset_t before;

	block_signals(&before);
	for (size_t i = 0; i < N_SLOTS; i++)
		if (owner_of(&slots[i]) != 0)
			let_go(&slots[i]);
	has_making = true; /* whoever else had it is not here */
	end_fork();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved_errno;
}

static __attribute__((constructor)) void watch_forks(void)
{
	(void)pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void slot_use_own(void)
{
	if (own_slot.own)
		return;
	own_slot.own = true;
	atomic_store(&own_slot.fd, -1);
}

void slot_forget_own(void)
{
	atomic_store(&own_slot.fd, -1);
	own_slot.serial = 0;
}

bool slot_is_own(void)
{
	return own_slot.own;
}

int slot_take(int64_t deadline, struct slot **ret)
{
	pid_t self;

	if (own_slot.own) {
		*ret = &own_slot;
		return 0;
	}
	self = getpid();
	for (int i = 0; i < PATIENCE; i++) {
		if (!is_known(self)) {
			sched_yield();
			continue;
		}
		struct slot *slot = find(self);
		if (!slot) {
			claim_any(self);
			continue;
		}
		if (atomic_load(&slot->owner) != self) {
			sched_yield();
			continue;
		}
		int r = lock_take(&slot->lock, deadline);
		if (r == 0)
			*ret = slot;
		return r;
	}
	return -EAGAIN;
}

void slot_leave(struct slot *slot)
{
	if (!slot->own)
		lock_leave(&slot->lock);
}

/* Out of the way of programs that count on low numbers, and never one of the standard three. */
static int move_high(int fd)
{
	static const int lowest[] = {FD_HIGH, FD_MIDDLE, FD_LEAST};

	for (size_t i = 0; i < ARRAY_SIZE(lowest); i++) {
		int high = fcntl(fd, F_DUPFD_CLOEXEC, lowest[i]);
		if (high >= 0) {
			kernel_close(fd);
			return high;
		}
	}
	if (fd >= FD_LEAST)
		return fd;
	int error = errno;
	kernel_close(fd);
	return -error;
}

int slot_make_socket(struct slot *slot)
{
	bool has_taken = !slot->own && forks == 0 && take_making();
	int fd = kernel_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? negative_errno() : slot_set_fd(slot, fd);
	if (has_taken)
		lock_leave(&making);
	return r;
}

int slot_set_fd(struct slot *slot, int fd)
{
	struct stat status;

	fd = move_high(fd);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0) {
		int error = errno;
		kernel_close(fd);
		return -error;
	}
	atomic_store(&slot->device, (uint64_t)status.st_dev);
	atomic_store(&slot->inode, (uint64_t)status.st_ino);
	atomic_store(&slot->fd, fd);
	return 0;
}

int slot_fd(struct slot *slot)
{
	int fd = atomic_load(&slot->fd);

	return fd < 0 || (!slot->own && !is_same_socket(slot, fd)) ? -1 : fd;
}

void slot_close(struct slot *slot)
{
	int fd = slot_fd(slot);

	if (fd >= 0)
		kernel_close(fd);
	/* Else it is remembered until there is another one: a child that another thread forks just
	 * now may still have it. */
	if (slot->own)
		atomic_store(&slot->fd, -1);
}

void slot_hang_up(struct slot *slot)
{
	int fd = slot_fd(slot);

	if (fd >= 0)
		(void)kernel_shutdown(fd, SHUT_RDWR);
	slot_close(slot);
}
