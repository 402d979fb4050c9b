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

#include "config.h"
#include "daemon/connection.h"
#include "daemon/listener.h"
#include "daemon/management.h"
#include "daemon/netns.h"
#include "daemon/privilege.h"
#include "proto/macro.h"

#define CONNECTIONS_PER_USER 1024u
#define GRANTS_PER_USER 4096u
#define JOBS_PER_USER 48u
#define THREADS_MAX 64u
#define MANAGEMENT_NAME "management"

unsigned manager_connections_per_user(const struct manager *manager)
{
	unsigned limit = policy_limits(manager->policy)->connections_per_user;
	return limit > 0 ? limit : CONNECTIONS_PER_USER;
}

unsigned manager_grants_per_user(const struct manager *manager)
{
	unsigned limit = policy_limits(manager->policy)->grants_per_user;
	return limit > 0 ? limit : GRANTS_PER_USER;
}

unsigned manager_jobs_per_user(const struct manager *manager)
{
	unsigned limit = policy_limits(manager->policy)->requests_in_work_per_user;
	return limit > 0 ? limit : JOBS_PER_USER;
}

static void audit_event(
	struct manager *manager, enum audit_event event, int error, const char *text)
{
	struct audit_record record = {
		.event = event,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.error = error,
		.domain = -1,
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	record.time_usec = (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
	snprintf(record.text, sizeof record.text, "%s", text);
	audit_push(manager->audit, &record);
}

/* Everything that clients can make grow is a share of this. */
static void set_limits(struct manager *manager)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = limit.rlim_max = 1024;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	size_t descriptors = limit.rlim_max == RLIM_INFINITY
				     ? 1048576u
				     : (size_t)MIN_OF(limit.rlim_max, 1048576u);
	/* A connection takes up to three: itself, the pidfd, the namespace. Replies that are not
	 * read yet count against the same limit in the kernel, for all clients together. */
	manager->connections_max = descriptors / 8;
	manager->unread_fds_max = descriptors / 4;
}

static int open_listeners(struct manager *manager)
{
	const struct options *options = manager->options;
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), r = 0;

