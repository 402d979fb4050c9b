#include "client/run/elsewhere.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "client/run/close-others.h"
#include "client/run/observe.h"
#include "client/run/say.h"
#include "lib/ask.h"
#include "lib/broker.h"
#include "lib/kernel.h"
#include "lib/slot.h"
#include "lib/sockd.h"
#include "lib/span.h"
#include "proto/macro.h"
#include "proto/transport.h"

#define ENVOYS_MAX 8u
#define IDLE_MSEC 3000
/* All of a call: an envoy may ask the broker twice. One that is not heard of by then is in the
 * program's hands, which can stop it as it can all that is its user's. */
#define PATIENCE_USEC ((2 * BROKER_TIMEOUT + 5) * INT64_C(1000000))

struct reply {
	bool left_to_kernel;
	int error; /* positive; 0: done */
};

/* As it is sent: no more of the observation than there is. */
struct message_home {
	struct reply reply;
	struct observation observation;
};
#define MESSAGE_HOME_MIN offsetof(struct message_home, observation.packet)

/* One of our processes in another namespace. */
static struct envoy {
	pthread_mutex_t lock;	 /* one request at a time */
	struct namespaces where; /* this and what follows change under table_lock too */
	int channel;		 /* -1: nobody is there */
	int pidfd;
	uint64_t last_use;
} envoys[ENVOYS_MAX] = {
	[0 ... ENVOYS_MAX - 1] = {PTHREAD_MUTEX_INITIALIZER, .channel = -1, .pidfd = -1}};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t uses;

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capset, &header, none) < 0 ? negative_errno() : 0;
}

static struct reply open_here(
	const char *netns, const struct elsewhere_request *request, int *ret_fd)
{
	int domain = request->numbers[0], type = request->numbers[1];
	int protocol = request->numbers[2];
	struct ask_result result;

	if (netns) {
		enum ask_outcome outcome =
			ask_socket(domain, type, protocol, netns, &result, ret_fd);
		if (outcome == ASK_DONE || outcome == ASK_FAILED)
			return (struct reply){.error = ask_error(outcome, &result, 0)};
	}
	int fd = kernel_socket(domain, type | SOCK_CLOEXEC, protocol);
	if (fd >= 0 || !ask_is_worth_it_for_socket(errno)) {
		close_quietly(fd);
		return (struct reply){.left_to_kernel = true};
	}
	int kernel_error = errno;
	enum ask_outcome outcome = ask_socket(domain, type, protocol, NULL, &result, ret_fd);
	return (struct reply){.error = ask_error(outcome, &result, kernel_error)};
}

static struct reply carry_out(
	const char *netns, const struct elsewhere_request *request, int fd, int *ret_fd)
{
	int r = -1;

	switch (request->kind) {
	case ELSEWHERE_SOCKET:
		return open_here(netns, request, ret_fd);
	case ELSEWHERE_BIND:
		r = sockd_bind(fd, (const struct sockaddr *)request->data, request->size);
		break;
	case ELSEWHERE_SETSOCKOPT:
		r = sockd_setsockopt(
			fd, request->numbers[0], request->numbers[1], request->data, request->size);
		break;
	}
	return (struct reply){.error = r < 0 ? errno : 0};
}

/* Returns false where there is no more to be done. */
static bool serve_one(const char *netns, int channel, struct message_home *home)
{
	struct pollfd polled = {.fd = channel, .events = POLLIN};
	struct transport_message message;
	_Alignas(8) struct elsewhere_request request;
	_cleanup_close_ int fd = -1, given = -1;

	if (poll(&polled, 1, IDLE_MSEC) <= 0)
		return false;
	int r = transport_receive(channel, &request, sizeof request, &fd, 1, 0, &message);
	if (r < 0 || message.n_fds == 0)
		fd = -1;
	if (r < 0 || message.size != sizeof request)
		return false;
	const struct call call = {.target.tid = request.tid};
	observe_call(&call);
	home->observation.size = 0;
	home->reply = carry_out(netns, &request, fd, &given);
	return transport_send(channel, home, MESSAGE_HOME_MIN + home->observation.size, &given,
		       given >= 0 ? 1 : 0, 0) >= 0;
}

