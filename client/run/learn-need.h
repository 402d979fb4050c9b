/*
 * What one call needs of a policy: which sockets it is about, and what a rule for them must list.
 *
 * Knows what each family's rules can say, and so must agree with the daemon's families, which the
 * tests hold it to.
 */
#ifndef SOCKD_CLIENT_RUN_LEARN_NEED_H
#define SOCKD_CLIENT_RUN_LEARN_NEED_H

#include <stdbool.h>

#include "client/run/learn-set.h"
#include "client/run/learn.h"
#include "proto/constants.h"
#include "proto/macro.h"

/*
 * The keys whose lists limit one step together: an address and a port of a bind step, a message and
 * its interfaces. A rule gives every combination of what it lists.
 */
enum learn_key {
	LEARN_PORTS,
	LEARN_ADDRESSES,
	LEARN_MESSAGES,
	LEARN_INTERFACES,
	LEARN_DEVICES,
	LEARN_CHANNELS,
	LEARN_OPCODES,
	LEARN_PSMS,
	LEARN_TRANSPORTS,
	LEARN_CIDS,
	LEARN_KEYS,
};

struct learn_product {
	struct learn_set keys[LEARN_KEYS]; /* one that is empty is not said */
};

#define LEARN_PROTOCOL_UNSAID (-1)
struct learn_socket {
	int domain, type, protocol;    /* as a rule names them */
	char netns[WIRE_NAME_MAX + 1]; /* "": not said */
};
bool learn_socket_equal(const struct learn_socket *a, const struct learn_socket *b);
/* 0; -EINVAL: no rule can name such a namespace. */
int learn_socket_set_netns(struct learn_socket *socket, const char *netns);

#define LEARN_TEXT_MAX 640u
struct learn_need {
	struct learn_socket socket;
	/* A rule that gives such a socket without asking for a bind step, or any such rule: what
	 * is asked for is everybody's on it. */
	bool open;
	struct learn_product product;
	struct learn_set groups, events; /* these stand for themselves */
	const char *option;		 /* static; NULL: none */
	bool any;			 /* no narrower value of the option can be said */
	struct learn_set values;	 /* of the option */
	char text[LEARN_TEXT_MAX];	 /* the call in words */
	char why[160];			 /* why not narrower, or why no rule can give it; or "" */
};

void learn_need_done(struct learn_need *need);
void learn_product_done(struct learn_product *product);

/* Must a socket of a rule with this be asked for with a bind step? */
bool learn_product_limits(int domain, const struct learn_product *product);

/* How the values of this option stand in a rule. */
enum learn_style learn_option_style(const struct option_info *info);

/* For the families. */
int learn_need_option(const struct learn_call *call, struct learn_need *need);
int learn_need_add(struct learn_need *need, enum learn_key key, const char *text);
int learn_need_add_number(struct learn_need *need, enum learn_key key, long long number);
/* Can a policy name it: no pattern, and letters that JSON can hold? */
bool learn_interface_is_plain(const char *name);
/* Says why; returns -EOPNOTSUPP. */
int learn_need_never(struct learn_need *need, const char *why);
/* More words behind the text of the call. */
void learn_need_say(struct learn_need *need, const char *format, ...) _printf_(2, 3);

#endif
