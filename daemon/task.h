/*
 * A request on its way from the decision to the answer, and how it is refused.
 */
#ifndef SOCKD_DAEMON_TASK_H
#define SOCKD_DAEMON_TASK_H

#include "daemon/audit.h"
#include "daemon/connection.h"
#include "daemon/execute.h"
#include "daemon/policy/policy.h"
#include "daemon/worker.h"
#include "proto/wire.h"

/* On the loop there is one, static; in a worker it is a job of its own, with
 * the packet that the request points into behind it. */
struct task {
	struct job job;		       /* first: the worker hands it back */
	struct connection *connection; /* a reference where a worker has it */
	struct policy *policy;	       /* likewise; the decision points into it */
	struct closer *closer;	       /* a reference, of one that a worker has; else NULL */
	struct wire_request request;
	struct policy_query query;
	struct policy_decision decision;
	int fd;	      /* the client's own socket (APPLY), owned; else -1 */
	int netns_fd; /* where to open, owned where named; -1: our own */
	bool close_netns_fd;
	uint64_t netns; /* the number of the socket's, or before there is one of the client's: see
			 * netns.h */
	char steps[AUDIT_STEPS_MAX + 1];
	struct plan plan;
	struct outcome outcome;
	/* APPLY: the grant, made before the work is done; its place in an epoll set where it is
	 * new. */
	uint64_t grant;
	bool has_watch;
	struct grant_watch watch;
};

/* Where the client only asks whether it would be allowed, and it would be: says so. Returns whether
 * that is all. */
bool task_answer_question(struct task *task);
/* Refuses it: an audit record and a reply. */
void task_fail(struct task *task, int error, enum wire_origin origin, int step, const char *text);
/* Gives back all that the task holds but the outcome's descriptors. */
void task_done(struct task *task);

void task_audit(const struct task *task, enum audit_event event, uint64_t grant, int error,
	const char *text);

#endif
