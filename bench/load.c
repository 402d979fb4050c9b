#include "bench/load.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/clock.h"
#include "proto/macro.h"
#include "tests/daemon/harness.h"

#define WARM_UP 200u
#define CLIENT_PROCESSES 4u
#define SLOTS 80u
/* Each slot begins with a run-in that is not counted: the kernel frees the memory of closed sockets
 * only after a grace period, and until the first is over it is spared that work. */
#define RUN_IN_USEC 100000
#define SLOT_USEC 150000
#define PAUSE_USEC 20000
#define PACKETS 200u
#define NEIGHBOUR_MAX 4000000u

static cpu_set_t allowed;

unsigned load_processors(void)
{
	if (CPU_COUNT(&allowed) == 0 && sched_getaffinity(0, sizeof allowed, &allowed) < 0)
		CPU_SET(0, &allowed);
	return (unsigned)CPU_COUNT(&allowed);
}

static cpu_set_t nth_processor(int index)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && index-- == 0)
			CPU_SET(cpu, &one);
	return one;
}

static void pin_to(pid_t pid, const cpu_set_t *set, bool helpers_only)
{
	char path[64];
	struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/task", (int)(pid ? pid : getpid()));
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !(helpers_only && atoi(entry->d_name) == pid))
			(void)sched_setaffinity(atoi(entry->d_name), sizeof *set, set);
	if (dir)
		(void)closedir(dir);
}

void load_pin(pid_t pid, int index)
{
	(void)load_processors();
	cpu_set_t set = index == LOAD_ALL ? allowed : nth_processor(index);
	pin_to(pid, &set, false);
}

void load_free_helpers(pid_t pid)
{
	pin_to(pid, &allowed, true);
}

/* Memory that the clients fill in. */
static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		fprintf(stderr, "bench: %zu bytes of memory: %s\n", size, strerror(errno));
		exit(EXIT_FAILURE);
	}
	return memory;
}

struct latency_run {
	const struct servers *servers;
	unsigned rounds, operations;
	double *samples; /* [contender][round][operation] */
};

static unsigned operations_of(const struct latency_run *run, int contender)
{
	return contender_sockets(contender) > 1 ? run->operations / LOAD_BATCH_SHARE
						: run->operations;
}

static double *samples_of(const struct latency_run *run, int contender, unsigned round)
{
	return run->samples + ((size_t)contender * run->rounds + round) * run->operations;
}

static int run_latency(void *data)
{
	const struct latency_run *run = data;

	/* The library asks the environment where the broker is. */
	(void)setenv("SOCKD_SOCKET", run->servers->sockd, 1);
	load_pin(0, 0);
	for (int contender = 0; contender < N_CONTENDERS; contender++)
		for (unsigned i = 0; i < WARM_UP; i++)
			contender_run(run->servers, contender);
	for (unsigned round = 0; round < run->rounds; round++)
		for (int turn = 0; turn < N_CONTENDERS; turn++) {
			int contender = (turn + (int)round) % N_CONTENDERS;
			double *samples = samples_of(run, contender, round);
			for (unsigned i = 0; i < operations_of(run, contender); i++) {
				int64_t before = now_nsec();
				contender_run(run->servers, contender);
				samples[i] = (double)(now_nsec() - before) /
					     contender_sockets(contender);
			}
		}
	return 0;
}

