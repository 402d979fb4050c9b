#include "daemon/management-verbs.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "config.h"
#include "daemon/broker.h"
#include "daemon/clock.h"
#include "daemon/family/family.h"
#include "daemon/generic.h"
#include "daemon/keep/keep.h"
#include "daemon/netns.h"
#include "daemon/peer.h"
#include "daemon/privilege.h"
#include "daemon/strangers.h"
#include "proto/constants.h"
#include "proto/macro.h"

json_t *management_failure(int error, const char *text)
{
	return json_pack("{s:b, s:s, s:i}", "ok", 0, "error", text, "errno", error);
}

/* A constant's name, or its number as text: what a rule accepts too. */
static json_t *named(const char *name, int number)
{
	char text[16];

	if (name)
		return json_string(name);
	snprintf(text, sizeof text, "%d", number);
	return json_string(text);
}

/* lsns(8)'s number, also of the broker's own. */
static json_t *netns_to_json(uint64_t netns)
{
	if (netns == NETNS_UNKNOWN)
		return json_null();
	return json_integer((json_int_t)(netns == 0 ? netns_own_number() : netns));
}

static void add_grant(const struct grant *grant, void *data)
{
	json_t *list = data;
	json_t *object = json_pack(
		"{s:I, s:I, s:I, s:I, s:s?, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, "
		"s:I, s:I, s:I, s:I}",
		"id", (json_int_t)grant->id, "uid", (json_int_t)grant->user->uid, "gid",
		(json_int_t)grant->gid, "pid", (json_int_t)grant->pid, "unit",
		grant->place ? grant->place->names.unit : NULL, "listener", grant->listener, "verb",
		grant->apply ? "apply" : "open", "family",
		named(constant_family_name(grant->domain), grant->domain), "type",
		named(constant_type_name(grant->type), grant->type), "protocol",
		named(constant_protocol_name(grant->domain, grant->protocol), grant->protocol),
		"netns", netns_to_json(grant->netns), "steps", grant->steps, "rule",
		grant->rule.name, "file", grant->rule.file, "line", (json_int_t)grant->rule.line,
		"time_usec", (json_int_t)grant->time_usec, "count", (json_int_t)grant->count,
		"open", (json_int_t)grant->open);
	if (object)
		json_array_append_new(list, object);
}

static void add_kept(const struct kept *kept, void *data)
{
	static const char *const takers[] = {"anyone", "process", "uid", "gid"};
	const struct terms *terms = &kept->terms;
	const struct kept_socket *socket = kept->socket;
	bool ticket = terms->kind == TERMS_TICKET;
	uint64_t now = keep_now_usec();
	uint64_t at = clock_usec(CLOCK_REALTIME);

	json_t *object = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:s, s:I, s:b}", "kind",
		ticket ? "ticket" : "stored", "number", (json_int_t)terms->number, "uid",
		(json_int_t)terms->uid, "gid", (json_int_t)terms->gid, "pid",
		(json_int_t)terms->pid, "name", terms->name, "family",
		named(constant_family_name(socket->domain), socket->domain), "type",
		named(constant_type_name(socket->type), socket->type), "protocol",
		named(constant_protocol_name(socket->domain, socket->protocol), socket->protocol),
		"netns", netns_to_json(socket->netns), "rule", terms->rule, "time_usec",
		(json_int_t)(at - (now - terms->begin_usec)), "survives", kept_survives(kept));
	if (!object)
		return;
	json_object_set_new(object, "expiry_usec",
		terms->expiry_usec > 0 ? json_integer((json_int_t)(at + terms->expiry_usec - now))
				       : json_null());
	json_object_set_new(object, "common", json_boolean(terms->common));
	if (ticket)
		json_object_set_new(object, "taker", json_string(takers[terms->taker]));
	if (ticket && terms->taker >= WIRE_TAKER_USER)
		json_object_set_new(object, "taker_id", json_integer(terms->taker_id));
	json_array_append_new(data, object);
}

static json_t *verb_list(struct broker *broker, const json_t *request _unused_)
{
	json_t *list = json_array(), *kept = json_array();

	grants_sweep(broker->grants, NULL);
	grants_each(broker->grants, add_grant, list);
	keep_each(broker->keep, add_kept, kept);
	return json_pack("{s:b, s:o, s:o}", "ok", 1, "grants", list, "kept", kept);
}

