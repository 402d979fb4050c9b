/*
 * A socket from one user to another, by a ticket that travels as text.
 *
 *   share give USER-ID   opens a listening socket, prints its port and a ticket for that user, and
 *                        ends: the socket is the broker's until it is taken
 *   share take           reads the ticket from standard input and serves one connection
 *
 * A rule for each end: { "name": "give", "peers": { "user": "..." }, "family": "inet",
 *   "type": "stream", "actions": "share" }, and the same with "receive".
 */
#include <errno.h>
#include <netinet/in.h>
#include <sockd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "share: %s: %s: %s\n", what, strerror(errno), sockd_reason());
	return 1;
}

static int give(const char *user)
{
	struct sockaddr_in address;
	socklen_t size = sizeof address;
	char ticket[SOCKD_TICKET_SIZE];
	int fd = sockd_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&address, 0, sizeof address);
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || sockd_bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		sockd_listen(fd, 5) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return fail("no socket");
	if (sockd_share(
		    fd, SOCKD_FOR_USER, atoll(user), SOCKD_TICKET_USUAL, ticket, sizeof ticket) < 0)
		return fail("it cannot be shared");
	printf("%d\n%s\n", ntohs(address.sin_port), ticket);
	return 0;
}

static int take(void)
{
	char ticket[256];

	if (!fgets(ticket, sizeof ticket, stdin))
		return 2;
	int fd = sockd_fromshare(ticket);
	if (fd < 0)
		return fail("no socket for this ticket");
	int client = sockd_accept(fd, NULL, NULL);
	if (client < 0)
		return fail("no connection");
	dprintf(client, "served by user %d\n", (int)getuid());
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "give") == 0)
		return give(argv[2]);
	if (argc == 2 && strcmp(argv[1], "take") == 0)
		return take();
	fprintf(stderr, "usage: share give USER-ID | share take\n");
	return 2;
}
