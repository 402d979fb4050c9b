#include "client/run/receiver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "proto/macro.h"

#define PATIENCE_MSEC 1000
#define WATCH_USEC 2000
#define CALLS_ALONE 16u
#define IDLE_MAX 32u /* each holds a connection, of which a user has not so many */
#define STACK_SIZE (64u * 1024u)

static struct {
	int listener;
	int (*start_thread)(void);
	sem_t role;		 /* 1 while nobody has it */
	_Atomic unsigned n_idle; /* who would take it */
	/* The number of the call that whoever has the role is at; 0: it waits for one. The role is
	 * given up by setting this to 0: by itself, or by the watcher in its place. */
	_Atomic uint64_t busy;
	_Atomic uint64_t n_calls;
	_Atomic pid_t caller;	  /* of the last call */
	_Atomic unsigned n_alone; /* how many calls in a row were its */
	sem_t wake_watcher;
	_Atomic bool watcher_sleeps;
} receiver;

static _Thread_local bool has_role;
static _Thread_local uint64_t call_number;

static void offer_role(void)
{
	bool is_anyone_there = atomic_load(&receiver.n_idle) > 0;

	(void)sem_post(&receiver.role);
	/* Where there can be no more, the next that is done with its call takes it. */
	if (!is_anyone_there)
		(void)receiver.start_thread();
}

/* Ends the call with the given number as far as the role is concerned. Returns false where the role
 * is no longer with whoever is at it. */
static bool end_call(uint64_t number)
{
	return atomic_compare_exchange_strong(&receiver.busy, &number, 0);
}

static void wait_on(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0)
		;
}

/* Returns when nothing has been received for a while. */
static void watch_while_busy(void)
{
	uint64_t before = 0, n_calls = 0;

	for (;;) {
		(void)usleep(WATCH_USEC);
		uint64_t number = atomic_load(&receiver.busy);
		if (number != 0 && number == before && end_call(number))
			offer_role();
		else if (number == 0 && n_calls == atomic_load(&receiver.n_calls))
			return;
		before = number;
		n_calls = atomic_load(&receiver.n_calls);
	}
}

static void *watch(void *data _unused_)
{
	for (;;) {
		atomic_store(&receiver.watcher_sleeps, true);
		if (atomic_load(&receiver.busy) == 0)
			wait_on(&receiver.wake_watcher);
		atomic_store(&receiver.watcher_sleeps, false);
		watch_while_busy();
	}
	return NULL;
}

int receiver_setup(int listener, int (*start_thread)(void))
{
	pthread_attr_t attributes;
	pthread_t thread;

	receiver.listener = listener;
	receiver.start_thread = start_thread;
	if (sem_init(&receiver.role, 0, 1) < 0 || sem_init(&receiver.wake_watcher, 0, 0) < 0)
		return negative_errno();
	int error = pthread_attr_init(&attributes);
	if (error == 0) {
		(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
		(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		error = pthread_create(&thread, &attributes, watch, NULL);
		(void)pthread_attr_destroy(&attributes);
	}
	return -error;
}

static bool is_call_there(void)
{
	struct pollfd polled = {.fd = receiver.listener, .events = POLLIN};

	return poll(&polled, 1, 0) > 0 && polled.revents & POLLIN;
}

bool receiver_become(void)
{
	if (has_role && call_number != 0)
		has_role = end_call(call_number);
	call_number = 0;
	/* Where calls come faster than they are answered nobody goes to sleep. */
	if (has_role || is_call_there())
		return true;
	if (atomic_fetch_add(&receiver.n_idle, 1) >= IDLE_MAX) {
		atomic_fetch_sub(&receiver.n_idle, 1);
		return false;
	}
	wait_on(&receiver.role);
	atomic_fetch_sub(&receiver.n_idle, 1);
	has_role = true;
	return true;
}

void receiver_begin(pid_t caller)
{
	if (atomic_exchange(&receiver.caller, caller) == caller)
		atomic_fetch_add(&receiver.n_alone, 1);
	else
		atomic_store(&receiver.n_alone, 0);
	if (!has_role)
		return;
	call_number = atomic_fetch_add(&receiver.n_calls, 1) + 1;
	atomic_store(&receiver.busy, call_number);
	if (atomic_load(&receiver.watcher_sleeps) &&
		atomic_exchange(&receiver.watcher_sleeps, false))
		(void)sem_post(&receiver.wake_watcher);
}

void receiver_hand_on(void)
{
	if (!has_role)
		return;
	has_role = false;
	if (end_call(call_number))
		offer_role();
}

void receiver_wait_for(int fd)
{
	struct pollfd polled[] = {
		{.fd = fd, .events = POLLIN}, {.fd = receiver.listener, .events = POLLIN}};

	/* Who alone makes calls waits for its own. Should another begin just now, the watcher sees
	 * to it. */
	if (!has_role || atomic_load(&receiver.n_alone) >= CALLS_ALONE)
		return;
	(void)poll(polled, ARRAY_SIZE(polled), PATIENCE_MSEC);
	if (polled[0].revents == 0)
		receiver_hand_on();
}
