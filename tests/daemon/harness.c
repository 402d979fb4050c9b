#include "tests/daemon/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "proto/macro.h"
#include "proto/transport.h"

#define READY_MSEC 20000
#define ACCEPTED_MSEC 1000
#define RECEIVE_SECONDS 10

uid_t broker_uid = 64500;

int64_t now_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int harness_own_network(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return -errno;
	return 0;
}

int broker_write_policy(const struct broker *broker, const char *name, const char *text)
{
	char path[BROKER_PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", broker->policy, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	for (size_t size = strlen(text); size > 0;) {
		ssize_t n = write(fd, text, size);
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return fchmod(fd, 0644) < 0 ? -errno : 0;
}

char *read_text(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0, room = 1 << 20;
	char *text = fd < 0 ? NULL : malloc(room);

	if (!text)
		return NULL;
	for (ssize_t n = 1; n > 0 && used < room - 1; used += (size_t)MAX_OF(n, 0))
		n = read(fd, text + used, room - 1 - used);
	text[used] = 0;
	return text;
}

static int make_directory(struct broker *broker)
{
	snprintf(broker->directory, sizeof broker->directory, "/tmp/sockd-test-XXXXXX");
	if (!mkdtemp(broker->directory) || chmod(broker->directory, 0755) < 0)
		return -errno;
	snprintf(broker->socket, sizeof broker->socket, "%s/socket", broker->directory);
	snprintf(broker->management, sizeof broker->management, "%s/management", broker->directory);
	snprintf(broker->policy, sizeof broker->policy, "%s/policy.d", broker->directory);
	snprintf(broker->audit, sizeof broker->audit, "%s/audit", broker->directory);
	snprintf(broker->log, sizeof broker->log, "%s/log", broker->directory);
	if (mkdir(broker->policy, 0755) < 0 || chmod(broker->policy, 0755) < 0)
		return -errno;
	return 0;
}

static void remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char child[512];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR)
			remove_directory(child);
		else
			(void)unlink(child);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(path);
}

const char *broker_find_program(char *buffer, size_t size)
{
	static const char *const places[] = {"daemon/sockd", "sockd"};
	const char *program = getenv("SOCKD_DAEMON");
	const char *build = getenv("SOCKD_BUILD");

	for (size_t i = 0; !program && i < ARRAY_SIZE(places); i++) {
		snprintf(buffer, size, "%s/%s", build ? build : ".", places[i]);
		if (access(buffer, X_OK) == 0)
			program = buffer;
	}
	return program;
}

