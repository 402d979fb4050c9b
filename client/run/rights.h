/*
 * Who a thread is and what it may. Whoever starts sockd-run with more rights than none may give
 * them up in the program (a server that is started as root); the supervisor, who has them still,
 * must not lend them then.
 */
#ifndef SOCKD_CLIENT_RUN_RIGHTS_H
#define SOCKD_CLIENT_RUN_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rights {
	char *who; /* owned: the users and groups, as /proc has them */
	uint64_t effective, permitted;
};

/* Of a thread (0: the calling one). Returns 0 or a negative errno. */
int rights_of(pid_t tid, struct rights *ret);
void rights_release(struct rights *rights);

bool rights_same_person(const struct rights *a, const struct rights *b);
bool rights_equal(const struct rights *a, const struct rights *b);

/* Could a process that starts with the rights of this one, which are these, come to have others? */
bool rights_can_change(const struct rights *own);

#endif
