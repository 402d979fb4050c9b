#include <netinet/in.h>

#include "pair.h"

int main(void)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address, option_size = sizeof(int);
	char text[SOCKD_ADDRESS_TEXT_MAX];
	int64_t timeout;
	int option;

	printf("dual stack %d\n", sockd_has_dualstack_ipv6());
	int server =
		(int)must(sockd_create_server(AF_INET6, "", "0", SOCKD_BACKLOG, SOCKD_DUALSTACK));
	print_port(server);
	must(getsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &option, &option_size));
	printf("only IPv6: %d\n", option);
	must(sockd_settimeout(server, 10000000));
	for (int i = 0; i < 2; i++) {
		size = sizeof address;
		int connection =
			(int)must(sockd_accept(server, (struct sockaddr *)&address, &size));
		must(sockd_address_format((struct sockaddr *)&address, size, text, sizeof text));
		*(strrchr(text, ']') + 1) = '\0';
		must(sockd_gettimeout(connection, &timeout));
		printf("connected by %s timeout %s\n", text,
			timeout == SOCKD_FOREVER ? "None" : "set");
		fflush(stdout);
		must(sockd_sendall(connection, text + 1, strlen(text) - 2, 0, NULL));
		must(sockd_close(connection));
	}
	size = sizeof address;
	must(getsockname(server, (struct sockaddr *)&address, &size));
	must(sockd_address_format((struct sockaddr *)&address, size, text, sizeof text));
	if (sockd_create_server(AF_INET6, "::1", strrchr(text, ':') + 1, SOCKD_BACKLOG, 0) < 0)
		printf("%s\n", strerrorname_np(errno));
	must(sockd_settimeout(server, 100000));
	if (sockd_accept(server, NULL, NULL) < 0 && errno == ETIMEDOUT)
		printf("timed out\n");
	must(sockd_close(server));
	return 0;
}
