#include "daemon/manager.h"

#include <errno.h>
#include <libgen.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "daemon/broker.h"
#include "daemon/connection.h"
#include "daemon/drain.h"
#include "daemon/generic.h"
#include "daemon/hang-up.h"
#include "daemon/keep/keep.h"
#include "daemon/keep/serve.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/management.h"
#include "daemon/netns.h"
#include "daemon/policy/node.h"
#include "daemon/privilege.h"
#include "daemon/receive.h"
#include "daemon/reload.h"
#include "daemon/strangers.h"
#include "proto/macro.h"

#define THREADS_MAX 256u
#define WAITING_MAX 64u
/* With fewer, what is left for clients comes to nothing. */
#define DESCRIPTORS_MIN 64u

/* Everything that clients can make grow is a share of this. */
static int set_limits(struct broker *broker)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = limit.rlim_max = 1024;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	size_t descriptors = limit.rlim_max == RLIM_INFINITY
				     ? 1048576u
				     : (size_t)MIN_OF(limit.rlim_max, 1048576u);
	if (descriptors < DESCRIPTORS_MIN) {
		fprintf(stderr,
			"sockd: it may have %zu descriptors open, and needs %u at least; raise "
			"LimitNOFILE= or \"ulimit -n\"\n",
			descriptors, DESCRIPTORS_MIN);
		return -EMFILE;
	}
	/* A connection takes up to three: itself, the pidfd, the namespace. Replies that are not
	 * read yet count against the same limit in the kernel, for all clients together. */
	broker->connections_max = descriptors / 8;
	broker->closes_max = descriptors / 4;
	broker->unread_fds_max = descriptors / 4;
	broker->unread_fds_max_in_all = descriptors / 4 * 3;
	return 0;
}

/* What an earlier broker gave the manager to keep. */
static int add_returned(struct broker *broker, const char *name, int fd)
{
	struct keep_returned *larger =
		reallocarray(broker->returned, broker->n_returned + 1, sizeof *broker->returned);

	if (!larger)
		return -ENOMEM;
	broker->returned = larger;
	struct keep_returned *returned = &larger[broker->n_returned++];
	snprintf(returned->name, sizeof returned->name, "%s", name);
	returned->fd = fd;
	return 0;
}

static int open_listeners(struct broker *broker)
{
	const struct options *options = broker->options;
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), r = MIN_OF(n, 0);

	if (n < 0)
		fprintf(stderr,
			"sockd: what was passed by LISTEN_FDS and LISTEN_FDNAMES cannot be taken: "
			"%s\n",
			strerror(-n));
	for (int i = 0; i < n; i++) {
		if (keep_is_name(names[i])) {
			if (r >= 0)
				r = add_returned(broker, names[i], SD_LISTEN_FDS_START + i);
			free(names[i]);
			continue;
		}
		bool management = strcmp(names[i], OPTIONS_MANAGEMENT_NAME) == 0;
		int fd = SD_LISTEN_FDS_START + i;
		int type = management ? SOCK_STREAM : SOCK_SEQPACKET;
		if (r >= 0 && sd_is_socket_unix(fd, type, 1, NULL, 0) <= 0) {
			fprintf(stderr,
				"sockd: the socket \"%s\" from systemd is not a listening AF_UNIX "
				"%s socket; write Listen%s= in its .socket unit\n",
				names[i], management ? "SOCK_STREAM" : "SOCK_SEQPACKET",
				management ? "Stream" : "SequentialPacket");
			r = -EINVAL;
		}
		/* Two that are cut to the same length could become one. */
		if (r >= 0 && strlen(names[i]) > LISTENER_NAME_MAX) {
			fprintf(stderr,
				"sockd: the socket \"%s\" from systemd has a name of more than %u "
				"letters; write a shorter FileDescriptorName= in its .socket "
				"unit\n",
				names[i], LISTENER_NAME_MAX);
			r = -ENAMETOOLONG;
		}
		if (r >= 0 && !text_is_printable(names[i])) {
			fprintf(stderr, "sockd: the name of a socket from systemd is no UTF-8, or "
					"holds control characters; write another "
					"FileDescriptorName= in its .socket unit\n");
			r = -EINVAL;
		}
		if (r >= 0)
			r = listener_adopt_take(broker, names[i], fd, management);
		free(names[i]);
	}
	free(names);
	for (size_t i = 0; r >= 0 && i < options->n_listen; i++) {
		r = listener_open(broker, options->listen[i].name, options->listen[i].path, false);
		if (r < 0)
			fprintf(stderr, "sockd: cannot listen on %s: %s\n", options->listen[i].path,
				strerror(-r));
	}
	if (r >= 0 && options->management) {
		r = listener_open(broker, OPTIONS_MANAGEMENT_NAME, options->management, true);
		if (r < 0)
			fprintf(stderr, "sockd: cannot listen on %s: %s\n", options->management,
				strerror(-r));
	}
	if (r >= 0 && TAILQ_EMPTY(&broker->listeners)) {
		fprintf(stderr, "sockd: nothing to listen on: start it by sockd.socket, or give "
				"--listen=PATH\n");
		r = -EINVAL;
	}
	return r;
}

