/*
 * The parts of keeping sockets: terms that come back from the manager and are not to be trusted,
 * wrong tickets that are counted, processes that are told apart, and what is made of a manager's
 * store full of nonsense.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/keep/depot.h"
#include "daemon/keep/guesses.h"
#include "daemon/keep/keep.h"
#include "daemon/keep/process.h"
#include "daemon/keep/terms.h"
#include "proto/macro.h"
#include "tests/suite.h"

static struct terms good_ticket(void)
{
	struct terms terms = {
		.kind = TERMS_TICKET,
		.number = 5,
		.cookie = 77,
		.begin_usec = 1,
		.expiry_usec = INT64_MAX,
		.uid = 1,
		.gid = 2,
		.pid = 3,
		.taker = WIRE_TAKER_USER,
		.taker_id = 33,
		.rule = "r",
	};

	memset(terms.ticket.bytes, 0xab, sizeof terms.ticket.bytes);
	return terms;
}

static struct terms good_stored(void)
{
	return (struct terms){
		.kind = TERMS_STORED, .number = 6, .cookie = 77, .name = "web-1", .rule = "r"};
}

static int read_back(const struct terms *terms, struct terms *ret)
{
	_cleanup_close_ int fd = terms_seal(terms);

	ck_assert_int_ge(fd, 0);
	return terms_read(fd, ret);
}

START_TEST(terms_come_back)
{
	const struct terms ticket = good_ticket(), stored = good_stored();
	struct terms back;

	ck_assert_int_eq(read_back(&ticket, &back), 0);
	ck_assert_uint_eq(back.number, 5);
	ck_assert_uint_eq(back.taker_id, 33);
	ck_assert_mem_eq(&back.ticket, &ticket.ticket, sizeof back.ticket);
	ck_assert_int_eq(read_back(&stored, &back), 0);
	ck_assert_str_eq(back.name, "web-1");
}
END_TEST

START_TEST(terms_that_cannot_be_are_refused)
{
	struct terms back;
	struct terms bad[14];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = i < 7 ? good_ticket() : good_stored();
	bad[n++].kind = 3;
	bad[n++].number = 0;
	bad[n++].expiry_usec = 0; /* a ticket always ends */
	bad[n++].taker = 4;
	bad[n++].common = 1;
	memcpy(bad[n++].name, "x", 2);
	bad[n++].begin_usec = UINT64_MAX;
	bad[n++].common = 2;
	bad[n++].name[0] = '\0';
	memcpy(bad[n++].name, "a/b", 4);
	memset(bad[n].name, 'a', sizeof bad[n].name);
	n++;
	bad[n++].name[100] = 'x'; /* behind its end */
	memset(bad[n].rule, 'a', sizeof bad[n].rule);
	n++;
	bad[n++].taker_id = 1;
	ck_assert_uint_eq(n, ARRAY_SIZE(bad));
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(read_back(&bad[i], &back) == -EBADMSG, "bad terms %zu", i);
}
END_TEST

/* Whoever could change it later, or has made it otherwise, is not believed. */
START_TEST(only_a_sealed_file_of_the_right_size_is_read)
{
	const struct terms terms = good_stored();
	_cleanup_close_ int right = terms_seal(&terms);
	unsigned char bytes[sizeof terms + 1] = {0};
	struct terms back;

	ck_assert_int_eq(pread(right, bytes, sizeof terms, 0), sizeof terms);
	ck_assert_int_eq(pwrite(right, bytes, 1, 0), -1);
	ck_assert_int_eq(ftruncate(right, 1), -1);
	for (size_t size = sizeof terms - 1; size <= sizeof terms + 1; size++)
		for (int seals = 0; seals < 16; seals++) {
			_cleanup_close_ int fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
			ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
			/* F_SEAL_SEAL, _SHRINK, _GROW, _WRITE are the first four. */
			ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
			ck_assert_int_eq(terms_read(fd, &back),
				size == sizeof terms && seals == 15 ? 0 : -EBADMSG);
		}
	for (size_t at = 0; at < sizeof(uint64_t) + sizeof(uint32_t); at++) {
		/* The magic number and the version. */
		_cleanup_close_ int fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		bytes[at] ^= 1;
		ck_assert_int_eq(write(fd, bytes, sizeof terms), sizeof terms);
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, 15), 0);
		ck_assert_int_eq(terms_read(fd, &back), -EBADMSG);
		bytes[at] ^= 1;
	}
	_cleanup_close_ int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(terms_read(file, &back), -EBADMSG);
	ck_assert_int_eq(terms_read(socket_fd, &back), -EBADMSG);
	ck_assert_int_eq(terms_read(-1, &back), -EBADMSG);
}
END_TEST

