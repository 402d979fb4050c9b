/* May this socket be handed on? The rules with "actions", which know nothing of opening. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/policy/describe.h"
#include "daemon/policy/policy-private.h"
#include "daemon/policy/subject.h"
#include "proto/constants.h"

struct keep_work {
	const struct policy *policy;
	const struct policy_subject *subject;
	const struct policy_keep_query *query;
	struct subject_place place;

	const struct rule *found;   /* the first in rule order */
	const struct rule *nearest; /* where nothing is found: what stumbles last */
	int nearest_progress;
	const char *nearest_why;
};

/* Is the socket where the rule says? What cannot be told is not allowed, and is denied. */
static bool namespace_matches(const struct keep_work *work, const struct rule *rule)
{
	const struct policy_keep_query *query = work->query;
	int there;

	switch (rule->netns) {
	case RULE_NETNS_UNSAID:
		return rule->deny || (!work->subject->foreign_netns && query->in_brokers);
	case RULE_NETNS_PEER:
		return query->in_peers;
	case RULE_NETNS_BROKER:
		return query->in_brokers;
	case RULE_NETNS_NAMED:
		there = query->is_in ? query->is_in(query->data, rule->netns_name) : -ENODATA;
		return there < 0 ? rule->deny : there > 0;
	case RULE_NETNS_ANY:
		return true;
	}
	return false;
}

/* An allow rule is for common names or for a user's own; a deny rule that says nothing of it is for
 * both. */
static bool name_matches(const struct keep_work *work, const struct rule *rule)
{
	const struct policy_keep_query *query = work->query;

	if (!query->name)
		return rule->store_names.n == 0 && !rule->common;
	if (rule->deny ? rule->common && !query->common : rule->common != query->common)
		return false;
	return rule->store_names.n == 0 || names_match(&rule->store_names, query->name);
}

static bool is_of_stranger(const struct keep_work *work)
{
	return work->query->name && !work->query->common && subject_is_stranger(work->subject);
}

static void visit(size_t number, void *data)
{
	struct keep_work *work = data;
	const struct rule *rule = &work->policy->parsed.rules[number];
	const char *why;
	int progress;

	if (!(rule->actions & work->query->action)) {
		progress = 1;
		why = "it has not this action";
	} else if (!subject_came_by(work->subject, rule)) {
		progress = 2;
		why = "it is for another listener";
	} else if (!rule->deny && is_of_stranger(work)) {
		progress = 2;
		why = "the peer is not in sockd's user namespace, and has no names of its own";
	} else if (!name_matches(work, rule)) {
		progress = 3;
		why = "it is not for this name, or not as a common one";
	} else if (!namespace_matches(work, rule)) {
		progress = 4;
		why = rule->netns == RULE_NETNS_UNSAID
			      ? "it says nothing of \"netns\", so it is only for peers and sockets "
				"in the broker's own network namespace"
			      : "the socket lives in another network namespace";
	} else if (!subject_is_placed(work->subject, rule, &work->place)) {
		progress = 5;
		why = "the peer is in another unit or slice";
	} else {
		if (!work->found || rule < work->found)
			work->found = rule;
		return;
	}
	if (progress < work->nearest_progress ||
		(progress == work->nearest_progress && work->nearest && rule >= work->nearest))
		return;
	work->nearest_progress = progress;
	work->nearest = rule;
	work->nearest_why = why;
}

static void find(struct keep_work *work, const struct rule_index *index)
{
	const struct policy_keep_query *query = work->query;
	const struct policy_query plain = {
		.domain = query->domain,
		.type = query->type,
		.protocol = query->protocol,
	};
	const struct socket_kind kind = socket_kind_of_query(&plain);

	work->found = work->nearest = NULL;
	work->nearest_progress = 0;
	rule_index_each(index, work->subject, &kind, visit, work);
}

static void explain(struct keep_work *work, const struct rule *denied_by, char *reason, size_t size)
{
	char what[110], check[190];
	const struct policy_subject found =
		subject_as_found(work->subject, denied_by ? denied_by : work->nearest);

	describe_keep(work->query, what, sizeof what);
	describe_keep_check(
		work->query, &found, subject_place_known(&work->place), check, sizeof check);
	if (denied_by)
		snprintf(reason, size, "%s: rule %s denies it; see why: %s", what,
			denied_by->view.name, check);
	else if (work->nearest) {
		/* The command is worth more than the last words of the reason. */
		int room = (int)size - 1 -
			   (int)(strlen(what) + strlen(": rule  comes nearest: ") +
				   strlen(work->nearest->view.name) + strlen("; see why: ") +
				   strlen(check));
		snprintf(reason, size, "%s: rule %s comes nearest: %.*s; see why: %s", what,
			work->nearest->view.name, room > 0 ? room : 0, work->nearest_why, check);
	} else
		snprintf(reason, size, "%s: no rule for user %u speaks of it; see why: %s", what,
			work->subject->uid, check);
}

void policy_decide_keep(const struct policy *policy, const struct policy_subject *subject,
	const struct policy_keep_query *query, struct policy_decision *ret)
{
	struct keep_work work = {.policy = policy, .subject = subject, .query = query};

	*ret = (struct policy_decision){.step = -1};
	find(&work, policy->keep_deny);
	const struct rule *denied_by = work.found;
	if (!denied_by)
		find(&work, policy->keep_allow);
	const struct rule *rule = denied_by ? denied_by : work.found;
	if (rule)
		ret->rule = rule->view;
	else if (work.nearest)
		ret->rule = work.nearest->view;
	ret->allowed = rule && !denied_by;
	if (ret->allowed)
		ret->netns = rule->netns;
	else
		explain(&work, denied_by, ret->reason, sizeof ret->reason);
}
