#include "daemon/keep/give.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/broker.h"
#include "daemon/hang-up.h"
#include "daemon/listener.h"
#include "daemon/netns.h"
#include "daemon/release.h"
#include "daemon/reply.h"
#include "daemon/serve.h"
#include "proto/macro.h"

void keep_refuse(const struct asked *asked, int error, enum wire_origin origin, const char *rule,
	const char *text, const char *told)
{
	keep_audit(asked->connection, AUDIT_REFUSAL, asked->word,
		asked->has_own ? &asked->own : NULL, rule, asked->what, error, text);
	reply_error(asked->connection, asked->verb, asked->serial, error, origin, -1,
		told ? told : text);
}

/* --- what the policy says --- */

/* Does the socket live in the namespace of this name? */
static int is_in(void *data, const char *netns)
{
	const int *fd = data;
	_cleanup_close_ int own = netns_of_socket(*fd);

	return own < 0 ? own : netns_is_named(own, netns);
}

void keep_decide(const struct asked *asked, int fd, enum policy_action action, const char *name,
	bool common, struct policy_decision *ret)
{
	struct connection *connection = asked->connection;
	const struct policy_subject subject = serve_subject(connection);
	const struct policy_keep_query query = {
		.action = action,
		.domain = asked->own.domain,
		.type = asked->own.type,
		.protocol = asked->own.protocol,
		.in_peers = asked->own.netns_cookie == connection->peer.netns_cookie,
		.in_brokers = asked->own.netns_cookie == netns_own_cookie(),
		.name = name,
		.common = common,
		.is_in = is_in,
		.data = &fd,
	};

	policy_decide_keep(connection->broker->policy, &subject, &query, ret);
}

/* --- taking a socket from a client --- */

/* Is it the client's end of a connection to ourselves? Its other end has a listener's address. */
static bool is_our_client(const struct broker *broker, const struct asked *asked, int fd)
{
	struct sockaddr_un own = {0}, peer = {0};
	socklen_t own_size, peer_size = sizeof peer;
	const struct listener *listener;

	if (asked->own.domain != AF_UNIX ||
		getpeername(fd, (struct sockaddr *)&peer, &peer_size) < 0 ||
		peer_size <= sizeof(sa_family_t))
		return false;
	TAILQ_FOREACH(listener, &broker->listeners, entry)
	{
		own_size = sizeof own;
		if (getsockname(listener->fd, (struct sockaddr *)&own, &own_size) == 0 &&
			own_size == peer_size && memcmp(&own, &peer, own_size) == 0)
			return true;
	}
	return false;
}

/*
 * May the name be the new socket's? One that several users have in common is taken away from what
 * has it only by who could also have stored that. Else it is answered why not.
 */
static bool may_have_name(const struct asked *asked, const struct terms *terms)
{
	struct asked other = *asked;
	struct policy_decision decision;
	const struct kept *same = keep_find_name(asked->connection->broker->keep,
		asked->connection->peer.uid, terms->name, terms->common);

	if (!same)
		return true;
	if (asked->is_new) {
		keep_refuse(asked, EEXIST, WIRE_ORIGIN_REQUEST, NULL, "the name is taken", NULL);
		return false;
	}
	if (!terms->common)
		return true;
	keep_set_socket(&other, same);
	keep_decide(&other, same->socket->fd, POLICY_STORE, terms->name, true, &decision);
	if (!decision.allowed)
		keep_refuse(asked, EACCES, WIRE_ORIGIN_POLICY, decision.rule.name, decision.reason,
			"the common name is taken, by a socket that no rule lets the caller "
			"replace");
	return decision.allowed;
}

/* A socket that is being given, until it is kept. */
struct giving {
	struct asked asked; /* with a reference to the connection */
	bool in_work;
	struct wire_ticket ticket;
};

static void answer_given(struct giving *giving, const struct kept *kept)
{
	struct connection *connection = giving->asked.connection;
	const struct own_socket own = {
		.domain = kept->socket->domain,
		.type = kept->socket->type,
		.protocol = kept->socket->protocol,
		.netns = kept->socket->netns,
	};
	struct wire_reply reply = {
		.verb = giving->asked.verb,
		.serial = giving->asked.serial,
		.answer = {.step = -1},
		.ticket = giving->ticket,
	};

	keep_audit(connection, AUDIT_GRANT, giving->asked.word, &own, kept->terms.rule,
		giving->asked.what, 0,
		kept->lost || kept->socket->lost
			? "the manager did not take it: it will not survive a restart"
			: NULL);
	(void)reply_send(connection, &reply, NULL, 0);
	explicit_bzero(&reply.ticket, sizeof reply.ticket);
}

/* A ticket that was never told to anybody is of no use; a name is. */
static void on_given(struct kept *kept, int result, void *data)
{
	struct giving *giving = data;
	struct connection *connection = giving->asked.connection;
	bool cancelled = result == -ECANCELED, named = kept->terms.kind == TERMS_STORED;

	keep_describe(&kept->terms, giving->asked.what, sizeof giving->asked.what);
	if (cancelled || (connection->fd < 0 && !named))
		kept_end(kept, KEPT_FAILED);
	else if (named && !may_have_name(&giving->asked, &kept->terms)) {
		/* Taken while this one was on its way. */
		kept_end(kept, KEPT_FAILED);
	} else {
		kept_open(kept);
		answer_given(giving, kept);
	}
	if (cancelled)
		hang_up(connection);
	if (giving->in_work)
		connection_work_ended(connection);
	connection_unref(connection);
	explicit_bzero(giving, sizeof *giving);
	free(giving);
}

