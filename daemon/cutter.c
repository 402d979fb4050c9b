#include "daemon/cutter.h"

#include <signal.h>
#include <unistd.h>

#include "proto/macro.h"

#define CUT_SIGNAL SIGUSR2

static void on_cut(int signal _unused_)
{
}

int cutter_install(void)
{
	const struct sigaction cut = {.sa_handler = on_cut};

	return sigaction(CUT_SIGNAL, &cut, NULL) < 0 ? negative_errno() : 0;
}

void cutter_init(struct cutter *cutter)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = CUT_SIGNAL};
	sigset_t set;

	event._sigev_un._tid = gettid();
	sigemptyset(&set);
	sigaddset(&set, CUT_SIGNAL);
	cutter->nsec = 0;
	cutter->usable = timer_create(CLOCK_MONOTONIC, &event, &cutter->timer) == 0 &&
			 pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0;
}

void cutter_run(struct cutter *cutter, long nsec)
{
	const struct itimerspec when = {.it_interval.tv_nsec = nsec, .it_value.tv_nsec = nsec};

	if (cutter->usable && cutter->nsec != nsec)
		(void)timer_settime(cutter->timer, 0, &when, NULL);
	cutter->nsec = nsec;
}

void cutter_done(struct cutter *cutter)
{
	if (cutter->usable)
		(void)timer_delete(cutter->timer);
}
