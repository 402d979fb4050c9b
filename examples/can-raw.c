/*
 * can-raw INTERFACE COUNT: receives so many CAN frames, prints each and sends it back with its
 * identifier one higher. A service that may not open CAN sockets itself gets this one from sockd,
 * if a rule allows it: policy.d/50-can.json.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/can.h>
#include <sockd.h>

/* struct can_frame: identifier, length, three bytes of padding, data. */
#define FRAME "=IB3x8s"

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	socklen_t size;
	long count;
	int fd;

	if (argc != 3 || (count = strtol(argv[2], NULL, 10)) <= 0) {
		fprintf(stderr, "usage: can-raw INTERFACE COUNT\n");
		return 2;
	}
	fd = sockd_socket(AF_CAN, SOCK_RAW | SOCK_CLOEXEC, CAN_RAW);
	if (fd < 0 || sockd_address_parse(AF_CAN, argv[1], &address, &size) < 0 ||
		sockd_bind(fd, (struct sockaddr *)&address, size) < 0) {
		fprintf(stderr, "can-raw: %s: %s %s\n", argv[1], strerror(errno), sockd_reason());
		return 1;
	}
	printf("listening on %s\n", argv[1]);
	fflush(stdout);
	while (count-- > 0) {
		unsigned char frame[CAN_MTU], answer[CAN_MTU], length;
		unsigned identifier;
		const void *data;
		size_t room;
		ssize_t n = sockd_recv(fd, frame, sizeof frame, 0);

		if (n < 0 || sockd_unpack(frame, (size_t)n, FRAME, &identifier, &length, &data,
				     &room) < 0) {
			fprintf(stderr, "can-raw: receive: %s %s\n", strerror(errno),
				sockd_reason());
			return 1;
		}
		printf("received %x, %u bytes:", identifier, length);
		for (size_t i = 0; i < length && i < room; i++)
			printf(" %02x", ((const unsigned char *)data)[i]);
		printf("\n");
		fflush(stdout);
		n = sockd_pack(answer, sizeof answer, FRAME, identifier + 1, length, data, room);
		if (n < 0 || sockd_send(fd, answer, (size_t)n, 0) < 0) {
			fprintf(stderr, "can-raw: send: %s\n", strerror(errno));
			return 1;
		}
	}
	sockd_close(fd);
	return 0;
}
