/*
 * What sockd may still do once it runs: an unprivileged user, only the capabilities that the loaded
 * policy needs, and a fence (seccomp, Landlock) so that CAP_SYS_ADMIN and CAP_SETUID serve for
 * setns(2) into a network namespace and setfsuid(2) and for nothing else.
 *
 * Order at start: the listening sockets, the policy, the audit file are opened; then
 * privilege_drop(); then privilege_fence(). All threads must be made after that, or none of this
 * holds for them.
 */
#ifndef SOCKD_DAEMON_PRIVILEGE_H
#define SOCKD_DAEMON_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t gid;
};

/* "name", "UID" or "UID:GID" (numbers need no entry in the user database). -ENOENT: no such user;
 * -EINVAL: not a user, or uid 0. */
int privilege_parse_account(const char *text, struct account *ret);

/*
 * Becomes the account (no supplementary groups) with exactly these capabilities (mask of 1 <<
 * CAP_*) permitted and effective, none inheritable or ambient, an empty bounding set, no_new_privs,
 * not dumpable. Not started as root: keeps the user (account may be NULL) and drops to the
 * intersection; the bounding set is then emptied only where CAP_SETPCAP is held. *ret_missing is
 * what was asked for and is not held. Returns 0 or a negative errno. To be called while there is
 * one thread.
 */
int privilege_drop(const struct account *account, uint64_t capabilities, uint64_t *ret_missing);

/*
 * For a reload that needs less: the calling thread gives up all but these at once, every job thread
 * before its next job. What has been given up does not come back. Asks for more than is held:
 * -EPERM and *ret_missing, nothing changes.
 *
 * Linux keeps capabilities per thread and one thread cannot lower another's; so each looks after
 * itself.
 */
int privilege_reduce(uint64_t capabilities, uint64_t *ret_missing);
/* Called by a job thread before each job: lowers it to the last privilege_reduce(). Costs one load
 * when nothing changed. Both end the process where the kernel refuses, which it has no reason to.
 */
void privilege_apply_to_thread(void);
/*
 * For one call that must not be judged by this capability: takes it out of what the calling thread
 * has effective. Returns whether it was there, or a negative errno.
 */
int privilege_lower(unsigned capability);
/* Gives it back where privilege_lower() returned 1. Ends the process where the kernel refuses,
 * which it has no reason to. */
void privilege_restore(unsigned capability, int was_effective);
/* Called first of all by a thread that needs no capability. */
void privilege_drop_all_in_thread(void);
/* What the calling thread has permitted. */
uint64_t privilege_held(void);

struct fence_options {
	/* CAP_SYS_ADMIN is held: setns(2) is left, into a network namespace only. Make /run/netns
	 * beforehand: where it is missing, all of /run is left readable for the sake of namespaces
	 * to come. */
	bool sys_admin;
	bool names_netns; /* the policy names a namespace, be it only to compare with */
	bool setuid; /* CAP_SETUID is held: setfsuid(2) is left, but not to user 0, who owns the
			system's files */
	/* Where files may be made and written (the audit file's). May be empty. */
	const char *const *writable_directories;
	size_t n_writable_directories;
	/* What may be read beside the usual places (policy directories). */
	const char *const *readable_directories;
	size_t n_readable_directories;
	/* Where files may be removed (the daemon's own listening sockets, when it ends). */
	const char *const *unlink_directories;
	size_t n_unlink_directories;
};

/*
 * Fences in the whole process. To be called while there is one thread. *ret_how: how that was done,
 * in words ("fenced in by Landlock"), a constant. Returns 0 or a negative errno.
 *
 * Always Landlock, as far as the kernel's ABI goes: files can be read beneath /usr, /lib, /etc,
 * /proc, /sys, /dev and a few places in /run, and no program can be executed. Sockets are not
 * restricted: binding and connecting them is the work.
 *
 * Where CAP_SYS_ADMIN or CAP_SETUID is held also seccomp: no execve, no fork, no ptrace, no mount,
 * no namespace but the network's, no change of user, owner or mode, no io_uring, bpf or keys. Every
 * system call pays for such a filter, which the other capabilities, all of them the network's, do
 * not need: they open nothing but what sockd hands out anyway.
 */
int privilege_fence(const struct fence_options *options, const char **ret_how);

/* "cap_net_raw,cap_net_admin", or "none". Returns buffer. */
const char *privilege_describe(uint64_t capabilities, char *buffer, size_t size);

#endif
