/*
 * The way round: an unprivileged process is refused by the kernel, what it needed is learnt, a real
 * sockd gets that policy, and then the same calls go through and their neighbours do not.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "client/run/learn.h"
#include "lib/sockd.h"
#include "proto/address.h"
#include "proto/constants.h"
#include "proto/macro.h"
#include "tests/daemon/hostile.h"

#define MTU 1400

struct act {
	int domain, type, protocol;
	const char *bind, *option, *link;
	int value;	    /* of the option */
	const char *device; /* SO_BINDTODEVICE, where another one was set before */
};

#define TCP AF_INET, SOCK_STREAM, 0
#define UDP AF_INET, SOCK_DGRAM, 0

static const struct act needed[] = {
	{AF_INET, SOCK_RAW, IPPROTO_ICMP, .value = 0},
	{AF_PACKET, SOCK_RAW, 0, .value = 0},
	{TCP, .bind = "127.0.0.1:80"},
	{AF_INET6, SOCK_STREAM, 0, .bind = "[::1]:443"},
	{AF_INET6, SOCK_DGRAM, 0, .bind = "[::ffff:127.0.0.1]:53"},
	{UDP, .option = "SO_MARK", .value = 5},
	{UDP, .device = "one"},
	{AF_UNIX, SOCK_DGRAM, 0, .option = "SO_SNDBUFFORCE", .value = 8388608},
	{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, .link = "one"},
	{AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, .option = "NETLINK_ADD_MEMBERSHIP", .value = 7},
};

static const struct act neighbours[] = {
	{AF_INET, SOCK_RAW, IPPROTO_UDP, .value = 0},
	{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, .value = 0},
	{AF_PACKET, SOCK_DGRAM, 0, .value = 0},
	{TCP, .bind = "127.0.0.1:81"},
	{TCP, .bind = "127.0.0.2:80"},
	{TCP, .bind = "*:80"},
	{UDP, .bind = "127.0.0.1:80"},
	{AF_INET6, SOCK_STREAM, 0, .bind = "[::1]:80"},
	{AF_INET6, SOCK_STREAM, 0, .bind = "[*]:443"},
	{AF_INET6, SOCK_DGRAM, 0, .bind = "[::ffff:127.0.0.2]:53"},
	{UDP, .option = "SO_MARK", .value = 6},
	{TCP, .option = "SO_MARK", .value = 5},
	{UDP, .option = "SO_RCVBUFFORCE", .value = 5},
	{UDP, .device = "two"},
	{AF_UNIX, SOCK_DGRAM, 0, .option = "SO_SNDBUFFORCE", .value = 8388609},
	{AF_UNIX, SOCK_STREAM, 0, .option = "SO_SNDBUFFORCE", .value = 8388608},
	{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, .link = "two"},
	{AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, .option = "NETLINK_ADD_MEMBERSHIP", .value = 1},
};

struct mtu_message {
	struct nlmsghdr head;
	struct ifinfomsg body;
	struct nlattr name_head;
	char name[4];
	struct nlattr mtu_head;
	uint32_t mtu;
};

static void make_message(const char *link, struct mtu_message *ret)
{
	*ret = (struct mtu_message){
		.head = {.nlmsg_len = sizeof *ret,
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.name_head = {.nla_len = sizeof(struct nlattr) + 4, .nla_type = IFLA_IFNAME},
		.mtu_head = {.nla_len = sizeof(struct nlattr) + 4, .nla_type = IFLA_MTU},
		.mtu = MTU,
	};
	memcpy(ret->name, link, 4);
}

static int send_message(int fd, const struct wire_step *step)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		unsigned char rest[256];
	} answer;

	if (sockd_sendto(fd, step->data, step->data_size, 0, NULL, 0) < 0)
		return errno;
	ssize_t n = recv(fd, &answer, sizeof answer, 0);
	EXPECT(n >= (ssize_t)(sizeof answer.head + sizeof answer.error));
	return -answer.error.error;
}

/* Does it through the library. Returns 0 or an errno. */
static int do_step(int fd, const struct wire_step *step)
{
	int r = 0;

	switch (step->kind) {
	case WIRE_STEP_BIND:
		r = sockd_bind(fd, step->address, (socklen_t)step->address_size);
		break;
	case WIRE_STEP_OPTION:
		r = sockd_setsockopt(fd, step->a, step->b, step->data, (socklen_t)step->data_size);
		break;
	default:
		return send_message(fd, step);
	}
	return r < 0 ? errno : 0;
}

struct material {
	struct sockaddr_storage address;
	struct mtu_message message;
};

static struct wire_step make_step(const struct act *act, struct material *material)
{
	struct wire_step step = {.kind = WIRE_STEP_OPTION};

