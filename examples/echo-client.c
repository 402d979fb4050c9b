/*
 * echo-client HOST PORT TEXT: sends the text to an echo server and prints what comes back. HOST is
 * a name or an address of either family; all addresses of a name are tried.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sockd.h>

int main(int argc, char **argv)
{
	char data[1024];
	size_t wanted, done = 0;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: echo-client HOST PORT TEXT\n");
		return 2;
	}
	fd = sockd_create_connection(argv[1], argv[2], 5000000, NULL, NULL);
	if (fd < 0) {
		int error = sockd_lookup_error();
		fprintf(stderr, "echo-client: %s port %s: %s\n", argv[1], argv[2],
			error != 0 ? sockd_resolve_error(error) : strerror(errno));
		return 1;
	}
	wanted = strlen(argv[3]);
	if (sockd_sendall(fd, argv[3], wanted, 0, NULL) < 0) {
		fprintf(stderr, "echo-client: send: %s\n", strerror(errno));
		return 1;
	}
	printf("received \"");
	while (done < wanted) {
		ssize_t n = sockd_recv(fd, data, sizeof data, 0);
		if (n <= 0) {
			fprintf(stderr, "echo-client: receive: %s\n",
				n < 0 ? strerror(errno) : "the server has closed");
			return 1;
		}
		fwrite(data, 1, (size_t)n, stdout);
		done += (size_t)n;
	}
	printf("\"\n");
	sockd_close(fd);
	return 0;
}
