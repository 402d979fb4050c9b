#include "client/run/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/bluetooth.h"
#include "proto/constants.h"
#include "proto/macro.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1ul << 1)
#endif
#ifndef SOCK_PACKET
#define SOCK_PACKET 10
#endif

/* The kernel takes an int from a register and does not look at the upper half. */
#define INT_IS(argument, number) \
	SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, UINT64_C(0xffffffff), (uint32_t)(number))
#define TYPE_IS(argument, type) SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, UINT64_C(0xf), type)
#define HAS_BIT(argument, bit) SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, bit, bit)
#define IN_WINDOW(argument, window) \
	SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, \
		UINT64_C(0xffffffff) & ~(uint64_t)((window)->size - 1), (uint32_t)(window)->first)

static void cleanup_context(scmp_filter_ctx *context)
{
	if (*context)
		seccomp_release(*context);
}

static int notify(scmp_filter_ctx context, int call, unsigned n, const struct scmp_arg_cmp *compare)
{
	int r = seccomp_rule_add_array(context, SCMP_ACT_NOTIFY, call, n, compare);

	return r == -EEXIST ? 0 : r; /* two names of one option */
}

/* What is of inet and yet not everyone's. */
static int add_inet(scmp_filter_ctx context, int domain, int icmp)
{
	const struct scmp_arg_cmp raw[] = {INT_IS(0, domain), TYPE_IS(1, SOCK_RAW)};
	const struct scmp_arg_cmp packet[] = {INT_IS(0, domain), TYPE_IS(1, SOCK_PACKET)};
	const struct scmp_arg_cmp ping[] = {
		INT_IS(0, domain), TYPE_IS(1, SOCK_DGRAM), INT_IS(2, icmp)};

	int r = notify(context, SCMP_SYS(socket), 2, raw);
	if (r == 0)
		r = notify(context, SCMP_SYS(socket), 2, packet);
	if (r == 0)
		r = notify(context, SCMP_SYS(socket), 3, ping);
	return r;
}

static int add_socket(scmp_filter_ctx context, bool any_namespace)
{
	int r = 0;

	for (int domain = AF_INET; r == 0 && domain <= AF_INET6; domain++) {
		const struct scmp_arg_cmp compare[] = {INT_IS(0, domain)};
		if (any_namespace || (domain != AF_INET && domain != AF_INET6))
			r = notify(context, SCMP_SYS(socket), 1, compare);
		else
			r = add_inet(
				context, domain, domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	}
	const struct scmp_arg_cmp above[] = {SCMP_CMP(0, SCMP_CMP_GT, AF_INET6, 0)};
	if (r == 0)
		r = notify(context, SCMP_SYS(socket), 1, above);
	/* With the most to compare it would otherwise come last. */
	return r < 0 ? r : seccomp_syscall_priority(context, SCMP_SYS(socket), UINT8_MAX);
}

static int add_options(scmp_filter_ctx context, const struct window *hci)
{
	const struct option_info *info;
	int r = 0;

	for (size_t i = 0; r == 0 && (info = option_privileged(i)); i++) {
		const struct scmp_arg_cmp compare[] = {
			INT_IS(1, info->level), INT_IS(2, info->option), IN_WINDOW(0, hci)};
		/* HCI_FILTER has the number of IP_TTL, which nobody should wait for. */
		bool in_window = info->level == SOL_HCI && info->option == HCI_FILTER;
		if (!in_window || hci->size > 0)
			r = notify(context, SCMP_SYS(setsockopt), in_window ? 3 : 2, compare);
	}
	return r;
}

static int add_window(scmp_filter_ctx context, const struct window *window, bool sends)
{
	const struct {
		int call;
		unsigned argument; /* the descriptor */
		bool sends;
	} calls[] = {
		{SCMP_SYS(sendto), 0, true},
		{SCMP_SYS(sendmsg), 0, true},
		{SCMP_SYS(sendmmsg), 0, true},
		{SCMP_SYS(write), 0, true},
		{SCMP_SYS(writev), 0, true},
		{SCMP_SYS(dup2), 1, false},
		{SCMP_SYS(dup3), 1, false},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && window->size > 0 && i < ARRAY_SIZE(calls); i++) {
		const struct scmp_arg_cmp compare[] = {IN_WINDOW(calls[i].argument, window)};
		/* The filter is not even run for a call that none of its rules is about. */
		if (calls[i].sends && !sends)
			continue;
		r = notify(context, calls[i].call, 1, compare);
	}
	return r;
}

/* What takes a thread to another network or user namespace: the flags that name one, and the 0 that
 * leaves it to the descriptor. */
static int add_moves(scmp_filter_ctx context)
{
	const struct scmp_arg_cmp compare[] = {
		HAS_BIT(0, CLONE_NEWUSER),
		HAS_BIT(0, CLONE_NEWNET),
		HAS_BIT(1, CLONE_NEWUSER),
		HAS_BIT(1, CLONE_NEWNET),
		INT_IS(1, 0),
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(compare); i++)
		r = notify(context, compare[i].arg == 0 ? SCMP_SYS(unshare) : SCMP_SYS(setns), 1,
			&compare[i]);
	return r;
}

static int add_common(scmp_filter_ctx context, const struct filter_choice *choice)
{
	/* What is of no architecture that is known here could do as it likes by io_uring. */
	int r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));

	if (r == 0)
		r = notify(context, SCMP_SYS(bind), 0, NULL);
	if (r == 0)
		r = add_moves(context);
	if (r == 0 && !choice->allow_io_uring)
		r = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	return r;
}

