/*
 * flip WHAT ROUNDS: makes calls whose arguments in memory a second thread changes all the while,
 * and looks at what came of each.
 *
 * The policy is to allow port 80, SO_MARK 7, SO_PRIORITY 8, and the MTU of "lo"; nothing more.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/targets/target.h"

#define ALLOWED_PORT 80
#define FORBIDDEN_PORT 81
#define FREE_PORT 4000
#define ALLOWED_MARK 7
#define ALLOWED_PRIORITY 8
#define ALLOWED_MTU 60000
#define PATIENCE_SECONDS 30

/* Every kind of value is tried against every other. */
struct variant {
	sa_family_t family;
	in_port_t port;
	socklen_t size;
};

static const struct variant variants[] = {
	{AF_INET, ALLOWED_PORT, sizeof(struct sockaddr_in)},
	{AF_INET, FORBIDDEN_PORT, sizeof(struct sockaddr_in)},
	{AF_INET, FREE_PORT, sizeof(struct sockaddr_in)},
	{AF_INET6, ALLOWED_PORT, sizeof(struct sockaddr_in6)},
	{AF_INET6, FORBIDDEN_PORT, sizeof(struct sockaddr_in6)},
	{AF_UNSPEC, FORBIDDEN_PORT, sizeof(struct sockaddr_in)},
	{AF_UNIX, FORBIDDEN_PORT, sizeof(struct sockaddr_in)},
	{AF_INET6, FREE_PORT, sizeof(struct sockaddr_in)},
	{AF_INET, FORBIDDEN_PORT, 128},
	{AF_NETLINK, FORBIDDEN_PORT, sizeof(struct sockaddr_nl)},
};

static _Atomic bool stop;
static _Atomic unsigned pace; /* grows, so that the flips fall at every moment of a call */

static union {
	struct sockaddr any;
	struct sockaddr_in inet;
	struct sockaddr_in6 inet6;
	unsigned char bytes[128];
} address;
static _Atomic socklen_t address_size;

static _Atomic int value;

static struct {
	struct nlmsghdr head;
	struct ifinfomsg info;
	struct rtattr attribute;
	uint32_t mtu;
} message;
static struct iovec part = {.iov_base = &message, .iov_len = sizeof message};
static struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
static struct mmsghdr messages = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
static int interfaces[2];

static void wait_a_little(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		__asm__ volatile("" ::: "memory");
}

static void *flip_address(void *data _unused_)
{
	for (unsigned i = 0; !stop; i++) {
		const struct variant *next = &variants[i % ARRAY_SIZE(variants)];
		__atomic_store_n(&address.any.sa_family, next->family, __ATOMIC_RELAXED);
		__atomic_store_n(&address.inet.sin_port, htons(next->port), __ATOMIC_RELAXED);
		address_size = next->size;
		wait_a_little(pace % 32768);
	}
	return NULL;
}

static void *flip_value(void *data)
{
	const int *values = data;

	for (unsigned i = 0; !stop; i++) {
		value = values[i % 4];
		wait_a_little(pace % 32768);
	}
	return NULL;
}

static void *flip_message(void *data _unused_)
{
	static const uint16_t kinds[] = {RTM_NEWLINK, RTM_GETLINK, RTM_NEWLINK, RTM_DELLINK};
	static const uint32_t sizes[] = {sizeof message, sizeof(struct nlmsghdr), sizeof message,
		sizeof message - 4, UINT32_MAX};

	for (unsigned i = 0; !stop; i++) {
		__atomic_store_n(&message.info.ifi_index, interfaces[i % 2], __ATOMIC_RELAXED);
		wait_a_little(pace % 512);
		__atomic_store_n(&message.head.nlmsg_type, kinds[i / 2 % 4], __ATOMIC_RELAXED);
		__atomic_store_n(&message.head.nlmsg_len, sizes[i / 8 % 5], __ATOMIC_RELAXED);
		__atomic_store_n(&part.iov_len, i / 16 % 3 ? sizeof message : SIZE_MAX / 2,
			__ATOMIC_RELAXED);
		__atomic_store_n(
			&messages.msg_hdr.msg_name, i / 32 % 2 ? &kernel : NULL, __ATOMIC_RELAXED);
		__atomic_store_n(&messages.msg_hdr.msg_namelen,
			i / 64 % 3 ? sizeof kernel : UINT32_MAX, __ATOMIC_RELAXED);
		wait_a_little(pace % 32768);
	}
	return NULL;
}

/* Which low port it is bound to; 0: none. */
static unsigned low_port(int fd)
{
	struct sockaddr_storage own = {0};
	socklen_t size = sizeof own;

	if (getsockname(fd, (struct sockaddr *)&own, &size) < 0)
		give_up("getsockname");
	if (own.ss_family != AF_INET && own.ss_family != AF_INET6)
		return 0;
	unsigned port = ntohs(((struct sockaddr_in *)&own)->sin_port);
	return port < 1024 ? port : 0;
}

/* Where others keep the processors busy, the second thread may flip too little in the rounds. */
static bool goes_on(long round, long rounds, bool seen_all)
{
	static time_t until;

	if (round == rounds)
		until = time(NULL) + PATIENCE_SECONDS;
	return round < rounds || (!seen_all && time(NULL) < until);
}

