#include <netinet/in.h>

#include "pair.h"

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	socklen_t size;
	char text[SOCKD_ADDRESS_TEXT_MAX], data[101];
	int64_t timeout;

	int s = (int)must(sockd_socket(AF_INET, SOCK_DGRAM, 0));
	must(sockd_settimeout(s, 300000));
	must(sockd_gettimeout(s, &timeout));
	printf("timeout %.1f\n", (double)timeout / 1e6);
	for (int attempt = 0; attempt < 5; attempt++) {
		int length = snprintf(data, sizeof data, "question %d", attempt);
		snprintf(text, sizeof text, "127.0.0.1:%s", argc > 1 ? argv[1] : "");
		must(sockd_address_parse(AF_INET, text, &address, &size));
		must(sockd_sendto(s, data, (size_t)length, 0, (struct sockaddr *)&address, size));
		size = sizeof address;
		ssize_t n = sockd_recvfrom(
			s, data, sizeof data - 1, 0, (struct sockaddr *)&address, &size);
		if (n < 0 && errno == ETIMEDOUT) {
			printf("timed out\n");
			continue;
		}
		must(n);
		must(sockd_address_format((struct sockaddr *)&address, size, text, sizeof text));
		printf("answer %.*s from %s\n", (int)n, data, text);
		break;
	}
	must(sockd_setblocking(s, 0));
	if (sockd_recvfrom(s, data, sizeof data, 0, NULL, NULL) < 0)
		printf("%s\n", strerror(errno));
	must(sockd_close(s));
	return 0;
}
