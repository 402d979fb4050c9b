/*
 * A request in words, for refusals and for the audit trail. Everything a client supplied is
 * escaped; what does not fit is cut with "...". The buffer always ends up NUL-terminated.
 */
#ifndef SOCKD_DAEMON_POLICY_DESCRIBE_H
#define SOCKD_DAEMON_POLICY_DESCRIBE_H

#include <stddef.h>

#include "daemon/policy/policy.h"
#include "proto/wire.h"

/* "inet stream tcp, bind 127.0.0.1:80 SO_MARK=5" */
void describe_query(const struct policy_query *query, char *buffer, size_t size);
/*
 * "bind 127.0.0.1:80 SO_MARK=5"; empty where there are no steps. In the client's order; where not
 * all fits, what takes a privilege comes first, what is there several times is told once, and the
 * rest by its number: "bind *:81 SO_MARK=66 SO_KEEPALIVE=1 x7 +3 more". So in describe_query().
 */
void describe_steps(int domain, int protocol, const struct wire_step *steps, size_t n_steps,
	char *buffer, size_t size);
/* The command by which an administrator asks for the same: "sockctl check --uid=1000 inet stream
 * tcp --bind=..." With all the subject's groups, see subject_as_found(). place: NULL where it is
 * not known. */
void describe_check(const struct policy_query *query, const struct policy_subject *subject,
	const struct policy_place *place, char *buffer, size_t size);

/* "store inet stream as web" */
void describe_keep(const struct policy_keep_query *query, char *buffer, size_t size);
/* The command that asks for the same. */
void describe_keep_check(const struct policy_keep_query *query,
	const struct policy_subject *subject, const struct policy_place *place, char *buffer,
	size_t size);

#endif