	if (act->bind) {
		socklen_t size;
		EXPECT(address_parse(act->domain, act->bind, &material->address, &size) == 0);
		step.kind = WIRE_STEP_BIND;
		step.address = &material->address;
		step.address_size = size;
	} else if (act->link) {
		make_message(act->link, &material->message);
		step.kind = WIRE_STEP_SEND;
		step.data = &material->message;
		step.data_size = sizeof material->message;
	} else if (act->option) {
		const struct option_info *info = option_by_name(act->option);
		EXPECT(info != NULL);
		step.a = info->level;
		step.b = info->option;
		step.data = &act->value;
		step.data_size = sizeof act->value;
	} else {
		step.a = SOL_SOCKET;
		step.b = SO_BINDTODEVICE;
		step.data = act->device;
		step.data_size = strlen(act->device);
	}
	return step;
}

/* Returns 0 or an errno; what was refused is learnt. */
static int perform(const struct act *act, struct learn *learn)
{
	bool is_socket = !act->bind && !act->link && !act->option && !act->device;
	_cleanup_close_ int fd = is_socket ? sockd_socket(act->domain, act->type, act->protocol)
					   : socket(act->domain, act->type, act->protocol);
	struct material material;
	struct wire_step step;
	int error = fd < 0 ? errno : 0;

	EXPECT(is_socket || fd >= 0);
	if (!is_socket) {
		/* A first device may be set by everyone. */
		if (act->device)
			EXPECT(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0);
		step = make_step(act, &material);
		error = do_step(fd, &step);
	}
	if (learn && error != 0) {
		const struct learn_call call = {
			.kind = is_socket			? LEARN_SOCKET
				: step.kind == WIRE_STEP_BIND	? LEARN_BIND
				: step.kind == WIRE_STEP_OPTION ? LEARN_OPTION
								: LEARN_SEND,
			.domain = act->domain,
			.type = act->type,
			.protocol = act->protocol,
			.step = is_socket ? NULL : &step,
			.pid = getpid(),
			.program = "test-learnt",
			.reason = sockd_reason(),
			.fd = fd > 0 ? fd : 0,
		};
		EXPECT(learn_add(learn, &call) == 0);
	}
	return error;
}

static char directory[] = "/tmp/sockd-learnt-XXXXXX";

static int learn_as_client(void *data _unused_)
{
	char path[64];
	struct learn *learn = NULL;

	snprintf(path, sizeof path, "%s/learnt.json", directory);
	EXPECT(setenv("SOCKD_SOCKET", "/nowhere/at/all", 1) == 0);
	/* Run by run, as where each refusal ends the program. */
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		EXPECT(learn_open(path, CLIENT_UID, &learn) == 0);
		int error = perform(&needed[i], learn);
		errno = error;
		EXPECT(error == EPERM || error == EACCES);
		EXPECT(learn_write(learn) == 0);
		learn_free(learn);
	}
	return 0;
}

static int expect_given(void *data)
{
	bool given = *(const bool *)data;

	EXPECT(setenv("SOCKD_SOCKET", broker.socket, 1) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		int error = perform(&needed[i], NULL);
		if ((error == 0) != given)
			fprintf(stderr, "needed call %zu: %s: %s\n", i, strerror(error),
				sockd_reason());
		EXPECT((error == 0) == given);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neighbours); i++) {
		int error = perform(&neighbours[i], NULL);
		if (error != EPERM && error != EACCES)
			fprintf(stderr, "neighbour %zu: %s\n", i, strerror(error));
		EXPECT(error == EPERM || error == EACCES);
	}
	return 0;
}

static int mtu_of(const char *name)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	memcpy(request.ifr_name, name, strlen(name));
	ck_assert_int_eq(ioctl(fd, SIOCGIFMTU, &request), 0);
	return request.ifr_mtu;
}

START_TEST(what_was_learnt_is_enough_and_no_more)
{
	char path[64];
	bool given = true;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chmod(directory, 0777), 0);
	ck_assert_int_eq(system("ip link add one type veth peer name two"), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, learn_as_client, NULL), 0);
	snprintf(path, sizeof path, "%s/learnt.json", directory);
	_cleanup_free_ char *policy = read_text(path);
	ck_assert_ptr_nonnull(policy);

	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
	ck_assert_int_ne(mtu_of("one"), MTU);
	int status = run_as(CLIENT_UID, expect_given, &given);
	ck_assert_msg(status == 0, "with this policy:\n%s", policy);
	ck_assert_int_eq(mtu_of("one"), MTU);
	ck_assert_int_ne(mtu_of("two"), MTU);
	given = false;
	ck_assert_int_eq(run_as(OTHER_UID, expect_given, &given), 0);
	ck_assert_int_eq(broker_stop(&broker), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("learnt");
	TCase *tcase = tcase_create("learnt");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_was_learnt_is_enough_and_no_more);
	suite_add_tcase(suite, tcase);
	return hostile_main(suite);
}
