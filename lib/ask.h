/*
 * What the calls and the request builder have in common when the kernel has refused: putting the
 * matter to the broker, and which errno the caller then gets.
 */
#ifndef SOCKD_LIB_ASK_H
#define SOCKD_LIB_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

enum ask_outcome {
	ASK_DONE,    /* allowed and carried out */
	ASK_FAILED,  /* allowed, but the kernel answered the broker with an error: root would see it
			too */
	ASK_REFUSED, /* not allowed */
	ASK_ABSENT,  /* no broker, or none that answered */
};

struct ask_result {
	int error; /* of all but ASK_DONE, positive */
	uint64_t grant;
	bool repeated;	 /* an earlier try, unanswered, may have been carried out */
	bool connecting; /* a connect step is under way, on a socket that is now non-blocking */
};

/* For want of privilege? EAFNOSUPPORT is what a seccomp filter says of socket(2) only. */
bool ask_is_worth_it(int error);
bool ask_is_worth_it_for_socket(int error);

/* Stores n_fds descriptors, owned by the caller, where the outcome is ASK_DONE. */
enum ask_outcome ask_open(
	const struct wire_request *request, int *fds, size_t n_fds, struct ask_result *ret);

/* One socket, without steps; netns as SOCKD_NETNS has it, or NULL. The descriptor is close-on-exec
 * whatever type says. */
enum ask_outcome ask_socket(
	int domain, int type, int protocol, const char *netns, struct ask_result *ret, int *ret_fd);

/* Steps on the caller's own socket. once: must not be put again where the broker may have carried
 * them out. */
enum ask_outcome ask_apply(
	int fd, const struct wire_step *steps, size_t n_steps, bool once, struct ask_result *ret);

/*
 * Would the broker allow this? An OPEN, or an APPLY on the caller's socket fd (else -1). Nothing is
 * opened, changed or counted; what the kernel itself would say is not known before it is done.
 */
#define ASK_RULE_MAX 63
struct ask_verdict {
	int error; /* of ASK_REFUSED and ASK_ABSENT, positive */
	int step;  /* of ASK_REFUSED: the one that no rule allows, -1: the socket */
	char rule[ASK_RULE_MAX + 1]; /* of ASK_DONE: the rule that would allow it */
};
/* ASK_DONE: it would be allowed. ASK_REFUSED: the words are the thread's reason. ASK_ABSENT: no
 * broker, or one that cannot be asked so. */
enum ask_outcome ask_whether(const struct wire_request *request, int fd, struct ask_verdict *ret);

/* The errno for a caller whom the kernel gave kernel_error; 0 after ASK_DONE. */
int ask_error(enum ask_outcome outcome, const struct ask_result *result, int kernel_error);

/* Waits until a connection that is under way stands or has failed, however many signals come.
 * Returns 0 or a negative errno; -EINPROGRESS where SO_SNDTIMEO has passed, as connect(2). */
int ask_wait_connected(int fd);

/* Sets or clears O_NONBLOCK. Returns 0 or a negative errno. */
int ask_set_blocking(int fd, bool blocking);

/* Told of every request, with its answer, by the thread that put it; the reason's words are still
 * there. fd is the socket of an APPLY, else -1. */
typedef void ask_observer(const struct wire_request *request, int fd, enum ask_outcome outcome,
	const struct ask_result *result);

/* To be set once, before there are other threads. With only_observe no request is put any more: to
 * whoever asks each is refused, as without a broker, and the observer may ask_whether(). */
void ask_set_observer(ask_observer *observer, bool only_observe);
/* The same, for who looks at a request before it is put. */
void ask_set_preview(void (*preview)(const struct wire_request *request, int fd));

#endif
