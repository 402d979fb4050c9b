/*
 * What is left to a process after privilege_drop() and privilege_fence(), tried really: each case
 * runs in a process of its own that starts as root. Needs root.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "daemon/audit.h"
#include "daemon/closer.h"
#include "daemon/privilege.h"
#include "daemon/worker.h"
#include "proto/macro.h"

#define SKIPPED 77
#define CAP(name) (UINT64_C(1) << (name))
#define USER 65534

static const struct account account = {.uid = USER, .gid = USER};

/* Check runs each test in a forked process, so that a drop ends with its test; main() removes the
 * files. */
static char base[] = "/tmp/test-privilege-XXXXXX";

static void make_directory(char *name, size_t size)
{
	(void)snprintf(name, size, "%s/XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(name));
}

static uint64_t read_caps(const char *field)
{
	FILE *file = fopen("/proc/thread-self/status", "re");
	unsigned long long value = 0;
	bool found = false;
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
			found = sscanf(line + strlen(field) + 1, "%llx", &value) == 1;
	(void)fclose(file);
	ck_assert_msg(found, "no %s", field);
	return value;
}

static void drop(uint64_t capabilities)
{
	uint64_t missing = 1;
	int r = privilege_drop(&account, capabilities, &missing);

	ck_assert_msg(r == 0, "privilege_drop: %s", strerror(-r));
	ck_assert_uint_eq(missing, 0);
}

static void fence(const struct fence_options *options)
{
	uint64_t filters = read_caps("Seccomp_filters");
	const char *how = "";
	int r = privilege_fence(options, &how);

	ck_assert_msg(r == 0, "privilege_fence: %s", strerror(-r));
	filters = read_caps("Seccomp_filters") - filters;
	ck_assert_msg(filters == (strstr(how, "by seccomp") ? 1 : 0), "%s", how);
}

static long landlock_abi(void)
{
	return syscall(444, NULL, 0, 1);
}

static bool has_landlock(void)
{
	return landlock_abi() > 0;
}

#define ck_assert_fails(call, error) \
	do { \
		errno = 0; \
		ck_assert_int_eq((call), -1); \
		ck_assert_int_eq(errno, (error)); \
	} while (0)

START_TEST(the_drop_leaves_exactly_what_was_asked)
{
	const uint64_t kept = CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) | CAP(CAP_SYS_ADMIN);
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	drop(kept);
	ck_assert_int_eq(getresuid(&ruid, &euid, &suid), 0);
	ck_assert(ruid == USER && euid == USER && suid == USER);
	ck_assert_int_eq(getresgid(&rgid, &egid, &sgid), 0);
	ck_assert(rgid == USER && egid == USER && sgid == USER);
	ck_assert_int_eq(getgroups(0, NULL), 0);
	ck_assert_uint_eq(read_caps("CapPrm"), kept);
	ck_assert_uint_eq(read_caps("CapEff"), kept);
	ck_assert_uint_eq(read_caps("CapInh"), 0);
	ck_assert_uint_eq(read_caps("CapAmb"), 0);
	ck_assert_uint_eq(read_caps("CapBnd"), 0);
	ck_assert_uint_eq(read_caps("NoNewPrivs"), 1);
	ck_assert_uint_eq(privilege_held(), kept);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
#endif
	ck_assert_fails(setuid(0), EPERM);
	ck_assert_fails(setgid(0), EPERM);
}
END_TEST

START_TEST(a_drop_to_nothing)
{
	drop(0);
	ck_assert_uint_eq(read_caps("CapPrm"), 0);
	ck_assert_uint_eq(read_caps("CapEff"), 0);
	ck_assert_uint_eq(read_caps("CapBnd"), 0);
	ck_assert_int_eq((int)getuid(), USER);
}
END_TEST

