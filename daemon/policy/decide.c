#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "daemon/policy/describe-private.h"
#include "daemon/policy/describe.h"
#include "daemon/policy/index.h"
#include "daemon/policy/policy-private.h"
#include "daemon/policy/subject.h"
#include "daemon/policy/unit.h"
#include "proto/address.h"
#include "proto/constants.h"

#define WHY_MAX 160u
#define RANK_NONE UINT64_MAX
#define RANK_LATER (UINT64_C(1) << 32)

/* One request on its way through the rules. Lives on the stack; nothing is allocated. */
struct decision_work {
	const struct policy *policy;
	const struct policy_subject *subject;
	const struct policy_query *query;
	const struct family *family;
	struct socket_kind kind;

	struct subject_place place;

	const struct rule *denied_by; /* the first in rule order */
	bool placed_denies;	      /* a deny rule for one namespace speaks of such requests */
	/* Why it denies where it cannot be told whether it is for this namespace; error 0: it is.
	 */
	struct doubt {
		int error;
		const char *name;
		enum wire_netns other; /* the one that it may be the name of, as in is_named() */
		const char *other_name;
	} doubt;

	const struct rule *allowed_by;
	uint64_t rank;
};

/* A peer that lives in the broker's namespace means the same one by "peer" and by "broker". */
static bool here(const struct decision_work *work)
{
	enum wire_netns netns = work->query->netns;

	return !work->subject->foreign_netns &&
	       (netns == WIRE_NETNS_PEER || netns == WIRE_NETNS_BROKER);
}

/* May this allow rule be asked at all for a request of this namespace? */
static bool namespace_applies(const struct decision_work *work, const struct rule *rule)
{
	const struct policy_query *query = work->query;
	bool unsaid = query->netns == WIRE_NETNS_DEFAULT;

	switch (rule->netns) {
	case RULE_NETNS_UNSAID:
		return !work->subject->foreign_netns && (unsaid || here(work));
	case RULE_NETNS_PEER:
		return unsaid || query->netns == WIRE_NETNS_PEER || here(work);
	case RULE_NETNS_BROKER:
		return unsaid || query->netns == WIRE_NETNS_BROKER || here(work);
	case RULE_NETNS_NAMED:
		if (query->apply)
			return false;
		return unsaid || (query->netns == WIRE_NETNS_NAMED && query->netns_name &&
					 strcmp(query->netns_name, rule->netns_name) == 0);
	case RULE_NETNS_ANY: /* no rule about opening has it */
		break;
	}
	return false;
}

/* What cannot be told is denied. */
static bool may_be_named(
	const struct policy_subject *subject, struct doubt place, struct doubt *ret_doubt)
{
	int r = subject->is_named ? subject->is_named(subject->data, place.name, place.other,
					    place.other_name)
				  : -ENODATA;

	if (r < 0) {
		*ret_doubt = place;
		ret_doubt->error = -r;
	}
	return r != 0;
}

/* Would the socket of this allow rule be in the namespace that the deny rule is about? */
static bool deny_is_there(const struct decision_work *work, const struct rule *deny,
	const struct rule *allow, struct doubt *ret_doubt)
{
	const struct rule *named = deny->netns == RULE_NETNS_NAMED ? deny : allow;
	const struct rule *other = named == deny ? allow : deny;
	struct doubt place = {.name = named->netns_name, .other_name = other->netns_name};

	if (named->netns != RULE_NETNS_NAMED)
		return !work->subject->foreign_netns || deny->netns == allow->netns;
	if (other->netns == RULE_NETNS_NAMED && strcmp(place.name, place.other_name) == 0)
		return true;
	/* An allow rule that says nothing is for peers of the broker's own. */
	place.other = other->netns == RULE_NETNS_NAMED	? WIRE_NETNS_NAMED
		      : other->netns == RULE_NETNS_PEER ? WIRE_NETNS_PEER
							: WIRE_NETNS_BROKER;
	return may_be_named(work->subject, place, ret_doubt);
}

