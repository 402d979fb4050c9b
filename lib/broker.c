#include "lib/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "lib/environment.h"
#include "lib/identity.h"
#include "lib/kernel.h"
#include "lib/reason.h"
#include "lib/scratch.h"
#include "lib/slot.h"
#include "lib/sockd.h"
#include "proto/macro.h"
#include "proto/transport.h"

#ifndef SOCKD_SOCKET_PATH
#define SOCKD_SOCKET_PATH "/run/sockd/socket"
#endif

/* Most requests fit; a larger one is allocated. With all else that is on the stack when a
 * connection is made it must leave room in a thread whose stack is the smallest that there is. */
#define PACKET_USUAL 1024

/*
 * How often a request is put in all. A broker that is killed again and again while it is started
 * anew (the listening socket is then its manager's) costs one try each; a request that itself ends
 * the broker must not do so for ever.
 */
#define TRIES 6

/* A limit on waiting is set anew where it is off by more. */
#define LIMIT_SLACK_MSEC 100

struct packet {
	unsigned char *bytes;
	size_t size;
	const int *fds; /* travel with it */
	size_t n_fds;
	unsigned char *room; /* for the answer; NULL: it is a usual one */
	size_t room_size;
	bool once;
	uint64_t features;  /* that the broker must have */
	int64_t until_msec; /* the end of all waiting */
};

/* How far one try came. */
enum progress {
	NOT_READ, /* by the broker, for certain */
	MAYBE_CARRIED_OUT,
};

