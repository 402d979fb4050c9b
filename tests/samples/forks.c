/*
 * forks N: N children, all there at once, open a raw socket each when they are told to. Says how
 * many had one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int child(int gate)
{
	char nothing;

	if (read(gate, &nothing, 1) != 0)
		return 255;
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	/* Nothing but the standard descriptors and the gate: the first free number. */
	return fd < 0 ? errno : fd == gate + 1 ? 0 : 254;
}

int main(int argc, char **argv)
{
	int n = argc == 2 ? atoi(argv[1]) : 0, opened = 0, refused = 0, last = 0, gate[2], status;

	if (n < 1 || pipe(gate) < 0)
		return 2;
	/* So that the gate is the highest number in a child. */
	if (gate[0] > gate[1]) {
		fprintf(stderr, "a pipe's numbers are in no order\n");
		return 2;
	}
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid < 0) {
			perror("fork");
			break;
		}
		if (pid == 0) {
			close(gate[1]);
			_exit(child(gate[0]));
		}
	}
	close(gate[1]);
	while (wait(&status) > 0) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			opened++;
		} else {
			refused++;
			last = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
		}
	}
	printf("opened %d, refused %d (%s)\n", opened, refused, last ? strerror(last) : "-");
	return opened == n ? 0 : 1;
}
