/*
 * make bench: what sockd costs, measured against the floor, both in one run and in turns.
 *
 * Only the ratios carry over to another machine. Needs root, to start sockd as it would run; the
 * clients are unprivileged. It measures and says which limits are met; it fails only where
 * something does not run.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "bench/crowd.h"
#include "bench/load.h"
#include "bench/report.h"
#include "bench/run.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"

#define RULES 10000u
#define OWN_RULES 4u

static _Noreturn void die(const char *what, int error)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

/*
 * Rules of several families, most of them for others: four in ten are of the very kind that is
 * measured, so that an index by family alone would show.
 */
static char *make_policy(void)
{
	static const char *const kinds[] = {
		"\"family\": \"inet\", \"type\": \"dgram\"",
		("\"family\": \"inet\", \"type\": \"dgram\", \"protocol\": \"udp\", \"ports\": "
		 "\"%u-%u\""),
		"\"family\": \"inet\", \"type\": \"stream\", \"ports\": [%u, %u]",
		"\"family\": [\"inet\", \"inet6\"], \"type\": \"dgram\", \"ports\": [%u, %u]",
		"\"family\": \"inet6\", \"type\": \"stream\", \"ports\": [%u, %u]",
		"\"family\": \"inet\", \"type\": \"raw\", \"protocol\": \"icmp\"",
		"\"family\": \"packet\", \"type\": \"raw\"",
		"\"family\": \"inet6\", \"type\": \"raw\", \"protocol\": \"icmp6\"",
		"\"family\": \"inet\", \"type\": \"dgram\", \"effect\": \"deny\"",
		"\"family\": \"netlink\", \"protocol\": \"route\", \"groups\": \"RTNLGRP_LINK\"",
	};
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		die("the policy", errno);
	fprintf(file, "{\"rules\": [\n");
	for (unsigned i = 0; i < RULES; i++) {
		fprintf(file, "{\"name\": \"r%u\", \"peers\": {\"%s\": %u}, ", i,
			i % 3 == 2 ? "gid" : "uid", 100000 + i);
		unsigned port = 1 + i % 1000;
		switch (i % ARRAY_SIZE(kinds)) {
		case 1:
		case 2:
		case 3:
		case 4:
			fprintf(file, kinds[i % ARRAY_SIZE(kinds)], port, port + 10);
			break;
		default:
			fputs(kinds[i % ARRAY_SIZE(kinds)], file);
		}
		fprintf(file, "},\n");
	}
	fprintf(file,
		"{\"name\": \"clients\", \"peers\": {\"uid\": [%u, %u]}, \"family\": \"inet\", "
		"\"type\": [\"dgram\", \"raw\"], \"options\": {\"SO_MARK\": 5}},\n"
		"{\"name\": \"port\", \"peers\": {\"uid\": [%u, %u]}, \"family\": \"inet\", "
		"\"type\": \"stream\", \"ports\": [80]},\n"
		"{\"name\": \"link\", \"peers\": {\"uid\": %u}, \"family\": \"netlink\", "
		"\"protocol\": \"route\", \"messages\": [\"RTM_NEWLINK\"], \"interfaces\": "
		"[\"lo\"]},\n"
		"{\"name\": \"capture\", \"peers\": {\"uid\": %u}, \"family\": \"packet\"}\n]}\n",
		CLIENT_UID, OTHER_UID, CLIENT_UID, OTHER_UID, OTHER_UID, CLIENT_UID);
	if (fclose(file) != 0)
		die("the policy", errno);
	return text;
}

static int listen_for_floor(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
		chmod(path, 0666) < 0 || listen(fd, SOMAXCONN) < 0)
		die(path, errno);
	return fd;
}

static pid_t start_floor(const char *program, const char *mode, const char *path)
{
	int listener = listen_for_floor(path);
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork", errno);
	if (pid == 0) {
		/* dup2() onto itself would leave close-on-exec set. */
		if (listener == 3)
			listener = dup(listener);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || dup2(listener, 3) < 0)
			_exit(126);
		execl(program, program, mode, (char *)NULL);
		fprintf(stderr, "bench: %s: %s\n", program, strerror(errno));
		_exit(127);
	}
	close_quietly(listener);
	return pid;
}

