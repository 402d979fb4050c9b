/*
 * What the store and tickets tell and give to those whom the policy gives nothing: common names,
 * sockets that are not what they seem, and descriptors that hang.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"
#include "tests/suite.h"

#define THIRD_UID 65532
#define FETCHER_UID 65531
#define LLDP 0x88cc

static const char policy[] =
	"{ \"limits\": { \"requests-in-work-per-user\": 8 }, \"rules\": [\n"
	"  { \"name\": \"meet\", \"peers\": { \"uid\": [65534, 65533] }, \"family\": \"inet\",\n"
	"    \"type\": \"stream\", \"actions\": [\"store\", \"fetch\"], \"names\": \"meet\",\n"
	"    \"common\": true },\n"
	"  { \"name\": \"meet-by-datagram\", \"peers\": { \"uid\": 65532 }, \"family\": \"inet\",\n"
	"    \"type\": \"dgram\", \"actions\": [\"store\", \"fetch\"], \"names\": \"meet\",\n"
	"    \"common\": true },\n"
	"  { \"name\": \"meet-by-fetching\", \"peers\": { \"uid\": 65531 }, \"family\": \"inet\",\n"
	"    \"actions\": \"fetch\", \"names\": \"meet\", \"common\": true },\n"
	"  { \"name\": \"share\", \"peers\": { \"uid\": [0, 65534, 65533] },\n"
	"    \"family\": [\"inet\", \"inet6\", \"packet\"], \"actions\": [\"share\", \"receive\"] "
	"},\n"
	"  { \"name\": \"third\", \"peers\": { \"uid\": 65532 }, \"family\": \"inet6\",\n"
	"    \"actions\": [\"receive\"] },\n"
	"  { \"name\": \"no-lldp\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
	"\"packet\",\n"
	"    \"protocol\": 35020, \"actions\": [\"share\", \"receive\"] } ] }\n";

static struct broker broker;
static char *ticket;	    /* in memory that all processes of a test have */
static volatile char *step; /* behind it */

static void share_memory(void)
{
	ticket = mmap(NULL, SOCKD_TICKET_SIZE + 1, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(ticket, MAP_FAILED);
	step = ticket + SOCKD_TICKET_SIZE;
}

static void setup(void)
{
	share_memory();
	ck_assert_int_eq(harness_own_network(), 0);
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
	(void)setenv("SOCKD_SOCKET", broker.socket, 1);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
}

static int new_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	EXPECT(fd >= 0);
	return fd;
}

#define REFUSED(error_, call) \
	do { \
		errno = 0; \
		EXPECT((call) == -1); \
		EXPECT(errno == (error_)); \
	} while (0)

/* --- common names --- */

static int store_common(void *data _unused_)
{
	EXPECT(sockd_store(new_socket(AF_INET, SOCK_STREAM, 0), "meet", 0, SOCKD_COMMON) == 0);
	return 0;
}

static int is_there(void *data _unused_)
{
	EXPECT(sockd_fetch("meet", SOCKD_COMMON) >= 0);
	return 0;
}

/* May store neither kind of socket under it. */
static int ask_whether_it_is_there(void *data _unused_)
{
	int fd = new_socket(AF_INET, SOCK_STREAM, 0);

	REFUSED(EACCES, sockd_store(fd, "meet", 0, SOCKD_COMMON | SOCKD_NEW));
	return 0;
}

START_TEST(a_common_name_is_not_told_of_to_those_who_may_not_have_it)
{
	ck_assert_int_eq(run_as(THIRD_UID, ask_whether_it_is_there, NULL), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, store_common, NULL), 0);
	ck_assert_int_eq(run_as(THIRD_UID, ask_whether_it_is_there, NULL), 0);
}
END_TEST

/* Its rule gives it the name, but not for what is there. */
static int push_out(void *data _unused_)
{
	int fd = new_socket(AF_INET, SOCK_DGRAM, 0);

	REFUSED(ENOENT, sockd_forget("meet", SOCKD_COMMON));
	REFUSED(EACCES, sockd_store(fd, "meet", 0, SOCKD_COMMON));
	return 0;
}

START_TEST(what_may_not_be_forgotten_is_not_replaced)
{
	ck_assert_int_eq(run_as(CLIENT_UID, store_common, NULL), 0);
	ck_assert_int_eq(run_as(THIRD_UID, push_out, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, is_there, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, store_common, NULL), 0);
}
END_TEST

