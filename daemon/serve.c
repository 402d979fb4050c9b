#include "daemon/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/family/family.h"
#include "daemon/generic.h"
#include "daemon/handover.h"
#include "daemon/hang-up.h"
#include "daemon/listener.h"
#include "daemon/netns.h"
#include "daemon/policy/describe.h"
#include "daemon/release.h"
#include "daemon/strangers.h"
#include "proto/macro.h"

/* More than this, and a request is work enough to keep others waiting. */
#define STEPS_ON_LOOP 256u
#define STEP_BYTES_ON_LOOP (16u * 1024u)
/* Of the worker's jobs; with so many no refused socket is added. */
#define REFUSED_IN_WORK_MAX 32u

/* How long an address that is in use is waited for, at first and at most; half a second in all,
 * which is longer than a close that lingers is let hang. */
#define IN_USE_USEC_MIN 250u
#define IN_USE_USEC_MAX 256000u
/* Nobody has it any more, but for those who read the links in /proc/PID/fd (ss -p, lsof): each has
 * the socket for a moment. */
#define IN_USE_USEC_READER 2000u

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

/* What failed in the doing: the kernel's word, or what only the socket showed. */
static void fail_in_work(struct task *task)
{
	const struct outcome *outcome = &task->outcome;
	char text[WIRE_TEXT_MAX];
	char step[32] = "socket";

	if (outcome->denied) {
		snprintf(text, sizeof text, "rule %s does not allow this: %s",
			task->decision.rule.name, outcome->why);
		task_fail(task, EACCES, WIRE_ORIGIN_POLICY, outcome->step, text);
		return;
	}
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

static void fail_elsewhere(struct task *task)
{
	char text[WIRE_TEXT_MAX];

	snprintf(text, sizeof text,
		"rule %s would allow it, but the socket is bound to none of its \"devices\"",
		task->decision.rule.name);
	task_fail(task, EPERM, WIRE_ORIGIN_POLICY, task->outcome.step, text);
}

static void refuse(struct task *task)
{
	int step = task->decision.step;
	bool bind = step >= 0 && task->request.steps[step].kind == WIRE_STEP_BIND;

	task_fail(task, bind ? EACCES : EPERM, WIRE_ORIGIN_POLICY, step, task->decision.reason);
}

/* After the work: the grant and the answer. The outcome's descriptors are used up. */
static void finish(struct task *task)
{
	struct connection *connection = task->connection;
	struct outcome *outcome = &task->outcome;

	if (!task->decision.allowed) {
		refuse(task);
		return;
	}
	if (task->query.apply)
		hand_back_finish(task);
	if (outcome->error != 0) {
		release_fds_take(connection, outcome->fds, outcome->n_failed_fds);
		if (outcome->elsewhere)
			fail_elsewhere(task);
		else
			fail_in_work(task);
	} else if (task->query.apply) {
		return;
	} else if (connection->fd < 0) { /* and with it whoever could have taken the socket */
		release_fds_take(connection, outcome->fds, outcome->n_fds);
		task_fail(task, ECANCELED, WIRE_ORIGIN_LIMIT, -1, "the connection is gone");
	} else {
		note_warm(&task->request);
		hand_over(task);
	}
}

static bool is_in_use(const struct task *task)
{
	return task->outcome.error == EADDRINUSE && !task->query.apply;
}

/*
 * Who has closed a socket from here may ask for its address again before our own copy is closed.
 * What was given to be closed before now is therefore waited for, and a little longer; a refusal
 * after that is the kernel's own.
 */
static void execute_patiently(struct task *task)
{
	struct closer *closer = task->closer;
	uint64_t mark = closer_mark(closer);

	for (useconds_t usec = IN_USE_USEC_MIN;; usec *= 2) {
		bool has_closed = closer_has_closed(closer, mark);
		execute(&task->plan, &task->outcome);
		if (!is_in_use(task) || usec > (has_closed ? IN_USE_USEC_READER : IN_USE_USEC_MAX))
			return;
		for (size_t i = 0; i < task->outcome.n_failed_fds; i++)
			close_quietly(task->outcome.fds[i]);
		(void)usleep(usec);
	}
}

static void run_in_worker(struct job *job)
{
	struct task *task = (struct task *)job;

	if (!task->decision.allowed)
		close_quietly(TAKE_FD(task->fd));
	else if (task->query.apply) {
		execute(&task->plan, &task->outcome);
		hand_back_in_worker(task);
	} else
		execute_patiently(task);
}

static void free_task(struct task *task)
{
	struct connection *connection = task->connection;

	task_done(task);
	policy_unref(task->policy);
	closer_unref(task->closer);
	free(task);
	connection_unref(connection);
}

static void done_in_worker(struct job *job)
{
	struct task *task = (struct task *)job;
	struct connection *connection = task->connection;

	if (job->cancelled) {
		task->outcome.error = task->watch.error = ECANCELED;
		task->outcome.n_failed_fds = 0;
		hang_up(connection);
	}
	finish(task);
	connection_work_ended(connection);
	free_task(task);
}

/* Moves the task to a worker: with a copy of the packet, because the loop reads the next one into
 * the same buffer. */
static int submit(const struct task *task, size_t packet_size)
{
	struct connection *connection = task->connection;
	struct broker *broker = connection->broker;
	const char *what;

	/* The connection's own one is closed with the connection, while the worker may still need
	 * it. */
	_cleanup_close_ int netns_fd = -1;
	if (task->netns_fd >= 0 && !task->close_netns_fd) {
		netns_fd = fcntl(task->netns_fd, F_DUPFD_CLOEXEC, 3);
		if (netns_fd < 0)
			return negative_errno();
	}
	struct task *copy = malloc(sizeof *copy + packet_size);
	if (!copy)
		return -ENOMEM;
	unsigned char *packet = (unsigned char *)(copy + 1);
	*copy = *task;
	memcpy(packet, broker->packet, packet_size);
	(void)wire_decode_request(packet, packet_size, &copy->request, &what);
	copy->policy = policy_ref(task->policy);
	copy->connection = connection_ref(connection);
	/* The broker itself may be gone before a job that hangs. */
	copy->closer = closer_ref(broker->closer);
	copy->query.steps = copy->plan.steps = copy->request.steps;
	copy->query.netns_name = copy->request.netns_name;
	if (netns_fd >= 0)
		copy->netns_fd = copy->plan.netns_fd = netns_fd;
	copy->close_netns_fd = copy->netns_fd >= 0;
	copy->job = (struct job){.run = run_in_worker, .done = done_in_worker};
	int r = worker_submit_take(broker->worker, &copy->job);
	if (r < 0) {
		copy->fd = -1; /* what is not a copy is still the original's */
		copy->close_netns_fd = false;
		free_task(copy);
		return r;
	}
	(void)TAKE_FD(netns_fd);
	connection_work_begun(connection);
	return 0;
}

/*
 * Who closes its own socket on a refusal finds the address free, as it does after what was done.
 * But being refused takes no right: where many threads are at work the socket is closed after the
 * answer, by those who do nothing else.
 */
static bool close_before_answer(struct task *task, size_t packet_size)
{
	return task->query.apply && task->fd >= 0 &&
	       worker_busy(task->connection->broker->worker) < REFUSED_IN_WORK_MAX &&
	       submit(task, packet_size) >= 0;
}

static bool can_sleep(const struct task *task)
{
	const struct wire_request *request = &task->request;

	/* A client's own socket may be locked by its owner for as long as that likes. */
	if (task->query.apply || !is_warm(request) || task->decision.limits)
		return true;
	if (request->count * request->n_steps > STEPS_ON_LOOP)
		return true;
	for (size_t i = 0; i < request->n_steps; i++)
		if (request->count * request->steps[i].data_size > STEP_BYTES_ON_LOOP)
			return true;
	return family_any_step_sleeps(task->query.domain, request->steps, request->n_steps);
}

static bool try_again_in_worker(struct task *task, size_t packet_size)
{
	struct outcome *outcome = &task->outcome;

	/* Nobody else ever had these. */
	if (family_get(task->query.domain)->close_sleeps)
		release_fds_take(task->connection, outcome->fds, outcome->n_failed_fds);
	else
		for (size_t i = 0; i < outcome->n_failed_fds; i++)
			close_quietly(outcome->fds[i]);
	outcome->n_failed_fds = 0;
	return submit(task, packet_size) >= 0;
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
		.has_mark = task->decision.has_mark,
		.mark = task->decision.mark,
		.limits = task->decision.limits,
		.devices = task->decision.devices,
	};
	if (!can_sleep(task)) {
		execute(&task->plan, &task->outcome);
		if (is_in_use(task) && try_again_in_worker(task, packet_size))
			return;
		finish(task);
		task_done(task);
		return;
	}
	int r = task->query.apply ? hand_back_prepare(task) : 0;
	if (r >= 0) {
		r = submit(task, packet_size);
		if (r >= 0)
			return; /* the worker's copy owns all that the task held */
		if (task->query.apply && task->has_watch) {
			task->watch.error = -r;
			(void)grants_settle(connection->broker->grants, &task->watch, 1);
		}
	}
	task_fail(task, -r, WIRE_ORIGIN_LIMIT, -1, "too many requests are in work; try again");
	task_done(task);
}

