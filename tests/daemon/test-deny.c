/*
 * A real sockd, its deny rules, and what the kernel alone can tell: which namespace a name means,
 * and which interface.
 */
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/daemon/hostile.h"

static const char policy[] =
	"{ \"rules\": ["
	"  { \"name\": \"tcp\", \"peers\": \"any\", \"family\": \"inet\", \"type\": \"stream\" },"
	"  { \"name\": \"anywhere\", \"peers\": \"any\", \"family\": \"inet\", \"type\": "
	"\"stream\","
	"    \"netns\": \"peer\" },"
	"  { \"name\": \"here\", \"peers\": \"any\", \"family\": \"inet\", \"type\": \"stream\","
	"    \"netns\": \"broker\" },"
	"  { \"name\": \"not-there\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": "
	"\"inet\","
	"    \"netns\": \"shut\" },"
	"  { \"name\": \"too\", \"peers\": \"any\", \"family\": \"inet\", \"type\": \"dgram\","
	"    \"netns\": \"open\" }"
	"  ] }";

/* A /run/netns of the test's own, which sockd sees. */
static void setup(void)
{
	ck_assert_int_eq(harness_own_network(), 0);
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/run", "tmpfs", 0, "mode=755"), 0);
	ck_assert_int_eq(mkdir("/run/netns", 0755), 0);
	ck_assert_int_eq(broker_start(&broker, NULL, policy), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
}

static struct client_reply reply;

static int open_tcp(void *data _unused_)
{
	static struct wire_request request;
	_cleanup_close_ int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	request_open(&request, AF_INET, SOCK_STREAM, 0, 1);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	client_close_fds(&reply);
	return 0;
}

static int is_given(void *data)
{
	EXPECT(open_tcp(data) == 0);
	EXPECT(reply.reply.answer.error == 0);
	return 0;
}

static int is_denied(void *data)
{
	EXPECT(open_tcp(NULL) == 0);
	EXPECT(reply.reply.answer.error == EPERM);
	EXPECT(strstr(reply.text, "rule not-there denies it"));
	EXPECT(!data || strstr(reply.text, data));
	return 0;
}

static void name_own_namespace(const char *path)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	(void)fclose(file);
	ck_assert_int_eq(mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL), 0);
}

START_TEST(a_name_that_is_not_there_denies_nothing)
{
	ck_assert_int_eq(run_as(CLIENT_UID, is_given, NULL), 0);
}
END_TEST

START_TEST(the_named_namespace_is_denied)
{
	name_own_namespace("/run/netns/shut");
	ck_assert_int_eq(run_as(CLIENT_UID, is_denied, NULL), 0);
}
END_TEST

START_TEST(a_link_to_a_namespace_denies)
{
	name_own_namespace("/run/netns/real");
	ck_assert_int_eq(symlink("real", "/run/netns/shut"), 0);
	ck_assert_int_eq(
		run_as(CLIENT_UID, is_denied, "\"shut\" cannot be told: Too many levels"), 0);
}
END_TEST

START_TEST(a_directory_that_cannot_be_searched_denies)
{
	name_own_namespace("/run/netns/shut");
	ck_assert_int_eq(chmod("/run/netns", 0700), 0);
	ck_assert_int_eq(
		run_as(CLIENT_UID, is_denied, "\"shut\" cannot be told: Permission denied"), 0);
}
END_TEST

static int open_by_the_other_name(void *data)
{
	static struct wire_request request;
	_cleanup_close_ int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	request_open(&request, AF_INET, SOCK_DGRAM, 0, 1);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(data ? strstr(reply.text, data) != NULL : reply.n_fds == 1);
	return 0;
}

START_TEST(a_namespace_is_denied_by_each_of_its_names)
{
	name_own_namespace("/run/netns/open");
	ck_assert_int_eq(run_as(CLIENT_UID, open_by_the_other_name, NULL), 0);
	name_own_namespace("/run/netns/shut");
	ck_assert_int_eq(run_as(CLIENT_UID, open_by_the_other_name, "rule not-there denies it"), 0);
}
END_TEST

