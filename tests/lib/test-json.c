/*
 * sockd-json.h over real sockets: whole messages, ends of the stream, limits, timeouts, and text
 * that is not what it should be.
 */
#include <check.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lib/sockd-json.h"
#include "proto/macro.h"
#include "tests/suite.h"

static int near, far;

static void setup(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	near = fds[0];
	far = fds[1];
}

static void teardown(void)
{
	close(near);
	close(far);
}

/* Puts a message by hand into the far end. */
static void put(const void *text, size_t size, uint32_t claimed)
{
	uint32_t header = htobe32(claimed);

	ck_assert_int_eq(write(far, &header, 4), 4);
	ck_assert_int_eq(write(far, text, size), (ssize_t)size);
}

static int64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void set_timeout(int fd, int option, int ms)
{
	struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, option, &t, sizeof t), 0);
}

#define ASSERT_REFUSED(call, number, words, where) \
	do { \
		json_error_t *mistake_ = &mistake; \
		memset(mistake_, 0xee, sizeof mistake); \
		errno = 0; \
		ck_assert_int_eq((call), -1); \
		ck_assert_msg(errno == (number), "errno is %s: %s", strerrorname_np(errno), \
			mistake.text); \
		ck_assert_msg(strstr(mistake.text, (words)) != NULL, "no '%s' in '%s'", (words), \
			mistake.text); \
		ck_assert_int_eq(mistake.line, (where)); \
	} while (0)

START_TEST(objects_arrive_as_they_were)
{
	json_t *sent = json_pack("{s:i, s:[f,b,n], s:{s:s}}", "number", -7, "list", 0.1, 1, "text",
		"key", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8d\n");
	json_t *empty = json_object(), *got = NULL;
	unsigned char bytes[6];

	errno = 77;
	ck_assert_int_eq(sockd_send_json(far, empty, 0, NULL), 0);
	ck_assert_int_eq(read(near, bytes, sizeof bytes), 6);
	ck_assert_mem_eq(bytes, "\0\0\0\2{}", 6);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sockd_send_json(far, sent, 0, NULL), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(sockd_recv_json(near, 0, &got, NULL), 1);
		ck_assert(json_equal(sent, got));
		json_decref(got);
	}
	ck_assert_int_eq(errno, 77);
	json_decref(sent);
	json_decref(empty);
}
END_TEST

START_TEST(the_end_of_the_stream)
{
	json_t *got = (json_t *)&near;
	json_error_t mistake;
	static const unsigned char piece[] = {0, 0, 0, 9, '{', '"'};

	/* Within the size, within the text, and between two messages. */
	for (size_t n = 0; n <= sizeof piece; n++) {
		int fds[2];
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		ck_assert_int_eq(write(fds[1], piece, n), (ssize_t)n);
		close(fds[1]);
		errno = 77;
		if (n == 0) {
			ck_assert_int_eq(sockd_recv_json(fds[0], 0, &got, &mistake), 0);
			ck_assert_int_eq(errno, 77);
		} else {
			ASSERT_REFUSED(sockd_recv_json(fds[0], 0, &got, &mistake), EPROTO,
				"the stream ended after", -1);
			ck_assert_int_eq(mistake.position, (int)n);
			ck_assert_str_eq(mistake.source, "<recv_json>");
		}
		close(fds[0]);
	}
	ck_assert_ptr_eq(got, (json_t *)&near);
}
END_TEST

static const struct {
	const char *text;
	int line, column;
	const char *words;
} malformed[] = {
	{"", 1, 0, "expected near end of file"},
	{"{\"a\": 1,\n  \"b\" 2}", 2, 7, "':' expected"},
	{"{\"a\": 1} x", 1, 10, "end of file expected"},
	{"{\"a\": 1, \"a\": 2}", 1, 12, "duplicate object key"},
	{"{\"a\": \"\\u0000\"}", 1, 14, "\\u0000 is not allowed"},
	{"{\"a\": \"\xff\"}", 1, 7, "unable to decode byte 0xff"},
	{"{\"a\": \"\xed\xa0\x80\"}", 1, 7, "unable to decode byte"},
	{"{\"a\": 1e999}", 1, 11, "overflow"},
	{"[1]", 1, 1, "not an object"},
	{"7", 1, 1, "'[' or '{' expected"},
	{"{\"a\": NaN}", 1, 9, "invalid token"},
};

