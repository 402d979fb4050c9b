#include "client/run/probe.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/run/filter.h"
#include "client/run/listener.h"
#include "client/run/target.h"
#include "proto/macro.h"
#include "proto/transport.h"

#define MARK EUCLEAN /* which none of the calls ever says by itself */
#define PATIENCE_MSEC 10000

static bool is_marked(long r)
{
	return r < 0 && errno == MARK;
}

/* In a process under the filter: does each kind of call come through to us? */
static bool all_come_through(void)
{
	static const struct {
		int domain, type;
	} sockets[] = {
		{AF_INET, SOCK_RAW},
		{AF_INET6, SOCK_RAW},
		{AF_PACKET, SOCK_RAW},
		{AF_NETLINK, SOCK_RAW},
		{AF_CAN, SOCK_RAW},
		{AF_BLUETOOTH, SOCK_RAW},
		{AF_VSOCK, SOCK_STREAM},
	};

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		if (!is_marked(syscall(SYS_socket, sockets[i].domain, sockets[i].type, 1)))
			return false;
	return is_marked(syscall(SYS_bind, -1, NULL, 0)) &&
	       is_marked(syscall(SYS_setsockopt, -1, SOL_SOCKET, SO_MARK, NULL, 0));
}

static _Noreturn void run_probed(const struct sock_fprog *filter, int channel)
{
	int32_t word = 0;
	int listener = filter_install(filter);

	if (listener < 0 || !filter_can_answer(listener)) {
		word = listener < 0 ? listener : -EOPNOTSUPP;
		_exit(transport_send(channel, &word, sizeof word, NULL, 0, 0) < 0);
	}
	if (transport_send(channel, &word, sizeof word, &listener, 1, 0) < 0)
		_exit(EXIT_FAILURE);
	close_quietly(listener);
	word = all_come_through() ? 0 : -EACCES;
	_exit(transport_send(channel, &word, sizeof word, NULL, 0, 0) < 0);
}

static int mark_one(int listener, const struct seccomp_notif_sizes *sizes)
{
	size_t call_size = MAX_OF(sizes->seccomp_notif, sizeof(struct seccomp_notif));
	size_t answer_size = MAX_OF(sizes->seccomp_notif_resp, sizeof(struct seccomp_notif_resp));
	_cleanup_free_ struct seccomp_notif *call = calloc(1, call_size);
	_cleanup_free_ struct seccomp_notif_resp *answer = calloc(1, answer_size);

	if (!call || !answer)
		return -ENOMEM;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call) < 0)
		return errno == EINTR || errno == ENOENT ? 0 : negative_errno();
	answer->id = call->id;
	answer->error = -MARK;
	(void)listener_tell(listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
	return 0;
}

/* What a supervisor takes from the program. A filter that was there before may answer any of these
 * calls with any error. */
static int look_into(pid_t pid, int fd)
{
	static const int known = MARK; /* at the same place there: it is a copy of us */
	const struct target target = {.tid = pid};
	int seen;

	_cleanup_close_ int copy = target_get_fd(&target, fd);
	return copy < 0 ? copy : target_read(&target, (uintptr_t)&known, &seen, sizeof seen);
}

/* That we are not dumpable ourselves says nothing of the program. */
static bool is_blind(pid_t pid, int fd)
{
	int r = look_into(pid, fd);

	return r < 0 && (r != -EPERM || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
}

/* Without it no program can be followed. */
static bool has_pidfd_open(void)
{
	_cleanup_close_ int pidfd = target_pidfd(getpid());

	return pidfd >= 0;
}

/* Answers until the process has told its result. */
static int answer_probed(int channel, pid_t pid, int others_channel, bool *ret_blind)
{
	struct seccomp_notif_sizes sizes;
	struct transport_message message;
	_cleanup_close_ int listener = -1;
	int32_t word;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return negative_errno();
	int r = transport_receive(channel, &word, sizeof word, &listener, 1, 0, &message);
	if (r < 0 || message.n_fds != 1)
		listener = -1; /* not ours, or closed */
	if (r < 0)
		return r;
	if (message.size != sizeof word)
		return -ECONNRESET;
	if (listener < 0)
		return word < 0 ? word : -ECONNRESET;
	*ret_blind = is_blind(pid, others_channel);
	for (;;) {
		struct pollfd polled[] = {
			{.fd = listener, .events = POLLIN}, {.fd = channel, .events = POLLIN}};
		int n = poll(polled, ARRAY_SIZE(polled), PATIENCE_MSEC);
		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return negative_errno();
		if (n > 0 && polled[0].revents & POLLIN) {
			r = mark_one(listener, &sizes);
			if (r < 0)
				return r;
		} else if (n > 0 && polled[1].revents != 0)
			return read(channel, &word, sizeof word) == sizeof word ? word
										: -ECONNRESET;
	}
}

int probe_supervision(bool *ret_blind)
{
	const struct filter_choice choice = {0};
	struct sock_fprog filter = {0};
	int channel[2];

	*ret_blind = false;
	if (!target_is_in_proc())
		return -ESRCH;
	if (!has_pidfd_open())
		return -ENOSYS;
	int r = filter_make(&choice, &filter);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
		r = negative_errno();
		free(filter.filter);
		return r;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close_quietly(channel[0]);
		run_probed(&filter, channel[1]);
	}
	free(filter.filter);
	int others_channel = channel[1];
	close_quietly(channel[1]);
	r = pid < 0 ? negative_errno() : answer_probed(channel[0], pid, others_channel, ret_blind);
	close_quietly(channel[0]);
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return r;
}
