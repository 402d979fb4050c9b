/* How steps are carried out: with no more rights than whoever asked for it may use, without
 * waiting, and not at all where the socket is not the rule's. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/can.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/execute.h"
#include "daemon/netns.h"
#include "daemon/policy/rule.h"
#include "daemon/privilege.h"
#include "proto/macro.h"
#include "tests/suite.h"

enum { ADMIN = 1, RAW = 2, PORTS = 4, ALL = ADMIN | RAW | PORTS };

static volatile sig_atomic_t was_called, held_then;

static void on_call(int signal_number _unused_)
{
	static const unsigned rights[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE};

	was_called = true;
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		int held = privilege_lower(rights[i]);
		if (held > 0)
			held_then |= 1 << i;
		privilege_restore(rights[i], held);
	}
}

/* Which of the rights are held at the call that the step comes to; -1: it does not come to it. */
static int rights_at(int call, struct scmp_arg_cmp argument, int domain, int type, int protocol,
	const struct wire_step *step)
{
	static struct outcome outcome;
	const struct plan plan = {.fd = -1,
		.domain = domain,
		.type = type,
		.protocol = protocol,
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

static bool holds_rights(void)
{
	int admin = privilege_lower(CAP_NET_ADMIN), raw_right = privilege_lower(CAP_NET_RAW),
	    ports = privilege_lower(CAP_NET_BIND_SERVICE);

	privilege_restore(CAP_NET_ADMIN, admin);
	privilege_restore(CAP_NET_RAW, raw_right);
	privilege_restore(CAP_NET_BIND_SERVICE, ports);
	return admin > 0 && raw_right > 0 && ports > 0;
}

static int rights_at_send(int protocol, const struct wire_step *step)
{
	int r = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) { /* the filter is its alone */
		r = rights_at(SCMP_SYS(sendmsg), SCMP_A1(SCMP_CMP_NE, 0, 0), AF_NETLINK, SOCK_RAW,
			protocol, step);
		_exit(holds_rights() ? r : ALL + 1);
	}
	ck_assert_int_eq(waitpid(pid, &r, 0), pid);
	ck_assert(WIFEXITED(r));
	return WEXITSTATUS(r);
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
	int held = rights_at(SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCGIFINDEX, 0), AF_PACKET,
		SOCK_RAW, 0, &step);
	ck_assert_int_eq(held, RAW | PORTS);
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
		SOCK_DGRAM, 0, &step);
	ck_assert_int_eq(held, PORTS);
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
	int held = rights_at(SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_VSOCK, 0), AF_VSOCK,
		SOCK_STREAM, 0, &step);
	ck_assert_int_eq(held, RAW | PORTS);
	ck_assert(holds_rights());
}
END_TEST

/* Else the kernel would tell a client what it tells the broker: the keys of a bond. And whatever a
 * message has the kernel bind, a low port is no matter of a right to send. */
