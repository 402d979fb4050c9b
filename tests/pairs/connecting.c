#include <poll.h>

#include "pair.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct sockaddr_storage address;
		socklen_t size, error_size = sizeof(int);
		char text[SOCKD_ADDRESS_TEXT_MAX], data[100];

		int s = (int)must(sockd_socket(AF_INET, SOCK_STREAM, 0));
		must(sockd_setblocking(s, 0));
		printf("blocking %ld\n", must(sockd_getblocking(s)));
		snprintf(text, sizeof text, "127.0.0.1:%s", argv[i]);
		must(sockd_address_parse(AF_INET, text, &address, &size));
		int error = sockd_connect_ex(s, (struct sockaddr *)&address, size);
		printf("at once: %s\n", strerror(error));
		if (error == EINPROGRESS) {
			struct pollfd poller = {.fd = s, .events = POLLOUT};
			must(poll(&poller, 1, 10000));
			must(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &error_size));
		}
		printf("then: %s\n", strerror(error));
		if (error == 0) {
			printf("again: %s\n",
				strerror(sockd_connect_ex(s, (struct sockaddr *)&address, size)));
			must(sockd_setblocking(s, 1));
			long n = must(sockd_recv(s, data, sizeof data, 0));
			printf("heard %.*s\n", (int)n, data);
			size = sizeof address;
			must(getpeername(s, (struct sockaddr *)&address, &size));
			must(sockd_address_format(
				(struct sockaddr *)&address, size, text, sizeof text));
			printf("peer %s\n", text);
		}
		must(sockd_close(s));
	}
	return 0;
}
