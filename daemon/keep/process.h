/*
 * Processes and users as other processes speak of them: a pidfd that a client sent, ids of another
 * user namespace.
 */
#ifndef SOCKD_DAEMON_KEEP_PROCESS_H
#define SOCKD_DAEMON_KEEP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Is the descriptor a pidfd? Any may be given: nothing of it is called that its maker could make
 * hang. */
bool process_is_pidfd(int fd);
/* Another open file for the same process; a negative errno also where it has ended. */
int process_open_again(int pidfd);
/*
 * Do two pidfds refer to the same process? By their number in the kernel's own file system of
 * processes (Linux 6.9), which is never given again; before that by the pid, which is then the
 * process's only while it lives, so that one that has ended is nobody.
 */
bool process_is_same(int pidfd, int other);

/*
 * The number that a user (or group) of a process's user namespace has in ours. The process is
 * checked to be still there after it was asked. Returns 0; -EINVAL: it has none here; another
 * negative errno: it cannot be told.
 */
int process_translate_id(pid_t pid, int pidfd, bool group, uint32_t id, uint32_t *ret);

#endif
