/*
 * A real sockd and users who look for a way round its policy, or for a way to make others wait.
 */
#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/daemon/harness.h"
#include "tests/suite.h"
#include "tests/unit/netlink-message.h"

static const char policy[] =
	"{ \"limits\": { \"connections-per-user\": 8 }, \"rules\": ["
	"  { \"name\": \"udp\", \"peers\": \"any\", \"family\": \"inet\", \"type\": \"dgram\","
	"    \"protocol\": \"udp\" },"
	"  { \"name\": \"root\", \"peers\": { \"uid\": 0 }, \"family\": \"inet6\","
	"    \"type\": \"dgram\", \"protocol\": \"udp\" },"
	"  { \"name\": \"links\", \"peers\": \"any\", \"family\": \"netlink\","
	"    \"protocol\": \"route\", \"messages\": [\"RTM_NEWLINK\", \"RTM_NEWNSID\"],"
	"    \"netns\": \"peer\" },"
	"  { \"name\": \"firewall\", \"peers\": \"any\", \"family\": \"netlink\","
	"    \"protocol\": \"netfilter\", \"messages\": \"any\" }"
	"  ] }";

static struct broker broker;

static void setup(void)
{
	ck_assert_int_eq(harness_own_network(), 0);
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
}

/* What another user waits for an answer, the longest of some. */
static int64_t others_wait_usec(void)
{
	int64_t longest = 0;

	for (int i = 0; i < 5; i++) {
		int64_t before = now_usec();
		_cleanup_close_ int fd = client_greet(broker.socket);
		ck_assert_int_ge(fd, 0);
		longest = MAX_OF(longest, now_usec() - before);
	}
	return longest;
}

/* A connection whose other end never reads, with unsent data, and a close that waits for it. */
static int lingering_socket(int *ret_other)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 5};
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	char bytes[65536] = {0};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	EXPECT(listen(listener, 1) == 0);
	EXPECT(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	*ret_other = accept(listener, NULL, NULL);
	EXPECT(*ret_other >= 0);
	close(listener);
	/* Until nothing more drains to the other end. */
	for (int quiet = 0; quiet < 5; usleep(2000))
		quiet = send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0 ? 0 : quiet + 1;
	EXPECT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
	return fd;
}

static int ready[2], go[2];

static void tell_and_wait(void)
{
	char byte;
	EXPECT(write(ready[1], "", 1) == 1 && read(go[0], &byte, 1) == 1);
}

static int send_too_much_with_a_descriptor(void *data _unused_)
{
	static char bytes[WIRE_PACKET_MAX + 1000];
	int other, own = lingering_socket(&other);
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	tell_and_wait();
	EXPECT(client_send_raw(fd, bytes, sizeof bytes, &own, 1) == 0);
	close(own);
	tell_and_wait();
	return 0;
}

/* One connection more than may be, with a descriptor in its queue before sockd has accepted it;
 * where the kernel lets it (transport_pass_fds()). */
static int connect_once_too_often(void *data _unused_)
{
	int other, own = lingering_socket(&other), fd;

	for (int i = 0; i < 8; i++)
		EXPECT(client_greet(broker.socket) >= 0);
	tell_and_wait();
	fd = client_connect(broker.socket);
	EXPECT(fd >= 0);
	int r = client_send_raw(fd, "x", 1, &own, 1);
	EXPECT(r == 0 || r == -EPERM);
	close(own);
	tell_and_wait();
	return 0;
}

/* sockd is stopped from when the client tells for the first time until it tells again. The client
 * then waits to go on. */
static pid_t start_while_stopped(int (*client)(void *data))
{
	char byte;

	ck_assert(pipe(ready) == 0 && pipe(go) == 0);
	pid_t pid = fork_as(CLIENT_UID, client, NULL);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(broker.pid, SIGSTOP), 0);
	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(kill(broker.pid, SIGCONT), 0);
	return pid;
}

/* While sockd is stopped its client lets go of a socket that is slow to close: sockd's close is the
 * last. */
static void check_close_is_elsewhere(int (*client)(void *data))
{
	pid_t pid = start_while_stopped(client);

	usleep(100000);
	int64_t wait = others_wait_usec();
	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_msg(wait < 1000000, "another user waits %lld us", (long long)wait);
}

START_TEST(what_came_with_too_long_a_packet_is_not_closed_on_the_loop)
{
	check_close_is_elsewhere(send_too_much_with_a_descriptor);
}
END_TEST

START_TEST(a_refused_connection_is_not_closed_on_the_loop)
{
	check_close_is_elsewhere(connect_once_too_often);
}
END_TEST

