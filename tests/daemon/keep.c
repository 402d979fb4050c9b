#include "tests/daemon/keep.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/suite.h"

const char keep_policy[] =
	"{ \"limits\": { \"kept-per-user\": 12, \"connections-per-user\": 40 }, \"rules\": [\n"
	"  { \"name\": \"hand-on\", \"peers\": { \"uid\": [65534, 65533, 0] },\n"
	"    \"family\": [\"inet\", \"unix\", \"packet\"], \"actions\": [\"share\", \"receive\"] "
	"},\n"
	"  { \"name\": \"store\", \"peers\": { \"uid\": [65534, 65533] }, \"family\": [\"inet\", "
	"\"unix\"],\n"
	"    \"actions\": [\"store\", \"fetch\"], \"names\": [\"web-*\", \"a\"] },\n"
	"  { \"name\": \"meet\", \"peers\": { \"uid\": [65534, 65533] }, \"family\": \"inet\",\n"
	"    \"actions\": [\"store\", \"fetch\"], \"names\": \"meet\", \"common\": true, "
	"\"netns\": \"any\" },\n"
	"  { \"name\": \"third-receives\", \"peers\": { \"uid\": 65532 }, \"family\": \"unix\",\n"
	"    \"actions\": \"receive\" },\n"
	"  { \"name\": \"own-place\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\", "
	"\"type\": \"dgram\",\n"
	"    \"actions\": [\"share\", \"receive\"], \"netns\": \"peer\" },\n"
	"  { \"name\": \"not-secret\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
	"\"inet\",\n"
	"    \"actions\": [\"store\", \"fetch\"], \"names\": \"web-secret\" } ] }\n";

struct broker keep_broker;
struct shared *shared;

static void setup(void)
{
	shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	ck_assert_int_eq(harness_own_network(), 0);
	ck_assert_int_eq(broker_start(&keep_broker, NULL, keep_policy), 0);
	(void)setenv("SOCKD_SOCKET", keep_broker.socket, 1);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&keep_broker), 0);
}

TCase *keep_case(const char *name)
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	return tests;
}

int keep_main(const char *name, TCase *tests)
{
	Suite *suite = suite_create(name);

	suite_add_tcase(suite, tests);
	return suite_run_as_root(suite);
}

int listen_here(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	EXPECT(fd >= 0);
	EXPECT(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
	EXPECT(listen(fd, 5) == 0);
	return fd;
}

uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;

	EXPECT(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0);
	return cookie;
}

void share_it(int fd, enum sockd_taker taker, int64_t who, int64_t usec)
{
	EXPECT(sockd_share(fd, taker, who, usec, shared->ticket, sizeof shared->ticket) == 0);
}

int store_a(void *data _unused_)
{
	EXPECT(sockd_store(listen_here(), "a", 0, 0) == 0);
	return 0;
}

size_t fds_settled(size_t wanted)
{
	size_t n = count_fds_of(keep_broker.pid);

	/* Its clock for what expires, which it opens when first needed, stays. */
	for (int i = 0; i < 1000 && n != wanted; i++) {
		(void)usleep(10000);
		n = count_fds_of(keep_broker.pid);
	}
	return n;
}

/* What it has just begun, or not yet closed, is not counted. */
size_t fds_at_rest(void)
{
	size_t n = 0;

	for (int same = 0; same < 5; same++) {
		size_t now = count_fds_of(keep_broker.pid);
		same = now == n ? same : 0;
		n = now;
		(void)usleep(10000);
	}
	return n;
}

int in_a_namespace_of_its_own(int (*function)(void *data), uid_t uid)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(harness_own_network() < 0 ? 77 : run_as(uid, function, NULL));
	return wait_for(pid);
}
