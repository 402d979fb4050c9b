/*
 * A real sockd, its deny rules, and what the kernel alone can tell: which namespace a name means.
 */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/daemon/harness.h"

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
	"    \"netns\": \"shut\" }"
	"  ] }";

static struct broker broker;

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

/* What sockctl check asks. */
static void check_answers(const char *foreign, const char *netns, const char *words)
{
	char question[300];

	snprintf(question, sizeof question,
		"{\"verb\": \"check\", \"uid\": %d, \"gid\": %d, \"groups\": [], \"foreign\": %s, "
		"\"netns\": \"%s\", \"domain\": %d, \"type\": %d, \"protocol\": 0, \"steps\": "
		"[]}",
		CLIENT_UID, CLIENT_UID, foreign, netns, AF_INET, SOCK_STREAM);
	_cleanup_free_ char *answer = broker_ask(&broker, question);
	ck_assert_ptr_nonnull(answer);
	ck_assert_msg(strstr(answer, words), "%s", answer);
}

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

int main(void)
{
	Suite *suite = suite_create("deny");
	TCase *tests = tcase_create("deny");

	if (getuid() != 0) {
		puts("SKIP: needs root, for the daemon and for other users");
		return 77;
	}
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_name_that_is_not_there_denies_nothing);
	tcase_add_test(tests, the_named_namespace_is_denied);
	tcase_add_test(tests, a_link_to_a_namespace_denies);
	tcase_add_test(tests, a_directory_that_cannot_be_searched_denies);
	tcase_add_test(tests, a_check_knows_the_named_namespace);
	suite_add_tcase(suite, tests);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
