#include "daemon/task.h"

#include <string.h>

#include "daemon/broker.h"
#include "daemon/listener.h"
#include "daemon/release.h"
#include "daemon/reply.h"
#include "proto/constants.h"
#include "proto/macro.h"

void task_audit(const struct task *task, enum audit_event event, uint64_t grant, int error,
	const char *text)
{
	const struct connection *connection = task->connection;
	const struct peer *peer = &connection->peer;
	struct broker *broker = connection->broker;
	const struct audit_record record = {
		.event = event,
		.time_usec = broker->turn_usec,
		.grant = grant,
		.uid = peer->uid,
		.gid = peer->gid,
		.pid = peer->pid,
		.domain = task->query.domain,
		.type = task->query.type,
		.protocol = constant_protocol_of_call(task->query.domain, task->query.protocol),
		.error = error,
		.count = task->query.apply ? 1 : task->request.count,
		.netns = task->netns,
		.verb = task->query.apply ? "apply" : "open",
		.listener = connection->listener->name,
		.unit = peer->place ? peer->place->names.unit : NULL,
		.rule = task->decision.rule.name,
		.steps = task->steps,
		.text = text,
	};

	if (event == AUDIT_GRANT)
		audit_limit_push_grant(broker->audit_limit, connection->user, &record);
	else
		audit_limit_push(broker->audit_limit, &record);
}

static bool only_asks(const struct task *task)
{
	return task->request.flags & WIRE_REQUEST_ASK;
}

bool task_answer_question(struct task *task)
{
	const char *rule = task->decision.rule.name;

	if (!only_asks(task))
		return false;
	const struct wire_reply reply = {
		.verb = task->request.verb,
		.serial = task->request.serial,
		.answer =
			{
				.step = -1,
				.flags = WIRE_ANSWER_ONLY_ASKED,
				.text_size = (uint32_t)strlen(rule),
			},
		.text = rule,
	};
	task_audit(task, AUDIT_QUESTION, 0, 0, NULL);
	(void)reply_send(task->connection, &reply, NULL, 0);
	return true;
}

void task_fail(struct task *task, int error, enum wire_origin origin, int step, const char *text)
{
	task_audit(task, only_asks(task) ? AUDIT_QUESTION : AUDIT_REFUSAL, 0, error, text);
	reply_error(task->connection, task->request.verb, task->request.serial, error, origin, step,
		text);
}

void task_done(struct task *task)
{
	if (task->close_netns_fd)
		close_quietly(TAKE_FD(task->netns_fd));
	task->close_netns_fd = false;
	if (task->fd >= 0)
		release_fds_take(task->connection, &task->fd, 1);
	task->fd = -1;
}