static int64_t now_msec(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *broker_path(void)
{
	const char *path = environment_get(ENVIRONMENT_SOCKET);
	return path && *path ? path : SOCKD_SOCKET_PATH;
}

static bool connection_is_lost(int error)
{
	return error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN || error == -EBADF ||
	       error == -ENOTSOCK;
}

/* An EBADF may also be of what the caller wanted to be sent. */
static bool can_be_sent(const struct packet *packet)
{
	for (size_t i = 0; i < packet->n_fds; i++)
		if (fcntl(packet->fds[i], F_GETFD) < 0)
			return false;
	return true;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		kernel_close(fds[i]);
}

/* Not in the frame of whoever receives: it is large, and seldom needed. */
static __attribute__((noinline)) bool has_room_for(int fd, size_t n)
{
	int copies[WIRE_COUNT_MAX] = {-1};
	size_t made = 0;

	while (made < MIN_OF(n, WIRE_COUNT_MAX) &&
		(copies[made] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0)
		made++;
	close_all(copies, made);
	return made == n;
}

/*
 * Receives the reply to the slot's last request. Only an answer that is right in every part is
 * taken.
 *
 * A connection that ends with the request unread in the broker's queue ends by ECONNRESET; one that
 * ends after it was read, by the end of the file.
 */
static int receive_answer(int connection, const struct packet *packet, enum wire_verb verb,
	uint64_t serial, int *fds, size_t n_fds, struct wire_reply *ret,
	enum progress *ret_progress)
{
	/* Kept small: a signal handler may be on a stack of its own. */
	unsigned char usual[WIRE_REPLY_USUAL];
	unsigned char *buffer = packet->room ? packet->room : usual;
	size_t size = packet->room ? packet->room_size : sizeof usual;
	struct transport_message message;
	struct wire_reply reply;

	int r = transport_receive(connection, buffer, size, fds, n_fds, 0, &message);
	if (r == -EBADMSG && !has_room_for(connection, n_fds)) {
		/* Given by the broker, lost on the way in: what root would see too. */
		reason_set("the broker gave what was asked for, but this process has no "
			   "descriptor free",
			NULL, 0);
		*ret = (struct wire_reply){
			.answer = {.error = EMFILE, .origin = WIRE_ORIGIN_KERNEL},
		};
		return 0;
	}
	*ret_progress = r == -ECONNRESET ? NOT_READ : MAYBE_CARRIED_OUT;
	if (r < 0)
		return r == -EAGAIN ? -ETIMEDOUT : r;
	if (message.size == 0) {
		close_all(fds, message.n_fds);
		return -ECONNRESET;
	}
	r = wire_decode_reply(buffer, message.size, &reply);
	if (r == 0 &&
		(reply.verb != verb || reply.serial != serial ||
			reply.answer.count != message.n_fds ||
			message.n_fds != (reply.answer.error == 0 ? n_fds : 0) ||
			(reply.answer.error == 0 && reply.answer.origin == WIRE_ORIGIN_STALE)))
		r = -EBADMSG;
	if (r < 0) {
		close_all(fds, message.n_fds);
		return r;
	}
	bool has_words = reply.answer.error != 0 || reply.answer.flags & WIRE_ANSWER_ONLY_ASKED;
	reason_set_bytes(reply.text, has_words ? reply.answer.text_size : 0);
	reply.text = NULL;
	if (!packet->room)
		reply.stored = NULL;
	*ret = reply;
	return 0;
}

static void (*before_waiting)(int connection);

void broker_set_waiting(void (*waiting)(int connection))
{
	before_waiting = waiting;
}

/* One request and its answer on a connection that stands. */
static int converse(struct slot *slot, int connection, struct packet *packet, enum wire_verb verb,
	int *fds, size_t n_fds, struct wire_reply *ret, enum progress *ret_progress)
{
	uint64_t serial = ++slot->serial;

	*ret_progress = NOT_READ;
	memcpy(packet->bytes + offsetof(struct wire_header, serial), &serial, sizeof serial);
	int r = transport_send(
		connection, packet->bytes, packet->size, packet->fds, packet->n_fds, 0);
	if (r < 0)
		return r == -EAGAIN ? -ETIMEDOUT : r;
	if (slot->own && before_waiting)
		before_waiting(connection);
	return receive_answer(connection, packet, verb, serial, fds, n_fds, ret, ret_progress);
}

static int say_hello(struct slot *slot, int connection)
{
	static const struct wire_request request = {
		.verb = WIRE_HELLO,
		.hello = {.version_min = WIRE_VERSION,
			.version_max = WIRE_VERSION,
			.features = WIRE_FEATURES},
	};
	unsigned char buffer[sizeof(struct wire_header) + sizeof(struct wire_hello)];
	struct packet packet = {.bytes = buffer};
	struct wire_reply reply;
	enum progress progress;

	ssize_t n = wire_encode_request(&request, buffer, sizeof buffer);
	if (n < 0)
		return (int)n;
	packet.size = (size_t)n;
	int r = converse(slot, connection, &packet, WIRE_HELLO, NULL, 0, &reply, &progress);
	if (r < 0)
		return r;
	if (reply.answer.origin == WIRE_ORIGIN_STALE)
		return -ESTALE;
	if (reply.answer.error != 0)
		return -reply.answer.error;
	if (reply.welcome.version_min > WIRE_VERSION || reply.welcome.version_max < WIRE_VERSION)
		return -EPROTONOSUPPORT;
	slot->packet_max = reply.welcome.packet_max;
	slot->features = reply.welcome.features;
	return 0;
}

/* Sending and receiving end by then. Costs no call where the limit that stands is near enough. */
static int limit_waiting(struct slot *slot, int connection, int64_t until_msec)
{
	int64_t left = until_msec - now_msec(), off = left - slot->limit_msec;

	if (left <= 0)
		return -ETIMEDOUT;
	if (off < LIMIT_SLACK_MSEC && off > -LIMIT_SLACK_MSEC)
		return 0;
	const struct timeval limit = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
	if (kernel_setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
		kernel_setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
		return negative_errno();
	slot->limit_msec = (int)left;
	return 0;
}

/* Where a manager holds the listening socket of a broker that is being restarted, this succeeds at
 * once, or waits for room in its queue. */
static int open_connection(struct slot *slot, int64_t until_msec)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = broker_path();
	size_t length = strlen(path);

	if (length >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);

	slot->limit_msec = INT_MAX;
	int r = slot_make_socket(slot);
	if (r < 0)
		return r;
	int fd = atomic_load(&slot->fd);
	do { /* A stop of this process ends the wait, with all signals blocked too. */
		r = limit_waiting(slot, fd, until_msec);
		if (r == 0 && kernel_connect(fd, &address, sizeof address) < 0)
			r = errno == EAGAIN ? -ETIMEDOUT : negative_errno();
	} while (r == -EINTR);
	if (r < 0) {
		slot_close(slot);
		return r;
	}
	return fd;
}

/* Returns 0, or a negative errno: -ESTALE where the broker cannot tell that this process sends. */
static int connect_anew(struct slot *slot, const struct identity *self, int64_t until_msec)
{
	slot_close(slot);
	if (!slot->own)
		slot->identity = *self;
	int fd = open_connection(slot, until_msec);
	if (fd < 0)
		return fd;
	int r = limit_waiting(slot, fd, until_msec);
	if (r == 0)
		r = say_hello(slot, fd);
	if (r < 0)
		slot_close(slot);
	return r;
}

/* Returns the descriptor of a connection made by this thread as it is now, or a negative errno. */
static int ensure_connection(struct slot *slot, const struct identity *self, int64_t until_msec)
{
	int fd = slot_fd(slot);

	if (fd < 0 || (!slot->own && !identity_equal(&slot->identity, self))) {
		int r = connect_anew(slot, self, until_msec);
		/* Sent to a manager's listening socket, before the broker could ask for who sends:
		 * it has by now. */
		if (r == -ESTALE)
			r = connect_anew(slot, self, until_msec);
		if (r < 0)
			return r;
		fd = atomic_load(&slot->fd);
	}
	int r = limit_waiting(slot, fd, until_msec);
	return r < 0 ? r : fd;
}

/* A broker that was restarted, or that no longer knows this process, is told so by the first try.
 * Sets *ret_repeated where an earlier one may have been carried out. */
static int exchange(struct slot *slot, struct packet *packet, enum wire_verb verb, int *fds,
	size_t n_fds, struct wire_reply *ret, bool *ret_repeated)
{
	struct identity self = {0};
	int r = -ECONNRESET;

	if (!slot->own)
		identity_read(&self);
	for (int i = 0; i < TRIES; i++) {
		enum progress progress;
		int connection = ensure_connection(slot, &self, packet->until_msec);
		if (connection_is_lost(connection)) {
			slot_close(slot);
			r = connection;
			continue;
		}
		if (connection < 0)
			return connection;
		if (packet->size > slot->packet_max)
			return -EMSGSIZE;
		if (packet->features & ~slot->features)
			return -EOPNOTSUPP;
		r = converse(slot, connection, packet, verb, fds, n_fds, ret, &progress);
		if (r == 0 && ret->answer.origin != WIRE_ORIGIN_STALE)
			return 0;
		if (r == -EBADF && !can_be_sent(packet)) {
			reason_set("a descriptor that was to be sent is not open", NULL, 0);
			return r;
		}
		if (r == 0) {
			slot_close(slot);
			r = -ESTALE;
			continue;
		}
		/* What it has not read it must not carry out any more, and a child may have a copy
		 * of the connection. */
		slot_hang_up(slot);
		if (!connection_is_lost(r) || (progress != NOT_READ && packet->once))
			return r;
		*ret_repeated |= progress != NOT_READ;
	}
	return r;
}

/* What may come between a request and its answer, of a thread that is not ours. */
struct disturbance {
	bool is_put_off;
	sigset_t signals;
	int cancellation;
};

static void put_off(struct disturbance *ret)
{
	sigset_t all;

	ret->is_put_off = !slot_is_own();
	if (!ret->is_put_off)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &ret->signals);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ret->cancellation);
}