static bool has_room(struct connection *connection, unsigned n)
{
	struct broker *broker = connection->broker;

	/* What waits to be sent is not counted yet. */
	if (broker->outbox.n > 0 && !connection_has_room(connection, n + broker->outbox.n))
		outbox_send(broker);
	return connection_has_room(connection, n);
}

static bool refuse_by_limit(struct task *task)
{
	struct connection *connection = task->connection;
	struct broker *broker = connection->broker;
	unsigned n = task->query.apply ? 1 : task->request.count;

	int r = grants_reserve(broker->grants, connection->user, broker_grants_per_user(broker), n);
	if (r < 0) {
		task_fail(task, EMFILE, WIRE_ORIGIN_LIMIT, -1,
			r == -EDQUOT
				? "the user has as many sockets from sockd as it may have; close "
				  "some, or raise grants-per-user in the policy's limits"
				: "sockd has given out as many sockets as it may");
		return true;
	}
	if (!task->query.apply && !has_room(connection, n)) {
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
		task->netns = 0;
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
	task->netns = netns_number(fd);
	return 0;
}

static int is_named(void *data, const char *name, enum wire_netns other, const char *other_name)
{
	struct connection *connection = data;

	if (other == WIRE_NETNS_NAMED)
		return netns_are_same(name, other_name);
	int fd = other == WIRE_NETNS_PEER && connection->foreign ? connection_netns(connection)
								 : netns_own();
	return fd < 0 ? fd : netns_is_named(fd, name);
}

static int place_of(void *data, struct policy_place *ret)
{
	struct connection *connection = data;

	return peer_place(&connection->peer, ret);
}

struct policy_subject serve_subject(struct connection *connection)
{
	const struct peer *peer = &connection->peer;

	return (struct policy_subject){
		.uid = peer->uid,
		.gid = peer->gid,
		.groups = peer->groups,
		.n_groups = peer->n_groups,
		.strangers = strangers_known(),
		.listener = connection->listener->name,
		.foreign_netns = connection->foreign,
		.is_named = is_named,
		.place = place_of,
		.data = connection,
	};
}

void serve_task(struct task *task, size_t packet_size)
{
	struct connection *connection = task->connection;
	const struct policy_subject subject = serve_subject(connection);

	if (task->query.domain == AF_NETLINK && task->query.protocol == NETLINK_GENERIC)
		generic_update();
	task->steps[0] = 0;
	if (task->request.n_steps > 0)
		describe_steps(task->query.domain, task->query.protocol, task->request.steps,
			task->request.n_steps, task->steps, sizeof task->steps);
	policy_decide(task->policy, &subject, &task->query, &task->decision);
	if (!task->decision.allowed) {
		if (close_before_answer(task, packet_size))
			return;
		refuse(task);
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
	if (task_answer_question(task))
		task_done(task);
	else
		carry_out(task, packet_size);
}
