/*
 * What the tests with hostile clients share: a running sockd whose descriptors were counted, and
 * the question that each test ends with: is it as it was, and do others not notice?
 */
#ifndef SOCKD_TESTS_DAEMON_HOSTILE_H
#define SOCKD_TESTS_DAEMON_HOSTILE_H

#include <check.h>

#include "tests/daemon/harness.h"

#define HOSTILE_CONNECTIONS_MAX 300 /* of one user, by the policy of these tests */

extern struct broker broker;
/* For those who leave more descriptors on their way than an ordinary process may have: the kernel
 * counts them for all processes of a user together (ETOOMANYREFS), and other tests run beside this
 * one as CLIENT_UID. Set by hostile_main(). */
extern uid_t attacker_uid;

/* Starts a sockd and lets all users ask for something, so that what is made once is made. */
void hostile_setup(void);
/* Ends it, which must succeed. */
void hostile_teardown(void);
/* Another user's clients get what they ask for within a second, one of a thread. */
void others_do_not_notice(void);
/* The daemon lives, others are served, and its descriptors are as many as before. */
void nothing_is_left(void);

/* A request for sockets that lets the policy's rules speak, as bytes. Returns their number. */
ssize_t encode_open(int domain, unsigned count, unsigned char *buffer, size_t size);
/* Waits until the file holds the text, for some seconds. */
bool log_comes_to(const char *path, const char *text);

/* Sets this limit of the policy, and waits until it is in force. */
void set_limit(const char *name, unsigned value);

/* Two pipes by which a child says how far it is, and is let go on. */
struct holder {
	int ready[2], release[2];
};
void tell_and_wait(const struct holder *holder);

/* An attack that stands while others are looked at: the child keeps what it opened until it is
 * ended. */
struct standing {
	pid_t pid;
	int hold_fd;
};
struct standing standing_start(uid_t uid, int (*function)(void *data), void *data);
/* Ends it; true: by SIGKILL in the middle of whatever it does. */
void standing_end(struct standing *standing, bool kill_it);

/* Runs the suite, or says that it needs root. Returns the program's exit status. */
int hostile_main(Suite *suite);

#endif