START_TEST(who_asks_is_told_what_everybody_is)
{
	static const struct {
		int protocol, types[2];
		int rights;
	} cases[] = {{NETLINK_ROUTE, {RTM_GETLINK, RTM_GETADDR}, RAW},
		{NETLINK_ROUTE, {RTM_GETLINK, NLMSG_NOOP}, RAW},
		{NETLINK_ROUTE, {RTM_NEWADDR, RTM_GETADDR}, ADMIN | RAW},
		{NETLINK_ROUTE, {RTM_GETADDR, RTM_NEWADDR}, ADMIN | RAW},
		/* Whose rule is there to give the privileged answer. */
		{NETLINK_SOCK_DIAG, {SOCK_DIAG_BY_FAMILY, NLMSG_NOOP}, ADMIN | RAW}};

	if (!can_give_up("who_asks_is_told_what_everybody_is"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nlmsghdr messages[2] = {{.nlmsg_len = sizeof messages[0],
						       .nlmsg_type = (uint16_t)cases[i].types[0]},
			{.nlmsg_len = sizeof messages[0],
				.nlmsg_type = (uint16_t)cases[i].types[1]}};
		const struct wire_step step = {
			.kind = WIRE_STEP_SEND, .data = messages, .data_size = sizeof messages};

		ck_assert_int_eq(rights_at_send(cases[i].protocol, &step), (int)cases[i].rights);
	}
}
END_TEST

/* A socket of this type, with this one step. */
static const struct outcome *open_with(int domain, int type, const struct wire_step *step)
{
	static struct outcome outcome;
	const struct plan plan = {.fd = -1,
		.domain = domain,
		.type = type,
		.count = 1,
		.steps = step,
		.n_steps = 1,
		.netns_fd = -1};

	execute(&plan, &outcome);
	return &outcome;
}

/* The step on a socket that somebody has; the errno. */
static int apply(int fd, int domain, int protocol, const struct wire_step *step)
{
	static struct outcome outcome;
	const struct plan plan = {.fd = fd,
		.domain = domain,
		.protocol = protocol,
		.count = 1,
		.steps = step,
		.n_steps = 1,
		.netns_fd = -1};

	execute(&plan, &outcome);
	return outcome.error;
}

static bool waits(int fd)
{
	return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* Only the socket of a connection that is not there yet is given as one that does not wait. */
START_TEST(nobody_waits_for_a_connection)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in everybody = {.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_BROADCAST)};
	const struct wire_step step = {.kind = WIRE_STEP_CONNECT,
				       .address = &address,
				       .address_size = sizeof address},
			       refused = {.kind = WIRE_STEP_CONNECT,
				       .address = &everybody,
				       .address_size = sizeof everybody};
	socklen_t size = sizeof address;
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);

	const struct outcome *outcome = open_with(AF_INET, SOCK_STREAM, &step);
	ck_assert_int_eq(outcome->error, 0);
	ck_assert(outcome->connecting);
	ck_assert(!waits(outcome->fds[0]));
	close_quietly(outcome->fds[0]);

	for (int i = 0; i < 2; i++) {
		outcome = open_with(AF_INET, SOCK_DGRAM | (i ? SOCK_NONBLOCK : 0), &step);
		ck_assert_int_eq(outcome->error, 0);
		ck_assert(!outcome->connecting);
		ck_assert(waits(outcome->fds[0]) == !i);
		close_quietly(outcome->fds[0]);
	}

	outcome = open_with(AF_INET, SOCK_DGRAM, &refused);
	ck_assert_int_eq(outcome->error, EACCES);
	ck_assert_int_eq(outcome->step, 0);
	ck_assert(!outcome->connecting);
	ck_assert_uint_eq(outcome->n_fds, 0);
	ck_assert_uint_eq(outcome->n_failed_fds, 1);
	close_quietly(outcome->fds[0]);
}
END_TEST

START_TEST(a_send_waits_for_nobody_and_is_all_or_nothing)
{
	static const char bytes[64 * 1024];
	const int small = 4096;
	const struct wire_step byte = {.kind = WIRE_STEP_SEND, .data = bytes, .data_size = 1},
			       many = {.kind = WIRE_STEP_SEND,
				       .data = bytes,
				       .data_size = sizeof bytes};
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	ck_assert_int_eq(apply(pair[0], AF_UNIX, 0, &byte), 0);
	ck_assert_int_eq(apply(pair[0], AF_UNIX, 0, &many), EMSGSIZE);
	ck_assert_int_eq(apply(pair[0], AF_UNIX, 0, &many), EAGAIN);
	close_quietly(pair[0]);
	close_quietly(pair[1]);
}
END_TEST

/* The broker lives on; and no flag makes a connection of a message. */
START_TEST(a_send_without_a_connection_fails)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct wire_step step = {.kind = WIRE_STEP_SEND, .data = "x", .data_size = 1},
			       addressed = {.kind = WIRE_STEP_SEND,
				       .a = MSG_FASTOPEN,
				       .address = &address,
				       .address_size = sizeof address,
				       .data = "x",
				       .data_size = 1};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(apply(fd, AF_INET, IPPROTO_TCP, &step), EPIPE);
	ck_assert_int_eq(apply(fd, AF_INET, IPPROTO_TCP, &addressed), EPIPE);
}
END_TEST

