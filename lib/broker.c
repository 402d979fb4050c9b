#include "lib/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "lib/identity.h"
#include "lib/kernel.h"
#include "lib/reason.h"
#include "lib/slot.h"
#include "lib/sockd.h"
#include "proto/macro.h"
#include "proto/transport.h"

#ifndef SOCKD_SOCKET_PATH
#define SOCKD_SOCKET_PATH "/run/sockd/socket"
#endif

/* Most requests fit; a larger one is allocated. */
#define PACKET_USUAL 2048
#define REPLY_MAX \
	(sizeof(struct wire_header) + sizeof(struct wire_answer) + sizeof(struct wire_welcome) + \
		WIRE_TEXT_MAX + 8)

/* How often a request is sent to brokers that end before they answer it. */
#define UNANSWERED_MAX 4u

struct packet {
	unsigned char *bytes;
	size_t size;
	int fd; /* travels with it; -1: none */
	bool once;
	bool repeated; /* one that was sent before had no answer */
};

static const char *broker_path(void)
{
	const char *path = secure_getenv("SOCKD_SOCKET");
	return path && *path ? path : SOCKD_SOCKET_PATH;
}

static bool connection_is_lost(int error)
{
	return error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN || error == -EBADF ||
	       error == -ENOTSOCK;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		kernel_close(fds[i]);
}