START_TEST(guesses_come_back_one_a_second)
{
	struct guesses guesses;
	uint64_t now = 1000;
	bool first;

	guesses_init(&guesses);
	for (unsigned i = 0; i < GUESSES_MAX; i++) {
		ck_assert(guesses_may(&guesses, 5, now, &first));
		guesses_count(&guesses, 5, now);
	}
	ck_assert(!guesses_may(&guesses, 5, now, &first));
	ck_assert(first);
	ck_assert(!guesses_may(&guesses, 5, now, &first));
	ck_assert(!first);
	ck_assert(guesses_may(&guesses, 6, now, &first)); /* another user */
	ck_assert(!guesses_may(&guesses, 5, now + GUESS_USEC - 1, &first));
	now += GUESS_USEC;
	ck_assert(guesses_may(&guesses, 5, now, &first));
	guesses_count(&guesses, 5, now);
	ck_assert(!guesses_may(&guesses, 5, now, &first));
	ck_assert(first); /* told anew */
	/* All are back in the end, and nothing is remembered. */
	now += GUESSES_MAX * GUESS_USEC;
	ck_assert(guesses_may(&guesses, 5, now, &first));
	ck_assert(LIST_EMPTY(&guesses.list));
	guesses_done(&guesses);
}
END_TEST

