#include "client/run/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/run/answer-call.h"
#include "client/run/filter.h"
#include "client/run/given.h"
#include "client/run/listener.h"
#include "client/run/observe.h"
#include "client/run/receiver.h"
#include "client/run/residents.h"
#include "client/run/say.h"
#include "client/run/window.h"
#include "lib/broker.h"
#include "lib/slot.h"
#include "lib/span.h"
#include "proto/macro.h"

#define THREADS_FIRST 2u
#define THREADS_MAX 256u
#define FDS_FOR_ALL 8u	  /* the standard three, the listener, the parent and some room */
#define FDS_FOR_THREAD 6u /* its connection, the program's socket and the way to that */
#define FDS_PART_FOR_RESIDENTS 8u
#define STACK_SIZE (512u * 1024u)

#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1ul << 1)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1ul << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

static struct supervisor {
	int listener;
	struct surroundings surroundings;
	size_t notification_size, response_size;
	unsigned n_threads_max;
	_Atomic unsigned n_threads;
	pthread_mutex_t window_lock; /* between finding a number free and taking it */
} supervisor = {.window_lock = PTHREAD_MUTEX_INITIALIZER};

/* The call may be over before it is answered: the program was killed, or a signal came. */
static void respond(const struct call *call, void *buffer, const struct answer *answer)
{
	struct seccomp_notif_resp *response = buffer;

	memset(response, 0, supervisor.response_size);
	response->id = call->target.id;
	if (answer->kind == ANSWER_CONTINUE)
		response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (answer->value < 0)
		response->error = (int)answer->value;
	else
		response->val = answer->value;
	(void)listener_tell(supervisor.listener, SECCOMP_IOCTL_NOTIF_SEND, response);
}

/*
 * With the answer in one, so that no descriptor is left there where the call was interrupted. A
 * stop of this process (SIGSTOP, the freezer, a debugger) just before the program takes it makes
 * the kernel answer 0 instead, and not tell us. Given in two steps it could be begun anew, but
 * every socket would take a twelfth longer.
 */
static int add_fd(const struct call *call, const struct answer *answer, int number)
{
	struct seccomp_notif_addfd addfd = {
		.id = call->target.id,
		.flags = SECCOMP_ADDFD_FLAG_SEND | (number >= 0 ? SECCOMP_ADDFD_FLAG_SETFD : 0),
		.srcfd = (uint32_t)answer->fd,
		.newfd = number >= 0 ? (uint32_t)number : 0,
		.newfd_flags = answer->close_on_exec ? O_CLOEXEC : 0,
	};
	int r = listener_tell(supervisor.listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);

	return MIN_OF(r, 0);
}

/* The highest number of its window that is free in the program, and stays so; -1: none is, or none
 * can be seen. */
static int find_number(const struct call *call, const struct window *window)
{
	int first = window->first - WINDOW_GAP, found = -1;
	unsigned n_looked_at = WINDOW_GAP + window->size;
	bool used[WINDOW_GAP + WINDOW_SIZE_MAX];
	unsigned n_free = 0;

	if (target_used_fds(&call->target, first, n_looked_at, used) < 0)
		return -1;
	for (unsigned i = 0; i < n_looked_at; i++) {
		if (used[i])
			continue;
		if (i >= WINDOW_GAP && n_free >= WINDOW_GAP)
			found = first + (int)i;
		n_free++;
	}
	return found;
}

static int add_fd_in_window(const struct call *call, const struct answer *answer)
{
	pthread_mutex_lock(&supervisor.window_lock);
	int number = find_number(call, &supervisor.surroundings.windows[answer->window]);
	int r = number < 0 ? -EMFILE : add_fd(call, answer, number);
	pthread_mutex_unlock(&supervisor.window_lock);
	return r;
}

/* Done on purpose by the program: not while a number is being found. */
static void give_fd_exactly(const struct call *call, void *buffer, const struct answer *answer)
{
	const struct answer go_on = answer_continue();

	pthread_mutex_lock(&supervisor.window_lock);
	int r = add_fd(call, answer, answer->number);
	pthread_mutex_unlock(&supervisor.window_lock);
	/* Nothing was done here. */
	if (r < 0 && r != -ENOENT)
		respond(call, buffer, &go_on);
}