START_TEST(malformed_text_says_where)
{
	json_t *got = NULL;
	json_error_t mistake;
	const char *text = malformed[_i].text;

	put(text, strlen(text), (uint32_t)strlen(text));
	ASSERT_REFUSED(sockd_recv_json(near, 0, &got, &mistake), EBADMSG, malformed[_i].words,
		malformed[_i].line);
	ck_assert_int_eq(mistake.column, malformed[_i].column);
	ck_assert_ptr_null(got);
	/* The stream is still good. */
	put("{}", 2, 2);
	ck_assert_int_eq(sockd_recv_json(near, 0, &got, &mistake), 1);
	json_decref(got);
}
END_TEST

START_TEST(a_nul_within_the_text)
{
	json_t *got = NULL;
	json_error_t mistake;

	put("{}\0{}", 5, 5);
	ASSERT_REFUSED(
		sockd_recv_json(near, 0, &got, &mistake), EBADMSG, "end of file expected", 1);
}
END_TEST

START_TEST(limits_of_size)
{
	json_t *object = json_pack("{s:s}", "a", "0123456789"), *got = NULL;
	json_error_t mistake;

	/* {"a":"0123456789"} */
	ASSERT_REFUSED(sockd_send_json(far, object, 17, &mistake), EMSGSIZE, "the 17 bytes", -1);
	ck_assert_int_eq(mistake.position, 0);
	ck_assert_str_eq(mistake.source, "<send_json>");
	ck_assert_int_eq(sockd_send_json(far, object, 18, NULL), 0);
	ck_assert_int_eq(sockd_send_json(far, object, 18, NULL), 0);
	ck_assert_int_eq(sockd_recv_json(near, 18, &got, NULL), 1);
	json_decref(got);
	ASSERT_REFUSED(sockd_recv_json(near, 17, &got, &mistake), EMSGSIZE,
		"has 18 bytes, and 17 are allowed", -1);
	ck_assert_int_eq(mistake.position, 4);
	if (SIZE_MAX > UINT32_MAX) {
		ASSERT_REFUSED(
			sockd_recv_json(near, SIZE_MAX, &got, &mistake), EINVAL, "size_max", -1);
		ASSERT_REFUSED(
			sockd_send_json(near, object, SIZE_MAX, &mistake), EINVAL, "size_max", -1);
	}
	json_decref(object);
}
END_TEST

/* Claimed sizes are believed only up to the limit: refused before anything more is read. */
START_TEST(a_claim_of_four_gigabytes)
{
	json_t *got = NULL;
	json_error_t mistake;

	put("{}", 2, UINT32_MAX);
	ASSERT_REFUSED(sockd_recv_json(near, 0, &got, &mistake), EMSGSIZE, "4294967295", -1);
}
END_TEST

/* {"a":[[[...1...]]]} with so many values within each other. */
static json_t *nested(int depth)
{
	json_t *object = json_object(), *inner = json_integer(1);

	for (int i = 0; i < depth - 2; i++) {
		json_t *outer = json_array();
		json_array_append_new(outer, inner);
		inner = outer;
	}
	json_object_set_new(object, "a", inner);
	return object;
}

/* The same as text: jansson itself refuses to print what is nested deeper than it reads. */
static char *nested_text(int depth)
{
	size_t n = (size_t)depth - 2;
	char *text = malloc(2 * n + 8), *at = text;

	ck_assert_ptr_nonnull(text);
	at = stpcpy(at, "{\"a\":");
	at = (char *)memset(at, '[', n) + n;
	*at++ = '1';
	at = (char *)memset(at, ']', n) + n;
	strcpy(at, "}");
	return text;
}

