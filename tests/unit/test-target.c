/* What is learned and taken from a thread, and of which threads that need not be done again. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run/residents.h"
#include "client/run/target.h"
#include "proto/macro.h"
#include "tests/suite.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void end_child(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(nobody_is_known_where_none_may_be)
{
	ck_assert_int_eq(residents_open(getpid()), -1);
	ck_assert(!residents_has(getpid()));
	residents_begin(0);
	ck_assert_int_eq(residents_open(getpid()), -1);
	ck_assert(!residents_has(getpid()));
}
END_TEST

START_TEST(one_is_known_while_it_lives)
{
	pid_t first = start_child(), second = start_child();

	residents_begin(1);
	ck_assert(!residents_has(first));
	residents_add_take(first, -1);
	ck_assert(!residents_has(first));
	int pidfd = residents_open(first);
	ck_assert_int_ge(pidfd, 0);
	residents_add_take(first, pidfd);
	ck_assert(residents_has(first));
	ck_assert(!residents_has(second));
	ck_assert(residents_has(first));
	end_child(first);
	ck_assert(!residents_has(first));
	ck_assert(!is_open(pidfd));
	/* From now on the descriptor's number is somebody else's. */
	ck_assert_int_eq(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, pidfd), pidfd);
	ck_assert(!residents_has(first));
	int next = residents_open(second);
	residents_add_take(second, next);
	ck_assert(residents_has(second));
	ck_assert(is_open(pidfd));
	residents_add_take(getpid(), residents_open(getpid()));
	ck_assert(!residents_has(second));
	ck_assert(!is_open(next));
	ck_assert(residents_has(getpid()));
	residents_end();
	ck_assert(!residents_has(getpid()));
	ck_assert_int_eq(residents_open(getpid()), -1);
	end_child(second);
}
END_TEST

struct thread {
	bool has_own; /* descriptors */
	int own_fd;
	pid_t tid;
	sem_t ready, end;
	pthread_t thread;
};

#define NUMBER 100

static void *run_thread(void *data)
{
	struct thread *thread = data;

	(void)prctl(PR_SET_NAME, "a thread");
	if (thread->has_own &&
		(unshare(CLONE_FILES) < 0 || dup2(thread->own_fd, NUMBER) != NUMBER ||
			close(NUMBER + 1) < 0))
		return NULL;
	thread->tid = (pid_t)syscall(SYS_gettid);
	(void)sem_post(&thread->ready);
	while (sem_wait(&thread->end) < 0)
		;
	return NULL;
}

static void start_thread(struct thread *thread)
{
	ck_assert_int_eq(sem_init(&thread->ready, 0, 0), 0);
	ck_assert_int_eq(sem_init(&thread->end, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&thread->thread, NULL, run_thread, thread), 0);
	ck_assert_int_eq(sem_wait(&thread->ready), 0);
}

static void end_thread(struct thread *thread)
{
	ck_assert_int_eq(sem_post(&thread->end), 0);
	ck_assert_int_eq(pthread_join(thread->thread, NULL), 0);
}

