/*
 * A real sockd and clients that send it files of a file system of their own (FUSE), whose every
 * close comes back when its server likes: here only when that is gone.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/daemon/harness.h"
#include "tests/daemon/hostile.h"

/* Together more than sockd has threads; of one user it releases 48 at a time. */
#define USERS 8
#define FILES_EACH 48

static char directory[] = "/tmp/sockd-files-XXXXXX";
static pid_t server;

/* --- the file system: a directory and in it any file, empty --- */

static struct fuse_attr attributes_of(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void answer(
	int fuse, const struct fuse_in_header *request, int error, const void *body, size_t size)
{
	char reply[512];
	const struct fuse_out_header header = {
		.len = (uint32_t)(sizeof header + size),
		.error = -error,
		.unique = request->unique,
	};

	memcpy(reply, &header, sizeof header);
	if (size > 0)
		memcpy(reply + sizeof header, body, size);
	EXPECT(write(fuse, reply, header.len) == (ssize_t)header.len);
}

static void serve_one(int fuse, const struct fuse_in_header *request)
{
	const struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};
	const struct fuse_entry_out entry = {.nodeid = 2, .attr = attributes_of(2)};
	const struct fuse_attr_out attributes = {.attr = attributes_of(request->nodeid)};
	const struct fuse_open_out opened = {.fh = 1};

	switch (request->opcode) {
	case FUSE_INIT:
		answer(fuse, request, 0, &init, sizeof init);
		break;
	case FUSE_LOOKUP:
		answer(fuse, request, 0, &entry, sizeof entry);
		break;
	case FUSE_GETATTR:
		answer(fuse, request, 0, &attributes, sizeof attributes);
		break;
	case FUSE_OPEN:
		answer(fuse, request, 0, &opened, sizeof opened);
		break;
	case FUSE_FLUSH:     /* each close: never answered */
	case FUSE_INTERRUPT: /* nor is a signal heeded */
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	default:
		answer(fuse, request, ENOSYS, NULL, 0);
	}
}

static _Noreturn void serve_files(int mounted)
{
	static char request[65536] __attribute__((aligned(8)));
	char options[96];
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	EXPECT(fuse >= 0);
	EXPECT(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other",
		fuse);
	EXPECT(mount("files", directory, "fuse", MS_NOSUID | MS_NODEV, options) == 0);
	EXPECT(write(mounted, "", 1) == 1);
	while (read(fuse, request, sizeof request) > 0)
		serve_one(fuse, (const struct fuse_in_header *)request);
	_exit(1);
}

/* Nobody else may hold its /dev/fuse: it ends with that. */
static void start_files(void)
{
	int mounted[2];
	char byte;

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(pipe2(mounted, O_CLOEXEC), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0)
		serve_files(mounted[1]);
	close(mounted[1]);
	ck_assert_int_eq(read(mounted[0], &byte, 1), 1);
	close(mounted[0]);
}

static void end_files(void)
{
	if (server <= 0)
		return;
	(void)kill(server, SIGKILL);
	(void)wait_for(server);
	server = 0;
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	hostile_setup();
	start_files();
}

static void teardown(void)
{
	end_files();
	hostile_teardown();
	ck_assert_int_eq(umount2(directory, MNT_DETACH), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}

static int send_files(void *data _unused_)
{
	char path[sizeof directory + 4];

	snprintf(path, sizeof path, "%s/x", directory);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT(file >= 0);
	for (int i = 0; i < FILES_EACH; i++) {
		int fd = client_connect(broker.socket);
		EXPECT(fd >= 0);
		EXPECT(client_send_raw(fd, "x", 1, &file, 1) == 0);
	}
	return 0;
}

START_TEST(files_that_never_close_cost_others_nothing)
{
	struct standing users[USERS];
	size_t before = count_fds_of(broker.pid), n = 0;

	for (uid_t i = 0; i < USERS; i++)
		users[i] = standing_start(CLIENT_UID - 100 - i, send_files, NULL);
	/* All are there, and none is closed. */
	for (int i = 0; i < 100 && n < before + (size_t)USERS * FILES_EACH; i++) {
		usleep(20000);
		n = count_fds_of(broker.pid);
	}
	ck_assert_uint_ge(n, before + (size_t)USERS * FILES_EACH);
	for (int i = 0; i < 10; i++)
		others_do_not_notice();

	end_files();
	for (int i = 0; i < USERS; i++)
		standing_end(&users[i], true);
	nothing_is_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("files");
	TCase *tests = tcase_create("files");

	if (access("/dev/fuse", F_OK) < 0) {
		puts("SKIP: the kernel has no /dev/fuse");
		return 77;
	}
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, files_that_never_close_cost_others_nothing);
	suite_add_tcase(suite, tests);
	return hostile_main(suite);
}
