/*
 * A real sockd and clients that send it what no client should: malformed packets, descriptors that
 * nobody asked for, requests over a connection of somebody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "proto/macro.h"
#include "tests/daemon/hostile.h"

/* A packet that can be bent. */
struct bent {
	unsigned char bytes[WIRE_PACKET_MAX + 4096];
	size_t size;
};

static struct bent bent;

static struct wire_header *header(void)
{
	return (struct wire_header *)bent.bytes;
}

static struct wire_open *open_body(void)
{
	return (struct wire_open *)(header() + 1);
}

static struct wire_step_header *first_step(void)
{
	return (struct wire_step_header *)(open_body() + 1);
}

/* An OPEN that would be granted. */
static void make_open(void)
{
	static struct wire_request request;

	request_open(&request, AF_INET, SOCK_DGRAM, 0, 1);
	ssize_t size = wire_encode_request(&request, bent.bytes, sizeof bent.bytes);
	EXPECT(size > 0);
	bent.size = (size_t)size;
}

static void add_step(uint32_t kind, const void *address, uint32_t address_size)
{
	struct wire_step_header step = {
		.kind = kind,
		.size = (uint32_t)(sizeof step + ALIGN8(address_size)),
		.a = kind == WIRE_STEP_LISTEN ? 5 : 0,
		.address_size = address_size,
	};

	memcpy(bent.bytes + bent.size, &step, sizeof step);
	memset(bent.bytes + bent.size + sizeof step, 0, ALIGN8(address_size));
	if (address_size > 0)
		memcpy(bent.bytes + bent.size + sizeof step, address, address_size);
	bent.size += step.size;
	header()->size = (uint32_t)bent.size;
	open_body()->n_steps++;
}

/* Greets, sends the packet; the answer must be an error with words, or the end of the connection.
 */
static void expect_refused(const int *fds, size_t n_fds)
{
	struct client_reply reply;
	_cleanup_close_ int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	int r = client_send_raw(fd, bent.bytes, bent.size, fds, n_fds);
	EXPECT(r == 0 || r == -EPIPE || r == -ECONNRESET);
	r = client_receive(fd, &reply);
	if (r == -ENOTCONN)
		return;
	EXPECT(r == 0);
	EXPECT(reply.reply.answer.error > 0);
	EXPECT(reply.reply.answer.origin != WIRE_ORIGIN_NONE);
	EXPECT(reply.n_fds == 0);
	EXPECT(reply.text[0] != 0);
}

