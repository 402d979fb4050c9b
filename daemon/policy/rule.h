/*
 * One rule, as it was read. Immutable once its policy is loaded; owned by the policy.
 *
 * What a rule does not mention is not given, beyond what the holder of such a socket can do without
 * any privilege. `ports`, `addresses` and `interfaces` limit where the socket may be bound,
 * `options` which privileged options may be set to what, `groups` and `messages` what netlink may
 * be joined and sent.
 */
#ifndef SOCKD_DAEMON_POLICY_RULE_H
#define SOCKD_DAEMON_POLICY_RULE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/policy/policy.h"
#include "daemon/policy/ranges.h"
#include "proto/address.h"
#include "proto/constants.h"

/* An option and the values it may take: any value where neither is given. */
struct rule_option {
	const struct option_info *info;
	struct ranges values; /* OPTION_INT, as unsigned 32 bits */
	struct names texts;   /* OPTION_INTERFACE */
	bool any;
};

/* CAN: what the holder may do, and so what the rule's limits are about. */
enum rule_direction { RULE_DIRECTION_BOTH, RULE_DIRECTION_RECEIVE, RULE_DIRECTION_SEND };

struct identifiers;
/* The keys of Bluetooth alone. */
struct rule_bluetooth {
	bool has_devices, has_channels, has_opcodes, has_events, has_psms, has_cids, has_transports;
	struct ranges devices;	/* hci: numbers of controllers */
	struct ranges channels; /* hci: enum hci_channel; rfcomm: 1 to 30 */
	struct ranges opcodes, events;
	struct ranges psms, cids;
	bool bredr, le; /* transports */
};

struct rule {
	struct rule_view view;
	bool deny;

	/* Who: any of these, or everybody. */
	bool any_peer;
	struct ranges uids, gids; /* users and groups by name are resolved into these */
	struct names listeners;	  /* n 0: every listener */
	/* Where systemd keeps the peer; n 0: anywhere. Units are fnmatch(3) patterns. */
	struct names units, slices, user_units;

	/* What: the sets are never empty but where "any" is meant (n 0). */
	int *families;
	size_t n_families;
	int *types;
	size_t n_types;
	int *protocols;
	size_t n_protocols;

	bool has_ports, has_addresses, has_interfaces, has_groups, has_messages;
	struct ranges ports;
	struct address_prefix *prefixes; /* inet, inet6 */
	size_t n_prefixes;
	struct names
		address_patterns; /* unix: fnmatch(3) patterns of "@name"; vsock: CIDs as text */
	struct names interfaces;  /* names; a trailing * matches any ending */
	struct rule_option *options;
	size_t n_options;
	struct ranges groups;	/* netlink */
	struct ranges messages; /* netlink: nlmsg_type */
	struct rule_bluetooth bluetooth;

	struct identifiers *identifiers; /* can; NULL: not said */
	enum rule_direction direction;	 /* can */

	bool has_mark; /* SO_MARK, set by the broker */
	uint32_t mark;

	enum rule_netns netns;
	char *netns_name;
	bool owner_peer;

	/* enum policy_action: not 0, and the rule is about sockets that are handed on, and not
	 * about opening. */
	unsigned actions;
	struct names store_names; /* n 0: every name of the peer's own */
	bool common;		  /* the names are common to all whom a rule gives them */
};

/* Once, where view.file is set already; both are copied. Returns 0 or -ENOMEM. */
int rule_set_name(struct rule *rule, const char *name);
/* Frees what the rule owns, not the rule itself. */
void rule_done(struct rule *rule);

const struct rule_option *rule_find_option(const struct rule *rule, const struct option_info *info);

#endif
