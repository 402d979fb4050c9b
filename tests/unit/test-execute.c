/* With which rights a step is carried out: no more than whoever asked for it may use. */
#include <check.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netpacket/packet.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/execute.h"
#include "daemon/privilege.h"
#include "proto/macro.h"
#include "tests/suite.h"

static volatile sig_atomic_t was_called, held_then;

static void on_call(int signal_number _unused_)
{
	static const unsigned rights[] = {CAP_NET_ADMIN, CAP_NET_RAW};

	was_called = true;
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		int held = privilege_lower(rights[i]);
		if (held > 0)
			held_then |= 1 << i;
		privilege_restore(rights[i], held);
	}
}

/* Which of the rights are held at the call that the step comes to: 1 CAP_NET_ADMIN, 2 CAP_NET_RAW;
 * -1: it does not come to it. */
static int rights_at(
	int call, struct scmp_arg_cmp argument, int domain, int type, const struct wire_step *step)
{
	static struct outcome outcome;
	const struct plan plan = {.fd = -1,
		.domain = domain,
		.type = type,
		.count = 1,
		.steps = step,
		.n_steps = 1,
		.netns_fd = -1};

	ck_assert(signal(SIGSYS, on_call) != SIG_ERR);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	ck_assert_ptr_nonnull(filter);
	ck_assert_int_eq(seccomp_rule_add(filter, SCMP_ACT_TRAP, call, 1, argument), 0);
	ck_assert_int_eq(seccomp_load(filter), 0);
	seccomp_release(filter);
	was_called = held_then = 0;
	execute(&plan, &outcome);
	for (size_t i = 0; i < outcome.n_fds + outcome.n_failed_fds; i++)
		close_quietly(outcome.fds[i]);
	return was_called ? held_then : -1;
}

static int rights_at_send(const struct wire_step *step)
{
	int r = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) /* the filter is its alone */
		_exit(rights_at(
			SCMP_SYS(sendmsg), SCMP_A1(SCMP_CMP_NE, 0, 0), AF_NETLINK, SOCK_RAW, step));
	ck_assert_int_eq(waitpid(pid, &r, 0), pid);
	ck_assert(WIFEXITED(r));
	return WEXITSTATUS(r);
}

static bool holds_rights(void)
{
	int admin = privilege_lower(CAP_NET_ADMIN), raw_right = privilege_lower(CAP_NET_RAW);

	privilege_restore(CAP_NET_ADMIN, admin);
	privilege_restore(CAP_NET_RAW, raw_right);
	return admin > 0 && raw_right > 0;
}

static bool can_give_up(const char *test)
{
	bool can = holds_rights();

	if (!can)
		printf("SKIP %s: needs root, for rights to give up\n", test);
	return can;
}

/* Else the kernel would load a module of a client's choice: "netdev-" and the name. */
START_TEST(a_name_is_looked_up_without_the_right_to_load_modules)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	const struct wire_step step = {.kind = WIRE_STEP_BIND,
		.address = &address,
		.address_size = sizeof address,
		.data = "tunl0",
		.data_size = 5};

	if (!can_give_up("a_name_is_looked_up_without_the_right_to_load_modules"))
		return;
	int held = rights_at(
		SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCGIFINDEX, 0), AF_PACKET, SOCK_RAW, &step);
	ck_assert_int_eq(held, 2);
	ck_assert(holds_rights());
}
END_TEST

/* Older kernels ask for a right, which would be the broker's. */
START_TEST(what_was_privileged_is_set_without_rights)
{
	const int one = 1;
	const struct wire_step step = {.kind = WIRE_STEP_OPTION,
		.a = SOL_SOCKET,
		.b = SO_BUSY_POLL,
		.data = &one,
		.data_size = sizeof one};

#ifdef SYS_socketcall
	puts("SKIP: what_was_privileged_is_set_without_rights: here setsockopt() may be a "
	     "socketcall(), whose arguments no filter can see");
	return;
#endif
	if (!can_give_up("what_was_privileged_is_set_without_rights"))
		return;
	int held = rights_at(SCMP_SYS(setsockopt), SCMP_A2(SCMP_CMP_EQ, SO_BUSY_POLL, 0), AF_INET,
		SOCK_DGRAM, &step);
	ck_assert_int_eq(held, 0);
	ck_assert(holds_rights());
}
END_TEST

/* Else the kernel takes it for one of the system's own, which a hypervisor may trust. */
START_TEST(a_vsock_socket_is_not_a_trusted_one)
{
	const int on = 1;
	const struct wire_step step = {.kind = WIRE_STEP_OPTION,
		.a = SOL_SOCKET,
		.b = SO_REUSEADDR,
		.data = &on,
		.data_size = sizeof on};

	if (!can_give_up("a_vsock_socket_is_not_a_trusted_one"))
		return;
	int held = rights_at(
		SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_VSOCK, 0), AF_VSOCK, SOCK_STREAM, &step);
	ck_assert_int_eq(held, 2);
	ck_assert(holds_rights());
}
END_TEST

/* Else the kernel would tell a client what it tells the broker: the keys of a bond. */
START_TEST(who_asks_is_told_what_everybody_is)
{
	static const struct {
		int types[2];
		int rights;
	} cases[] = {{{RTM_GETLINK, RTM_GETADDR}, 2}, {{RTM_GETLINK, NLMSG_NOOP}, 2},
		{{RTM_NEWADDR, RTM_GETADDR}, 3}, {{RTM_GETADDR, RTM_NEWADDR}, 3}};

	if (!can_give_up("who_asks_is_told_what_everybody_is"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nlmsghdr messages[2] = {{.nlmsg_len = sizeof messages[0],
						       .nlmsg_type = (uint16_t)cases[i].types[0]},
			{.nlmsg_len = sizeof messages[0],
				.nlmsg_type = (uint16_t)cases[i].types[1]}};
		const struct wire_step step = {
			.kind = WIRE_STEP_SEND, .data = messages, .data_size = sizeof messages};

		ck_assert_int_eq(rights_at_send(&step), cases[i].rights);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("execute");
	TCase *tests = tcase_create("execute");

	tcase_add_test(tests, a_name_is_looked_up_without_the_right_to_load_modules);
	tcase_add_test(tests, what_was_privileged_is_set_without_rights);
	tcase_add_test(tests, a_vsock_socket_is_not_a_trusted_one);
	tcase_add_test(tests, who_asks_is_told_what_everybody_is);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
