/*
 * calls WHAT [N]: calls under unusual circumstances, and what became of them.
 *
 * The policy is to allow raw ICMP sockets and port 80 of stream sockets; packet sockets and all
 * else not.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/targets/target.h"

#define THREADS_MAX 512

static int open_given(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
}

static int open_refused(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int bind_to(int fd, unsigned port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	return bind(fd, (const struct sockaddr *)&address, sizeof address);
}

/* Whoever runs us counts meanwhile what it wants to count. */
static void pause_for_reader(const char *word)
{
	char line;

	puts(word);
	(void)fflush(stdout);
	if (read(STDIN_FILENO, &line, 1) != 1)
		give_up("to go on");
}

static void mix(long i)
{
	const int mark = 9;
	int fd = i % 3 == 0   ? open_given()
		 : i % 3 == 1 ? open_refused()
			      : socket(AF_INET, SOCK_STREAM, 0);

	if (i % 3 == 2) {
		(void)bind_to(fd, i % 2 ? 80 : 81);
		(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
	}
	if (fd >= 0)
		(void)close(fd);
	fd = i % 4 == 0 ? socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) : -1;
	if (fd >= 0) {
		(void)!write(fd, &mark, sizeof mark);
		(void)dup2(fd, 1000);
		(void)close(1000);
		(void)close(fd);
	}
}

/* Of many, what stays. */
static void call_often(long n)
{
	for (long i = 0; i < n / 10; i++)
		mix(i);
	pause_for_reader("warm");
	for (long i = 0; i < n; i++)
		mix(i);
	pause_for_reader("done");
}

static void wait_usec(unsigned n)
{
	const struct timespec time = {.tv_nsec = (long)n * 1000};

	(void)nanosleep(&time, NULL);
}

static _Noreturn void *mix_for_ever(void *data _unused_)
{
	for (long i = 0;; i++)
		mix(i);
}

/* Children that are killed, or exec, in the middle of calls of several threads. */
static void die_often(long n, bool exec)
{
	pthread_t thread;

	for (int i = 0; i < 50; i++)
		mix(i);
	pause_for_reader("warm");
	for (long i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			(void)alarm(20);
			(void)pthread_create(&thread, NULL, mix_for_ever, NULL);
			if (!exec)
				mix_for_ever(NULL);
			wait_usec(300 + (unsigned)(i * 37) % 3000);
			(void)execl("/bin/true", "true", (char *)NULL);
			_exit(EXIT_FAILURE);
		}
		int status;
		if (!exec) {
			wait_usec(300 + (unsigned)(i * 37) % 5000);
			(void)kill(pid, SIGKILL);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			give_up("a child");
		if (exec && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
			check(false, "a child came to its exec (status %d)", status);
	}
	int fd = open_given();
	check(fd >= 0, "after %ld children calls are answered: %s", n, outcome(fd));
	pause_for_reader("done");
}

static volatile sig_atomic_t n_signals;

static void count_signal(int signal _unused_)
{
	n_signals++;
}

/* Signals at all moments: no call may fail by them, nor leave a descriptor behind. */
static void interrupt_calls(bool restart)
{
	const struct sigaction action = {
		.sa_handler = count_signal, .sa_flags = restart ? SA_RESTART : 0};
	unsigned long interrupted = 0, others = 0, given = 0, unbound = 0;
	const int on = 1;

	(void)sigaction(SIGUSR1, &action, NULL);
	int first_free = dup(STDIN_FILENO);
	(void)close(first_free);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 0;; i++) {
			wait_usec(20 + i * 13 % 200);
			if (kill(parent, SIGUSR1) < 0)
				_exit(EXIT_SUCCESS);
		}
	}
	for (int i = 0; i < 3000; i++) {
		int fd = open_given();
		given += fd >= 0;
		interrupted += fd < 0 && errno == EINTR;
		others += fd < 0 && errno != EINTR;
		if (fd >= 0)
			(void)close(fd);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		int r = bind_to(fd, 80);
		if (r < 0 && errno == EINTR)
			interrupted++;
		else
			unbound += r < 0;
		(void)close(fd);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	check(n_signals > 100, "there were signals (%d)", (int)n_signals);
	check(given > 0 && others == 0,
		"a call is answered (%lu) or interrupted, nothing else (%lu)", given, others);
	check(unbound == 0, "no bind that was done was tried again (%lu)", unbound);
	check(!restart || interrupted == 0, "interrupted: %lu", interrupted);
	int fd = dup(STDIN_FILENO);
	check(fd == first_free, "no descriptor was left behind (%d, %d)", fd, first_free);
}

/* All at once. */
static _Atomic unsigned n_given, n_failed;

static void *open_one(void *data _unused_)
{
	int fd = open_given();

	if (fd >= 0) {
		n_given++;
		(void)close(fd);
	} else {
		n_failed++;
		fprintf(stderr, "%s\n", outcome(fd));
	}
	return NULL;
}

static void call_at_once(long n)
{
	static pthread_t threads[THREADS_MAX];
	pthread_attr_t attributes;

	n = MIN_OF(n, THREADS_MAX);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, 65536);
	pause_for_reader("ready");
	for (long i = 0; i < n; i++)
		if (pthread_create(&threads[i], &attributes, open_one, NULL) != 0)
			give_up("a thread");
	pause_for_reader("asked");
	for (long i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	check((long)n_given == n, "all %ld were given (%u failed)", n, n_failed);
	pause_for_reader("done");
}

static void *bind_beside(void *data _unused_)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	wait_usec(300000);
	puts(bind_to(fd, 0) == 0 ? "beside" : "not beside");
	(void)fflush(stdout);
	(void)close(fd);
	return NULL;
}