START_TEST(not_started_as_root_drops_to_what_is_held)
{
	uint64_t missing = 0;

	ck_assert_int_eq(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(1234, 1234, 1234), 0);
	ck_assert_int_eq(setresuid(1234, 1234, 1234), 0);
	ck_assert_int_eq(privilege_drop(NULL, CAP(CAP_NET_RAW) | CAP(CAP_CHOWN), &missing), 0);
	ck_assert_uint_eq(missing, 0);
	ck_assert_int_eq((int)getuid(), 1234);
	ck_assert_uint_eq(privilege_held(), CAP(CAP_NET_RAW) | CAP(CAP_CHOWN));

	/* Now without all that is asked for. */
	ck_assert_int_eq(
		privilege_drop(&account, CAP(CAP_NET_RAW) | CAP(CAP_SYS_ADMIN), &missing), 0);
	ck_assert_uint_eq(missing, CAP(CAP_SYS_ADMIN));
	ck_assert_int_eq((int)getuid(), 1234);
	ck_assert_uint_eq(read_caps("CapPrm"), CAP(CAP_NET_RAW));
	ck_assert_uint_eq(read_caps("CapEff"), CAP(CAP_NET_RAW));
}
END_TEST

START_TEST(root_must_become_somebody_else)
{
	const struct account root = {0, 0};
	uint64_t missing = 0;

	ck_assert_int_eq(privilege_drop(&root, 0, &missing), -EINVAL);
	ck_assert_int_eq(privilege_drop(NULL, 0, &missing), -EINVAL);
}
END_TEST

START_TEST(only_what_was_kept_works)
{
	int fd;

	drop(CAP(CAP_NET_RAW));
	fence(&(struct fence_options){0});
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	ck_assert_msg(fd >= 0, "raw socket: %m");
	(void)close(fd);
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_msg(fd >= 0, "packet socket: %m");
	(void)close(fd);

	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_fails(bind(fd, (struct sockaddr *)&address, sizeof(address)), EACCES);
	(void)close(fd);
}
END_TEST

START_TEST(programs_mounts_and_the_rest_are_refused)
{
	char *const arguments[] = {(char *)"true", NULL};

	int segment = shmget(IPC_PRIVATE, 4096, 0600);
	ck_assert_msg(segment >= 0, "shmget: %m");
	ck_assert_ptr_ne(shmat(segment, NULL, 0), (void *)-1);
	ck_assert_int_eq(shmctl(segment, IPC_RMID, NULL), 0); /* with the last that has it */

	/* With CAP_SYS_ADMIN, so that the fence is what refuses. */
	drop(CAP(CAP_SYS_ADMIN) | CAP(CAP_SETUID));
	fence(&(struct fence_options){.sys_admin = true, .setuid = true});

	ck_assert_fails(execv("/bin/true", arguments), EPERM);
	ck_assert_fails(syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, NULL, 0), EPERM);
	ck_assert_fails(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
	ck_assert_fails(umount2("/proc", MNT_DETACH), EPERM);
	ck_assert_fails(syscall(SYS_fsopen, "tmpfs", 0), EPERM);
	ck_assert_fails(syscall(SYS_open_tree, AT_FDCWD, "/", 1), EPERM);
	ck_assert_fails(syscall(467, AT_FDCWD, "/", 1, NULL, 0), EPERM);
	ck_assert_fails(chroot("/"), EPERM);
	ck_assert_fails(unshare(CLONE_NEWNS), EPERM);
	ck_assert_fails(unshare(CLONE_NEWUSER), EPERM);
	ck_assert_fails(syscall(SYS_bpf, 0, NULL, 0), EPERM);
	ck_assert_fails(syscall(SYS_io_uring_setup, 1, NULL), EPERM);
	ck_assert_fails(syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0), EPERM);
	ck_assert_fails(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM);
	ck_assert_fails(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0), EPERM);
	ck_assert_fails(syscall(SYS_pidfd_getfd, -1, 0, 0), EPERM);
	ck_assert_fails(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0), EPERM);
	ck_assert_fails(syscall(SYS_clone3, NULL, 0), ENOSYS);
	ck_assert_fails(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0), EPERM);
	ck_assert_fails(syscall(SYS_clone, CLONE_THREAD | CLONE_NEWUSER, 0, 0, 0, 0), EPERM);
	ck_assert_fails(sethostname("x", 1), EPERM);
	ck_assert_fails(shmctl(segment, IPC_RMID, NULL), EPERM);
	ck_assert_fails(shmget(IPC_PRIVATE, 4096, 0600), EPERM);
	ck_assert_fails(syscall(SYS_ioprio_set, 1, 0, 1 << 13), EPERM);
	ck_assert_fails(madvise(NULL, 0, 100), EPERM); /* MADV_HWPOISON */
	ck_assert_fails(madvise(NULL, 0, 101), EPERM); /* MADV_SOFT_OFFLINE */
	ck_assert_int_eq(madvise(NULL, 0, MADV_DONTNEED), 0);
	ck_assert_fails(chown("/", (uid_t)-1, (gid_t)-1), EPERM);
	ck_assert_fails(fchmod(0, 0600), EPERM);
	ck_assert_fails(truncate("/proc/self/does-not-exist", 0), EPERM);
	ck_assert_fails(syscall(SYS_setuid, 0), EPERM);
	ck_assert_fails(syscall(SYS_setuid, 1000), EPERM);
	ck_assert_fails(syscall(SYS_setresuid, 1000, 1000, 1000), EPERM);
	ck_assert_fails(syscall(SYS_setgroups, 0, NULL), EPERM);
	ck_assert_fails(ioctl(0, TIOCSTI, "x"), EPERM);
	/* The kernel looks at the lower half only, and so must the fence. */
	ck_assert_fails(syscall(SYS_ioctl, 0, UINT64_C(1) << 32 | TIOCSTI, "x"), EPERM);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_fails(ptrace(PTRACE_TRACEME, 0, NULL, NULL), EPERM);
	ck_assert_fails(fork(), EPERM);
