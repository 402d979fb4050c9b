#include "daemon/grant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/clock.h"
#include "daemon/timer.h"
#include "proto/macro.h"

#define SET_SLOTS 128u
#define SPARE_MAX (SET_SLOTS * SETS_IN_TURN)
#define SAME_SOCKET_TRIES 4u
#define SETS_IN_TURN 4u	    /* of one user, read again before it gets another */
#define SWEEP_USEC 1000000u /* how often all sets are visited */
#define SWEEP_SLACK_USEC 100000u
#define SWEEP_BATCH 16u	      /* sets read in one turn of the loop */
#define PRESSURE_USEC 100000u /* how often one user's limit may cause a sweep that frees little */

struct slot {
	struct grant *grant;
	uint32_t generation;
	bool settled; /* watched: the kernel's list tells of it */
};

/* An epoll set of one user. An entry's data is generation << 32 | slot, so that a reused slot
 * cannot be mistaken. */
struct grant_set {
	int epoll_fd;
	struct user *user;
	unsigned n_used;
	uint8_t free_slots[SET_SLOTS];
	unsigned n_free;
	struct slot slots[SET_SLOTS];
	struct grant_set *next_of_user;
	TAILQ_ENTRY(grant_set) by_room; /* in the user's sets_with_room or full_sets */
	TAILQ_ENTRY(grant_set) entry;
};

struct grants {
	TAILQ_HEAD(, grant) list;
	TAILQ_HEAD(, grant) spare; /* ended ones, still in the processor's cache */
	unsigned n_spare;
	TAILQ_HEAD(, grant_set) sets;
	size_t n_grants, n_unwatched, n_sockets, n_sets, sockets_max;
	uint64_t next_id;
	sd_event_source *timer;
	size_t sets_due; /* of this second's round, still to be read */
	char fdinfo[SET_SLOTS * 128u];
};

static struct grant *take_spare(struct grants *grants)
{
	struct grant *grant = TAILQ_FIRST(&grants->spare);

	if (grant) {
		TAILQ_REMOVE(&grants->spare, grant, entry);
		grants->n_spare--;
	}
	return grant;
}

void grants_remove(struct grants *grants, struct grant *grant)
{
	if (grant->ends_with) {
		grants->n_unwatched--;
		grant->user->grants -= grant->open;
		grants->n_sockets -= grant->open;
	}
	TAILQ_REMOVE(&grants->list, grant, entry);
	grants->n_grants--;
	rule_view_unref(&grant->rule);
	user_unref(grant->user);
	place_unref(grant->place);
	if (grants->n_spare == SPARE_MAX) {
		free(grant);
		return;
	}
	TAILQ_INSERT_HEAD(&grants->spare, grant, entry);
	grants->n_spare++;
}

/* One watched socket is gone. */
static void release_slot(struct grants *grants, struct grant_set *set, unsigned i)
{
	struct grant *grant = set->slots[i].grant;

	if (set->n_free == 0) {
		TAILQ_REMOVE(&set->user->full_sets, set, by_room);
		TAILQ_INSERT_TAIL(&set->user->sets_with_room, set, by_room);
	}
	if (!set->slots[i].settled)
		grant->user->unsettled--;
	set->slots[i].grant = NULL;
	set->slots[i].generation++;
	set->free_slots[set->n_free++] = (uint8_t)i;
	set->n_used--;
	grant->user->grants--;
	grants->n_sockets--;
	if (--grant->open == 0)
		grants_remove(grants, grant);
}

static void free_set(struct grants *grants, struct grant_set *set)
{
	struct grant_set **link = &set->user->grant_sets;

	while (*link != set)
		link = &(*link)->next_of_user;
	*link = set->next_of_user;
	if (set->n_free > 0)
		TAILQ_REMOVE(&set->user->sets_with_room, set, by_room);
	else
		TAILQ_REMOVE(&set->user->full_sets, set, by_room);
	TAILQ_REMOVE(&grants->sets, set, entry);
	grants->n_sets--;
	set->user->n_grant_sets--;
	close_quietly(set->epoll_fd);
	user_unref(set->user);
	free(set);
}