static int take_away(void *data _unused_)
{
	EXPECT(sockd_fetch("meet", SOCKD_COMMON) >= 0);
	REFUSED(EACCES, sockd_fetch("meet", SOCKD_COMMON | SOCKD_TAKE));
	EXPECT(strstr(sockd_reason(), "store inet stream"));
	return 0;
}

static int take_as_one_may(void *data _unused_)
{
	EXPECT(sockd_fetch("meet", SOCKD_COMMON | SOCKD_TAKE) >= 0);
	REFUSED(ENOENT, sockd_fetch("meet", SOCKD_COMMON));
	return 0;
}

START_TEST(what_may_not_be_forgotten_is_not_taken_away)
{
	ck_assert_int_eq(run_as(CLIENT_UID, store_common, NULL), 0);
	ck_assert_int_eq(run_as(FETCHER_UID, take_away, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, take_as_one_may, NULL), 0);
}
END_TEST

/* --- what a socket is --- */

static int share_packets(void *data _unused_)
{
	int lldp = new_socket(AF_PACKET, SOCK_RAW, htons(LLDP));
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(LLDP)};
	char other[SOCKD_TICKET_SIZE];

	REFUSED(EACCES, sockd_share(lldp, SOCKD_FOR_ANYONE, 0, 0, other, sizeof other));
	EXPECT(strstr(sockd_reason(), "no-lldp"));
	int fd = new_socket(AF_PACKET, SOCK_RAW, htons(0x88b5));
	EXPECT(sockd_share(fd, SOCKD_FOR_ANYONE, 0, 0, ticket, SOCKD_TICKET_SIZE) == 0);
	/* Another one afterwards. */
	EXPECT(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	REFUSED(EACCES, sockd_fromshare(ticket));
	EXPECT(strstr(sockd_reason(), "no-lldp"));
	address.sll_protocol = htons(0x88b5);
	EXPECT(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(sockd_fromshare(ticket) >= 0);
	return 0;
}

START_TEST(a_packet_socket_is_of_the_protocol_that_it_is_bound_to)
{
	ck_assert_int_eq(run_as(0, share_packets, NULL), 0);
}
END_TEST

/* Makes an IPv4 socket of one of IPv6, of which the ticket is already given. */
static int share_and_change(void *data _unused_)
{
	struct sockaddr_in there = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
	socklen_t size = sizeof there;
	int listening = new_socket(AF_INET, SOCK_STREAM, 0), family = AF_INET;
	int fd = new_socket(AF_INET6, SOCK_STREAM, 0);

	EXPECT(bind(listening, (struct sockaddr *)&there, size) == 0 && listen(listening, 1) == 0);
	EXPECT(getsockname(listening, (struct sockaddr *)&there, &size) == 0);
	EXPECT(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr) == 1);
	mapped.sin6_port = there.sin_port;
	EXPECT(connect(fd, (struct sockaddr *)&mapped, sizeof mapped) == 0);
	EXPECT(sockd_share(fd, SOCKD_FOR_ANYONE, 0, 0, ticket, SOCKD_TICKET_SIZE) == 0);
	EXPECT(setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &family, sizeof family) == 0);
	return 0;
}

static int may_not_receive_ipv4(void *data _unused_)
{
	REFUSED(EACCES, sockd_fromshare(ticket));
	EXPECT(strstr(sockd_reason(), "inet stream"));
	return 0;
}

START_TEST(a_socket_is_judged_as_it_is_when_it_is_handed_out)
{
	ck_assert_int_eq(run_as(CLIENT_UID, share_and_change, NULL), 0);
	ck_assert_int_eq(run_as(THIRD_UID, may_not_receive_ipv4, NULL), 0);
}
END_TEST

/* --- descriptors that hang --- */

