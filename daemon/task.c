#include "daemon/task.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/family/family.h"
#include "daemon/listener.h"
#include "daemon/manager.h"
#include "daemon/netns.h"
#include "daemon/policy/describe.h"
#include "daemon/thread.h"
#include "proto/macro.h"

/* From this many sockets on a batch is watched and closed by a worker. */
#define WATCH_LATER 8u

/* Families and protocols that were opened once: their kernel modules are loaded, so that opening
 * cannot sleep. */
static struct warm {
	int domain, type, protocol;
} warm[64];
static size_t n_warm;

static bool is_warm(const struct wire_request *request)
{
	for (size_t i = 0; i < n_warm; i++)
		if (warm[i].domain == request->domain && warm[i].type == request->type &&
			warm[i].protocol == request->protocol)
			return true;
	return false;
}

static void note_warm(const struct wire_request *request)
{
	if (is_warm(request))
		return;
	warm[n_warm % ARRAY_SIZE(warm)] =
		(struct warm){request->domain, request->type, request->protocol};
	n_warm = MIN_OF(n_warm + 1, ARRAY_SIZE(warm));
}

void task_release_fds(struct connection *connection, const int *fds, size_t n)
{
	worker_close_take(connection->manager->worker, fds, n);
}

/* As people name it: packet sockets have their protocol in network byte order. */
static int protocol_in_words(const struct policy_query *query)
{
	return query->domain == AF_PACKET ? ntohs((uint16_t)query->protocol) : query->protocol;
}

static void audit_task(const struct task *task, enum audit_event event, uint64_t grant, int error,
	const char *text)
{
	const struct connection *connection = task->connection;
	struct manager *manager = connection->manager;
	struct audit_record record = {
		.event = event,
		.grant = grant,
		.uid = connection->peer.uid,
		.gid = connection->peer.gid,
		.pid = connection->peer.pid,
		.domain = task->query.domain,
		.type = task->query.type,
		.protocol = protocol_in_words(&task->query),
		.error = error,
		.count = task->query.apply ? 1 : task->request.count,
	};

	(void)sd_event_now(manager->event, CLOCK_REALTIME, &record.time_usec);
	memcpy(record.verb, task->query.apply ? "apply" : "open", task->query.apply ? 6 : 5);
	memcpy(record.listener, connection->listener->name, sizeof record.listener);
	if (task->decision.rule.name) {
		size_t length = strnlen(task->decision.rule.name, sizeof record.rule - 1);
		memcpy(record.rule, task->decision.rule.name, length);
		record.rule[length] = 0;
	}
	memcpy(record.steps, task->steps, sizeof record.steps);
	if (text)
		snprintf(record.text, sizeof record.text, "%s", text);
	audit_push(manager->audit, &record);
}

void reply_error(struct connection *connection, enum wire_verb verb, uint64_t serial, int error,
	enum wire_origin origin, int step, const char *text)
{
	size_t length = MIN_OF(strlen(text), WIRE_TEXT_MAX);
	struct wire_reply reply = {
		.verb = verb,
		.serial = serial,
		.answer =
			{
				.error = error,
				.origin = origin,
				.step = step,
				.text_size = (uint32_t)length,
			},
		.text = text,
	};
	(void)connection_reply(connection, &reply, NULL, 0);
}

void task_fail(struct task *task, int error, enum wire_origin origin, int step, const char *text)
{
	audit_task(task, AUDIT_REFUSAL, 0, error, text);
	reply_error(task->connection, task->request.verb, task->request.serial, error, origin, step,
		text);
}

void task_done(struct task *task)
{
	if (task->fd >= 0)
		task_release_fds(task->connection, &task->fd, 1);
	task->fd = -1;
	if (task->close_netns_fd)
		close_quietly(TAKE_FD(task->netns_fd));
	task->close_netns_fd = false;
}

static void fail_by_kernel(struct task *task)
{
	const struct outcome *outcome = &task->outcome;
	char text[WIRE_TEXT_MAX];
	char step[32] = "socket";

	if (outcome->step >= 0) {
		static const char *const names[] = {
			[WIRE_STEP_OPTION] = "setsockopt",
			[WIRE_STEP_FILTER] = "filter",
			[WIRE_STEP_BIND] = "bind",
			[WIRE_STEP_CONNECT] = "connect",
			[WIRE_STEP_LISTEN] = "listen",
			[WIRE_STEP_SEND] = "send",
		};
		snprintf(step, sizeof step, "step %d (%s)", outcome->step + 1,
			names[task->request.steps[outcome->step].kind]);
	}
	snprintf(text, sizeof text, "allowed by rule %s, but the kernel refused %s: %s",
		task->decision.rule.name, step, strerror(outcome->error));
	task_fail(task, outcome->error, WIRE_ORIGIN_KERNEL, outcome->step, text);
}