/* The process that the way led through may have moved on meanwhile. */
static int arrive(int pidfd, int flags, const struct namespaces *where)
{
	struct namespaces here;

	if (setns(pidfd, flags) < 0)
		return negative_errno();
	int r = namespaces_of(0, &here);
	if (r == 0 && !namespaces_equal(&here, where))
		r = -ESRCH;
	return r < 0 ? r : drop_capabilities();
}

static _Noreturn void be_envoy(
	const char *netns, int pidfd, int flags, const struct namespaces *where, int channel)
{
	struct message_home home = {0};

	close_all_but(pidfd, channel);
	slot_forget_own();
	observe_elsewhere(&home.observation);
	/* Its files are those of home, as is what it can connect to: who is confined there must not
	 * come out by way of it. */
	home.reply.error =
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? errno : -arrive(pidfd, flags, where);
	close_quietly(pidfd);
	if (transport_send(channel, &home, MESSAGE_HOME_MIN, NULL, 0, 0) < 0 ||
		home.reply.error != 0)
		_exit(EXIT_FAILURE);
	while (serve_one(netns, channel, &home))
		;
	_exit(EXIT_SUCCESS);
}

static int receive_home(int channel, int64_t deadline, struct message_home *ret, int *ret_fd)
{
	struct transport_message message;
	int fd;

	int r = span_poll(channel, POLLIN, deadline);
	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	r = transport_receive(channel, ret, sizeof *ret, &fd, 1, 0, &message);
	if (r < 0)
		return r;
	bool is_whole = message.size >= MESSAGE_HOME_MIN &&
			message.size == MESSAGE_HOME_MIN + ret->observation.size;
	if (message.n_fds == 1 && !is_whole)
		close_quietly(fd);
	else if (message.n_fds == 1)
		*ret_fd = fd;
	return is_whole ? 0 : -ECONNRESET;
}

static void settle(struct envoy *envoy, const struct namespaces *where, int channel, int pidfd)
{
	pthread_mutex_lock(&table_lock);
	envoy->where = *where;
	envoy->channel = channel;
	envoy->pidfd = pidfd;
	pthread_mutex_unlock(&table_lock);
}

/* One that is stopped would not see that nobody needs it. */
static void end_envoy(const struct envoy *envoy)
{
	(void)syscall(SYS_pidfd_send_signal, envoy->pidfd, SIGKILL, NULL, 0);
}

static void recall(struct envoy *envoy)
{
	int channel = envoy->channel, pidfd = envoy->pidfd;

	end_envoy(envoy);
	/* Before their numbers are of something else. */
	settle(envoy, &envoy->where, -1, -1);
	close_quietly(channel);
	close_quietly(pidfd);
}

/* Sends a process of ours to where the program is. */
static int send_envoy(const struct surroundings *surroundings, const struct call *call,
	const struct namespaces *where, int64_t deadline, struct envoy *envoy)
{
	int flags = CLONE_NEWNET;
	int channel[2], unexpected = -1;
	struct message_home ready = {0};

	pid_t process = target_process(&call->target);
	if (process < 0)
		return process;
	/* Its leader's namespaces may be others than the thread's. */
	struct namespaces of_process = {0};
	int r = namespaces_of(process, &of_process);
	if (r < 0 || !namespaces_equal(&of_process, where))
		return r < 0 ? r : -EPERM;
	if (where->user != surroundings->home.user)
		flags |= CLONE_NEWUSER;
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
	if (pidfd < 0)
		return negative_errno();
	if (!target_is_waiting(&call->target))
		return -ESRCH;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return negative_errno();
	pid_t sent = fork();
	if (sent == 0)
		be_envoy(surroundings->netns, pidfd, flags, where, channel[1]);
	r = sent < 0 ? negative_errno() : 0;
	close_quietly(channel[1]);
	settle(envoy, where, channel[0], sent < 0 ? -1 : (int)syscall(SYS_pidfd_open, sent, 0));
	if (r == 0)
		r = receive_home(channel[0], deadline, &ready, &unexpected);
	close_quietly(unexpected);
	if (r == 0 && ready.reply.error != 0)
		r = -ready.reply.error;
	return r;
}