/* What sockctl check asks. */
static void check_answers_of(int type, const char *foreign, const char *netns, const char *words)
{
	char question[300];

	snprintf(question, sizeof question,
		"{\"verb\": \"check\", \"uid\": %d, \"gid\": %d, \"groups\": [], \"foreign\": %s, "
		"\"netns\": \"%s\", \"domain\": %d, \"type\": %d, \"protocol\": 0, \"steps\": "
		"[]}",
		CLIENT_UID, CLIENT_UID, foreign, netns, AF_INET, type);
	_cleanup_free_ char *answer = broker_ask(&broker, question);
	ck_assert_ptr_nonnull(answer);
	ck_assert_msg(strstr(answer, words), "%s", answer);
}

static void check_answers(const char *foreign, const char *netns, const char *words)
{
	check_answers_of(SOCK_STREAM, foreign, netns, words);
}

START_TEST(a_check_knows_that_there_is_none_of_the_name)
{
	check_answers_of(SOCK_DGRAM, "false", "open", "\"allowed\":false,\"rule\":\"too\"");
	check_answers_of(SOCK_DGRAM, "false", "open",
		"allowed by rule too, but its network namespace cannot be reached: No such file");
	name_own_namespace("/run/netns/open");
	check_answers_of(SOCK_DGRAM, "false", "open", "\"allowed\":true,\"rule\":\"too\"");
}
END_TEST

START_TEST(a_check_knows_the_named_namespace)
{
	check_answers("false", "peer", "\"allowed\":true");
	name_own_namespace("/run/netns/shut");
	check_answers("false", "peer", "rule not-there denies it\"");
	check_answers("true", "broker", "rule not-there denies it\"");
	check_answers("true", "peer",
		"rule not-there denies it, as whether the peer's network namespace is \\\"shut\\\" "
		"cannot be told: only the peer itself can be asked");
}
END_TEST

/* The loopback interface, which is no tenant's, has a name that looks as if it were. */
static const char device_policy[] =
	"{ \"rules\": ["
	"  { \"name\": \"tenants\", \"peers\": { \"uid\": 65534 }, \"family\": \"inet\","
	"    \"type\": \"stream\", \"protocol\": \"tcp\", \"interfaces\": \"tenant*\","
	"    \"netns\": \"peer\" },"
	"  { \"name\": \"tenant\", \"peers\": { \"uid\": 65533 }, \"family\": \"inet\","
	"    \"type\": \"stream\", \"protocol\": \"tcp\", \"interfaces\": \"tenantx\","
	"    \"netns\": \"peer\" },"
	"  { \"name\": \"moving\", \"peers\": \"any\", \"family\": \"inet\", \"type\": \"dgram\","
	"    \"protocol\": \"udp\", \"options\": { \"SO_BINDTODEVICE\": \"any\" },"
	"    \"netns\": \"peer\" },"
	"  { \"name\": \"not-lo\", \"effect\": \"deny\", \"peers\": \"any\", \"family\": \"inet\","
	"    \"type\": \"dgram\", \"options\": { \"SO_BINDTODEVICE\": \"lo\" } }"
	"  ] }";

static void name_loopback(void)
{
	ck_assert_int_eq(system("ip link property add dev lo altname tenantx && "
				"ip link add tenant1 type veth peer name uplink"),
		0);
}

static void setup_devices(void)
{
	ck_assert_int_eq(harness_own_network(), 0);
	name_loopback();
	ck_assert_int_eq(broker_start(&broker, NULL, device_policy), 0);
}

static int bind_device(int *own, int domain, int type, const char *device)
{
	static struct wire_request request;
	_cleanup_close_ int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	request_open(&request, domain, type, 0, 1);
	if (own)
		request = (struct wire_request){.verb = WIRE_APPLY, .serial = 7};
	request.n_steps = device ? 1 : 0;
	request.steps[0] = (struct wire_step){.kind = WIRE_STEP_OPTION,
		.a = SOL_SOCKET,
		.b = SO_BINDTODEVICE,
		.data = device,
		.data_size = device ? strlen(device) : 0};
	EXPECT(client_call(fd, &request, own, own ? 1 : 0, &reply) == 0);
	return 0;
}