/* NULL: none. */
static const char *audit_trouble(const struct broker *broker)
{
	int r = audit_error(broker->audit);

	return r < 0 ? strerror(-r) : NULL;
}

static json_t *verb_status(struct broker *broker, const json_t *request _unused_)
{
	char capabilities[512];

	return json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:s?, s:I}", "ok", 1, "version",
		PACKAGE_VERSION, "rules", (json_int_t)policy_rule_count(broker->policy), "files",
		(json_int_t)policy_file_count(broker->policy), "connections",
		(json_int_t)broker->n_connections, "grants",
		(json_int_t)grants_count(broker->grants), "capabilities",
		privilege_describe(privilege_held(), capabilities, sizeof capabilities), "audit",
		audit_target(broker->audit), "audit_error", audit_trouble(broker), "audit_lost",
		(json_int_t)audit_lost(broker->audit));
}

/* The bytes of a hexadecimal string; 0 for none. -EINVAL: not one, or longer than max. */
static ssize_t read_hex(const json_t *value, unsigned char *ret, size_t max)
{
	if (!value || json_is_null(value))
		return 0;
	const char *text = json_string_value(value);
	size_t length = text ? json_string_length(value) : 1;

	if (length % 2 != 0 || length / 2 > max)
		return -EINVAL;
	for (size_t i = 0; i < length / 2; i++) {
		unsigned byte = 0;
		for (size_t j = 0; j < 2; j++) {
			char c = text[2 * i + j];
			const char *digits = "0123456789abcdef";
			const char *at = c ? strchr(digits, c | 0x20) : NULL;
			if (!at)
				return -EINVAL;
			byte = byte << 4 | (unsigned)(at - digits);
		}
		ret[i] = (unsigned char)byte;
	}
	return (ssize_t)(length / 2);
}

/* A question of sockctl check, read into one place. */
struct question {
	gid_t groups[PEER_GROUPS_MAX];
	char netns_name[WIRE_NAME_MAX + 1];
	struct wire_step steps[WIRE_STEPS_MAX];
	unsigned char bytes[WIRE_PACKET_MAX];
	size_t used;
};

static int read_step(const json_t *object, struct question *question, struct wire_step *ret)
{
	static const struct {
		const char *name;
		enum wire_step_kind kind;
	} kinds[] = {
		{"option", WIRE_STEP_OPTION},
		{"filter", WIRE_STEP_FILTER},
		{"bind", WIRE_STEP_BIND},
		{"connect", WIRE_STEP_CONNECT},
		{"listen", WIRE_STEP_LISTEN},
		{"send", WIRE_STEP_SEND},
	};
	const char *kind = json_string_value(json_object_get(object, "kind"));
	struct wire_step step = {0};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kind && strcmp(kind, kinds[i].name) == 0)
			step.kind = kinds[i].kind;
	if (step.kind == 0)
		return -EINVAL;
	step.a = (int)json_integer_value(
		json_object_get(object, step.kind == WIRE_STEP_LISTEN ? "backlog" : "level"));
	step.b = (int)json_integer_value(json_object_get(object, "name"));

	ssize_t n = read_hex(json_object_get(object, "address"), question->bytes + question->used,
		MIN_OF(WIRE_ADDRESS_MAX, sizeof question->bytes - question->used));
	if (n < 0)
		return (int)n;
	step.address = question->bytes + question->used;
	step.address_size = (size_t)n;
	question->used += ALIGN8((size_t)n);
	bool option = step.kind == WIRE_STEP_OPTION;
	size_t room = question->used < sizeof question->bytes
			      ? sizeof question->bytes - question->used
			      : 0;
	n = read_hex(json_object_get(object, option ? "value" : "data"),
		question->bytes + question->used, option ? MIN_OF(room, WIRE_OPTION_MAX) : room);
	if (n < 0)
		return (int)n;
	step.data = question->bytes + question->used;
	step.data_size = (size_t)n;
	question->used = MIN_OF(question->used + ALIGN8((size_t)n), sizeof question->bytes);
	*ret = step;
	return 0;
}

