#include "tests/daemon/hostile.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "proto/macro.h"
#include "tests/suite.h"

#define SETTLE_USEC 10000000
#define PROMPT_USEC 1000000

/* Those whom the policy names: the two of the harness, and an attacker. */
#define ATTACKER_UID_MIN 56000
#define ATTACKER_UIDS 4000
#define USERS "{\"uid\": [\"56000-59999\", \"65533-65534\"]}"

struct broker broker;
uid_t attacker_uid;
static size_t fds_before;

static const char policy[] =
	"{\"limits\": {\"connections-per-user\": 300},\n"
	" \"rules\": [\n"
	"  {\"name\": \"plain\", \"peers\": " USERS ",\n"
	"   \"family\": \"inet\", \"type\": [\"dgram\", \"raw\"]},\n"
	"  {\"name\": \"web\", \"peers\": " USERS ",\n"
	"   \"family\": \"inet\", \"type\": \"stream\", \"ports\": 80},\n"
	"  {\"name\": \"buffers\", \"peers\": " USERS ",\n"
	"   \"family\": \"unix\", \"options\": {\"SO_SNDBUFFORCE\": 4096}},\n"
	"  {\"name\": \"capture\", \"peers\": " USERS ", \"family\": \"packet\"}\n"
	"]}\n";

static int open_one(void *data)
{
	static struct wire_request request;
	struct client_reply reply;
	const int *domain = data;
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	request_open(&request, *domain, SOCK_DGRAM, 0, 1);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == 0);
	EXPECT(reply.n_fds == 1);
	return 0;
}

