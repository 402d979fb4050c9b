/*
 * port80 [COUNT]: a web server on port 80 that was never root. It is started by an ordinary user
 * and has no capability; sockd binds its socket where the policy says so (policy.d/30-web.json).
 * Ends after COUNT requests.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sockd.h>

/* The blank line that ends a request, or the end of the connection. */
static void read_request(FILE *from)
{
	char line[4096];

	while (fgets(line, sizeof line, from))
		if (strcmp(line, "\r\n") == 0 || strcmp(line, "\n") == 0)
			return;
}

static void serve(int client)
{
	FILE *from = sockd_makefile(client, "r"), *to = sockd_makefile(client, "w");
	char text[64];
	int n;

	if (from && to) {
		read_request(from);
		n = snprintf(
			text, sizeof text, "served by user %u, never root\n", (unsigned)getuid());
		fprintf(to,
			"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
			"Content-Length: %d\r\n\r\n%s",
			n, text);
	}
	if (from)
		fclose(from);
	if (to)
		fclose(to);
}

int main(int argc, char **argv)
{
	long left = argc > 1 ? strtol(argv[1], NULL, 10) : -1;
	int server;

	if (geteuid() == 0) {
		fprintf(stderr, "port80: this is for ordinary users: root needs no sockd\n");
		return 2;
	}
	server = sockd_create_server(AF_INET, "", "80", SOCKD_BACKLOG, 0);
	if (server < 0) {
		fprintf(stderr, "port80: %s (%s)\n", strerror(errno), sockd_reason());
		return 1;
	}
	printf("listening on port 80\n");
	fflush(stdout);
	while (left < 0 || left-- > 0) {
		int client = sockd_accept(server, NULL, NULL);

		if (client < 0) {
			fprintf(stderr, "port80: accept: %s\n", strerror(errno));
			return 1;
		}
		/* Nobody keeps the others waiting for longer than this. */
		sockd_settimeout(client, 5000000);
		serve(client);
		sockd_close(client);
	}
	sockd_close(server);
	return 0;
}
