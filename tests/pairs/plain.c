#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pair.h"

static void print_hex(const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf("%02x", ((const unsigned char *)data)[i]);
}

static int option(int fd, int name)
{
	int value;
	socklen_t size = sizeof value;

	must(getsockopt(fd, SOL_SOCKET, name, &value, &size));
	return value;
}

static const char *truth(long value)
{
	return value ? "True" : "False";
}

int main(void)
{
	struct in_addr address = {.s_addr = htonl(0xc0000207)};
	struct in6_addr address6;
	struct sockaddr_storage names[2];
	socklen_t sizes[2] = {sizeof names[0], sizeof names[1]};
	char text[INET6_ADDRSTRLEN], name[256];
	int pair[2], on = 1;

	printf("%u %u %u %u\n", htons(0x1234), ntohs(0x1234), htonl(0x12345678), ntohl(0x12345678));
	must(inet_aton("192.0.2.7", &address) ? 0 : -1);
	print_hex(&address, sizeof address);
	printf(" %s\n", inet_ntoa(address));
	must(inet_pton(AF_INET6, "2001:db8::7", &address6) == 1 ? 0 : -1);
	print_hex(&address6, sizeof address6);
	printf(" %s\n", inet_ntop(AF_INET6, &in6addr_loopback, text, sizeof text));
	must(gethostname(name, sizeof name));
	printf("%s\n", name);
	memset(name, 'x', 65);
	if (sethostname(name, 65) < 0)
		printf("%s\n", strerrorname_np(errno));
	struct if_nameindex *interfaces = if_nameindex();
	for (int i = 0; interfaces[i].if_index != 0; i++)
		printf("%u %s %u %s\n", interfaces[i].if_index, interfaces[i].if_name,
			if_nametoindex(interfaces[i].if_name),
			if_indextoname(interfaces[i].if_index, name));
	if_freenameindex(interfaces);
	printf("%zu %zu\n", CMSG_LEN(5), CMSG_SPACE(5));
	int s = (int)must(sockd_socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
	printf("%d %d %d\n", option(s, SO_DOMAIN), option(s, SO_TYPE), option(s, SO_PROTOCOL));
	int copy = (int)must(sockd_fromfd(s));
	printf("%s %s\n", truth(copy != s), truth(must(sockd_get_inheritable(copy))));
	must(sockd_set_inheritable(copy, 1));
	printf("%s\n", truth(must(sockd_get_inheritable(copy))));
	int fd = sockd_detach(&s);
	printf("%d %s\n", s, truth(fd >= 0));
	must(sockd_close(fd));
	must(sockd_address_parse(AF_INET6, "[::1]:0", &names[0], &sizes[0]));
	must(sockd_bind(copy, (struct sockaddr *)&names[0], sizes[0]));
	int other = (int)must(sockd_fromfd(copy));
	sizes[0] = sizeof names[0];
	must(getsockname(other, (struct sockaddr *)&names[0], &sizes[0]));
	must(getsockname(copy, (struct sockaddr *)&names[1], &sizes[1]));
	printf("%s\n", truth(sizes[0] == sizes[1] && memcmp(&names[0], &names[1], sizes[0]) == 0));
	must(sockd_close(copy));
	must(sockd_close(other));
	must(sockd_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must(sockd_setsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
	printf("%d\n", option(pair[0], SO_KEEPALIVE));
	must(sockd_send(pair[0], "1234", 4, 0));
	must(ioctl(pair[1], FIONREAD, &on));
	printf("%d\n", on);
	printf("%ld\n", must(sockd_recv(pair[1], name, 100, 0)));
	must(shutdown(pair[0], SHUT_WR));
	printf("%ld\n", must(sockd_recv(pair[1], name, 1, 0)));
	must(sockd_close(pair[0]));
	must(sockd_close(pair[1]));
	return 0;
}
