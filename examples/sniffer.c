/*
 * sniffer INTERFACE COUNT: prints so many packets of an interface, in and out. An ordinary user
 * gets the socket from sockd, bound before this program sees it; policy.d/20-capture.json is a rule
 * for that. Addresses are those of packet(7): the interface's number, the protocol, the hardware
 * address.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sockd.h>

static int open_sniffer(const char *interface)
{
	char text[64];
	struct sockaddr_storage address;
	socklen_t size;
	struct sockd_request *request;
	int fd = -1;

	/* 3 is ETH_P_ALL, every protocol. */
	snprintf(text, sizeof text, "%s/3", interface);
	if (sockd_address_parse(AF_PACKET, text, &address, &size) < 0)
		return -1;
	request = sockd_request_new(AF_PACKET, SOCK_RAW, 0);
	if (!request)
		return -1;
	sockd_request_bind(request, (struct sockaddr *)&address, size);
	fd = sockd_request_open(request);
	sockd_request_free(request);
	return fd;
}

int main(int argc, char **argv)
{
	long count;
	int fd;

	if (argc != 3 || (count = strtol(argv[2], NULL, 10)) <= 0) {
		fprintf(stderr, "usage: sniffer INTERFACE COUNT\n");
		return 2;
	}
	fd = open_sniffer(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "sniffer: %s: %s %s\n", argv[1], strerror(errno), sockd_reason());
		return 1;
	}
	printf("listening on %s\n", argv[1]);
	fflush(stdout);
	while (count-- > 0) {
		char text[SOCKD_ADDRESS_TEXT_MAX];
		unsigned char packet[65536];
		struct sockaddr_storage from;
		socklen_t size = sizeof from;
		unsigned short type;
		ssize_t n = sockd_recvfrom(
			fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);

		if (n < 0 || sockd_address_format(
				     (struct sockaddr *)&from, size, text, sizeof text) < 0) {
			fprintf(stderr, "sniffer: receive: %s\n", strerror(errno));
			return 1;
		}
		/* Two hardware addresses, and the type. */
		if (n < 14 || sockd_unpack(packet, 14, "!12xH", &type) < 0)
			type = 0;
		printf("%zd bytes of type 0x%04x, %s\n", n, type, text);
		fflush(stdout);
	}
	sockd_close(fd);
	return 0;
}
