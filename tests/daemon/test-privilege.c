/*
 * What sockd gives up, and what it can still do then: really given up, in a process each.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "daemon/audit.h"
#include "daemon/closer.h"
#include "daemon/privilege.h"
#include "daemon/worker.h"
#include "proto/macro.h"
#include "tests/daemon/dropped.h"

START_TEST(the_drop_leaves_exactly_what_was_asked)
{
	const uint64_t kept = CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) | CAP(CAP_SYS_ADMIN);
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	drop(kept);
	ck_assert_int_eq(getresuid(&ruid, &euid, &suid), 0);
	ck_assert(ruid == USER && euid == USER && suid == USER);
	ck_assert_int_eq(getresgid(&rgid, &egid, &sgid), 0);
	ck_assert(rgid == USER && egid == USER && sgid == USER);
	ck_assert_int_eq(getgroups(0, NULL), 0);
	ck_assert_uint_eq(read_caps("CapPrm"), kept);
	ck_assert_uint_eq(read_caps("CapEff"), kept);
	ck_assert_uint_eq(read_caps("CapInh"), 0);
	ck_assert_uint_eq(read_caps("CapAmb"), 0);
	ck_assert_uint_eq(read_caps("CapBnd"), 0);
	ck_assert_uint_eq(read_caps("NoNewPrivs"), 1);
	ck_assert_uint_eq(privilege_held(), kept);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
#endif
	ck_assert_fails(setuid(0), EPERM);
	ck_assert_fails(setgid(0), EPERM);
}
END_TEST

START_TEST(a_drop_to_nothing)
{
	drop(0);
	ck_assert_uint_eq(read_caps("CapPrm"), 0);
	ck_assert_uint_eq(read_caps("CapEff"), 0);
	ck_assert_uint_eq(read_caps("CapBnd"), 0);
	ck_assert_int_eq((int)getuid(), USER);
}
END_TEST

START_TEST(not_started_as_root_drops_to_what_is_held)
{
	uint64_t missing = 0;

	ck_assert_int_eq(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(1234, 1234, 1234), 0);
	ck_assert_int_eq(setresuid(1234, 1234, 1234), 0);
	ck_assert_int_eq(privilege_drop(NULL, CAP(CAP_NET_RAW) | CAP(CAP_CHOWN), &missing), 0);
	ck_assert_uint_eq(missing, 0);
	ck_assert_int_eq((int)getuid(), 1234);
	ck_assert_uint_eq(privilege_held(), CAP(CAP_NET_RAW) | CAP(CAP_CHOWN));

	/* Now without all that is asked for. */
	ck_assert_int_eq(
		privilege_drop(&account, CAP(CAP_NET_RAW) | CAP(CAP_SYS_ADMIN), &missing), 0);
	ck_assert_uint_eq(missing, CAP(CAP_SYS_ADMIN));
	ck_assert_int_eq((int)getuid(), 1234);
	ck_assert_uint_eq(read_caps("CapPrm"), CAP(CAP_NET_RAW));
	ck_assert_uint_eq(read_caps("CapEff"), CAP(CAP_NET_RAW));
}
END_TEST

START_TEST(root_must_become_somebody_else)
{
	const struct account root = {0, 0};
	uint64_t missing = 0;

	ck_assert_int_eq(privilege_drop(&root, 0, &missing), -EINVAL);
	ck_assert_int_eq(privilege_drop(NULL, 0, &missing), -EINVAL);
}
END_TEST

START_TEST(only_what_was_kept_works)
{
	int fd;

	drop(CAP(CAP_NET_RAW));
	fence(&(struct fence_options){0});
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	ck_assert_msg(fd >= 0, "raw socket: %m");
	(void)close(fd);
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_msg(fd >= 0, "packet socket: %m");
	(void)close(fd);

	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_fails(bind(fd, (struct sockaddr *)&address, sizeof(address)), EACCES);
	(void)close(fd);
}
END_TEST