static int new_set(struct grants *grants, struct user *user, struct grant_set **ret)
{
	_cleanup_free_ struct grant_set *set = calloc(1, sizeof *set);
	if (!set)
		return -ENOMEM;
	set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll_fd < 0)
		return negative_errno();
	for (unsigned i = 0; i < SET_SLOTS; i++)
		set->free_slots[set->n_free++] = (uint8_t)(SET_SLOTS - 1 - i);
	set->user = user_ref(user);
	set->next_of_user = user->grant_sets;
	user->grant_sets = set;
	user->n_grant_sets++;
	TAILQ_INSERT_TAIL(&user->sets_with_room, set, by_room);
	TAILQ_INSERT_TAIL(&grants->sets, set, entry);
	if (grants->n_sets++ == 0)
		(void)timer_set_in(grants->timer, SWEEP_USEC);
	*ret = TAKE_PTR(set);
	return 0;
}

/* The kernel's list of what the set still holds. Returns its length or a negative errno. */
static ssize_t read_fdinfo(struct grants *grants, int epoll_fd)
{
	char path[64];
	size_t used = 0;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", epoll_fd);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return negative_errno();
	for (;;) {
		ssize_t n = read(fd, grants->fdinfo + used, sizeof grants->fdinfo - 1 - used);
		if (n < 0)
			return negative_errno();
		if (n == 0)
			break;
		used += (size_t)n;
		if (used == sizeof grants->fdinfo - 1)
			return -E2BIG;
	}
	grants->fdinfo[used] = 0;
	return (ssize_t)used;
}

static void release_gone(struct grants *grants, struct grant_set *set)
{
	bool alive[SET_SLOTS] = {false};

	/* Where the list cannot be read nothing is taken for gone. */
	if (read_fdinfo(grants, set->epoll_fd) < 0)
		return;
	for (const char *at = grants->fdinfo; (at = strstr(at, "data:")); at++) {
		uint64_t data = strtoull(at + strlen("data:"), NULL, 16);
		uint32_t i = (uint32_t)data;
		if (i < SET_SLOTS && set->slots[i].generation == data >> 32)
			alive[i] = true;
	}
	for (unsigned i = 0; i < SET_SLOTS; i++)
		if (set->slots[i].grant && set->slots[i].settled && !alive[i])
			release_slot(grants, set, i);
}

static void sweep_set(struct grants *grants, struct grant_set *set)
{
	if (set->n_used > 0)
		release_gone(grants, set);
	if (set->n_used == 0)
		free_set(grants, set);
}

/* Where sockets come and go quickly, the same few sets serve again and again, which are still in
 * the processor's cache. Ends at a set that is still mostly in use: looking there brings little. */
static void renew_full_sets(struct grants *grants, struct user *user)
{
	struct grant_set *set;

	for (unsigned i = 0; i < SETS_IN_TURN && (set = TAILQ_FIRST(&user->full_sets)); i++) {
		release_gone(grants, set);
		if (set->n_free == 0) {
			TAILQ_REMOVE(&user->full_sets, set, by_room);
			TAILQ_INSERT_TAIL(&user->full_sets, set, by_room);
		}
		if (set->n_free < SET_SLOTS / 2)
			break;
	}
}

static int set_with_room(struct grants *grants, struct user *user, struct grant_set **ret)
{
	struct grant_set *set = TAILQ_FIRST(&user->sets_with_room);

	if (!set) {
		if (user->n_grant_sets >= SETS_IN_TURN)
			renew_full_sets(grants, user);
		set = TAILQ_FIRST(&user->sets_with_room);
	}
	if (!set)
		return new_set(grants, user, ret);
	*ret = set;
	return 0;
}

void grants_sweep(struct grants *grants, struct user *user)
{
	struct grant_set *set, *next;

	if (user) {
		user_ref(user);
		for (set = user->grant_sets; set; set = next) {
			next = set->next_of_user;
			sweep_set(grants, set);
		}
		user_unref(user);
		return;
	}
	for (set = TAILQ_FIRST(&grants->sets); set; set = next) {
		next = TAILQ_NEXT(set, entry);
		sweep_set(grants, set);
	}
}

/* A few sets in a turn, so that no request waits long for this; all of them in about a second. */
static int on_timer(sd_event_source *timer, uint64_t usec _unused_, void *data)
{
	struct grants *grants = data;
	uint64_t wait = SWEEP_USEC;

	if (grants->sets_due == 0)
		grants->sets_due = grants->n_sets;
	for (unsigned i = 0; i < SWEEP_BATCH && grants->sets_due > 0; i++) {
		struct grant_set *set = TAILQ_FIRST(&grants->sets);
		if (!set) {
			grants->sets_due = 0;
			break;
		}
		grants->sets_due--;
		TAILQ_REMOVE(&grants->sets, set, entry);
		TAILQ_INSERT_TAIL(&grants->sets, set, entry);
		sweep_set(grants, set);
	}
	if (grants->sets_due > 0)
		wait = MAX_OF(SWEEP_USEC / (grants->sets_due / SWEEP_BATCH + 1), 10000u);
	return grants->n_sets == 0 ? 0 : timer_set_in(timer, wait);
}

