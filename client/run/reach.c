#include "client/run/reach.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "client/run/observe.h"
#include "client/run/say.h"
#include "proto/macro.h"

#define QUIET_SECONDS 10

/* Is it news of this process? Of the last ones it is known. */
static bool is_first_of(pid_t process)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static pid_t known[64];
	static size_t n;
	bool first = true;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		first = first && known[i] != process;
	if (first)
		known[n++ % ARRAY_SIZE(known)] = process;
	pthread_mutex_unlock(&lock);
	return first;
}

/* Where nobody asks it would be said of every browser's sandbox. */
void reach_refrained(const struct call *call, const char *why)
{
	char name[TARGET_NAME_SIZE];
	pid_t process = observe_is_on() ? target_process(&call->target) : -1;

	if (process < 0 || !is_first_of(process))
		return;
	target_name(&call->target, name);
	say("%s[%d] is left to the kernel: %s", name, (int)process, why);
}

static void say_not_dumpable(const struct call *call)
{
	char name[TARGET_NAME_SIZE];
	pid_t process = target_process(&call->target);

	if (process < 0 || !is_first_of(process))
		return;
	target_name(&call->target, name);
	say("%s[%d] may not be looked into (its file cannot be read, it made itself undumpable, or "
	    "the sysctl kernel.yama.ptrace_scope or a seccomp filter is against it), so nothing "
	    "can be done on its sockets",
		name, (int)process);
}

/* Every call runs into it while it lasts. */
static void say_few_descriptors(void)
{
	static _Atomic time_t last;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	time_t before = atomic_load(&last);
	if ((before == 0 || now.tv_sec - before >= QUIET_SECONDS) &&
		atomic_compare_exchange_strong(&last, &before, now.tv_sec + 1))
		say("too many descriptors are in use here (see ulimit -Hn) to act for the program; "
		    "its calls are left to the kernel");
}

void reach_failed(const struct call *call, int error)
{
	if (error == -EPERM || error == -EACCES || error == -ENOSYS)
		say_not_dumpable(call);
	else if (error == -EMFILE || error == -ENFILE)
		say_few_descriptors();
}

int reach_fd(const struct call *call, int number)
{
	int fd = target_get_fd(&call->target, number);

	if (fd < 0)
		reach_failed(call, fd);
	return fd;
}

int reach_memory(const struct call *call, uint64_t address, void *buffer, size_t size)
{
	int r = target_read(&call->target, address, buffer, size);

	if (r < 0)
		reach_failed(call, r);
	return r;
}
