/*
 * threads N ROUNDS: N threads open a raw socket each at the same moment, ROUNDS times. Says what
 * all of them saw together: how many had a socket and whether it was the one they had asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_barrier_t gate;
static atomic_int opened, refused, wrong, last_error;
static int rounds;

static int is_as_asked(int fd, int flags)
{
	int type = 0, protocol = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) < 0)
		return 0;
	return type == SOCK_RAW && protocol == IPPROTO_ICMP &&
	       !(fcntl(fd, F_GETFD) & FD_CLOEXEC) == !(flags & SOCK_CLOEXEC) &&
	       !(fcntl(fd, F_GETFL) & O_NONBLOCK) == !(flags & SOCK_NONBLOCK);
}

static void *work(void *argument)
{
	/* Each thread asks for flags of its own, so that a mixed-up answer shows. */
	int flags = *(int *)argument & 1 ? SOCK_CLOEXEC : SOCK_NONBLOCK;

	for (int i = 0; i < rounds; i++) {
		pthread_barrier_wait(&gate);
		int fd = socket(AF_INET, SOCK_RAW | flags, IPPROTO_ICMP);
		if (fd < 0) {
			last_error = errno;
			refused++;
		} else if (is_as_asked(fd, flags)) {
			opened++;
		} else {
			wrong++;
		}
		/* All are open at once. */
		pthread_barrier_wait(&gate);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? atoi(argv[1]) : 0;

	rounds = argc == 3 ? atoi(argv[2]) : 0;
	pthread_t threads[n > 0 ? n : 1];
	int numbers[n > 0 ? n : 1];
	if (n < 1 || pthread_barrier_init(&gate, NULL, (unsigned)n) != 0)
		return 2;
	for (int i = 0; i < n; i++) {
		numbers[i] = i;
		if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0)
			return 2;
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("opened %d, refused %d (%s), wrong %d\n", opened, refused,
		last_error ? strerror(last_error) : "-", wrong);
	return opened == n * rounds ? 0 : 1;
}