static void summarise_latency(const struct latency_run *run, struct report *report)
{
	size_t all = (size_t)run->rounds * run->operations;
	double *medians = malloc(N_CONTENDERS * run->rounds * sizeof *medians);
	double *together = malloc(all * sizeof *together);

	if (!medians || !together)
		abort();
	for (int contender = 0; contender < N_CONTENDERS; contender++) {
		size_t n = 0, operations = operations_of(run, contender);
		for (unsigned round = 0; round < run->rounds; round++, n += operations)
			memcpy(together + n, samples_of(run, contender, round),
				operations * sizeof *together);
		for (unsigned round = 0; round < run->rounds; round++)
			medians[(unsigned)contender * run->rounds + round] =
				quantile(samples_of(run, contender, round), operations, 0.5);
		report->latencies[contender].median = quantile(together, n, 0.5);
		report->latencies[contender].p99 = quantile(together, n, 0.99);
	}
	for (int contender = 0; contender < N_CONTENDERS; contender++) {
		for (unsigned round = 0; round < run->rounds; round++)
			together[round] = medians[(unsigned)contender * run->rounds + round] /
					  medians[FLOOR * run->rounds + round];
		report->latencies[contender].ratio = quantile(together, run->rounds, 0.5);
	}
	free(medians);
	free(together);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

int measure_latency(
	const struct servers *servers, const struct load_servers *pids, struct report *report)
{
	struct latency_run run = {
		.servers = servers, .rounds = report->rounds, .operations = report->operations};
	size_t size = N_CONTENDERS * (size_t)run.rounds * run.operations * sizeof(double);

	run.samples = share(size);
	pid_t client = fork_as(CLIENT_UID, run_latency, &run);
	/* Threads inherit the loop's processor: those that are made meanwhile are let go, too. */
	while (report->free_helpers && client > 0 && !has_ended(client)) {
		load_free_helpers(pids->sockd);
		(void)usleep(20000);
	}
	int status = client < 0 ? -1 : wait_for(client);
	if (status == 0)
		summarise_latency(&run, report);
	(void)munmap(run.samples, size);
	return status == 0 ? 0 : -1;
}

/* Time slots that the servers have in turns: the floor the even ones. */
struct throughput_run {
	const struct servers *servers;
	unsigned connections; /* of each process */
	int64_t start_usec;
	_Atomic uint64_t opens[SLOTS];
};

struct many {
	int set;
	bool sockd;
	unsigned n;
	int *fds;
};

static void connect_many(struct many *many, const struct servers *servers, unsigned n, bool sockd)
{
	*many = (struct many){.set = epoll_create1(EPOLL_CLOEXEC),
		.sockd = sockd,
		.n = n,
		.fds = calloc(n, sizeof(int))};
	for (unsigned i = 0; i < n; i++) {
		many->fds[i] =
			sockd ? connect_to_sockd(servers->sockd) : connect_to_floor(servers->floor);
		struct epoll_event event = {.events = EPOLLIN, .data.fd = many->fds[i]};
		if (epoll_ctl(many->set, EPOLL_CTL_ADD, many->fds[i], &event) < 0)
			abort();
	}
}

static void send_one(const struct many *many, int fd)
{
	(many->sockd ? send_to_sockd : send_to_floor)(fd, SOCK_DGRAM, 0, 1);
}

/* Every connection asks again as soon as it has its answer, until the time is over. Returns how
 * many were answered from the given time on. */
static uint64_t ask_until(const struct many *many, int64_t from_usec, int64_t until_usec)
{
	struct epoll_event events[64];
	unsigned waiting = many->n;
	uint64_t opens = 0;

	for (unsigned i = 0; i < many->n; i++)
		send_one(many, many->fds[i]);
	while (waiting > 0) {
		int n = epoll_wait(many->set, events, 64, 10000);
		if (n <= 0) {
			fprintf(stderr, "bench: a server does not answer\n");
			_exit(EXIT_FAILURE);
		}
		int64_t now = now_usec();
		bool counts = now >= from_usec, over = now >= until_usec;
		for (int i = 0; i < n; i++) {
			(many->sockd ? finish_sockd : finish_floor)(events[i].data.fd, 1);
			if (over)
				waiting--;
			else {
				opens += counts;
				send_one(many, events[i].data.fd);
			}
		}
	}
	return opens;
}

static void sleep_until(int64_t usec)
{
	const struct timespec until = {.tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000};
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static int64_t slot_start(const struct throughput_run *run, unsigned slot)
{
	return run->start_usec + (int64_t)slot * (RUN_IN_USEC + SLOT_USEC + PAUSE_USEC);
}

static int run_throughput(void *data)
{
	struct throughput_run *run = data;
	struct many floor, sockd;

	load_pin(0, LOAD_ALL);
	connect_many(&floor, run->servers, run->connections, false);
	connect_many(&sockd, run->servers, run->connections, true);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		int64_t start = slot_start(run, slot), from = start + RUN_IN_USEC;
		sleep_until(start);
		run->opens[slot] += ask_until(slot % 2 ? &sockd : &floor, from, from + SLOT_USEC);
	}
	return 0;
}

/* Nanoseconds on a processor of all threads of a process. */
static double time_on_processor(pid_t pid)
{
	char path[64], line[128];
	double sum = 0;
	struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		char file[512];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s/schedstat", path, entry->d_name);
		FILE *stat = fopen(file, "re");
		if (stat && fgets(line, sizeof line, stat))
			sum += strtod(line, NULL);
		if (stat)
			(void)fclose(stat);
	}
	if (dir)
		(void)closedir(dir);
	return sum;
}

