/*
 * Wrong tickets, counted per user: each user has some to spend, and gets them back one a second.
 * Who has none left is not listened to, so that guessing at full speed costs nobody else anything.
 *
 * What is kept of a user is forgotten when all are back; nothing of it is lost with a connection.
 */
#ifndef SOCKD_DAEMON_KEEP_GUESSES_H
#define SOCKD_DAEMON_KEEP_GUESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#define GUESSES_MAX 20u
#define GUESS_USEC UINT64_C(1000000) /* for one to come back */

struct guess {
	uid_t uid;
	uint64_t full_usec; /* when all will be back */
	uint64_t cut_off;   /* tickets not looked at since there were any left */
	LIST_ENTRY(guess) entry;
};

struct guesses {
	LIST_HEAD(, guess) list;
};

void guesses_init(struct guesses *guesses);
void guesses_done(struct guesses *guesses);
/* May this user put a ticket? now_usec is of a clock that never goes back. *ret_first: it may not,
 * and is told so for the first time since it could. */
bool guesses_may(struct guesses *guesses, uid_t uid, uint64_t now_usec, bool *ret_first);
/* It was wrong. Without memory to count it nothing is counted. */
void guesses_count(struct guesses *guesses, uid_t uid, uint64_t now_usec);

#endif
