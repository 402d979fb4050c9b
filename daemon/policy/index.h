/*
 * The rules by the kind of socket and by peer, so that ten thousand cost what ten do.
 *
 * A kind (family, type, protocol, with "any" for the last two) leads to a bucket; in it the users
 * and groups lead to their rules by a hash, wide ranges of them by an interval tree. Built once
 * when a policy is loaded, then only read; looking up takes no memory.
 */
#ifndef SOCKD_DAEMON_POLICY_INDEX_H
#define SOCKD_DAEMON_POLICY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/policy/policy.h"
#include "daemon/policy/rule.h"

struct rule_index;

/*
 * A socket's kind with what the kernel holds for the same made the same: protocol 0 of inet is the
 * type's usual one, the datagram and raw types of netlink are one, an inet socket of type
 * SOCK_PACKET is a packet socket.
 */
struct socket_kind {
	int domain, type, protocol;
};

/* From what socket(2) takes (packet protocols in network byte order). */
struct socket_kind socket_kind_of_query(const struct policy_query *query);

/* Indexes the allow rules, or the deny rules; those about opening, or those about sockets that are
 * handed on. Keeps no pointer to the rules. Returns 0, -ENOMEM or -E2BIG. */
int rule_index_new(const struct rule *rules, size_t n, bool deny, struct rule_index **ret);
int rule_index_new_keep(const struct rule *rules, size_t n, bool deny, struct rule_index **ret);
struct rule_index *rule_index_free(struct rule_index *index); /* returns NULL */

/* Calls back with the number of each rule whose peers and kind match (a deny rule for TCP is for
 * MPTCP too), in no particular order and
 * perhaps more than once. */
typedef void (*rule_index_visit)(size_t rule, void *data);
void rule_index_each(const struct rule_index *index, const struct policy_subject *subject,
	const struct socket_kind *kind, rule_index_visit visit, void *data);

#endif