static int bind_own(void *data _unused_)
{
	static struct wire_request request;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct client_reply reply;
	int fd = client_greet(broker.socket);
	int own = socket(AF_INET, SOCK_STREAM, 0);

	const int one = 1;

	EXPECT(fd >= 0 && own >= 0);
	EXPECT(setsockopt(own, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
	request = (struct wire_request){.verb = WIRE_APPLY, .serial = 3, .n_steps = 1};
	request.steps[0] = (struct wire_step){
		.kind = WIRE_STEP_BIND, .address = &address, .address_size = sizeof address};
	EXPECT(client_call(fd, &request, &own, 1, &reply) == 0);
	EXPECT(reply.reply.answer.error == 0);
	return 0;
}

/* Asking for the list makes the daemon look which grants are over. */
static size_t sample(void)
{
	_cleanup_free_ char *list = broker_ask(&broker, "{\"verb\":\"list\"}");
	ck_assert_ptr_nonnull(list);
	(void)usleep(20000);
	return count_fds_of(broker.pid);
}

static size_t count_when_quiet(void)
{
	size_t last = sample(), same = 0;

	for (int64_t until = now_usec() + SETTLE_USEC; same < 8 && now_usec() < until;) {
		size_t n = sample();
		same = n == last ? same + 1 : 0;
		last = n;
	}
	return last;
}

void hostile_setup(void)
{
	int inet = AF_INET, packet = AF_PACKET;
	const uid_t users[] = {CLIENT_UID, OTHER_UID, attacker_uid};

	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		ck_assert_int_eq(run_as(users[i], open_one, &inet), 0);
		ck_assert_int_eq(run_as(users[i], open_one, &packet), 0);
		ck_assert_int_eq(run_as(users[i], bind_own, NULL), 0);
	}
	fds_before = count_when_quiet();
	ck_assert_uint_gt(fds_before, 3);
}

void hostile_teardown(void)
{
	_cleanup_free_ char *log = read_text(broker.log);
	int status = broker_stop(&broker);

	if (status != 0)
		fprintf(stderr, "sockd said:\n%s\n", log ? log : "");
	ck_assert_int_eq(status, 0);
}

void others_do_not_notice(void)
{
	int inet = AF_INET;
	int64_t before = now_usec();

	ck_assert(broker_is_alive(&broker));
	ck_assert_int_eq(run_as(OTHER_UID, open_one, &inet), 0);
	ck_assert_int_eq(run_as(OTHER_UID, bind_own, NULL), 0);
	int64_t took = now_usec() - before;
	ck_assert_msg(took < PROMPT_USEC, "another client waited %lld us", (long long)took);
}

void nothing_is_left(void)
{
	size_t n = 0;

	others_do_not_notice();
	for (int64_t until = now_usec() + SETTLE_USEC; now_usec() < until;) {
		n = sample();
		if (n <= fds_before)
			break;
	}
	/* Fewer: on a busy machine something was still being closed when they were counted. */
	ck_assert_msg(n <= fds_before, "sockd has %zu descriptors open, before it had %zu", n,
		fds_before);
	ck_assert(broker_is_alive(&broker));
}

struct attack {
	int (*function)(void *data);
	void *data;
	int ready[2], hold[2];
};

static int attack_and_hold(void *data)
{
	struct attack *attack = data;
	char byte = 0;

	close_quietly(attack->ready[0]);
	close_quietly(attack->hold[1]);
	int status = attack->function(attack->data);
	if (status == 0 && write(attack->ready[1], &byte, 1) == 1)
		(void)!read(attack->hold[0], &byte, 1);
	return status;
}

ssize_t encode_open(int domain, unsigned count, unsigned char *buffer, size_t size)
{
	static struct wire_request request;
	request_open(&request, domain, domain == AF_PACKET ? SOCK_RAW : SOCK_DGRAM, 0, count);
	return wire_encode_request(&request, buffer, size);
}

bool log_comes_to(const char *path, const char *text)
{
	for (int64_t until = now_usec() + 5000000; now_usec() < until; (void)usleep(20000)) {
		_cleanup_free_ char *log = read_text(path);
		if (log && strstr(log, text))
			return true;
	}
	return false;
}

void set_limit(const char *name, unsigned value)
{
	char text[128];

	snprintf(text, sizeof text, "{\"limits\": {\"%s\": %u}, \"rules\": []}", name, value);
	ck_assert_int_eq(broker_write_policy(&broker, "70-limits.json", text), 0);
	ck_assert_int_eq(kill(broker.pid, SIGHUP), 0);
	ck_assert(log_comes_to(broker.log, "reloaded: 4 rules from 2 files"));
}

void tell_and_wait(const struct holder *holder)
{
	char byte = 0;

	EXPECT(write(holder->ready[1], &byte, 1) == 1);
	EXPECT(read(holder->release[0], &byte, 1) == 1);
}

struct standing standing_start(uid_t uid, int (*function)(void *data), void *data)
{
	struct attack attack = {.function = function, .data = data};
	struct standing standing;
	char byte;

	ck_assert_int_eq(pipe(attack.ready), 0);
	ck_assert_int_eq(pipe(attack.hold), 0);
	standing.pid = fork_as(uid, attack_and_hold, &attack);
	ck_assert_int_gt(standing.pid, 0);
	close_quietly(attack.ready[1]);
	close_quietly(attack.hold[0]);
	ssize_t n = read(attack.ready[0], &byte, 1);
	close_quietly(attack.ready[0]);
	ck_assert_msg(n == 1, "the attack failed by itself");
	standing.hold_fd = attack.hold[1];
	return standing;
}

void standing_end(struct standing *standing, bool kill_it)
{
	if (kill_it)
		(void)kill(standing->pid, SIGKILL);
	close_quietly(standing->hold_fd);
	int status = wait_for(standing->pid);
	ck_assert_int_eq(status, kill_it ? -1 : 0);
}

int hostile_main(Suite *suite)
{
	int r = geteuid() == 0 ? harness_own_network() : 0;

	attacker_uid = ATTACKER_UID_MIN + (uid_t)getpid() % ATTACKER_UIDS;
	if (r < 0) {
		fprintf(stderr, "no network namespace of its own: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	return suite_run_as_root(suite);
}