START_TEST(processes_are_told_apart)
{
	_cleanup_close_ int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	_cleanup_close_ int again = (int)syscall(SYS_pidfd_open, getpid(), 0);
	_cleanup_close_ int other = (int)syscall(SYS_pidfd_open, getppid(), 0);
	_cleanup_close_ int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* The name of a file is its maker's choice. */
	_cleanup_close_ int memory = memfd_create("anon_inode:[pidfd]", MFD_CLOEXEC);
	uint32_t id = 0;

	ck_assert_int_ge(self, 0);
	ck_assert(process_is_pidfd(self) && process_is_pidfd(other));
	ck_assert(!process_is_pidfd(file) && !process_is_pidfd(memory) && !process_is_pidfd(-1));
	ck_assert(process_is_same(self, again));
	ck_assert(!process_is_same(self, other));
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	_cleanup_close_ int ended = (int)syscall(SYS_pidfd_open, child, 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert(!process_is_same(ended, self));
	ck_assert_int_eq(process_translate_id(getpid(), self, false, 5, &id), 0);
	ck_assert_uint_eq(id, 5);
	ck_assert_int_lt(process_translate_id(child, ended, false, 5, &id), 0);
}
END_TEST

/* --- the manager's store --- */

static struct kept_told {
	unsigned complaints, expired, replaced;
} seen;

static void on_told(void *data _unused_, const struct kept *kept _unused_, enum kept_end how)
{
	seen.expired += how == KEPT_EXPIRED;
	seen.replaced += how == KEPT_REPLACED;
}

static void on_complaint(void *data _unused_, const char *what _unused_)
{
	seen.complaints++;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	return cookie;
}

static void add(struct keep_returned *returned, size_t *n, const char *name, int fd)
{
	ck_assert_int_ge(fd, 0);
	snprintf(returned[*n].name, sizeof returned->name, "%s", name);
	returned[(*n)++].fd = fd;
}

static void on_room(void *data _unused_)
{
}

START_TEST(what_comes_back_is_sorted_out)
{
	struct keep_returned returned[32];
	struct users *users;
	struct closer *closer_here;
	struct keep *keep;
	sd_event *event;
	size_t n = 0;

	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(users_new(&users), 0);
	ck_assert_int_eq(closer_new(event, on_room, NULL, &closer_here), 0);
	ck_assert_int_eq(keep_new(event, users, closer_here, KEPT_MAX, on_told, NULL, &keep), 0);

	int a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int b = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int c = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct terms ticket = good_ticket(), stored = good_stored(), other = good_stored(),
		     lost = good_stored(), expired = good_ticket(), process = good_ticket(),
		     wrong_name = good_stored(), future = good_stored();
	ticket.cookie = stored.cookie = cookie_of(a);
	add(returned, &n, "sockd.kept.t.5", terms_seal(&ticket));
	add(returned, &n, "sockd.kept.t.6", terms_seal(&stored));
	add(returned, &n, "sockd.kept.s.a", a);
	/* The same name and user, given later: it replaces the first. */
	other.number = 7;
	other.cookie = cookie_of(b);
	add(returned, &n, "sockd.kept.s.b", b);
	add(returned, &n, "sockd.kept.t.7", terms_seal(&other));
	/* Nobody's socket, and terms without one; too late; without its process; elsewhere. */
	add(returned, &n, "sockd.kept.s.c", c);
	lost.number = 8;
	lost.cookie = UINT64_MAX;
	add(returned, &n, "sockd.kept.t.8", terms_seal(&lost));
	expired = ticket;
	expired.number = 9;
	expired.expiry_usec = 2;
	expired.ticket.bytes[0] ^= 1;
	add(returned, &n, "sockd.kept.t.9", terms_seal(&expired));
	process = ticket;
	process.number = 10;
	process.taker = WIRE_TAKER_PROCESS;
	process.taker_id = 0;
	add(returned, &n, "sockd.kept.t.a", terms_seal(&process));
	wrong_name.number = 11;
	wrong_name.cookie = ticket.cookie;
	add(returned, &n, "sockd.kept.t.5", terms_seal(&wrong_name));
	future.number = 12;
	future.cookie = ticket.cookie;
	future.begin_usec = INT64_MAX;
	add(returned, &n, "sockd.kept.t.c", terms_seal(&future));
	add(returned, &n, "sockd.kept.t.5", terms_seal(&ticket)); /* a second time */
	add(returned, &n, "sockd.kept.x", open("/dev/null", O_RDONLY | O_CLOEXEC));

	size_t kept = keep_restore_take(keep, returned, n, on_complaint, NULL);
	ck_assert_uint_eq(kept, 2); /* the ticket, and the later of the two stored */
	ck_assert_uint_eq(seen.expired, 1);
	ck_assert_uint_eq(seen.replaced, 1);
	/* lost, process, wrong_name, future, twice: each told, and each closed with a word; so are
	 * c and kept.x. */
	ck_assert_uint_eq(seen.complaints, 5 + 7);
	struct kept *found = keep_find_name(keep, 0, "web-1", false);
	ck_assert_ptr_nonnull(found);
	ck_assert_uint_eq(found->terms.number, 7);
	uint64_t number;
	ck_assert_int_eq(keep_find_ticket(keep, &ticket.ticket, &found, &number), TICKET_OPEN);
	ck_assert_uint_eq(number, 5);
	ck_assert_int_eq(keep_find_ticket(keep, &expired.ticket, &found, &number), TICKET_UNKNOWN);

	/* Numbers go on behind those that came back. */
	int d = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct keep_socket_info info = {
		.domain = AF_INET, .type = SOCK_STREAM, .protocol = 6, .cookie = cookie_of(d)};
	struct user *user = users_get(users, 44);
	ck_assert_int_eq(
		keep_begin_take(keep, user, 1, &stored, &info, d, -1, NULL, NULL, &found), 1);
	kept_open(found);
	ck_assert_uint_eq(found->terms.number, 13);
	d = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
		keep_begin_take(keep, user, 1, &stored, &info, d, -1, NULL, NULL, &found), -EDQUOT);
	user_unref(user);

	keep_free(keep);
	closer_free(closer_here);
	users_free(users);
	sd_event_unref(event);
}
END_TEST