/* What no stop of the supervisor may change: several threads, whose calls are all answered as ever.
 */
static long n_rounds;
static _Atomic unsigned n_nothing, n_not_given, n_not_refused, n_not_bound;

static void *call_steadily(void *data _unused_)
{
	const int on = 1;

	for (long i = 0; i < n_rounds; i++) {
		int type = 0, fd = open_given();
		socklen_t size = sizeof type;
		if (fd == 0)
			n_nothing++;
		else if (fd <= STDERR_FILENO ||
			 getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_RAW)
			n_not_given++;
		else
			(void)close(fd);
		n_not_refused += open_refused() >= 0 || errno != EPERM;
		fd = socket(AF_INET, SOCK_STREAM, 0);
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
		n_not_bound += bind_to(fd, 80) < 0;
		(void)close(fd);
	}
	return NULL;
}

static void call_steadily_together(long n)
{
	pthread_t threads[16];

	n_rounds = n;
	pause_for_reader("ready");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		if (pthread_create(&threads[i], NULL, call_steadily, NULL) != 0)
			give_up("a thread");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		(void)pthread_join(threads[i], NULL);
	printf("# %u times 0 was the answer\n", n_nothing);
	check(n_not_given == 0, "every socket was given, or the kernel said 0 (%u times neither)",
		n_not_given);
	check(n_not_refused == 0, "or refused (%u were not)", n_not_refused);
	check(n_not_bound == 0, "every address was bound (%u were not)", n_not_bound);
	pause_for_reader("done");
}

/* A thread that alone has made calls makes one that takes long, and then another has one too. */
static void call_beside(void)
{
	pthread_t thread;

	for (int i = 0; i < 100; i++)
		(void)close(open_given());
	pause_for_reader("ready");
	if (pthread_create(&thread, NULL, bind_beside, NULL) != 0)
		give_up("a thread");
	int fd = open_given();
	check(fd >= 0, "the call that took long: %s", outcome(fd));
	(void)pthread_join(thread, NULL);
}

/* One call each time that the reader says so, to see what it says then. */
static void call_in_turn(long n)
{
	for (long i = 0; i < n; i++) {
		pause_for_reader("ready");
		int fd = open_given();
		printf("socket: %s\n", outcome(fd));
		int own = socket(AF_INET, SOCK_STREAM, 0);
		int r = bind_to(own, 80);
		printf("bind: %s\n", outcome(r));
		(void)fflush(stdout);
		(void)close(own);
		if (fd >= 0)
			(void)close(fd);
	}
	pause_for_reader("done");
}

/* vfork, threads, clone with and without shared descriptors. */
static int child_of_clone(void *data)
{
	int *fd = data;

	*fd = open_given();
	return *fd < 0;
}

static void be_many_kinds(void)
{
	static _Alignas(16) char stack[65536];
	int status = -1, fd = -1;

	pid_t pid = vfork();
	if (pid == 0) {
		fd = open_given();
		_exit(fd < 0 || bind_to(socket(AF_INET, SOCK_STREAM, 0), 80) < 0);
	}
	(void)waitpid(pid, &status, 0);
	check(status == 0 && fd >= 0 && fcntl(fd, F_GETFD) < 0,
		"a child of vfork gets a socket, and its parent none");
	pid = clone(child_of_clone, stack + sizeof stack, CLONE_VM | CLONE_FILES | SIGCHLD, &fd);
	(void)waitpid(pid, &status, 0);
	check(status == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC,
		"one that shares descriptors gets it for both");
	(void)close(fd);
	pid = clone(child_of_clone, stack + sizeof stack, CLONE_VM | SIGCHLD, &fd);
	(void)waitpid(pid, &status, 0);
	check(status == 0 && fcntl(fd, F_GETFD) < 0, "one that does not gets it alone");
}

/* A process that may not be looked into. */
static void hide(void)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		give_up("PR_SET_DUMPABLE");
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		int r = bind_to(fd, 80);
		check(r < 0 && errno == EACCES, "a low port: %s", outcome(r));
		r = bind_to(fd, 0);
		check(r == 0, "any port: %s", outcome(r));
		r = setsockopt(fd, SOL_SOCKET, SO_MARK, &i, sizeof i);
		check(r < 0 && errno == EPERM, "an option: %s", outcome(r));
		(void)close(fd);
	}
	int fd = open_given();
	check(fd >= 0 || errno == EPERM, "a socket: %s", outcome(fd));
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	check(fd >= 0, "netlink: %s", outcome(fd));
	fd = dup2(fd, 1000);
	check(fd == 1000, "dup2: %s", outcome(fd));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "often") == 0)
		call_often(number(argv[2]));
	else if (strcmp(what, "killed") == 0)
		die_often(number(argv[2]), false);
	else if (strcmp(what, "exec") == 0)
		die_often(number(argv[2]), true);
	else if (strcmp(what, "signals") == 0)
		interrupt_calls(argc > 2);
	else if (strcmp(what, "at-once") == 0)
		call_at_once(number(argv[2]));
	else if (strcmp(what, "steadily") == 0)
		call_steadily_together(number(argv[2]));
	else if (strcmp(what, "in-turn") == 0)
		call_in_turn(number(argv[2]));
	else if (strcmp(what, "beside") == 0)
		call_beside();
	else if (strcmp(what, "kinds") == 0)
		be_many_kinds();
	else if (strcmp(what, "hidden") == 0)
		hide();
	else {
		errno = EINVAL;
		give_up("what to do");
	}
	return n_wrong != 0;
}