/* The other architecture whose programs this one's kernel runs. 0: none. */
static uint32_t compat_architecture(void)
{
	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		return SCMP_ARCH_X86;
	case SCMP_ARCH_AARCH64:
		return SCMP_ARCH_ARM;
	default:
		return 0;
	}
}

/* Through socketcall(2) the arguments are in memory, where a filter cannot look: the whole call is
 * notified, but no send, which would be slowed down on every socket. */
static int add_compat(scmp_filter_ctx context, const struct filter_choice *choice)
{
	_cleanup_(cleanup_context) scmp_filter_ctx compat = NULL;
	uint32_t architecture = compat_architecture();

	if (architecture == 0)
		return 0;
	compat = seccomp_init(SCMP_ACT_ALLOW);
	if (!compat)
		return -ENOMEM;
	int r = seccomp_arch_remove(compat, SCMP_ARCH_NATIVE);
	if (r == 0)
		r = seccomp_arch_add(compat, architecture);
	if (r == 0)
		r = add_common(compat, choice);
	if (r == 0)
		r = notify(compat, SCMP_SYS(socket), 0, NULL);
	if (r == 0)
		r = notify(compat, SCMP_SYS(setsockopt), 0, NULL);
	if (r == 0)
		r = seccomp_merge(context, compat);
	if (r == 0)
		compat = NULL; /* part of the other now */
	return r;
}

/* Through a pipe: whatever is a file would be held to the caller's limit of file sizes. As much as
 * this goes in as a whole, or not at all. */
static int export_program(scmp_filter_ctx context, struct sock_fprog *ret)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return negative_errno();
	_cleanup_close_ int from = ends[0], to = ends[1];
	int r = seccomp_export_bpf(context, to);
	if (r < 0)
		return r;
	_cleanup_free_ struct sock_filter *filter = malloc(PIPE_BUF);
	if (!filter)
		return -ENOMEM;
	ssize_t size = read(from, filter, PIPE_BUF);
	if (size < 0)
		return negative_errno();
	if (size == PIPE_BUF) /* and perhaps more */
		return -E2BIG;
	size_t n = (size_t)size / sizeof *filter;
	if (n == 0 || n * sizeof *filter != (size_t)size)
		return -EINVAL;
	*ret = (struct sock_fprog){.len = (unsigned short)n, .filter = TAKE_PTR(filter)};
	return 0;
}

int filter_can_be_made(void)
{
#if defined(__i386__) || defined(__s390__)
	/* The C library goes through socketcall(2), whose number says nothing of the call: the
	 * supervisor's own would be notified, too. */
	return -EOPNOTSUPP;
#else
	return 0;
#endif
}

int filter_make(const struct filter_choice *choice, struct sock_fprog *ret)
{
	_cleanup_(cleanup_context) scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);

	if (!context)
		return -ENOMEM;
	int r = filter_can_be_made();
	if (r == 0)
		r = add_common(context, choice);
	if (r == 0)
		r = add_socket(context, choice->any_namespace);
	if (r == 0)
		r = add_options(context, &choice->windows[WINDOW_HCI]);
	for (unsigned i = 0; r == 0 && i < WINDOWS; i++)
		r = add_window(context, &choice->windows[i], choice->sends);
	if (r == 0)
		r = add_compat(context, choice);
	/* It is loaded by hand: the library knows not every flag. */
	return r < 0 ? r : export_program(context, ret);
}

int filter_install(const struct sock_fprog *program)
{
	/* The filter confines nobody: before Linux 5.16 every filter made the processor speculate
	 * less, and all that the program does slower. */
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return negative_errno();
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, program);
	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
	return fd < 0 ? negative_errno() : (int)fd;
}

bool filter_can_answer(int listener)
{
	/* No call has this number; but the flags are looked at first. */
	struct seccomp_notif_addfd addfd = {
		.id = UINT64_MAX, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)listener};

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd) == 0 || errno != EINVAL;
}
