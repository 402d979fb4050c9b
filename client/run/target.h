/*
 * The thread whose system call waits for an answer: what may be learned of it and taken from it.
 *
 * All that is read is a copy, which the program can no longer change. A thread id may come to mean
 * another thread as soon as the call is over: target_is_waiting() tells that it was not while
 * something was read.
 */
#ifndef SOCKD_CLIENT_RUN_TARGET_H
#define SOCKD_CLIENT_RUN_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct target {
	int listener; /* borrowed */
	uint64_t id;  /* of the notification */
	pid_t tid;    /* in our pid namespace; 0: it has none there */
};

/* Which namespaces a thread is in, by their numbers, which are given anew once one is gone. */
struct namespaces {
	ino_t network, user;
};

/* Does /proc show processes by the numbers that they have here? Most of what follows is read there.
 */
bool target_is_in_proc(void);
#define TARGET_NOT_IN_PROC "/proc is not there, or shows another PID namespace"

bool target_is_waiting(const struct target *target);

/* A pidfd, close-on-exec. Before Linux 6.9 only the first thread of a process has one. Returns a
 * negative errno where there is none. */
int target_pidfd(pid_t tid);

/* Copies exactly size bytes from the thread's memory. Returns 0 or a negative errno. */
int target_read(const struct target *target, uint64_t address, void *buffer, size_t size);

/* Returns a copy of the thread's descriptor, close-on-exec; a negative errno: -EBADF where it has
 * none, -EPERM where the program may not be looked into. */
int target_get_fd(const struct target *target, int fd);

/* Which of the n numbers from first on are descriptors of the thread. Returns 0 or a negative
 * errno. */
int target_used_fds(const struct target *target, int first, unsigned n, bool *ret);

/* The namespaces of a process (0: the calling thread). Returns 0 or a negative errno. */
int namespaces_of(pid_t pid, struct namespaces *ret);
/* Keeps those of a process, and so their numbers, for as long as this process lives. Returns 0 or a
 * negative errno. */
int namespaces_keep(pid_t pid);
bool namespaces_equal(const struct namespaces *a, const struct namespaces *b);

/* The process that the thread is of. Returns a negative errno where that cannot be told. */
pid_t target_process(const struct target *target);

/* Has the thread any capability where it is? True also where that cannot be told. */
bool target_has_capabilities(const struct target *target);

/* /proc/PID/comm of the process, as its threads may have names of their own, cleaned of what a
 * terminal would obey; "?" where it cannot be read. */
#define TARGET_NAME_SIZE 32
void target_name(const struct target *target, char ret[TARGET_NAME_SIZE]);

#endif