static void give_fd(const struct call *call, void *buffer, const struct answer *answer)
{
	int r = answer->window != WINDOW_NONE ? add_fd_in_window(call, answer) : -EMFILE;

	/* Any other number will do where only its sends are not seen. */
	if (r < 0 && r != -ENOENT)
		r = add_fd(call, answer, -1);
	if (r < 0 && r != -ENOENT) {
		const struct answer failure = answer_value(r);
		respond(call, buffer, &failure);
	}
}

static void answer_one(const struct seccomp_notif *notification, void *buffer)
{
	struct call call;
	struct answer answer = answer_continue();

	if (call_decode(notification, supervisor.listener, &call) == 0 && call.target.tid > 0) {
		observe_call(&call);
		answer = answer_call(&supervisor.surroundings, &call);
		observe_call(NULL);
	}
	if (answer.kind != ANSWER_FD) {
		respond(&call, buffer, &answer);
		return;
	}
	given_begin();
	if (answer.exactly)
		give_fd_exactly(&call, buffer, &answer);
	else
		give_fd(&call, buffer, &answer);
	close_quietly(answer.fd);
	given_end();
}

static void close_connection(void)
{
	struct slot *slot;

	if (slot_take(SPAN_FOREVER, &slot) == 0) {
		slot_close(slot);
		slot_leave(slot);
	}
}

/* data: the room for a call and its answer. */
static void *serve(void *data)
{
	_cleanup_free_ unsigned char *room = data;
	struct seccomp_notif *notification = (void *)room;
	void *buffer = room + ALIGN8(supervisor.notification_size);

	slot_use_own();
	while (receiver_become()) {
		memset(notification, 0, supervisor.notification_size);
		int r = ioctl(supervisor.listener, SECCOMP_IOCTL_NOTIF_RECV, notification);
		if (r < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
			continue;
		if (r < 0) {
			say_error("calls cannot be received: %s", strerror(errno));
			_exit(EXIT_FAILURE); /* and they fail, instead of waiting for ever */
		}
		receiver_begin((pid_t)notification->pid);
		answer_one(notification, buffer);
	}
	close_connection();
	atomic_fetch_sub(&supervisor.n_threads, 1);
	return NULL;
}

static int start_thread(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	if (atomic_fetch_add(&supervisor.n_threads, 1) >= supervisor.n_threads_max) {
		atomic_fetch_sub(&supervisor.n_threads, 1);
		return -EAGAIN;
	}
	/* Not by the thread itself: whoever starts it would not hear that there is none. */
	_cleanup_free_ void *room =
		malloc(ALIGN8(supervisor.notification_size) + supervisor.response_size);
	int error = room ? pthread_attr_init(&attributes) : ENOMEM;
	if (error == 0) {
		(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
		(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		error = pthread_create(&thread, &attributes, serve, room);
		(void)pthread_attr_destroy(&attributes);
	}
	if (error != 0)
		atomic_fetch_sub(&supervisor.n_threads, 1);
	else
		(void)TAKE_PTR(room);
	return -error;
}

static unsigned fds_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	return (unsigned)MIN_OF(limit.rlim_cur, (rlim_t)INT_MAX);
}

/* No more than can work at once: the connections of idle ones would take the last descriptors. */
static unsigned threads_max(unsigned fds)
{
	unsigned n = fds <= FDS_FOR_ALL ? 0 : (fds - FDS_FOR_ALL) / FDS_FOR_THREAD;

	return MAX_OF(MIN_OF(n, THREADS_MAX), THREADS_FIRST);
}

int supervisor_start(int listener, const struct surroundings *surroundings)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return negative_errno();
	if (!filter_can_answer(listener))
		return -EOPNOTSUPP;
	supervisor.listener = listener;
	supervisor.surroundings = *surroundings;
	supervisor.notification_size = MAX_OF(sizes.seccomp_notif, sizeof(struct seccomp_notif));
	supervisor.response_size =
		MAX_OF(sizes.seccomp_notif_resp, sizeof(struct seccomp_notif_resp));
	/* The answering thread's processor goes to the waiting one at once; from Linux 6.6. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	unsigned fds = fds_max();
	unsigned n_residents = surroundings->moves_are_seen ? fds / FDS_PART_FOR_RESIDENTS : 0;
	residents_begin(n_residents);
	supervisor.n_threads_max = threads_max(fds - n_residents);
	int r = receiver_setup(listener, start_thread);
	if (r < 0)
		return r;
	broker_set_waiting(receiver_wait_for);
	for (unsigned i = 0; i < THREADS_FIRST; i++) {
		r = start_thread();
		if (r < 0)
			return r;
	}
	return 0;
}
