/* What a call needs, family by family; netlink and Bluetooth have files of their own. */
#ifndef SOCKD_CLIENT_RUN_LEARN_FAMILIES_H
#define SOCKD_CLIENT_RUN_LEARN_FAMILIES_H

#include "client/run/learn-need.h"

/* Returns 0, -EOPNOTSUPP (text and why are filled all the same), -EINVAL, -E2BIG or -ENOMEM. The
 * caller ends it by learn_need_done() in each case. */
int learn_need_of(const struct learn_call *call, struct learn_need *ret);

int learn_need_netlink(const struct learn_call *call, struct learn_need *need);
int learn_need_bluetooth(const struct learn_call *call, struct learn_need *need);

#endif