#endif
}
END_TEST

#ifdef __x86_64__
/* A call of another architecture ends the process. */
START_TEST(another_architecture_is_fatal)
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		const struct rlimit no_core = {0, 0};
		long r;

		(void)setrlimit(RLIMIT_CORE, &no_core);
		fence(&(struct fence_options){.sys_admin = true});
		if (_i == 0)
			__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); /* getpid */
		else
			r = syscall(0x40000000 + SYS_getpid); /* x32 */
		_exit(r == getpid() ? 1 : 2);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "status %#x", status);
}
END_TEST
#endif

/* Which costs nothing at each system call. */
START_TEST(without_powerful_capabilities_landlock_alone_fences)
{
	char *const arguments[] = {(char *)"true", NULL};
	uint64_t filters = read_caps("Seccomp_filters");

	drop(CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN));
	fence(&(struct fence_options){0});
	ck_assert_uint_eq(read_caps("Seccomp_filters"), filters);
	ck_assert_uint_eq(read_caps("NoNewPrivs"), 1);
	if (has_landlock())
		ck_assert_fails(execv("/bin/true", arguments), EACCES);
}
END_TEST

START_TEST(setns_is_for_network_namespaces_only)
{
	int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	ck_assert(net >= 0 && mounts >= 0 && uts >= 0);
	drop(CAP(CAP_SYS_ADMIN));
	fence(&(struct fence_options){.sys_admin = true});
	ck_assert_msg(setns(net, CLONE_NEWNET) == 0, "setns: %m");
	ck_assert_fails(setns(net, 0), EPERM);
	ck_assert_fails(setns(uts, CLONE_NEWUTS), EPERM);
	ck_assert_fails(setns(uts, 0), EPERM);
	ck_assert_fails(setns(mounts, CLONE_NEWNS), EPERM);
	/* One namespace is not taken for another. */
	ck_assert_fails(setns(uts, CLONE_NEWNET), EINVAL);
	ck_assert_fails(syscall(SYS_setns, net, UINT64_C(1) << 32 | CLONE_NEWNET), EPERM);
}
END_TEST

