#include "daemon/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/macro.h"

/*
 * Landlock, by its plain system calls and numbers: the C library has no wrappers, and the kernel's
 * header may be older than the kernel. The numbers are the same on every architecture that has
 * Landlock.
 */
#define LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_ADD_RULE 445
#define LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_VERSION 1u	/* a flag of create_ruleset: tell the ABI */
#define LANDLOCK_PATH_BENEATH 1 /* a type of rule */
#define LANDLOCK_SCOPE_SIGNAL UINT64_C(2)

#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_OF_FILES \
	(FS_WRITE_FILE | FS_READ_FILE | \
		FS_TRUNCATE) /* all that a file, not a directory, can have */

struct ruleset_attributes {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* from ABI 4 */
	uint64_t scoped;	     /* from ABI 6 */
};

struct path_beneath {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/* The file rights that an ABI knows: 13 at first, then REFER, TRUNCATE and IOCTL_DEV. */
static uint64_t handled_rights(int abi)
{
	unsigned n = 13;

	if (abi >= 2)
		n = 14;
	if (abi >= 3)
		n = 15;
	if (abi >= 5)
		n = 16;
	return (UINT64_C(1) << n) - 1;
}

static int allow_beneath(int ruleset, const char *path, uint64_t rights)
{
	_cleanup_close_ int fd = -1;
	struct path_beneath rule;
	struct stat st;

	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		/* What is not there, or cannot be reached, needs no permission. */
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return negative_errno();
	rule.parent_fd = fd;
	rule.allowed_access = S_ISDIR(st.st_mode) ? rights : rights & FS_OF_FILES;
	if (syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0) < 0)
		return negative_errno();
	return 0;
}

static int allow_each(int ruleset, const char *const *paths, size_t n, uint64_t rights)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = allow_beneath(ruleset, paths[i], rights);
	return r;
}

/*
 * The network is not restricted: binding is what sockd does. Nor are abstract sockets, which it may
 * be asked to bind and connect.
 */
static int install_landlock(const struct fence_options *options, int *ret_abi)
{
	/* In /run no more than is needed: below it users keep their own things. */
	static const char *const readable[] = {"/usr", "/lib", "/lib32", "/lib64", "/etc", "/proc",
		"/sys", "/dev", "/run/nscd", "/run/sockd", "/run/systemd", "/run/userdb"};
	static const char *const null_device[] = {"/dev/null"};
	struct ruleset_attributes attributes = {0};
	_cleanup_close_ int ruleset = -1;
	uint64_t handled;
	size_t size;
	long abi;
	int r;

	abi = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION);
	if (abi < 0 && errno != ENOSYS && errno != EOPNOTSUPP)
		return negative_errno();
	if (abi <= 0) {
		*ret_abi = 0;
		return 0;
	}

	handled = handled_rights((int)abi);
	attributes.handled_access_fs = handled;
	if (abi >= 6)
		attributes.scoped = LANDLOCK_SCOPE_SIGNAL;
	size = abi >= 6	  ? sizeof(attributes)
	       : abi >= 4 ? offsetof(struct ruleset_attributes, scoped)
			  : offsetof(struct ruleset_attributes, handled_access_net);
	ruleset = (int)syscall(LANDLOCK_CREATE_RULESET, &attributes, size, 0);
	if (ruleset < 0)
		return negative_errno();

	r = allow_each(ruleset, readable, ARRAY_SIZE(readable), FS_READ_FILE | FS_READ_DIR);
	if (r == 0 && (options->sys_admin || options->names_netns))
		/* Landlock knows directories, not names: one that is made later can only be met
		 * from above. */
		r = allow_beneath(ruleset, access("/run/netns", F_OK) == 0 ? "/run/netns" : "/run",
			FS_READ_FILE | FS_READ_DIR);
	if (r == 0)
		r = allow_each(ruleset, options->readable_directories,
			options->n_readable_directories, FS_READ_FILE | FS_READ_DIR);
	if (r == 0)
		r = allow_each(ruleset, options->writable_directories,
			options->n_writable_directories,
			(FS_WRITE_FILE | FS_MAKE_REG | FS_TRUNCATE) & handled);
	if (r == 0)
		r = allow_each(ruleset, options->unlink_directories, options->n_unlink_directories,
			FS_REMOVE_FILE);
	if (r == 0)
		r = allow_each(ruleset, null_device, 1, FS_WRITE_FILE);
	if (r < 0)
		return r;
	if (syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) < 0)
		return negative_errno();
	*ret_abi = (int)abi;
	return 0;
}

