#include "daemon/request.h"

#include <errno.h>
#include <sys/socket.h>

#include "daemon/broker.h"
#include "daemon/family/family.h"
#include "daemon/hang-up.h"
#include "daemon/keep/serve.h"
#include "daemon/netns.h"
#include "daemon/own-socket.h"
#include "daemon/release.h"
#include "daemon/reply.h"
#include "daemon/serve.h"
#include "daemon/task.h"
#include "proto/macro.h"

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

static void handle_open(struct task *task, size_t packet_size)
{
	const struct wire_request *request = &task->request;
	int type = request->type & ~TYPE_FLAGS;

	task->query = (struct policy_query){
		.domain = request->domain,
		.type = type,
		.protocol = family_effective_protocol(request->domain, type, request->protocol),
		.netns = request->netns,
		.netns_name = request->netns_name,
		.steps = request->steps,
		.n_steps = request->n_steps,
		.fd = -1,
	};
	serve_task(task, packet_size);
}

/* What the client's own socket is, and where. Returns 0, or a negative errno and words. */
static int read_own_socket(const struct connection *connection, int fd, struct policy_query *query,
	uint64_t *ret_netns, const char **ret_what)
{
	struct own_socket own;
	int r = own_socket_read(fd, &own);

	if (r < 0) {
		*ret_what = r == -ENOTSOCK
				    ? "the descriptor that came with the APPLY is not a socket"
				    : "what socket it is, and in which namespace, cannot be told";
		return r;
	}
	query->domain = own.domain;
	query->type = own.type;
	query->protocol = own.protocol;
	*ret_netns = own.netns;
	if (own.netns_cookie == connection->peer.netns_cookie)
		query->netns = WIRE_NETNS_PEER;
	else if (own.netns_cookie == netns_own_cookie())
		query->netns = WIRE_NETNS_BROKER;
	else {
		*ret_what = "the socket lives in another network namespace than the connection and "
			    "the broker; connect anew from the one it lives in";
		return -EPERM;
	}
	return 0;
}

static void handle_apply(struct task *task, size_t packet_size)
{
	const struct wire_request *request = &task->request;
	struct connection *connection = task->connection;
	const char *what;

	task->query = (struct policy_query){
		.apply = true,
		.steps = request->steps,
		.n_steps = request->n_steps,
		.fd = task->fd,
	};
	int r = read_own_socket(connection, task->fd, &task->query, &task->netns, &what);
	if (r < 0) {
		task_fail(task, -r, WIRE_ORIGIN_REQUEST, -1, what);
		task_done(task);
		return;
	}
	serve_task(task, packet_size);
}

/* Returns false where they cannot be read, and the connection is closed. */
static bool read_groups(struct connection *connection)
{
	int r = peer_read_groups(&connection->peer, connection->fd);

	if (r == -E2BIG)
		connection_audit(
			connection->listener, &connection->peer, EPERM, PEER_TOO_MANY_GROUPS);
	else if (r < 0) {
		connection_audit(connection->listener, &connection->peer, -r,
			"the peer's groups cannot be read; the connection is closed");
		hang_up(connection);
		return false;
	}
	return true;
}

static void handle_hello(struct connection *connection, const struct wire_request *request)
{
	if (!read_groups(connection))
		return;
	if (connection->peer.too_many_groups) {
		/* Without having greeted it gets nothing else. */
		reply_error(connection, WIRE_HELLO, request->serial, EPERM, WIRE_ORIGIN_LIMIT, -1,
			PEER_TOO_MANY_GROUPS);
		return;
	}
	static const char unknown[] = "known protocol versions: 1 to 1";
	const struct policy_subject subject = serve_subject(connection);
	bool may_send = policy_may_send(connection->broker->policy, &subject);
	bool known = request->hello.version_min <= WIRE_VERSION &&
		     request->hello.version_max >= WIRE_VERSION;
	struct wire_reply reply = {
		.verb = WIRE_HELLO,
		.serial = request->serial,
		.answer =
			{
				.error = known ? 0 : EPROTONOSUPPORT,
				.origin = known ? WIRE_ORIGIN_NONE : WIRE_ORIGIN_REQUEST,
				.step = -1,
				.text_size = known ? 0 : sizeof unknown - 1,
			},
		.welcome =
			{
				.version_min = WIRE_VERSION,
				.version_max = WIRE_VERSION,
				.packet_max = WIRE_PACKET_MAX,
				.features = WIRE_FEATURES | (may_send ? 0 : WIRE_WELCOME_NO_SENDS),
				.steps_max = WIRE_STEPS_MAX,
				.count_max = WIRE_COUNT_MAX,
			},
		.text = known ? NULL : unknown,
	};
	/* The library sends nothing more until it is welcomed. */
	peer_settle(&connection->peer, connection->fd);
	connection->greeted = known;
	connection->may_ask = known && request->hello.features & WIRE_FEATURE_ASK;
	connection->may_keep = known && request->hello.features & WIRE_FEATURE_KEEP;
	(void)reply_send(connection, &reply, NULL, 0);
}