static void *note_caps(void *data)
{
	*(uint64_t *)data = read_caps("CapEff");
	return NULL;
}

START_TEST(threads_can_be_made)
{
	pthread_t thread;
	uint64_t seen = 0;

	drop(CAP(CAP_NET_RAW));
	fence(&(struct fence_options){0});
	ck_assert_int_eq(pthread_create(&thread, NULL, note_caps, &seen), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(seen, CAP(CAP_NET_RAW));
}
END_TEST

struct caps_job {
	struct job job;
	uint64_t seen;
	bool done;
};

static void caps_run(struct job *job)
{
	((struct caps_job *)job)->seen = read_caps("CapPrm") | read_caps("CapEff");
}

static void caps_done(struct job *job)
{
	((struct caps_job *)job)->done = true;
}

static uint64_t caps_of_job(sd_event *event, struct worker *worker)
{
	struct caps_job job = {.job = {.run = caps_run, .done = caps_done}};

	ck_assert_int_eq(worker_submit_take(worker, &job.job), 0);
	while (!job.done)
		ck_assert_int_ge(sd_event_run(event, 5000000), 0);
	return job.seen;
}

/* Looks at every thread of the process, by the thread's name. A thread just made may not have it
 * yet. */
static uint64_t find_thread(const char *wanted)
{
	uint64_t found = UINT64_MAX;
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;

	ck_assert_ptr_nonnull(tasks);
	while ((entry = readdir(tasks))) {
		char name[300], line[256];
		unsigned long long value = 0;
		bool match = false;
		FILE *file;

		(void)snprintf(name, sizeof(name), "/proc/self/task/%s/status", entry->d_name);
		file = fopen(name, "re");
		if (!file)
			continue;
		while (fgets(line, sizeof(line), file)) {
			line[strcspn(line, "\n")] = '\0';
			if (strncmp(line, "Name:\t", 6) == 0)
				match = strcmp(line + 6, wanted) == 0;
			(void)sscanf(line, "CapPrm:\t%llx", &value);
		}
		(void)fclose(file);
		if (match)
			found = value;
	}
	(void)closedir(tasks);
	return found;
}

static void wait_for_no_caps(const char *thread)
{
	for (unsigned i = 0; i < 20000 && find_thread(thread) != 0; i++)
		(void)usleep(1000);
	ck_assert_uint_eq(find_thread(thread), 0);
}

static void on_room(void *data _unused_)
{
}

START_TEST(a_reduction_reaches_every_thread)
{
	const uint64_t all = CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN) | CAP(CAP_NET_BIND_SERVICE);
	struct audit *audit = NULL;
	struct closer *closer = NULL;
	struct worker *worker = NULL;
	sd_event *event = NULL;
	uint64_t missing = 0;

	ck_assert_int_eq(audit_new("stderr", &audit), 0);
	drop(all);
	fence(&(struct fence_options){0});
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(worker_new(event, 1, 1, &worker), 0);
	ck_assert_int_eq(closer_new(event, on_room, NULL, &closer), 0);
	ck_assert_int_eq(audit_start(audit), 0);

	ck_assert_uint_eq(caps_of_job(event, worker), all);
	wait_for_no_caps("sockd-close");
	wait_for_no_caps("sockd-audit");

	/* The job's thread exists already when the loop gives up two. */
	ck_assert_int_eq(privilege_reduce(CAP(CAP_NET_RAW), &missing), 0);
	ck_assert_uint_eq(privilege_held(), CAP(CAP_NET_RAW));
	ck_assert_uint_eq(read_caps("CapPrm"), CAP(CAP_NET_RAW));
	ck_assert_uint_eq(caps_of_job(event, worker), CAP(CAP_NET_RAW));

	ck_assert_int_eq(privilege_reduce(all, &missing), -EPERM);
	ck_assert_uint_eq(missing, CAP(CAP_NET_ADMIN) | CAP(CAP_NET_BIND_SERVICE));
	ck_assert_uint_eq(privilege_held(), CAP(CAP_NET_RAW));
	ck_assert_uint_eq(caps_of_job(event, worker), CAP(CAP_NET_RAW));

	worker = worker_free(worker);
	closer = closer_free(closer);
	audit = audit_free(audit);
	event = sd_event_unref(event);
}
END_TEST