/* The kernel, which the message was judged for, wherever its owner has connected the socket to. */
START_TEST(a_netlink_message_is_the_kernels)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	struct nlmsghdr message = {.nlmsg_len = sizeof message, .nlmsg_type = NLMSG_MIN_TYPE};
	const struct wire_step step = {
		.kind = WIRE_STEP_SEND, .data = &message, .data_size = sizeof message};
	socklen_t size = sizeof address;
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK),
			    other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(bind(other, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(getsockname(other, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(apply(fd, AF_NETLINK, NETLINK_USERSOCK, &step), ECONNREFUSED);
	ck_assert_int_eq(recv(other, &message, sizeof message, MSG_DONTWAIT), -1);
}
END_TEST

/* What a rule holds a CAN socket to, on a socket of another family: it is asked before any step. */
static const struct outcome *confine_by(
	const struct rule *rule, const struct wire_step *steps, size_t n)
{
	static struct outcome outcome;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct plan plan = {.fd = fd,
		.domain = AF_CAN,
		.type = SOCK_RAW,
		.protocol = CAN_RAW,
		.count = 1,
		.steps = steps,
		.n_steps = n,
		.netns_fd = -1,
		.limits = rule};

	ck_assert_int_ge(fd, 0);
	execute(&plan, &outcome);
	return &outcome;
}

START_TEST(what_a_socket_cannot_be_held_to_is_not_done)
{
	char nowhere[] = "no-such0", *names[] = {nowhere};
	const struct rule rule = {.has_interfaces = true, .interfaces = {names, 1}};
	const struct sockaddr_can address = {
		.can_family = AF_CAN, .can_ifindex = (int)if_nametoindex("lo")};
	const struct wire_step bind_step = {
		.kind = WIRE_STEP_BIND, .address = &address, .address_size = sizeof address};

	const struct outcome *outcome = confine_by(&rule, &bind_step, 1);
	ck_assert_int_eq(outcome->error, EPERM);
	ck_assert(outcome->denied);
	ck_assert_int_eq(outcome->step, 0);
	ck_assert_str_ne(outcome->why, "");
	/* That there is none of them is for the kernel to say. */
	outcome = confine_by(&rule, NULL, 0);
	ck_assert_int_eq(outcome->error, ENODEV);
	ck_assert(!outcome->denied);
	ck_assert_int_eq(outcome->step, -1);
}
END_TEST

START_TEST(an_interface_that_is_not_there_is_not_left_out)
{
	static struct outcome outcome;
	const struct plan plan = {.fd = -1,
		.domain = AF_INET,
		.type = SOCK_DGRAM,
		.count = 2,
		.netns_fd = -1,
		.device = "no-such0"};

	execute(&plan, &outcome);
	ck_assert_int_eq(outcome.error, ENODEV);
	ck_assert(!outcome.denied);
	ck_assert_uint_eq(outcome.n_fds, 0);
	ck_assert_uint_eq(outcome.n_failed_fds, 2);
	for (size_t i = 0; i < outcome.n_failed_fds; i++)
		close_quietly(outcome.fds[i]);
}
END_TEST

/* Whatever it is bound to, a socket that is on none of the rule's controllers sends nothing. */
START_TEST(a_socket_elsewhere_sends_nothing)
{
	static struct outcome outcome;
	static struct range any = {0, UINT16_MAX};
	static const struct ranges devices = {&any, 1};
	const struct wire_step step = {.kind = WIRE_STEP_SEND, .data = "x", .data_size = 1};
	char byte;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	const struct plan plan = {.fd = pair[0],
		.domain = AF_BLUETOOTH,
		.count = 1,
		.steps = &step,
		.n_steps = 1,
		.netns_fd = -1,
		.devices = &devices};
	execute(&plan, &outcome);
	ck_assert_int_eq(outcome.error, EXDEV);
	ck_assert(outcome.elsewhere);
	ck_assert_int_eq(recv(pair[1], &byte, sizeof byte, MSG_DONTWAIT), -1);
	close_quietly(pair[0]);
	close_quietly(pair[1]);
}
END_TEST

START_TEST(sockets_have_the_mark_of_the_rule)
{
	static struct outcome outcome;
	const struct plan plan = {.fd = -1,
		.domain = AF_INET,
		.type = SOCK_DGRAM,
		.count = 2,
		.netns_fd = -1,
		.has_mark = true,
		.mark = 7};

	if (!can_give_up("sockets_have_the_mark_of_the_rule"))
		return;
	execute(&plan, &outcome);
	ck_assert_int_eq(outcome.error, 0);
	ck_assert_uint_eq(outcome.n_fds, 2);
	for (size_t i = 0; i < outcome.n_fds; i++) {
		uint32_t mark = 0;
		socklen_t size = sizeof mark;

		ck_assert_int_eq(getsockopt(outcome.fds[i], SOL_SOCKET, SO_MARK, &mark, &size), 0);
		ck_assert_uint_eq(mark, 7);
		close_quietly(outcome.fds[i]);
	}
}
END_TEST

START_TEST(no_name_leads_out_of_the_folder_of_namespaces)
{
	static const char *const names[] = {
		"", ".", "..", "/", "a/b", "../../proc/self/ns/net", "/proc/self/ns/net"};
	char longest[512];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(netns_open_named(names[i]) == -EINVAL, "%s", names[i]);
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	ck_assert_int_eq(netns_open_named(longest), -ENAMETOOLONG);
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
	tcase_add_test(tests, nobody_waits_for_a_connection);
	tcase_add_test(tests, a_send_waits_for_nobody_and_is_all_or_nothing);
	tcase_add_test(tests, a_send_without_a_connection_fails);
	tcase_add_test(tests, a_netlink_message_is_the_kernels);
	tcase_add_test(tests, what_a_socket_cannot_be_held_to_is_not_done);
	tcase_add_test(tests, an_interface_that_is_not_there_is_not_left_out);
	tcase_add_test(tests, a_socket_elsewhere_sends_nothing);
	tcase_add_test(tests, sockets_have_the_mark_of_the_rule);
	tcase_add_test(tests, no_name_leads_out_of_the_folder_of_namespaces);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
