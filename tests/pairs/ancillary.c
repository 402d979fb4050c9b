#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include "pair.h"

int main(void)
{
	struct sockaddr_storage address;
	socklen_t size;
	char data[5], text[INET_ADDRSTRLEN], name[IF_NAMESIZE];
	int on = 1, hops = 7;

	int s = (int)must(sockd_socket(AF_INET, SOCK_DGRAM, 0));
	must(sockd_address_parse(AF_INET, "127.0.0.1:0", &address, &size));
	must(sockd_bind(s, (struct sockaddr *)&address, size));
	must(sockd_setsockopt(s, IPPROTO_IP, IP_RECVTTL, &on, sizeof on));
	must(sockd_setsockopt(s, IPPROTO_IP, IP_PKTINFO, &on, sizeof on));
	print_port(s);
	for (int i = 0; i < 2; i++) {
		struct iovec part = {data, sizeof data};
		struct msghdr message = {.msg_name = &address,
			.msg_namelen = sizeof address,
			.msg_iov = &part,
			.msg_iovlen = 1};
		struct sockd_control *control = sockd_control_new();
		long n = must(sockd_recvmsg_control(s, &message, control, 0));
		printf("%.*s, cut off %d\n", (int)n, data, message.msg_flags & MSG_TRUNC ? 1 : 0);
		for (size_t j = 0; j < sockd_control_count(control); j++) {
			const void *value, *destination;
			size_t value_size, destination_size;
			unsigned interface;
			int level, kind, ttl;
			must(sockd_control_get(control, j, &level, &kind, &value, &value_size));
			if (level == IPPROTO_IP && kind == IP_TTL) {
				must(sockd_unpack(value, value_size, "i", &ttl));
				printf("ttl %d\n", ttl);
			} else if (level == IPPROTO_IP && kind == IP_PKTINFO) {
				must(sockd_unpack(value, value_size, "=I4s4s", &interface, NULL,
					NULL, &destination, &destination_size));
				printf("on %s for %s\n", if_indextoname(interface, name),
					inet_ntop(AF_INET, destination, text, sizeof text));
			}
		}
		sockd_control_free(control);
		control = sockd_control_new();
		must(sockd_control_add(control, IPPROTO_IP, IP_TTL, &hops, sizeof hops));
		struct iovec parts[] = {{"got ", 4}, {data, (size_t)n}};
		message.msg_iov = parts;
		message.msg_iovlen = 2;
		must(sockd_control_attach(control, &message));
		printf("sent %ld\n", must(sockd_sendmsg(s, &message, 0)));
		fflush(stdout);
		sockd_control_free(control);
	}
	must(sockd_close(s));
	return 0;
}