/* Calls that are newer than the seccomp library may be. Their numbers are the same everywhere but
 * on alpha. */
#define CALL_OPEN_TREE_ATTR 467
#define CALL_FCHMODAT2 452
#define CALL_SETXATTRAT 463
#define CALL_REMOVEXATTRAT 466

/*
 * Refused whatever their arguments. The rest stays allowed: a list of all that the C library, its
 * name services and the kernel's next version may call would be wrong before long, while what
 * capabilities can open is known.
 */
static const int refused[] = {
	/* other programs and processes */
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(ioprio_set),
	SCMP_SYS(ipc),
	SCMP_SYS(shmget),
	SCMP_SYS(shmat),
	SCMP_SYS(shmctl),
	SCMP_SYS(msgget),
	SCMP_SYS(msgctl),
	SCMP_SYS(semget),
	SCMP_SYS(semctl),
	SCMP_SYS(lookup_dcookie),
	/* mounts and namespaces */
	SCMP_SYS(mount),
	SCMP_SYS(umount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(open_tree),
	SCMP_SYS(mount_setattr),
	CALL_OPEN_TREE_ATTR,
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(unshare),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(quotactl),
	SCMP_SYS(quotactl_fd),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(nfsservctl),
	/* ways round this filter and into the kernel */
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(bpf),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(personality),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(create_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(modify_ldt),
	/* the machine as a whole */
	SCMP_SYS(reboot),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(acct),
	SCMP_SYS(syslog),
	SCMP_SYS(vhangup),
	SCMP_SYS(settimeofday),
	SCMP_SYS(stime),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_settime64),
	SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(clock_adjtime64),
	/* other users; setfsuid() is below */
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(setfsgid),
	SCMP_SYS(setuid32),
	SCMP_SYS(setgid32),
	SCMP_SYS(setreuid32),
	SCMP_SYS(setregid32),
	SCMP_SYS(setresuid32),
	SCMP_SYS(setresgid32),
	SCMP_SYS(setgroups32),
	SCMP_SYS(setfsgid32),
	/* owners and modes of files, which Landlock does not look at */
	SCMP_SYS(chown),
	SCMP_SYS(lchown),
	SCMP_SYS(fchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(chown32),
	SCMP_SYS(lchown32),
	SCMP_SYS(fchown32),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	CALL_FCHMODAT2,
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(setxattr),
	SCMP_SYS(lsetxattr),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(removexattr),
	SCMP_SYS(lremovexattr),
	SCMP_SYS(fremovexattr),
	CALL_SETXATTRAT,
	CALL_REMOVEXATTRAT,
	/* which Landlock looks at only from its third version on */
	SCMP_SYS(truncate),
	SCMP_SYS(truncate64),
#ifndef __SANITIZE_ADDRESS__
	/* The check for leaks of a build with sanitizers needs it. */
	SCMP_SYS(ptrace),
#endif
};

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define REFUSE SCMP_ACT_ERRNO(EPERM)
#define LOW_WORD UINT64_C(0xffffffff) /* all that the kernel looks at of an int */

#if defined(__s390__) || defined(__s390x__)
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif

static int refuse_if(scmp_filter_ctx filter, int call, unsigned argument, enum scmp_compare how,
	uint64_t a, uint64_t b)
{
	return seccomp_rule_add(filter, REFUSE, call, 1, SCMP_CMP64(argument, how, a, b));
}

/* Threads can be made; processes and namespaces cannot. */
static int add_clone_rules(scmp_filter_ctx filter)
{
	static const uint64_t namespaces[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS,
		CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(namespaces) && r == 0; i++)
		r = refuse_if(filter, SCMP_SYS(clone), CLONE_FLAGS_ARGUMENT, SCMP_CMP_MASKED_EQ,
			namespaces[i], namespaces[i]);
#ifndef __SANITIZE_ADDRESS__
	if (r == 0)
		r = refuse_if(filter, SCMP_SYS(clone), CLONE_FLAGS_ARGUMENT, SCMP_CMP_MASKED_EQ,
			CLONE_THREAD, 0);
#endif
	/* Its flags lie in memory, where no filter can see them. The C library then uses clone().
	 */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

/* The two calls that CAP_SYS_ADMIN and CAP_SETUID are held for. */
static int add_namespace_and_user_rules(scmp_filter_ctx filter, const struct fence_options *options)
{
	static const int setfsuid_calls[] = {SCMP_SYS(setfsuid), SCMP_SYS(setfsuid32)};
	int r;

	if (options->sys_admin)
		/* Type 0 would be "whatever the descriptor is". */
		r = refuse_if(filter, SCMP_SYS(setns), 1, SCMP_CMP_NE, CLONE_NEWNET, 0);
	else
		r = seccomp_rule_add(filter, REFUSE, SCMP_SYS(setns), 0);

	for (size_t i = 0; i < ARRAY_SIZE(setfsuid_calls) && r == 0; i++)
		r = options->setuid ? refuse_if(filter, setfsuid_calls[i], 0, SCMP_CMP_MASKED_EQ,
					      LOW_WORD, 0)
				    : seccomp_rule_add(filter, REFUSE, setfsuid_calls[i], 0);
	return r;
}

/* Putting input into somebody's terminal, for whoever starts sockd by hand. */
static int add_terminal_rules(scmp_filter_ctx filter)
{
	int r;

	r = refuse_if(filter, SCMP_SYS(ioctl), 1, SCMP_CMP_MASKED_EQ, LOW_WORD, TIOCSTI);
	if (r == 0)
		r = refuse_if(filter, SCMP_SYS(ioctl), 1, SCMP_CMP_MASKED_EQ, LOW_WORD, TIOCLINUX);
	return r;
}

/* Pages that the machine takes for broken. */
static int add_memory_rules(scmp_filter_ctx filter)
{
	int r = refuse_if(
		filter, SCMP_SYS(madvise), 2, SCMP_CMP_MASKED_EQ, LOW_WORD, MADV_HWPOISON);

	return r < 0 ? r
		     : refuse_if(filter, SCMP_SYS(madvise), 2, SCMP_CMP_MASKED_EQ, LOW_WORD,
			       MADV_SOFT_OFFLINE);
}

static void release_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int install_seccomp(const struct fence_options *options)
{
	_cleanup_(release_filter) scmp_filter_ctx filter = NULL;
	int r;

	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return -ENOMEM;

	/* A call of another architecture (i386, x32) would get round all of this. */
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
	if (r == 0)
		/* A tree and not a list: setns(), setfsuid() and ioctl() are on the path of a
		 * request. */
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < ARRAY_SIZE(refused) && r == 0; i++)
		r = seccomp_rule_add(filter, REFUSE, refused[i], 0);
	if (r == 0)
		r = add_clone_rules(filter);
	if (r == 0)
		r = add_namespace_and_user_rules(filter, options);
	if (r == 0)
		r = add_terminal_rules(filter);
	if (r == 0)
		r = add_memory_rules(filter);
	if (r == 0)
		r = seccomp_load(filter);
	return r;
}

int privilege_fence(const struct fence_options *options, const char **ret_how)
{
	static const char *const how[2][2] = {
		{"not fenced in (this kernel has no Landlock)", "fenced in by Landlock"},
		{"fenced in by seccomp (this kernel has no Landlock)",
			"fenced in by seccomp and Landlock"},
	};
	const bool needs_seccomp = options->sys_admin || options->setuid;
	int abi = 0;
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return negative_errno();
	r = install_landlock(options, &abi);
	if (r < 0)
		return r;
	if (needs_seccomp) {
		r = install_seccomp(options);
		if (r < 0)
			return r;
	}
	*ret_how = how[needs_seccomp][abi > 0];
	return 0;
}