/* A deny rule that names ports, options, ... speaks of requests that hold one of these. */
static bool deny_speaks(const struct decision_work *work, const struct rule *rule)
{
	const struct policy_query *query = work->query;
	const struct rule_bluetooth *bluetooth = &rule->bluetooth;

	if (!rule->has_ports && rule->n_options == 0 && !rule->has_groups && !rule->has_messages &&
		!bluetooth->has_channels && !bluetooth->has_psms && !bluetooth->has_opcodes &&
		!bluetooth->has_events)
		return true;
	for (size_t i = 0; i < query->n_steps; i++) {
		const struct wire_step *step = &query->steps[i];
		bool named = false;

		if (step->kind == WIRE_STEP_BIND)
			named = rule->has_ports || rule->has_groups || bluetooth->has_channels ||
				bluetooth->has_psms;
		else if (step->kind == WIRE_STEP_OPTION)
			named = rule->n_options > 0 || rule->has_groups || bluetooth->has_events;
		else if (step->kind == WIRE_STEP_SEND)
			named = rule->has_messages || bluetooth->has_opcodes;
		if (named && work->family->step_within(rule, query, step, NULL, 0))
			return true;
	}
	return false;
}

static void note_deny(
	struct decision_work *work, const struct rule *rule, const struct doubt *doubt)
{
	if (work->denied_by && rule >= work->denied_by)
		return;
	work->denied_by = rule;
	work->doubt = *doubt;
}

static void visit_deny(size_t number, void *data)
{
	struct decision_work *work = data;
	const struct rule *rule = &work->policy->parsed.rules[number];

	if (!subject_came_by(work->subject, rule))
		return;
	if (rule->netns != RULE_NETNS_UNSAID)
		work->placed_denies = true;
	else if (deny_speaks(work, rule) && subject_is_placed(work->subject, rule, &work->place))
		note_deny(work, rule, &(struct doubt){0});
}

struct placed_search {
	struct decision_work *work;
	const struct rule *allow;
	bool denied;
};

static void visit_placed_deny(size_t number, void *data)
{
	struct placed_search *search = data;
	struct decision_work *work = search->work;
	const struct rule *rule = &work->policy->parsed.rules[number];
	struct doubt doubt = {0};

	if (rule->netns == RULE_NETNS_UNSAID || !subject_came_by(work->subject, rule) ||
		!deny_is_there(work, rule, search->allow, &doubt) || !deny_speaks(work, rule) ||
		!subject_is_placed(work->subject, rule, &work->place))
		return;
	search->denied = true;
	note_deny(work, rule, &doubt);
}

static bool denied_there(struct decision_work *work, const struct rule *allow)
{
	struct placed_search search = {.work = work, .allow = allow};

	rule_index_each(work->policy->deny, work->subject, &work->kind, visit_placed_deny, &search);
	return search.denied;
}

static bool step_allowed(const struct decision_work *work, const struct rule *rule,
	const struct wire_step *step, char *why, size_t why_size)
{
	const struct family *family = work->family;
	uint32_t possible = work->query->apply ? family->apply_steps : family->open_steps;

	/* The kind comes from outside: no shift by what it happens to be. */
	if (step->kind < WIRE_STEP_OPTION || step->kind > WIRE_STEP_SEND ||
		!(possible & STEP_BIT(step->kind))) {
		if (why_size > 0)
			snprintf(why, why_size, "this is no step that sockd does %s",
				work->query->apply ? "on a client's own socket of this family"
						   : "for a socket of this family");
		return false;
	}
	if ((step->kind == WIRE_STEP_BIND || step->kind == WIRE_STEP_CONNECT) &&
		step->data_size > 0 && !address_has_interface(work->query->domain)) {
		if (why_size > 0)
			snprintf(why, why_size,
				"an address of this family has no interface that could be named");
		return false;
	}
	if (step->kind != WIRE_STEP_BIND && step->kind != WIRE_STEP_OPTION &&
		step->kind != WIRE_STEP_SEND)
		return true;
	return family->step_within(rule, work->query, step, why, why_size);
}

/* Does the one rule allow the whole request? *ret_step is the first step that it does not, -1: the
 * socket. */
static bool rule_allows(const struct decision_work *work, const struct rule *rule, char *why,
	size_t why_size, int *ret_step)
{
	const struct policy_query *query = work->query;

	*ret_step = -1;
	if (!query->apply && rule->owner_peer && work->subject->uid == 0)
		return family_no(why, why_size,
			"it opens under the peer's own user, and sockd never acts as root");
	if (!query->apply && rule->owner_peer && subject_is_stranger(work->subject))
		return family_no(why, why_size,
			"it opens under the peer's own user, who is not in sockd's user namespace");
	if (!query->apply && !work->family->open_within(rule, query, why, why_size))
		return false;
	for (size_t i = 0; i < query->n_steps; i++) {
		*ret_step = (int)i;
		if (!step_allowed(work, rule, &query->steps[i], why, why_size))
			return false;
	}
	return true;
}

