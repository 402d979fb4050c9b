#include <netinet/in.h>
#include <netinet/tcp.h>

#include "pair.h"

#define HEADER "!HBxI"

int main(int argc, char **argv)
{
	static char large[70000], answer[70000], header[8];
	const struct {
		int kind;
		const char *payload;
		size_t size;
	} frames[] = {{1, "hello", 5}, {2, "", 0}, {65535, large, sizeof large}};
	int on = 1;
	socklen_t on_size = sizeof on;

	memset(large, 'x', sizeof large);
	int s = (int)must(sockd_create_connection(
		"127.0.0.1", argc > 1 ? argv[1] : "", SOCKD_FOREVER, "127.0.0.1", "0"));
	must(sockd_setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
	must(getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, &on_size));
	printf("no delay %d\n", on != 0);
	for (int i = 0; i < 3; i++) {
		unsigned short kind;
		unsigned char flags;
		unsigned size;
		size_t same = 0;
		must(sockd_pack(header, sizeof header, HEADER, frames[i].kind, 7,
			(unsigned)frames[i].size));
		must(sockd_sendall(s, header, sizeof header, MSG_MORE, NULL));
		must(sockd_sendall(s, frames[i].payload, frames[i].size, 0, NULL));
		long n = must(sockd_recv(s, header, sizeof header, MSG_WAITALL));
		must(sockd_unpack(header, (size_t)n, HEADER, &kind, &flags, &size));
		must(size <= sizeof answer ? 0 : -1);
		n = size > 0 ? must(sockd_recv(s, answer, size, MSG_WAITALL)) : 0;
		for (size_t j = 0; j < (size_t)n && j < frames[i].size; j++)
			same += answer[j] == frames[i].payload[j];
		printf("kind %d flags %d, %ld bytes, %zu of them the same\n", kind, flags, n, same);
	}
	must(shutdown(s, SHUT_WR));
	printf("end %ld\n", must(sockd_recv(s, answer, 100, 0)));
	must(sockd_close(s));
	return 0;
}
