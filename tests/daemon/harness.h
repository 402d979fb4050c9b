/*
 * A real sockd for tests and measurements, and clients of it that run as another user.
 *
 * broker_start() makes a temporary directory with everything in it and waits until the daemon says
 * READY=1; broker_stop() ends it by its pid and removes the directory (a failed
 * test leaves it behind, with what the daemon said in "log"). Clients are forked children
 * with an unprivileged user's ids, so that a caller that is root stays root.
 */
#ifndef SOCKD_TESTS_DAEMON_HARNESS_H
#define SOCKD_TESTS_DAEMON_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/wire.h"

#define CLIENT_UID 65534
#define OTHER_UID 65533

#define BROKER_PATH_MAX 96 /* fits sockaddr_un */

struct broker {
	pid_t pid;
	char directory[BROKER_PATH_MAX - 24]; /* all the others are in it */
	char socket[BROKER_PATH_MAX];
	char management[BROKER_PATH_MAX];
	char policy[BROKER_PATH_MAX];
	char audit[BROKER_PATH_MAX];
	char log[BROKER_PATH_MAX]; /* its standard error */
};

/* Whom a broker becomes that is started from now on. The kernel counts what it has sent and nobody
 * has read for all processes of a user together: one with few descriptors has a user of its own. */
extern uid_t broker_uid;

/* Enters a network namespace of its own with a loopback interface that is up. Returns 0 or a
 * negative errno. */
int harness_own_network(void);

/* $SOCKD_DAEMON, else the one in $SOCKD_BUILD or in the current directory; NULL: there is none. */
const char *broker_find_program(char *buffer, size_t size);

/*
 * Starts sockd with this text as its only policy file. program NULL: the one that is found.
 * Returns 0, or a negative errno after saying on standard error what went wrong.
 */
int broker_start(struct broker *ret, const char *program, const char *policy);
/* The same in a network of this process's own, and the library's calls go to it. */
int broker_start_here(struct broker *ret, const char *policy);
/* SIGTERM, then waiting; removes the directory. Returns the exit status, -1 where a signal ended
 * it. */
int broker_stop(struct broker *broker);
bool broker_is_alive(const struct broker *broker);
/* Writes or replaces a file of the policy. Returns 0 or a negative errno. */
int broker_write_policy(const struct broker *broker, const char *name, const char *text);
/* The open descriptors of a process; 0 where it cannot be told. */
size_t count_fds_of(pid_t pid);
/* Sends one line to the management socket; the answer's line in a new string, NULL on failure. */
char *broker_ask(const struct broker *broker, const char *line);
/* What a file of the broker's holds, in a new string; NULL: cannot be read. */
char *read_text(const char *path);

int64_t now_usec(void); /* CLOCK_MONOTONIC */

/* A child that runs as this user (no groups, no capabilities) and exits with function's result. */
pid_t fork_as(uid_t uid, int (*function)(void *data), void *data);
/* The same, waited for. Returns its exit status, -1 where a signal ended it. */
int run_as(uid_t uid, int (*function)(void *data), void *data);
int wait_for(pid_t pid);

/* In such a child: says what does not hold and exits with 1. */
#define EXPECT(condition) harness_expect((condition), #condition, __FILE__, __LINE__)
void harness_expect(bool holds, const char *condition, const char *file, int line);

/* A client at the level of the wire. */

struct client_reply {
	struct wire_reply reply; /* its text is below */
	char text[WIRE_TEXT_MAX + 1];
	size_t n_fds;
	int fds[WIRE_COUNT_MAX]; /* owned by the caller */
};

/* Connects without a word; receiving times out after ten seconds. A descriptor or a negative errno.
 */
int client_connect(const char *path);
/* Connects and says HELLO; asks for these features (WIRE_FEATURE_…). */
int client_greet(const char *path);
int client_greet_with(const char *path, uint64_t features);
/* Receives a reply. Returns 0; -ENOTCONN where the broker has closed; else a negative errno. */
int client_receive(int fd, struct client_reply *ret);
int client_call(int fd, const struct wire_request *request, const int *fds, size_t n_fds,
	struct client_reply *ret);
/* Sends bytes as they are, also such as no encoder would make; descriptors as soon as the
 * connection is accepted. Returns 0 or a negative errno; -EPERM: it was not within a second. */
int client_send_raw(int fd, const void *bytes, size_t size, const int *fds, size_t n_fds);
void client_close_fds(struct client_reply *reply);

void request_open(struct wire_request *ret, int domain, int type, int protocol, unsigned count);

#endif
