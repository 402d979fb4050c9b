/*
 * What policy.c builds and decide.c reads. For daemon/policy/ alone.
 */
#ifndef SOCKD_DAEMON_POLICY_POLICY_PRIVATE_H
#define SOCKD_DAEMON_POLICY_POLICY_PRIVATE_H

#include <stdatomic.h>

#include "daemon/policy/index.h"
#include "daemon/policy/parse.h"
#include "daemon/policy/policy.h"

struct policy {
	atomic_uint references;
	uid_t owner;	      /* whose files may be, beside root's */
	struct parsed parsed; /* the rules and limits */
	struct names files;   /* their paths; rules borrow them */
	struct rule_index *allow, *deny;
	struct rule_index *keep_allow, *keep_deny; /* the rules with "actions" */
	uint64_t capabilities;
	bool uses_netns, names_netns, uses_owner;
	struct {
		bool anybody;
		struct ranges uids, gids;
	} senders; /* the peers of all rules that let something be sent */
};

#endif
