/*
 * Files over streams and streams as files: counts, offsets and positions, whatever the file is, and
 * what fclose(3) ends and does not end.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/use/use.h"

#define FILE_SIZE 3000000

static int ends[2], file;
static size_t fds_before;
static unsigned char pattern[FILE_SIZE];

static void setup(void)
{
	fds_before = use_count_fds();
	for (size_t i = 0; i < FILE_SIZE; i++)
		pattern[i] = (unsigned char)(i * 31 + i / 251);
	file = memfd_create("file", MFD_CLOEXEC);
	ck_assert_int_eq(write(file, pattern, FILE_SIZE), FILE_SIZE);
	ck_assert_int_eq(lseek(file, 17, SEEK_SET), 17);
	use_tcp_pair(ends);
}

static void teardown(void)
{
	close_quietly(file);
	close_quietly(ends[0]);
	close_quietly(ends[1]);
	ck_assert_uint_eq(use_count_fds(), fds_before);
}

#define ASSERT_FAILS(call, error) \
	do { \
		errno = 0; \
		ck_assert_int_eq((call), -1); \
		ck_assert_int_eq(errno, (error)); \
	} while (0)

/* A child that reads all there is, and says with its exit status whether it is this. */
static pid_t expect_bytes(const unsigned char *bytes, size_t size)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	size_t done = 0;
	static unsigned char buffer[100000];
	close_quietly(ends[0]);
	for (ssize_t n; (n = recv(ends[1], buffer, sizeof buffer, 0)) > 0; done += (size_t)n)
		if (done + (size_t)n > size || memcmp(buffer, bytes + done, (size_t)n) != 0)
			_exit(1);
	_exit(done == size ? 0 : 2);
}

