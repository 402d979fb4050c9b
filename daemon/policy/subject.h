/*
 * Is a peer one that a rule is for, besides who it is (by that the index has found the rule): the
 * listener that it came by, and where systemd keeps it. And what of it led to the rule.
 */
#ifndef SOCKD_DAEMON_POLICY_SUBJECT_H
#define SOCKD_DAEMON_POLICY_SUBJECT_H

#include <stdbool.h>

#include "daemon/policy/policy.h"
#include "daemon/policy/rule.h"

/* Somebody who cannot be told from others. */
bool subject_is_stranger(const struct policy_subject *subject);
bool subject_came_by(const struct policy_subject *subject, const struct rule *rule);

/* Is its user in the one list, or its own group in the other? */
bool subject_is_itself_in(
	const struct policy_subject *subject, const struct ranges *uids, const struct ranges *gids);
/* The first of its further groups in there; NULL: none is. */
const gid_t *subject_group_in(const struct policy_subject *subject, const struct ranges *gids);

/* The peer with no other of its further groups than the one by which alone the rule (or NULL) is
 * for it: who asks for it by that one comes to the same rule. Lives as long as subject. */
struct policy_subject subject_as_found(
	const struct policy_subject *subject, const struct rule *rule);

/* Where the peer is: costly to find out, so that it is asked for once, when a rule names it. */
struct subject_place {
	struct policy_place place;
	int error; /* negative: it cannot be told */
	bool asked;
};

/* A rule whose unit or slice cannot be told allows nothing, and denies what it would deny. */
bool subject_is_placed(
	const struct policy_subject *subject, const struct rule *rule, struct subject_place *place);
/* NULL: nobody asked, or it cannot be told. */
const struct policy_place *subject_place_known(const struct subject_place *place);

#endif