	for (int i = 0; i < n; i++) {
		bool management = strcmp(names[i], MANAGEMENT_NAME) == 0;
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
		if (r >= 0)
			r = listener_adopt_take(manager, names[i], fd, management);
		free(names[i]);
	}
	free(names);
	for (size_t i = 0; r >= 0 && i < options->n_listen; i++) {
		r = listener_open(manager, options->listen[i].name, options->listen[i].path, false);
		if (r < 0)
			fprintf(stderr, "sockd: cannot listen on %s: %s\n", options->listen[i].path,
				strerror(-r));
	}
	if (r >= 0 && options->management) {
		r = listener_open(manager, MANAGEMENT_NAME, options->management, true);
		if (r < 0)
			fprintf(stderr, "sockd: cannot listen on %s: %s\n", options->management,
				strerror(-r));
	}
	if (r >= 0 && TAILQ_EMPTY(&manager->listeners)) {
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
	if (r == -ENOENT)
		fprintf(stderr,
			"sockd: there is no user \"%s\" to become: make one (systemd-sysusers "
			"does), or "
			"name another with --user=USER or --user=UID:GID\n",
			options->user);
	else if (r < 0)
		fprintf(stderr, "sockd: --user=%s: not a user that sockd could become\n",
			options->user);
	return r;
}

/* The directory of a path, in a new string; NULL: no memory. */
static char *directory_of(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	return copy ? strdup(dirname(copy)) : NULL;
}

static int fence(const struct manager *manager, int *ret_abi)
{
	const struct options *options = manager->options;
	_cleanup_free_ char *audit_directory = directory_of(audit_target(manager->audit));
	const char *unlink_directories[OPTIONS_LISTEN_MAX + 1];
	size_t n_unlink = 0, i = 0;
	const struct listener *listener;
	bool to_file = strchr(audit_target(manager->audit), '/') != NULL;
	uint64_t held = privilege_held();

	if (!audit_directory)
		return -ENOMEM;
	TAILQ_FOREACH(listener, &manager->listeners, entry)
	if (listener->path && n_unlink < ARRAY_SIZE(unlink_directories)) {
		unlink_directories[n_unlink] = directory_of(listener->path);
		if (unlink_directories[n_unlink])
			n_unlink++;
	}
	const struct fence_options fence_options = {
		.sys_admin = held >> CAP_SYS_ADMIN & 1,
		.setuid = held >> CAP_SETUID & 1,
		.writable_directories = (const char *const[]){audit_directory},
		.n_writable_directories = to_file ? 1 : 0,
		.readable_directories = options->policy,
		.n_readable_directories = options->n_policy,
		.unlink_directories = unlink_directories,
		.n_unlink_directories = n_unlink,
	};
	int r = privilege_fence(&fence_options, ret_abi);
	for (i = 0; i < n_unlink; i++)
		free((char *)unlink_directories[i]);
	if (r < 0)
		fprintf(stderr, "sockd: cannot fence itself in (seccomp, Landlock): %s\n",
			strerror(-r));
	return r;
}

/* From here on the process is what it stays. */
static int drop_privileges(struct manager *manager)
{
	struct account account;
	uint64_t wanted = policy_capabilities(manager->policy);
	char text[512], held[256];
	int abi, r;

	r = find_account(manager->options, &account);
	if (r < 0)
		return r;
	/* ip-netns(8) makes it on first use, which would be too late to let it through the fence.
	 */
	if (policy_uses_netns(manager->policy))
		(void)mkdir("/run/netns", 0755);
	(void)audit_give(manager->audit, account.uid, account.gid);
	r = privilege_drop(&account, wanted, &manager->missing);
	if (r < 0) {
		fprintf(stderr, "sockd: cannot become user %u: %s\n", account.uid, strerror(-r));
		return r;
	}
	if (manager->missing)
		fprintf(stderr,
			"sockd: the policy needs %s, which sockd was not started with; what needs "
			"it "
			"will fail as the kernel says\n",
			privilege_describe(manager->missing, text, sizeof text));
	r = fence(manager, &abi);
	if (r < 0)
		return r;
	snprintf(text, sizeof text,
		"runs as uid %u, gid %u with %s; %zu rules from %zu files; fenced in by seccomp%s",
		account.uid, account.gid, privilege_describe(privilege_held(), held, sizeof held),
		policy_rule_count(manager->policy), policy_file_count(manager->policy),
		abi > 0 ? " and Landlock" : " (this kernel has no Landlock)");
	fprintf(stderr, "sockd: %s; audit to %s\n", text, audit_target(manager->audit));
	audit_event(manager, AUDIT_START, 0, text);
	return 0;
}

static int on_terminate(
	sd_event_source *source, const struct signalfd_siginfo *info _unused_, void *data)
{
	struct manager *manager = data;

	(void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
	audit_event(manager, AUDIT_STOP, 0, "stopped by a signal");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void notify_ready(const struct manager *manager)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%zu rules from %zu files",
		policy_rule_count(manager->policy), policy_file_count(manager->policy));
}

int manager_reload(struct manager *manager, FILE *errors)
{
	const struct options *options = manager->options;
	struct policy *policy;
	struct timespec now;
	char text[256];
	uint64_t missing;

	clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	(void)audit_reopen(manager->audit);
	int r = policy_load(options->policy, options->n_policy, errors, &policy);
	if (r >= 0) {
		r = privilege_reduce(policy_capabilities(policy) & ~manager->missing, &missing);
		if (r == -EPERM) {
			fprintf(errors,
				"the policy needs %s, which sockd gave up when it started; restart "
				"sockd to load it\n",
				privilege_describe(missing, text, sizeof text));
			policy_unref(policy);
		} else if (r >= 0) {
			policy_unref(manager->policy);
			manager->policy = policy;
		} else
			policy_unref(policy);
	}
	if (r >= 0)
		snprintf(text, sizeof text, "%zu rules from %zu files",
			policy_rule_count(manager->policy), policy_file_count(manager->policy));
	else
		snprintf(text, sizeof text,
			"the new policy has errors; the old one stays in force: see the log, or "
			"sockd --check-policy");
	audit_event(manager, AUDIT_RELOAD, r < 0 ? -r : 0, text);
	notify_ready(manager);
	return r;
}

static int on_reload(
	sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_, void *data)
{
	struct manager *manager = data;

	if (manager_reload(manager, stderr) < 0)
		fprintf(stderr, "sockd: the policy was not reloaded; the old one stays in force\n");
	else
		fprintf(stderr, "sockd: reloaded: %zu rules from %zu files\n",
			policy_rule_count(manager->policy), policy_file_count(manager->policy));
	return 0;
}

static int start_event_loop(struct manager *manager)
{
	static const int ends[] = {SIGTERM, SIGINT};
	sigset_t signals;
	int r = sd_event_default(&manager->event);
	if (r < 0)
		return r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return negative_errno();
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(ends); i++)
		r = sd_event_add_signal(manager->event, NULL, ends[i], on_terminate, manager);
	if (r >= 0)
		r = sd_event_add_signal(manager->event, NULL, SIGHUP, on_reload, manager);
	if (r >= 0)
		r = sd_event_set_watchdog(manager->event, true);
	return r < 0 ? r : 0;
}