/* A file system of one file, of which no close comes back while this runs. */
static int serve_file(int device, int end)
{
	static unsigned char buffer[FUSE_MIN_READ_BUFFER * 4];
	const struct fuse_in_header *in = (const void *)buffer;
	struct pollfd wait[] = {{.fd = device, .events = POLLIN}, {.fd = end, .events = POLLIN}};
	struct {
		struct fuse_out_header head;
		union {
			struct fuse_init_out init;
			struct fuse_attr_out attr;
			struct fuse_open_out open;
		};
	} out;

	while (poll(wait, 2, -1) > 0 && wait[1].revents == 0) {
		if (read(device, buffer, sizeof buffer) < (ssize_t)sizeof *in)
			continue;
		memset(&out, 0, sizeof out);
		out.head = (struct fuse_out_header){sizeof out.head, 0, in->unique};
		switch (in->opcode) {
		case FUSE_INIT:
			out.init = (struct fuse_init_out){.major = FUSE_KERNEL_VERSION,
				.minor = FUSE_KERNEL_MINOR_VERSION,
				.max_write = 4096};
			out.head.len += sizeof out.init;
			break;
		case FUSE_GETATTR:
			out.attr.attr =
				(struct fuse_attr){.ino = 1, .mode = S_IFREG | 0666, .nlink = 1};
			out.head.len += sizeof out.attr;
			break;
		case FUSE_OPEN:
			out.head.len += sizeof out.open;
			break;
		default:
			continue;
		}
		if (write(device, &out, out.head.len) < 0)
			return 1;
	}
	return 0;
}

/* The file, opened, and what to close so that all its closes come back; -1: no such here. */
static int open_hanging_file(int *ret_end)
{
	char options[100], path[BROKER_PATH_MAX];
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC), end[2];

	snprintf(path, sizeof path, "%s/hangs", broker.directory);
	snprintf(options, sizeof options, "fd=%d,rootmode=100666,user_id=%d,group_id=%d", device,
		CLIENT_UID, CLIENT_UID);
	EXPECT(pipe2(end, O_CLOEXEC) == 0);
	int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	EXPECT(file >= 0 && close(file) == 0);
	if (device < 0 || unshare(CLONE_NEWNS) < 0 ||
		mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0 ||
		mount("hangs", path, "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		return -1;
	pid_t pid = fork();
	EXPECT(pid >= 0);
	if (pid == 0) {
		(void)close(end[1]);
		_exit(serve_file(device, end[0]));
	}
	EXPECT(close(device) == 0 && close(end[0]) == 0);
	EXPECT(setresgid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	EXPECT(setresuid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	*ret_end = end[1];
	return open(path, O_RDWR | O_CLOEXEC);
}

#define HANGING_MAX 8

/* One at a time, so that each has a thread of its own to hang. */
static int send_what_hangs(void *data _unused_)
{
	static const struct wire_request share = {
		.verb = WIRE_SHARE, .share = {.lifetime_usec = 1000000}};
	const struct timeval patience = {.tv_usec = 300000}, ever = {.tv_sec = 30};
	struct client_reply reply;
	int end = -1, file = open_hanging_file(&end), n = 0;
	int fd = client_connect(broker.socket);

	if (file < 0)
		return 77;
	EXPECT(fd >= 0);
	EXPECT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ever, sizeof ever) == 0);
	while (n < 70 && client_call(fd, &share, &file, 1, &reply) == 0) {
		EXPECT(reply.reply.answer.error != 0);
		(void)usleep(55000);
		/* As many as it may have in work: the next one is not answered. */
		if (++n == HANGING_MAX)
			EXPECT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				       sizeof patience) == 0);
	}
	*step = 1;
	while (*step == 1)
		(void)usleep(10000);
	(void)close(end);
	EXPECT(n == HANGING_MAX);
	/* It is listened to again. */
	EXPECT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ever, sizeof ever) == 0);
	EXPECT(client_receive(fd, &reply) == 0);
	return 0;
}

static int share_and_leave(void *data _unused_)
{
	char unused[SOCKD_TICKET_SIZE];

	for (int i = 0; i < 20; i++) {
		int fd = new_socket(AF_INET, SOCK_DGRAM, 0);
		EXPECT(sockd_share(fd, SOCKD_FOR_ANYONE, 0, 1, unused, sizeof unused) == 0);
		(void)close(fd);
	}
	return 0;
}

/* Waits until the broker has so many descriptors. Returns how many it has. */
static size_t fds_settled(size_t wanted)
{
	size_t n = count_fds_of(broker.pid);

	for (int i = 0; i < 1000 && n != wanted; i++) {
		(void)usleep(10000);
		n = count_fds_of(broker.pid);
	}
	return n;
}

