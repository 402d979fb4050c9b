/*
 * The fence round a sockd that holds powerful capabilities: what must not get through, and what the
 * daily work needs.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/privilege.h"
#include "tests/daemon/dropped.h"

static long landlock_abi(void)
{
	return syscall(444, NULL, 0, 1);
}

static bool has_landlock(void)
{
	return landlock_abi() > 0;
}

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
	if (sizeof(long) > sizeof(int))
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
	/* Else the user it was; not every C library sets errno. */
	ck_assert_int_eq(setfsuid(1000), -1);
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
		(void)printf("SKIP files_are_out_of_reach: the kernel has no Landlock\n");
		return;
	}
	make_directory(directory, sizeof(directory));
	(void)snprintf(name, sizeof(name), "%s/../file", directory);
	(void)snprintf(renamed, sizeof(renamed), "%s/../renamed", directory);
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

int main(void)
{
	Suite *suite = suite_create("fence");
	TCase *cases = tcase_create("fence");

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
	tcase_set_timeout(cases, 30);
	suite_add_tcase(suite, cases);
	return dropped_main(suite);
}