/* The rule's own namespace first (unsaid, or the peer's), then the order of the rules. */
static uint64_t rank_of(const struct rule *rule, size_t number)
{
	bool first = rule->netns == RULE_NETNS_UNSAID || rule->netns == RULE_NETNS_PEER;

	return (first ? 0 : RANK_LATER) + number;
}

static void visit_allow(size_t number, void *data)
{
	struct decision_work *work = data;
	const struct rule *rule = &work->policy->parsed.rules[number];
	uint64_t rank = rank_of(rule, number);
	int step;

	if (rank >= work->rank || !subject_came_by(work->subject, rule) ||
		!namespace_applies(work, rule) || !rule_allows(work, rule, NULL, 0, &step) ||
		!subject_is_placed(work->subject, rule, &work->place))
		return;
	if (work->placed_denies && denied_there(work, rule))
		return;
	work->rank = rank;
	work->allowed_by = rule;
}

enum progress {
	PROGRESS_NONE,
	PROGRESS_LISTENER,
	PROGRESS_PLACE,
	PROGRESS_NAMESPACE,
	PROGRESS_OPEN,
	PROGRESS_STEP
};

/* Where nothing allows: the rule that comes nearest, and on what it stumbles. */
struct nearest {
	struct decision_work *work;
	const struct rule *rule;
	int progress;
	char why[WHY_MAX];
};

/* Only after a refusal: here words are made. */
static void visit_nearest(size_t number, void *data)
{
	struct nearest *nearest = data;
	struct decision_work *work = nearest->work;
	const struct rule *rule = &work->policy->parsed.rules[number];
	char why[WHY_MAX] = "it does not allow this";
	int progress, step = -1;

	if (!subject_came_by(work->subject, rule)) {
		progress = PROGRESS_LISTENER;
		snprintf(why, sizeof(why), "it is for another listener, such as %s",
			rule->listeners.items[0]);
	} else if (!subject_is_placed(work->subject, rule, &work->place)) {
		progress = PROGRESS_PLACE;
		if (work->place.error < 0)
			snprintf(why, sizeof(why), "the peer's unit and slice cannot be told: %s",
				strerror(-work->place.error));
		else
			unit_describe_mismatch(rule, &work->place.place, why, sizeof(why));
	} else if (!namespace_applies(work, rule)) {
		progress = PROGRESS_NAMESPACE;
		if (rule->netns == RULE_NETNS_UNSAID && work->subject->foreign_netns)
			snprintf(why, sizeof(why),
				"it says nothing of \"netns\", so it is only for peers in the "
				"broker's own network namespace");
		else
			snprintf(why, sizeof(why), "it opens in another network namespace");
	} else if (!rule_allows(work, rule, why, sizeof(why), &step)) {
		progress = step < 0 ? PROGRESS_OPEN : PROGRESS_STEP + step;
	} else {
		return; /* allows it, yet a deny rule for that namespace does not */
	}
	if (progress < nearest->progress ||
		(progress == nearest->progress && nearest->rule && rule >= nearest->rule))
		return;
	nearest->progress = progress;
	nearest->rule = rule;
	memcpy(nearest->why, why, sizeof(why));
}

