#include "daemon/closer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>

#include "daemon/clock.h"
#include "daemon/cutter.h"
#include "daemon/privilege.h"
#include "daemon/thread.h"
#include "proto/macro.h"

#define THREADS_MAX 128u
#define THREADS_PER_USER 16u
/*
 * A close can be made to hang (SO_LINGER on a connection whose other end is silent). While one has
 * not come back for this long, the next descriptors go to another thread.
 */
#define PATIENCE_USEC UINT64_C(50000)
/* Nor does one wait alone that has seen a close take so long: more such may be behind it. */
#define SLOW_USEC UINT64_C(1000)
/*
 * A lingering close is interruptible. What is sent goes on without us, and nothing is lost by it;
 * so this is soon, or a client that lets thousands linger would keep its own closes waiting.
 */
#define CUT_NSEC 2000000
#define ACCOUNT_BUCKETS 64u

/* Descriptors that were given together. */
struct given {
	STAILQ_ENTRY(given) entry;
	uint64_t number; /* of the next */
	size_t first, n; /* those that no thread has begun: fds[first] to fds[n - 1] */
	int fds[];
};

/* There as long as anything is on it. */
struct closer_account {
	uid_t uid;
	struct closer_account *next; /* in its bucket */
	TAILQ_ENTRY(closer_account) turn;
	bool has_turn;
	bool full;
	size_t n; /* given and not closed yet, and charged */
	unsigned n_threads;
	STAILQ_HEAD(, given) given; /* none of them is empty */
};

struct closer {
	pthread_mutex_t lock; /* for everything below but the event source */
	size_t references;    /* the owner, each thread, and who has asked for one */
	bool ending;
	pthread_cond_t waits;
	struct closer_account *buckets[ACCOUNT_BUCKETS];
	TAILQ_HEAD(, closer_account) turns; /* those that a thread may take from */
	size_t n;			    /* of all accounts */
	size_t n_threads, n_idle;
	uint64_t n_given;	       /* ever; each has its number, from 1 */
	uint64_t closing[THREADS_MAX]; /* the numbers that threads are at; 0: none */
	uint64_t begun_usec;	       /* when a thread last began a close */
	int event_fd;

	sd_event_source *source;
	void (*on_room)(void *data);
	void *data;

	/* Looked at for each request: not in the line of what the threads write. */
	_Alignas(64) atomic_uint n_full;
};

/* --- accounts; all with the lock held --- */

static struct closer_account *account_find(struct closer *closer, uid_t uid)
{
	struct closer_account *account = closer->buckets[uid % ACCOUNT_BUCKETS];

	while (account && account->uid != uid)
		account = account->next;
	return account;
}

static struct closer_account *account_get(struct closer *closer, uid_t uid)
{
	struct closer_account **bucket = &closer->buckets[uid % ACCOUNT_BUCKETS];
	struct closer_account *account = account_find(closer, uid);

	if (account)
		return account;
	account = calloc(1, sizeof *account);
	if (!account)
		return NULL;
	account->uid = uid;
	STAILQ_INIT(&account->given);
	account->next = *bucket;
	*bucket = account;
	return account;
}

static void account_free(struct closer *closer, struct closer_account *account)
{
	struct closer_account **link = &closer->buckets[account->uid % ACCOUNT_BUCKETS];

	while (*link != account)
		link = &(*link)->next;
	*link = account->next;
	free(account);
}

static void update_turn(struct closer *closer, struct closer_account *account)
{
	bool may = !STAILQ_EMPTY(&account->given) && account->n_threads < THREADS_PER_USER;

	if (may == account->has_turn)
		return;
	account->has_turn = may;
	if (may)
		TAILQ_INSERT_TAIL(&closer->turns, account, turn);
	else
		TAILQ_REMOVE(&closer->turns, account, turn);
}

static void add_to_account(struct closer *closer, struct closer_account *account, size_t n)
{
	account->n += n;
	closer->n += n;
	if (account->full || account->uid == CLOSER_OWN || account->n <= CLOSES_PER_USER)
		return;
	account->full = true;
	atomic_fetch_add_explicit(&closer->n_full, 1, memory_order_relaxed);
}

static void take_from_account(struct closer *closer, struct closer_account *account, size_t n)
{
	account->n -= n;
	closer->n -= n;
	if (account->full && account->n <= CLOSES_PER_USER / 2) {
		account->full = false;
		atomic_fetch_sub_explicit(&closer->n_full, 1, memory_order_relaxed);
		(void)eventfd_write(closer->event_fd, 1);
	}
	if (account->n > 0)
		return;
	account_free(closer, account);
}