/* Returns whether it is locked. */
static bool lock_by(pthread_mutex_t *lock, int64_t deadline)
{
	const struct timespec until = span_timespec(deadline);

	return pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until) == 0;
}

/*
 * An envoy to these namespaces that has nothing to do, or one that can be sent there; locked. Where
 * all have something to do, the one that was used least recently is waited for; NULL: in vain.
 */
static struct envoy *find_envoy(const struct namespaces *where, int64_t deadline)
{
	struct envoy *found = NULL, *oldest = &envoys[0];

	pthread_mutex_lock(&table_lock);
	for (size_t i = 0; i < ENVOYS_MAX && !found; i++)
		if (envoys[i].channel >= 0 && namespaces_equal(&envoys[i].where, where) &&
			pthread_mutex_trylock(&envoys[i].lock) == 0)
			found = &envoys[i];
	for (size_t i = 0; i < ENVOYS_MAX; i++)
		if (envoys[i].last_use < oldest->last_use)
			oldest = &envoys[i];
	for (size_t i = 0; i < ENVOYS_MAX && !found; i++)
		if (envoys[i].channel < 0 && pthread_mutex_trylock(&envoys[i].lock) == 0)
			found = &envoys[i];
	if (!found && pthread_mutex_trylock(&oldest->lock) == 0)
		found = oldest;
	(found ? found : oldest)->last_use = ++uses;
	pthread_mutex_unlock(&table_lock);
	if (!found && lock_by(&oldest->lock, deadline))
		found = oldest;
	return found;
}

static int exchange(struct envoy *envoy, const struct elsewhere_request *request, int fd,
	int64_t deadline, struct message_home *ret, int *ret_fd)
{
	int r = transport_send(
		envoy->channel, request, sizeof *request, &fd, fd >= 0 ? 1 : 0, MSG_NOSIGNAL);

	return r < 0 ? r : receive_home(envoy->channel, deadline, ret, ret_fd);
}

static int ask_envoy(const struct surroundings *surroundings, const struct call *call,
	const struct namespaces *where, const struct elsewhere_request *request, int fd,
	struct message_home *ret, int *ret_fd)
{
	int64_t deadline = span_deadline(span_now(), PATIENCE_USEC);
	struct envoy *envoy = find_envoy(where, deadline);
	int r = -ECONNRESET;

	if (!envoy)
		return -ETIMEDOUT;
	if (envoy->channel >= 0 && !namespaces_equal(&envoy->where, where))
		recall(envoy);
	/* One that was there may just have gone home. */
	if (envoy->channel >= 0)
		r = exchange(envoy, request, fd, deadline, ret, ret_fd);
	if (r < 0) {
		recall(envoy);
		if (r != -ETIMEDOUT)
			r = send_envoy(surroundings, call, where, deadline, envoy);
		if (r == 0)
			r = exchange(envoy, request, fd, deadline, ret, ret_fd);
		if (r < 0)
			recall(envoy);
	}
	pthread_mutex_unlock(&envoy->lock);
	return r;
}

struct answer elsewhere_answer(const struct surroundings *surroundings, const struct call *call,
	const struct namespaces *where, const struct elsewhere_request *request, int fd)
{
	struct message_home home = {0};
	const struct reply *reply = &home.reply;
	int given = -1;

	int r = ask_envoy(surroundings, call, where, request, fd, &home, &given);
	if (r < 0)
		say_verbosely("the namespace that the program has moved to cannot be reached: %s",
			strerror(-r));
	else
		observe_brought_home(&home.observation, fd);
	bool expected = request->kind == ELSEWHERE_SOCKET && reply->error == 0;
	if (r < 0 || reply->left_to_kernel || (given >= 0) != expected) {
		close_quietly(given);
		return answer_continue();
	}
	if (given < 0)
		return answer_value(-reply->error);
	return (struct answer){
		.kind = ANSWER_FD,
		.fd = given,
		.close_on_exec = request->numbers[1] & SOCK_CLOEXEC,
	};
}

void elsewhere_end(void)
{
	pthread_mutex_lock(&table_lock);
	for (size_t i = 0; i < ENVOYS_MAX; i++)
		end_envoy(&envoys[i]);
	pthread_mutex_unlock(&table_lock);
}