static void flip_binds(long rounds)
{
	static const int domains[] = {AF_INET, AF_INET, AF_INET6};
	unsigned long allowed = 0, outside = 0, lied = 0;
	pthread_t thread;
	const int on = 1;

	if (pthread_create(&thread, NULL, flip_address, NULL) != 0)
		give_up("a thread");
	long i;
	for (i = 0; goes_on(i, rounds, allowed > 0); i++, pace += 7) {
		int domain = domains[i % 3];
		int fd = socket(domain, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0);
		if (fd < 0)
			give_up("socket");
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		if (domain == AF_INET6)
			(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
		int r = bind(fd, &address.any, address_size);
		unsigned port = low_port(fd);
		allowed += port == ALLOWED_PORT;
		outside += port != 0 && port != ALLOWED_PORT;
		lied += r < 0 && port != 0;
		(void)close(fd);
	}
	stop = true;
	(void)pthread_join(thread, NULL);
	check(outside == 0, "no bind outside the policy (%lu of %ld)", outside, i);
	check(lied == 0, "none that was refused and yet is (%lu)", lied);
	check(allowed > 0, "some to the allowed port (%lu)", allowed);
}

static void flip_options(long rounds, int name, const int *values, int free, int allowed)
{
	unsigned long done = 0, outside = 0;
	pthread_t thread;

	stop = false;
	if (pthread_create(&thread, NULL, flip_value, (void *)values) != 0)
		give_up("a thread");
	long i;
	for (i = 0; goes_on(i, rounds, done > 0); i++, pace += 7) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0), now = -1;
		socklen_t size = sizeof now;
		(void)setsockopt(fd, SOL_SOCKET, name, (const void *)&value, sizeof value);
		if (getsockopt(fd, SOL_SOCKET, name, &now, &size) < 0)
			give_up("getsockopt");
		done += now == allowed;
		outside += now != 0 && now != free && now != allowed;
		(void)close(fd);
	}
	stop = true;
	(void)pthread_join(thread, NULL);
	check(outside == 0, "option %d: no value outside the policy (%lu of %ld)", name, outside,
		i);
	check(done > 0, "option %d: some of the allowed one (%lu)", name, done);
}

static ssize_t send_somehow(int fd, long i)
{
	switch (i % 5) {
	case 0:
		return write(fd, &message, sizeof message);
	case 1:
		return writev(fd, &part, 1);
	case 2:
		return sendmsg(fd, &messages.msg_hdr, MSG_NOSIGNAL);
	case 3:
		return sendmmsg(fd, &messages, 1, 0);
	default:
		return sendto(
			fd, &message, sizeof message, 0, (struct sockaddr *)&kernel, sizeof kernel);
	}
}

static bool is_whole_change(const struct nlmsghdr *head)
{
	return head->nlmsg_type == RTM_NEWLINK && head->nlmsg_len == sizeof message;
}

static void flip_messages(long rounds)
{
	unsigned long changed = 0, refused = 0, number = 0;
	pthread_t thread;

	interfaces[0] = (int)if_nametoindex("lo");
	interfaces[1] = (int)if_nametoindex("eth0");
	message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message.attribute = (struct rtattr){.rta_type = IFLA_MTU, .rta_len = RTA_LENGTH(4)};
	message.mtu = ALLOWED_MTU;
	if (pthread_create(&thread, NULL, flip_message, NULL) != 0)
		give_up("a thread");
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
	check(fd >= 64, "its number is of the window (%d)", fd);
	for (long i = 0; goes_on(i, rounds, changed > 0 && refused > 0); i++, pace += 7) {
		struct {
			struct nlmsghdr head;
			struct nlmsgerr error;
			char rest[65536];
		} answer;
		(void)send_somehow(fd, i);
		for (;;) {
			ssize_t n = recv(fd, &answer, sizeof answer, MSG_DONTWAIT);
			if (n < 0)
				break;
			number++;
			if (answer.head.nlmsg_type != NLMSG_ERROR)
				continue;
			changed += answer.error.error == 0 && is_whole_change(&answer.error.msg);
			refused += answer.error.error == -EPERM;
		}
	}
	stop = true;
	(void)pthread_join(thread, NULL);
	check(changed > 0, "some messages were carried out (%lu)", changed);
	check(refused > 0, "some were refused (%lu of %lu answers)", refused, number);
}

int main(int argc, char **argv)
{
	static const int marks[] = {ALLOWED_MARK, 9, ALLOWED_MARK, 70000};
	static const int priorities[] = {6, ALLOWED_PRIORITY, 7, 9};
	long rounds = number(argc == 3 ? argv[2] : NULL);

	if (strcmp(argv[1], "bind") == 0)
		flip_binds(rounds);
	else if (strcmp(argv[1], "option") == 0) {
		flip_options(rounds, SO_MARK, marks, 0, ALLOWED_MARK);
		flip_options(rounds, SO_PRIORITY, priorities, 6, ALLOWED_PRIORITY);
	} else if (strcmp(argv[1], "message") == 0)
		flip_messages(rounds);
	else
		give_up("what to flip");
	return n_wrong != 0;
}
