#include "daemon/keep/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/broker.h"
#include "daemon/hang-up.h"
#include "daemon/keep/give.h"
#include "daemon/keep/process.h"
#include "daemon/keep/serve-store.h"
#include "daemon/release.h"
#include "daemon/reply.h"
#include "daemon/serve.h"
#include "daemon/strangers.h"
#include "proto/macro.h"

#define NO_TICKET "there is no such ticket: it is wrong, used, expired or for another"

/* --- tickets --- */

/* Who may take it, in our own terms. Returns 0, or -1 after answering. */
static int find_taker(
	const struct asked *asked, const struct wire_share *share, int pidfd, struct terms *terms)
{
	const struct peer *peer = &asked->connection->peer;
	bool group = share->taker == WIRE_TAKER_GROUP;
	uint32_t id = share->id;
	int r = 0;

	if (share->taker == WIRE_TAKER_PROCESS && !process_is_pidfd(pidfd)) {
		keep_refuse(asked, EINVAL, WIRE_ORIGIN_REQUEST, NULL,
			"the descriptor that should tell the process is no pidfd", NULL);
		return -1;
	}
	if (share->taker == WIRE_TAKER_USER || group)
		r = peer->is_doubtful
			    ? -ESRCH
			    : process_translate_id(peer->pid, peer->pidfd, group, share->id, &id);
	if (r < 0) {
		keep_refuse(asked, r == -EINVAL ? EINVAL : EAGAIN, WIRE_ORIGIN_REQUEST, NULL,
			r == -EINVAL ? "the user or group is not one of the caller's user namespace"
				     : "the caller's user namespace cannot be told",
			NULL);
		return -1;
	}
	terms->taker = share->taker;
	terms->taker_id = id;
	return 0;
}

/* The manager keeps each open file under one name alone; a client's own may be for several tickets.
 * That of a process that has ended is for none. */
static int open_taker_again(int pidfd)
{
	int again = pidfd < 0 ? -1 : process_open_again(pidfd);

	if (again < 0)
		return pidfd;
	close_quietly(pidfd);
	return again;
}

static void share_take(struct asked *asked, const struct wire_share *share, int fd, int pidfd)
{
	struct terms terms = {
		.kind = TERMS_TICKET,
		.expiry_usec = share->lifetime_usec,
	};

	if (find_taker(asked, share, pidfd, &terms) < 0) {
		release_fds_take(asked->connection, &fd, 1);
		if (pidfd >= 0)
			release_fds_take(asked->connection, &pidfd, 1);
		return;
	}
	if (getrandom(terms.ticket.bytes, sizeof terms.ticket.bytes, 0) !=
		(ssize_t)sizeof terms.ticket.bytes) {
		keep_refuse(asked, EAGAIN, WIRE_ORIGIN_LIMIT, NULL,
			"the kernel has no random numbers yet; try again", NULL);
		release_fds_take(asked->connection, &fd, 1);
		if (pidfd >= 0)
			close_quietly(pidfd);
		return;
	}
	keep_give_take(asked, POLICY_SHARE, &terms, fd, open_taker_again(pidfd));
	explicit_bzero(&terms, sizeof terms);
}

static bool has_group(const struct peer *peer, gid_t gid)
{
	for (size_t i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == gid)
			return true;
	return peer->gid == gid;
}

static bool may_take(const struct peer *peer, const struct kept *kept)
{
	switch (kept->terms.taker) {
	case WIRE_TAKER_ANYONE:
		return true;
	case WIRE_TAKER_PROCESS:
		return !peer->is_doubtful && process_is_same(kept->pidfd, peer->pidfd);
	case WIRE_TAKER_USER:
		return peer->uid == kept->terms.taker_id && !strangers_have_user(peer->uid);
	case WIRE_TAKER_GROUP:
		return has_group(peer, kept->terms.taker_id) &&
		       !strangers_have_group(kept->terms.taker_id);
	}
	return false;
}

/* All that is wrong with a ticket is one to the client. */
static void refuse_ticket(struct asked *asked, uint64_t number, const char *why)
{
	struct connection *connection = asked->connection;

	if (number > 0)
		snprintf(asked->what, sizeof asked->what, "ticket %" PRIu64, number);
	else
		snprintf(asked->what, sizeof asked->what, "a ticket that never was");
	guesses_count(
		keep_guesses(connection->broker->keep), connection->peer.uid, keep_now_usec());
	keep_refuse(asked, ENOENT, WIRE_ORIGIN_REQUEST, NULL, why, NO_TICKET);
}

/* Whoever guesses at full speed is not listened to; nothing is told of right or wrong. */
static bool cut_off(const struct asked *asked)
{
	struct connection *connection = asked->connection;
	bool first;

	if (guesses_may(keep_guesses(connection->broker->keep), connection->peer.uid,
		    keep_now_usec(), &first))
		return false;
	reply_error(connection, asked->verb, asked->serial, EAGAIN, WIRE_ORIGIN_LIMIT, -1,
		"this user has put too many wrong tickets; wait for some seconds");
	if (first)
		connection_audit(connection->listener, &connection->peer, EAGAIN,
			"too many wrong tickets: this user's are not looked at for a while");
	hang_up(connection);
	return true;
}