static int bend_headers(void *data _unused_)
{
	static const uint16_t verbs[] = {0, 5, 0x7fff, 0x8000, 0x8002, 0xffff};
	static const uint32_t sizes[] = {0, 1, 23, 24, 55, 57, 0x7fffffff, 0xffffffff};

	make_open();
	header()->magic++;
	expect_refused(NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		make_open();
		header()->verb = verbs[i];
		expect_refused(NULL, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_open();
		header()->size = sizes[i];
		expect_refused(NULL, 0);
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		make_open();
		header()->flags = UINT32_C(1) << bit;
		expect_refused(NULL, 0);
	}
	return 0;
}

static int bend_bodies(void *data _unused_)
{
	static const uint32_t counts[] = {0, WIRE_COUNT_MAX + 1, 0x80000000, 0xffffffff};
	static const uint32_t steps[] = {1, WIRE_STEPS_MAX + 1, 0xffffffff};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		make_open();
		open_body()->count = counts[i];
		expect_refused(NULL, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		make_open();
		open_body()->n_steps = steps[i];
		expect_refused(NULL, 0);
	}
	make_open();
	open_body()->netns = 4;
	expect_refused(NULL, 0);
	make_open();
	open_body()->netns = WIRE_NETNS_NAMED;
	expect_refused(NULL, 0);
	make_open();
	open_body()->netns_name_size = 0xfffffff8;
	expect_refused(NULL, 0);
	make_open();
	open_body()->reserved = 1;
	expect_refused(NULL, 0);
	return 0;
}

static int bend_steps(void *data _unused_)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	static const uint32_t sizes[] = {0, 1, 2, 3, 8, 15, 129, 200};

	/* The order: each is refused though each step by itself makes sense. */
	make_open();
	add_step(WIRE_STEP_LISTEN, NULL, 0);
	add_step(WIRE_STEP_BIND, &address, sizeof(struct sockaddr_in));
	expect_refused(NULL, 0);
	make_open();
	add_step(WIRE_STEP_BIND, &address, sizeof(struct sockaddr_in));
	add_step(WIRE_STEP_BIND, &address, sizeof(struct sockaddr_in));
	expect_refused(NULL, 0);
	make_open();
	add_step(WIRE_STEP_CONNECT, &address, sizeof(struct sockaddr_in));
	add_step(WIRE_STEP_LISTEN, NULL, 0);
	expect_refused(NULL, 0);

	/* Addresses too short for their family, and too long for any. */
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned char bytes[256] = {AF_INET};
		make_open();
		add_step(WIRE_STEP_BIND, bytes, sizes[i]);
		expect_refused(NULL, 0);
	}
	static const uint32_t lengths[] = {0, 1, 8, 23, 25, 64, 0x7ffffff8, 0xfffffff8, 0xffffffff};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		make_open();
		add_step(WIRE_STEP_LISTEN, NULL, 0);
		first_step()->size = lengths[i];
		expect_refused(NULL, 0);
		make_open();
		add_step(WIRE_STEP_BIND, &address, sizeof(struct sockaddr_in));
		first_step()->address_size = lengths[i];
		expect_refused(NULL, 0);
		make_open();
		add_step(WIRE_STEP_BIND, &address, sizeof(struct sockaddr_in));
		first_step()->data_size = MAX_OF(lengths[i], 1u);
		expect_refused(NULL, 0);
	}
	make_open();
	add_step(9, NULL, 0);
	expect_refused(NULL, 0);
	make_open();
	for (unsigned i = 0; i <= WIRE_STEPS_MAX; i++)
		add_step(WIRE_STEP_FILTER, NULL, 0);
	expect_refused(NULL, 0);
	return 0;
}

static int cut_short(void *data _unused_)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	make_open();
	add_step(WIRE_STEP_BIND, &address, sizeof address);
	size_t whole = bent.size;
	for (size_t size = 1; size < whole; size++) {
		bent.size = size;
		header()->size = (uint32_t)whole;
		expect_refused(NULL, 0);
		if (size < sizeof(struct wire_header))
			continue;
		header()->size = (uint32_t)size;
		expect_refused(NULL, 0);
	}
	/* Nothing at all, and more than anything. */
	bent.size = 0;
	expect_refused(NULL, 0);
	bent.size = WIRE_PACKET_MAX + 1;
	header()->size = (uint32_t)bent.size;
	expect_refused(NULL, 0);
	bent.size = WIRE_PACKET_MAX + 4096;
	header()->size = (uint32_t)bent.size;
	expect_refused(NULL, 0);
	return 0;
}

/* Whatever the bits say: an answer to each, or the end. Some may even be granted. */
static int flip_bits(void *data _unused_)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct client_reply reply;
	uint64_t state = 0x853c49e6748fea9bu;
	int fd = -1;

	for (int i = 0; i < 4000; i++) {
		make_open();
		if (i % 2)
			add_step(WIRE_STEP_BIND, &address, sizeof address);
		for (int j = 0; j <= i % 3; j++) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
			bent.bytes[(state >> 33) % bent.size] ^=
				(unsigned char)(1u << (state >> 60 & 7));
		}
		if (fd < 0)
			fd = client_greet(broker.socket);
		EXPECT(fd >= 0);
		int r = client_send_raw(fd, bent.bytes, bent.size, NULL, 0);
		if (r == 0)
			r = client_receive(fd, &reply);
		if (r < 0) {
			EXPECT(r == -ENOTCONN || r == -EPIPE || r == -ECONNRESET);
			close_quietly(TAKE_FD(fd));
			continue;
		}
		EXPECT(reply.reply.answer.error == 0 || reply.n_fds == 0);
		client_close_fds(&reply);
	}
	close_quietly(fd);
	return 0;
}