START_TEST(limits_of_nesting)
{
	json_t *deep = nested(JSON_PARSER_MAX_DEPTH), *deeper = nested(JSON_PARSER_MAX_DEPTH + 1);
	json_t *got = NULL;
	json_error_t mistake;
	char *text = nested_text(JSON_PARSER_MAX_DEPTH + 1);

	ck_assert_int_eq(sockd_send_json(far, deep, 0, NULL), 0);
	ck_assert_int_eq(sockd_recv_json(near, 0, &got, NULL), 1);
	ck_assert(json_equal(deep, got));
	json_decref(got);
	ASSERT_REFUSED(sockd_send_json(far, deeper, 0, &mistake), EINVAL, "nested deeper", -1);
	put(text, strlen(text), (uint32_t)strlen(text));
	ASSERT_REFUSED(
		sockd_recv_json(near, 0, &got, &mistake), EBADMSG, "maximum parsing depth", 1);
	free(text);
	json_decref(deep);
	json_decref(deeper);
}
END_TEST

/* What takes 2^60 bytes as text, and what takes endlessly many. */
START_TEST(objects_that_are_more_than_they_seem)
{
	json_t *object = json_object(), *inner = json_array(), *ring = json_object();
	json_error_t mistake;

	json_object_set_new(object, "a", inner);
	for (int i = 0; i < 60; i++) {
		json_t *next = json_array();
		json_array_append_new(inner, next);
		json_array_append(inner, next);
		inner = next;
	}
	ASSERT_REFUSED(sockd_send_json(far, object, 0, &mistake), EMSGSIZE, "larger", -1);
	json_decref(object);

	inner = json_array();
	json_object_set(ring, "a", inner);
	json_array_append(inner, ring);
	ASSERT_REFUSED(sockd_send_json(far, ring, 0, &mistake), EINVAL, "within itself", -1);
	json_array_clear(inner);
	json_decref(inner);
	json_decref(ring);
}
END_TEST

START_TEST(what_cannot_be_sent)
{
	json_t *list = json_array(), *object = json_object(), *got = NULL;
	json_error_t mistake;
	int pipes[2];

	ASSERT_REFUSED(sockd_send_json(far, list, 0, &mistake), EINVAL, "not an object", -1);
	ASSERT_REFUSED(sockd_send_json(far, NULL, 0, &mistake), EINVAL, "not an object", -1);
	ASSERT_REFUSED(sockd_recv_json(far, 0, NULL, &mistake), EINVAL, "no place", -1);
	ASSERT_REFUSED(sockd_send_json(-1, object, 0, &mistake), EBADF, "descriptor -1", -1);
	ASSERT_REFUSED(sockd_recv_json(-1, 0, &got, &mistake), EBADF, "descriptor -1", -1);
	ck_assert_int_eq(pipe(pipes), 0);
	ASSERT_REFUSED(sockd_send_json(pipes[1], object, 0, &mistake), ENOTSOCK, "descriptor", -1);
	ASSERT_REFUSED(sockd_recv_json(pipes[0], 0, &got, &mistake), ENOTSOCK, "descriptor", -1);
	close(pipes[0]);
	close(pipes[1]);
	/* Of a datagram all would be lost but what one recv(2) asks for. */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pipes), 0);
	ASSERT_REFUSED(sockd_send_json(pipes[1], object, 0, &mistake), EPROTOTYPE, "stream", -1);
	ck_assert_int_eq(write(pipes[1], "\0\0\0\2{}", 6), 6);
	ASSERT_REFUSED(sockd_recv_json(pipes[0], 0, &got, &mistake), EPROTOTYPE, "stream", -1);
	close(pipes[0]);
	close(pipes[1]);
	json_object_set_new(object, "a", json_stringn_nocheck("a\0b", 3));
	ASSERT_REFUSED(sockd_send_json(far, object, 0, &mistake), EINVAL, "NUL", -1);
	json_object_set_new(object, "a", json_stringn_nocheck("\xff", 1));
	ASSERT_REFUSED(sockd_send_json(far, object, 0, &mistake), EINVAL, "not UTF-8", -1);
	json_object_clear(object);
	/* No SIGPIPE: it would end this process. */
	close(near);
	ASSERT_REFUSED(sockd_send_json(far, object, 0, &mistake), EPIPE, "after 0 bytes", -1);
	near = -1;
	json_decref(list);
	json_decref(object);
}
END_TEST

