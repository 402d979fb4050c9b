/* What a notified call is answered, and what all answers depend on. */
#ifndef SOCKD_CLIENT_RUN_ANSWER_H
#define SOCKD_CLIENT_RUN_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/run/call.h"
#include "client/run/rights.h"
#include "client/run/window.h"

/* What all answers depend on; does not change while calls are answered. */
struct surroundings {
	struct namespaces home;	  /* where the program was started */
	const char *netns;	  /* where its sockets are to be opened; NULL: in its own */
	unsigned first_free_port; /* from here on everyone may bind */
	struct window windows[WINDOWS];
	const struct rights *rights; /* with which the program was started */
	bool rights_stay;	     /* but in a user namespace of its own */
	bool moves_are_seen;	     /* see residents.h */
};

enum answer_kind {
	/*
	 * The kernel carries the call out for the program itself, with whatever the arguments are
	 * by then. Harmless always, because the program has no more rights there than without us;
	 * it only must never follow on something of the call having been done here.
	 */
	ANSWER_CONTINUE,
	ANSWER_VALUE, /* the call returns value, or fails with -value */
	ANSWER_FD,    /* the call returns a descriptor of this socket */
};

struct answer {
	enum answer_kind kind;
	int64_t value;
	int fd; /* owned; else -1 */
	bool close_on_exec;
	enum window_kind window; /* a number from there, if it can be had */
	bool exactly;		 /* this number, whatever is there */
	int number;
};

static inline struct answer answer_continue(void)
{
	return (struct answer){.kind = ANSWER_CONTINUE, .fd = -1};
}

static inline struct answer answer_value(int64_t value)
{
	return (struct answer){.kind = ANSWER_VALUE, .value = value, .fd = -1};
}

#endif