static int find_account(const struct options *options, struct account *ret)
{
	/* Without root there is nobody to become; what is missing then is said later. */
	if (geteuid() != 0 && !options->user_given) {
		*ret = (struct account){geteuid(), getegid()};
		return 0;
	}
	int r = privilege_parse_account(options->user, ret);
	bool root = geteuid() == 0, names_group = strchr(options->user, ':') != NULL;
	if (r == 0 && !root && (ret->uid != geteuid() || (names_group && ret->gid != getegid()))) {
		fprintf(stderr, "sockd: --user=%s: only root can become another user\n",
			options->user);
		r = -EPERM;
	} else if (r == -ENOENT)
		fprintf(stderr,
			"sockd: there is no user \"%s\" to become: make one (systemd-sysusers "
			"does), or "
			"name another with --user=USER or --user=UID:GID\n",
			options->user);
	else if (r < 0)
		fprintf(stderr, "sockd: --user=%s: not a user that sockd could become\n",
			options->user);
	else if (!root)
		ret->gid = getegid();
	return r;
}

/* In that of another pid namespace a peer's number is another process's. */
static int check_proc(void)
{
	char seen[16], own[16];
	ssize_t n = readlink("/proc/self", seen, sizeof seen);
	int size = snprintf(own, sizeof own, "%d", (int)getpid());

	if (n == size && memcmp(seen, own, (size_t)n) == 0)
		return 0;
	fprintf(stderr,
		"sockd: /proc is missing, or of another pid namespace than sockd, and would tell "
		"of other processes than the clients: mount one there (unshare --mount-proc)\n");
	return -ESRCH;
}

/* Its number must be nobody else's: who has it is an administrator, and its files are policies. */
static int check_account(const struct account *account)
{
	if (!strangers_have_user(account->uid) && !strangers_have_group(account->gid))
		return 0;
	fprintf(stderr,
		"sockd: user %u, group %u: so the kernel calls whoever is not in this user "
		"namespace; run as another, by --user=UID:GID\n",
		account->uid, account->gid);
	return -EINVAL;
}

/* The directory of a path, in a new string; NULL: no memory. */
static char *directory_of(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	return copy ? strdup(dirname(copy)) : NULL;
}

static int fence(const struct broker *broker, const char **ret_how)
{
	const struct options *options = broker->options;
	_cleanup_free_ char *audit_directory = directory_of(audit_target(broker->audit));
	const char *unlink_directories[OPTIONS_LISTEN_MAX + 1];
	size_t n_unlink = 0, i = 0;
	const struct listener *listener;
	bool to_file = strchr(audit_target(broker->audit), '/') != NULL;
	uint64_t held = privilege_held();

	if (!audit_directory)
		return -ENOMEM;
	TAILQ_FOREACH(listener, &broker->listeners, entry)
	if (listener->path && n_unlink < ARRAY_SIZE(unlink_directories)) {
		unlink_directories[n_unlink] = directory_of(listener->path);
		if (unlink_directories[n_unlink])
			n_unlink++;
	}
	const struct fence_options fence_options = {
		.sys_admin = held >> CAP_SYS_ADMIN & 1,
		.setuid = held >> CAP_SETUID & 1,
		.names_netns = policy_names_netns(broker->policy),
		.writable_directories = (const char *const[]){audit_directory},
		.n_writable_directories = to_file ? 1 : 0,
		.readable_directories = options->policy,
		.n_readable_directories = options->n_policy,
		.unlink_directories = unlink_directories,
		.n_unlink_directories = n_unlink,
	};
	int r = privilege_fence(&fence_options, ret_how);
	for (i = 0; i < n_unlink; i++)
		free((char *)unlink_directories[i]);
	if (r < 0)
		fprintf(stderr, "sockd: cannot fence itself in (seccomp, Landlock): %s\n",
			strerror(-r));
	return r;
}

