#include "daemon/keep/serve-store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/broker.h"
#include "daemon/reply.h"
#include "proto/macro.h"

#define NO_NAME "nothing is stored under this name"
#define NO_COMMON_NAME "nothing is stored under this common name, or no rule gives it"

static bool is_common(const struct wire_request *request)
{
	return request->named.flags & WIRE_NAMED_COMMON;
}

static struct kept *find(const struct asked *asked, const struct wire_request *request)
{
	const struct connection *connection = asked->connection;

	return keep_find_name(
		connection->broker->keep, connection->peer.uid, request->name, is_common(request));
}

static void describe(struct asked *asked, const struct wire_request *request)
{
	snprintf(asked->what, sizeof asked->what, "%s%s", is_common(request) ? "common " : "",
		request->name);
}

void keep_serve_store_take(struct asked *asked, const struct wire_request *request, int fd)
{
	struct terms terms = {
		.kind = TERMS_STORED,
		.common = is_common(request),
		.expiry_usec = request->named.lifetime_usec,
	};

	describe(asked, request);
	memcpy(terms.name, request->name, strlen(request->name));
	const struct kept *same = find(asked, request);
	asked->replaces = same && same->user == asked->connection->user;
	asked->is_new = request->named.flags & WIRE_NAMED_NEW;
	keep_give_take(asked, POLICY_STORE, &terms, fd, -1);
}

static struct kept *find_or_refuse(struct asked *asked, const struct wire_request *request)
{
	struct kept *kept = find(asked, request);

	describe(asked, request);
	if (!kept)
		keep_refuse(asked, ENOENT, WIRE_ORIGIN_REQUEST, NULL, NO_NAME,
			is_common(request) ? NO_COMMON_NAME : NO_NAME);
	return kept;
}

/* Of common names, who has no rule for them is not told whether they are there. */
static bool may(struct asked *asked, const struct kept *kept, enum policy_action action,
	struct policy_decision *ret)
{
	bool common = kept->terms.common;

	keep_set_socket(asked, kept);
	keep_decide(asked, kept->socket->fd, action, kept->terms.name, common, ret);
	if (ret->allowed)
		return true;
	if (common)
		keep_refuse(asked, ENOENT, WIRE_ORIGIN_REQUEST, ret->rule.name, ret->reason,
			NO_COMMON_NAME);
	else
		keep_refuse(asked, EACCES, WIRE_ORIGIN_POLICY, ret->rule.name, ret->reason, NULL);
	return false;
}

/* Who takes a common name away from the others could also have forgotten it. That it is there is
 * known already. */
static bool may_take_away(struct asked *asked, const struct kept *kept)
{
	struct policy_decision decision;

	keep_decide(asked, kept->socket->fd, POLICY_STORE, kept->terms.name, true, &decision);
	if (!decision.allowed)
		keep_refuse(asked, EACCES, WIRE_ORIGIN_POLICY, decision.rule.name, decision.reason,
			NULL);
	return decision.allowed;
}

void keep_serve_fetch(struct asked *asked, const struct wire_request *request)
{
	struct policy_decision decision;
	bool take = request->named.flags & WIRE_NAMED_TAKE;
	struct kept *kept = find_or_refuse(asked, request);

	if (!kept)
		return;
	if (!may(asked, kept, POLICY_FETCH, &decision))
		return;
	if (take && is_common(request) && !may_take_away(asked, kept))
		return;
	/* In this order as with a ticket. */
	if (keep_hand_out(asked, kept, decision.rule.name) && take)
		kept_end(kept, KEPT_TAKEN);
}

/* A user's own names are its own; common ones are theirs who may store them. */
void keep_serve_forget(struct asked *asked, const struct wire_request *request)
{
	const struct wire_reply reply = {
		.verb = asked->verb, .serial = asked->serial, .answer = {.step = -1}};
	struct policy_decision decision = {0};
	struct kept *kept = find_or_refuse(asked, request);

	if (!kept)
		return;
	keep_set_socket(asked, kept);
	if (is_common(request) && !may(asked, kept, POLICY_STORE, &decision))
		return;
	keep_audit(asked->connection, AUDIT_GRANT, asked->word, &asked->own, decision.rule.name,
		asked->what, 0, NULL);
	kept_end(kept, KEPT_FORGOTTEN);
	(void)reply_send(asked->connection, &reply, NULL, 0);
}

static void fill_stored(const struct kept *kept, struct wire_stored *ret)
{
	const struct terms *terms = &kept->terms;
	uint64_t now = keep_now_usec();

	*ret = (struct wire_stored){
		.domain = kept->socket->domain,
		.type = kept->socket->type,
		.protocol = kept->socket->protocol,
		.flags = terms->common ? WIRE_NAMED_COMMON : 0,
		.age_usec = now - MIN_OF(now, terms->begin_usec),
	};
	if (terms->expiry_usec > 0)
		ret->left_usec = terms->expiry_usec > now ? terms->expiry_usec - now : 1;
	memcpy(ret->name, terms->name, sizeof ret->name);
}

/* The next that this client may know of. */
static struct kept *next_stored(struct asked *asked, const char *after, bool *common)
{
	struct keep *keep = asked->connection->broker->keep;
	struct kept *kept = NULL;
	uid_t uid = asked->connection->peer.uid;
	struct policy_decision decision;

	if (!*common) {
		kept = keep_next_name(keep, uid, after, false);
		if (kept)
			return kept;
		*common = true;
		after = NULL;
	}
	while ((kept = keep_next_name(keep, uid, after, true))) {
		keep_set_socket(asked, kept);
		keep_decide(
			asked, kept->socket->fd, POLICY_FETCH, kept->terms.name, true, &decision);
		if (decision.allowed)
			return kept;
		after = kept->terms.name;
	}
	return NULL;
}

void keep_serve_stored(struct asked *asked, const struct wire_request *request)
{
	struct wire_reply reply = {
		.verb = asked->verb, .serial = asked->serial, .answer = {.step = -1}};
	bool common = is_common(request);
	const char *after = request->name[0] ? request->name : NULL;
	struct wire_stored stored[WIRE_STORED_MAX];
	const struct kept *kept = next_stored(asked, after, &common);

	while (kept && reply.list.n < WIRE_STORED_MAX) {
		fill_stored(kept, &stored[reply.list.n++]);
		kept = next_stored(asked, kept->terms.name, &common);
	}
	reply.list.more = kept != NULL;
	reply.stored = stored;
	(void)reply_send(asked->connection, &reply, NULL, 0);
}
