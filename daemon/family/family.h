/*
 * A socket family: one file, one table.
 *
 * Says how a rule is checked when it is loaded (what the kernel would not hold after the hand-over
 * is refused there, with the reason), how a step is compared with a rule, how a socket is opened so
 * that nothing leaks before it is bound, and which steps only the broker can do. All functions are
 * free of state and may run in any thread.
 */
#ifndef SOCKD_DAEMON_FAMILY_FAMILY_H
#define SOCKD_DAEMON_FAMILY_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/policy/policy.h"
#include "daemon/policy/rule.h"
#include "proto/macro.h"
#include "proto/wire.h"

#define STEP_BIT(kind) (1u << (kind))

/* What a new socket was asked for. */
struct confine_request {
	const struct rule *rule;
	int type, protocol;
	const struct wire_step *steps;
	size_t n_steps;
};

struct family {
	const char *name;
	int domain;

	/* Steps that make sense in an OPEN, and those that the broker does on a client's own
	 * socket. */
	uint32_t open_steps;
	uint32_t apply_steps;
	/* The last close waits for a grace period or a lock: never on the loop. */
	bool close_sleeps;
	/* Which ports need a privilege is not the usual rule (those under 1024): check_rule judges
	 * a deny rule's ports. */
	bool judges_denied_ports;

	/*
	 * Checks a rule for what this family cannot hold or does not have. Returns 0 or -EINVAL
	 * with the reason and the mend in what, and the key of the rule that is at fault
	 * ("interfaces") in *ret_key.
	 */
	int (*check_rule)(
		const struct rule *rule, char *what, size_t what_size, const char **ret_key);
	/* The capabilities that serving this rule takes, as a mask of 1 << CAP_*. */
	uint64_t (*capabilities)(const struct rule *rule);

	/*
	 * Is this one step within this allow rule? Or, for a deny rule: does the rule speak of it?
	 * (A deny rule that names no ports, options, ... speaks of everything of its family.)
	 * Fills why with words on a "no". Called for bind, option and send steps; other steps are
	 * free.
	 */
	bool (*step_within)(const struct rule *rule, const struct policy_query *query,
		const struct wire_step *step, char *why, size_t why_size);
	/*
	 * Is the socket as a whole within the allow rule: does an OPEN that says nothing of binding
	 * give more than the rule says? Called once per OPEN.
	 */
	bool (*open_within)(const struct rule *rule, const struct policy_query *query, char *why,
		size_t why_size);

	/*
	 * Holds a new socket to its rule, before the first step and so before anything arrives:
	 * locks a filter, and judges what could not be judged without the socket (the interface
	 * behind a number, in the socket's own namespace). Returns 0; -EPERM with words in why
	 * where the rule does not allow it, and the step in *ret_step (-1: the socket itself);
	 * another negative errno is the kernel's. NULL: the family has nothing to hold. May sleep.
	 */
	int (*confine)(int fd, const struct confine_request *request, int *ret_step, char *why,
		size_t why_size);

	/* May this step sleep (locks of the kernel, other processes)? Such a request runs in a
	 * worker, and its sockets are closed by one. */
	bool (*step_sleeps)(const struct wire_step *step);

	/* Opens the socket, close-on-exec. Returns a descriptor or a negative errno. */
	int (*open)(int domain, int type, int protocol);

	/*
	 * The protocol that a rule means where the request says 0: TCP for an inet stream, and so
	 * on, as SO_PROTOCOL would tell of the opened socket. NULL: the protocol as it is.
	 */
	int (*effective_protocol)(int type, int protocol);
	/* The protocol of a client's own socket where the kernel does not tell it (SO_PROTOCOL is
	 * 0). Takes no lock that the socket's owner could keep. NULL: it tells. */
	int (*own_protocol)(int fd, int type);
	/* poll(2) takes no lock that a hostile holder of the socket could keep: true for inet,
	 * inet6, packet, netlink and unix; false for vsock, xdp and families without a
	 * file. */
	bool poll_is_lockless;
	/* What its sockets send has their mark (SO_MARK). */
	bool marks_packets;
	/*
	 * Does the bind step (packet: opened with protocol 0, so that the protocol asked for takes
	 * effect only here). Called also where the request has no bind step, with address NULL.
	 * Returns 0 or a negative errno.
	 */
	int (*bind)(int fd, int type, int protocol, const void *address, size_t size);
	/*
	 * APPLY: is the client's own socket one of these controllers', as the rule's "devices"
	 * wants for a send step? May wait for the socket's lock, so it is asked where the step is
	 * done.
	 */
	bool (*socket_within)(int fd, const struct ranges *devices);
};

/* The table for a family; never NULL: one without a file gets the plain one, which opens and sets
 * what its rule allows. */
const struct family *family_get(int domain);
/* The protocol that a rule means where a socket is asked for with this one; see above. */
int family_effective_protocol(int domain, int type, int protocol);

/* What the tables share. */

/* Options are compared alike in every family. */
bool family_option_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size);
uint64_t family_option_capabilities(const struct rule *rule);

/*
 * The one interface that a rule confines its sockets to, which the broker then sets itself; NULL
 * where the rule names none, several or a pattern.
 */
const char *family_rule_device(const struct rule *rule);

/* The keys of a rule that not every family has. */
#define RULE_KEY_PORTS 1u
#define RULE_KEY_ADDRESSES 2u
#define RULE_KEY_INTERFACES 4u
#define RULE_KEY_GROUPS 8u
#define RULE_KEY_MESSAGES 16u
#define RULE_KEY_IDENTIFIERS 32u
#define RULE_KEY_DIRECTION 64u

/* Refuses each key of the rule that is not among these. name is the family's, for the words. */
int family_check_keys(const struct rule *rule, uint32_t known, const char *name, char *what,
	size_t what_size, const char **ret_key);
/* Writes the reason and the key, returns -EINVAL. */
int family_bad_rule(char *what, size_t what_size, const char **ret_key, const char *key,
	const char *format, ...) _printf_(5, 6);
/* Writes the reason, returns false. */
bool family_no(char *why, size_t why_size, const char *format, ...) _printf_(3, 4);

bool family_has_step(const struct policy_query *query, enum wire_step_kind kind);
bool family_any_step_sleeps(int domain, const struct wire_step *steps, size_t n);
bool family_rule_has(const int *items, size_t n, int value);
/* Is one of the ranges' numbers between first and last? */
bool family_ranges_meet(const struct ranges *ranges, uint32_t first, uint32_t last);

/* For step_within, where the socket is all or nothing: only options are compared. */
bool family_step_freely(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size);
/* For open_within, where an open socket gives no more than its rule says. */
bool family_open_freely(
	const struct rule *rule, const struct policy_query *query, char *why, size_t why_size);
/* For step_sleeps: all may but the options that every socket has. */
bool family_step_may_sleep(const struct wire_step *step);

int family_open_plainly(int domain, int type, int protocol);
int family_bind_plainly(int fd, int type, int protocol, const void *address, size_t size);

extern const struct family family_alg, family_bluetooth, family_can, family_inet, family_inet6,
	family_key, family_netlink, family_packet, family_plain, family_qipcrtr, family_rds,
	family_smc, family_tipc, family_unix, family_vsock, family_xdp;

#endif
