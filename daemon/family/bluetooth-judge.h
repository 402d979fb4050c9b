/*
 * What is said to a Bluetooth controller itself: HCI commands, and which of its events are heard.
 */
#ifndef SOCKD_DAEMON_FAMILY_BLUETOOTH_JUDGE_H
#define SOCKD_DAEMON_FAMILY_BLUETOOTH_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/family/family.h"

/* Does the rule's "opcodes" hold this packet: one HCI command, whole and nothing else? For a deny
 * rule: does it speak of it? */
bool bluetooth_command_within(
	const struct rule *rule, const void *data, size_t size, char *why, size_t why_size);

/* The same for a value of HCI_FILTER and the rule's "events", or its option HCI_FILTER. */
bool bluetooth_filter_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size);

/* Is this socket bound to the raw channel of one of these controllers? Takes the socket's lock. */
bool bluetooth_socket_within(int fd, const struct ranges *devices);

/* Are all the numbers such that the kernel asks nobody for a right? */
bool bluetooth_opcodes_are_free(const struct ranges *opcodes);

#endif
