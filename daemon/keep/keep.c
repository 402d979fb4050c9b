#include "daemon/keep/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/clock.h"
#include "daemon/keep/depot.h"
#include "daemon/keep/keep-private.h"
#include "daemon/timer.h"
#include "proto/macro.h"

#define ACCURACY_USEC 10000u

uint64_t keep_now_usec(void)
{
	return clock_usec(CLOCK_BOOTTIME);
}

bool keep_is_name(const char *name)
{
	return strncmp(name, KEEP_NAME_PREFIX, strlen(KEEP_NAME_PREFIX)) == 0;
}

void keep_socket_name(const struct kept_socket *socket, char name[static DEPOT_NAME_MAX + 1])
{
	snprintf(name, DEPOT_NAME_MAX + 1, KEEP_NAME_PREFIX "s.%" PRIx64, socket->cookie);
}

void keep_terms_name(uint64_t number, char name[static DEPOT_NAME_MAX + 1])
{
	snprintf(name, DEPOT_NAME_MAX + 1, KEEP_NAME_PREFIX "t.%" PRIx64, number);
}

bool kept_survives(const struct kept *kept)
{
	const struct kept_socket *socket = kept->socket;

	return kept->in_depot && !kept->lost && socket->in_depot && !socket->lost;
}

/* --- sockets --- */

static struct kept_socket *find_socket(struct keep *keep, uint64_t cookie)
{
	struct kept_socket *socket;

	LIST_FOREACH(socket, &keep->sockets, entry)
	if (socket->cookie == cookie)
		return socket;
	return NULL;
}

struct kept_socket *keep_socket_get_take(
	struct keep *keep, uid_t uid, const struct keep_socket_info *info, int fd)
{
	struct kept_socket *socket = find_socket(keep, info->cookie);

	if (socket) {
		closer_take(keep->closer, uid, &fd, 1);
		socket->references++;
		return socket;
	}
	socket = calloc(1, sizeof *socket);
	if (!socket) {
		closer_take(keep->closer, uid, &fd, 1);
		return NULL;
	}
	*socket = (struct kept_socket){
		.fd = fd,
		.cookie = info->cookie,
		.netns = info->netns,
		.domain = info->domain,
		.type = info->type,
		.protocol = info->protocol,
		.references = 1,
	};
	LIST_INSERT_HEAD(&keep->sockets, socket, entry);
	return socket;
}

static void put_socket(struct keep *keep, uid_t uid, struct kept_socket *socket)
{
	char name[DEPOT_NAME_MAX + 1];

	if (--socket->references > 0)
		return;
	if (socket->in_depot) {
		keep_socket_name(socket, name);
		depot_remove(keep->depot, name);
	}
	LIST_REMOVE(socket, entry);
	closer_take(keep->closer, uid, &socket->fd, 1);
	free(socket);
}

/* --- time --- */

/* The timer is for the first that expires. */
static void set_timer(struct keep *keep)
{
	const struct kept *kept;
	uint64_t first = UINT64_MAX;

	TAILQ_FOREACH(kept, &keep->all, entry)
	if (kept->open && kept->terms.expiry_usec > 0)
		first = MIN_OF(first, kept->terms.expiry_usec);
	(void)(first < UINT64_MAX ? timer_set_at(keep->timer, first) : timer_stop(keep->timer));
	keep->timer_usec = first;
}

static int on_time(sd_event_source *source _unused_, uint64_t usec _unused_, void *data)
{
	struct keep *keep = data;
	uint64_t now = keep_now_usec();
	struct kept *kept = TAILQ_FIRST(&keep->all);

	while (kept) {
		struct kept *next = TAILQ_NEXT(kept, entry);

		if (kept->open && kept->terms.expiry_usec > 0 && kept->terms.expiry_usec <= now)
			kept_end(kept, KEPT_EXPIRED);
		kept = next;
	}
	set_timer(keep);
	return 0;
}

/* --- the kept --- */

static void free_kept(struct kept *kept)
{
	struct keep *keep = kept->keep;
	char name[DEPOT_NAME_MAX + 1];

	TAILQ_REMOVE(&keep->all, kept, entry);
	keep->n--;
	kept->user->kept--;
	if (kept->in_depot) {
		keep_terms_name(kept->terms.number, name);
		depot_remove(keep->depot, name);
	}
	put_socket(keep, kept->user->uid, kept->socket);
	close_quietly(kept->pidfd);
	user_unref(kept->user);
	explicit_bzero(&kept->terms, sizeof kept->terms);
	free(kept);
}

static void note_past(struct keep *keep, const struct kept *kept, enum kept_end how)
{
	struct past *past = &keep->past[keep->n_past++ % PAST_MAX];

	past->ticket = kept->terms.ticket;
	past->number = kept->terms.number;
	past->state = how == KEPT_EXPIRED ? TICKET_EXPIRED : TICKET_USED;
}