/* From here on the process is what it stays. */
static int drop_privileges(struct broker *broker)
{
	const struct account account = broker->account;
	uint64_t wanted = policy_capabilities(broker->policy);
	char text[512], held[256];
	const char *how = NULL;
	int r;

	/* ip-netns(8) makes it on first use, which would be too late to let it through the fence.
	 */
	if (policy_uses_netns(broker->policy) || policy_names_netns(broker->policy))
		(void)mkdir("/run/netns", 0755);
	(void)audit_give(broker->audit, account.uid, account.gid);
	r = privilege_drop(&account, wanted, &broker->missing);
	if (r < 0) {
		fprintf(stderr, "sockd: cannot become user %u: %s\n", account.uid, strerror(-r));
		return r;
	}
	if (broker->missing)
		fprintf(stderr,
			"sockd: the policy needs %s, which sockd was not started with; what needs "
			"it "
			"will fail as the kernel says\n",
			privilege_describe(broker->missing, text, sizeof text));
	r = fence(broker, &how);
	if (r < 0)
		return r;
	snprintf(text, sizeof text, "runs as uid %u, gid %u with %s; %zu rules from %zu files; %s",
		account.uid, account.gid, privilege_describe(privilege_held(), held, sizeof held),
		policy_rule_count(broker->policy), policy_file_count(broker->policy), how);
	fprintf(stderr, "sockd: %s; audit to %s\n", text, audit_target(broker->audit));
	broker_audit(broker, AUDIT_START, 0, text);
	return 0;
}

static int on_terminate(
	sd_event_source *source, const struct signalfd_siginfo *info _unused_, void *data)
{
	struct broker *broker = data;

	(void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
	broker_audit(broker, AUDIT_STOP, 0, "stopped by a signal");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_reload(
	sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_, void *data)
{
	struct broker *broker = data;

	int r = reload_start(broker, NULL, NULL);

	if (r < 0 && r != -EALREADY)
		log_say("cannot reload: %s", strerror(-r));
	return 0;
}

static int block(int signal)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, signal);
	return sigprocmask(SIG_BLOCK, &signals, NULL) < 0 ? negative_errno() : 0;
}

static int start_event_loop(struct broker *broker)
{
	static const int ends[] = {SIGTERM, SIGINT};
	int r = loop_new(broker);
	if (r < 0)
		return r;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(ends); i++)
		r = block(ends[i]);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(ends); i++)
		r = sd_event_add_signal(broker->event, NULL, ends[i], on_terminate, broker);
	if (r >= 0)
		r = sd_event_add_signal(broker->event, NULL, SIGHUP, on_reload, broker);
	if (r >= 0)
		r = sd_event_set_watchdog(broker->event, true);
	return r < 0 ? r : 0;
}

static int prepare(struct broker *broker)
{
	const struct options *options = broker->options;
	int r = set_limits(broker);

	if (r < 0)
		return r;
	r = check_proc();
	if (r < 0)
		return r;
	r = netns_init();
	if (r < 0) {
		fprintf(stderr, "sockd: cannot tell its own network namespace: %s\n", strerror(-r));
		return r;
	}
	r = strangers_init();
	if (r < 0) {
		fprintf(stderr, "sockd: cannot tell its own user namespace: %s\n", strerror(-r));
		return r;
	}
	r = find_account(options, &broker->account);
	if (r >= 0)
		r = check_account(&broker->account);
	if (r < 0)
		return r;
	r = policy_load(
		options->policy, options->n_policy, broker->account.uid, stderr, &broker->policy);
	if (r < 0) {
		fprintf(stderr, "sockd: the policy cannot be loaded: %s\n",
			r == -EINVAL ? "correct the errors above" : strerror(-r));
		return r;
	}
	r = audit_new(options->audit, &broker->audit);
	if (r < 0) {
		fprintf(stderr, "sockd: cannot write the audit trail to %s: %s\n", options->audit,
			strerror(-r));
		return r;
	}
	r = open_listeners(broker);
	return r < 0 ? r : drop_privileges(broker);
}