static void assert_came(pid_t child)
{
	int status;

	ck_assert_int_eq(shutdown(ends[0], SHUT_WR), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

static const struct part {
	int64_t offset, count, sent;
} parts[] = {
	{0, SOCKD_TO_END, FILE_SIZE},
	{0, 1, 1},
	{0, FILE_SIZE, FILE_SIZE},
	{0, FILE_SIZE + 1, FILE_SIZE},
	{0, INT64_MAX, FILE_SIZE},
	{1000, 5000, 5000},
	{FILE_SIZE - 3, SOCKD_TO_END, 3},
	{FILE_SIZE - 3, 10, 3},
	{FILE_SIZE, SOCKD_TO_END, 0},
	{FILE_SIZE + 1000, SOCKD_TO_END, 0},
};

START_TEST(parts_of_a_file)
{
	const struct part *part = &parts[_i];
	/* Beyond the end there is nothing to compare with. */
	pid_t child = expect_bytes(pattern + MIN_OF(part->offset, FILE_SIZE), (size_t)part->sent);

	errno = 77;
	use_ring();
	int64_t sent = sockd_sendfile(ends[0], file, part->offset, part->count);
	use_quiet();
	ck_assert_int_eq(sent, part->sent);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(lseek(file, 0, SEEK_CUR), sent > 0 ? part->offset + sent : 17);
	assert_came(child);
}
END_TEST

/* What sendfile(2) does not read: a pipe, and a file of /proc that says it is empty. */
START_TEST(pipe_by_copying)
{
	int ends_of_pipe[2];

	ck_assert_int_eq(pipe2(ends_of_pipe, O_CLOEXEC), 0);
	pid_t writer = fork();
	if (writer == 0) {
		size_t done = 0;
		for (ssize_t n; done < FILE_SIZE; done += (size_t)n)
			if ((n = write(ends_of_pipe[1], pattern + done, FILE_SIZE - done)) < 0)
				_exit(1);
		_exit(0);
	}
	close_quietly(ends_of_pipe[1]);
	pid_t child = expect_bytes(pattern, FILE_SIZE);
	ASSERT_FAILS(sockd_sendfile(ends[0], ends_of_pipe[0], 1, SOCKD_TO_END), ESPIPE);
	use_ring();
	int64_t first = sockd_sendfile(ends[0], ends_of_pipe[0], 0, 100001);
	int64_t rest = sockd_sendfile(ends[0], ends_of_pipe[0], 0, SOCKD_TO_END);
	use_quiet();
	ck_assert_int_eq(first, 100001);
	ck_assert_int_eq(rest, FILE_SIZE - 100001);
	assert_came(child);
	close_quietly(ends_of_pipe[0]);
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
}
END_TEST

START_TEST(proc_file)
{
	char text[4096], came[4096];
	_cleanup_close_ int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(status, text, sizeof text);

	ck_assert_int_gt(size, 100);
	ck_assert_int_eq(sockd_sendfile(ends[0], status, 5, 60), 60);
	ck_assert_int_eq(lseek(status, 0, SEEK_CUR), 65);
	ck_assert_int_eq(recv(ends[1], came, sizeof came, 0), 60);
	ck_assert_mem_eq(came, text + 5, 60);
}
END_TEST

/* How much went is known from the position, after a failure too. */
START_TEST(failure_in_the_middle)
{
	ck_assert_int_eq(sockd_settimeout(ends[0], 100000), 0);
	int64_t sent = 0, total = 0;
	/* Again and again: nobody reads. */
	while ((sent = sockd_sendfile(ends[0], file, 0, SOCKD_TO_END)) > 0)
		total += sent;
	ck_assert_int_eq(sent, -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	off_t position = lseek(file, 0, SEEK_CUR);
	static unsigned char buffer[FILE_SIZE];
	int64_t came = 0;
	ck_assert_int_eq(shutdown(ends[0], SHUT_WR), 0);
	for (ssize_t n; (n = recv(ends[1], buffer, sizeof buffer, 0)) > 0;)
		came += n;
	/* The first one leaves it at 17 where not even a byte went. */
	ck_assert_int_eq(came - total, position == 17 ? 0 : position);
}
END_TEST

START_TEST(bad_calls)
{
	_cleanup_close_ int datagram = sockd_socket(AF_UNIX, SOCK_DGRAM, 0);
	_cleanup_close_ int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ASSERT_FAILS(sockd_sendfile(datagram, file, 0, 1), EPROTOTYPE);
	ASSERT_FAILS(sockd_sendfile(ends[0], file, -1, 1), EINVAL);
	ASSERT_FAILS(sockd_sendfile(ends[0], file, 0, 0), EINVAL);
	ASSERT_FAILS(sockd_sendfile(ends[0], file, 0, -2), EINVAL);
	ASSERT_FAILS(sockd_sendfile(ends[0], file, INT64_MAX, 1), EINVAL);
	ASSERT_FAILS(sockd_sendfile(ends[0], -1, 0, 1), EBADF);
	ASSERT_FAILS(sockd_sendfile(ends[0], nothing, 0, 1), EBADF);
	ASSERT_FAILS(sockd_sendfile(-1, file, 0, 1), EBADF);
	ASSERT_FAILS(sockd_sendfile(file, file, 0, 1), ENOTSOCK);
	ck_assert_int_eq(sockd_setblocking(ends[0], 0), 0);
	ASSERT_FAILS(sockd_sendfile(ends[0], file, 0, 1), EINVAL);
	ck_assert_int_eq(lseek(file, 0, SEEK_CUR), 17);

	static const char *const modes[] = {"", "a", "r+", "w+", "rw", "rbb", "rb+", "x", "we"};
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		errno = 0;
		ck_assert_ptr_null(sockd_makefile(ends[0], modes[i]));
		ck_assert_int_eq(errno, EINVAL);
	}
	ck_assert_ptr_null(sockd_makefile(ends[0], NULL));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(sockd_makefile(file, "r"));
	ck_assert_int_eq(errno, ENOTSOCK);
	ck_assert_ptr_null(sockd_makefile(-1, "r"));
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(streams)
{
	FILE *in = sockd_makefile(ends[0], "rb"), *out = sockd_makefile(ends[1], "w");
	char *line = NULL;
	size_t room = 0;

	ck_assert_ptr_nonnull(in);
	ck_assert_ptr_nonnull(out);
	/* The sockets themselves are closed; the streams go on. */
	close_quietly(TAKE_FD(ends[0]));
	close_quietly(TAKE_FD(ends[1]));
	use_ring();
	ck_assert_int_gt(fprintf(out, "first line\nsecond"), 0);
	ck_assert_int_eq(fflush(out), 0);
	ck_assert_int_eq(getline(&line, &room, in), 11);
	ck_assert_str_eq(line, "first line\n");
	ck_assert_int_eq(fputs(" line\nthird", out), 1);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(getline(&line, &room, in), 12);
	ck_assert_str_eq(line, "second line\n");
	ck_assert_int_eq(getline(&line, &room, in), 5);
	ck_assert_int_eq(getline(&line, &room, in), -1);
	use_quiet();
	ck_assert(feof(in));
	ck_assert(!ferror(in));
	ck_assert_int_eq(fileno(in), -1);
	ck_assert_int_eq(fclose(in), 0);
	free(line);
}
END_TEST

/* Closing a stream ends neither the connection nor other streams. */
START_TEST(streams_and_the_socket)
{
	FILE *one = sockd_makefile(ends[0], "w"), *two = sockd_makefile(ends[0], "w");
	char came[8];

	ck_assert_int_eq(fputs("a", one), 1);
	ck_assert_int_eq(fclose(one), 0);
	ck_assert_int_eq(fputs("b", two), 1);
	ck_assert_int_eq(fflush(two), 0);
	ck_assert_int_eq(sockd_send(ends[0], "c", 1, 0), 1);
	ck_assert_int_eq(fclose(two), 0);
	close_quietly(TAKE_FD(ends[0]));
	ck_assert_int_eq(recv(ends[1], came, sizeof came, MSG_WAITALL), 3);
	ck_assert_mem_eq(came, "abc", 3);
}
END_TEST

START_TEST(stream_times_out)
{
	/* Of TCP nobody knows when it is full. */
	close_quietly(ends[0]);
	close_quietly(ends[1]);
	ck_assert_int_eq(sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(sockd_settimeout(ends[0], 50000), 0);
	FILE *in = sockd_makefile(ends[0], "r"), *out = sockd_makefile(ends[0], "w");
	char line[16];

	ck_assert_int_eq(send(ends[1], "half", 4, 0), 4);
	errno = 0;
	ck_assert_ptr_null(fgets(line, sizeof line, in));
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert(ferror(in));
	ck_assert(!feof(in));
	use_fill(ends[0]);
	ck_assert_int_eq(fputs("more", out), 1);
	ASSERT_FAILS(fflush(out), ETIMEDOUT);
	ck_assert(ferror(out));
	(void)fclose(out);
	ck_assert_int_eq(fclose(in), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("use-file");
	TCase *tcase = tcase_create("file");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, parts_of_a_file, 0, (int)ARRAY_SIZE(parts));
	tcase_add_test(tcase, pipe_by_copying);
	tcase_add_test(tcase, proc_file);
	tcase_add_test(tcase, failure_in_the_middle);
	tcase_add_test(tcase, bad_calls);
	tcase_add_test(tcase, streams);
	tcase_add_test(tcase, streams_and_the_socket);
	tcase_add_test(tcase, stream_times_out);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
