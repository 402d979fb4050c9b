/* A policy that is to be replaced while clients let all of sockd's threads for requests hang. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/daemon/hostile.h"

#define REQUESTS 400 /* more than threads and places in the line for them */

static const char policy[] =
	"{ \"limits\": { \"requests-in-work-per-user\": 1000 }, \"rules\": [\n"
	"  { \"name\": \"mark\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\",\n"
	"    \"type\": \"dgram\", \"options\": { \"SO_MARK\": 5 } } ] }\n";

static int ready[2], go[2];
static void *page; /* whoever reads it waits for ever */

/* As root: who may not cannot have the kernel wait so. Returns whether it can be had here. */
static bool make_page(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register missing = {
		.range = {(uintptr_t)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	return fd >= 0 && page != MAP_FAILED && ioctl(fd, UFFDIO_API, &api) == 0 &&
	       ioctl(fd, UFFDIO_REGISTER, &missing) == 0;
}

/* The socket stays locked: the kernel reads what it is to send meanwhile. */
static void *send_page(void *data)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = 9, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	(void)sendto(*(int *)data, page, 100, MSG_MORE, (const struct sockaddr *)&address,
		sizeof address);
	return NULL;
}

static void ask_for_a_mark(int fd)
{
	static const int mark = 5;
	static struct wire_request request;
	static unsigned char packet[WIRE_PACKET_MAX];
	int connection = client_greet(broker.socket);

	request = (struct wire_request){.verb = WIRE_APPLY, .n_steps = 1};
	request.steps[0] = (struct wire_step){.kind = WIRE_STEP_OPTION,
		.a = SOL_SOCKET,
		.b = SO_MARK,
		.data = &mark,
		.data_size = sizeof mark};
	ssize_t size = wire_encode_request(&request, packet, sizeof packet);
	EXPECT(connection >= 0 && size > 0);
	EXPECT(client_send_raw(connection, packet, (size_t)size, &fd, 1) == 0);
}

static int hang_all(void *data _unused_)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pthread_t thread;
	char byte;

	EXPECT(fd >= 0);
	bool can = make_page();
	EXPECT(setresgid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	EXPECT(setresuid(CLIENT_UID, CLIENT_UID, CLIENT_UID) == 0);
	if (can) {
		EXPECT(pthread_create(&thread, NULL, send_page, &fd) == 0);
		(void)usleep(100000);
		for (int i = 0; i < REQUESTS; i++)
			ask_for_a_mark(fd);
		(void)usleep(200000);
	}
	EXPECT(write(ready[1], can ? "y" : "n", 1) == 1 && read(go[0], &byte, 1) == 1);
	_exit(0);
}

START_TEST(a_policy_is_replaced_while_all_threads_hang)
{
	char can;

	ck_assert_int_eq(harness_own_network(), 0);
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
	ck_assert(pipe(ready) == 0 && pipe(go) == 0);
	pid_t pid = fork_as(0, hang_all, NULL);
	ck_assert_int_eq(read(ready[0], &can, 1), 1);
	_cleanup_free_ char *answer = broker_ask(&broker, "{\"verb\":\"reload\"}");
	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(wait_for(pid), 0);
	ck_assert_int_eq(broker_stop(&broker), 0);
	ck_assert_ptr_nonnull(answer);
	ck_assert_msg(strstr(answer, "\"ok\":true"), "%s", answer);
	if (can != 'y')
		puts("SKIP: no userfaultfd here");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload-load");
	TCase *tests = tcase_create("reload-load");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_policy_is_replaced_while_all_threads_hang);
	suite_add_tcase(suite, tests);
	return hostile_main(suite);
}
