#include "daemon/keep/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/broker.h"
#include "daemon/clock.h"
#include "daemon/listener.h"
#include "daemon/own-socket.h"
#include "proto/constants.h"
#include "proto/macro.h"

void keep_describe(const struct terms *terms, char *buffer, size_t size)
{
	if (terms->kind == TERMS_STORED) {
		snprintf(buffer, size, "%s%s", terms->common ? "common " : "", terms->name);
		return;
	}
	switch (terms->taker) {
	case WIRE_TAKER_PROCESS:
		snprintf(buffer, size, "ticket %" PRIu64 " for a process", terms->number);
		break;
	case WIRE_TAKER_USER:
		snprintf(buffer, size, "ticket %" PRIu64 " for uid %u", terms->number,
			terms->taker_id);
		break;
	case WIRE_TAKER_GROUP:
		snprintf(buffer, size, "ticket %" PRIu64 " for gid %u", terms->number,
			terms->taker_id);
		break;
	default:
		snprintf(buffer, size, "ticket %" PRIu64 " for anyone", terms->number);
	}
}

static void set_socket(
	struct audit_record *record, int domain, int type, int protocol, uint64_t netns)
{
	record->domain = domain;
	record->type = type;
	record->protocol = constant_protocol_of_call(domain, protocol);
	record->netns = netns;
}

void keep_audit(struct connection *connection, enum audit_event event, const char *verb,
	const struct own_socket *own, const char *rule, const char *what, int error,
	const char *text)
{
	struct broker *broker = connection->broker;
	const struct place *place = connection->peer.place;
	struct audit_record record = {
		.event = event,
		.time_usec = clock_usec(CLOCK_REALTIME),
		.uid = connection->peer.uid,
		.gid = connection->peer.gid,
		.pid = connection->peer.pid,
		.domain = -1,
		.error = error,
		.count = 1,
		.verb = verb,
		.listener = connection->listener->name,
		.unit = place ? place->names.unit : NULL,
		.rule = rule,
		.steps = what,
		.text = text,
	};

	if (own)
		set_socket(&record, own->domain, own->type, own->protocol, own->netns);
	if (event == AUDIT_REFUSAL)
		audit_limit_push(broker->audit_limit, &record);
	else
		audit_limit_push_grant(broker->audit_limit, connection->user, &record);
}

void keep_audit_end(struct broker *broker, const struct kept *kept, int error, const char *text)
{
	const struct terms *terms = &kept->terms;
	char what[AUDIT_STEPS_MAX + 1];
	struct audit_record record = {
		.event = AUDIT_RELEASE,
		.time_usec = clock_usec(CLOCK_REALTIME),
		.uid = terms->uid,
		.gid = terms->gid,
		.pid = terms->pid,
		.error = error,
		.count = 1,
		.verb = terms->kind == TERMS_TICKET ? "share" : "store",
		.rule = terms->rule,
		.steps = what,
		.text = text,
	};

	set_socket(&record, kept->socket->domain, kept->socket->type, kept->socket->protocol,
		kept->socket->netns);
	keep_describe(terms, what, sizeof what);
	audit_push(broker->audit, &record);
}