void kept_end(struct kept *kept, enum kept_end how)
{
	struct keep *keep = kept->keep;

	if (kept->terms.kind == TERMS_TICKET && kept->open)
		note_past(keep, kept, how);
	if (how == KEPT_EXPIRED || how == KEPT_REPLACED)
		keep->told(keep->data, kept, how);
	free_kept(kept);
}

void kept_open(struct kept *kept)
{
	struct keep *keep = kept->keep;
	struct kept *same = NULL;

	if (kept->terms.kind == TERMS_STORED)
		same = keep_find_name(keep, kept->user->uid, kept->terms.name, kept->terms.common);
	kept->open = true;
	if (same)
		kept_end(same, KEPT_REPLACED);
	if (kept->terms.expiry_usec > 0 && kept->terms.expiry_usec < keep->timer_usec)
		set_timer(keep);
}

struct kept *keep_add_take(struct keep *keep, struct user *user, const struct terms *terms,
	struct kept_socket *socket, int pidfd)
{
	struct kept *kept = calloc(1, sizeof *kept);

	if (!kept) {
		close_quietly(pidfd);
		put_socket(keep, user->uid, socket);
		return NULL;
	}
	*kept = (struct kept){
		.keep = keep,
		.terms = *terms,
		.socket = socket,
		.user = user_ref(user),
		.pidfd = pidfd,
	};
	TAILQ_INSERT_TAIL(&keep->all, kept, entry);
	keep->n++;
	user->kept++;
	return kept;
}

/* On its way to the manager. */
struct pending {
	struct kept *kept; /* NULL: ended meanwhile */
	unsigned parts;	   /* still to be put */
	int result;
	void (*done)(struct kept *kept, int result, void *data);
	void *data;
};

static void finish_part(struct pending *pending, int result)
{
	if (result < 0 && pending->result == 0)
		pending->result = result;
	if (--pending->parts > 0)
		return;
	if (pending->kept)
		pending->done(pending->kept, pending->result, pending->data);
	free(pending);
}

static void on_socket_put(void *data, int result)
{
	struct pending *pending = data;

	if (pending->kept && result < 0)
		pending->kept->socket->lost = true;
	finish_part(pending, result);
}

static void on_terms_put(void *data, int result)
{
	struct pending *pending = data;

	if (pending->kept && result < 0)
		pending->kept->lost = true;
	finish_part(pending, result);
}

/* First the socket, then its terms: what comes back without terms is of no use, and is let go. */
static int put_into_depot(struct keep *keep, struct kept *kept,
	void (*done)(struct kept *kept, int result, void *data), void *data)
{
	_cleanup_close_ int terms_fd = terms_seal(&kept->terms);
	char name[DEPOT_NAME_MAX + 1];
	int r;

	if (terms_fd < 0)
		return terms_fd;
	struct pending *pending = calloc(1, sizeof *pending);
	if (!pending)
		return -ENOMEM;
	*pending = (struct pending){.kept = kept, .parts = 1, .done = done, .data = data};
	if (!kept->socket->in_depot) {
		keep_socket_name(kept->socket, name);
		r = depot_put(keep->depot, name, &kept->socket->fd, 1, on_socket_put, pending);
		if (r < 0) {
			free(pending);
			return r;
		}
		pending->parts++;
		kept->socket->in_depot = true;
	}
	keep_terms_name(kept->terms.number, name);
	const int fds[] = {terms_fd, kept->pidfd};
	r = depot_put(keep->depot, name, fds, kept->pidfd >= 0 ? 2 : 1, on_terms_put, pending);
	depot_work(keep->depot);
	if (r < 0) {
		/* The socket is on its way, and is taken away again with what is kept. */
		pending->kept = NULL;
		if (--pending->parts == 0)
			free(pending);
		return r;
	}
	kept->in_depot = true;
	return 0;
}

int keep_begin_take(struct keep *keep, struct user *user, unsigned user_max,
	const struct terms *terms, const struct keep_socket_info *info, int fd, int pidfd,
	void (*done)(struct kept *kept, int result, void *data), void *data, struct kept **ret)
{
	struct terms numbered = *terms;
	int r = 0;

	if (user->kept >= user_max)
		r = -EDQUOT;
	else if (keep->n >= keep->max)
		r = -ENFILE;
	if (r < 0) {
		closer_take(keep->closer, user->uid, &fd, 1);
		close_quietly(pidfd);
		return r;
	}
	struct kept_socket *socket = keep_socket_get_take(keep, user->uid, info, fd);
	if (!socket) {
		close_quietly(pidfd);
		return -ENOMEM;
	}
	numbered.number = ++keep->last_number;
	numbered.cookie = info->cookie;
	struct kept *kept = keep_add_take(keep, user, &numbered, socket, pidfd);
	explicit_bzero(&numbered, sizeof numbered);
	if (!kept)
		return -ENOMEM;
	r = keep->depot ? put_into_depot(keep, kept, done, data) : 1;
	if (r < 0) {
		kept_end(kept, KEPT_FAILED);
		return r;
	}
	*ret = kept;
	return r;
}

