/*
 * Connects by name while signals come all the time, and says where it came to, how long that took
 * and that nothing is left open: connect HOST SERVICE USEC [SOURCE].
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lib/sockd.h"
#include "proto/macro.h"

static void nothing(int number _unused_)
{
}

static void ring(void)
{
	const struct sigaction action = {.sa_handler = nothing};
	const struct itimerval often = {{0, 7000}, {0, 7000}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static int64_t now_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int count_fds(void)
{
	int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	char text[NI_MAXHOST];

	if (argc < 4)
		return 2;
	int before = count_fds();
	ring();
	int64_t begun = now_msec();
	int fd = sockd_create_connection(
		argv[1], argv[2], strtoll(argv[3], NULL, 10), argc > 4 ? argv[4] : NULL, NULL);
	int error = errno, took = (int)(now_msec() - begun);
	const struct itimerval never = {0};
	setitimer(ITIMER_REAL, &never, NULL);
	int more = count_fds() - before;
	if (fd < 0) {
		printf("%s%s took %d left %d\n", strerrorname_np(error),
			sockd_lookup_error() ? " lookup" : "", took, more);
		return 1;
	}
	if (getpeername(fd, (struct sockaddr *)&address, &size) < 0 ||
		getnameinfo((struct sockaddr *)&address, size, text, sizeof text, NULL, 0,
			NI_NUMERICHOST) != 0)
		return 2;
	printf("%s took %d left %d\n", text, took, more - 1);
	return 0;
}