/* Watching and closing what was handed over, off the loop: worth it for a batch. */
struct watch_job {
	struct job job;
	struct manager *manager;
	bool close_sleeps;
	int cpu; /* the loop's */
	unsigned n;
	struct grant_watch watches[WIRE_COUNT_MAX];
	int fds[WIRE_COUNT_MAX];
};

static void run_watch(struct job *job)
{
	struct watch_job *watch = (struct watch_job *)job;

	thread_leave_cpu(watch->cpu);
	for (unsigned i = 0; i < watch->n; i++) {
		grant_watch_socket(&watch->watches[i], watch->fds[i]);
		if (!watch->close_sleeps)
			close_quietly(watch->fds[i]);
	}
}

static void done_watch(struct job *job)
{
	struct watch_job *watch = (struct watch_job *)job;
	struct manager *manager = watch->manager;

	if (job->cancelled) {
		watch->cpu = -1; /* this is the loop itself */
		run_watch(job);
	}
	(void)grants_settle(manager->grants, watch->watches, watch->n);
	if (watch->close_sleeps)
		worker_close_take(manager->worker, watch->fds, watch->n);
	free(watch);
}

static bool watch_in_worker(struct manager *manager, const struct grant_watch *watches,
	const struct outcome *outcome, bool close_sleeps)
{
	struct watch_job *watch = malloc(sizeof *watch);
	if (!watch)
		return false;
	watch->job = (struct job){.run = run_watch, .done = done_watch};
	watch->manager = manager;
	watch->close_sleeps = close_sleeps;
	watch->cpu = sched_getcpu();
	watch->n = (unsigned)outcome->n_fds;
	memcpy(watch->watches, watches, outcome->n_fds * sizeof *watches);
	memcpy(watch->fds, outcome->fds, outcome->n_fds * sizeof *outcome->fds);
	if (worker_submit_take(manager->worker, &watch->job) >= 0)
		return true;
	free(watch);
	return false;
}

/*
 * May the close of a socket that was just handed over wait? Its new holder may have closed it
 * already, which makes ours the last; and may have given it a linger time and unsent data before.
 */
static bool close_sleeps(const struct task *task)
{
	return family_get(task->query.domain)->close_sleeps ||
	       (task->query.type != SOCK_DGRAM && task->query.type != SOCK_RAW);
}

static void describe_grant(const struct task *task, struct grant *ret)
{
	struct connection *connection = task->connection;

	*ret = (struct grant){
		.policy = task->policy,
		.rule = task->decision.rule,
		.user = connection->user,
		.gid = connection->peer.gid,
		.pid = connection->peer.pid,
		.listener = connection->listener->name,
		.apply = task->query.apply,
		.domain = task->query.domain,
		.type = task->query.type,
		.protocol = protocol_in_words(&task->query),
		.ends_with = connection,
	};
	(void)sd_event_now(connection->manager->event, CLOCK_REALTIME, &ret->time_usec);
	memcpy(ret->steps, task->steps, sizeof ret->steps);
}

static void answer_grant(struct task *task, const struct grant *grant, enum reply_fate *ret_fate)
{
	const struct outcome *outcome = &task->outcome;
	struct wire_reply reply = {
		.verb = task->request.verb,
		.serial = task->request.serial,
		.answer =
			{
				.step = -1,
				.count = (uint32_t)outcome->n_fds,
				.grant = grant->id,
				.flags = outcome->connecting ? WIRE_ANSWER_CONNECTING : 0,
			},
	};
	audit_task(task, AUDIT_GRANT, grant->id, 0, NULL);
	*ret_fate = connection_reply(task->connection, &reply, outcome->fds, outcome->n_fds);
}

static void fail_to_record(struct task *task, int error)
{
	task_release_fds(task->connection, task->outcome.fds, task->outcome.n_fds);
	task_fail(task, error, WIRE_ORIGIN_LIMIT, -1, "the grant cannot be recorded");
}

/* The client's own socket, or one whose polling could hang: what is not watched ends with the
 * connection. */
static void grant_apply(struct task *task, struct grant *description)
{
	struct manager *manager = task->connection->manager;
	struct grant_watch watch;
	struct grant *grant;
	struct stat status;
	enum reply_fate fate;
	int r = 0;

	if (fstat(task->fd, &status) == 0)
		description->inode = status.st_ino;
	if (!family_get(task->query.domain)->poll_is_lockless)
		r = grants_add_unwatched(manager->grants, description, 1, &grant);
	else if (!(grant = grants_find_same(description->user, description))) {
		description->ends_with = NULL;
		r = grants_begin(manager->grants, description, 1, &watch, &grant);
		if (r >= 0) {
			grant_watch_socket(&watch, task->fd);
			r = grants_settle(manager->grants, &watch, 1);
		}
	}
	if (r < 0)
		fail_to_record(task, -r);
	else
		answer_grant(task, grant, &fate);
}