/* An unknown version is answered with those that are known, in the packet and in words. */
static int wrong_versions(void *data _unused_)
{
	static const uint16_t versions[] = {0, 2, 3, 0xffff};
	struct client_reply reply;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		_cleanup_close_ int fd = client_greet(broker.socket);
		make_open();
		header()->version = versions[i];
		EXPECT(fd >= 0);
		EXPECT(client_send_raw(fd, bent.bytes, bent.size, NULL, 0) == 0);
		EXPECT(client_receive(fd, &reply) == 0);
		EXPECT(reply.reply.answer.error == EPROTONOSUPPORT);
		EXPECT(reply.reply.verb == WIRE_HELLO);
		EXPECT(reply.reply.welcome.version_min == WIRE_VERSION);
		EXPECT(reply.reply.welcome.version_max == WIRE_VERSION);
		EXPECT(strchr(reply.text, '0' + WIRE_VERSION));
		EXPECT(reply.n_fds == 0);
	}
	/* The same where HELLO itself asks for versions to come. */
	struct wire_request hello = {
		.verb = WIRE_HELLO, .serial = 9, .hello = {.version_min = 2, .version_max = 7}};
	_cleanup_close_ int fd = client_connect(broker.socket);
	EXPECT(client_call(fd, &hello, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPROTONOSUPPORT);
	EXPECT(reply.reply.welcome.version_max == WIRE_VERSION);
	/* It has not been greeted by that. */
	make_open();
	EXPECT(client_send_raw(fd, bent.bytes, bent.size, NULL, 0) == 0);
	EXPECT(client_receive(fd, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPROTO && reply.n_fds == 0);
	return 0;
}

static int no_hello(void *data _unused_)
{
	struct client_reply reply;
	_cleanup_close_ int fd = client_connect(broker.socket);

	make_open();
	EXPECT(fd >= 0);
	EXPECT(client_send_raw(fd, bent.bytes, bent.size, NULL, 0) == 0);
	EXPECT(client_receive(fd, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPROTO && reply.n_fds == 0);
	return 0;
}

static void make_request(const struct wire_request *request)
{
	ssize_t size = wire_encode_request(request, bent.bytes, sizeof bent.bytes);
	EXPECT(size > 0);
	bent.size = (size_t)size;
}

static void make_apply(void)
{
	static struct wire_request request;
	static struct sockaddr_in address = {.sin_family = AF_INET};

	request = (struct wire_request){.verb = WIRE_APPLY, .serial = 4, .n_steps = 1};
	address.sin_port = htons(80);
	request.steps[0] = (struct wire_step){
		.kind = WIRE_STEP_BIND, .address = &address, .address_size = sizeof address};
	make_request(&request);
}

/* Every verb with a number of descriptors that is not its own. */
static int unasked_descriptors(void *data _unused_)
{
	static const size_t counts[] = {0, 1, 2, 64, WIRE_COUNT_MAX};
	const struct wire_request hello = {
		.verb = WIRE_HELLO, .hello = {.version_min = 1, .version_max = 1}};
	const struct wire_request release = {.verb = WIRE_RELEASE, .grant = 1};
	int fds[WIRE_COUNT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = i % 2 ? STDERR_FILENO : socket(AF_INET, SOCK_STREAM, 0);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		if (counts[i] != 1) {
			make_apply();
			expect_refused(fds, counts[i]);
		}
		if (counts[i] == 0)
			continue;
		make_open();
		expect_refused(fds, counts[i]);
		make_request(&hello);
		expect_refused(fds, counts[i]);
		make_request(&release);
		expect_refused(fds, counts[i]);
		/* With a packet that is none. */
		make_open();
		header()->magic = 0;
		expect_refused(fds, counts[i]);
		bent.size = 3;
		expect_refused(fds, counts[i]);
		bent.size = WIRE_PACKET_MAX + 8;
		expect_refused(fds, counts[i]);
	}
	return 0;
}

static int not_sockets(void *data _unused_)
{
	int pipes[2], pair[2];

	EXPECT(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	const int fds[] = {
		open("/etc/passwd", O_RDONLY),
		open("/etc/passwd", O_PATH),
		open("/proc/self", O_RDONLY | O_DIRECTORY),
		open("/dev/null", O_RDWR),
		open("/proc/self/ns/net", O_RDONLY),
		pipes[0],
		pipes[1],
		epoll_create1(0),
		pair[0],
		client_greet(broker.socket),
	};
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		EXPECT(fds[i] >= 0);
		make_apply();
		expect_refused(&fds[i], 1);
	}
	return 0;
}

/* A connection that a process inherited is not its own. */
static int inherited_connection(void *data _unused_)
{
	struct client_reply reply;
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	pid_t pid = fork();
	EXPECT(pid >= 0);
	if (pid == 0) {
		make_open();
		EXPECT(client_send_raw(fd, bent.bytes, bent.size, NULL, 0) == 0);
		EXPECT(client_receive(fd, &reply) == 0);
		EXPECT(reply.reply.answer.error != 0);
		EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_STALE);
		EXPECT(reply.n_fds == 0);
		_exit(0);
	}
	EXPECT(wait_for(pid) == 0);
	/* Its owner goes on. */
	make_open();
	EXPECT(client_send_raw(fd, bent.bytes, bent.size, NULL, 0) == 0);
	EXPECT(client_receive(fd, &reply) == 0);
	EXPECT(reply.reply.answer.error == 0 && reply.n_fds == 1);
	return 0;
}

/* Connected as one user and then become another: the connection serves neither. */
static int changed_credentials(void *data _unused_)
{
	struct client_reply reply;
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	EXPECT(setresgid(OTHER_UID, OTHER_UID, OTHER_UID) == 0);
	EXPECT(setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == 0);
	make_open();
	EXPECT(client_send_raw(fd, bent.bytes, bent.size, NULL, 0) == 0);
	EXPECT(client_receive(fd, &reply) == 0);
	EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_STALE && reply.n_fds == 0);
	return 0;
}