/* The audit file is opened as root and opened anew by the account that it was given to. */
START_TEST(the_audit_file_survives_the_drop)
{
	char directory[64];
	const char *writable[] = {directory};
	const struct fence_options options = {
		.writable_directories = writable,
		.n_writable_directories = 1,
	};
	struct audit *audit = NULL;
	char name[80];

	make_directory(directory, sizeof(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	(void)snprintf(name, sizeof(name), "%s/log", directory);
	ck_assert_int_eq(audit_new(name, &audit), 0);
	ck_assert_int_eq(audit_give(audit, account.uid, account.gid), 0);
	drop(0);
	fence(&options);
	ck_assert_int_eq(audit_start(audit), 0);
	ck_assert_int_eq(audit_reopen(audit), 0);
	(void)audit_free(audit);
}
END_TEST

START_TEST(accounts_are_parsed)
{
	struct account found = {1, 1};
	static const char *const wrong[] = {"", "0", "root", "0:5", "5:0", "5:", ":5", "5:x",
		"5:6:7", "4294967295", "5:4294967295", "99999999999", "-5", "nobody:5", "5 ", " 5",
		"5x:6"};

	ck_assert_int_eq(privilege_parse_account("4000000123", &found), 0);
	ck_assert(found.uid == 4000000123 && found.gid == 4000000123);
	ck_assert_int_eq(privilege_parse_account("12:34", &found), 0);
	ck_assert(found.uid == 12 && found.gid == 34);
	ck_assert_int_eq(privilege_parse_account("nobody", &found), 0);
	ck_assert(found.uid == getpwnam("nobody")->pw_uid);
	ck_assert(found.gid == getpwnam("nobody")->pw_gid);
	ck_assert_int_eq(privilege_parse_account("no-such-user-here", &found), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		found = (struct account){7, 8};
		ck_assert_msg(privilege_parse_account(wrong[i], &found) < 0, "%s", wrong[i]);
		ck_assert(found.uid == 7 && found.gid == 8);
	}
}
END_TEST

START_TEST(capabilities_are_described)
{
	char buffer[128], small[8];

	ck_assert_str_eq(privilege_describe(0, buffer, sizeof(buffer)), "none");
	ck_assert_str_eq(
		privilege_describe(CAP(CAP_NET_RAW) | CAP(CAP_NET_ADMIN), buffer, sizeof(buffer)),
		"cap_net_admin,cap_net_raw");
	ck_assert_str_eq(privilege_describe(UINT64_C(1) << 63, buffer, sizeof(buffer)), "63");
	ck_assert_str_eq(privilege_describe(UINT64_MAX, small, sizeof(small)), "cap_cho");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("privilege");
	TCase *cases = tcase_create("privilege");

	tcase_add_test(cases, the_drop_leaves_exactly_what_was_asked);
	tcase_add_test(cases, a_drop_to_nothing);
	tcase_add_test(cases, not_started_as_root_drops_to_what_is_held);
	tcase_add_test(cases, root_must_become_somebody_else);
	tcase_add_test(cases, only_what_was_kept_works);
	tcase_add_test(cases, threads_can_be_made);
	tcase_add_test(cases, a_reduction_reaches_every_thread);
	tcase_add_test(cases, the_audit_file_survives_the_drop);
	tcase_add_test(cases, accounts_are_parsed);
	tcase_add_test(cases, capabilities_are_described);
	tcase_set_timeout(cases, 30);
	suite_add_tcase(suite, cases);
	return dropped_main(suite);
}
