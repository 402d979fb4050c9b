/*
 * moves: a program whose threads go to other namespaces and come back while calls are judged.
 *
 * Needs the right to make namespaces (root of them all); calls itself nobody's when it says so. The
 * policy is to allow everything to uid 0 and 65534 where the broker is.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/targets/target.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* The supervisor remembers so many threads, each by the remainder of its number. */
#define KNOWN_MAX 64

static uint64_t cookie(int fd)
{
	uint64_t value = 0;
	socklen_t size = sizeof value;

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &value, &size) < 0 ? 0 : value;
}

/* Where this thread's own sockets are. */
static uint64_t here(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t value = cookie(fd);

	(void)close(fd);
	return value;
}

static _Atomic unsigned long n_here, n_elsewhere, n_foreign, n_refused;
static _Atomic bool stop;
static uint64_t home;

/* Each socket must be of where the thread is at that moment. */
static void open_some(bool at_home)
{
	static const struct {
		int domain, type, protocol;
	} kinds[] = {
		{AF_INET, SOCK_RAW, IPPROTO_ICMP},
		{AF_PACKET, SOCK_RAW, 0},
		{AF_NETLINK, SOCK_RAW, 0},
		{AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int fd = socket(kinds[i].domain, kinds[i].type, kinds[i].protocol);
		if (fd < 0) {
			n_refused++;
			continue;
		}
		bool is_home = cookie(fd) == home;
		n_foreign += is_home != at_home;
		n_here += is_home;
		n_elsewhere += !is_home;
		(void)close(fd);
	}
}

static void *stay(void *data _unused_)
{
	while (!stop)
		open_some(true);
	return NULL;
}

static void move_thread(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		give_up("setns");
	(void)close(fd);
}

static void *go_and_come(void *data)
{
	const char *const *paths = data;

	for (int i = 0; i < 300; i++) {
		move_thread(paths[0]);
		open_some(false);
		move_thread(paths[1]);
		open_some(true);
	}
	return NULL;
}

static void *leave(void *data _unused_)
{
	if (unshare(CLONE_NEWNET) < 0)
		give_up("unshare");
	for (int i = 0; i < 100; i++)
		open_some(false);
	return NULL;
}

/* As root of the whole: threads in namespaces of their own, others at home. */
static void move_threads(const char *other)
{
	static const char *paths[2];
	static char own[] = "/proc/self/ns/net";
	pthread_t threads[4];

	paths[0] = other;
	paths[1] = own; /* of the first thread, which stays */
	void *(*const kinds[])(void *) = {stay, go_and_come, go_and_come, leave};
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		if (pthread_create(&threads[i], NULL, kinds[i], paths) != 0)
			give_up("a thread");
	for (size_t i = 1; i < ARRAY_SIZE(threads); i++)
		(void)pthread_join(threads[i], NULL);
	stop = true;
	(void)pthread_join(threads[0], NULL);
	check(n_foreign == 0, "every socket is of where its thread was (%lu are not)", n_foreign);
	check(n_here > 100 && n_elsewhere > 100, "there were many of both (%lu, %lu)", n_here,
		n_elsewhere);
}

/* In a user namespace of its own, as anybody may: whatever it gets is not of home. */
static void move_process(void)
{
	open_some(true);
	check(n_here > 0, "before it moves it gets sockets of home (%lu)", n_here);
	n_here = 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		give_up("unshare");
	for (int i = 0; i < 100; i++)
		open_some(false);
	check(n_foreign == 0 && n_here == 0, "no socket of where it came from (%lu)", n_here);
	check(n_elsewhere > 0, "it has its own (%lu, refused %lu)", n_elsewhere, n_refused);
}

/* A user namespace alone: the network is still the old one, and no right over it. */
static void move_user(void)
{
	open_some(true);
	if (unshare(CLONE_NEWUSER) < 0)
		give_up("unshare");
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	check(fd < 0 && errno == EPERM, "in another user namespace alone: %s", outcome(fd));
	int own = socket(AF_INET, SOCK_STREAM, 0);
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(82)};
	int r = bind(own, (const struct sockaddr *)&address, sizeof address);
	check(r < 0 && errno == EACCES, "nor a low port: %s", outcome(r));
}

static int child_elsewhere(void *data _unused_)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	return fd >= 0 && cookie(fd) == home;
}

/* Whoever reads descriptor 3 makes a number the next one, stops the broker or lets it go on, and
 * says so on 0. */
static void have_done(const char *what)
{
	char word;

	if (dprintf(3, "%s\n", what) < 0 || read(0, &word, 1) != 1)
		give_up(what);
}

static void have_next(pid_t number)
{
	char text[16];

	snprintf(text, sizeof text, "%d", (int)number);
	have_done(text);
}

