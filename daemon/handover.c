#include "daemon/handover.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/broker.h"
#include "daemon/family/family.h"
#include "daemon/grant.h"
#include "daemon/listener.h"
#include "daemon/release.h"
#include "daemon/reply.h"
#include "daemon/thread.h"
#include "proto/constants.h"
#include "proto/macro.h"

/* From this many sockets on a batch is watched and closed by a worker. */
#define WATCH_LATER 8u
/* And so many batches at a time: more would only keep each other, and other jobs, waiting. */
#define WATCH_JOBS_MAX 16u

/* Watching and closing what was handed over, off the loop: worth it for a batch. */
struct watch_job {
	struct job job;
	struct broker *broker;
	uid_t uid; /* who had the sockets */
	bool close_sleeps;
	int cpu; /* the loop's */
	unsigned n;
	struct grant_watch watches[WIRE_COUNT_MAX];
	int fds[WIRE_COUNT_MAX];
};

static atomic_uint n_watch_jobs; /* that have not run */

static void run_watch(struct job *job)
{
	struct watch_job *watch = (struct watch_job *)job;

	thread_leave_cpu(watch->cpu);
	for (unsigned i = 0; i < watch->n; i++) {
		grant_watch_socket(&watch->watches[i], watch->fds[i]);
		if (!watch->close_sleeps)
			close_quietly(watch->fds[i]);
	}
	atomic_fetch_sub(&n_watch_jobs, 1);
}

static void done_watch(struct job *job)
{
	struct watch_job *watch = (struct watch_job *)job;
	struct broker *broker = watch->broker;

	if (job->cancelled) {
		watch->cpu = -1; /* this is the loop itself */
		run_watch(job);
	}
	(void)grants_settle(broker->grants, watch->watches, watch->n);
	if (watch->close_sleeps)
		closer_take(broker->closer, watch->uid, watch->fds, watch->n);
	free(watch);
}

static bool watch_in_worker(const struct connection *connection, const struct grant_watch *watches,
	const struct outcome *outcome, bool close_sleeps)
{
	struct broker *broker = connection->broker;
	struct watch_job *watch = malloc(sizeof *watch);
	if (!watch)
		return false;
	watch->job = (struct job){.run = run_watch, .done = done_watch};
	watch->broker = broker;
	watch->uid = connection->user->uid;
	watch->close_sleeps = close_sleeps;
	watch->cpu = sched_getcpu();
	watch->n = (unsigned)outcome->n_fds;
	memcpy(watch->watches, watches, outcome->n_fds * sizeof *watches);
	memcpy(watch->fds, outcome->fds, outcome->n_fds * sizeof *outcome->fds);
	atomic_fetch_add(&n_watch_jobs, 1);
	if (worker_submit_take(broker->worker, &watch->job) >= 0)
		return true;
	atomic_fetch_sub(&n_watch_jobs, 1);
	free(watch);
	return false;
}

/* Before Linux 5.18 always, since then where multicast is routed, under rtnl. */
static bool is_raw_icmpv6(const struct policy_query *query)
{
	return query->domain == AF_INET6 && query->type == SOCK_RAW &&
	       query->protocol == IPPROTO_ICMPV6;
}

/* The family's locks, which a step had to wait for, are taken again when the socket lets go of what
 * the step gave it: so with multicast memberships, under rtnl. */
bool hand_over_close_sleeps(const struct policy_query *query)
{
	return family_get(query->domain)->close_sleeps ||
	       (query->type != SOCK_DGRAM && query->type != SOCK_RAW) || is_raw_icmpv6(query) ||
	       family_any_step_sleeps(query->domain, query->steps, query->n_steps);
}

static void describe_grant(const struct task *task, struct grant *ret)
{
	struct connection *connection = task->connection;

	ret->rule = task->decision.rule;
	ret->user = connection->user;
	ret->gid = connection->peer.gid;
	ret->pid = connection->peer.pid;
	ret->place = connection->peer.place;
	ret->listener = connection->listener->name;
	ret->apply = task->query.apply;
	ret->domain = task->query.domain;
	ret->type = task->query.type;
	ret->protocol = constant_protocol_of_call(ret->domain, task->query.protocol);
	ret->netns = task->netns;
	ret->inode = 0;
	ret->time_usec = connection->broker->turn_usec;
	static_assert(sizeof ret->steps >= sizeof task->steps, "cut off by nobody");
	memcpy(ret->steps, task->steps, strlen(task->steps) + 1);
}

static struct wire_reply record_answer(const struct task *task, uint64_t grant)
{
	const struct outcome *outcome = &task->outcome;