static void refuse_limit(const struct asked *asked, int error)
{
	const char *text = "the socket cannot be kept just now; try again";

	if (error == -EDQUOT)
		text = "the user has as many sockets kept as it may have; forget some, or raise "
		       "kept-per-user in the policy's limits";
	else if (error == -ENFILE)
		text = "sockd keeps as many sockets as it can";
	else
		error = -EAGAIN;
	keep_refuse(asked, -error, WIRE_ORIGIN_LIMIT, NULL, text, NULL);
}

/* Reads what it is; refuses what cannot be kept. Returns 0 or -1. */
static int look_at(struct asked *asked, int fd, struct keep_socket_info *ret)
{
	socklen_t size = sizeof ret->cookie;
	int r = own_socket_read(fd, &asked->own);

	if (r >= 0 && getsockopt(fd, SOL_SOCKET, SO_COOKIE, &ret->cookie, &size) < 0)
		r = negative_errno();
	if (r < 0) {
		keep_refuse(asked, -r, WIRE_ORIGIN_REQUEST, NULL,
			r == -ENOTSOCK
				? "the descriptor is not a socket"
				: "what socket it is, and in which namespace, cannot be told",
			NULL);
		return -1;
	}
	asked->has_own = true;
	if (is_our_client(asked->connection->broker, asked, fd)) {
		keep_refuse(asked, EINVAL, WIRE_ORIGIN_REQUEST, NULL,
			"the socket is a connection to sockd itself", NULL);
		return -1;
	}
	ret->domain = asked->own.domain;
	ret->type = asked->own.type;
	ret->protocol = asked->own.protocol;
	ret->netns = asked->own.netns;
	return 0;
}

void keep_give_take(
	struct asked *asked, enum policy_action action, struct terms *terms, int fd, int pidfd)
{
	struct connection *connection = asked->connection;
	struct broker *broker = connection->broker;
	bool named = terms->kind == TERMS_STORED;
	struct keep_socket_info info;
	struct policy_decision decision;
	struct kept *kept;
	_cleanup_close_ int owned_pidfd = pidfd;

	if (look_at(asked, fd, &info) < 0) {
		release_fds_take(connection, &fd, 1);
		return;
	}
	keep_decide(asked, fd, action, named ? terms->name : NULL, terms->common, &decision);
	if (!decision.allowed) {
		keep_refuse(asked, EACCES, WIRE_ORIGIN_POLICY, decision.rule.name, decision.reason,
			NULL);
		closer_take(broker->closer, connection->user->uid, &fd, 1);
		return;
	}
	if (named && !may_have_name(asked, terms)) {
		closer_take(broker->closer, connection->user->uid, &fd, 1);
		return;
	}
	struct giving *giving = calloc(1, sizeof *giving);
	if (!giving) {
		refuse_limit(asked, -ENOMEM);
		closer_take(broker->closer, connection->user->uid, &fd, 1);
		return;
	}
	*giving = (struct giving){.asked = *asked, .ticket = terms->ticket};
	(void)connection_ref(connection);
	terms->begin_usec = keep_now_usec();
	if (terms->expiry_usec > 0)
		terms->expiry_usec += terms->begin_usec;
	terms->uid = connection->peer.uid;
	terms->gid = connection->peer.gid;
	terms->pid = connection->peer.pid;
	snprintf(terms->rule, sizeof terms->rule, "%s", decision.rule.name);
	/* What is replaced goes as soon as the new one is there. */
	unsigned max = broker_kept_per_user(broker) + asked->replaces;
	int r = keep_begin_take(broker->keep, connection->user, max, terms, &info, fd,
		TAKE_FD(owned_pidfd), on_given, giving, &kept);
	if (r > 0) {
		on_given(kept, 0, giving);
	} else if (r == 0) {
		giving->in_work = true;
		connection_work_begun(connection);
	} else {
		refuse_limit(asked, r);
		connection_unref(connection);
		explicit_bzero(giving, sizeof *giving);
		free(giving);
	}
}

bool keep_hand_out(const struct asked *asked, const struct kept *kept, const char *rule)
{
	struct connection *connection = asked->connection;
	const struct wire_reply reply = {
		.verb = asked->verb,
		.serial = asked->serial,
		.answer = {.step = -1, .count = 1},
	};

	if (!connection_has_room(connection, 1)) {
		keep_refuse(asked, EMFILE, WIRE_ORIGIN_LIMIT, rule,
			"too many replies with sockets were not read yet; read them first", NULL);
		return false;
	}
	/* What is kept keeps it open, so that closing the copy is nothing. */
	int fd = fcntl(kept->socket->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		keep_refuse(asked, ENFILE, WIRE_ORIGIN_LIMIT, rule,
			"sockd has no descriptor free; try again", NULL);
		return false;
	}
	enum reply_fate fate = reply_send(connection, &reply, &fd, 1);
	if (fate != REPLY_KEPT)
		close_quietly(fd);
	if (fate == REPLY_LOST)
		return false;
	keep_audit(connection, AUDIT_GRANT, asked->word, &asked->own, rule, asked->what, 0, NULL);
	return true;
}

void keep_set_socket(struct asked *asked, const struct kept *kept)
{
	/* As it is now: whoever has it may have made another of it since. What cannot be told is
	 * in no rule. */
	if (own_socket_read(kept->socket->fd, &asked->own) < 0)
		asked->own = (struct own_socket){.domain = AF_UNSPEC};
	asked->has_own = true;
}