static void read_netns(const json_t *request, struct question *question, struct policy_query *query)
{
	const char *netns = json_string_value(json_object_get(request, "netns"));

	if (!netns)
		query->netns = query->apply ? WIRE_NETNS_PEER : WIRE_NETNS_DEFAULT;
	else if (strcmp(netns, "peer") == 0)
		query->netns = WIRE_NETNS_PEER;
	else if (strcmp(netns, "broker") == 0)
		query->netns = WIRE_NETNS_BROKER;
	else {
		query->netns = WIRE_NETNS_NAMED;
		snprintf(question->netns_name, sizeof question->netns_name, "%s", netns);
		query->netns_name = question->netns_name;
	}
}

static json_t *decision_to_json(struct policy_decision *decision)
{
	/* Who asks "why" has no use for the command that asks it. */
	char *command = strstr(decision->reason, "; see why");
	if (command)
		*command = 0;

	static const char *const netns[] = {
		[RULE_NETNS_UNSAID] = "own",
		[RULE_NETNS_PEER] = "peer",
		[RULE_NETNS_BROKER] = "broker",
		[RULE_NETNS_ANY] = "any",
	};

	return json_pack("{s:b, s:b, s:s?, s:s?, s:I, s:s, s:s, s:s}", "ok", 1, "allowed",
		decision->allowed, "rule", decision->rule.name, "file", decision->rule.file, "line",
		(json_int_t)decision->rule.line, "reason",
		decision->allowed ? "" : decision->reason, "netns",
		decision->netns == RULE_NETNS_NAMED ? decision->netns_name : netns[decision->netns],
		"owner", decision->owner_peer ? "peer" : "broker");
}

/* What the question says of the peer's place; what it leaves out, the peer is in none of. */
static int place_of_question(void *data, struct policy_place *ret)
{
	const json_t *request = data;

	*ret = (struct policy_place){
		.unit = json_string_value(json_object_get(request, "unit")),
		.slice = json_string_value(json_object_get(request, "slice")),
		.user_unit = json_string_value(json_object_get(request, "user-unit")),
	};
	return 0;
}

/* A peer from elsewhere is known by no more than that it is. */
static int is_named(void *data, const char *name, enum wire_netns other, const char *other_name)
{
	const json_t *request = data;

	if (other == WIRE_NETNS_NAMED)
		return netns_are_same(name, other_name);
	if (other == WIRE_NETNS_PEER && json_is_true(json_object_get(request, "foreign")))
		return -ENODATA;
	return netns_is_named(netns_own(), name);
}

/* As a request would find it: allowed, and yet not given. */
static void look_for_netns(struct policy_decision *decision)
{
	if (!decision->allowed || decision->netns != RULE_NETNS_NAMED)
		return;
	_cleanup_close_ int fd = netns_open_named(decision->netns_name);
	if (fd >= 0)
		return;
	decision->allowed = false;
	snprintf(decision->reason, sizeof decision->reason,
		"allowed by rule %s, but its network namespace cannot be reached: %s",
		decision->rule.name, strerror(-fd));
}

struct place_asked {
	const char *netns;
};

/* What the question calls the namespace by. */
static int is_called(void *data, const char *netns)
{
	const struct place_asked *asked = data;

	return asked->netns && strcmp(asked->netns, netns) == 0;
}

/* May a socket that is there be handed on? */
static json_t *check_keep(struct broker *broker, const json_t *request,
	const struct policy_subject *subject, const struct policy_query *socket)
{
	const char *action = json_string_value(json_object_get(request, "action"));
	const char *netns = json_string_value(json_object_get(request, "netns"));
	struct place_asked asked = {netns};
	struct policy_keep_query query = {
		.action = policy_action_from_name(action ? action : ""),
		.domain = socket->domain,
		.type = socket->type,
		.protocol = socket->protocol,
		.name = json_string_value(json_object_get(request, "name")),
		.common = json_is_true(json_object_get(request, "common")),
		.is_in = is_called,
		.data = &asked,
	};
	struct policy_decision decision;
	bool named = query.action & POLICY_ACTIONS_OF_STORE;

	if (!query.action)
		return management_failure(EINVAL, "the action is share, receive, store or fetch");
	if (named != (query.name != NULL) || (query.common && !named) ||
		(named && !wire_name_is_storable(query.name, strlen(query.name))))
		return management_failure(EINVAL, "store and fetch, and only these, have a name, "
						  "of letters, digits and . _ -");
	if (!netns || strcmp(netns, "peer") == 0) {
		query.in_peers = true;
		query.in_brokers = !subject->foreign_netns;
	} else if (strcmp(netns, "broker") == 0) {
		query.in_peers = !subject->foreign_netns;
		query.in_brokers = true;
	}
	policy_decide_keep(broker->policy, subject, &query, &decision);
	json_t *reply = decision_to_json(&decision);
	if (reply)
		(void)json_object_del(reply, "owner");
	return reply;
}

