#include "daemon/task.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/listener.h"
#include "daemon/release.h"
#include "daemon/reply.h"
#include "proto/macro.h"

/* As people name it: packet sockets have their protocol in network byte order. */
int task_protocol_in_words(const struct policy_query *query)
{
	return query->domain == AF_PACKET ? ntohs((uint16_t)query->protocol) : query->protocol;
}

void task_audit(const struct task *task, enum audit_event event, uint64_t grant, int error,
	const char *text)
{
	const struct connection *connection = task->connection;
	struct broker *broker = connection->broker;
	struct audit_record record = {
		.event = event,
		.grant = grant,
		.uid = connection->peer.uid,
		.gid = connection->peer.gid,
		.pid = connection->peer.pid,
		.domain = task->query.domain,
		.type = task->query.type,
		.protocol = task_protocol_in_words(&task->query),
		.error = error,
		.count = task->query.apply ? 1 : task->request.count,
	};

	record.time_usec = broker->turn_usec;
	memcpy(record.verb, task->query.apply ? "apply" : "open", task->query.apply ? 6 : 5);
	memcpy(record.listener, connection->listener->name, sizeof record.listener);
	const struct place *place = connection->peer.place;
	if (place && place->names.unit)
		memcpy(record.unit, place->names.unit,
			strnlen(place->names.unit, sizeof record.unit - 1));
	if (task->decision.rule.name) {
		size_t length = strnlen(task->decision.rule.name, sizeof record.rule - 1);
		memcpy(record.rule, task->decision.rule.name, length);
		record.rule[length] = 0;
	}
	memcpy(record.steps, task->steps, sizeof record.steps);
	if (text)
		snprintf(record.text, sizeof record.text, "%s", text);
	audit_push(broker->audit, &record);
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
