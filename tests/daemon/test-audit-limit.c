/*
 * Refusals by the thousand: each is in the record, one by one or in a number, and none hides what
 * others do.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/macro.h"
#include "tests/daemon/hostile.h"

#define BURST 3000
#define SECONDS_MAX 30 /* that a burst may take on a slow machine */

/* What a record says of CLIENT_UID. */
struct tally {
	size_t refusals, questions, peers; /* one by one */
	size_t unrecorded, lost;
	size_t lines_in_first_second;
	int64_t first_usec;
	size_t others_refusals, grants;
};

static int64_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void add_line(struct tally *tally, const json_t *object)
{
	const char *event = json_string_value(json_object_get(object, "event"));
	int64_t usec = integer_of(object, "time_usec");

	ck_assert_ptr_nonnull(event);
	if (strcmp(event, "lost") == 0)
		tally->lost += (size_t)integer_of(object, "count");
	if (strcmp(event, "grant") == 0)
		tally->grants++;
	if (integer_of(object, "uid") == OTHER_UID && strcmp(event, "refusal") == 0)
		tally->others_refusals++;
	if (integer_of(object, "uid") != CLIENT_UID || strcmp(event, "grant") == 0)
		return;
	if (tally->first_usec == 0)
		tally->first_usec = usec;
	tally->lines_in_first_second += usec < tally->first_usec + 1000000;
	if (strcmp(event, "unrecorded") == 0) {
		ck_assert_ptr_null(json_object_get(object, "pid"));
		ck_assert_ptr_nonnull(json_object_get(object, "reason"));
		tally->unrecorded += (size_t)integer_of(object, "count");
	} else if (strcmp(event, "refusal") == 0)
		tally->refusals++;
	else if (strcmp(event, "question") == 0)
		tally->questions++;
	else if (strcmp(event, "peer") == 0)
		tally->peers++;
}

static struct tally read_tally(int fd)
{
	FILE *file = fdopen(dup(fd), "r");
	struct tally tally = {0};
	char line[8192];

	ck_assert_ptr_nonnull(file);
	rewind(file);
	while (fgets(line, sizeof line, file)) {
		/* The last one may be half written yet. */
		json_t *object = strchr(line, '\n') ? json_loads(line, 0, NULL) : NULL;
		if (object)
			add_line(&tally, object);
		json_decref(object);
	}
	(void)fclose(file);
	return tally;
}

static size_t one_by_one(const struct tally *tally)
{
	return tally->refusals + tally->questions + tally->peers;
}

static size_t all_of(const struct tally *tally)
{
	return one_by_one(tally) + tally->unrecorded;
}

static int audit_fd = -1;
static int64_t begun_usec;

static void setup(void)
{
	ck_assert_int_eq(broker_start(&broker, NULL,
				 "{\"rules\": [{\"name\": \"few\", \"peers\": \"any\", \"family\": "
				 "\"inet\", \"type\": \"dgram\"}]}"),
		0);
	audit_fd = open(broker.audit, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(audit_fd, 0);
	begun_usec = now_usec();
}

/* The record outlives its name: what is written at the end is seen too. */
static struct tally stop_and_tally(void)
{
	ck_assert_int_eq(broker_stop(&broker), 0);
	struct tally tally = read_tally(audit_fd);
	close_quietly(audit_fd);
	ck_assert_uint_eq(tally.lost, 0);
	return tally;
}

/* end_usec: when the last of it was done. */
static void expect_bounded(const struct tally *tally, int64_t end_usec)
{
	size_t seconds = (size_t)((end_usec - begun_usec) / 1000000 + 1);

	ck_assert_uint_le(one_by_one(tally), 1000 * seconds);
	/* The end of one second and the beginning of the next at most. */
	ck_assert_uint_lt(tally->lines_in_first_second, 2100);
}

static void refuse(int fd, unsigned flags)
{
	static struct wire_request request;
	struct client_reply reply;

	request_open(&request, AF_INET, SOCK_RAW, IPPROTO_ICMP, 1);
	request.flags = flags;
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == EPERM);
}

static int burst(void *data)
{
	const int *n = data;
	int fd = client_greet_with(broker.socket, WIRE_FEATURE_ASK);

	EXPECT(fd >= 0);
	for (int i = 0; i < *n; i++)
		refuse(fd, i % 3 == 0 ? WIRE_REQUEST_ASK : 0);
	return 0;
}