START_TEST(setns_is_refused_where_no_rule_needs_it)
{
	int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(net, 0);
	drop(CAP(CAP_SYS_ADMIN) | CAP(CAP_SETUID));
	fence(&(struct fence_options){.setuid = true});
	ck_assert_fails(setns(net, CLONE_NEWNET), EPERM);
}
END_TEST

START_TEST(setfsuid_is_left_but_not_to_root)
{
	drop(CAP(CAP_SETUID));
	fence(&(struct fence_options){.setuid = true});
	ck_assert_int_eq(setfsuid(1000), USER);
	ck_assert_int_eq(setfsuid((uid_t)-1), 1000);
	ck_assert_int_eq(setfsuid(USER), 1000);
	(void)setfsuid(0);
	ck_assert_int_eq(setfsuid((uid_t)-1), USER);
	(void)syscall(SYS_setfsuid, UINT64_C(1) << 32);
	ck_assert_int_eq(setfsuid((uid_t)-1), USER);
}
END_TEST

START_TEST(setfsuid_is_refused_where_no_rule_needs_it)
{
	drop(CAP(CAP_SYS_ADMIN) | CAP(CAP_SETUID));
	fence(&(struct fence_options){.sys_admin = true});
	ck_assert_fails(setfsuid(1000), EPERM);
}
END_TEST

/* As root, with every capability: what Landlock alone holds. */
START_TEST(files_are_out_of_reach)
{
	char directory[64];
	char name[80], renamed[80], beneath[80];
	const char *writable[] = {directory};
	const char *missing[] = {"/does/not/exist", "/etc/passwd/neither"};
	const struct fence_options options = {
		.writable_directories = writable,
		.n_writable_directories = 1,
		.readable_directories = missing,
		.n_readable_directories = 2,
	};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, kept;

	if (!has_landlock()) {
		(void)printf("SKIP: files_are_out_of_reach: this kernel has no Landlock\n");
		return;
	}
	make_directory(directory, sizeof(directory));
	(void)snprintf(name, sizeof(name), "%s/file", base);
	(void)snprintf(renamed, sizeof(renamed), "%s/renamed", base);
	(void)snprintf(beneath, sizeof(beneath), "%s/log", directory);
	kept = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(kept, 0);
	fence(&options);

	ck_assert_fails(open("/etc/passwd", O_WRONLY | O_CLOEXEC), EACCES);
	ck_assert_fails(open("/etc/sockd-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), EACCES);
	ck_assert_fails(open(name, O_RDONLY | O_CLOEXEC), EACCES);
	ck_assert_fails(open(name, O_WRONLY | O_CLOEXEC), EACCES);
	if (landlock_abi() >= 3) /* before that Landlock did not know truncate() */
		ck_assert_fails(truncate(name, 0), EACCES);
	ck_assert_fails(unlink(name), EACCES);
	ck_assert_fails(mkdir("/tmp/test-privilege-directory", 0700), EACCES);
	ck_assert_fails(symlink("/etc", "/tmp/test-privilege-link"), EACCES);
	ck_assert_fails(rename(name, renamed), EACCES);
	ck_assert_fails(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), EACCES);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_fails(bind(fd, (struct sockaddr *)&address, sizeof(address)), EACCES);
	(void)close(fd);

	/* What was open stays open; the audit file's directory can be written in. */
	ck_assert_int_eq(write(kept, "x", 1), 1);
	fd = open(beneath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_msg(fd >= 0, "%s: %m", beneath);
	(void)close(fd);
	ck_assert_fails(unlink(beneath), EACCES);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "/dev/null: %m");
	(void)close(fd);
}
END_TEST

START_TEST(own_sockets_can_be_removed)
{
	char directory[64];
	const char *unlinkable[] = {directory};
	const struct fence_options options = {
		.unlink_directories = unlinkable,
		.n_unlink_directories = 1,
	};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	make_directory(directory, sizeof(directory));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	fence(&options);
	ck_assert_msg(unlink(address.sun_path) == 0, "unlink: %m");
	(void)close(fd);
}
END_TEST

/* All that the daemon does later must still work. */
START_TEST(the_daily_work_goes_on)
{
	char name[64];
	const struct passwd *entry;
	struct account found;
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0sockd-test-privilege"};
	FILE *file;
	int fd;

	drop(CAP(CAP_NET_RAW));
	fence(&(struct fence_options){0});

	/* The first look into the user database since the start: its libraries are loaded now. */
	entry = getpwnam("nobody");
	ck_assert_ptr_nonnull(entry);
	ck_assert_ptr_nonnull(getgrgid(0));
	ck_assert_int_eq(privilege_parse_account("nobody", &found), 0);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t) + 12) == 0,
		"abstract bind: %m");
	(void)snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file = fopen(name, "re");
	ck_assert_msg(file != NULL, "%s: %m", name);
	(void)fclose(file);
	(void)close(fd);
	(void)snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)getppid());
	file = fopen(name, "re");
	ck_assert_msg(file != NULL, "%s: %m", name);
	(void)fclose(file);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "ns/net: %m");
	(void)close(fd);
	fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "/dev/urandom: %m");
	(void)close(fd);
}
END_TEST