START_TEST(a_socket_that_is_not_ready)
{
	json_t *got = NULL, *large = json_object();
	json_error_t mistake;
	char *text = calloc(1, 900000);

	ck_assert_int_eq(fcntl(near, F_SETFL, O_NONBLOCK), 0);
	ASSERT_REFUSED(sockd_recv_json(near, 0, &got, &mistake), EAGAIN, "after 0 bytes", -1);
	ck_assert_int_eq(mistake.position, 0);
	ck_assert_int_eq(write(far, "\0\0", 2), 2);
	ASSERT_REFUSED(sockd_recv_json(near, 0, &got, &mistake), EAGAIN, "after 2 bytes", -1);
	memset(text, 'x', 899999);
	json_object_set_new(large, "a", json_string(text));
	ASSERT_REFUSED(sockd_send_json(near, large, 0, &mistake), EAGAIN, "after ", -1);
	ck_assert_int_gt(mistake.position, 0);
	json_decref(large);
	free(text);
}
END_TEST

static void *drip(void *unused)
{
	(void)unused;
	for (int i = 0; i < 75; i++) {
		usleep(40000);
		if (send(far, "\0", 1, MSG_NOSIGNAL) < 0)
			break;
	}
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
}

/* The timeout is for the whole message, however often a byte or a signal comes. */
START_TEST(a_timeout_for_the_whole)
{
	struct itimerval often = {{0, 15000}, {0, 15000}}, never = {{0, 0}, {0, 0}};
	json_t *got = NULL, *large = json_object();
	char *text = calloc(1, 900000);
	json_error_t mistake;
	pthread_t thread;
	int64_t began;

	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &often, NULL);
	put("", 0, 200);
	set_timeout(near, SO_RCVTIMEO, 200);
	set_timeout(near, SO_SNDTIMEO, 200);
	ck_assert_int_eq(pthread_create(&thread, NULL, drip, NULL), 0);
	began = milliseconds();
	ASSERT_REFUSED(sockd_recv_json(near, 0, &got, &mistake), ETIMEDOUT, "bytes", -1);
	ck_assert_int_ge(milliseconds() - began, 195);
	ck_assert_int_lt(milliseconds() - began, 2000);
	ck_assert_int_gt(mistake.position, 4);
	memset(text, 'x', 899999);
	json_object_set_new(large, "a", json_string(text));
	began = milliseconds();
	ASSERT_REFUSED(sockd_send_json(near, large, 0, &mistake), ETIMEDOUT, "bytes", -1);
	ck_assert_int_ge(milliseconds() - began, 195);
	ck_assert_int_lt(milliseconds() - began, 2000);
	setitimer(ITIMER_REAL, &never, NULL);
	shutdown(far, SHUT_RDWR);
	pthread_join(thread, NULL);
	json_decref(large);
	free(text);
}
END_TEST

static void make_tcp(int ends[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof address;
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listening, (const struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listening, 1), 0);
	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(ends[0], (const struct sockaddr *)&address, size), 0);
	ends[1] = accept(listening, NULL, NULL);
	ck_assert_int_ge(ends[1], 0);
	close(listening);
}