/* --- finding --- */

/* Takes as long for what is right as for what is wrong. */
static bool differ(const struct wire_ticket *a, const struct wire_ticket *b)
{
	uint64_t one[sizeof a->bytes / sizeof(uint64_t)], two[ARRAY_SIZE(one)];
	volatile uint64_t difference = 0;

	memcpy(one, a->bytes, sizeof one);
	memcpy(two, b->bytes, sizeof two);
	for (size_t i = 0; i < ARRAY_SIZE(one); i++)
		difference |= one[i] ^ two[i];
	return difference != 0;
}

enum ticket_state keep_find_ticket(struct keep *keep, const struct wire_ticket *ticket,
	struct kept **ret, uint64_t *ret_number)
{
	struct kept *kept, *found = NULL;
	const struct past *past = NULL;

	TAILQ_FOREACH(kept, &keep->all, entry)
	if (kept->terms.kind == TERMS_TICKET && kept->open && !differ(&kept->terms.ticket, ticket))
		found = kept;
	for (size_t i = 0; i < MIN_OF(keep->n_past, PAST_MAX); i++)
		if (!differ(&keep->past[i].ticket, ticket))
			past = &keep->past[i];
	if (found) {
		*ret_number = found->terms.number;
		if (found->terms.expiry_usec <= keep_now_usec())
			return TICKET_EXPIRED;
		*ret = found;
		return TICKET_OPEN;
	}
	*ret_number = past ? past->number : 0;
	return past ? past->state : TICKET_UNKNOWN;
}

static bool is_live_name(const struct kept *kept, uid_t uid, bool common, uint64_t now)
{
	return kept->terms.kind == TERMS_STORED && kept->open && kept->terms.common == common &&
	       (common || kept->user->uid == uid) &&
	       (kept->terms.expiry_usec == 0 || kept->terms.expiry_usec > now);
}

struct kept *keep_find_name(struct keep *keep, uid_t uid, const char *name, bool common)
{
	struct kept *kept;
	uint64_t now = keep_now_usec();

	TAILQ_FOREACH(kept, &keep->all, entry)
	if (is_live_name(kept, uid, common, now) && strcmp(kept->terms.name, name) == 0)
		return kept;
	return NULL;
}

struct kept *keep_next_name(struct keep *keep, uid_t uid, const char *after, bool common)
{
	struct kept *kept, *next = NULL;
	uint64_t now = keep_now_usec();

	TAILQ_FOREACH(kept, &keep->all, entry)
	if (is_live_name(kept, uid, common, now) &&
		(!after || strcmp(kept->terms.name, after) > 0) &&
		(!next || strcmp(kept->terms.name, next->terms.name) < 0))
		next = kept;
	return next;
}

/* --- the whole --- */

struct guesses *keep_guesses(struct keep *keep)
{
	return &keep->guesses;
}

void keep_each(struct keep *keep, void (*callback)(const struct kept *kept, void *data), void *data)
{
	const struct kept *kept;

	TAILQ_FOREACH(kept, &keep->all, entry)
	if (kept->open)
		callback(kept, data);
}

size_t keep_count(const struct keep *keep)
{
	return keep->n;
}

struct keep *keep_free(struct keep *keep)
{
	struct kept *kept;

	if (!keep)
		return NULL;
	/* Nothing is taken away from the manager: the next broker finds it there. */
	keep->depot = depot_free(keep->depot);
	while ((kept = TAILQ_FIRST(&keep->all))) {
		kept->in_depot = kept->socket->in_depot = false;
		free_kept(kept);
	}
	guesses_done(&keep->guesses);
	explicit_bzero(keep->past, sizeof keep->past);
	sd_event_source_disable_unref(keep->timer);
	free(keep);
	return NULL;
}

int keep_new(sd_event *event, struct users *users, struct closer *closer, size_t max,
	keep_told told, void *data, struct keep **ret)
{
	struct keep *keep = calloc(1, sizeof *keep);
	size_t room = depot_room();

	if (!keep)
		return -ENOMEM;
	keep->users = users;
	keep->closer = closer;
	keep->told = told;
	keep->data = data;
	keep->timer_usec = UINT64_MAX;
	keep->max = MIN_OF(KEPT_MAX, max);
	TAILQ_INIT(&keep->all);
	LIST_INIT(&keep->sockets);
	guesses_init(&keep->guesses);
	int r = timer_new(event, CLOCK_BOOTTIME, ACCURACY_USEC, on_time, keep, &keep->timer);
	if (r >= 0 && room > 0) {
		/* Of each there can be a socket, terms and a pidfd. */
		keep->max = MIN_OF(keep->max, room / 3);
		r = depot_new(event, closer, &keep->depot);
	}
	if (r < 0) {
		keep_free(keep);
		return r;
	}
	*ret = keep;
	return 0;
}
