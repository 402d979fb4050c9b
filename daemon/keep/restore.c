/* What comes back from the manager's store when the broker starts. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/keep/keep-private.h"
#include "daemon/keep/process.h"
#include "daemon/own-socket.h"
#include "proto/macro.h"

struct restoring {
	struct keep *keep;
	struct keep_returned *items;
	size_t n;
	uint64_t *cookies; /* of each; 0: no socket */
	bool *used;
	void (*complain)(void *data, const char *what);
	void *data;
};

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) < 0 ? 0 : cookie;
}

_printf_(2, 3) static void complain(struct restoring *restoring, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	restoring->complain(restoring->data, text);
}

/* One socket may serve several terms. */
static struct kept_socket *get_socket(struct restoring *restoring, uint64_t cookie)
{
	struct own_socket own;
	struct kept_socket *socket;

	LIST_FOREACH(socket, &restoring->keep->sockets, entry)
	if (socket->cookie == cookie) {
		socket->references++;
		return socket;
	}
	for (size_t i = 0; cookie != 0 && i < restoring->n; i++) {
		struct keep_returned *item = &restoring->items[i];

		if (restoring->cookies[i] != cookie || restoring->used[i])
			continue;
		if (own_socket_read(item->fd, &own) < 0)
			return NULL;
		const struct keep_socket_info info = {
			.domain = own.domain,
			.type = own.type,
			.protocol = own.protocol,
			.cookie = cookie,
			.netns = own.netns,
		};
		restoring->used[i] = true;
		socket =
			keep_socket_get_take(restoring->keep, CLOSER_OWN, &info, TAKE_FD(item->fd));
		if (socket)
			socket->in_depot = true;
		return socket;
	}
	return NULL;
}

/* The pidfd lies beside its terms under the same name. */
static int take_pidfd(struct restoring *restoring, const char *name)
{
	for (size_t i = 0; i < restoring->n; i++) {
		struct keep_returned *item = &restoring->items[i];

		if (!restoring->used[i] && item->fd >= 0 && strcmp(item->name, name) == 0 &&
			process_is_pidfd(item->fd)) {
			restoring->used[i] = true;
			return TAKE_FD(item->fd);
		}
	}
	return -1;
}

static const char *restore(struct restoring *restoring, const struct terms *terms, const char *name)
{
	struct keep *keep = restoring->keep;
	const struct kept *other;
	int pidfd = -1;

	TAILQ_FOREACH(other, &keep->all, entry)
	if (other->terms.number == terms->number)
		return "its number is there twice";
	keep->last_number = MAX_OF(keep->last_number, terms->number);
	if (terms->begin_usec > keep_now_usec())
		return "it comes from the future";
	if (keep->n >= keep->max)
		return "more is kept than may be";
	if (terms->kind == TERMS_TICKET && terms->taker == WIRE_TAKER_PROCESS) {
		pidfd = take_pidfd(restoring, name);
		if (pidfd < 0)
			return "the process that it is for did not come back with it";
	}
	struct kept_socket *socket = get_socket(restoring, terms->cookie);
	if (!socket) {
		close_quietly(pidfd);
		return "its socket did not come back with it";
	}
	struct user *user = users_get(keep->users, terms->uid);
	struct kept *kept = user ? keep_add_take(keep, user, terms, socket, pidfd) : NULL;
	user_unref(user);
	if (!kept)
		return "no memory";
	kept->in_depot = true;
	return NULL;
}

/* In the order of their numbers, so that of two of one name the later one stays. */
static int compare(const void *a, const void *b)
{
	const struct terms *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void open_all(struct keep *keep)
{
	struct kept *kept = TAILQ_FIRST(&keep->all);

	while (kept) {
		struct kept *next = TAILQ_NEXT(kept, entry);

		if (kept->terms.expiry_usec > 0 && kept->terms.expiry_usec <= keep_now_usec())
			kept_end(kept, KEPT_EXPIRED);
		else
			kept_open(kept);
		kept = next;
	}
}

/* Whatever nobody wants goes, here and from the manager's store. */
static void drop_rest(struct restoring *restoring)
{
	struct keep *keep = restoring->keep;

	for (size_t i = 0; i < restoring->n; i++) {
		struct keep_returned *item = &restoring->items[i];

		if (item->fd < 0)
			continue;
		if (!restoring->used[i]) {
			complain(restoring,
				"%s came back from the manager's store and is of no use; it is "
				"closed",
				item->name);
			depot_remove(keep->depot, item->name);
		}
		closer_take(keep->closer, CLOSER_OWN, &item->fd, 1);
	}
}

size_t keep_restore_take(struct keep *keep, struct keep_returned *returned, size_t n,
	void (*complaint)(void *data, const char *what), void *data)
{
	struct restoring restoring = {keep, returned, n, NULL, NULL, complaint, data};
	_cleanup_free_ uint64_t *cookies = calloc(n, sizeof *cookies);
	_cleanup_free_ bool *used = calloc(n, sizeof *used);
	_cleanup_free_ struct terms *terms = calloc(n, sizeof *terms);
	size_t n_terms = 0;

	if (n == 0)
		return 0;
	if (!cookies || !used || !terms) {
		complaint(data, "no memory for what came back from the manager's store");
		for (size_t i = 0; i < n; i++)
			closer_take(keep->closer, CLOSER_OWN, &returned[i].fd, 1);
		return 0;
	}
	restoring.cookies = cookies;
	restoring.used = used;
	for (size_t i = 0; i < n; i++) {
		cookies[i] = cookie_of(returned[i].fd);
		if (cookies[i] == 0 && terms_read(returned[i].fd, &terms[n_terms]) == 0)
			n_terms++;
	}
	qsort(terms, n_terms, sizeof *terms, compare);
	for (size_t i = 0; i < n_terms; i++) {
		char name[DEPOT_NAME_MAX + 1];
		const char *what = NULL;
		size_t at = 0;

		/* Where these terms lie. */
		keep_terms_name(terms[i].number, name);
		while (at < n &&
			(used[at] || cookies[at] != 0 || strcmp(returned[at].name, name) != 0 ||
				process_is_pidfd(returned[at].fd)))
			at++;
		what = at == n ? "it lay under another name" : restore(&restoring, &terms[i], name);
		if (what)
			complain(&restoring, "number %" PRIu64 " is not kept any longer: %s",
				terms[i].number, what);
		else
			used[at] = true;
	}
	explicit_bzero(terms, n * sizeof *terms);
	drop_rest(&restoring);
	open_all(keep);
	return keep->n;
}