static void on_room(void *data)
{
	receive_resume(data);
}

/* The threads come last: they inherit what the process has become. */
static int serve(struct broker *broker)
{
	struct listener *listener;
	int r = start_event_loop(broker);
	if (r >= 0)
		r = audit_start(broker->audit);
	if (r >= 0)
		r = users_new(&broker->users);
	if (r >= 0)
		r = audit_limit_new(broker->event, broker->audit, broker->users, on_room, broker,
			&broker->audit_limit);
	if (r >= 0)
		r = closer_new(broker->event, on_room, broker, &broker->closer);
	if (r >= 0)
		r = worker_new(broker->event, THREADS_MAX, WAITING_MAX, &broker->worker);
	if (r >= 0)
		/* A kernel without generic netlink is none to complain of. */
		(void)generic_start(broker->event, broker->worker);
	if (r >= 0)
		/* Each user's part is bounded. */
		r = worker_new(broker->event, THREADS_MAX, SIZE_MAX, &broker->releaser);
	if (r >= 0)
		r = worker_new(broker->event, 1, 1, &broker->reloader);
	if (r >= 0)
		r = grants_new(broker->event, broker->unread_fds_max * 2, &broker->grants);
	if (r >= 0)
		r = drain_new(broker);
	if (r >= 0)
		r = keep_serve_start(broker);
	TAILQ_FOREACH(listener, &broker->listeners, entry)
	if (r >= 0)
		r = listener_start(listener);
	if (r < 0)
		fprintf(stderr, "sockd: cannot start: %s\n", strerror(-r));
	return r;
}

int manager_start(const struct options *options, struct broker **ret)
{
	struct broker *broker = calloc(1, sizeof *broker);
	if (!broker)
		return -ENOMEM;
	broker->options = options;
	broker->loop_epoll = -1;
	TAILQ_INIT(&broker->listeners);
	TAILQ_INIT(&broker->connections);
	TAILQ_INIT(&broker->draining);
	TAILQ_INIT(&broker->managements);
	/* What comes while the policy is being read is seen to after that. */
	int r = block(SIGHUP);
	if (r >= 0)
		r = prepare(broker);
	if (r >= 0)
		r = serve(broker);
	if (r < 0) {
		manager_free(broker);
		return r;
	}
	*ret = broker;
	return 0;
}

int manager_run(struct broker *broker)
{
	broker_notify_ready(broker);
	return loop_run(broker);
}

struct broker *manager_free(struct broker *broker)
{
	struct connection *connection;
	struct listener *listener;
	struct management *management;

	while ((management = TAILQ_FIRST(&broker->managements)))
		management_close(management);
	while ((connection = TAILQ_FIRST(&broker->connections)))
		hang_up(connection);
	drain_free(broker);
	broker->keep = keep_free(broker->keep);
	free(TAKE_PTR(broker->returned));
	/* Finishes what workers still hold, which refers to users and grants, and as keep_free() to
	 * connections, whose listeners the audit trail names. */
	generic_stop();
	broker->worker = worker_free(broker->worker);
	broker->releaser = worker_free(broker->releaser);
	broker->reloader = worker_free(broker->reloader);
	while ((listener = TAILQ_FIRST(&broker->listeners)))
		listener_free(listener);
	broker->grants = grants_free(broker->grants);
	broker->audit_limit = audit_limit_free(broker->audit_limit);
	broker->users = users_free(broker->users);
	broker->closer = closer_free(broker->closer);
	broker->audit = audit_free(broker->audit);
	broker->policy = policy_unref(broker->policy);
	close_quietly(broker->loop_epoll);
	broker->event = sd_event_unref(broker->event);
	free(broker);
	return NULL;
}
