#include "daemon/keep/audit.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/clock.h"
#include "daemon/listener.h"
#include "daemon/own-socket.h"
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

/* As people name it: packet sockets have their protocol in network byte order. */
static void set_kind(struct audit_record *record, int domain, int type, int protocol)
{
	record->domain = domain;
	record->type = type;
	record->protocol = domain == AF_PACKET ? ntohs((uint16_t)protocol) : protocol;
}

static void set_text(char *array, size_t size, const char *text)
{
	size_t length = text ? strnlen(text, size - 1) : 0;

	if (length > 0)
		memcpy(array, text, length);
	array[length] = '\0';
}

void keep_audit(struct connection *connection, enum audit_event event, const char *verb,
	const struct own_socket *own, const char *rule, const char *what, int error,
	const char *text)
{
	struct broker *broker = connection->broker;
	const struct place *place = connection->peer.place;
	struct audit_record record = {
		.event = event,
		.uid = connection->peer.uid,
		.gid = connection->peer.gid,
		.pid = connection->peer.pid,
		.domain = -1,
		.error = error,
		.count = 1,
	};

	record.time_usec = clock_usec(CLOCK_REALTIME);
	if (own)
		set_kind(&record, own->domain, own->type, own->protocol);
	set_text(record.verb, sizeof record.verb, verb);
	set_text(record.listener, sizeof record.listener, connection->listener->name);
	set_text(record.unit, sizeof record.unit, place ? place->names.unit : NULL);
	set_text(record.rule, sizeof record.rule, rule);
	set_text(record.steps, sizeof record.steps, what);
	set_text(record.text, sizeof record.text, text);
	audit_push(broker->audit, &record);
}

void keep_audit_end(struct broker *broker, const struct kept *kept, int error, const char *text)
{
	const struct terms *terms = &kept->terms;
	struct audit_record record = {
		.event = AUDIT_RELEASE,
		.uid = terms->uid,
		.gid = terms->gid,
		.pid = terms->pid,
		.error = error,
		.count = 1,
	};

	record.time_usec = clock_usec(CLOCK_REALTIME);
	set_kind(&record, kept->socket->domain, kept->socket->type, kept->socket->protocol);
	set_text(record.verb, sizeof record.verb, terms->kind == TERMS_TICKET ? "share" : "store");
	keep_describe(terms, record.steps, sizeof record.steps);
	set_text(record.rule, sizeof record.rule, terms->rule);
	set_text(record.text, sizeof record.text, text);
	audit_push(broker->audit, &record);
}