START_TEST(whose_descriptors_hang_waits_alone)
{
	/* Once for all that it opens when first needed. */
	ck_assert_int_eq(run_as(OTHER_UID, share_and_leave, NULL), 0);
	(void)usleep(100000);
	size_t before = count_fds_of(broker.pid);
	*step = 0;
	pid_t hostile = fork_as(0, send_what_hangs, NULL);
	int status;

	while (*step == 0 && waitpid(hostile, &status, WNOHANG) == 0)
		(void)usleep(10000);
	if (*step == 0) {
		ck_assert_int_eq(WEXITSTATUS(status), 77);
		puts("SKIP: no file system can be made here that hangs");
		return;
	}
	size_t meanwhile = count_fds_of(broker.pid);
	int others = run_as(OTHER_UID, share_and_leave, NULL);
	size_t after = fds_settled(meanwhile);
	*step = 2;
	ck_assert_int_eq(wait_for(hostile), 0);
	ck_assert_int_eq(others, 0);
	ck_assert_uint_eq(after, meanwhile);
	ck_assert_uint_eq(fds_settled(before), before);
}
END_TEST

/* --- a broker in a container --- */

static void write_text(pid_t pid, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static int share_with_root(void *data _unused_)
{
	EXPECT(sockd_share(new_socket(AF_INET, SOCK_STREAM, 0), SOCKD_FOR_USER, 0, 0, ticket,
		       SOCKD_TICKET_SIZE) == 0);
	return 0;
}

static int is_for_another(void *data _unused_)
{
	REFUSED(ENOENT, sockd_fromshare(ticket));
	return 0;
}

static int is_for_me(void *data _unused_)
{
	EXPECT(sockd_fromshare(ticket) >= 0);
	return 0;
}

static int broker_in_container(void *data _unused_)
{
	char found[4096], program[64];
	const char *path = broker_find_program(found, sizeof found);
	int fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;

	/* The folders that it lies in may be closed to who is not root of them all. */
	EXPECT(fd >= 0);
	snprintf(program, sizeof program, "/proc/self/fd/%d", fd);
	if (unshare(CLONE_NEWUSER) < 0)
		return 77;
	*step = 1;
	while (*step == 1)
		(void)usleep(1000);
	EXPECT(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
	EXPECT(harness_own_network() == 0);
	EXPECT(broker_start(&broker, program, policy) == 0);
	(void)setenv("SOCKD_SOCKET", broker.socket, 1);
	/* CLIENT_UID is what those are called here who are in no map. */
	int given = run_as(OTHER_UID, share_with_root, NULL);
	int other = run_as(OTHER_UID, is_for_another, NULL), root = run_as(0, is_for_me, NULL);
	EXPECT(broker_stop(&broker) == 0);
	EXPECT(given == 0 && other == 0 && root == 0);
	return 0;
}

/* As in a container of an ordinary user's: that user is its root. */
START_TEST(a_user_is_one_of_the_brokers_own_namespace)
{
	static const char map[] = "0 65533 1\n1 100000 65536\n";
	int status;

	share_memory();
	pid_t pid = fork_as(0, broker_in_container, NULL);
	while (*step == 0 && waitpid(pid, &status, WNOHANG) == 0)
		(void)usleep(1000);
	if (*step == 0) {
		ck_assert_int_eq(WEXITSTATUS(status), 77);
		puts("SKIP: no user namespace can be made here");
		return;
	}
	write_text(pid, "uid_map", map);
	write_text(pid, "gid_map", map);
	*step = 2;
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keep-strangers");
	TCase *tests = tcase_create("keep-strangers");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_common_name_is_not_told_of_to_those_who_may_not_have_it);
	tcase_add_test(tests, what_may_not_be_forgotten_is_not_replaced);
	tcase_add_test(tests, what_may_not_be_forgotten_is_not_taken_away);
	tcase_add_test(tests, a_packet_socket_is_of_the_protocol_that_it_is_bound_to);
	tcase_add_test(tests, a_socket_is_judged_as_it_is_when_it_is_handed_out);
	tcase_add_test(tests, whose_descriptors_hang_waits_alone);
	suite_add_tcase(suite, tests);
	tests = tcase_create("container");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_user_is_one_of_the_brokers_own_namespace);
	suite_add_tcase(suite, tests);
	return suite_run_as_root(suite);
}
