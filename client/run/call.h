/*
 * One notified system call, its arguments as numbers whatever the architecture of the program.
 */
#ifndef SOCKD_CLIENT_RUN_CALL_H
#define SOCKD_CLIENT_RUN_CALL_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/run/target.h"

enum call_kind {
	CALL_SOCKET,
	CALL_BIND,
	CALL_SETSOCKOPT,
	CALL_SENDTO,
	CALL_SENDMSG,
	CALL_SENDMMSG,
	CALL_WRITE,
	CALL_WRITEV,
	CALL_DUP2,
	CALL_DUP3,
	CALL_UNSHARE,
	CALL_SETNS,
	CALL_OTHER, /* notified through socketcall(2), and none of these */
};

struct call {
	struct target target;
	enum call_kind kind;
	bool compat; /* pointers and lengths in memory have 32 bits */
	uint64_t arguments[6];
};

/* Reads what the registers do not hold (socketcall). Returns 0 or a negative errno. */
int call_decode(const struct seccomp_notif *notification, int listener, struct call *ret);

/* An int, as the kernel takes it from the argument. */
static inline int call_int(const struct call *call, unsigned i)
{
	return (int)(uint32_t)call->arguments[i];
}

#endif
