/*
 * The socket families as sockctl families shows them: what there is to know of each (in
 * families-table.c), and which this kernel has (in families-kernel.c).
 */
#ifndef SOCKD_CLIENT_FAMILIES_H
#define SOCKD_CLIENT_FAMILIES_H

#include <stddef.h>

struct family_info {
	int domain;
	/* The names in /proc/net/protocols that only a kernel with this family has; NULL behind the
	 * last. */
	const char *const *protocols;
	const char *module; /* which brings the family where it is not built in; NULL: none does */
	const char *adds;   /* what a broker adds for it: one line */
};

extern const struct family_info family_infos[];
extern const size_t n_family_infos;

enum family_state {
	FAMILY_UNKNOWN, /* not loaded, and the kernel's modules are not to be seen from here */
	FAMILY_NO,
	FAMILY_BY_HAND, /* its module is there, but must be loaded by the administrator */
	FAMILY_ON_USE,	/* its module is there, and is loaded by whoever opens a socket of it */
	FAMILY_YES,
};

/*
 * Fills one state for each of family_infos. Opens no socket, because that would load modules: reads
 * /proc/net/protocols, /proc/modules and what depmod has written. Returns 0 or -ENOMEM.
 */
int families_of_kernel(enum family_state *ret_states);

#endif
