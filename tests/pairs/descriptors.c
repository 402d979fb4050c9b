#include <fcntl.h>

#include "pair.h"

#define FILES_MAX 8

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	socklen_t size;
	int files[FILES_MAX], fds[FILES_MAX], flags;
	size_t n_files = 0, n_fds = FILES_MAX;
	char data[100];

	int s = (int)must(sockd_socket(AF_UNIX, SOCK_STREAM, 0));
	must(sockd_address_parse(AF_UNIX, argc > 1 ? argv[1] : "", &address, &size));
	must(sockd_connect(s, (struct sockaddr *)&address, size));
	for (int i = 2; i < argc && n_files < FILES_MAX; i++)
		files[n_files++] = (int)must(open(argv[i], O_RDONLY | O_CLOEXEC));
	printf("sent %ld\n", must(sockd_send_fds(s, "here they are", 13, files, n_files, 0)));
	long n = must(sockd_recv_fds(s, data, sizeof data, fds, &n_fds, 0, &flags));
	printf("received %.*s, %d descriptors, flags %d\n", (int)n, data, (int)n_fds,
		flags & MSG_CTRUNC);
	for (size_t i = 0; i < n_fds; i++) {
		n = must(read(fds[i], data, sizeof data));
		printf("contents %.*s\n", (int)n, data);
		must(close(fds[i]));
	}
	must(sockd_close(s));
	return 0;
}