/* Interfaces that a message knows by their numbers are looked up in our own namespace. -1: it is
 * about another one. */
static int open_judged_socket(const struct policy_query *query, bool foreign)
{
	if (query->domain != AF_NETLINK || foreign || query->netns == WIRE_NETNS_NAMED ||
		!family_has_step(query, WIRE_STEP_SEND))
		return -1;
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

static json_t *verb_check(struct broker *broker, const json_t *request)
{
	static struct question question;
	const json_t *groups = json_object_get(request, "groups");
	const json_t *steps = json_object_get(request, "steps");
	const char *listener = json_string_value(json_object_get(request, "listener"));
	struct policy_decision decision;
	size_t i;
	json_t *item;

	if (json_array_size(groups) > ARRAY_SIZE(question.groups) ||
		json_array_size(steps) > WIRE_STEPS_MAX)
		return management_failure(E2BIG, "more than 1024 groups or 32 steps");
	json_array_foreach(groups, i, item) question.groups[i] = (gid_t)json_integer_value(item);
	question.used = 0;
	json_array_foreach(steps, i, item) if (read_step(item, &question, &question.steps[i]) <
					       0) return management_failure(EINVAL,
		"a step is not understood");

	/* A request that is none is not asked of the policy. */
	const char *wrong = wire_check_order(question.steps, json_array_size(steps));
	if (wrong)
		return management_failure(EBADMSG, wrong);

	const struct policy_subject subject = {
		.uid = (uid_t)json_integer_value(json_object_get(request, "uid")),
		.gid = (gid_t)json_integer_value(json_object_get(request, "gid")),
		.groups = question.groups,
		.n_groups = json_array_size(groups),
		.strangers = strangers_known(),
		.listener = listener ? listener : "default",
		.foreign_netns = json_is_true(json_object_get(request, "foreign")),
		.is_named = is_named,
		.place = place_of_question,
		.data = (void *)request,
	};
	struct policy_query query = {
		.apply = json_is_true(json_object_get(request, "apply")),
		.domain = (int)json_integer_value(json_object_get(request, "domain")),
		.type = (int)json_integer_value(json_object_get(request, "type")),
		.protocol = (int)json_integer_value(json_object_get(request, "protocol")),
		.steps = question.steps,
		.n_steps = json_array_size(steps),
		.fd = -1,
	};

	query.protocol = family_effective_protocol(query.domain, query.type, query.protocol);
	if (json_object_get(request, "action"))
		return check_keep(broker, request, &subject, &query);
	read_netns(request, &question, &query);
	if (query.domain == AF_NETLINK && query.protocol == NETLINK_GENERIC)
		generic_update();
	_cleanup_close_ int fd = open_judged_socket(&query, subject.foreign_netns);
	query.fd = fd;
	policy_decide(broker->policy, &subject, &query, &decision);
	look_for_netns(&decision);
	return decision_to_json(&decision);
}

json_t *management_reload_answer(const struct broker *broker, int result, const char *errors)
{
	if (result < 0)
		return management_failure(-result, *errors ? errors : strerror(-result));
	return json_pack("{s:b, s:I, s:I, s:s?}", "ok", 1, "rules",
		(json_int_t)policy_rule_count(broker->policy), "files",
		(json_int_t)policy_file_count(broker->policy), "audit_error",
		audit_trouble(broker));
}

json_t *management_verb(struct broker *broker, const json_t *request)
{
	static const struct {
		const char *name;
		json_t *(*handle)(struct broker *broker, const json_t *request);
	} verbs[] = {
		{"list", verb_list},
		{"check", verb_check},
		{"status", verb_status},
		{"families", management_families},
	};
	const char *name = json_string_value(json_object_get(request, "verb"));

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (name && strcmp(name, verbs[i].name) == 0)
			return verbs[i].handle(broker, request);
	return management_failure(
		EOPNOTSUPP, "the verb is unknown: list, check, status, families, reload are known");
}