static void stop_floor(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)wait_for(pid);
}

static void print_help(void)
{
	printf("bench [OPTION...]\n\n"
	       "Measures sockd against the least server that can do it (floor).\n\n"
	       "  --sockd=PROGRAM   default: that of the build\n"
	       "  --floor=PROGRAM   default: beside this program\n"
	       "  --rounds=N        rounds in which all take turns (60)\n"
	       "  --operations=N    what each does in a round (400)\n"
	       "  --one-processor   hold sockd's helper threads, too, to the processor of both "
	       "ends\n"
	       "  --json            numbers for programs\n");
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"sockd", required_argument, NULL, 's'},
		{"floor", required_argument, NULL, 'f'},
		{"rounds", required_argument, NULL, 'r'},
		{"operations", required_argument, NULL, 'o'},
		{"one-processor", no_argument, NULL, 'o' + 256},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct report report = {.rules = RULES + OWN_RULES,
		.rounds = 60,
		.operations = 400,
		.clients = 256,
		.free_helpers = true};
	char self[4096], floor_program[4096 + 16], single[BROKER_PATH_MAX], epoll[BROKER_PATH_MAX];
	const char *sockd = NULL, *floor = NULL;
	struct broker broker;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0)
		switch (c) {
		case 's':
			sockd = optarg;
			break;
		case 'f':
			floor = optarg;
			break;
		case 'r':
			report.rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			report.operations = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o' + 256:
			report.free_helpers = false;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			print_help();
			return 2;
		}
	if (report.rounds == 0 || report.rounds > 10000 || report.operations < LOAD_BATCH_SHARE ||
		report.operations > 100000) {
		fprintf(stderr, "bench: --rounds is 1 to 10000, --operations %u to 100000\n",
			LOAD_BATCH_SHARE);
		return 2;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "bench: needs root, to start sockd as it would run\n");
		return EXIT_FAILURE;
	}
	if (!floor) {
		ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
		self[MAX_OF(n, 0)] = 0;
		snprintf(floor_program, sizeof floor_program, "%s/floor", dirname(self));
		floor = floor_program;
	}
	int r = harness_own_network();
	if (r < 0)
		die("a network namespace of its own", -r);

	_cleanup_free_ char *policy = make_policy();
	if (broker_start(&broker, sockd, policy) < 0)
		return EXIT_FAILURE;
	snprintf(single, sizeof single, "%s/floor", broker.directory);
	snprintf(epoll, sizeof epoll, "%s/floor-epoll", broker.directory);
	const pid_t single_pid = start_floor(floor, "single", single);
	const pid_t epoll_pid = start_floor(floor, "epoll", epoll);
	report.processors = load_processors();

	const struct servers alone = {.floor = single, .sockd = broker.socket};
	const struct servers many = {.floor = epoll, .sockd = broker.socket};
	const struct load_servers pids = {.floor = epoll_pid, .sockd = broker.pid};
	load_pin(single_pid, 0);
	load_pin(broker.pid, 0);
	r = measure_latency(&alone, &pids, &report);
	if (r == 0)
		r = measure_run(&alone, &pids, &report);
	if (r == 0)
		r = measure_throughput(&many, &pids, &report);
	if (r == 0)
		r = measure_neighbour(&many, &pids, &report);
	if (r == 0)
		r = measure_crowd(&many, &pids, &report);
	stop_floor(single_pid);
	stop_floor(epoll_pid);
	if (broker_stop(&broker) != 0 && r == 0) {
		fprintf(stderr, "bench: sockd did not end well\n");
		r = -1;
	}
	if (r != 0)
		return EXIT_FAILURE;
	if (json)
		report_print_json(&report);
	else
		report_print(&report);
	return EXIT_SUCCESS;
}