static void clone_elsewhere(pid_t number, unsigned *n_same, unsigned *n_wrongly)
{
	static _Alignas(16) char stack[65536];
	int status = -1;

	have_next(number);
	pid_t pid = clone(child_elsewhere, stack + sizeof stack,
		CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD, NULL);
	if (pid < 0)
		give_up("clone");
	if (waitpid(pid, &status, 0) != pid)
		give_up("a process elsewhere");
	*n_same += pid == number;
	*n_wrongly += pid == number && status != 0;
}

/* The number of a process that had sockets of home comes to one that is elsewhere from its
 * beginning. */
static void reuse_number(void)
{
	unsigned n_same = 0, n_wrongly = 0;

	for (int i = 0; i < 200 && n_same < 5; i++) {
		int status = -1;
		pid_t pid = fork();
		if (pid == 0)
			_exit(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			give_up("a process at home");
		clone_elsewhere(pid, &n_same, &n_wrongly);
	}
	check(n_same > 0, "there were processes with the number of another (%u)", n_same);
	check(n_wrongly == 0, "none of them got a socket of where the other was (%u)", n_wrongly);
	n_same = n_wrongly = 0;
	for (int i = 1; i < 200 && n_same < 5; i++) {
		open_some(true);
		clone_elsewhere(getpid() + i * KNOWN_MAX, &n_same, &n_wrongly);
	}
	check(n_same > 0, "there were such whose numbers are kept where this one's is (%u)",
		n_same);
	check(n_wrongly == 0, "none of them got a socket of where this one is (%u)", n_wrongly);
}

static void wait_to_the_end(pid_t pid, int *ret_status)
{
	if (pid < 0 || waitpid(pid, ret_status, 0) != pid)
		give_up("a child");
}

/* The number of a process that is ended while the broker is asked comes to another, whose memory is
 * the same but for what its own calls do to it. */
static void succeed(void)
{
	enum { UNTOUCHED = 77 };
	static struct nlmsghdr question = {.nlmsg_len = sizeof question,
		.nlmsg_type = RTM_DELLINK,
		.nlmsg_flags = NLM_F_REQUEST};
	static struct iovec part = {.iov_base = &question, .iov_len = sizeof question};
	static struct mmsghdr message = {
		.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}, .msg_len = UNTOUCHED};
	unsigned n_same = 0, n_touched = 0;
	int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), ends[2];

	if (netlink < 0 || pipe(ends) < 0)
		give_up("descriptors");
	check(netlink >= 64, "its number is of the window (%d)", netlink);
	for (int i = 0; i < 20 && n_same < 2; i++) {
		int status = -1;
		have_done("stop");
		pid_t pid = fork();
		if (pid == 0)
			_exit(sendmmsg(netlink, &message, 1, 0) != 1);
		(void)usleep(300000);
		if (pid < 0 || kill(pid, SIGKILL) < 0)
			give_up("a process that asks");
		wait_to_the_end(pid, &status);
		have_next(pid);
		pid_t next = fork();
		if (next == 0) {
			char word;
			_exit(read(ends[0], &word, 1) != 1 || message.msg_len != UNTOUCHED);
		}
		have_done("cont");
		(void)usleep(500000);
		if (write(ends[1], "", 1) != 1)
			give_up("a pipe");
		n_same += next == pid;
		wait_to_the_end(next, &status);
		n_touched += status != 0;
	}
	check(n_same > 0, "there were processes with the number of one that asked (%u)", n_same);
	check(n_touched == 0, "none of them has the other's answer in its memory (%u)", n_touched);
}

/* New pid and mount namespaces, and another root, change nothing about sockets. */
static void move_otherwise(void)
{
	int status = -1;

	if (chdir("/usr") < 0 ||
		unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		give_up("unshare");
	pid_t pid = fork();
	if (pid == 0) {
		if (getpid() != 1 || chroot(".") < 0)
			give_up("chroot");
		int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
		check(fd >= 0 && cookie(fd) == home, "in other pid and mount namespaces: %s",
			outcome(fd));
		exit(n_wrong != 0);
	}
	(void)waitpid(pid, &status, 0);
	check(status == 0, "a process number of 1 and another root (status %d)", status);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	home = here();
	if (home == 0) {
		printf("SKIP namespaces: the kernel does not say which a socket is of\n");
		return EXIT_SUCCESS;
	}
	if (strcmp(what, "threads") == 0 && argc == 3)
		move_threads(argv[2]);
	else if (strcmp(what, "process") == 0)
		move_process();
	else if (strcmp(what, "user") == 0)
		move_user();
	else if (strcmp(what, "reused") == 0)
		reuse_number();
	else if (strcmp(what, "succeeded") == 0)
		succeed();
	else if (strcmp(what, "otherwise") == 0)
		move_otherwise();
	else {
		errno = EINVAL;
		give_up("what to do");
	}
	return n_wrong != 0;
}