/* After the answer to an APPLY the broker holds nothing of the socket: closed, its port is free at
 * once. */
static int bind_again_and_again(void *data _unused_)
{
	struct client_reply reply;
	_cleanup_close_ int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	for (int i = 0; i < 200; i++) {
		int own = socket(AF_INET, SOCK_STREAM, 0);
		make_apply();
		EXPECT(client_send_raw(fd, bent.bytes, bent.size, &own, 1) == 0);
		EXPECT(client_receive(fd, &reply) == 0);
		errno = reply.reply.answer.error;
		EXPECT(reply.reply.answer.error == 0);
		EXPECT(listen(own, 5) == 0);
		close_quietly(own);
	}
	return 0;
}

/* A refusal in words: what was asked, that no rule allows it, how an administrator would see why.
 */
static int refused_in_words(void *data _unused_)
{
	static struct wire_request request;
	struct client_reply reply;
	_cleanup_close_ int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	request_open(&request, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 1);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPERM || reply.reply.answer.error == EACCES);
	EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_POLICY);
	EXPECT(strstr(reply.text, "inet6"));
	EXPECT(strstr(reply.text, "raw"));
	EXPECT(strstr(reply.text, "no rule"));
	EXPECT(strstr(reply.text, "sockctl"));
	EXPECT(!strchr(reply.text, '\n'));

	/* What root could not have either fails as for root. */
	request_open(&request, AF_INET, SOCK_RAW, 70000, 1);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	errno = 0;
	EXPECT(reply.reply.answer.error == EINVAL);
	EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_KERNEL);
	return 0;
}

/* Sends requests until sockd reads no more of them, as nobody reads its replies. Returns how many.
 */