static void expect_bound_to(int fd, const char *device)
{
	char name[IFNAMSIZ] = "";
	socklen_t size = sizeof name;

	EXPECT(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size) == 0);
	EXPECT(strcmp(name, device) == 0);
}

static void expect_other_name(void)
{
	EXPECT(reply.n_fds == 0);
	EXPECT(reply.reply.answer.error == EACCES);
	EXPECT(reply.reply.answer.origin == WIRE_ORIGIN_POLICY);
	EXPECT(strstr(reply.text, "tenantx is another name of interface lo"));
}

static int open_by_names(void *data _unused_)
{
	bind_device(NULL, AF_INET, SOCK_STREAM, "tenantx");
	expect_other_name();
	bind_device(NULL, AF_INET, SOCK_STREAM, "tenant1");
	EXPECT(reply.n_fds == 1);
	expect_bound_to(reply.fds[0], "tenant1");
	bind_device(NULL, AF_INET, SOCK_STREAM, "tenant2");
	EXPECT(reply.n_fds == 0 && reply.reply.answer.error == ENODEV);
	bind_device(NULL, AF_INET, SOCK_DGRAM, "lo");
	EXPECT(strstr(reply.text, "rule not-lo denies it"));
	bind_device(NULL, AF_INET, SOCK_DGRAM, "tenantx");
	expect_other_name();
	return 0;
}

/* The rule's only one, which sockd sets itself. */
static int open_by_rule(void *data _unused_)
{
	bind_device(NULL, AF_INET, SOCK_STREAM, NULL);
	expect_other_name();
	return 0;
}

static int change_by_names(void *data _unused_)
{
	int own = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT(own >= 0);
	bind_device(&own, 0, 0, "tenantx");
	expect_other_name();
	expect_bound_to(own, "");
	bind_device(&own, 0, 0, "tenant1");
	EXPECT(reply.reply.answer.error == 0);
	expect_bound_to(own, "tenant1");
	bind_device(&own, 0, 0, "tenantx");
	expect_other_name();
	expect_bound_to(own, "tenant1");
	bind_device(&own, 0, 0, "");
	EXPECT(reply.reply.answer.error == 0);
	expect_bound_to(own, "");
	return 0;
}

START_TEST(an_interface_has_one_name)
{
	ck_assert_int_eq(run_as(CLIENT_UID, open_by_names, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, open_by_rule, NULL), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, change_by_names, NULL), 0);
}
END_TEST

START_TEST(an_interface_elsewhere_has_one_name)
{
	pid_t pid;

	/* The names mean nothing in sockd's own namespace. */
	ck_assert_int_eq(system("ip link property del dev lo altname tenantx && "
				"ip link del tenant1"),
		0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (harness_own_network() < 0)
			_exit(77);
		name_loopback();
		_exit(run_as(CLIENT_UID, open_by_names, NULL) ||
			run_as(OTHER_UID, open_by_rule, NULL) ||
			run_as(CLIENT_UID, change_by_names, NULL));
	}
	ck_assert_int_eq(wait_for(pid), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deny");
	TCase *tests = tcase_create("deny"), *devices = tcase_create("devices");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_name_that_is_not_there_denies_nothing);
	tcase_add_test(tests, the_named_namespace_is_denied);
	tcase_add_test(tests, a_link_to_a_namespace_denies);
	tcase_add_test(tests, a_directory_that_cannot_be_searched_denies);
	tcase_add_test(tests, a_namespace_is_denied_by_each_of_its_names);
	tcase_add_test(tests, a_check_knows_the_named_namespace);
	tcase_add_test(tests, a_check_knows_that_there_is_none_of_the_name);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(devices, setup_devices, teardown);
	tcase_set_timeout(devices, 60);
	tcase_add_test(devices, an_interface_has_one_name);
	tcase_add_test(devices, an_interface_elsewhere_has_one_name);
	suite_add_tcase(suite, devices);
	return hostile_main(suite);
}
