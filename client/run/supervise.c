#include "client/run/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/run/close-others.h"
#include "client/run/elsewhere.h"
#include "client/run/observe.h"
#include "client/run/offspring.h"
#include "client/run/say.h"
#include "client/run/supervisor.h"
#include "client/run/sysctl.h"
#include "lib/broker.h"
#include "lib/slot.h"
#include "lib/sockd.h"
#include "proto/macro.h"
#include "proto/transport.h"

#define STOPPED_CHECK_MSEC 100

/*
 * What would keep a terminal, a pipe, a directory or a mount busy is let go of. It stays in the
 * session, for which the kernel may set aside a share of the processor, and in the job: the program
 * would else have a parent in another one, and be no orphan to the terminal when the shell has
 * gone.
 */
static void detach(int with_program, int with_parent)
{
	struct rlimit limit;
	sigset_t all;

	(void)!chdir("/");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	put_null(STDIN_FILENO, STDOUT_FILENO);
	close_all_but(with_program, with_parent);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Whoever has just been answered goes on, and is not interrupted for the sake of a thread that has
 * nothing left to do but to wait for the next call. */
static void let_program_go_first(void)
{
	const struct sched_param none = {0};

	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

/* Returns whether what the program sends may come to anything: who is to see everything is to see
 * what is refused too, and a broker that is not there now may be there later. */
static bool report_broker(int with_parent, pid_t program)
{
	struct supervise_report report = {.program = program};
	bool may_send = true;

	int r = broker_reach(&may_send);
	report.error = -r;
	if (r < 0)
		snprintf(report.reason, sizeof report.reason, "%s", sockd_reason());
	if (write(with_parent, &report, sizeof report) != sizeof report)
		_exit(EXIT_SOCKD_RUN); /* it waits for that, and says that there was none */
	return may_send || observe_is_on();
}

/* Exactly one listener. */
static int receive_listener(int with_program)
{
	struct transport_message message;
	char word;
	int listener;

	int r = transport_receive(with_program, &word, sizeof word, &listener, 1, 0, &message);
	if (r < 0)
		return r;
	if (message.n_fds == 1 && message.size == sizeof word)
		return listener;
	if (message.n_fds == 1)
		close_quietly(listener);
	return -ECONNRESET;
}

static unsigned first_free_port(void)
{
	/* Those below 1024 are tried each time: the setting may change. */
	return MAX_OF(sysctl_number("/proc/sys/net/ipv4/ip_unprivileged_port_start"), 1024u);
}

static int remember_rights(pid_t program, struct surroundings *surroundings)
{
	static struct rights of_program;
	struct rights own;

	int r = rights_of(0, &own);
	if (r < 0)
		return r;
	surroundings->rights_stay = !rights_can_change(&own);
	rights_release(&own);
	r = rights_of(program, &of_program);
	surroundings->rights = &of_program;
	return r;
}

/* In a user namespace of its own (--map-root) the program has capabilities: with them a thread can
 * be made in another network namespace, and take the place of its process's first. */
static int note_whether_moves_are_seen(struct surroundings *surroundings)
{
	struct namespaces own;

	int r = namespaces_of(0, &own);
	if (r == 0)
		surroundings->moves_are_seen =
			surroundings->rights_stay && own.user == surroundings->home.user;
	return r;
}

static bool is_stopped(pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	const char *at = strrchr(text, ')');
	return at && (strncmp(at, ") T", 3) == 0 || strncmp(at, ") t", 3) == 0);
}

struct watched {
	pid_t parent, program;
	int with_parent;
};

static void wake_parent(const struct watched *watched, int number)
{
	if (getppid() == watched->parent)
		(void)kill(watched->parent, number);
}

static void tell_parent(int status, void *data)
{
	const struct watched *watched = data;
	const struct supervise_news news = {.status = status};

	if (watched->with_parent < 0)
		return;
	if (send(watched->with_parent, &news, sizeof news, MSG_NOSIGNAL) != sizeof news) {
		/* The program becomes its child, who then sees for itself. */
		observe_end(false);
		_exit(EXIT_SOCKD_RUN);
	}
	wake_parent(watched, SIGCHLD);
}

/* Somebody has the filter still. */
static bool is_in_use(int listener)
{
	struct pollfd polled = {.fd = listener};

	return listener >= 0 && poll(&polled, 1, 0) >= 0 && !(polled.revents & (POLLHUP | POLLERR));
}

/* Returns whether it goes on. */
static bool hear_parent(struct watched *watched, int listener, bool *ret_stopped)
{
	char word;
	ssize_t n = read(watched->with_parent, &word, sizeof word);

	if (n == sizeof word &&
		(word == SUPERVISE_PROGRAM_STOPPED || word == SUPERVISE_PARENT_RESUMED)) {
		*ret_stopped = word == SUPERVISE_PROGRAM_STOPPED;
		return true;
	}
	if (n != sizeof word || word != SUPERVISE_PROGRAM_ENDED)
		return false;
	observe_end(is_in_use(listener));
	/* Whoever reads from the other end of a pipe waits for the program's descendants, not for
	 * us. */
	put_null(STDERR_FILENO, STDERR_FILENO);
	(void)supervise_send_word(watched->with_parent, word);
	close_quietly(TAKE_FD(watched->with_parent));
	return true;
}

/* Until nothing is left to supervise, and the parent has heard how the program ended. */
static void wait_for_end(struct watched *watched, int listener, int children)
{
	struct pollfd polled[] = {{.fd = listener}, {.fd = watched->with_parent, .events = POLLIN},
		{.fd = children, .events = POLLIN}};
	bool stopped = false, ended = false;

	while (polled[0].fd >= 0 || watched->with_parent >= 0) {
		if (poll(polled, ARRAY_SIZE(polled), stopped ? STOPPED_CHECK_MSEC : -1) < 0 &&
			errno != EINTR)
			return;
		if (polled[0].revents & (POLLHUP | POLLERR))
			polled[0].fd = -1;
		/* More than once: it may not have stopped yet. */
		if (stopped && (ended || !is_stopped(watched->program)))
			wake_parent(watched, SIGCONT);
		if (polled[1].revents != 0 && !hear_parent(watched, polled[0].fd, &stopped))
			return;
		polled[1].fd = watched->with_parent;
		if (polled[2].revents != 0 &&
			offspring_look_after(children, watched->program, tell_parent, watched))
			ended = true;
	}
}

/* Its parent may have changed its mind. */
static bool may_begin(int with_parent)
{
	char word;

	return read(with_parent, &word, sizeof word) == sizeof word && word == SUPERVISE_BEGIN;
}

static void let_go_on(int with_program, char word)
{
	if (!supervise_send_word(with_program, word))
		_exit(EXIT_SOCKD_RUN);
}

_Noreturn void supervise_not(int with_parent)
{
	const struct supervise_report said = {.error = ECANCELED};

	(void)!write(with_parent, &said, sizeof said);
	_exit(EXIT_SOCKD_RUN);
}

_Noreturn void supervise(const struct options *options, const struct window *windows, pid_t program,
	int with_program, int with_parent)
{
	struct watched watched = {
		.parent = getppid(), .program = program, .with_parent = with_parent};
	struct surroundings surroundings = {.netns = options->netns};

	memcpy(surroundings.windows, windows, sizeof surroundings.windows);
	/* A file's name is understood from the user's directory. */
	if (observe_start(options) < 0)
		supervise_not(with_parent);
	detach(with_program, with_parent);
	let_program_go_first();
	slot_use_own();
	bool sends = report_broker(with_parent, program);
	if (!may_begin(with_parent))
		_exit(EXIT_SOCKD_RUN);
	if (!sends)
		windows_leave_sends(surroundings.windows);
	let_go_on(with_program, sends ? SUPERVISE_GO_ON : SUPERVISE_GO_ON_WITHOUT_SENDS);
	int listener = receive_listener(with_program);
	if (listener < 0)
		_exit(EXIT_SUCCESS); /* the program has said why, or was killed */
	surroundings.first_free_port = first_free_port();
	int children = offspring_watch(), r = children;
	if (r >= 0)
		r = namespaces_keep(program);
	if (r == 0)
		r = namespaces_of(program, &surroundings.home);
	if (r == 0)
		r = remember_rights(program, &surroundings);
	if (r == 0)
		r = note_whether_moves_are_seen(&surroundings);
	if (r == 0)
		r = supervisor_start(listener, &surroundings);
	if (r < 0) {
		say_error("the program cannot be supervised: %s", strerror(-r));
		(void)supervise_send_word(with_program, SUPERVISE_GIVEN_UP);
		_exit(EXIT_SUCCESS); /* which is no news to the parent */
	}
	let_go_on(with_program, SUPERVISE_GO_ON);
	close_quietly(with_program);
	wait_for_end(&watched, listener, children);
	elsewhere_end();
	observe_end(false);
	_exit(EXIT_SUCCESS);
}
