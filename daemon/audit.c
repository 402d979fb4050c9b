#include "daemon/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "daemon/audit-format.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/privilege.h"
#include "daemon/thread.h"
#include "proto/macro.h"

#define GATHER_MSEC 20
#define BUFFER_SIZE (256u * 1024u)
#define END_SECONDS 2
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

#define NUMBERS_SIZE offsetof(struct audit_record, verb)
#define PACKED_MAX \
	(NUMBERS_SIZE + AUDIT_VERB_MAX + AUDIT_LISTENER_MAX + AUDIT_UNIT_MAX + AUDIT_RULE_MAX + \
		AUDIT_STEPS_MAX + AUDIT_TEXT_MAX + 6)

/* Records one behind the other, the numbers of each and then its texts. */
struct batch {
	char *data;
	size_t used;
	unsigned n;
	unsigned n_of_anybody; /* of these, see is_anybodys() */
};

struct audit {
	enum { TO_JOURNAL, TO_FD, TO_NOTHING } kind;
	char *target; /* the path, or a word */
	bool is_path;
	int fd; /* not owned where it is standard error */
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock; /* for filling, lost_unwritten, ending; held for a copy at most */
	pthread_cond_t wake;
	struct batch batches[2];
	struct batch *filling;	 /* the other one is the writer's */
	uint64_t lost_unwritten; /* not yet in a record of their own */
	bool ending;

	atomic_uint_fast64_t lost, turn;
	atomic_int write_error; /* of the last write; 0: it went well */
	int reopen_error;	/* the loop's */

	/* The writer's. */
	char *buffer;
	size_t buffered;
	size_t n_buffered;	/* records in the buffer, without one of loss */
	uint64_t lost_buffered; /* what the record of loss at its end says */
	bool torn;		/* the last line was cut off by a failed write, of whomever */
	struct audit_fields fields;
};

/* Records lost just now, and those whose record of loss was lost in its turn. */
static void count_lost(struct audit *audit, uint64_t n, uint64_t n_again)
{
	atomic_fetch_add_explicit(&audit->lost, n, memory_order_relaxed);
	(void)pthread_mutex_lock(&audit->lock);
	audit->lost_unwritten += n + n_again;
	(void)pthread_mutex_unlock(&audit->lock);
}

/* Of the last write; a failure is said once, until it goes well again. */
static void note_write(struct audit *audit, int r)
{
	if (r < 0 && atomic_load_explicit(&audit->write_error, memory_order_relaxed) == 0)
		log_say("the audit trail %s cannot be written: %s", audit->target, strerror(-r));
	atomic_store_explicit(&audit->write_error, r, memory_order_relaxed);
}

/* Writes out the buffer. What cannot be written is lost and counted: the next records must not wait
 * for it. */
static void flush_buffer(struct audit *audit)
{
	const char *at = audit->buffer;
	const char *end = audit->buffer + audit->buffered;
	size_t written = 0;

	while (at < end) {
		ssize_t n = write(audit->fd, at, (size_t)(end - at));

		if (n < 0 && errno == EINTR)
			continue;
		note_write(audit, n < 0 ? negative_errno() : 0);
		if (n <= 0)
			break;
		at += n;
	}
	if (at > audit->buffer)
		audit->torn = at[-1] != '\n';
	if (at < end) {
		/* Escaped text holds no newline: each one ends a record, but for one that ends a
		 * torn line. */
		for (const char *p = audit->buffer + 1; p < at; p++)
			written += *p == '\n';
		written = MIN_OF(written, audit->n_buffered);
		count_lost(audit, audit->n_buffered - written, audit->lost_buffered);
	}
	audit->buffered = 0;
	audit->n_buffered = 0;
	audit->lost_buffered = 0;
}

/* Is there a line that another may not be added to? Not in a file that is new, or was emptied. */
static bool must_end_line(const struct audit *audit)
{
	struct stat st;

	return audit->torn && !(audit->is_path && fstat(audit->fd, &st) == 0 && st.st_size == 0);
}

static void write_record(struct audit *audit, const struct audit_record *record)
{
	int r;

	switch (audit->kind) {
	case TO_NOTHING:
		break;
	case TO_JOURNAL:
		audit_format_journal(record, &audit->fields);
		r = sd_journal_sendv(audit->fields.fields, (int)audit->fields.n);
		note_write(audit, MIN_OF(r, 0));
		if (r >= 0)
			break;
		if (record->event == AUDIT_LOST)
			count_lost(audit, 0, record->count);
		else
			count_lost(audit, 1, 0);
		break;
	case TO_FD:
		if (audit->buffered + 1 + AUDIT_LINE_MAX > BUFFER_SIZE)
			flush_buffer(audit);
		if (audit->buffered == 0 && must_end_line(audit))
			audit->buffer[audit->buffered++] = '\n';
		audit->buffered += audit_format_json(record, audit->buffer + audit->buffered);
		if (record->event == AUDIT_LOST)
			audit->lost_buffered = record->count;
		else
			audit->n_buffered++;
		break;
	}
}