/* A namespace that was named after the start; in the first turn /run/netns did not exist either. */
START_TEST(a_named_namespace_can_be_opened)
{
	int fd, ready[2], go[2];
	char byte = 0;
	pid_t child;

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/run", "tmpfs", 0, "mode=755"), 0);
	if (_i == 1)
		ck_assert_int_eq(mkdir("/run/netns", 0755), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (read(go[0], &byte, 1) != 1 || (_i == 0 && mkdir("/run/netns", 0755) < 0) ||
			unshare(CLONE_NEWNET) < 0)
			_exit(1);
		fd = open("/run/netns/test", O_RDONLY | O_CREAT | O_CLOEXEC, 0);
		if (fd < 0 ||
			mount("/proc/self/ns/net", "/run/netns/test", NULL, MS_BIND, NULL) < 0)
			_exit(2);
		_exit(write(ready[1], "x", 1) == 1 ? 0 : 3);
	}
	drop(CAP(CAP_SYS_ADMIN));
	fence(&(struct fence_options){.sys_admin = true});
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	fd = open("/run/netns/test", O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "/run/netns/test: %m");
	ck_assert_msg(setns(fd, CLONE_NEWNET) == 0, "setns: %m");
	(void)close(fd);
	(void)waitpid(child, NULL, 0);
}
END_TEST

static void *note_caps(void *data)
{
	*(uint64_t *)data = read_caps("CapEff");
	return NULL;
}