static int prepare(struct manager *manager)
{
	const struct options *options = manager->options;
	int r;

	set_limits(manager);
	r = netns_init();
	if (r < 0) {
		fprintf(stderr, "sockd: cannot tell its own network namespace: %s\n", strerror(-r));
		return r;
	}
	r = policy_load(options->policy, options->n_policy, stderr, &manager->policy);
	if (r < 0) {
		fprintf(stderr, "sockd: the policy cannot be loaded: %s\n",
			r == -EINVAL ? "correct the errors above" : strerror(-r));
		return r;
	}
	r = audit_new(options->audit, &manager->audit);
	if (r < 0) {
		fprintf(stderr, "sockd: cannot write the audit trail to %s: %s\n", options->audit,
			strerror(-r));
		return r;
	}
	r = open_listeners(manager);
	return r < 0 ? r : drop_privileges(manager);
}

/* The threads come last: they inherit what the process has become. */
static int serve(struct manager *manager)
{
	struct listener *listener;
	int r = start_event_loop(manager);
	if (r >= 0)
		r = audit_start(manager->audit);
	if (r >= 0)
		r = users_new(&manager->users);
	if (r >= 0)
		r = worker_new(manager->event, THREADS_MAX, &manager->worker);
	if (r >= 0)
		r = grants_new(manager->event, manager->unread_fds_max * 2, &manager->grants);
	TAILQ_FOREACH(listener, &manager->listeners, entry)
	if (r >= 0)
		r = listener_start(listener);
	if (r < 0)
		fprintf(stderr, "sockd: cannot start: %s\n", strerror(-r));
	return r;
}

int manager_start(const struct options *options, struct manager **ret)
{
	struct manager *manager = calloc(1, sizeof *manager);
	if (!manager)
		return -ENOMEM;
	manager->options = options;
	TAILQ_INIT(&manager->listeners);
	TAILQ_INIT(&manager->connections);
	TAILQ_INIT(&manager->managements);
	int r = prepare(manager);
	if (r >= 0)
		r = serve(manager);
	if (r < 0) {
		manager_free(manager);
		return r;
	}
	*ret = manager;
	return 0;
}

int manager_run(struct manager *manager)
{
	notify_ready(manager);
	return sd_event_loop(manager->event);
}

struct manager *manager_free(struct manager *manager)
{
	struct connection *connection;
	struct listener *listener;
	struct management *management;

	while ((management = TAILQ_FIRST(&manager->managements)))
		management_close(management);
	while ((connection = TAILQ_FIRST(&manager->connections)))
		connection_close(connection);
	while ((listener = TAILQ_FIRST(&manager->listeners)))
		listener_free(listener);
	/* Finishes what workers still hold, which refers to users and grants. */
	manager->worker = worker_free(manager->worker);
	manager->grants = grants_free(manager->grants);
	manager->users = users_free(manager->users);
	manager->audit = audit_free(manager->audit);
	manager->policy = policy_unref(manager->policy);
	manager->event = sd_event_unref(manager->event);
	free(manager);
	return NULL;
}