static int put(struct closer *closer, uid_t uid, const int *fds, size_t n)
{
	struct given *given = malloc(sizeof *given + n * sizeof *fds);
	struct closer_account *account = given ? account_get(closer, uid) : NULL;

	if (!account) {
		free(given);
		return -ENOMEM;
	}
	given->number = closer->n_given + 1;
	given->first = 0;
	given->n = n;
	memcpy(given->fds, fds, n * sizeof *fds);
	STAILQ_INSERT_TAIL(&account->given, given, entry);
	closer->n_given += n;
	add_to_account(closer, account, n);
	update_turn(closer, account);
	return 0;
}

/* The next one, of an account that has any. */
static int take_next(struct closer_account *account, uint64_t *ret_number)
{
	struct given *given = STAILQ_FIRST(&account->given);
	int fd = given->fds[given->first++];

	*ret_number = given->number++;
	if (given->first == given->n) {
		STAILQ_REMOVE_HEAD(&account->given, entry);
		free(given);
	}
	return fd;
}

/* --- threads --- */

/* Lets go of the lock and of one reference; the last one out frees. */
static void unlock_and_unref(struct closer *closer)
{
	bool last = --closer->references == 0;

	(void)pthread_mutex_unlock(&closer->lock);
	if (!last)
		return;
	for (size_t i = 0; i < ACCOUNT_BUCKETS; i++)
		while (closer->buckets[i]) {
			struct closer_account *account = closer->buckets[i];
			closer->buckets[i] = account->next;
			free(account);
		}
	close_quietly(closer->event_fd);
	(void)pthread_cond_destroy(&closer->waits);
	(void)pthread_mutex_destroy(&closer->lock);
	free(closer);
}

static void *run_thread(void *data);

/* Called with the lock held. The thread holds a reference. */
static int add_thread(struct closer *closer)
{
	if (closer->n_threads == THREADS_MAX)
		return -EAGAIN;
	closer->references++;
	int r = thread_start_detached(run_thread, closer);
	if (r < 0) {
		closer->references--;
		return r;
	}
	closer->n_threads++;
	return 0;
}

/* There are no more threads than places. */
static uint64_t *note_closing(struct closer *closer, uint64_t number)
{
	uint64_t *place = closer->closing;

	while (*place != 0)
		place++;
	*place = number;
	return place;
}

/* One descriptor of the account whose turn it is. Called with the lock held, and let go of
 * meanwhile. */
static void close_one(struct closer *closer, struct cutter *cutter)
{
	struct closer_account *account = TAILQ_FIRST(&closer->turns);
	uint64_t number;
	int fd = take_next(account, &number);
	uint64_t *place = note_closing(closer, number);
	uint64_t begun = clock_usec(CLOCK_MONOTONIC);

	account->n_threads++;
	/* To the end of the line. */
	TAILQ_REMOVE(&closer->turns, account, turn);
	account->has_turn = false;
	update_turn(closer, account);
	closer->begun_usec = begun;
	(void)pthread_mutex_unlock(&closer->lock);

	cutter_run(cutter, CUT_NSEC);
	(void)close(fd);
	bool slow = clock_usec(CLOCK_MONOTONIC) - begun >= SLOW_USEC;

	(void)pthread_mutex_lock(&closer->lock);
	*place = 0;
	account->n_threads--;
	update_turn(closer, account);
	take_from_account(closer, account, 1);
	if (slow && !TAILQ_EMPTY(&closer->turns))
		(void)add_thread(closer);
}

static void *run_thread(void *data)
{
	struct closer *closer = data;
	struct cutter cutter;

	(void)pthread_setname_np(pthread_self(), "sockd-close");
	privilege_drop_all_in_thread();
	cutter_init(&cutter);

	(void)pthread_mutex_lock(&closer->lock);
	for (;;) {
		if (!TAILQ_EMPTY(&closer->turns)) {
			close_one(closer, &cutter);
			continue;
		}
		if (closer->ending || closer->n_idle > 0)
			break; /* one that waits is enough */
		closer->n_idle++;
		cutter_run(&cutter, 0);
		(void)pthread_cond_wait(&closer->waits, &closer->lock);
		closer->n_idle--;
	}
	closer->n_threads--;
	unlock_and_unref(closer);
	cutter_done(&cutter);
	return NULL;
}

/* --- the loop's --- */

static int on_event(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *data)
{
	struct closer *closer = data;
	eventfd_t ignored;

	(void)eventfd_read(fd, &ignored);
	closer->on_room(closer->data);
	return 0;
}