/* Names in it may be the client's own, of whatever bytes, and the reason is one line of text. */
static void make_printable(const char *why, char ret[static WHY_MAX])
{
	struct writer writer = writer_new(ret, WHY_MAX);

	for (; *why; why++) {
		unsigned char c = (unsigned char)*why;
		writer_add(&writer, c >= ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
	}
}

static void explain_doubt(const struct doubt *doubt, char *ret, size_t size)
{
	char other[60];

	ret[0] = '\0';
	if (doubt->error == 0)
		return;
	if (doubt->other == WIRE_NETNS_NAMED)
		snprintf(other, sizeof(other), "network namespace \"%.30s\"", doubt->other_name);
	else
		snprintf(other, sizeof(other), "%s network namespace",
			doubt->other == WIRE_NETNS_PEER ? "the peer's" : "sockd's");
	snprintf(ret, size, ", as whether %s is \"%.30s\" cannot be told: %s", other, doubt->name,
		doubt->error == ENODATA ? "only the peer itself can be asked"
					: strerror(doubt->error));
}

static void explain(
	struct decision_work *work, const struct policy_query *query, struct policy_decision *ret)
{
	struct nearest nearest = {.work = work};
	/* The command can say what is sent by the type of netlink messages only. */
	bool untold = query->domain != AF_NETLINK && family_has_step(query, WIRE_STEP_SEND);
	const char *hint = untold ? "see why, but for what is sent" : "see why";
	char what[110], check[190], doubt[WHY_MAX], why[WHY_MAX];
	int progress = 0;

	describe_query(query, what, sizeof(what));
	if (!work->denied_by)
		rule_index_each(
			work->policy->allow, work->subject, &work->kind, visit_nearest, &nearest);
	const struct policy_subject found =
		subject_as_found(work->subject, work->denied_by ? work->denied_by : nearest.rule);
	describe_check(query, &found, subject_place_known(&work->place), check, sizeof(check));
	/* The command is worth more than the last words of the reason. */
	int room = (int)sizeof(ret->reason) - 1 -
		   (int)(strlen(what) + strlen(": rule  comes nearest: ; : ") + strlen(hint) +
			   strlen(check));
	if (work->denied_by) {
		ret->rule = work->denied_by->view;
		explain_doubt(&work->doubt, doubt, sizeof(doubt));
		room -= (int)strlen(ret->rule.name);
		snprintf(ret->reason, sizeof(ret->reason), "%s: rule %s denies it%.*s; %s: %s",
			what, ret->rule.name, room > 0 ? room : 0, doubt, hint, check);
		return;
	}
	if (!nearest.rule) {
		snprintf(ret->reason, sizeof(ret->reason),
			"%s: no rule for user %u speaks of such a socket; %s: %s", what,
			work->subject->uid, hint, check);
		return;
	}
	progress = nearest.progress - PROGRESS_STEP;
	ret->rule = nearest.rule->view;
	ret->step = progress >= 0 ? progress : -1;
	room -= (int)strlen(ret->rule.name);
	make_printable(nearest.why, why);
	snprintf(ret->reason, sizeof(ret->reason), "%s: rule %s comes nearest: %.*s; %s: %s", what,
		ret->rule.name, room > 0 ? room : 0, why, hint, check);
}

/* TCP alone keeps a bound device to the end: where the rule names just one, it is set for the
 * client. */
static const char *device_of(const struct rule *rule, const struct policy_query *query)
{
	if (query->type != SOCK_STREAM || (query->domain != AF_INET && query->domain != AF_INET6))
		return NULL;
	/* On the client's own socket only a bind is confined. */
	if (query->apply && !family_has_step(query, WIRE_STEP_BIND))
		return NULL;
	for (size_t i = 0; i < query->n_steps; i++)
		if (query->steps[i].kind == WIRE_STEP_OPTION && query->steps[i].a == SOL_SOCKET &&
			query->steps[i].b == SO_BINDTODEVICE)
			return NULL;
	return family_rule_device(rule);
}

void policy_decide(const struct policy *policy, const struct policy_subject *subject,
	const struct policy_query *query, struct policy_decision *ret)
{
	struct policy_query asked = *query;
	struct decision_work work = {
		.policy = policy,
		.subject = subject,
		.query = &asked,
		.kind = socket_kind_of_query(query),
		.rank = RANK_NONE,
	};

	ret->allowed = false;
	ret->rule = (struct rule_view){0};
	ret->step = -1;
	ret->netns = RULE_NETNS_UNSAID;
	ret->netns_name = NULL;
	ret->owner_peer = false;
	ret->device = NULL;
	ret->has_mark = false;
	ret->mark = 0;
	ret->limits = NULL;
	ret->devices = NULL;
	ret->reason[0] = '\0';

	asked.domain = work.kind.domain;
	work.family = family_get(work.kind.domain);
	rule_index_each(policy->deny, subject, &work.kind, visit_deny, &work);
	if (!work.denied_by)
		rule_index_each(policy->allow, subject, &work.kind, visit_allow, &work);
	if (!work.allowed_by) {
		explain(&work, query, ret);
		return;
	}

	const struct rule *rule = work.allowed_by;
	ret->allowed = true;
	ret->rule = rule->view;
	ret->netns = rule->netns;
	ret->netns_name = rule->netns_name;
	ret->owner_peer = rule->owner_peer;
	ret->device = device_of(rule, &asked);
	ret->has_mark = rule->has_mark;
	ret->mark = rule->mark;
	ret->limits = work.family->confine && !query->apply ? rule : NULL;
	if (rule->bluetooth.has_devices && asked.apply)
		ret->devices = &rule->bluetooth.devices;
}