START_TEST(threads_can_be_made)
{
	pthread_t thread;
	uint64_t seen = 0;

	drop(CAP(CAP_NET_RAW));
	fence(&(struct fence_options){0});
	ck_assert_int_eq(pthread_create(&thread, NULL, note_caps, &seen), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(seen, CAP(CAP_NET_RAW));
}
END_TEST

struct caps_job {
	struct job job;
	uint64_t seen;
	bool done;
};

static void caps_run(struct job *job)
{
	((struct caps_job *)job)->seen = read_caps("CapPrm") | read_caps("CapEff");
}

static void caps_done(struct job *job)
{
	((struct caps_job *)job)->done = true;
}

static uint64_t caps_of_job(sd_event *event, struct worker *worker)
{
	struct caps_job job = {.job = {.run = caps_run, .done = caps_done}};

	ck_assert_int_eq(worker_submit_take(worker, &job.job), 0);
	while (!job.done)
		ck_assert_int_ge(sd_event_run(event, 5000000), 0);
	return job.seen;
}

/* Looks at every thread of the process, by the thread's name. A thread just made may not have it
 * yet. */
static uint64_t find_thread(const char *wanted)
{
	uint64_t found = UINT64_MAX;
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;

	ck_assert_ptr_nonnull(tasks);
	while ((entry = readdir(tasks))) {
		char name[300], line[256];
		unsigned long long value = 0;
		bool match = false;
		FILE *file;

		(void)snprintf(name, sizeof(name), "/proc/self/task/%s/status", entry->d_name);
		file = fopen(name, "re");
		if (!file)
			continue;
		while (fgets(line, sizeof(line), file)) {
			line[strcspn(line, "\n")] = '\0';
			if (strncmp(line, "Name:\t", 6) == 0)
				match = strcmp(line + 6, wanted) == 0;
			(void)sscanf(line, "CapPrm:\t%llx", &value);
		}
		(void)fclose(file);
		if (match)
			found = value;
	}
	(void)closedir(tasks);
	return found;
}

static void wait_for_no_caps(const char *thread)
{
	for (unsigned i = 0; i < 1000 && find_thread(thread) != 0; i++)
		(void)usleep(1000);
	ck_assert_uint_eq(find_thread(thread), 0);
}

static void on_room(void *data _unused_)
{
}

START_TEST(a_reduction_reaches_every_thread)
{
	const uint64_t all = CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) | CAP(CAP_NET_BIND_SERVICE);
	struct audit *audit = NULL;
	struct closer *closer = NULL;
	struct worker *worker = NULL;
	sd_event *event = NULL;
	uint64_t missing = 0;

	ck_assert_int_eq(audit_new("stderr", &audit), 0);
	drop(all);
	fence(&(struct fence_options){0});
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(worker_new(event, 1, 1, &worker), 0);
	ck_assert_int_eq(closer_new(event, on_room, NULL, &closer), 0);
	ck_assert_int_eq(audit_start(audit), 0);

	ck_assert_uint_eq(caps_of_job(event, worker), all);
	wait_for_no_caps("sockd-close");
	wait_for_no_caps("sockd-audit");

	/* The job's thread exists already when the loop gives up two. */
	ck_assert_int_eq(privilege_reduce(CAP(CAP_NET_RAW), &missing), 0);
	ck_assert_uint_eq(privilege_held(), CAP(CAP_NET_RAW));
	ck_assert_uint_eq(read_caps("CapPrm"), CAP(CAP_NET_RAW));
	ck_assert_uint_eq(caps_of_job(event, worker), CAP(CAP_NET_RAW));

	ck_assert_int_eq(privilege_reduce(all, &missing), -EPERM);
	ck_assert_uint_eq(missing, CAP(CAP_NET_ADMIN) | CAP(CAP_NET_BIND_SERVICE));
	ck_assert_uint_eq(privilege_held(), CAP(CAP_NET_RAW));
	ck_assert_uint_eq(caps_of_job(event, worker), CAP(CAP_NET_RAW));

	worker = worker_free(worker);
	closer = closer_free(closer);
	audit = audit_free(audit);
	event = sd_event_unref(event);
}
END_TEST

