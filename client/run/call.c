#include "client/run/call.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/net.h>
#include <string.h>
#include <sys/syscall.h>

#include "proto/macro.h"

/* The native architecture is whichever has these numbers. */
static const struct {
	int number;
	enum call_kind kind;
} native[] = {
	{SYS_socket, CALL_SOCKET},
	{SYS_bind, CALL_BIND},
	{SYS_setsockopt, CALL_SETSOCKOPT},
	{SYS_sendto, CALL_SENDTO},
	{SYS_sendmsg, CALL_SENDMSG},
	{SYS_sendmmsg, CALL_SENDMMSG},
	{SYS_write, CALL_WRITE},
	{SYS_writev, CALL_WRITEV},
#ifdef SYS_dup2
	{SYS_dup2, CALL_DUP2},
#endif
	{SYS_dup3, CALL_DUP3},
	{SYS_unshare, CALL_UNSHARE},
	{SYS_setns, CALL_SETNS},
};

#if defined(__x86_64__)
#define COMPAT_ARCHITECTURE AUDIT_ARCH_I386
#define COMPAT_SOCKETCALL 102
static const struct {
	int number;
	enum call_kind kind;
} compat[] = {
	{359, CALL_SOCKET},
	{361, CALL_BIND},
	{366, CALL_SETSOCKOPT},
	{310, CALL_UNSHARE},
	{346, CALL_SETNS},
};
#elif defined(__aarch64__)
#define COMPAT_ARCHITECTURE AUDIT_ARCH_ARM
#define COMPAT_SOCKETCALL (-1)
static const struct {
	int number;
	enum call_kind kind;
} compat[] = {
	{281, CALL_SOCKET},
	{282, CALL_BIND},
	{294, CALL_SETSOCKOPT},
	{337, CALL_UNSHARE},
	{375, CALL_SETNS},
};
#endif

#ifdef COMPAT_ARCHITECTURE
/* How many arguments the calls of socketcall(2) have that come to us. */
static const struct {
	enum call_kind kind;
	unsigned n;
} by_socketcall[] = {
	[SYS_SOCKET] = {CALL_SOCKET, 3},
	[SYS_BIND] = {CALL_BIND, 3},
	[SYS_SETSOCKOPT] = {CALL_SETSOCKOPT, 5},
};

static int decode_socketcall(struct call *call)
{
	uint64_t which = call->arguments[0] & UINT32_MAX;
	uint32_t words[6];

	if (which >= ARRAY_SIZE(by_socketcall) || by_socketcall[which].n == 0)
		return 0;
	unsigned n = by_socketcall[which].n;
	int r = target_read(
		&call->target, call->arguments[1] & UINT32_MAX, words, n * sizeof *words);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < n; i++)
		call->arguments[i] = words[i];
	call->kind = by_socketcall[which].kind;
	return 0;
}

static int decode_compat(int number, struct call *call)
{
	call->compat = true;
	for (size_t i = 0; i < ARRAY_SIZE(call->arguments); i++)
		call->arguments[i] &= UINT32_MAX;
	if (number == COMPAT_SOCKETCALL)
		return decode_socketcall(call);
	for (size_t i = 0; i < ARRAY_SIZE(compat); i++)
		if (compat[i].number == number)
			call->kind = compat[i].kind;
	return 0;
}
#endif

int call_decode(const struct seccomp_notif *notification, int listener, struct call *ret)
{
	*ret = (struct call){
		.target = {.listener = listener,
			.id = notification->id,
			.tid = (pid_t)notification->pid},
		.kind = CALL_OTHER,
	};
	for (size_t i = 0; i < ARRAY_SIZE(ret->arguments); i++)
		ret->arguments[i] = notification->data.args[i];
#ifdef COMPAT_ARCHITECTURE
	if (notification->data.arch == COMPAT_ARCHITECTURE)
		return decode_compat(notification->data.nr, ret);
#endif
	for (size_t i = 0; i < ARRAY_SIZE(native); i++)
		if (native[i].number == notification->data.nr)
			ret->kind = native[i].kind;
	return 0;
}
