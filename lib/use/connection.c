/*
 * One connection to a host that may have several addresses: RFC 8305 ("Happy Eyeballs"), section 5.
 * The order of the addresses is getaddrinfo(3)'s (RFC 6724), with the families taking turns.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/calls.h"
#include "lib/kernel.h"
#include "lib/sockd.h"
#include "lib/span.h"
#include "lib/use/resolve.h"
#include "lib/use/timeout.h"

/* "Connection Attempt Delay" */
#define DELAY_USEC 250000

struct race {
	const char *source_host, *source_service;
	int64_t deadline;
	size_t n;		     /* addresses */
	const struct addrinfo **who; /* in the order in which they are tried */
	struct pollfd *attempts;     /* fd -1: none, or it has failed */
	size_t n_begun, n_open;
	int64_t next_usec; /* when the next one is begun */
	size_t worst;	   /* the last in order of those that failed, and with what */
	int error, lookup_error;
};

static void race_release(struct race *race)
{
	for (size_t i = 0; i < race->n_begun; i++)
		close_quietly(race->attempts[i].fd);
	cleanup_free(&race->attempts);
	cleanup_free(&race->who);
}

/* The families take turns as long as there is another one. */
static void order(const struct addrinfo *list, const struct addrinfo **who, size_t n)
{
	const struct addrinfo *next[2] = {list, list};
	int first = list->ai_family;

	for (size_t i = 0, turn = 0; i < n; turn = !turn) {
		while (next[turn] && (next[turn]->ai_family == first) != (turn == 0))
			next[turn] = next[turn]->ai_next;
		if (!next[turn])
			continue;
		who[i++] = next[turn];
		next[turn] = next[turn]->ai_next;
	}
}

static int race_init(struct race *race, const struct addrinfo *list)
{
	for (const struct addrinfo *a = list; a; a = a->ai_next)
		race->n++;
	race->who = calloc(race->n, sizeof *race->who);
	race->attempts = calloc(race->n, sizeof *race->attempts);
	if (!race->who || !race->attempts)
		return -ENOMEM;
	order(list, race->who, race->n);
	return 0;
}

static int bind_source(const struct race *race, int fd, int family)
{
	_cleanup_addresses_ struct addrinfo *source = NULL;
	const char *host = race->source_host && *race->source_host ? race->source_host : NULL;
	const char *service =
		race->source_service && *race->source_service ? race->source_service : "0";

	if (!race->source_host && !race->source_service)
		return 0;
	int r = resolve(host, service, family, AI_PASSIVE, &source);
	if (r < 0)
		return r;
	return sockd_bind(fd, source->ai_addr, source->ai_addrlen) < 0 ? negative_errno() : 0;
}

/* The socket, connected or with *ret_connecting; or a negative errno. */
static int begin_one(const struct race *race, const struct addrinfo *to, bool *ret_connecting)
{
	_cleanup_close_ int fd = call_socket(
		to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->ai_protocol);

	if (fd < 0)
		return negative_errno();
	int r = bind_source(race, fd, to->ai_family);
	if (r < 0)
		return r;
	*ret_connecting = false;
	if (call_connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return negative_errno();
		*ret_connecting = true;
	}
	return TAKE_FD(fd);
}

static void lost(struct race *race, size_t i, int error)
{
	if (race->error == 0 || i >= race->worst) {
		race->worst = i;
		race->error = error;
		race->lookup_error = sockd_lookup_error();
	}
	resolve_clear();
}

/* Begins the next attempt. Returns the socket where it is connected at once, else -1. */
static int race_begin(struct race *race)
{
	size_t i = race->n_begun++;
	bool connecting = false;
	int fd = begin_one(race, race->who[i], &connecting);

	race->attempts[i] = (struct pollfd){.fd = -1, .events = POLLOUT};
	if (fd >= 0 && !connecting)
		return fd;
	if (fd < 0) {
		lost(race, i, -fd);
		race->next_usec = span_now();
	} else {
		race->attempts[i].fd = fd;
		race->n_open++;
		race->next_usec = span_now() + DELAY_USEC;
	}
	return -1;
}