static void handle_release(struct connection *connection, const struct wire_request *request)
{
	struct grants *grants = connection->broker->grants;
	struct grant *grant;

	grant = grants_find_open(grants, connection->user, request->grant);
	if (grant && !grant->ends_with) {
		reply_error(connection, WIRE_RELEASE, request->serial, EBUSY, WIRE_ORIGIN_REQUEST,
			-1, "the socket is still open somewhere; close every copy of it first");
		return;
	}
	if (grant)
		grants_remove(grants, grant);
	struct wire_reply reply = {
		.verb = WIRE_RELEASE, .serial = request->serial, .answer = {.step = -1}};
	(void)reply_send(connection, &reply, NULL, 0);
}

/* A packet that is no request: what can be answered is answered, on the rest the connection is
 * closed. */
static void handle_malformed(
	struct connection *connection, size_t size, int error, const char *what)
{
	struct wire_header header;

	if (!wire_peek_header(connection->broker->packet, size, &header)) {
		hang_up(connection);
		return;
	}
	if (error == -EPROTONOSUPPORT) {
		const struct wire_request hello = {.serial = header.serial,
			.hello = {.version_min = UINT16_MAX, .version_max = UINT16_MAX}};
		handle_hello(connection, &hello);
		return;
	}
	reply_error(connection, (enum wire_verb)(header.verb & ~WIRE_REPLY), header.serial, -error,
		WIRE_ORIGIN_REQUEST, -1, what);
}

static void dispatch(struct task *task, size_t packet_size, size_t n_fds)
{
	struct connection *connection = task->connection;
	const struct wire_request *request = &task->request;
	enum wire_verb verb = request->verb;

	if (n_fds != (verb == WIRE_APPLY ? 1 : 0)) {
		reply_error(connection, verb, request->serial, EBADMSG, WIRE_ORIGIN_REQUEST, -1,
			verb == WIRE_APPLY ? "an APPLY carries exactly one descriptor"
					   : "descriptors came that nobody asked for");
		task_done(task);
	} else if (verb == WIRE_HELLO)
		handle_hello(connection, request);
	else if (!connection->greeted) {
		reply_error(connection, verb, request->serial, EPROTO, WIRE_ORIGIN_REQUEST, -1,
			"the first request of a connection is HELLO");
		task_done(task);
	} else if (request->flags & WIRE_REQUEST_ASK && !connection->may_ask) {
		reply_error(connection, verb, request->serial, EPROTO, WIRE_ORIGIN_REQUEST, -1,
			"this connection's HELLO did not ask for the feature of asking only");
		task_done(task);
	} else if (verb == WIRE_OPEN)
		handle_open(task, packet_size);
	else if (verb == WIRE_APPLY)
		handle_apply(task, packet_size);
	else
		handle_release(connection, request);
}

void request_handle_take(
	struct connection *connection, const struct transport_message *message, const int *fds)
{
	static struct task task; /* the loop handles one request at a time */
	struct broker *broker = connection->broker;
	struct wire_header header;
	const char *what = "";

	if (!peer_is_sender(&connection->peer, message)) {
		release_fds_take(connection, fds, message->n_fds);
		if (wire_peek_header(broker->packet, message->size, &header))
			reply_error(connection, (enum wire_verb)(header.verb & ~WIRE_REPLY),
				header.serial, EPERM, WIRE_ORIGIN_STALE, -1,
				"the sender is not the process that connected, or its credentials "
				"have changed since; connect anew");
		else
			hang_up(connection);
		return;
	}
	int r = wire_decode_request(broker->packet, message->size, &task.request, &what);
	if (r < 0) {
		release_fds_take(connection, fds, message->n_fds);
		handle_malformed(connection, message->size, r, what);
		return;
	}
	if (task.request.verb >= WIRE_SHARE) {
		keep_serve_take(connection, &task.request, fds, message->n_fds);
		return;
	}
	/* Of several descriptors all are given back here; of one, the task owns it. */
	if (message->n_fds > 1)
		release_fds_take(connection, fds, message->n_fds);
	task.connection = connection;
	task.policy = broker->policy;
	task.fd = message->n_fds == 1 ? fds[0] : -1;
	task.netns_fd = -1;
	task.close_netns_fd = false;
	task.netns = connection->foreign ? connection->netns : 0;
	/* Nothing of the request before this one: its policy may be gone. */
	task.decision.rule = (struct rule_view){0};
	task.steps[0] = '\0';
	dispatch(&task, message->size, message->n_fds);
}