int closer_new(sd_event *event, void (*on_room)(void *data), void *data, struct closer **ret)
{
	int r = cutter_install();

	if (r < 0)
		return r;
	struct closer *closer = aligned_alloc(_Alignof(struct closer), sizeof *closer);
	if (!closer)
		return -ENOMEM;
	*closer = (struct closer){.references = 1, .on_room = on_room, .data = data};
	TAILQ_INIT(&closer->turns);
	closer->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = closer->event_fd < 0 ? negative_errno() : 0;
	(void)pthread_mutex_init(&closer->lock, NULL);
	(void)pthread_cond_init(&closer->waits, NULL);
	if (r == 0)
		r = sd_event_add_io(
			event, &closer->source, closer->event_fd, EPOLLIN, on_event, closer);
	if (r >= 0) {
		(void)sd_event_source_set_description(closer->source, "closer");
		(void)pthread_mutex_lock(&closer->lock);
		r = add_thread(closer);
		(void)pthread_mutex_unlock(&closer->lock);
	}
	if (r < 0) {
		(void)closer_free(closer);
		return r;
	}
	*ret = closer;
	return 0;
}

struct closer *closer_free(struct closer *closer)
{
	if (!closer)
		return NULL;
	closer->source = sd_event_source_disable_unref(closer->source);
	(void)pthread_mutex_lock(&closer->lock);
	closer->ending = true;
	(void)pthread_cond_broadcast(&closer->waits);
	unlock_and_unref(closer);
	return NULL;
}

struct closer *closer_ref(struct closer *closer)
{
	(void)pthread_mutex_lock(&closer->lock);
	closer->references++;
	(void)pthread_mutex_unlock(&closer->lock);
	return closer;
}

struct closer *closer_unref(struct closer *closer)
{
	if (!closer)
		return NULL;
	(void)pthread_mutex_lock(&closer->lock);
	unlock_and_unref(closer);
	return NULL;
}

/* To GCC 12's analyser what was put into the list is lost. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
void closer_take(struct closer *closer, uid_t uid, const int *fds, size_t n)
{
	if (n == 0)
		return;
	(void)pthread_mutex_lock(&closer->lock);
	int r = closer->n_threads > 0 ? put(closer, uid, fds, n) : -ESRCH;
	if (r == 0 && closer->n_idle > 0)
		(void)pthread_cond_signal(&closer->waits);
	else if (r == 0 && clock_usec(CLOCK_MONOTONIC) - closer->begun_usec > PATIENCE_USEC)
		(void)add_thread(closer);
	(void)pthread_mutex_unlock(&closer->lock);

	for (size_t i = 0; r < 0 && i < n; i++)
		close_quietly(fds[i]);
}
#pragma GCC diagnostic pop

bool closer_charge(struct closer *closer, uid_t uid, size_t n)
{
	(void)pthread_mutex_lock(&closer->lock);
	struct closer_account *account = account_get(closer, uid);
	if (account)
		add_to_account(closer, account, n);
	(void)pthread_mutex_unlock(&closer->lock);
	return account != NULL;
}

void closer_discharge(struct closer *closer, uid_t uid, size_t n)
{
	(void)pthread_mutex_lock(&closer->lock);
	struct closer_account *account = account_find(closer, uid);
	if (account)
		take_from_account(closer, account, n);
	(void)pthread_mutex_unlock(&closer->lock);
}

bool closer_is_full(struct closer *closer, uid_t uid)
{
	if (atomic_load_explicit(&closer->n_full, memory_order_relaxed) == 0)
		return false;
	(void)pthread_mutex_lock(&closer->lock);
	const struct closer_account *account = account_find(closer, uid);
	bool full = account && account->full;
	(void)pthread_mutex_unlock(&closer->lock);
	return full;
}

size_t closer_count(struct closer *closer)
{
	(void)pthread_mutex_lock(&closer->lock);
	size_t n = closer->n;
	(void)pthread_mutex_unlock(&closer->lock);
	return n;
}

uint64_t closer_mark(struct closer *closer)
{
	(void)pthread_mutex_lock(&closer->lock);
	uint64_t mark = closer->n_given;
	(void)pthread_mutex_unlock(&closer->lock);
	return mark;
}

bool closer_has_closed(struct closer *closer, uint64_t mark)
{
	bool has_closed = true;

	(void)pthread_mutex_lock(&closer->lock);
	for (size_t i = 0; i < ACCOUNT_BUCKETS; i++)
		for (const struct closer_account *a = closer->buckets[i]; a; a = a->next)
			has_closed &=
				STAILQ_EMPTY(&a->given) || STAILQ_FIRST(&a->given)->number > mark;
	for (size_t i = 0; i < THREADS_MAX; i++)
		has_closed &= closer->closing[i] == 0 || closer->closing[i] > mark;
	(void)pthread_mutex_unlock(&closer->lock);
	return has_closed;
}