/* Waits until one of them has an answer, the next one is due or the time is over. */
static int race_poll(struct race *race)
{
	int64_t until = race->deadline;

	if (race->n_begun < race->n && (until == SPAN_FOREVER || race->next_usec < until))
		until = race->next_usec;
	int r = span_poll_once(race->attempts, race->n_begun, until);
	return r < 0 ? negative_errno() : r;
}

/* The socket that is connected, taken out of the race; -1: none yet. */
static int race_collect(struct race *race)
{
	for (size_t i = 0; i < race->n_begun; i++) {
		struct pollfd *attempt = &race->attempts[i];
		if (attempt->fd < 0 || attempt->revents == 0)
			continue;
		int error = kernel_socket_number(attempt->fd, SO_ERROR);
		if (error == 0)
			return TAKE_FD(attempt->fd);
		close_quietly(TAKE_FD(attempt->fd));
		race->n_open--;
		lost(race, i, error > 0 ? error : EIO);
		race->next_usec = span_now();
	}
	return -1;
}

/* The socket that won, or a negative errno. */
static int race_run(struct race *race)
{
	for (;;) {
		int fd = -1;
		if (race->n_begun < race->n && (race->n_open == 0 || span_now() >= race->next_usec))
			fd = race_begin(race);
		else if (race->n_open == 0)
			return -race->error;
		else {
			int r = race_poll(race);
			if (r < 0 && r != -EINTR)
				return r;
			if (r > 0)
				fd = race_collect(race);
			else if (r == 0 && race->deadline != SPAN_FOREVER &&
				 span_now() >= race->deadline)
				return -ETIMEDOUT;
		}
		if (fd >= 0)
			return fd;
	}
}

/* With no time at all each is asked once. */
static int race_at_once(struct race *race)
{
	while (race->n_begun < race->n) {
		int fd = race_begin(race);
		if (fd >= 0)
			return fd;
		if (race->attempts[race->n_begun - 1].fd >= 0)
			lost(race, race->n_begun - 1, EINPROGRESS);
	}
	return -race->error;
}

static int connect_to(const char *host, const char *service, int64_t timeout_usec,
	const char *source_host, const char *source_service, int *ret_lookup_error)
{
	_cleanup_addresses_ struct addrinfo *list = NULL;
	_cleanup_(race_release) struct race race = {
		.source_host = source_host,
		.source_service = source_service,
	};

	int r = resolve(host, service, AF_UNSPEC, 0, &list);
	if (r < 0) {
		*ret_lookup_error = sockd_lookup_error();
		return r;
	}
	r = race_init(&race, list);
	if (r < 0)
		return r;
	race.deadline = span_deadline(span_now(), timeout_usec);
	_cleanup_close_ int fd = timeout_usec == 0 ? race_at_once(&race) : race_run(&race);
	if (fd < 0) {
		*ret_lookup_error = fd == -race.error ? race.lookup_error : 0;
		return TAKE_FD(fd);
	}
	if (sockd_settimeout(fd, timeout_usec) < 0)
		return negative_errno();
	return TAKE_FD(fd);
}

int sockd_create_connection(const char *host, const char *service, int64_t timeout_usec,
	const char *source_host, const char *source_service)
{
	int saved_errno = errno, error = 0;

	resolve_clear();
	if (timeout_usec == SOCKD_DEFAULT_TIMEOUT)
		timeout_usec = sockd_getdefaulttimeout();
	if (!service || !timeout_is_valid(timeout_usec)) {
		errno = EINVAL;
		return -1;
	}
	int fd = connect_to(host, service, timeout_usec, source_host, source_service, &error);
	resolve_set(error);
	errno = fd < 0 ? -fd : saved_errno;
	return fd < 0 ? -1 : fd;
}
