#include "daemon/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

int thread_start(void *(*run)(void *data), void *data, pthread_t *ret)
{
	/* A fault of the thread itself must still be reported where it happens. */
	static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
	sigset_t blocked, before;
	pthread_t thread;
	int r;

	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(own_faults) / sizeof(own_faults[0]); i++)
		sigdelset(&blocked, own_faults[i]);

	/* Blocked before the thread exists: it inherits the mask and never runs with another one.
	 */
	r = pthread_sigmask(SIG_BLOCK, &blocked, &before);
	if (r != 0)
		return -r;
	r = pthread_create(&thread, NULL, run, data);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return -r;

	*ret = thread;
	return 0;
}

int thread_start_detached(void *(*run)(void *data), void *data)
{
	pthread_t thread;
	int r = thread_start(run, data, &thread);

	if (r < 0)
		return r;
	(void)pthread_detach(thread);
	return 0;
}

void thread_never_cancelled(void)
{
	/* In this order: from here on nothing is acted on. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	(void)pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
}

void thread_leave_cpu(int cpu)
{
	static _Thread_local cpu_set_t allowed; /* as the administrator set it */
	static _Thread_local bool known;
	cpu_set_t others;

	if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getcpu() != cpu)
		return;
	if (!known)
		known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
	if (!known || CPU_COUNT(&allowed) < 2)
		return;
	others = allowed;
	CPU_CLR(cpu, &others);
	(void)sched_setaffinity(0, sizeof others, &others);
}
