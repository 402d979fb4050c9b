/* Who would ask, for sockctl check: by default the caller. */
#ifndef SOCKD_CLIENT_ASKER_H
#define SOCKD_CLIENT_ASKER_H

#include <stddef.h>
#include <sys/types.h>

#include "client/arguments.h"

#define ASKER_GROUPS_MAX 1024 /* who is in more is refused everything */

struct asker {
	uid_t uid;
	gid_t gid;
	gid_t groups[ASKER_GROUPS_MAX];
	size_t n_groups;
};

/* Returns 0, or a negative errno after saying what is wrong. */
int asker_find(const struct arguments *arguments, struct asker *ret);

#endif
