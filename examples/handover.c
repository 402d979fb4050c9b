/*
 * A server that hands its listening socket to its successor, with no refused connection in between.
 *
 *   handover PORT
 *
 * The first one opens the socket and has the broker keep it under a name; whichever is started
 * later finds it there and goes on. The one before may be ended then, or may have ended long ago:
 * meanwhile connections wait in the socket's own queue. It answers each with its process id.
 * SIGTERM ends it after the connection in work; SIGUSR1 does, and the name is forgotten.
 *
 * A rule for it: { "name": "handover", "peers": { "user": "..." }, "family": "inet",
 *   "type": "stream", "actions": ["store", "fetch"], "names": "handover-*" }
 */
#define _GNU_SOURCE 1 /* ppoll(2) */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sockd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t ending;

static void on_signal(int number)
{
	ending = number;
}

static int open_listener(unsigned short port)
{
	struct sockaddr_in address;
	/* Non-blocking: accept(2) must not wait for a connection that the other one got. */
	int on = 1, fd = sockd_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memset(&address, 0, sizeof address);
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
		sockd_bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		sockd_listen(fd, 128) < 0)
		return -1;
	return fd;
}

static void serve(int listener)
{
	struct pollfd wait = {.fd = listener, .events = POLLIN};
	sigset_t blocked, open;
	char text[32];

	/* Signals arrive only while it waits, so that none is missed before. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &open);
	while (!ending) {
		if (ppoll(&wait, 1, NULL, &open) < 0)
			continue;
		/* Two of them may be told of the same connection: only one gets it. */
		int client = sockd_accept(listener, NULL, NULL);
		if (client < 0)
			continue;
		int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
		(void)send(client, text, (size_t)n, MSG_NOSIGNAL);
		close(client);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action;
	char name[64];

	if (argc != 2) {
		fprintf(stderr, "usage: handover PORT\n");
		return 2;
	}
	memset(&action, 0, sizeof action);
	action.sa_handler = on_signal;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	snprintf(name, sizeof name, "handover-%s", argv[1]);
	int listener = sockd_fetch(name, 0);
	if (listener < 0 && errno == ENOENT) {
		listener = open_listener((unsigned short)atoi(argv[1]));
		if (listener >= 0 && sockd_store(listener, name, 0, SOCKD_NEW) < 0) {
			close(listener);
			listener = -1;
		}
	}
	if (listener < 0) {
		fprintf(stderr, "handover: no listener: %s: %s\n", strerror(errno), sockd_reason());
		return 1;
	}
	printf("%d\n", (int)getpid());
	fflush(stdout);
	serve(listener);
	if (ending == SIGUSR1 && sockd_forget(name, 0) < 0)
		fprintf(stderr, "handover: %s\n", sockd_reason());
	return 0;
}