int measure_throughput(
	const struct servers *servers, const struct load_servers *pids, struct report *report)
{
	struct throughput_run *run = share(sizeof *run);
	double floor[SLOTS / 2], sockd[SLOTS / 2], ratios[SLOTS / 2];
	pid_t clients[CLIENT_PROCESSES];
	int failed = 0;

	run->servers = servers;
	run->connections = report->clients / CLIENT_PROCESSES;
	run->start_usec = now_usec() + 500000;
	load_pin(pids->floor, LOAD_ALL);
	load_pin(pids->sockd, LOAD_ALL);
	for (unsigned i = 0; i < CLIENT_PROCESSES; i++)
		clients[i] = fork_as(CLIENT_UID, run_throughput, run);
	sleep_until(run->start_usec);
	double floor_time = time_on_processor(pids->floor);
	double sockd_time = time_on_processor(pids->sockd);
	for (unsigned i = 0; i < CLIENT_PROCESSES; i++)
		failed |= clients[i] < 0 || wait_for(clients[i]) != 0;
	double share_of_time = SLOTS / 2 * (RUN_IN_USEC + SLOT_USEC) * 1000.0;
	for (unsigned i = 0; i < SLOTS / 2; i++) {
		floor[i] = (double)run->opens[2 * i] * 1000000 / SLOT_USEC;
		sockd[i] = (double)run->opens[2 * i + 1] * 1000000 / SLOT_USEC;
		ratios[i] = floor[i] > 0 ? sockd[i] / floor[i] : 0;
	}
	report->throughput = (struct throughput){
		.floor = quantile(floor, SLOTS / 2, 0.5),
		.sockd = quantile(sockd, SLOTS / 2, 0.5),
		.ratio = quantile(ratios, SLOTS / 2, 0.5),
		.floor_busy = (time_on_processor(pids->floor) - floor_time) / share_of_time,
		.sockd_busy = (time_on_processor(pids->sockd) - sockd_time) / share_of_time,
	};
	(void)munmap(run, sizeof *run);
	return failed ? -1 : 0;
}

struct neighbour_run {
	const struct servers *servers;
	_Atomic bool started, over;
	size_t n;
	double samples[NEIGHBOUR_MAX];
};

static int run_neighbour(void *data)
{
	struct neighbour_run *run = data;

	for (unsigned i = 0; i < WARM_UP; i++)
		contender_run(run->servers, SOCKD);
	run->started = true;
	while (!run->over && run->n < NEIGHBOUR_MAX) {
		int64_t before = now_nsec();
		contender_run(run->servers, SOCKD);
		run->samples[run->n++] = (double)(now_nsec() - before);
	}
	return 0;
}

static int open_packet(int fd)
{
	static struct wire_request request;
	struct client_reply reply;

	request_open(&request, AF_PACKET, SOCK_RAW, 0, 1);
	if (client_call(fd, &request, NULL, 0, &reply) < 0 || reply.n_fds != 1) {
		fprintf(stderr, "bench: a packet socket was refused\n");
		_exit(EXIT_FAILURE);
	}
	return reply.fds[0];
}

/* First all are opened and then closed, then one after the other. */
static int run_packets(void *data)
{
	struct neighbour_run *run = data;
	int fd = connect_to_sockd(run->servers->sockd), fds[PACKETS];

	while (!run->started)
		(void)usleep(1000);
	for (unsigned i = 0; i < PACKETS; i++)
		fds[i] = open_packet(fd);
	for (unsigned i = 0; i < PACKETS; i++)
		close_quietly(fds[i]);
	for (unsigned i = 0; i < PACKETS; i++)
		close_quietly(open_packet(fd));
	return 0;
}

int measure_neighbour(
	const struct servers *servers, const struct load_servers *pids, struct report *report)
{
	struct neighbour_run *run = share(sizeof *run);

	run->servers = servers;
	load_pin(pids->sockd, LOAD_ALL);
	load_pin(0, LOAD_ALL);
	pid_t neighbour = fork_as(OTHER_UID, run_neighbour, run);
	int status = run_as(CLIENT_UID, run_packets, run);
	run->over = true;
	if (wait_for(neighbour) != 0)
		status = -1;
	report->neighbour = (struct neighbour){
		.opens = run->n,
		.median = quantile(run->samples, run->n, 0.5),
		.p99 = quantile(run->samples, run->n, 0.99),
		.longest = quantile(run->samples, run->n, 1.0),
	};
	(void)munmap(run, sizeof *run);
	return status == 0 ? 0 : -1;
}
