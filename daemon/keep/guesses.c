#include "daemon/keep/guesses.h"

#include <stdlib.h>

#include "proto/macro.h"

void guesses_init(struct guesses *guesses)
{
	LIST_INIT(&guesses->list);
}

void guesses_done(struct guesses *guesses)
{
	struct guess *guess;

	while ((guess = LIST_FIRST(&guesses->list))) {
		LIST_REMOVE(guess, entry);
		free(guess);
	}
}

/* Forgets whoever has all back on the way. */
static struct guess *find(struct guesses *guesses, uid_t uid, uint64_t now_usec)
{
	struct guess *guess = LIST_FIRST(&guesses->list), *found = NULL;

	while (guess) {
		struct guess *next = LIST_NEXT(guess, entry);

		if (guess->full_usec <= now_usec) {
			LIST_REMOVE(guess, entry);
			free(guess);
		} else if (guess->uid == uid) {
			found = guess;
		}
		guess = next;
	}
	return found;
}

bool guesses_may(struct guesses *guesses, uid_t uid, uint64_t now_usec, bool *ret_first)
{
	struct guess *guess = find(guesses, uid, now_usec);

	*ret_first = false;
	if (!guess || guess->full_usec - now_usec <= (GUESSES_MAX - 1) * GUESS_USEC) {
		if (guess)
			guess->cut_off = 0;
		return true;
	}
	*ret_first = guess->cut_off++ == 0;
	return false;
}

void guesses_count(struct guesses *guesses, uid_t uid, uint64_t now_usec)
{
	struct guess *guess = find(guesses, uid, now_usec);

	if (!guess) {
		guess = calloc(1, sizeof *guess);
		if (!guess)
			return;
		guess->uid = uid;
		guess->full_usec = now_usec;
		LIST_INSERT_HEAD(&guesses->list, guess, entry);
	}
	guess->full_usec += GUESS_USEC;
}
