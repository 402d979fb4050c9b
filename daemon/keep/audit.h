/*
 * Kept sockets in the audit trail. A ticket is named by its number, never by itself.
 */
#ifndef SOCKD_DAEMON_KEEP_AUDIT_H
#define SOCKD_DAEMON_KEEP_AUDIT_H

#include "daemon/audit.h"
#include "daemon/connection.h"
#include "daemon/keep/keep.h"

/* "ticket 5 for uid 33", "web", "common web" */
void keep_describe(const struct terms *terms, char *buffer, size_t size);

/* What a peer did, or was refused. what: as keep_describe() has it; own: the kind of socket, NULL
 * where there is none. */
struct own_socket;
void keep_audit(struct connection *connection, enum audit_event event, const char *verb,
	const struct own_socket *own, const char *rule, const char *what, int error,
	const char *text);
/* What ended by itself, with the name of whoever gave it. */
struct broker;
void keep_audit_end(struct broker *broker, const struct kept *kept, int error, const char *text);

#endif