static void write_lost(struct audit *audit, uint64_t n)
{
	struct audit_record record = {
		.event = AUDIT_LOST,
		.time_usec = clock_usec(CLOCK_REALTIME),
		.count = (unsigned)MIN_OF(n, (uint64_t)UINT32_MAX),
		.text = "the records could not be written, or not as fast as they came",
	};

	write_record(audit, &record);
}

static char *pack_text(char *at, const char *text, size_t max)
{
	size_t length = text ? strnlen(text, max) : 0;

	if (length > 0)
		memcpy(at, text, length);
	at[length] = '\0';
	return at + length + 1;
}

static void pack(struct batch *batch, const struct audit_record *record)
{
	char *at = batch->data + batch->used;

	memcpy(at, record, NUMBERS_SIZE);
	at += NUMBERS_SIZE;
	at = pack_text(at, record->verb, AUDIT_VERB_MAX);
	at = pack_text(at, record->listener, AUDIT_LISTENER_MAX);
	at = pack_text(at, record->unit, AUDIT_UNIT_MAX);
	at = pack_text(at, record->rule, AUDIT_RULE_MAX);
	at = pack_text(at, record->steps, AUDIT_STEPS_MAX);
	at = pack_text(at, record->text, AUDIT_TEXT_MAX);
	batch->used = (size_t)(at - batch->data);
	batch->n++;
}

static const char *unpack_text(const char *at, const char **ret)
{
	*ret = at;
	return at + strlen(at) + 1;
}

/* Its texts stay where they are. Returns where the next record begins. */
static const char *unpack(const char *at, struct audit_record *ret)
{
	memcpy(ret, at, NUMBERS_SIZE);
	at += NUMBERS_SIZE;
	at = unpack_text(at, &ret->verb);
	at = unpack_text(at, &ret->listener);
	at = unpack_text(at, &ret->unit);
	at = unpack_text(at, &ret->rule);
	at = unpack_text(at, &ret->steps);
	return unpack_text(at, &ret->text);
}

/* Writes all that is queued. No lock is held meanwhile: the batch is the writer's alone. */
static void drain(struct audit *audit)
{
	struct audit_record record;
	struct batch *batch;
	const char *at;
	uint64_t lost;

	(void)pthread_mutex_lock(&audit->lock);
	batch = audit->filling;
	audit->filling = &audit->batches[batch == audit->batches];
	lost = audit->lost_unwritten;
	audit->lost_unwritten = 0;
	(void)pthread_mutex_unlock(&audit->lock);
	atomic_fetch_add_explicit(&audit->turn, 1, memory_order_relaxed);

	at = batch->data;
	for (unsigned i = 0; i < batch->n; i++) {
		at = unpack(at, &record);
		write_record(audit, &record);
	}
	batch->used = 0;
	batch->n = 0;
	batch->n_of_anybody = 0;
	if (lost > 0)
		write_lost(audit, lost);
	if (audit->buffered > 0)
		flush_buffer(audit);
}

static void *writer_thread(void *data)
{
	struct audit *audit = data;
	bool ending;

	(void)pthread_setname_np(pthread_self(), "sockd-audit");
	privilege_drop_all_in_thread();

	(void)pthread_mutex_lock(&audit->lock);
	do {
		struct timespec until;

		while (audit->filling->n == 0 && !audit->ending)
			(void)pthread_cond_wait(&audit->wake, &audit->lock);

		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += GATHER_MSEC * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		while (!audit->ending && audit->filling->n < AUDIT_BEGIN_AT)
			if (pthread_cond_timedwait(&audit->wake, &audit->lock, &until) == ETIMEDOUT)
				break;

		ending = audit->ending;
		(void)pthread_mutex_unlock(&audit->lock);
		drain(audit);
		(void)pthread_mutex_lock(&audit->lock);
	} while (!ending || audit->filling->n > 0);
	(void)pthread_mutex_unlock(&audit->lock);
	return NULL;
}

/* Whoever can connect can have as many of these as it likes. */
static bool is_anybodys(const struct audit_record *record)
{
	return record->event == AUDIT_REFUSAL || record->event == AUDIT_QUESTION ||
	       record->event == AUDIT_PEER;
}

void audit_push(struct audit *audit, const struct audit_record *record)
{
	const bool anybodys = is_anybodys(record);
	struct batch *batch;

	if (audit->kind == TO_NOTHING)
		return;
	(void)pthread_mutex_lock(&audit->lock);
	batch = audit->filling;
	if (batch->n == AUDIT_QUEUE_MAX ||
		(anybodys && batch->n_of_anybody == AUDIT_OF_ANYBODY_MAX)) {
		audit->lost_unwritten++;
		atomic_fetch_add_explicit(&audit->lost, 1, memory_order_relaxed);
	} else {
		pack(batch, record);
		batch->n_of_anybody += anybodys;
		if (batch->n == 1 || batch->n == AUDIT_BEGIN_AT)
			(void)pthread_cond_signal(&audit->wake);
	}
	(void)pthread_mutex_unlock(&audit->lock);
}

