/*
 * echo-server 4|dual PORT: sends back what each client sends, one client at a time, for ever.
 *
 * 4 listens on 127.0.0.1; dual on all addresses of IPv6 and IPv4 with one socket, where the system
 * can do that. Ports under 1024 come from sockd, if its policy gives them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sockd.h>

static int fail(const char *what)
{
	fprintf(stderr, "echo-server: %s: %s %s\n", what, strerror(errno), sockd_reason());
	return 1;
}

static void serve(int client)
{
	char data[1024];
	ssize_t n;

	while ((n = sockd_recv(client, data, sizeof data, 0)) > 0)
		if (sockd_sendall(client, data, (size_t)n, 0, NULL) < 0)
			break;
}

int main(int argc, char **argv)
{
	int server;

	if (argc == 3 && strcmp(argv[1], "4") == 0) {
		server = sockd_create_server(AF_INET, "127.0.0.1", argv[2], SOCKD_BACKLOG, 0);
	} else if (argc == 3 && strcmp(argv[1], "dual") == 0) {
		unsigned flags = sockd_has_dualstack_ipv6() ? SOCKD_DUALSTACK : 0;
		server = sockd_create_server(AF_INET6, "", argv[2], SOCKD_BACKLOG, flags);
	} else {
		fprintf(stderr, "usage: echo-server 4|dual PORT\n");
		return 2;
	}
	if (server < 0)
		return fail("listen");
	for (;;) {
		char text[SOCKD_ADDRESS_TEXT_MAX];
		struct sockaddr_storage address;
		socklen_t size = sizeof address;
		int client = sockd_accept(server, (struct sockaddr *)&address, &size);

		if (client < 0)
			return fail("accept");
		if (sockd_address_format((struct sockaddr *)&address, size, text, sizeof text) == 0)
			printf("connected by %s\n", text);
		fflush(stdout);
		serve(client);
		sockd_close(client);
	}
}