static void let_come(const struct disturbance *disturbance)
{
	int before;

	if (!disturbance->is_put_off)
		return;
	pthread_setcancelstate(disturbance->cancellation, &before);
	pthread_sigmask(SIG_SETMASK, &disturbance->signals, NULL);
}

static int exchange_undisturbed(struct packet *packet, enum wire_verb verb, int *fds, size_t n_fds,
	struct wire_reply *ret, bool *ret_repeated)
{
	struct disturbance disturbance;
	struct slot *slot;

	put_off(&disturbance);
	/* To wait for the other threads is part of it. */
	packet->until_msec = now_msec() + BROKER_TIMEOUT * 1000;
	int r = slot_take(packet->until_msec * 1000, &slot);
	if (r == 0) {
		r = exchange(slot, packet, verb, fds, n_fds, ret, ret_repeated);
		slot_leave(slot);
	}
	let_come(&disturbance);
	return r;
}

static uint64_t features_of(const struct wire_request *request)
{
	if (request->verb >= WIRE_SHARE)
		return WIRE_FEATURE_KEEP;
	return request->flags & WIRE_REQUEST_ASK ? WIRE_FEATURE_ASK : 0;
}

int broker_call(struct broker_call *call, struct wire_reply *ret)
{
	const struct wire_request *request = call->request;
	unsigned char usual[PACKET_USUAL];
	_cleanup_scratch_ struct scratch large = {0};
	struct packet packet = {
		.bytes = usual,
		.fds = call->send,
		.n_fds = call->n_send,
		.room = call->room,
		.room_size = call->room_size,
		.once = call->once,
		.features = features_of(request),
	};

	call->repeated = false;
	ssize_t n = wire_encode_request(request, usual, sizeof usual);
	if (n == -EMSGSIZE) {
		packet.bytes = scratch_get(&large, WIRE_PACKET_MAX);
		if (!packet.bytes)
			return -ENOMEM;
		n = wire_encode_request(request, packet.bytes, WIRE_PACKET_MAX);
	}
	if (n < 0) {
		reason_set("the request cannot be put to the broker", NULL, (int)-n);
		return (int)n;
	}
	packet.size = (size_t)n;

	reason_clear();
	int r = exchange_undisturbed(
		&packet, request->verb, call->fds, call->n_fds, ret, &call->repeated);
	if (r == -EOPNOTSUPP)
		reason_set(packet.features == WIRE_FEATURE_KEEP
				   ? "the broker is too old to keep sockets"
				   : "the broker is too old to be asked without acting on it",
			NULL, 0);
	else if (r < 0 && *sockd_reason() == '\0')
		reason_set("no answer from the broker at", broker_path(), -r);
	return r;
}