static void grant_open(struct task *task, struct grant *description)
{
	struct connection *connection = task->connection;
	struct manager *manager = connection->manager;
	struct outcome *outcome = &task->outcome;
	unsigned n = (unsigned)outcome->n_fds;
	struct grant_watch watches[WIRE_COUNT_MAX];
	bool later = n >= WATCH_LATER && family_get(task->query.domain)->poll_is_lockless;
	bool sleeps = close_sleeps(task);
	struct grant *grant;
	enum reply_fate fate;

	description->ends_with = NULL;
	int r = grants_begin(manager->grants, description, n, watches, &grant);
	for (unsigned i = 0; r >= 0 && !later && i < n; i++)
		grant_watch_socket(&watches[i], outcome->fds[i]);
	if (r >= 0 && !later)
		r = grants_settle(manager->grants, watches, n);
	if (r < 0) {
		fail_to_record(task, -r);
		return;
	}
	note_warm(&task->request);
	answer_grant(task, grant, &fate);
	if (later && fate == REPLY_SENT && watch_in_worker(manager, watches, outcome, sleeps))
		return;
	if (later) {
		for (unsigned i = 0; i < n; i++)
			grant_watch_socket(&watches[i], outcome->fds[i]);
		(void)grants_settle(manager->grants, watches, n);
	}
	if (fate == REPLY_KEPT)
		return;
	if (sleeps || fate == REPLY_LOST)
		task_release_fds(connection, outcome->fds, n);
	else
		for (unsigned i = 0; i < n; i++)
			close_quietly(outcome->fds[i]);
}

/* Records the grant and answers. The outcome's descriptors are used up. */
static void finish(struct task *task)
{
	struct connection *connection = task->connection;
	struct grant description;

	if (task->outcome.error != 0) {
		task_release_fds(connection, task->outcome.fds, task->outcome.n_failed_fds);
		fail_by_kernel(task);
		return;
	}
	if (connection->fd < 0) { /* and with it whoever could have taken the socket */
		fail_to_record(task, ECANCELED);
		return;
	}
	describe_grant(task, &description);
	if (task->query.apply)
		grant_apply(task, &description);
	else
		grant_open(task, &description);
}

static void run_in_worker(struct job *job)
{
	struct task *task = (struct task *)job;
	execute(&task->plan, &task->outcome);
}

static void free_task(struct task *task)
{
	struct connection *connection = task->connection;

	task_done(task);
	policy_unref(task->policy);
	free(task->packet);
	free(task);
	connection_unref(connection);
}

static void done_in_worker(struct job *job)
{
	struct task *task = (struct task *)job;
	struct connection *connection = task->connection;

	if (job->cancelled)
		connection_close(connection);
	else
		finish(task);
	connection_work_ended(connection);
	free_task(task);
}

/* Moves the task to a worker: with a copy of the packet, because the loop reads the next one into
 * the same buffer. */
static int submit(const struct task *task, size_t packet_size)
{
	struct connection *connection = task->connection;
	struct manager *manager = connection->manager;
	const char *what;

	/* The connection's own one is closed with the connection, while the worker may still need
	 * it. */
	_cleanup_close_ int netns_fd = -1;
	if (task->netns_fd >= 0 && !task->close_netns_fd) {
		netns_fd = fcntl(task->netns_fd, F_DUPFD_CLOEXEC, 3);
		if (netns_fd < 0)
			return negative_errno();
	}
	struct task *copy = malloc(sizeof *copy);
	unsigned char *packet = malloc(packet_size);
	if (!copy || !packet) {
		free(copy);
		free(packet);
		return -ENOMEM;
	}
	*copy = *task;
	if (netns_fd >= 0)
		copy->netns_fd = copy->plan.netns_fd = netns_fd;
	memcpy(packet, manager->packet, packet_size);
	(void)wire_decode_request(packet, packet_size, &copy->request, &what);
	copy->packet = packet;
	copy->policy = policy_ref(task->policy);
	copy->connection = connection_ref(connection);
	copy->query.steps = copy->plan.steps = copy->request.steps;
	copy->query.netns_name = copy->request.netns_name;
	copy->job = (struct job){.run = run_in_worker, .done = done_in_worker};
	int r = worker_submit_take(manager->worker, &copy->job);
	if (r < 0) {
		copy->fd = -1; /* all these are still the original's */
		copy->close_netns_fd = false;
		free_task(copy);
		return r;
	}
	if (netns_fd >= 0) {
		copy->close_netns_fd = true;
		(void)TAKE_FD(netns_fd);
	}
	connection_work_begun(connection);
	return 0;
}

