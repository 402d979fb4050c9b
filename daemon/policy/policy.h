/*
 * The policy: rules from JSON drop-in files, checked as a whole, compiled into an index, then
 * immutable.
 *
 * Owns every rule and string; counted by reference, because grants and queued records name rules of
 * policies that a reload has replaced. Not thread-safe but for policy_decide(), which only reads.
 */
#ifndef SOCKD_DAEMON_POLICY_POLICY_H
#define SOCKD_DAEMON_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "proto/wire.h"

struct policy;
struct rule;
struct ranges;

/* Where a rule opens. */
enum rule_netns {
	RULE_NETNS_UNSAID, /* speaks only of peers in the broker's own namespace, and opens there */
	RULE_NETNS_PEER,
	RULE_NETNS_BROKER,
	RULE_NETNS_NAMED, /* a name under /run/netns */
	RULE_NETNS_ANY,	  /* of sockets that are handed on: wherever they live */
};

/* What the rest of the daemon reads of a rule; policy/rule.h has all of it. Lives as long as the
 * policy, or as a reference to it. */
struct rule_view {
	const char *name;
	const char *file;
	unsigned line;
	struct rule_label *label; /* what name and file point into */
};

/* Where systemd keeps a peer; NULL: in none such. */
struct policy_place {
	const char *unit, *slice;
	const char *user_unit; /* the unit within the peer's user manager */
};

/* What the kernel calls those who are not in the broker's user namespace; -1: there are none. */
struct policy_strangers {
	uid_t uid;
	gid_t gid;
};

/* Who asks. */
struct policy_subject {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
	/* May be anybody, so that a rule which names such a user or group can deny alone. NULL:
	 * there are none. */
	const struct policy_strangers *strangers;
	const char *listener; /* the name of the listener it came by */
	bool foreign_netns;   /* it lives in another network namespace than the broker */
	/* Is the other network namespace (PEER, BROKER, or NAMED and by which name) the one of this
	 * name? 1 or 0, a negative errno: it cannot be told, -ENODATA: by the question. NULL: the
	 * same. */
	int (*is_named)(
		void *data, const char *name, enum wire_netns other, const char *other_name);
	/* Asked only where a rule speaks of units or slices, as it costs time. Returns 0 or a
	 * negative errno: unknown. NULL: unknown. What it returns lives as long as the decision. */
	int (*place)(void *data, struct policy_place *ret);
	void *data;
};

/* What is asked: an OPEN (fd is -1), or an APPLY on the client's own socket. */
struct policy_query {
	bool apply;
	int domain, type, protocol; /* type without flags */
	enum wire_netns
		netns; /* OPEN: the choice; APPLY: _PEER or _BROKER, where the socket lives */
	const char *netns_name;
	const struct wire_step *steps;
	size_t n_steps;
	/* APPLY: the socket, to turn interface indexes into names in its own namespace; else -1. */
	int fd;
};

#define POLICY_REASON_MAX 400

struct policy_decision {
	bool allowed;
	struct rule_view
		rule; /* the rule that allowed or denied; name NULL: no rule speaks of it */
	int step;     /* the step that no rule allows, -1: the socket itself */
	enum rule_netns netns;
	const char *netns_name; /* with RULE_NETNS_NAMED */
	bool owner_peer;	/* open under the peer's fsuid */
	const char *device;	/* bind to this device first: the rule's confinement; NULL: none */
	bool has_mark;		/* set this SO_MARK first */
	uint32_t mark;
	/* What the family itself must hold the new socket to; lives as long as the policy. NULL:
	 * nothing. */
	const struct rule *limits;
	/* APPLY: the socket must be bound to one of these Bluetooth controllers before it may be
	 * sent to; NULL: to any. Of the rule. */
	const struct ranges *devices;
	char reason[POLICY_REASON_MAX]; /* a refusal in words */
};

/* Limits a policy file may set; 0 means the built-in one. */
struct policy_limits {
	unsigned connections_per_user;
	unsigned grants_per_user;
	unsigned requests_in_work_per_user;
	unsigned kept_per_user;
};

/*
 * Reads every *.json in the directories (later directories replace a file of the same name; a
 * missing directory is empty). Errors are written to errors, one a line: "FILE:LINE:COLUMN: rule
 * NAME: what is wrong; what would be right". Files must be root's or this user's. Returns 0;
 * -EINVAL where there was any error (all of them have been written); -ENOMEM.
 */
int policy_load(const char *const *directories, size_t n_directories, uid_t owner, FILE *errors,
	struct policy **ret);
struct policy *policy_ref(struct policy *policy);
struct policy *policy_unref(struct policy *policy); /* returns NULL */
/* For who tells of a rule after its policy. */
void rule_view_ref(const struct rule_view *view);
void rule_view_unref(const struct rule_view *view);

size_t policy_rule_count(const struct policy *policy);
size_t policy_file_count(const struct policy *policy);
const struct policy_limits *policy_limits(const struct policy *policy);
/* How many rules speak of each family; no kernel has a higher number than these. */
#define POLICY_FAMILIES_MAX 64u
struct policy_family_count {
	unsigned allow, deny;
};
void policy_count_families(
	const struct policy *policy, struct policy_family_count ret[static POLICY_FAMILIES_MAX]);
/* The capabilities (bit mask, 1 << CAP_...) that these rules need the broker to hold. */
uint64_t policy_capabilities(const struct policy *policy);
/* Does a rule name another network namespace (peer or a name)? Is one "owner": "peer"? */
bool policy_uses_netns(const struct policy *policy);
/* Does a rule name a namespace, be it only to compare with? */
bool policy_names_netns(const struct policy *policy);
bool policy_uses_owner(const struct policy *policy);
/* May some rule let this peer have anything sent (WIRE_STEP_SEND)? Its user and groups alone are
 * looked at: there may be none when it comes to a request. */
bool policy_may_send(const struct policy *policy, const struct policy_subject *subject);
/* Calls back for each netns name a rule uses. */
void policy_each_netns_name(
	const struct policy *policy, void (*callback)(const char *name, void *data), void *data);

/* What is done with a socket that is there already; bits of a rule's "actions". */
enum policy_action {
	POLICY_SHARE = 1,
	POLICY_RECEIVE = 2,
	POLICY_STORE = 4,
	POLICY_FETCH = 8,
};
#define POLICY_ACTIONS_OF_STORE (POLICY_STORE | POLICY_FETCH)

/* The action's word in policies, and back; NULL and 0 for what is none. */
const char *policy_action_name(enum policy_action action);
enum policy_action policy_action_from_name(const char *name);

/* A socket that is to be handed on, as the kernel tells of it. */
struct policy_keep_query {
	enum policy_action action;
	int domain, type, protocol;
	bool in_peers, in_brokers; /* it lives in the peer's, in the broker's network namespace */
	const char *name;	   /* of STORE and FETCH; else NULL */
	bool common;		   /* the name is one of several users */
	/* Does the socket live in the namespace of this name? 1 or 0, a negative errno: it cannot
	 * be told. NULL: the same. */
	int (*is_in)(void *data, const char *netns);
	void *data;
};

/* Of the result only allowed, rule and reason are set. */
void policy_decide_keep(const struct policy *policy, const struct policy_subject *subject,
	const struct policy_keep_query *query, struct policy_decision *ret);

void policy_decide(const struct policy *policy, const struct policy_subject *subject,
	const struct policy_query *query, struct policy_decision *ret);

#endif