	task_audit(task, AUDIT_GRANT, grant, 0, NULL);
	return (struct wire_reply){
		.verb = task->request.verb,
		.serial = task->request.serial,
		.answer =
			{
				.step = -1,
				.count = (uint32_t)outcome->n_fds,
				.grant = grant,
				.flags = outcome->connecting ? WIRE_ANSWER_CONNECTING : 0,
			},
	};
}

static void fail_to_record(struct task *task, int error)
{
	release_fds_take(task->connection, task->outcome.fds, task->outcome.n_fds);
	task_fail(task, error, WIRE_ORIGIN_LIMIT, -1, "the grant cannot be recorded");
}

/* Polling the socket could hang: such a grant is not watched, but ends with the connection. */
static bool ends_with_connection(const struct task *task)
{
	return !family_get(task->query.domain)->poll_is_lockless;
}

int hand_back_prepare(struct task *task)
{
	struct grants *grants = task->connection->broker->grants;
	struct stat status;

	task->grant = 0;
	task->has_watch = false;
	if (ends_with_connection(task))
		return 0;
	_cleanup_free_ struct grant *grant = grant_new(grants);
	if (!grant)
		return -ENOMEM;
	describe_grant(task, grant);
	if (fstat(task->fd, &status) == 0)
		grant->inode = status.st_ino;
	const struct grant *same = grants_find_same(grant->user, grant);
	if (!same) {
		same = grant;
		int r = grants_begin_take(grants, TAKE_PTR(grant), 1, &task->watch);
		if (r < 0)
			return r;
		task->has_watch = true;
	}
	task->grant = same->id;
	return 0;
}

void hand_back_in_worker(struct task *task)
{
	if (task->has_watch && task->outcome.error == 0)
		grant_watch_socket(&task->watch, task->fd);
	else
		task->watch.error = ECANCELED;
	close_quietly(TAKE_FD(task->fd));
}

void hand_back_finish(struct task *task)
{
	struct grants *grants = task->connection->broker->grants;
	int r = 0;

	if (task->has_watch)
		r = grants_settle(grants, &task->watch, 1);
	if (task->outcome.error != 0)
		return;
	if (ends_with_connection(task) && task->connection->fd >= 0) {
		struct grant *grant = grant_new(grants);
		if (grant) {
			describe_grant(task, grant);
			grants_add_unwatched_take(grants, grant, 1, task->connection);
			task->grant = grant->id;
		} else
			r = -ENOMEM;
	}
	if (r < 0)
		fail_to_record(task, -r);
	else {
		const struct wire_reply reply = record_answer(task, task->grant);
		(void)reply_send(task->connection, &reply, task->outcome.fds, task->outcome.n_fds);
	}
}

static int watch_here(
	struct broker *broker, struct grant_watch *watches, const struct outcome *outcome)
{
	for (size_t i = 0; i < outcome->n_fds; i++)
		grant_watch_socket(&watches[i], outcome->fds[i]);
	return grants_settle(broker->grants, watches, (unsigned)outcome->n_fds);
}

/* What waits for a worker to watch it is not held against its user: so it takes at most half of
 * what the user may have. */
static bool watch_later(const struct task *task)
{
	const struct connection *connection = task->connection;
	size_t n = task->outcome.n_fds;

	return n >= WATCH_LATER && atomic_load(&n_watch_jobs) < WATCH_JOBS_MAX &&
	       family_get(task->query.domain)->poll_is_lockless &&
	       connection->user->unsettled + n <= broker_grants_per_user(connection->broker) / 2;
}

void hand_over(struct task *task)
{
	struct connection *connection = task->connection;
	struct broker *broker = connection->broker;
	struct outcome *outcome = &task->outcome;
	unsigned n = (unsigned)outcome->n_fds;
	/* The loop hands over for one request at a time. */
	static struct grant_watch watches[WIRE_COUNT_MAX];
	bool later = watch_later(task);
	bool sleeps = hand_over_close_sleeps(&task->query);
	struct grant *grant = grant_new(broker->grants);
	int r = -ENOMEM;

	if (grant) {
		describe_grant(task, grant);
		r = grants_begin_take(broker->grants, grant, n, watches);
	}
	if (r >= 0 && !later)
		r = watch_here(broker, watches, outcome);
	if (r < 0) {
		fail_to_record(task, -r);
		return;
	}
	const struct wire_reply reply = record_answer(task, grant->id);
	if (n == 1 && outbox_put_take(connection, &reply, outcome->fds[0], sleeps))
		return;
	enum reply_fate fate = reply_send(connection, &reply, outcome->fds, n);
	if (later && fate == REPLY_SENT && watch_in_worker(connection, watches, outcome, sleeps))
		return;
	if (later)
		(void)watch_here(broker, watches, outcome);
	reply_close_take(connection, fate, outcome->fds, n, sleeps);
}