static bool can_sleep(const struct task *task)
{
	const struct family *family = family_get(task->query.domain);

	/* A client's own socket may be locked by its owner for as long as that likes. */
	if (task->query.apply || !is_warm(&task->request))
		return true;
	for (size_t i = 0; i < task->request.n_steps; i++)
		if (family->step_sleeps(&task->request.steps[i]))
			return true;
	return false;
}

static void carry_out(struct task *task, size_t packet_size)
{
	const struct connection *connection = task->connection;

	task->plan = (struct plan){
		.fd = task->fd,
		.domain = task->query.domain,
		.type = task->request.type,
		.protocol = task->query.apply ? task->query.protocol : task->request.protocol,
		.count = task->request.count,
		.steps = task->request.steps,
		.n_steps = task->request.n_steps,
		.netns_fd = task->netns_fd,
		.has_owner = task->decision.owner_peer && !task->query.apply,
		.owner = connection->peer.uid,
		.device = task->decision.device,
	};
	if (!can_sleep(task)) {
		execute(&task->plan, &task->outcome);
		finish(task);
		task_done(task);
		return;
	}
	int r = submit(task, packet_size);
	if (r >= 0)
		return; /* the worker's copy owns all that the task held */
	task_fail(task, -r, WIRE_ORIGIN_LIMIT, -1, "too many requests are in work; try again");
	task_done(task);
}

static bool refuse_by_limit(struct task *task)
{
	struct connection *connection = task->connection;
	struct manager *manager = connection->manager;
	unsigned n = task->query.apply ? 1 : task->request.count;

	int r = grants_reserve(
		manager->grants, connection->user, manager_grants_per_user(manager), n);
	if (r < 0) {
		task_fail(task, EMFILE, WIRE_ORIGIN_LIMIT, -1,
			r == -EDQUOT
				? "the user has as many sockets from sockd as it may have; close "
				  "some, or raise grants-per-user in the policy's limits"
				: "sockd has given out as many sockets as it may");
		return true;
	}
	if (!task->query.apply && !connection_has_room(connection, n)) {
		task_fail(task, EMFILE, WIRE_ORIGIN_LIMIT, -1,
			"too many replies with sockets were not read yet; read them first");
		return true;
	}
	return false;
}

/* Finds the namespace that the decision names. Returns 0 or a negative errno. */
static int find_netns(struct task *task)
{
	struct connection *connection = task->connection;
	int fd;

	if (task->query.apply)
		return 0;
	switch (task->decision.netns) {
	case RULE_NETNS_UNSAID:
	case RULE_NETNS_BROKER:
		return 0;
	case RULE_NETNS_PEER:
		if (!connection->foreign)
			return 0;
		fd = connection_netns(connection);
		break;
	case RULE_NETNS_NAMED:
		fd = netns_open_named(task->decision.netns_name);
		task->close_netns_fd = fd >= 0;
		break;
	default:
		fd = -EINVAL;
	}
	if (fd < 0)
		return fd;
	task->netns_fd = fd;
	return 0;
}

void task_run(struct task *task, size_t packet_size)
{
	struct connection *connection = task->connection;
	const struct peer *peer = &connection->peer;
	const struct policy_subject subject = {
		.uid = peer->uid,
		.gid = peer->gid,
		.groups = peer->groups,
		.n_groups = peer->n_groups,
		.listener = connection->listener->name,
		.foreign_netns = connection->foreign,
	};

	task->steps[0] = 0;
	if (task->request.n_steps > 0)
		describe_steps(task->query.domain, task->query.protocol, task->request.steps,
			task->request.n_steps, task->steps, sizeof task->steps);
	policy_decide(task->policy, &subject, &task->query, &task->decision);
	if (!task->decision.allowed) {
		int step = task->decision.step;
		bool bind = step >= 0 && task->request.steps[step].kind == WIRE_STEP_BIND;
		task_fail(task, bind ? EACCES : EPERM, WIRE_ORIGIN_POLICY, step,
			task->decision.reason);
		task_done(task);
		return;
	}
	if (task->decision.owner_peer && peer->uid == 0 && !task->query.apply) {
		task_fail(task, EPERM, WIRE_ORIGIN_POLICY, -1,
			"the rule opens under the peer's own user, and sockd never acts as root");
		task_done(task);
		return;
	}
	if (refuse_by_limit(task)) {
		task_done(task);
		return;
	}
	int r = find_netns(task);
	if (r < 0) {
		char text[WIRE_TEXT_MAX];
		snprintf(text, sizeof text,
			"allowed by rule %s, but its network namespace cannot be reached: %s",
			task->decision.rule.name, strerror(-r));
		task_fail(task, -r, WIRE_ORIGIN_POLICY, -1, text);
		task_done(task);
		return;
	}
	carry_out(task, packet_size);
}