static void fromshare(struct asked *asked, const struct wire_ticket *ticket)
{
	struct connection *connection = asked->connection;
	struct policy_decision decision;
	uint64_t number = 0;
	struct kept *kept = NULL;

	if (cut_off(asked))
		return;
	switch (keep_find_ticket(connection->broker->keep, ticket, &kept, &number)) {
	case TICKET_UNKNOWN:
		refuse_ticket(asked, 0, "the ticket is wrong");
		return;
	case TICKET_USED:
		refuse_ticket(asked, number, "the ticket was used already");
		return;
	case TICKET_EXPIRED:
		refuse_ticket(asked, number, "the ticket has expired");
		return;
	case TICKET_OPEN:
		break;
	}
	keep_set_socket(asked, kept);
	if (!may_take(&connection->peer, kept)) {
		refuse_ticket(asked, number, "the ticket is for another");
		return;
	}
	keep_describe(&kept->terms, asked->what, sizeof asked->what);
	keep_decide(asked, kept->socket->fd, POLICY_RECEIVE, NULL, false, &decision);
	if (!decision.allowed) {
		keep_refuse(asked, EACCES, WIRE_ORIGIN_POLICY, decision.rule.name, decision.reason,
			NULL);
		return;
	}
	/* First the socket is handed over, then the ticket ends: a broker that dies in between must
	 * not lose it. */
	if (keep_hand_out(asked, kept, decision.rule.name))
		kept_end(kept, KEPT_TAKEN);
}

/* --- all of it --- */

static const struct verb {
	const char *word;
	size_t n_fds;
} verbs[] = {
	[WIRE_SHARE] = {"share", 1},
	[WIRE_FROMSHARE] = {"receive", 0},
	[WIRE_STORE] = {"store", 1},
	[WIRE_FETCH] = {"fetch", 0},
	[WIRE_FORGET] = {"forget", 0},
	[WIRE_STORED] = {"stored", 0},
};

void keep_serve_take(struct connection *connection, const struct wire_request *request,
	const int *fds, size_t n_fds)
{
	const struct verb *verb = &verbs[request->verb];
	bool process = request->verb == WIRE_SHARE && request->share.taker == WIRE_TAKER_PROCESS;
	const char *wrong = NULL;
	struct asked asked = {
		.connection = connection,
		.verb = request->verb,
		.serial = request->serial,
		.word = verb->word,
	};

	if (!connection->greeted || !connection->may_keep)
		wrong = "this connection's HELLO did not ask for the feature of keeping sockets";
	else if (n_fds != verb->n_fds + process)
		wrong = "the request carries another number of descriptors than it should";
	if (wrong) {
		release_fds_take(connection, fds, n_fds);
		reply_error(connection, request->verb, request->serial,
			connection->may_keep ? EBADMSG : EPROTO, WIRE_ORIGIN_REQUEST, -1, wrong);
		return;
	}
	connection_ref(connection);
	switch (request->verb) {
	case WIRE_SHARE:
		share_take(&asked, &request->share, fds[0], process ? fds[1] : -1);
		break;
	case WIRE_FROMSHARE:
		fromshare(&asked, &request->ticket);
		break;
	case WIRE_STORE:
		keep_serve_store_take(&asked, request, fds[0]);
		break;
	case WIRE_FETCH:
		keep_serve_fetch(&asked, request);
		break;
	case WIRE_FORGET:
		keep_serve_forget(&asked, request);
		break;
	default:
		keep_serve_stored(&asked, request);
	}
	connection_unref(connection);
}

static void told(void *data, const struct kept *kept, enum kept_end how)
{
	struct broker *broker = data;
	bool ticket = kept->terms.kind == TERMS_TICKET;

	if (how == KEPT_EXPIRED)
		keep_audit_end(broker, kept, ETIME,
			ticket ? "the ticket was not used in time; the socket is closed"
			       : "its time is over; the socket is forgotten");
	else
		keep_audit_end(broker, kept, 0, "another socket has taken the name's place");
}

static void complain(void *data, const char *what)
{
	broker_audit(data, AUDIT_KEPT, EBADMSG, what);
}

int keep_serve_start(struct broker *broker)
{
	char text[128];

	/* As many as connections: each takes up to two descriptors. */
	int r = keep_new(broker->event, broker->users, broker->closer, broker->connections_max,
		told, broker, &broker->keep);
	if (r < 0)
		return r;
	size_t n = keep_restore_take(
		broker->keep, broker->returned, broker->n_returned, complain, broker);
	free(TAKE_PTR(broker->returned));
	broker->n_returned = 0;
	if (n > 0) {
		snprintf(text, sizeof text, "%zu kept sockets came back from the manager's store",
			n);
		broker_audit(broker, AUDIT_KEPT, 0, text);
	}
	return 0;
}
