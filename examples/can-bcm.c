/*
 * can-bcm INTERFACE IDENTIFIER MILLISECONDS COUNT: has the kernel's broadcast manager send a frame
 * so many times, so far apart, and waits until it has told that the last is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/can.h>
#include <linux/can/bcm.h>
#include <sockd.h>

/* struct bcm_msg_head as the kernel has it, and one frame behind it. The times are two longs each;
 * "0q" aligns as the frame is aligned. */
#define HEAD "@IIIllllII0q"
#define FRAME "IB3x8s"

/* Opened and connected in one request: a rule that names interfaces gives nothing less. */
static int open_manager(const char *interface)
{
	struct sockaddr_storage address;
	struct sockd_request *request;
	socklen_t size;
	int fd;

	if (sockd_address_parse(AF_CAN, interface, &address, &size) < 0)
		return -1;
	request = sockd_request_new(AF_CAN, SOCK_DGRAM, CAN_BCM);
	if (!request)
		return -1;
	sockd_request_connect(request, (struct sockaddr *)&address, size);
	fd = sockd_request_open(request);
	sockd_request_free(request);
	return fd;
}

int main(int argc, char **argv)
{
	static const char data[] = "sockd";
	unsigned char message[128];
	unsigned identifier, count, opcode;
	long microseconds;
	ssize_t n;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: can-bcm INTERFACE IDENTIFIER MILLISECONDS COUNT\n");
		return 2;
	}
	identifier = (unsigned)strtoul(argv[2], NULL, 16);
	microseconds = strtol(argv[3], NULL, 10) * 1000;
	count = (unsigned)strtoul(argv[4], NULL, 10);

	fd = open_manager(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "can-bcm: %s: %s %s\n", argv[1], strerror(errno), sockd_reason());
		return 1;
	}
	n = sockd_pack(message, sizeof message, HEAD FRAME, TX_SETUP,
		SETTIMER | STARTTIMER | TX_COUNTEVT, count, microseconds / 1000000,
		microseconds % 1000000, 0L, 0L, identifier, 1u, identifier, (int)strlen(data), data,
		strlen(data));
	if (n < 0 || sockd_send(fd, message, (size_t)n, 0) < 0) {
		fprintf(stderr, "can-bcm: send: %s %s\n", strerror(errno), sockd_reason());
		return 1;
	}
	/* What comes back begins with the same head; here only its first field matters. */
	sockd_settimeout(fd, 30000000);
	n = sockd_recv(fd, message, sizeof message, 0);
	if (n < 0 || sockd_unpack(message, (size_t)n < 4 ? (size_t)n : 4, "I", &opcode) < 0 ||
		opcode != TX_EXPIRED) {
		fprintf(stderr, "can-bcm: receive: %s %s\n", strerror(errno), sockd_reason());
		return 1;
	}
	printf("sent %x %u times\n", identifier, count);
	sockd_close(fd);
	return 0;
}