static uint64_t send_until_full(int fd)
{
	uint64_t sent = 0;

	make_open();
	for (int in_vain = 0; in_vain < 500; in_vain++) {
		header()->serial = sent + 1;
		if (send(fd, bent.bytes, bent.size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
			sent++;
			in_vain = 0;
			continue;
		}
		EXPECT(errno == EAGAIN);
		(void)usleep(1000);
	}
	return sent;
}

static void expect_socket(int fd, uint64_t serial)
{
	struct client_reply reply;

	EXPECT(client_receive(fd, &reply) == 0);
	EXPECT(reply.reply.serial == serial);
	EXPECT(reply.reply.answer.error == 0 && reply.n_fds == 1);
	int domain = 0;
	socklen_t size = sizeof domain;
	EXPECT(getsockopt(reply.fds[0], SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0);
	EXPECT(domain == AF_INET);
	client_close_fds(&reply);
}

static void ask_for_one(int fd)
{
	make_open();
	EXPECT(client_send_raw(fd, bent.bytes, bent.size, NULL, 0) == 0);
	expect_socket(fd, header()->serial);
}

/* With nothing to do. */
static void expect_idle(void)
{
	struct timespec before, after;
	clockid_t used;

	EXPECT(clock_getcpuclockid(broker.pid, &used) == 0);
	(void)usleep(100000);
	EXPECT(clock_gettime(used, &before) == 0);
	(void)usleep(400000);
	EXPECT(clock_gettime(used, &after) == 0);
	EXPECT((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 <
		200);
}

/* Who reads late gets every answer, in turn, and may ask again. What had to wait is let go of once:
 * its number is the next one's. */
static int read_late(void *data _unused_)
{
	int late = client_greet(broker.socket), others[8];

	EXPECT(late >= 0);
	for (int round = 0; round < 2; round++) {
		uint64_t sent = send_until_full(late);
		for (uint64_t i = 1; i <= sent; i++)
			expect_socket(late, i);
		ask_for_one(late);
		expect_idle();
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = client_greet(broker.socket);
		EXPECT(others[i] >= 0);
	}
	close_quietly(late);
	(void)usleep(100000);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ask_for_one(others[i]);
	return 0;
}

static const struct {
	const char *name;
	uid_t uid;
	int (*attack)(void *data);
} attacks[] = {
	{"headers", CLIENT_UID, bend_headers},
	{"bodies", CLIENT_UID, bend_bodies},
	{"steps", CLIENT_UID, bend_steps},
	{"cut short", CLIENT_UID, cut_short},
	{"flipped bits", CLIENT_UID, flip_bits},
	{"versions", CLIENT_UID, wrong_versions},
	{"no hello", CLIENT_UID, no_hello},
	{"unasked descriptors", CLIENT_UID, unasked_descriptors},
	{"not sockets", CLIENT_UID, not_sockets},
	{"inherited connection", CLIENT_UID, inherited_connection},
	{"changed credentials", 0, changed_credentials},
	{"bound again and again", CLIENT_UID, bind_again_and_again},
	{"refusal in words", CLIENT_UID, refused_in_words},
	{"read late", CLIENT_UID, read_late},
};

START_TEST(nothing_breaks_it)
{
	int status = run_as(attacks[_i].uid, attacks[_i].attack, NULL);

	ck_assert_msg(status == 0, "%s: exit status %d", attacks[_i].name, status);
	nothing_is_left();
}
END_TEST

/* As the daemon's own user, which may do so without CAP_SYS_RESOURCE. */
static int limit_broker(void *data)
{
	return prlimit(broker.pid, RLIMIT_NOFILE, data, NULL) < 0;
}

struct starved {
	int ready[2], go[2];
	bool granted;
};

static int apply_when_told(void *data)
{
	const struct starved *starved = data;
	struct client_reply reply;
	int own = socket(AF_INET, SOCK_STREAM, 0);
	int fd = client_greet(broker.socket);
	char byte = 0;

	EXPECT(fd >= 0 && own >= 0);
	make_apply();
	EXPECT(write(starved->ready[1], &byte, 1) == 1);
	EXPECT(read(starved->go[0], &byte, 1) == 1);
	EXPECT(client_send_raw(fd, bent.bytes, bent.size, &own, 1) == 0);
	int r = client_receive(fd, &reply);
	EXPECT(r == 0 || r == -ENOTCONN);
	EXPECT((r == 0 && reply.reply.answer.error == 0) == starved->granted);
	return 0;
}

/* No room in the daemon's descriptor table: the kernel cuts the control message short. */
START_TEST(truncated_control_messages)
{
	for (int round = 0; round < 4; round++) {
		struct starved starved = {.granted = round % 2};
		struct rlimit old = {.rlim_cur = 16384, .rlim_max = 16384}, none = old;
		char byte = 0;

		ck_assert_int_eq(pipe(starved.ready), 0);
		ck_assert_int_eq(pipe(starved.go), 0);
		ck_assert_int_eq(run_as(broker_uid, limit_broker, &old), 0);
		pid_t pid = fork_as(CLIENT_UID, apply_when_told, &starved);
		ck_assert_int_eq(read(starved.ready[0], &byte, 1), 1);
		none.rlim_cur = 3;
		if (!starved.granted)
			ck_assert_int_eq(run_as(broker_uid, limit_broker, &none), 0);
		ck_assert_int_eq(write(starved.go[1], &byte, 1), 1);
		int status = wait_for(pid);
		ck_assert_int_eq(run_as(broker_uid, limit_broker, &old), 0);
		ck_assert_int_eq(status, 0);
		close_quietly(starved.ready[0]);
		close_quietly(starved.ready[1]);
		close_quietly(starved.go[0]);
		close_quietly(starved.go[1]);
		nothing_is_left();
	}
}
END_TEST

/* Of what sockd may have open, replies that one user does not read may hold a quarter, and there
 * are as many connections as an eighth, of which one user has three quarters. */
#define DESCRIPTORS_FEW 256
#define UNREAD_MAX (DESCRIPTORS_FEW / 4)
#define CONNECTIONS_MAX (DESCRIPTORS_FEW / 8)
#define BROKER_UID_OFFSET 8000

static void setup_with_few(void)
{
	const struct rlimit few = {DESCRIPTORS_FEW, DESCRIPTORS_FEW};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	broker_uid = attacker_uid + BROKER_UID_OFFSET;
	hostile_setup();
}

static int leave_unread(void *data _unused_)
{
	struct client_reply reply;
	int fd = client_greet(broker.socket), queued = 1;

	EXPECT(fd >= 0);
	make_open();
	for (int i = 0; i < UNREAD_MAX + 20; i++)
		EXPECT(client_send_raw(fd, bent.bytes, bent.size, NULL, 0) == 0);
	while (queued > 0) {
		(void)usleep(100000);
		EXPECT(ioctl(fd, SIOCOUTQ, &queued) == 0);
	}
	for (int i = 0; i < UNREAD_MAX; i++)
		expect_socket(fd, header()->serial);
	for (int i = 0; i < 20; i++) {
		EXPECT(client_receive(fd, &reply) == 0);
		EXPECT(reply.reply.answer.error == EMFILE && reply.n_fds == 0);
		EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_LIMIT);
	}
	ask_for_one(fd);
	return 0;
}

START_TEST(replies_that_are_not_read_hold_so_many_sockets)
{
	ck_assert_int_eq(run_as(attacker_uid, leave_unread, NULL), 0);
	nothing_is_left();
}
END_TEST

/* As many as it gets. */
static int take_connections(void *data)
{
	const int *expected = data;
	int n = 0;

	while (n <= CONNECTIONS_MAX && client_greet(broker.socket) >= 0)
		n++;
	EXPECT(n == *expected);
	return 0;
}

START_TEST(there_are_so_many_connections_of_all)
{
	/* The first one's part of them, and what it leaves. */
	int part = CONNECTIONS_MAX / 4 * 3, rest = CONNECTIONS_MAX - part, none = 0;
	struct standing first = standing_start(attacker_uid, take_connections, &part);
	struct standing second = standing_start(OTHER_UID, take_connections, &rest);

	ck_assert_int_eq(run_as(CLIENT_UID, take_connections, &none), 0);
	ck_assert(log_comes_to(broker.audit, "as many connections as there may be"));
	/* It has a copy of what the first one waits for. */
	standing_end(&second, false);
	standing_end(&first, false);
	nothing_is_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tcase = tcase_create("hostile");

	tcase_add_checked_fixture(tcase, hostile_setup, hostile_teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, nothing_breaks_it, 0, (int)ARRAY_SIZE(attacks));
	tcase_add_test(tcase, truncated_control_messages);
	suite_add_tcase(suite, tcase);
	TCase *few = tcase_create("few descriptors");
	tcase_add_checked_fixture(few, setup_with_few, hostile_teardown);
	tcase_set_timeout(few, 120);
	tcase_add_test(few, replies_that_are_not_read_hold_so_many_sockets);
	tcase_add_test(few, there_are_so_many_connections_of_all);
	suite_add_tcase(suite, few);
	return hostile_main(suite);
}