int broker_exchange(const struct wire_request *request, int fd, bool once, int *fds, size_t n_fds,
	struct wire_answer *ret, bool *ret_repeated)
{
	struct broker_call call = {
		.request = request,
		.send = &fd,
		.n_send = fd >= 0 ? 1 : 0,
		.once = once,
		.fds = fds,
		.n_fds = n_fds,
	};
	struct wire_reply reply;

	int r = broker_call(&call, &reply);
	if (r == 0)
		*ret = reply.answer;
	if (ret_repeated)
		*ret_repeated = call.repeated;
	return r;
}

int broker_reach(bool *ret_may_send)
{
	struct disturbance disturbance;
	struct identity self;
	int64_t until_msec = now_msec() + BROKER_TIMEOUT * 1000;
	struct slot *slot;

	put_off(&disturbance);
	int r = slot_take(until_msec * 1000, &slot);
	if (r == 0) {
		identity_read(&self);
		r = ensure_connection(slot, &self, until_msec);
		if (r >= 0 && ret_may_send)
			*ret_may_send = !(slot->features & WIRE_WELCOME_NO_SENDS);
		slot_leave(slot);
	}
	let_come(&disturbance);
	if (r < 0)
		reason_set("no answer from the broker at", broker_path(), -r);
	return MIN_OF(r, 0);
}