/* Sends HELLO, and does not wait for the answer. */
static int connect_and_say_hello(void)
{
	static const struct wire_request hello = {.verb = WIRE_HELLO,
		.serial = 1,
		.hello = {.version_min = WIRE_VERSION, .version_max = WIRE_VERSION}};
	unsigned char packet[256];
	ssize_t size = wire_encode_request(&hello, packet, sizeof packet);
	int fd = client_connect(broker.socket);

	EXPECT(size > 0 && fd >= 0);
	EXPECT(client_send_raw(fd, packet, (size_t)size, NULL, 0) == 0);
	return fd;
}

/* It has all that it may have, and ends some of them for others, while sockd is stopped. */
static int reconnect_at_the_limit(void *data _unused_)
{
	struct client_reply reply;
	int fds[8];

	for (int i = 0; i < 8; i++) {
		fds[i] = client_greet(broker.socket);
		EXPECT(fds[i] >= 0);
	}
	tell_and_wait();
	close(fds[0]);
	close(fds[1]);
	fds[1] = connect_and_say_hello();
	tell_and_wait();
	EXPECT(client_receive(fds[1], &reply) == 0);
	EXPECT(reply.reply.answer.error == 0);
	/* And one too many is one too many. */
	fds[0] = client_greet(broker.socket);
	EXPECT(fds[0] >= 0);
	EXPECT(client_greet(broker.socket) < 0);
	return 0;
}