int grants_new(sd_event *event, size_t sockets_max, struct grants **ret)
{
	struct grants *grants = calloc(1, sizeof *grants);
	if (!grants)
		return -ENOMEM;
	TAILQ_INIT(&grants->list);
	TAILQ_INIT(&grants->spare);
	TAILQ_INIT(&grants->sets);
	grants->next_id = 1;
	grants->sockets_max = sockets_max;
	int r = timer_new(
		event, CLOCK_MONOTONIC, SWEEP_SLACK_USEC, on_timer, grants, &grants->timer);
	if (r < 0) {
		free(grants);
		return r;
	}
	*ret = grants;
	return 0;
}

struct grants *grants_free(struct grants *grants)
{
	struct grant_set *set;
	struct grant *grant;

	if (!grants)
		return NULL;
	while ((set = TAILQ_FIRST(&grants->sets)))
		free_set(grants, set);
	while ((grant = TAILQ_FIRST(&grants->list)))
		grants_remove(grants, grant);
	while ((grant = take_spare(grants)))
		free(grant);
	sd_event_source_unref(grants->timer);
	free(grants);
	return NULL;
}

/* What is not watched yet may be closed already, and is not held against the user; those who begin
 * such grants keep it small. */
static bool is_over(const struct user *user, unsigned user_max, unsigned n)
{
	return user->grants - user->unsettled + n > user_max;
}

int grants_reserve(struct grants *grants, struct user *user, unsigned user_max, unsigned n)
{
	if (is_over(user, user_max, n)) {
		uint64_t now = clock_usec(CLOCK_MONOTONIC);
		if (user->n_grant_sets > SETS_IN_TURN && now < user->sweep_after_usec)
			return -EDQUOT;
		grants_sweep(grants, user);
		if (is_over(user, user_max, user_max / 8))
			user->sweep_after_usec = now + PRESSURE_USEC;
		if (is_over(user, user_max, n))
			return -EDQUOT;
	}
	return grants->n_sockets + n > grants->sockets_max ? -ENOSPC : 0;
}

static int take_slot(struct grants *grants, struct grant *grant, struct grant_watch *ret)
{
	struct grant_set *set = NULL;
	int r = set_with_room(grants, grant->user, &set);
	if (!set)
		return r;

	unsigned i = set->free_slots[--set->n_free];
	set->n_used++;
	/* The sets take turns: a socket's close holds up what else is done to its set. */
	TAILQ_REMOVE(&set->user->sets_with_room, set, by_room);
	if (set->n_free > 0)
		TAILQ_INSERT_TAIL(&set->user->sets_with_room, set, by_room);
	else
		TAILQ_INSERT_TAIL(&set->user->full_sets, set, by_room);
	set->slots[i].grant = grant;
	set->slots[i].settled = false;
	grant->open++;
	grant->user->grants++;
	grant->user->unsettled++;
	grants->n_sockets++;
	*ret = (struct grant_watch){
		.set = set,
		.slot = i,
		.epoll_fd = set->epoll_fd,
		.data = (uint64_t)set->slots[i].generation << 32 | i,
	};
	return 0;
}

struct grant *grant_new(struct grants *grants)
{
	struct grant *grant = take_spare(grants);

	return grant ? grant : malloc(sizeof *grant);
}

static void add(struct grants *grants, struct grant *grant, unsigned count)
{
	grant->id = grants->next_id++;
	grant->count = count;
	grant->open = 0;
	rule_view_ref(&grant->rule);
	user_ref(grant->user);
	place_ref(grant->place);
	TAILQ_INSERT_TAIL(&grants->list, grant, entry);
	grants->n_grants++;
}