static int open_one(void *data _unused_)
{
	static struct wire_request request;
	struct client_reply reply;
	int fd = client_greet(broker.socket);

	EXPECT(fd >= 0);
	request_open(&request, AF_INET, SOCK_DGRAM, 0, 1);
	EXPECT(client_call(fd, &request, NULL, 0, &reply) == 0);
	EXPECT(reply.reply.answer.error == 0 && reply.n_fds == 1);
	return 0;
}

/* The rest is told when the second is over, without the user's doing anything more. */
START_TEST(a_burst_is_told_in_full)
{
	int n = BURST;
	struct tally tally;

	setup();
	ck_assert_int_eq(run_as(CLIENT_UID, burst, &n), 0);
	int64_t end = now_usec();
	for (int64_t until = now_usec() + SECONDS_MAX * 1000000; now_usec() < until;) {
		tally = read_tally(audit_fd);
		if (all_of(&tally) >= BURST)
			break;
		(void)usleep(50000);
	}
	ck_assert_uint_eq(all_of(&tally), BURST);
	ck_assert_uint_ge(tally.questions, 300);
	expect_bounded(&tally, end);
	tally = stop_and_tally();
	ck_assert_uint_eq(all_of(&tally), BURST);
}
END_TEST

START_TEST(the_end_of_the_daemon_tells_the_rest)
{
	int n = BURST;

	setup();
	ck_assert_int_eq(run_as(CLIENT_UID, burst, &n), 0);
	int64_t end = now_usec();
	struct tally tally = stop_and_tally();
	ck_assert_uint_eq(all_of(&tally), BURST);
	expect_bounded(&tally, end);
}
END_TEST

/* Who ends its only connection and comes again is the same user. */
static int come_again(void *data)
{
	const int *n = data;

	for (int i = 0; i < *n; i++) {
		int fd = client_greet(broker.socket);
		EXPECT(fd >= 0);
		refuse(fd, 0);
		EXPECT(close(fd) == 0);
	}
	return 0;
}

START_TEST(to_come_again_begins_no_new_second)
{
	int n = 100, times = 20;

	setup();
	for (int i = 0; i < times; i++)
		ck_assert_int_eq(run_as(CLIENT_UID, come_again, &n), 0);
	int64_t end = now_usec();
	struct tally tally = stop_and_tally();
	ck_assert_uint_eq(all_of(&tally), (size_t)(n * times));
	expect_bounded(&tally, end);
}
END_TEST

START_TEST(others_are_recorded_meanwhile)
{
	int n = BURST, few = 90;

	setup();
	pid_t flood = fork_as(CLIENT_UID, burst, &n);
	ck_assert_int_gt(flood, 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(run_as(OTHER_UID, open_one, NULL), 0);
	ck_assert_int_eq(run_as(OTHER_UID, burst, &few), 0);
	ck_assert_int_eq(wait_for(flood), 0);
	ck_assert_int_eq(run_as(CLIENT_UID, open_one, NULL), 0);
	struct tally tally = stop_and_tally();
	ck_assert_uint_eq(all_of(&tally), BURST);
	ck_assert_uint_eq(tally.grants, 21);
	ck_assert_uint_eq(tally.others_refusals, 60);
}
END_TEST

/* Each connection is closed with a record. */
static int connect_often(void *data)
{
	const int *n = data;

	for (int i = 0; i < *n; i++) {
		int fd = client_connect(broker.socket);
		EXPECT(fd >= 0);
		/* A packet longer than any. */
		static unsigned char packet[WIRE_PACKET_MAX + 1];
		EXPECT(client_send_raw(fd, packet, sizeof packet, NULL, 0) == 0);
		struct client_reply reply;
		EXPECT(client_receive(fd, &reply) < 0);
		EXPECT(close(fd) == 0);
	}
	return 0;
}

START_TEST(closed_connections_count_too)
{
	int n = 1500;

	setup();
	ck_assert_int_eq(run_as(CLIENT_UID, connect_often, &n), 0);
	int64_t end = now_usec();
	struct tally tally = stop_and_tally();
	ck_assert_uint_eq(all_of(&tally), (size_t)n);
	expect_bounded(&tally, end);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit-limit");
	TCase *tcase = tcase_create("audit-limit");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_burst_is_told_in_full);
	tcase_add_test(tcase, the_end_of_the_daemon_tells_the_rest);
	tcase_add_test(tcase, to_come_again_begins_no_new_second);
	tcase_add_test(tcase, others_are_recorded_meanwhile);
	tcase_add_test(tcase, closed_connections_count_too);
	suite_add_tcase(suite, tcase);
	return hostile_main(suite);
}
