/*
 * The terms of a kept socket, as they outlive the broker: one struct in a sealed memory file beside
 * the socket in the manager's descriptor store. What comes back from there is checked as if a
 * stranger had written it.
 */
#ifndef SOCKD_DAEMON_KEEP_TERMS_H
#define SOCKD_DAEMON_KEEP_TERMS_H

#include <stdint.h>

#include "proto/wire.h"

#define TERMS_RULE_MAX 63u

enum terms_kind {
	TERMS_TICKET = 1,
	TERMS_STORED = 2,
};

struct terms {
	uint64_t magic;
	uint32_t version, kind;
	uint64_t number;      /* of the ticket or stored socket, in the audit trail */
	uint64_t cookie;      /* SO_COOKIE of the socket that it is about */
	uint64_t begin_usec;  /* CLOCK_BOOTTIME */
	uint64_t expiry_usec; /* the same; 0: never */
	uint32_t uid, gid;    /* who gave it */
	int32_t pid;
	uint32_t common;	   /* STORED: 0 or 1 */
	uint32_t taker, taker_id;  /* TICKET: enum wire_taker; ids as the broker has them */
	struct wire_ticket ticket; /* TICKET */
	char name[WIRE_STORE_NAME_MAX + 1];
	char rule[TERMS_RULE_MAX + 1]; /* that allowed it */
};

/* A new sealed file with these terms (magic and version are filled in). A descriptor or a negative
 * errno. */
int terms_seal(const struct terms *terms);
/* Is it a sealed file of terms, and are these right in themselves? Returns 0 or -EBADMSG. May be
 * given any descriptor of the manager's. */
int terms_read(int fd, struct terms *ret);

#endif
