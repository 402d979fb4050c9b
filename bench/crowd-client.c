/* A client's side of crowd.h: its threads. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/contender.h"
#include "bench/crowd.h"
#include "proto/macro.h"

struct member {
	struct crowd_memory *memory;
	const char *floor;
	int connection; /* to the floor */
	bool slow;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench: in a crowd: %s: %s\n", what, strerror(errno));
	_exit(EXIT_FAILURE);
}

static void add_sample(struct crowd_samples *samples, int64_t nsec)
{
	size_t i = atomic_fetch_add(&samples->n, 1);

	if (i < CROWD_SAMPLES_MAX)
		samples->nsec[i] = (double)nsec;
}

static void open_once(const struct member *member)
{
	if (member->floor) {
		send_to_floor(member->connection, SOCK_RAW, IPPROTO_ICMP, 1);
		finish_floor(member->connection, 1);
		return;
	}
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd < 0)
		die("socket");
	(void)close(fd);
}

/* Returns how long bind() took. */
static int64_t bind_slowly(void)
{
	const struct sockaddr_ll loopback = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = 1};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd < 0)
		die("a packet socket");
	int64_t before = now_nsec();
	int r = bind(fd, (const struct sockaddr *)&loopback, sizeof loopback);
	int64_t nsec = now_nsec() - before;
	if (r < 0)
		die("binding a packet socket");
	(void)close(fd);
	return nsec;
}

static void spend_slot(const struct member *member, unsigned slot, int64_t start)
{
	struct crowd_memory *memory = member->memory;
	const enum crowd_kind kind = slot % N_CROWD_KINDS;
	const int64_t counted = start + CROWD_RUN_IN_NSEC, end = counted + CROWD_SLOT_NSEC;
	int64_t now = now_nsec();

	while (now < end) {
		int64_t before = now;
		if (member->slow && kind == CROWD_BESIDE_SLOW) {
			add_sample(&memory->slow, bind_slowly());
			now = now_nsec();
			continue;
		}
		open_once(member);
		now = now_nsec();
		if (before < counted || now >= end)
			continue;
		add_sample(&memory->opened[slot], now - before);
	}
}

static void *spend_slots(void *data)
{
	struct member *member = data;
	int64_t start;

	if (member->floor)
		member->connection = connect_to_floor(member->floor);
	open_once(member);
	atomic_fetch_add(&member->memory->n_ready, 1);
	while ((start = atomic_load(&member->memory->start_nsec)) == 0)
		(void)usleep(10000);
	for (unsigned slot = 0; slot < CROWD_SLOTS; slot++) {
		if ((slot % N_CROWD_KINDS == CROWD_FLOOR) != (member->floor != NULL))
			continue;
		int64_t begin = start + slot * CROWD_PERIOD_NSEC;
		sleep_until_nsec(begin);
		spend_slot(member, slot, begin);
	}
	return NULL;
}

int crowd_take_part(struct crowd_memory *memory, const char *floor)
{
	pthread_t threads[CROWD_THREADS];
	struct member members[CROWD_THREADS];

	for (unsigned i = 0; i < CROWD_THREADS; i++) {
		members[i] = (struct member){.memory = memory, .floor = floor, .slow = i == 0};
		errno = pthread_create(&threads[i], NULL, spend_slots, &members[i]);
		if (errno != 0)
			die("a thread");
	}
	for (unsigned i = 0; i < CROWD_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	return EXIT_SUCCESS;
}