/* The socket that the daemon tells READY=1 to. */
static int listen_for_ready(const struct broker *broker, char *path, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(path, size, "%s/notify", broker->directory);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
		chmod(path, 0666) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int wait_for_ready(const struct broker *broker, int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int64_t until = now_usec() + (int64_t)READY_MSEC * 1000;
	char message[1024];

	while (now_usec() < until) {
		/* In slices: a daemon that ends at once says nothing. */
		if (poll(&pollfd, 1, 50) > 0) {
			ssize_t n = recv(fd, message, sizeof message - 1, MSG_DONTWAIT);
			message[MAX_OF(n, 0)] = 0;
			if (strstr(message, "READY=1"))
				return 0;
		}
		if (!broker_is_alive(broker))
			return -ECHILD;
	}
	return -ETIMEDOUT;
}

static void say_why(const struct broker *broker, int error)
{
	_cleanup_free_ char *log = read_text(broker->log);
	fprintf(stderr, "sockd did not become ready: %s\n%s\n", strerror(-error), log ? log : "");
}

static void exec_broker(const struct broker *broker, const char *program, const char *notify)
{
	int log = open(broker->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	char user[32];

	if (log < 0 || dup2(log, STDERR_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0)
		_exit(126);
	snprintf(user, sizeof user, "%u:%u", broker_uid, broker_uid);
	(void)setenv("NOTIFY_SOCKET", notify, 1);
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("WATCHDOG_USEC");
	execl(program, program, "--listen", broker->socket, "--management", broker->management,
		"--policy", broker->policy, "--user", user, "--audit", broker->audit, (char *)NULL);
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

int broker_start(struct broker *ret, const char *program, const char *policy)
{
	char found[4096], notify[BROKER_PATH_MAX];

	if (!program)
		program = broker_find_program(found, sizeof found);
	if (!program) {
		fprintf(stderr, "sockd is not built here; say with SOCKD_DAEMON where it is\n");
		return -ENOENT;
	}
	memset(ret, 0, sizeof *ret);
	int r = make_directory(ret);
	if (r >= 0)
		r = broker_write_policy(ret, "50-test.json", policy);
	if (r < 0) {
		fprintf(stderr, "no directory for sockd: %s\n", strerror(-r));
		return r;
	}
	_cleanup_close_ int ready = listen_for_ready(ret, notify, sizeof notify);
	if (ready < 0)
		return ready;
	ret->pid = fork();
	if (ret->pid < 0)
		return -errno;
	if (ret->pid == 0)
		exec_broker(ret, program, notify);
	r = wait_for_ready(ret, ready);
	if (r < 0) {
		say_why(ret, r);
		(void)broker_stop(ret);
	}
	return r;
}

bool broker_is_alive(const struct broker *broker)
{
	siginfo_t info = {0};

	/* WNOWAIT: broker_stop() still wants the status. */
	return broker->pid > 0 &&
	       waitid(P_PID, (id_t)broker->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

int broker_start_here(struct broker *ret, const char *policy)
{
	int r = harness_own_network();

	if (r >= 0)
		r = broker_start(ret, NULL, policy);
	if (r >= 0 && setenv("SOCKD_SOCKET", ret->socket, 1) < 0)
		r = -errno;
	return r;
}

int broker_stop(struct broker *broker)
{
	int status = -1;

	if (broker->pid > 0) {
		(void)kill(broker->pid, SIGTERM);
		for (int64_t until = now_usec() + 10000000;
			broker_is_alive(broker) && now_usec() < until;)
			(void)usleep(1000);
		if (broker_is_alive(broker)) {
			fprintf(stderr, "sockd does not end on SIGTERM\n");
			(void)kill(broker->pid, SIGKILL);
		}
		status = wait_for(broker->pid);
		broker->pid = 0;
	}
	if (status > 0) {
		_cleanup_free_ char *log = read_text(broker->log);
		fprintf(stderr, "sockd ended with status %d and said:\n%s\n", status,
			log ? log : "");
	}
	if (broker->directory[0])
		remove_directory(broker->directory);
	return status;
}

size_t count_fds_of(pid_t pid)
{
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			n++;
	(void)closedir(dir);
	return n;
}

char *broker_ask(const struct broker *broker, const char *line)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = RECEIVE_SECONDS};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ char *answer = malloc(1 << 20);
	size_t used = 0;

	memcpy(address.sun_path, broker->management, sizeof broker->management);
	if (fd < 0 || !answer ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
		connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
		send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 ||
		send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		return NULL;
	while (used < (1 << 20) - 1) {
		ssize_t n = recv(fd, answer + used, (1 << 20) - 1 - used, 0);
		if (n <= 0)
			return NULL;
		used += (size_t)n;
		if (answer[used - 1] == '\n') {
			answer[used - 1] = 0;
			return TAKE_PTR(answer);
		}
	}
	return NULL;
}

void harness_expect(bool holds, const char *condition, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: does not hold (pid %d, %s): %s\n", file, line, (int)getpid(),
		strerror(errno), condition);
	_exit(1);
}

pid_t fork_as(uid_t uid, int (*function)(void *data), void *data)
{
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	if (getuid() != uid && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
				       setresuid(uid, uid, uid) < 0)) {
		fprintf(stderr, "cannot become user %u: %s\n", uid, strerror(errno));
		_exit(126);
	}
	int status = function(data);
	(void)fflush(NULL);
	_exit(status);
}

int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_as(uid_t uid, int (*function)(void *data), void *data)
{
	pid_t pid = fork_as(uid, function, data);
	return pid < 0 ? -1 : wait_for(pid);
}

int client_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = RECEIVE_SECONDS};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
		connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int client_send_raw(int fd, const void *bytes, size_t size, const int *fds, size_t n_fds)
{
	int r = transport_send(fd, bytes, size, fds, n_fds, 0);

	for (int i = 0; r == -EPERM && i < ACCEPTED_MSEC; i++) {
		(void)usleep(1000);
		r = transport_send(fd, bytes, size, fds, n_fds, 0);
	}
	return r;
}

int client_receive(int fd, struct client_reply *ret)
{
	static unsigned char buffer[4096];
	struct transport_message message;
	struct client_reply result;

	int r = transport_receive(
		fd, buffer, sizeof buffer, result.fds, WIRE_COUNT_MAX, 0, &message);
	if (r < 0)
		return r == -ECONNRESET ? -ENOTCONN : r;
	if (message.size == 0)
		return -ENOTCONN;
	result.n_fds = message.n_fds;
	r = wire_decode_reply(buffer, message.size, &result.reply);
	if (r >= 0 && result.reply.answer.count != result.n_fds)
		r = -EBADMSG;
	if (r < 0) {
		client_close_fds(&result);
		return r;
	}
	memcpy(result.text, result.reply.text, result.reply.answer.text_size);
	result.text[result.reply.answer.text_size] = 0;
	*ret = result;
	ret->reply.text = ret->text;
	return 0;
}

int client_call(int fd, const struct wire_request *request, const int *fds, size_t n_fds,
	struct client_reply *ret)
{
	static unsigned char packet[WIRE_PACKET_MAX];
	ssize_t size = wire_encode_request(request, packet, sizeof packet);

	if (size < 0)
		return (int)size;
	int r = client_send_raw(fd, packet, (size_t)size, fds, n_fds);
	return r < 0 ? r : client_receive(fd, ret);
}

int client_greet(const char *path)
{
	return client_greet_with(path, 0);
}

int client_greet_with(const char *path, uint64_t features)
{
	const struct wire_request hello = {.verb = WIRE_HELLO,
		.serial = 1,
		.hello = {.version_min = WIRE_VERSION,
			.version_max = WIRE_VERSION,
			.features = features}};
	struct client_reply reply;
	_cleanup_close_ int fd = client_connect(path);

	if (fd < 0)
		return fd;
	int r = client_call(fd, &hello, NULL, 0, &reply);
	if (r < 0)
		return r;
	return reply.reply.answer.error != 0 ? -reply.reply.answer.error : TAKE_FD(fd);
}

void client_close_fds(struct client_reply *reply)
{
	for (size_t i = 0; i < reply->n_fds; i++)
		close_quietly(reply->fds[i]);
	reply->n_fds = 0;
}

void request_open(struct wire_request *ret, int domain, int type, int protocol, unsigned count)
{
	memset(ret, 0, sizeof *ret);
	ret->verb = WIRE_OPEN;
	ret->serial = 2;
	ret->domain = domain;
	ret->type = type;
	ret->protocol = protocol;
	ret->count = count;
}
