/*
 * What the tests of share, fromshare and the store have in common: a sockd with their policy, in a
 * network namespace of the test's own, and memory that all processes of a test see.
 */
#ifndef SOCKD_TESTS_DAEMON_KEEP_H
#define SOCKD_TESTS_DAEMON_KEEP_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>

#include "lib/sockd.h"
#include "tests/daemon/harness.h"

#define THIRD_UID 65532
#define KEEP_CONNECTIONS_MAX 40 /* of one user, by the policy */

extern const char keep_policy[];
extern struct broker keep_broker;

/* What the processes of a test tell each other. */
struct shared {
	char ticket[SOCKD_TICKET_SIZE];
	volatile int step;
	unsigned short port;
};
extern struct shared *shared;

/* An empty test case, each of whose tests gets a sockd of its own. */
TCase *keep_case(const char *name);
/* Runs the tests, or says that they need root. Returns the program's exit status. */
int keep_main(const char *name, TCase *tests);

/* For the children of a test. */

/* A TCP socket that listens on a port of its own. */
int listen_here(void);
uint64_t cookie_of(int fd);
/* Into shared->ticket. */
void share_it(int fd, enum sockd_taker taker, int64_t who, int64_t usec);
/* Stores one as "a". */
int store_a(void *data);

#define REFUSED(error_, call) \
	do { \
		errno = 0; \
		EXPECT((call) == -1); \
		EXPECT(errno == (error_)); \
		EXPECT(*sockd_reason()); \
	} while (0)

/* For the test itself. */

/* Returns the descriptors of the broker once they are as many as before, or what they are. */
size_t fds_settled(size_t wanted);
/* The same, once they change no more. */
size_t fds_at_rest(void);
/* As run_as(), in a network namespace of its own. */
int in_a_namespace_of_its_own(int (*function)(void *data), uid_t uid);

#endif
