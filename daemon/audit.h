/*
 * The audit trail: one structured record for each grant, refusal, reload and start, written in
 * batches by a thread, never on the path of a reply. A record is copied into a queue of fixed
 * length; when that is full it is counted as lost, and the number lost becomes a record itself.
 *
 * Goes to the journal (fields SOCKD_*, MESSAGE, PRIORITY) or, one JSON object a line, to a file or
 * standard error. Client-supplied text is escaped. Written only by the loop; read only by the
 * thread.
 *
 * Order at start: audit_new() while still root (it opens the file), privilege_drop(),
 * privilege_fence(), then audit_start(). What is pushed before audit_start() waits in the queue.
 * All functions are for the loop's thread.
 */
#ifndef SOCKD_DAEMON_AUDIT_H
#define SOCKD_DAEMON_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum audit_event {
	AUDIT_START,
	AUDIT_GRANT,
	AUDIT_REFUSAL,
	AUDIT_QUESTION, /* whether it would be granted (error 0) or refused: nothing was done */
	AUDIT_RELEASE,	/* what was kept is not any more */
	AUDIT_RELOAD,	/* error 0: taken; else the old policy stays, text says why */
	AUDIT_PEER,	/* a connection closed or refused for what it did */
	AUDIT_STOP,
	AUDIT_KEPT,	  /* what came back from the manager's store; error: not to be used */
	AUDIT_UNRECORDED, /* count refusals and the like of uid, see audit-limit.h */
	AUDIT_LOST,	  /* made by the trail itself: count records were not written */
};

struct audit_record {
	enum audit_event event;
	uint64_t time_usec; /* CLOCK_REALTIME */
	uint64_t grant;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	int domain, type, protocol; /* domain -1: no socket is known */
	int error;		    /* errno, positive */
	unsigned count;
	uint64_t netns; /* of the socket; where there is none yet, of the client: see netns.h */
	/* Texts of others, which end in a NUL or are cut off at their most; NULL or "": none. */
	const char *verb; /* "open", "apply", "share", "receive", "store", "fetch", "forget" */
	const char *listener;
	const char *unit; /* systemd's, where a rule asked for it */
	const char *rule;
	const char *steps; /* what was asked, in words: "SO_MARK=5 bind 127.0.0.1:80" */
	const char *text;  /* the reason */
};

/* The most bytes of each that are written down. */
#define AUDIT_VERB_MAX 7u
#define AUDIT_LISTENER_MAX 63u
#define AUDIT_UNIT_MAX 255u
#define AUDIT_RULE_MAX 63u
#define AUDIT_STEPS_MAX 95u
#define AUDIT_TEXT_MAX 399u

#define AUDIT_QUEUE_MAX 8192u /* records that wait, beside those that are being written */
/* Of these, refusals, questions and ends of connections: a flood of them hides no grant. */
#define AUDIT_OF_ANYBODY_MAX (AUDIT_QUEUE_MAX / 2)

/* With so many the writer begins, and does not gather more. */
#define AUDIT_BEGIN_AT (AUDIT_QUEUE_MAX / 4)

struct audit;

/*
 * target: "auto" (the journal where standard error is one, else standard error), "journal",
 * "stderr", "none", or a path: a regular file, made with mode 0640 where it is missing, never
 * reached by a symbolic link. Returns 0 or a negative errno; -EINVAL: the path is no regular file;
 * -ENOENT for "journal": there is none.
 */
int audit_new(const char *target, struct audit **ret);
/* Gives the file to the account that sockd is about to become, so that audit_reopen() can open it
 * later. */
int audit_give(struct audit *audit, uid_t uid, gid_t gid);
/* Starts the thread that writes. It holds no capability. */
int audit_start(struct audit *audit);
/* Writes what is queued, then ends the thread; gives up after two seconds where nobody reads.
 * Returns NULL. */
struct audit *audit_free(struct audit *audit);
/* Copies the record and its texts; never blocks, never fails. */
void audit_push(struct audit *audit, const struct audit_record *record);
/* Opens the file anew (after log rotation). Called on reload. Returns 0 or a negative errno; keeps
 * the old one on failure. */
int audit_reopen(struct audit *audit);
/* Why the trail is not as it should be: a negative errno of the last write, or where that was well,
 * of the last audit_reopen(); 0: nothing is known against it. */
int audit_error(const struct audit *audit);
/* Records that were not written: the queue was full, or the write failed. */
uint64_t audit_lost(const struct audit *audit);
/* How often the writer has begun with all that waited: where it is another number than before,
 * nothing of then waits any more. */
uint64_t audit_turn(const struct audit *audit);
/* Is anything written at all? */
bool audit_is_written(const struct audit *audit);
/* Where it goes: "journal", "stderr", "none" or the path. */
const char *audit_target(const struct audit *audit);

#endif