static int put_result = 1;

static void on_put(void *data _unused_, int result)
{
	put_result = result;
}

static struct sockaddr_un address;
static char directory[64];
static struct closer *closer;
static struct depot *depot;
static sd_event *event;
static int manager;

static void start_manager(void)
{
	snprintf(directory, sizeof directory, "/tmp/sockd-keep-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	address.sun_family = AF_UNIX;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", directory);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(closer_new(event, on_room, NULL, &closer), 0);
	ck_assert_int_eq(depot_new(event, closer, &depot), 0);
}

static void end_manager(void)
{
	close_quietly(manager);
	depot_free(depot);
	closer_free(closer);
	sd_event_unref(event);
	(void)unlink(address.sun_path);
	(void)rmdir(directory);
}

static void put(const char *name)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(depot_put(depot, name, &fd, 1, on_put, NULL), 0);
	(void)close(fd);
}

static void put_alone(const char *name)
{
	put(name);
	depot_work(depot);
}

static void hear_any(char *ret, size_t size)
{
	ssize_t n = -1;

	for (int tries = 0; n < 0 && tries < 2000; tries++) {
		(void)sd_event_run(event, 1000);
		n = recv(manager, ret, size - 1, MSG_DONTWAIT);
	}
	ck_assert_int_gt(n, 0);
	ret[n] = '\0';
}

/* The next thing that the manager is told. That a question was heard is answered by closing what
 * came with it, which recv(2) does. */
static void hear(char *ret, size_t size)
{
	do
		hear_any(ret, size);
	while (strcmp(ret, "BARRIER=1") == 0);
}

/* A manager that does not read is waited for once for both. */
START_TEST(what_belongs_together_is_told_at_once)
{
	static const char *const wanted[] = {"FDSTORE=1\nFDNAME=socket\nFDPOLL=0",
		"FDSTORE=1\nFDNAME=terms\nFDPOLL=0", "BARRIER=1"};
	char text[256];

	start_manager();
	put("socket");
	put("terms");
	depot_work(depot);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		hear_any(text, sizeof text);
		ck_assert_str_eq(text, wanted[i]);
	}
	end_manager();
}
END_TEST

/* What the manager is told, one thing after the other. */
START_TEST(the_manager_is_told_in_order)
{
	char text[256];

	start_manager();
	ck_assert_int_eq(setenv("FDSTORE", "30", 1), 0);
	ck_assert_uint_eq(depot_room(), 30);
	ck_assert_int_eq(setenv("FDSTORE", "0", 1), 0);
	ck_assert_uint_eq(depot_room(), 0);
	ck_assert_int_eq(setenv("FDSTORE", "x", 1), 0);
	ck_assert_uint_eq(depot_room(), 0);
	/* More than fit into the manager's queue: nobody waits for it here. */
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof text, "n.%d", i);
		put_alone(text);
		depot_remove(depot, text);
	}
	for (int i = 0; i < 80; i++) {
		hear(text, sizeof text);
		char wanted[128];
		if (i % 2 == 0)
			snprintf(wanted, sizeof wanted, "FDSTORE=1\nFDNAME=n.%d\nFDPOLL=0", i / 2);
		else
			snprintf(wanted, sizeof wanted, "FDSTOREREMOVE=1\nFDNAME=n.%d", i / 2);
		ck_assert_str_eq(text, wanted);
	}
	ck_assert_int_eq(put_result, 0);
	/* A manager that is gone is an answer too. */
	(void)close(TAKE_FD(manager));
	put_alone("late");
	for (int tries = 0; put_result == 0 && tries < 2000; tries++)
		(void)sd_event_run(event, 1000);
	ck_assert_int_lt(put_result, 0);
	end_manager();
}
END_TEST

