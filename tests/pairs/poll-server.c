#include <ctype.h>
#include <poll.h>
#include <stdbool.h>

#include "pair.h"

#define SOCKETS_MAX 16

int main(void)
{
	struct pollfd sockets[SOCKETS_MAX];
	nfds_t n = 1;
	bool stop = false;
	char data[100];

	int server = (int)must(sockd_create_server(AF_INET, "127.0.0.1", "0", SOCKD_BACKLOG, 0));
	must(sockd_setblocking(server, 0));
	print_port(server);
	sockets[0] = (struct pollfd){.fd = server, .events = POLLIN};
	while (!stop || n > 1) {
		must(poll(sockets, n, 10000));
		for (nfds_t i = n; i-- > 0;) {
			if (!sockets[i].revents)
				continue;
			if (i == 0) {
				int client = (int)must(sockd_accept(server, NULL, NULL));
				must(sockd_setblocking(client, 0));
				must(n < SOCKETS_MAX ? 0 : -1);
				sockets[n++] = (struct pollfd){.fd = client, .events = POLLIN};
				printf("new, now %d\n", (int)n - 1);
				fflush(stdout);
				continue;
			}
			ssize_t size = must(sockd_recv(sockets[i].fd, data, sizeof data, 0));
			if (size == 4 && memcmp(data, "stop", 4) == 0)
				stop = true;
			if (size > 0) {
				for (ssize_t j = 0; j < size; j++)
					data[j] = (char)toupper((unsigned char)data[j]);
				for (nfds_t j = 1; j < n; j++)
					must(sockd_send(sockets[j].fd, data, (size_t)size, 0));
			} else {
				must(sockd_close(sockets[i].fd));
				sockets[i] = sockets[--n];
				printf("gone, now %d\n", (int)n - 1);
				fflush(stdout);
			}
		}
	}
	if (sockd_accept(server, NULL, NULL) < 0)
		printf("%s\n", strerror(errno));
	must(sockd_close(server));
	return 0;
}