/* Before Linux 6.9 only processes have pidfds. */
static void be_older(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_EXCL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static bool is_same_file(int a, int b)
{
	struct stat one, two;

	ck_assert_int_eq(fstat(a, &one), 0);
	ck_assert_int_eq(fstat(b, &two), 0);
	return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static void expect_fd(pid_t tid, int number, int same)
{
	const struct target target = {.tid = tid};
	_cleanup_close_ int fd = target_get_fd(&target, number);

	ck_assert_msg(fd >= 0, "descriptor %d of %d: %d", number, (int)tid, fd);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert(is_same_file(fd, same));
}

static int error_of_fd(pid_t tid, int number)
{
	const struct target target = {.tid = tid};

	return target_get_fd(&target, number);
}

/* _i: on an older kernel. */
START_TEST(descriptors_are_the_threads)
{
	int ends[2], pid = getpid();
	struct thread sharing = {0}, own = {.has_own = true};

	ck_assert_int_eq(pipe(ends), 0);
	own.own_fd = ends[0];
	ck_assert_int_eq(dup2(STDIN_FILENO, NUMBER), NUMBER);
	ck_assert_int_eq(dup2(STDIN_FILENO, NUMBER + 1), NUMBER + 1);
	start_thread(&sharing);
	start_thread(&own);
	if (_i)
		be_older();
	_cleanup_close_ int pidfd = target_pidfd(pid);
	ck_assert_int_ge(pidfd, 0);
	expect_fd(pid, NUMBER, STDIN_FILENO);
	expect_fd(sharing.tid, NUMBER, STDIN_FILENO);
	expect_fd(own.tid, ends[0], ends[0]);
	ck_assert_int_eq(error_of_fd(pid, NUMBER + 2), -EBADF);
	ck_assert_int_eq(error_of_fd(sharing.tid, NUMBER + 2), -EBADF);
	if (_i) {
		ck_assert_int_eq(error_of_fd(own.tid, NUMBER), -EPERM);
		ck_assert_int_eq(error_of_fd(own.tid, NUMBER + 1), -EPERM);
	} else if (error_of_fd(own.tid, NUMBER) != -EPERM) {
		expect_fd(own.tid, NUMBER, ends[0]);
		ck_assert_int_eq(error_of_fd(own.tid, NUMBER + 1), -EBADF);
	}
	end_thread(&sharing);
	end_thread(&own);
	pid_t gone = start_child();
	end_child(gone);
	ck_assert_int_lt(error_of_fd(gone, STDIN_FILENO), 0);
}
END_TEST

START_TEST(used_numbers)
{
	static const int used[] = {198, 199, 200, 203, 204, 205};
	const struct target target = {.tid = getpid()};
	bool seen[6] = {true, true, true, true, true, true};

	for (size_t i = 0; i < ARRAY_SIZE(used); i++)
		ck_assert_int_eq(dup2(STDIN_FILENO, used[i]), used[i]);
	ck_assert_int_eq(target_used_fds(&target, 200, 4, seen + 1), 0);
	ck_assert(seen[1] && !seen[2] && !seen[3] && seen[4]);
	ck_assert_int_eq(target_used_fds(&target, 202, 3, seen + 1), 0);
	ck_assert(!seen[1] && seen[2] && seen[3] && seen[4]);
	ck_assert_int_eq(target_used_fds(&target, 201, 2, seen + 1), 0);
	ck_assert(!seen[1] && !seen[2]);
	ck_assert(seen[0] && seen[3] && seen[4] && seen[5]);
	const struct target nobody = {.tid = INT32_MAX};
	ck_assert_int_lt(target_used_fds(&nobody, 200, 4, seen), 0);
}
END_TEST

START_TEST(memory_is_read_as_a_whole)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct target target = {.tid = getpid()};
	char *start =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char copy[16] = {0};

	ck_assert_ptr_ne(start, MAP_FAILED);
	ck_assert_int_eq(munmap(start + page, page), 0);
	uint64_t end = (uintptr_t)start + page;
	memset(start + page - sizeof copy, 'x', sizeof copy);
	ck_assert_int_eq(target_read(&target, end - sizeof copy, copy, sizeof copy), 0);
	ck_assert_int_eq(copy[0], 'x');
	ck_assert_int_eq(copy[sizeof copy - 1], 'x');
	ck_assert_int_eq(target_read(&target, end - sizeof copy + 1, copy, sizeof copy), -EFAULT);
	ck_assert_int_eq(target_read(&target, end, copy, sizeof copy), -EFAULT);
	const struct target nobody = {.tid = INT32_MAX};
	ck_assert_int_eq(target_read(&nobody, end - sizeof copy, copy, sizeof copy), -ESRCH);
	ck_assert_int_eq(munmap(start, page), 0);
}
END_TEST

START_TEST(a_process_has_one_name)
{
	struct thread thread = {0};
	char name[TARGET_NAME_SIZE];

	/* What a program calls itself is not to change the lines of others. */
	ck_assert_int_eq(prctl(PR_SET_NAME, "a\nTgid:\t7\033["), 0);
	start_thread(&thread);
	const struct target target = {.tid = thread.tid}, nobody = {.tid = INT32_MAX};
	ck_assert_int_eq(target_process(&target), getpid());
	ck_assert_int_lt(target_process(&nobody), 0);
	target_name(&target, name);
	ck_assert_str_eq(name, "a?Tgid:?7?[");
	target_name(&nobody, name);
	ck_assert_str_eq(name, "?");
	end_thread(&thread);
}
END_TEST

START_TEST(capabilities)
{
	const struct target target = {.tid = getpid()}, nobody = {.tid = INT32_MAX};

	ck_assert(target_has_capabilities(&nobody));
	if (geteuid() == 0) {
		ck_assert(target_has_capabilities(&target));
		struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
		const struct __user_cap_data_struct few[2] = {
			{.effective = 0xa0, .permitted = 0xa0}};
		ck_assert_int_eq(syscall(SYS_capset, &header, few), 0);
		ck_assert(target_has_capabilities(&target));
		const struct __user_cap_data_struct none[2] = {{.permitted = 0xa0}};
		ck_assert_int_eq(syscall(SYS_capset, &header, none), 0);
	}
	ck_assert(!target_has_capabilities(&target));
}
END_TEST

START_TEST(namespaces)
{
	const struct namespaces one = {.network = 1, .user = 2};
	const struct namespaces others[] = {{.network = 3, .user = 2}, {.network = 1, .user = 3}};
	struct namespaces own, same, unknown = one;

	ck_assert(namespaces_equal(&one, &one));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert(!namespaces_equal(&one, &others[i]));
	ck_assert_int_eq(namespaces_of(0, &own), 0);
	ck_assert_int_eq(namespaces_of(getpid(), &same), 0);
	ck_assert(namespaces_equal(&own, &same));
	ck_assert_int_lt(namespaces_of(INT32_MAX, &unknown), 0);
	ck_assert(namespaces_equal(&one, &unknown));
	ck_assert_int_eq(namespaces_keep(getpid()), 0);
	ck_assert_int_lt(namespaces_keep(INT32_MAX), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("target");
	TCase *tests = tcase_create("target");

	tcase_add_test(tests, nobody_is_known_where_none_may_be);
	tcase_add_test(tests, one_is_known_while_it_lives);
	tcase_add_loop_test(tests, descriptors_are_the_threads, 0, 2);
	tcase_add_test(tests, used_numbers);
	tcase_add_test(tests, memory_is_read_as_a_whole);
	tcase_add_test(tests, a_process_has_one_name);
	tcase_add_test(tests, capabilities);
	tcase_add_test(tests, namespaces);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