static bool has_room_for(int fd, size_t n)
{
	int copies[WIRE_COUNT_MAX] = {-1};
	size_t made = 0;

	while (made < MIN_OF(n, WIRE_COUNT_MAX) &&
		(copies[made] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0)
		made++;
	close_all(copies, made);
	return made == n;
}

/* Receives the reply to the slot's last request. Only an answer that is right in every part is
 * taken. */
static int receive_answer(int connection, enum wire_verb verb, uint64_t serial, int *fds,
	size_t n_fds, struct wire_reply *ret)
{
	unsigned char buffer[REPLY_MAX];
	struct transport_message message;
	struct wire_reply reply;

	int r = transport_receive(connection, buffer, sizeof buffer, fds, n_fds, 0, &message);
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
	if (r < 0)
		return r == -EAGAIN ? -ETIMEDOUT : r;
	if (message.size == 0) {
		close_all(fds, message.n_fds);
		return -ECONNRESET;
	}
	r = wire_decode_reply(buffer, message.size, &reply);
	if (r == 0 && (reply.verb != verb || reply.serial != serial ||
			      reply.answer.count != message.n_fds ||
			      message.n_fds != (reply.answer.error == 0 ? n_fds : 0)))
		r = -EBADMSG;
	if (r < 0) {
		close_all(fds, message.n_fds);
		return r;
	}
	reason_set_bytes(reply.text, reply.answer.error == 0 ? 0 : reply.answer.text_size);
	reply.text = NULL;
	*ret = reply;
	return 0;
}

/* One request and its answer on a connection that stands. */
static int converse(struct slot *slot, int connection, struct packet *packet, enum wire_verb verb,
	int *fds, size_t n_fds, struct wire_reply *ret, bool *ret_sent)
{
	uint64_t serial = ++slot->serial;

	memcpy(packet->bytes + offsetof(struct wire_header, serial), &serial, sizeof serial);
	int r = transport_send(
		connection, packet->bytes, packet->size, &packet->fd, packet->fd >= 0 ? 1 : 0, 0);
	if (r < 0)
		return r == -EAGAIN ? -ETIMEDOUT : r;
	*ret_sent = true;
	return receive_answer(connection, verb, serial, fds, n_fds, ret);
}

static int say_hello(struct slot *slot, int connection)
{
	const struct wire_request request = {
		.verb = WIRE_HELLO,
		.hello = {.version_min = WIRE_VERSION, .version_max = WIRE_VERSION},
	};
	unsigned char buffer[sizeof(struct wire_header) + sizeof(struct wire_hello)];
	struct packet packet = {.bytes = buffer, .fd = -1};
	struct wire_reply reply;
	bool sent;

	ssize_t n = wire_encode_request(&request, buffer, sizeof buffer);
	if (n < 0)
		return (int)n;
	packet.size = (size_t)n;
	int r = converse(slot, connection, &packet, WIRE_HELLO, NULL, 0, &reply, &sent);
	if (r < 0)
		return r;
	if (reply.answer.error != 0)
		return -reply.answer.error;
	if (reply.welcome.version_min > WIRE_VERSION || reply.welcome.version_max < WIRE_VERSION)
		return -EPROTONOSUPPORT;
	slot->packet_max = reply.welcome.packet_max;
	return 0;
}

static int open_connection(void)
{
	const struct timeval timeout = {.tv_sec = BROKER_TIMEOUT};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = broker_path();
	size_t length = strlen(path);

	if (length >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);

	int fd = kernel_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return negative_errno();
	if (kernel_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
		kernel_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0 ||
		kernel_connect(fd, &address, sizeof address) < 0) {
		int error = errno;
		kernel_close(fd);
		return error == EAGAIN ? -ETIMEDOUT : -error;
	}
	return fd;
}

/* Returns the descriptor of a connection made by this thread as it is now, or a negative errno. */
static int ensure_connection(struct slot *slot, const struct identity *self)
{
	int fd = slot_fd(slot);

	if (fd >= 0 && identity_equal(&slot->identity, self))
		return fd;
	slot_close(slot);
	fd = open_connection();
	if (fd < 0)
		return fd;
	slot->identity = *self;
	int r = slot_set_fd(slot, fd);
	if (r < 0)
		return r;
	fd = atomic_load(&slot->fd);
	r = say_hello(slot, fd);
	if (r < 0) {
		slot_close(slot);
		return r;
	}
	return fd;
}

static int64_t monotonic_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A broker that ends again and again is not asked faster than it can start. */
static void wait_a_little(unsigned attempt)
{
	const struct timespec pause = {.tv_nsec = (long)MIN_OF(attempt, 10u) * 10000000};

	(void)nanosleep(&pause, NULL);
}

/*
 * A broker that was restarted, or that no longer knows this process, is told so by the first
 * attempt. While it starts, the service manager holds its socket, and the next one waits there; it
 * may be restarted meanwhile, and more than once.
 */
static int exchange(struct slot *slot, struct packet *packet, enum wire_verb verb, int *fds,
	size_t n_fds, struct wire_answer *ret)
{
	struct identity self;
	struct wire_reply reply;
	int64_t until = 0;
	bool stale = false;
	unsigned unanswered = 0;

	identity_read(&self);
	for (unsigned attempt = 0;; attempt++) {
		bool sent = false;
		int r = ensure_connection(slot, &self);
		if (r >= 0 && packet->size > slot->packet_max)
			return -EMSGSIZE;
		if (r >= 0)
			r = converse(slot, r, packet, verb, fds, n_fds, &reply, &sent);
		if (r == 0 && reply.answer.origin != WIRE_ORIGIN_STALE) {
			*ret = reply.answer;
			return 0;
		}
		slot_close(slot);
		if (r == 0 && stale)
			return -ESTALE;
		stale = r == 0;
		if (r < 0 && (!connection_is_lost(r) || (sent && packet->once)))
			return r;
		packet->repeated = packet->repeated || (r < 0 && sent);
		/* It may be this very request that ends the broker. */
		if (r < 0 && sent && ++unanswered == UNANSWERED_MAX)
			return r;
		if (attempt == 0) {
			until = monotonic_msec() + BROKER_TIMEOUT * 1000;
			continue;
		}
		if (monotonic_msec() >= until)
			return r < 0 ? r : -ESTALE;
		wait_a_little(attempt);
	}
}

/* A program's handlers and cancellation must not come between a request and its answer. */
static int exchange_undisturbed(
	struct packet *packet, enum wire_verb verb, int *fds, size_t n_fds, struct wire_answer *ret)
{
	sigset_t all, signals;
	int cancellation, r = -EAGAIN;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &signals);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
	struct slot *slot = slot_take();
	if (slot) {
		r = exchange(slot, packet, verb, fds, n_fds, ret);
		slot_leave(slot);
	}
	pthread_setcancelstate(cancellation, &cancellation);
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
	return r;
}

int broker_exchange(const struct wire_request *request, int fd, bool once, int *fds, size_t n_fds,
	struct wire_answer *ret, bool *ret_repeated)
{
	unsigned char usual[PACKET_USUAL];
	_cleanup_free_ void *large = NULL;
	struct packet packet = {.bytes = usual, .fd = fd, .once = once};

	ssize_t n = wire_encode_request(request, usual, sizeof usual);
	if (n == -EMSGSIZE) {
		large = malloc(WIRE_PACKET_MAX);
		if (!large)
			return -ENOMEM;
		packet.bytes = large;
		n = wire_encode_request(request, large, WIRE_PACKET_MAX);
	}
	if (n < 0) {
		reason_set("the request cannot be put to the broker", NULL, (int)-n);
		return (int)n;
	}
	packet.size = (size_t)n;

	reason_clear();
	int r = exchange_undisturbed(&packet, request->verb, fds, n_fds, ret);
	if (ret_repeated)
		*ret_repeated = packet.repeated;
	if (r < 0 && *sockd_reason() == '\0')
		reason_set("no answer from the broker at", broker_path(), -r);
	return r;
}