/* Is standard error a stream of the journal? systemd names its device and inode in the environment.
 */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	char rest;

	if (!stream || sscanf(stream, "%llu:%llu%c", &device, &inode, &rest) != 2)
		return false;
	if (fstat(STDERR_FILENO, &st) < 0 || st.st_dev != device || st.st_ino != inode)
		return false;
	return access(JOURNAL_SOCKET, F_OK) == 0;
}

static int open_file(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* Not to wait for the other end where somebody has put a pipe there. */
	fd = open(path,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		0640);
	if (fd < 0)
		return negative_errno();
	if (fstat(fd, &st) < 0)
		return negative_errno();
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Was the last line cut off when an earlier trail was written? What cannot be read is taken to be
 * whole. */
static bool ends_torn(const char *path)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char last;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	       pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static int open_target(struct audit *audit, const char *target)
{
	if (strcmp(target, "auto") == 0)
		target = stderr_is_journal() ? "journal" : "stderr";

	audit->target = strdup(target);
	if (!audit->target)
		return -ENOMEM;
	audit->kind = TO_FD;
	if (strcmp(target, "journal") == 0) {
		audit->kind = TO_JOURNAL;
		/* The journal's library takes a missing journal for success. */
		return access(JOURNAL_SOCKET, F_OK) < 0 ? negative_errno() : 0;
	}
	if (strcmp(target, "none") == 0)
		audit->kind = TO_NOTHING;
	else if (strcmp(target, "stderr") == 0)
		audit->fd = STDERR_FILENO;
	else {
		audit->is_path = true;
		audit->torn = ends_torn(target);
		return open_file(target, &audit->fd);
	}
	return 0;
}

static void release(struct audit *audit)
{
	if (audit->is_path)
		close_quietly(audit->fd);
	(void)pthread_cond_destroy(&audit->wake);
	(void)pthread_mutex_destroy(&audit->lock);
	free(audit->target);
	free(audit->batches[0].data);
	free(audit->batches[1].data);
	free(audit->buffer);
	free(audit);
}

int audit_new(const char *target, struct audit **ret)
{
	pthread_condattr_t attributes;
	struct audit *audit;
	const size_t size = AUDIT_QUEUE_MAX * PACKED_MAX;
	int r;

	audit = calloc(1, sizeof(*audit));
	if (!audit)
		return -ENOMEM;
	audit->fd = -1;
	(void)pthread_mutex_init(&audit->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&audit->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);

	audit->batches[0].data = malloc(size);
	audit->batches[1].data = malloc(size);
	audit->filling = &audit->batches[0];
	audit->buffer = malloc(BUFFER_SIZE);
	r = audit->batches[0].data && audit->batches[1].data && audit->buffer
		    ? open_target(audit, target)
		    : -ENOMEM;
	if (r < 0) {
		release(audit);
		return r;
	}
	*ret = audit;
	return 0;
}

int audit_give(struct audit *audit, uid_t uid, gid_t gid)
{
	if (audit->is_path && fchown(audit->fd, uid, gid) < 0)
		return negative_errno();
	return 0;
}

int audit_start(struct audit *audit)
{
	int r;

	if (audit->kind == TO_NOTHING || audit->has_thread)
		return 0;
	r = thread_start(writer_thread, audit, &audit->thread);
	audit->has_thread = r >= 0;
	return r;
}

struct audit *audit_free(struct audit *audit)
{
	if (!audit)
		return NULL;
	if (audit->has_thread) {
		struct timespec until;

		(void)pthread_mutex_lock(&audit->lock);
		audit->ending = true;
		(void)pthread_cond_signal(&audit->wake);
		(void)pthread_mutex_unlock(&audit->lock);

		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += END_SECONDS;
		if (pthread_clockjoin_np(audit->thread, NULL, CLOCK_MONOTONIC, &until) != 0) {
			/* Nobody reads: the thread may hang in its write for ever, and keeps its
			 * memory. */
			(void)pthread_detach(audit->thread);
			return NULL;
		}
	}
	/* Without a thread, all of it; with one, what the last batch lost. */
	drain(audit);
	release(audit);
	return NULL;
}

static int reopen(struct audit *audit)
{
	_cleanup_close_ int fd = -1;

	if (!audit->is_path)
		return 0;
	int r = open_file(audit->target, &fd);
	if (r < 0)
		return r;
	/* Takes the place of the old file at once, also for the thread. */
	if (dup3(fd, audit->fd, O_CLOEXEC) < 0)
		return negative_errno();
	return 0;
}

int audit_reopen(struct audit *audit)
{
	return audit->reopen_error = reopen(audit);
}

int audit_error(const struct audit *audit)
{
	int r = atomic_load_explicit(&audit->write_error, memory_order_relaxed);

	return r < 0 ? r : audit->reopen_error;
}

uint64_t audit_lost(const struct audit *audit)
{
	return atomic_load_explicit(&audit->lost, memory_order_relaxed);
}

uint64_t audit_turn(const struct audit *audit)
{
	return atomic_load_explicit(&audit->turn, memory_order_relaxed);
}

bool audit_is_written(const struct audit *audit)
{
	return audit->kind != TO_NOTHING;
}

const char *audit_target(const struct audit *audit)
{
	return audit->target;
}