/* A queue of errors makes poll(2) return at once, every time. */
START_TEST(an_error_queue_takes_no_processor)
{
	const int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	struct timespec before, after;
	json_t *got = NULL;
	int ends[2];

	make_tcp(ends);
	ck_assert_int_eq(
		setsockopt(ends[0], SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps), 0);
	ck_assert_int_eq(write(ends[0], "x", 1), 1);
	set_timeout(ends[0], SO_RCVTIMEO, 300);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	ck_assert_int_eq(sockd_recv_json(ends[0], 0, &got, NULL), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	int64_t used = (int64_t)(after.tv_sec - before.tv_sec) * 1000 +
		       (after.tv_nsec - before.tv_nsec) / 1000000;
	/* Emulated machines are slow, but they do sleep. */
	ck_assert_msg(used < 250, "%d ms of processor time", (int)used);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

static void *receive_one(void *ret)
{
	(void)sockd_recv_json(near, 0, ret, NULL);
	return NULL;
}

static int allocations_left;

static void *scarce_malloc(size_t size)
{
	if (allocations_left-- > 0)
		return malloc(size);
	errno = ENOMEM;
	return NULL;
}

/* Not the object's fault, nor the peer's. */
START_TEST(want_of_memory)
{
	static const char text[] = "{\"list\":[1,\"two\",{\"three\":3.5}],\"last\":\"word\"}";
	json_t *object = json_loads(text, 0, NULL), *received;
	json_error_t error;
	int n = 0, r;

	do {
		allocations_left = n++;
		json_set_alloc_funcs(scarce_malloc, free);
		r = sockd_send_json(near, object, 0, &error);
		json_set_alloc_funcs(malloc, free);
		ck_assert(r == 0 || (errno == ENOMEM && error.line == -1 && error.position == 0));
		ck_assert_int_eq(
			recv(far, &(char){0}, 1, MSG_DONTWAIT | MSG_PEEK), r == 0 ? 1 : -1);
	} while (r < 0);
	ck_assert_int_gt(n, 2);
	n = 0;
	do {
		put(text, sizeof text - 1, sizeof text - 1);
		received = object;
		allocations_left = n++;
		json_set_alloc_funcs(scarce_malloc, free);
		r = sockd_recv_json(near, 0, &received, &error);
		json_set_alloc_funcs(malloc, free);
		ck_assert(r == 1 || (errno == ENOMEM && error.line == -1 && received == object));
	} while (r < 0);
	ck_assert_int_gt(n, 10);
	ck_assert(json_equal(object, received));
	json_decref(received);
	json_decref(object);
}
END_TEST

/* More than the socket's buffers hold, both ends at work, signals all the while. */
START_TEST(a_large_message_in_pieces)
{
	struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	json_t *large = json_object(), *got = NULL;
	pthread_t thread;

	for (int i = 0; i < 20000; i++) {
		char key[16];
		snprintf(key, sizeof key, "key %d", i);
		json_object_set_new(large, key, json_pack("[iiii]", i, i, i, i));
	}
	signal(SIGALRM, on_signal);
	ck_assert_int_eq(pthread_create(&thread, NULL, receive_one, &got), 0);
	setitimer(ITIMER_REAL, &often, NULL);
	ck_assert_int_eq(sockd_send_json(far, large, 0, NULL), 0);
	pthread_join(thread, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert(json_equal(large, got));
	json_decref(large);
	json_decref(got);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 30);
	tcase_add_test(all, objects_arrive_as_they_were);
	tcase_add_test(all, the_end_of_the_stream);
	tcase_add_loop_test(all, malformed_text_says_where, 0, ARRAY_SIZE(malformed));
	tcase_add_test(all, a_nul_within_the_text);
	tcase_add_test(all, limits_of_size);
	tcase_add_test(all, a_claim_of_four_gigabytes);
	tcase_add_test(all, limits_of_nesting);
	tcase_add_test(all, objects_that_are_more_than_they_seem);
	tcase_add_test(all, what_cannot_be_sent);
	tcase_add_test(all, a_socket_that_is_not_ready);
	tcase_add_test(all, a_timeout_for_the_whole);
	tcase_add_test(all, an_error_queue_takes_no_processor);
	tcase_add_test(all, want_of_memory);
	tcase_add_test(all, a_large_message_in_pieces);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
