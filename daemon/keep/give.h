/*
 * What all requests about kept sockets have in common: what the policy says, the taking in of a
 * client's socket, the handing out of a kept one, and refusals. For daemon/keep/ alone.
 */
#ifndef SOCKD_DAEMON_KEEP_GIVE_H
#define SOCKD_DAEMON_KEEP_GIVE_H

#include "daemon/keep/audit.h"
#include "daemon/keep/keep.h"
#include "daemon/own-socket.h"
#include "daemon/policy/policy.h"

/* A request and who put it, while it is on the loop. */
struct asked {
	struct connection *connection;
	enum wire_verb verb;
	uint64_t serial;
	const char *word;      /* the verb, for the audit trail */
	char what[192];	       /* and what it is about, as keep_describe() has it */
	bool replaces;	       /* STORE: the name is taken by the same user */
	bool is_new;	       /* STORE: not where the name is taken */
	struct own_socket own; /* the socket; has_own: it is known */
	bool has_own;
};

/* The socket asked about is this one. */
void keep_set_socket(struct asked *asked, const struct kept *kept);
/* Refuses it: an audit record and a reply. rule may be NULL. told: what the client is told, where
 * that is less than what stands in the trail. */
void keep_refuse(const struct asked *asked, int error, enum wire_origin origin, const char *rule,
	const char *text, const char *told);
/* Does the policy give it? fd is the socket. Fills the decision. */
void keep_decide(const struct asked *asked, int fd, enum policy_action action, const char *name,
	bool common, struct policy_decision *ret);

/*
 * The client's own socket, judged and given to the keep. Takes fd and pidfd. Answers where it comes
 * to nothing, else when it is kept.
 */
void keep_give_take(
	struct asked *asked, enum policy_action action, struct terms *terms, int fd, int pidfd);
/* Hands a copy of a kept socket to the client. Returns whether that was done; else it was answered
 * why not, or the client is gone. */
bool keep_hand_out(const struct asked *asked, const struct kept *kept, const char *rule);

#endif
