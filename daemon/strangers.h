/*
 * Who is not in the broker's own user namespace: the kernel calls them all by one number.
 */
#ifndef SOCKD_DAEMON_STRANGERS_H
#define SOCKD_DAEMON_STRANGERS_H

#include "daemon/policy/policy.h"

/* To be called once, before the others. Returns 0 or a negative errno. */
int strangers_init(void);
/* The numbers; NULL: all users and groups are in the namespace, and these are two of them. */
const struct policy_strangers *strangers_known(void);
bool strangers_have_user(uid_t uid);
bool strangers_have_group(gid_t gid);

#endif
