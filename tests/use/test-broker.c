/*
 * Sockets made and used through a real sockd, by a user without any capability: a server on a low
 * port, a connection from one, and a message to the kernel by each of the functions that send.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"
#include "tests/suite.h"

static const char policy[] =
	"{ \"rules\": ["
	"{ \"name\": \"ping\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\","
	"  \"type\": \"raw\", \"protocol\": \"icmp\" },"
	"{ \"name\": \"web\", \"peers\": { \"uid\": 65534 }, \"family\": [\"inet\", \"inet6\"],"
	"  \"type\": \"stream\", \"protocol\": \"tcp\", \"ports\": [80] },"
	"{ \"name\": \"links\", \"peers\": { \"uid\": 65534 }, \"family\": \"netlink\","
	"  \"protocol\": \"route\", \"messages\": [\"RTM_NEWLINK\"], \"interfaces\": [\"lo\"] }"
	"] }";

static struct broker broker;

static void setup(void)
{
	ck_assert_int_eq(broker_start_here(&broker, policy), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
}

static int64_t timeout_of(int fd)
{
	int64_t usec = -77;

	(void)sockd_gettimeout(fd, &usec);
	return usec;
}

static int low_ports(void *data _unused_)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;

	EXPECT(sockd_setdefaulttimeout(2000000) == 0);
	errno = 77;
	int server = sockd_create_server(AF_INET, "127.0.0.1", "80", SOCKD_BACKLOG, 0);
	EXPECT(server >= 0);
	EXPECT(errno == 77);
	EXPECT(fcntl(server, F_GETFD) == FD_CLOEXEC);
	EXPECT(timeout_of(server) == 2000000);
	int both = sockd_create_server(AF_INET6, "::1", "80", SOCKD_BACKLOG, 0);
	EXPECT(both >= 0);
	int refused = sockd_create_server(AF_INET, "127.0.0.1", "81", SOCKD_BACKLOG, 0);
	EXPECT(refused == -1 && errno == EACCES && *sockd_reason());
	EXPECT(sockd_lookup_error() == 0);

	int client = sockd_create_connection("127.0.0.1", "80", 1000000, "127.0.0.5", "80");
	EXPECT(client >= 0);
	EXPECT(timeout_of(client) == 1000000);
	int accepted = sockd_accept(server, (struct sockaddr *)&address, &size);
	EXPECT(accepted >= 0);
	EXPECT(((struct sockaddr_in *)&address)->sin_port == htons(80));
	refused = sockd_create_connection("127.0.0.1", "80", 1000000, "127.0.0.5", "79");
	EXPECT(refused == -1 && errno == EACCES);

	int raw = sockd_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	EXPECT(raw >= 0);
	EXPECT(fcntl(raw, F_GETFD) == FD_CLOEXEC);
	EXPECT(timeout_of(raw) == 2000000);
	raw = sockd_socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
	EXPECT(timeout_of(raw) == 0);
	return 0;
}

static struct {
	struct nlmsghdr head;
	struct ifinfomsg info;
} request = {
	.head = {.nlmsg_len = sizeof request,
		.nlmsg_type = RTM_NEWLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
	.info = {.ifi_change = IFF_UP, .ifi_flags = IFF_UP},
};

/* The kernel's answer to a message that only the broker may send. */
static int answer(int fd)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[512];
	} reply = {0};
	ssize_t n = sockd_recv(fd, &reply, sizeof reply, 0);

	if (n < (ssize_t)sizeof reply.head || reply.head.nlmsg_type != NLMSG_ERROR)
		return 1;
	return reply.error.error;
}

static int every_way_of_sending(void *data _unused_)
{
	_cleanup_(sockd_control_freep) struct sockd_control *control = sockd_control_new();
	int fd = sockd_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct iovec part = {&request, sizeof request};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	const ssize_t all = sizeof request;
	size_t sent = 0;

	EXPECT(sockd_settimeout(fd, 2000000) == 0);
	request.info.ifi_index = (int)if_nametoindex("lo");
	EXPECT(sockd_send(fd, &request, sizeof request, 0) == all);
	EXPECT(answer(fd) == 0);
	EXPECT(sockd_sendto(fd, &request, sizeof request, 0, NULL, 0) == all);
	EXPECT(answer(fd) == 0);
	EXPECT(sockd_sendmsg(fd, &message, 0) == all);
	EXPECT(answer(fd) == 0);
	EXPECT(sockd_sendall(fd, &request, sizeof request, 0, &sent) == 0);
	EXPECT(sent == sizeof request);
	EXPECT(answer(fd) == 0);
	EXPECT(sockd_control_attach(control, &message) == 0);
	EXPECT(sockd_sendmsg(fd, &message, 0) == all);
	EXPECT(answer(fd) == 0);
	/* What no rule allows is refused by the kernel, as ever. */
	request.info.ifi_index = 7777;
	EXPECT(sockd_sendall(fd, &request, sizeof request, 0, NULL) == 0);
	EXPECT(answer(fd) == -EPERM);
	return 0;
}

START_TEST(as_nobody)
{
	ck_assert_int_eq(run_as(CLIENT_UID, _i == 0 ? low_ports : every_way_of_sending, NULL), 0);
}
END_TEST

int main(void)
{
	if (geteuid() != 0) {
		puts("SKIP: needs root");
		return 77;
	}
	Suite *suite = suite_create("use-broker");
	TCase *tcase = tcase_create("broker");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, as_nobody, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