static uint64_t now_msec(void)
{
	return clock_usec(CLOCK_MONOTONIC) / 1000;
}

#define ITS_MSEC 10u /* that a slow manager takes for each thing */
#define OUR_MSEC 2000u
#define PUTS 400

START_TEST(the_manager_has_time_for_others)
{
	uint64_t begin, now, busy_until = 0;
	unsigned n_heard = 0, n_before_removal = 0;
	bool asked = false, removed = false;
	char text[256];

	start_manager();
	put_alone("early");
	hear(text, sizeof text);
	for (int i = 0; i < PUTS; i++) {
		snprintf(text, sizeof text, "n.%d", i);
		put_alone(text);
	}
	begin = now_msec();
	while ((now = now_msec()) < begin + OUR_MSEC) {
		(void)sd_event_run(event, 1000);
		if (now > begin + OUR_MSEC / 2 && !asked) {
			depot_remove(depot, "early");
			asked = true;
		}
		ssize_t n =
			now < busy_until ? -1 : recv(manager, text, sizeof text - 1, MSG_DONTWAIT);
		if (n <= 0)
			continue;
		text[n] = '\0';
		busy_until = now + ITS_MSEC;
		n_heard++;
		removed |= strcmp(text, "FDSTOREREMOVE=1\nFDNAME=early") == 0;
		n_before_removal += asked && !removed;
	}
	ck_assert(removed);
	ck_assert_uint_le(n_before_removal, 20); /* what was on its way */
	ck_assert_uint_ge(n_heard, 10);
	ck_assert_uint_le(n_heard, OUR_MSEC / ITS_MSEC * 6 / 10);
	end_manager();
}
END_TEST

#define SLOW_MSEC 1000u

static bool fill_queue_of_manager(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	unsigned n = 0;

	while (sendto(fd, "X", 1, 0, (struct sockaddr *)&address, sizeof address) == 1)
		n++;
	return n > 0 && errno == EAGAIN;
}

/* Nothing is done before the manager has read it, and none that is slow to read has failed: neither
 * one that does not answer yet nor one whose queue is full. */
START_TEST(a_slow_manager_is_waited_for)
{
	uint64_t begin = now_msec();
	bool full = _i == 1;
	char text[256];

	start_manager();
	if (full)
		ck_assert(fill_queue_of_manager());
	put_alone("slow");
	while (now_msec() < begin + SLOW_MSEC) {
		(void)sd_event_run(event, 1000);
		ck_assert_msg(put_result == 1, "told %d before it was read", put_result);
	}
	do
		hear(text, sizeof text);
	while (full && strcmp(text, "X") == 0);
	ck_assert_str_eq(text, "FDSTORE=1\nFDNAME=slow\nFDPOLL=0");
	ck_assert_int_eq(put_result, 1);
	for (int tries = 0; put_result == 1 && tries < 2000; tries++) {
		(void)recv(manager, text, sizeof text, MSG_DONTWAIT);
		(void)sd_event_run(event, 1000);
	}
	ck_assert_int_eq(put_result, 0);
	end_manager();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keep-parts");
	TCase *tests = tcase_create("keep-parts");

	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, terms_come_back);
	tcase_add_test(tests, terms_that_cannot_be_are_refused);
	tcase_add_test(tests, only_a_sealed_file_of_the_right_size_is_read);
	tcase_add_test(tests, guesses_come_back_one_a_second);
	tcase_add_test(tests, processes_are_told_apart);
	tcase_add_test(tests, what_comes_back_is_sorted_out);
	tcase_add_test(tests, the_manager_is_told_in_order);
	tcase_add_test(tests, what_belongs_together_is_told_at_once);
	tcase_add_test(tests, the_manager_has_time_for_others);
	tcase_add_loop_test(tests, a_slow_manager_is_waited_for, 0, 2);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