int grants_begin_take(
	struct grants *grants, struct grant *grant, unsigned n, struct grant_watch *ret_watches)
{
	grant->ends_with = NULL;
	add(grants, grant, n);
	for (unsigned i = 0; i < n; i++) {
		int r = take_slot(grants, grant, &ret_watches[i]);
		if (r >= 0)
			continue;
		if (i == 0)
			grants_remove(grants, grant);
		while (i-- > 0)
			release_slot(grants, ret_watches[i].set, ret_watches[i].slot);
		return r;
	}
	return 0;
}

void grant_watch_socket(struct grant_watch *watch, int fd)
{
	/* Edge-triggered, and only the unavoidable EPOLLERR and EPOLLHUP, for which nobody waits.
	 */
	struct epoll_event event = {.events = EPOLLET, .data.u64 = watch->data};

	watch->error = epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? errno : 0;
	/* A set knows a socket by its descriptor's number too: a client's own one that comes in
	 * under the same number again has to be called by another. */
	for (unsigned i = 1; watch->error == EEXIST && i <= SAME_SOCKET_TRIES; i++) {
		int least = (int)(i * SET_SLOTS + watch->slot);
		_cleanup_close_ int other = fcntl(fd, F_DUPFD_CLOEXEC, least);
		if (other < 0 || epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, other, &event) < 0)
			watch->error = errno;
		else
			watch->error = 0;
	}
}

int grants_settle(struct grants *grants, const struct grant_watch *watches, unsigned n)
{
	int error = 0;

	for (unsigned i = 0; i < n; i++) {
		struct slot *slot = &watches[i].set->slots[watches[i].slot];
		slot->settled = true;
		slot->grant->user->unsettled--;
		if (watches[i].error == 0)
			continue;
		if (error == 0)
			error = -watches[i].error;
		release_slot(grants, watches[i].set, watches[i].slot);
	}
	return error;
}

void grants_add_unwatched_take(
	struct grants *grants, struct grant *grant, unsigned n, const void *ends_with)
{
	grant->ends_with = ends_with;
	add(grants, grant, n);
	grants->n_unwatched++;
	grant->open = n;
	grant->user->grants += n;
	grants->n_sockets += n;
}

struct grant *grants_find_same(const struct user *user, const struct grant *description)
{
	for (struct grant_set *set = user->grant_sets; set; set = set->next_of_user)
		for (unsigned i = 0; i < SET_SLOTS; i++) {
			struct grant *grant = set->slots[i].grant;
			if (grant && grant->inode != 0 && grant->inode == description->inode &&
				grant->pid == description->pid &&
				grant->rule.name == description->rule.name &&
				strcmp(grant->steps, description->steps) == 0)
				return grant;
		}
	return NULL;
}

struct grant *grants_find(struct grants *grants, const struct user *user, uint64_t id)
{
	struct grant *grant;

	for (struct grant_set *set = user->grant_sets; set; set = set->next_of_user)
		for (unsigned i = 0; i < SET_SLOTS; i++)
			if (set->slots[i].grant && set->slots[i].grant->id == id)
				return set->slots[i].grant;
	if (grants->n_unwatched == 0)
		return NULL;
	TAILQ_FOREACH(grant, &grants->list, entry)
	if (grant->ends_with && grant->id == id && grant->user == user)
		return grant;
	return NULL;
}

static bool holds_grant(const struct grant_set *set, uint64_t id)
{
	for (unsigned i = 0; i < SET_SLOTS; i++)
		if (set->slots[i].grant && set->slots[i].grant->id == id)
			return true;
	return false;
}

struct grant *grants_find_open(struct grants *grants, struct user *user, uint64_t id)
{
	struct grant_set *set, *next;

	user_ref(user);
	for (set = user->grant_sets; set; set = next) {
		next = set->next_of_user;
		if (holds_grant(set, id))
			sweep_set(grants, set);
	}
	struct grant *grant = grants_find(grants, user, id);
	user_unref(user);
	return grant;
}

void grants_end(struct grants *grants, const void *ends_with)
{
	struct grant *grant, *next;

	for (grant = TAILQ_FIRST(&grants->list); grant && grants->n_unwatched > 0; grant = next) {
		next = TAILQ_NEXT(grant, entry);
		if (grant->ends_with == ends_with)
			grants_remove(grants, grant);
	}
}

size_t grants_count(const struct grants *grants)
{
	return grants->n_grants;
}

void grants_each(
	struct grants *grants, void (*callback)(const struct grant *grant, void *data), void *data)
{
	struct grant *grant;

	TAILQ_FOREACH(grant, &grants->list, entry)
	callback(grant, data);
}