/* The audit file is opened as root and opened anew by the account that it was given to. */
START_TEST(the_audit_file_survives_the_drop)
{
	char directory[64];
	const char *writable[] = {directory};
	const struct fence_options options = {
		.writable_directories = writable,
		.n_writable_directories = 1,
	};
	struct audit *audit = NULL;
	char name[80];

	make_directory(directory, sizeof(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	(void)snprintf(name, sizeof(name), "%s/log", directory);
	ck_assert_int_eq(audit_new(name, &audit), 0);
	ck_assert_int_eq(audit_give(audit, account.uid, account.gid), 0);
	drop(0);
	fence(&options);
	ck_assert_int_eq(audit_start(audit), 0);
	ck_assert_int_eq(audit_reopen(audit), 0);
	(void)audit_free(audit);
}
END_TEST

START_TEST(accounts_are_parsed)
{
	struct account found = {1, 1};
	static const char *const wrong[] = {"", "0", "root", "0:5", "5:0", "5:", ":5", "5:x",
		"5:6:7", "4294967295", "5:4294967295", "99999999999", "-5", "nobody:5", "5 ", " 5",
		"5x:6"};

	ck_assert_int_eq(privilege_parse_account("4000000123", &found), 0);
	ck_assert(found.uid == 4000000123 && found.gid == 4000000123);
	ck_assert_int_eq(privilege_parse_account("12:34", &found), 0);
	ck_assert(found.uid == 12 && found.gid == 34);
	ck_assert_int_eq(privilege_parse_account("nobody", &found), 0);
	ck_assert(found.uid == getpwnam("nobody")->pw_uid);
	ck_assert(found.gid == getpwnam("nobody")->pw_gid);
	ck_assert_int_eq(privilege_parse_account("no-such-user-here", &found), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		found = (struct account){7, 8};
		ck_assert_msg(privilege_parse_account(wrong[i], &found) < 0, "%s", wrong[i]);
		ck_assert(found.uid == 7 && found.gid == 8);
	}
}
END_TEST

START_TEST(capabilities_are_described)
{
	char buffer[128], small[8];

	ck_assert_str_eq(privilege_describe(0, buffer, sizeof(buffer)), "none");
	ck_assert_str_eq(
		privilege_describe(CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN), buffer, sizeof(buffer)),
		"cap_net_admin,cap_net_raw");
	ck_assert_str_eq(privilege_describe(UINT64_C(1) << 63, buffer, sizeof(buffer)), "63");
	ck_assert_str_eq(privilege_describe(UINT64_MAX, small, sizeof(small)), "cap_cho");
}
END_TEST

static int remove_entry(const char *name, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(name);
}

int main(void)
{
	Suite *suite = suite_create("privilege");
	TCase *cases = tcase_create("privilege");
	SRunner *runner;
	int failed;

	if (geteuid() != 0) {
		(void)printf("SKIP: needs root, to have something to give up\n");
		return SKIPPED;
	}
	if (!mkdtemp(base) || chmod(base, 0755) < 0) {
		perror(base);
		return EXIT_FAILURE;
	}
	tcase_add_test(cases, the_drop_leaves_exactly_what_was_asked);
	tcase_add_test(cases, a_drop_to_nothing);
	tcase_add_test(cases, not_started_as_root_drops_to_what_is_held);
	tcase_add_test(cases, root_must_become_somebody_else);
	tcase_add_test(cases, only_what_was_kept_works);
	tcase_add_test(cases, programs_mounts_and_the_rest_are_refused);
#ifdef __x86_64__
	tcase_add_loop_test(cases, another_architecture_is_fatal, 0, 2);
#endif
	tcase_add_test(cases, without_powerful_capabilities_landlock_alone_fences);
	tcase_add_test(cases, setns_is_for_network_namespaces_only);
	tcase_add_test(cases, setns_is_refused_where_no_rule_needs_it);
	tcase_add_test(cases, setfsuid_is_left_but_not_to_root);
	tcase_add_test(cases, setfsuid_is_refused_where_no_rule_needs_it);
	tcase_add_test(cases, files_are_out_of_reach);
	tcase_add_test(cases, own_sockets_can_be_removed);
	tcase_add_test(cases, the_daily_work_goes_on);
	tcase_add_loop_test(cases, a_named_namespace_can_be_opened, 0, 2);
	tcase_add_test(cases, threads_can_be_made);
	tcase_add_test(cases, a_reduction_reaches_every_thread);
	tcase_add_test(cases, the_audit_file_survives_the_drop);
	tcase_add_test(cases, accounts_are_parsed);
	tcase_add_test(cases, capabilities_are_described);
	tcase_set_timeout(cases, 30);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	(void)nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
