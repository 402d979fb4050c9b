#include <fcntl.h>

#include "pair.h"

int main(int argc, char **argv)
{
	static const struct {
		int64_t offset, count;
	} pieces[] = {{0, SOCKD_TO_END}, {100000, 5000}, {299990, 50}, {400000, 10}};
	const char *path = argc > 1 ? argv[1] : "";
	int connection, file;

	int server = (int)must(sockd_create_server(AF_INET, "127.0.0.1", "0", SOCKD_BACKLOG, 0));
	print_port(server);
	for (int i = 0; i < 4; i++) {
		connection = (int)must(sockd_accept(server, NULL, NULL));
		file = (int)must(open(path, O_RDONLY | O_CLOEXEC));
		long long sent =
			must(sockd_sendfile(connection, file, pieces[i].offset, pieces[i].count));
		printf("sent %lld, the file is at %lld\n", sent,
			(long long)lseek(file, 0, SEEK_CUR));
		fflush(stdout);
		must(shutdown(connection, SHUT_WR));
		must(sockd_close(connection));
		must(close(file));
	}
	connection = (int)must(sockd_accept(server, NULL, NULL));
	must(sockd_setblocking(connection, 0));
	if (sockd_sendfile(
		    connection, (int)must(open(path, O_RDONLY | O_CLOEXEC)), 0, SOCKD_TO_END) < 0 &&
		errno == EINVAL)
		printf("not on a non-blocking socket\n");
	must(sockd_close(connection));
	must(sockd_close(server));
	return 0;
}
