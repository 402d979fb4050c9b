#include <pthread.h>
#include <stdint.h>

#include "pair.h"

#define CLIENTS_MAX 16

static void *serve(void *argument)
{
	int connection = (int)(intptr_t)argument;
	char data[1000];
	intptr_t count = 0;
	ssize_t n;

	while ((n = must(sockd_recv(connection, data, sizeof data, 0))) > 0) {
		must(sockd_sendall(connection, data, (size_t)n, 0, NULL));
		count += n;
	}
	must(sockd_close(connection));
	return (void *)count;
}

int main(int argc, char **argv)
{
	pthread_t threads[CLIENTS_MAX];
	int n = argc > 1 ? atoi(argv[1]) : 0;
	intptr_t total = 0;

	int server = (int)must(sockd_create_server(AF_INET, "127.0.0.1", "0", SOCKD_BACKLOG, 0));
	print_port(server);
	for (int i = 0; i < n && i < CLIENTS_MAX; i++) {
		struct sockaddr_storage address;
		socklen_t size = sizeof address;
		char text[SOCKD_ADDRESS_TEXT_MAX];
		int connection =
			(int)must(sockd_accept(server, (struct sockaddr *)&address, &size));
		must(sockd_address_format((struct sockaddr *)&address, size, text, sizeof text));
		printf("connected by %.*s\n", (int)strcspn(text, ":"), text);
		fflush(stdout);
		if (pthread_create(&threads[i], NULL, serve, (void *)(intptr_t)connection) != 0)
			return 1;
	}
	for (int i = 0; i < n && i < CLIENTS_MAX; i++) {
		void *count;
		pthread_join(threads[i], &count);
		total += (intptr_t)count;
	}
	must(sockd_close(server));
	printf("echoed %ld\n", (long)total);
	return 0;
}