START_TEST(who_leaves_makes_room_at_once)
{
	pid_t pid = start_while_stopped(reconnect_at_the_limit);

	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

static int send_messages(int own, const struct buffer *b, struct client_reply *reply)
{
	static struct wire_request request;
	int fd = client_greet(broker.socket);

	EXPECT(own >= 0 && fd >= 0);
	request = (struct wire_request){.verb = WIRE_APPLY, .serial = 7, .n_steps = 1};
	request.steps[0] =
		(struct wire_step){.kind = WIRE_STEP_SEND, .data = b->bytes, .data_size = b->size};
	int r = client_call(fd, &request, &own, 1, reply);
	close(fd);
	return r;
}

static int send_message(struct buffer *b, struct client_reply *reply)
{
	_cleanup_close_ int own = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct nlmsghdr *header = (struct nlmsghdr *)b->bytes;

	header->nlmsg_len = (uint32_t)b->size;
	return send_messages(own, b, reply);
}

/* ip link add escape0 type ifb, in the namespace of another process. */
static int make_link_elsewhere(void *data _unused_)
{
	struct buffer b = {0};
	struct nlmsghdr header = {.nlmsg_type = RTM_NEWLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL};
	struct ifinfomsg link = {0};
	uint32_t pid = (uint32_t)broker.pid;
	struct client_reply reply;

	memcpy(b.bytes, &header, sizeof header);
	memcpy(b.bytes + sizeof header, &link, sizeof link);
	b.size = sizeof header + sizeof link;
	put(&b, IFLA_IFNAME, "escape0", 8);
	put(&b, IFLA_NET_NS_PID, &pid, sizeof pid);
	size_t info = put(&b, IFLA_LINKINFO, NULL, 0);
	put(&b, IFLA_INFO_KIND, "ifb", 3);
	end_nested(&b, info);
	EXPECT(send_message(&b, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPERM);
	EXPECT(strstr(reply.text, "another network namespace"));
	return 0;
}

static int from_a_container(int (*function)(void *data))
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(harness_own_network() < 0 ? 77 : run_as(CLIENT_UID, function, NULL));
	return wait_for(pid);
}

/* A rule for the peer's namespace is not a way out of it. */
START_TEST(no_link_in_another_namespace)
{
	int r = from_a_container(make_link_elsewhere);

	ck_assert_msg(if_nametoindex("escape0") == 0, "the container made a link in sockd's "
						      "network namespace");
	ck_assert_int_eq(r, 0);
}
END_TEST

static size_t start_netfilter(struct buffer *b, int type, int flags, int subsystem)
{
	struct nlmsghdr header = {
		.nlmsg_type = (uint16_t)type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};
	struct nfgenmsg family = {.nfgen_family = AF_INET, .res_id = htons((uint16_t)subsystem)};
	size_t at = b->size;

	memcpy(b->bytes + at, &header, sizeof header);
	memcpy(b->bytes + at + sizeof header, &family, sizeof family);
	b->size += sizeof header + sizeof family;
	return at;
}

/* A rule of nftables by a match of x_tables: a program that is told by its descriptor. */
static void put_program(struct buffer *b, int descriptor)
{
	const uint32_t revision = htonl(1);
	struct {
		uint16_t mode, instructions;
		int32_t descriptor;
		unsigned char rest[520];
	} program = {.mode = 2, .descriptor = descriptor};
	size_t list = put(b, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, NULL, 0);
	size_t first = put(b, NFTA_LIST_ELEM | NLA_F_NESTED, NULL, 0);

	put(b, NFTA_EXPR_NAME, "match", 6);
	size_t match = put(b, NFTA_EXPR_DATA | NLA_F_NESTED, NULL, 0);
	put(b, NFTA_MATCH_NAME, "bpf", 4);
	put(b, NFTA_MATCH_REV, &revision, sizeof revision);
	put(b, NFTA_MATCH_INFO, &program, sizeof program);
	end_nested(b, match);
	end_nested(b, first);
	end_nested(b, list);
}

static int name_a_descriptor(void *data _unused_)
{
	_cleanup_close_ int own = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	const int nftables = NFNL_SUBSYS_NFTABLES << 8;
	struct buffer b = {0};
	struct client_reply reply;

	finish(&b, start_netfilter(&b, NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES));
	size_t at = start_netfilter(&b, nftables | NFT_MSG_NEWTABLE, NLM_F_CREATE, 0);
	put(&b, NFTA_TABLE_NAME, "t", 2);
	finish(&b, at);
	at = start_netfilter(&b, nftables | NFT_MSG_NEWCHAIN, NLM_F_CREATE, 0);
	put(&b, NFTA_CHAIN_TABLE, "t", 2);
	put(&b, NFTA_CHAIN_NAME, "c", 2);
	finish(&b, at);
	at = start_netfilter(&b, nftables | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_ACK, 0);
	put(&b, NFTA_RULE_TABLE, "t", 2);
	put(&b, NFTA_RULE_CHAIN, "c", 2);
	put_program(&b, 0);
	finish(&b, at);
	finish(&b, start_netfilter(&b, NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES));

	EXPECT(send_messages(own, &b, &reply) == 0);
	/* Else the kernel tells of each number whether sockd has it: EINVAL, or EBADF. */
	ssize_t n = recv(own, b.bytes, sizeof b.bytes, MSG_DONTWAIT);
	EXPECT(n < 0);
	EXPECT(reply.reply.answer.error == EPERM);
	EXPECT(strstr(reply.text, "descriptor"));
	return 0;
}

/* What a number means to sockd nobody learns. */
START_TEST(no_descriptor_of_sockds_is_named)
{
	ck_assert_int_eq(run_as(CLIENT_UID, name_a_descriptor, NULL), 0);
}
END_TEST

static int release_again_and_again(void *data _unused_)
{
	static struct wire_request request;
	struct client_reply reply;
	struct rlimit limit;
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	/* It keeps 3750 descriptors; an ordinary login may have 1024. */
	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (int i = 0; i < 15; i++) {
		request_open(&request, AF_INET, SOCK_DGRAM, 0, 250);
		EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
		EXPECT(reply.n_fds == 250);
	}
	request = (struct wire_request){.verb = WIRE_RELEASE, .grant = 1};
	for (int64_t end = now_usec() + 2000000; now_usec() < end;)
		EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* What every second of another's requests takes at most. */
static int64_t others_median_usec(void)
{
	static struct wire_request request;
	int64_t times[101];
	struct client_reply reply;
	_cleanup_close_ int fd = client_greet(broker.socket);

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		request_open(&request, AF_INET, SOCK_DGRAM, 0, 1);
		int64_t before = now_usec();
		ck_assert_int_eq(client_call(fd, &request, NULL, 0, &reply), 0);
		times[i] = now_usec() - before;
		client_close_fds(&reply);
		usleep(5000);
	}
	qsort(times, ARRAY_SIZE(times), sizeof times[0], compare);
	return times[ARRAY_SIZE(times) / 2];
}

/* As busy as the others, with nothing that is work for the loop. */
static int greet_again_and_again(void *data _unused_)
{
	struct wire_request request = {
		.verb = WIRE_HELLO, .hello = {.version_min = 1, .version_max = WIRE_VERSION}};
	struct client_reply reply;
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	for (int64_t end = now_usec() + 2000000; now_usec() < end;)
		EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	return 0;
}

static int64_t others_beside(int (*function)(void *data))
{
	pid_t pid = fork_as(CLIENT_UID, function, NULL);

	usleep(500000);
	int64_t median = others_median_usec();
	ck_assert_int_eq(wait_for(pid), 0);
	return median;
}

/* The attack may cost another client so many times what a harmless one as busy costs it. */
static void expect_little_harm(int (*attack)(void *data), int64_t times)
{
	int64_t harmless = others_beside(greet_again_and_again);
	int64_t harmed = others_beside(attack);

	ck_assert_msg(harmed < times * harmless,
		"another's open takes %lld us, beside a harmless "
		"client %lld us",
		(long long)harmed, (long long)harmless);
}

START_TEST(many_releases_do_not_slow_others)
{
	expect_little_harm(release_again_and_again, 15);
}
END_TEST

static int open_with_long_filters(void *data _unused_)
{
	static struct wire_request request;
	static struct sock_filter filter[WIRE_FILTER_MAX];
	struct client_reply reply;
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	for (size_t i = 0; i < WIRE_FILTER_MAX; i++)
		filter[i] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, (unsigned)i);
	filter[WIRE_FILTER_MAX - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	for (int64_t end = now_usec() + 2000000; now_usec() < end;) {
		request_open(&request, AF_INET, SOCK_DGRAM, 0, 253);
		request.n_steps = 1;
		request.steps[0] = (struct wire_step){
			.kind = WIRE_STEP_FILTER, .data = filter, .data_size = sizeof filter};
		EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
		client_close_fds(&reply);
	}
	return 0;
}

START_TEST(long_filters_do_not_slow_others)
{
	expect_little_harm(open_with_long_filters, 100);
}
END_TEST

/* Who connected as another one must not go on as that one, not even if it never spoke before. */
static int drop_before_the_first_word(void)
{
	static struct wire_request request;
	struct client_reply reply;
	int fd = client_connect(broker.socket);

	EXPECT(fd >= 0);
	EXPECT(setresgid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	EXPECT(setresuid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	request = (struct wire_request){
		.verb = WIRE_HELLO, .hello = {.version_min = 1, .version_max = WIRE_VERSION}};
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	request_open(&request, AF_INET6, SOCK_DGRAM, 0, 1);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(reply.n_fds == 0);
	EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_STALE);
	return 0;
}

START_TEST(credentials_dropped_before_the_first_request)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(drop_before_the_first_word());
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

/* What a setuid program may ask for as long as it is one. */
static int open_as_root(int fd, struct client_reply *reply)
{
	static struct wire_request request;

	request_open(&request, AF_INET6, SOCK_DGRAM, 0, 1);
	EXPECT(client_call(fd, &request, NULL, 0, reply) == 0);
	client_close_fds(reply);
	return reply->reply.answer.error;
}

static int drop_between_two_requests(void)
{
	struct client_reply reply;

	EXPECT(setresgid(CLIENT_UID, 0, 0) == 0 && setresuid(CLIENT_UID, 0, 0) == 0);
	/* As the kernel has it after exec. */
	EXPECT(prctl(PR_SET_DUMPABLE, 0) == 0);
	int fd = client_greet(broker.socket);
	EXPECT(fd >= 0);
	EXPECT(open_as_root(fd, &reply) == 0);
	EXPECT(open_as_root(fd, &reply) == 0);
	EXPECT(setresgid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	EXPECT(setresuid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	EXPECT(open_as_root(fd, &reply) != 0);
	EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_STALE);
	return 0;
}

/* Messages tell the real ids, which such a program does not change when it gives up its rights. */
START_TEST(a_setuid_program_gives_up_its_rights)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(drop_between_two_requests());
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

#define STRANGERS 64

/* Connects as an administrator does, and says nothing. */
static int fill_management(void *data _unused_)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, broker.management, sizeof broker.management);
	for (int i = 0; i < STRANGERS; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		EXPECT(fd >= 0);
		EXPECT(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	}
	tell_and_wait();
	return 0;
}

START_TEST(administrators_are_answered_beside_strangers)
{
	char byte;

	/* Whatever the mode of the file is, they are told no more than that. */
	ck_assert_int_eq(chmod(broker.management, 0666), 0);
	ck_assert(pipe(ready) == 0 && pipe(go) == 0);
	pid_t pid = fork_as(CLIENT_UID, fill_management, NULL);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	_cleanup_free_ char *answer = broker_ask(&broker, "{\"verb\":\"status\"}");
	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_ptr_nonnull(answer);
	ck_assert_ptr_nonnull(strstr(answer, "\"ok\":true"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attack");
	TCase *tests = tcase_create("attack");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, what_came_with_too_long_a_packet_is_not_closed_on_the_loop);
	tcase_add_test(tests, a_refused_connection_is_not_closed_on_the_loop);
	tcase_add_test(tests, who_leaves_makes_room_at_once);
	tcase_add_test(tests, no_link_in_another_namespace);
	tcase_add_test(tests, no_descriptor_of_sockds_is_named);
	tcase_add_test(tests, many_releases_do_not_slow_others);
	tcase_add_test(tests, long_filters_do_not_slow_others);
	tcase_add_test(tests, credentials_dropped_before_the_first_request);
	tcase_add_test(tests, a_setuid_program_gives_up_its_rights);
	tcase_add_test(tests, administrators_are_answered_beside_strangers);
	suite_add_tcase(suite, tests);
	return suite_run_as_root(suite);
}
