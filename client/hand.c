#include "client/hand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/can.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/output.h"
#include "proto/address.h"
#include "proto/constants.h"
#include "proto/macro.h"

#define FIRST_FD 3

/* Puts the sockets at FIRST_FD and up, not close-on-exec. Out of the way first: they may be there
 * in another order. */
static int place(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FD + (int)n);
		if (fd < 0)
			return negative_errno();
		close_quietly(fds[i]);
		fds[i] = fd;
	}
	for (size_t i = 0; i < n; i++) {
		if (dup2(fds[i], FIRST_FD + (int)i) < 0)
			return negative_errno();
		close_quietly(fds[i]);
		fds[i] = FIRST_FD + (int)i;
	}
	return 0;
}

/* As sd_listen_fds(3) wants it. */
static int set_environment(size_t n)
{
	static const char name[] = "sockd";
	char number[24], names[WIRE_COUNT_MAX * sizeof name];
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		memcpy(names + used, name, sizeof name - 1);
		used += sizeof name - 1;
		names[used++] = i + 1 < n ? ':' : '\0';
	}
	snprintf(number, sizeof number, "%zu", n);
	if (setenv("LISTEN_FDS", number, 1) < 0 || setenv("LISTEN_FDNAMES", names, 1) < 0)
		return negative_errno();
	snprintf(number, sizeof number, "%d", getpid());
	return setenv("LISTEN_PID", number, 1) < 0 ? negative_errno() : 0;
}

static int run_command(char **command, int *fds, size_t n)
{
	int r = place(fds, n);

	if (r == 0)
		r = set_environment(n);
	if (r < 0) {
		output_error("the sockets cannot be handed over: %s", strerror(-r));
		return EXIT_REFUSED;
	}
	execvp(command[0], command);
	output_error("%s cannot be run: %s", command[0], strerror(errno));
	return EXIT_REFUSED;
}

static int socket_number(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* What the kernel adds to an address and nobody asked for is left out. */
static void tidy(int type, struct sockaddr_storage *address, socklen_t *size)
{
	struct sockaddr_ll *packet = (struct sockaddr_ll *)address;

	switch (address->ss_family) {
	case AF_PACKET:
		packet->sll_hatype = 0;
		packet->sll_pkttype = 0;
		packet->sll_halen = 0;
		memset(packet->sll_addr, 0, sizeof packet->sll_addr);
		*size = sizeof *packet;
		break;
	case AF_CAN: /* the kernel's are as long as the protocol needs; the rest is zeros */
		*size = sizeof(struct sockaddr_can);
		break;
	case AF_INET: /* a raw socket has its protocol where others have a port */
		if (type == SOCK_RAW)
			((struct sockaddr_in *)address)->sin_port = 0;
		break;
	case AF_INET6:
		if (type == SOCK_RAW)
			((struct sockaddr_in6 *)address)->sin6_port = 0;
		break;
	}
}

/* The socket itself knows the names of its own network namespace, which need not be ours. */
static void format_interface(int fd, const struct sockaddr_ll *address, char *buffer, size_t size)
{
	struct ifreq request = {.ifr_ifindex = address->sll_ifindex};
	char number[16];
	const char *protocol = constant_protocol_name(AF_PACKET, ntohs(address->sll_protocol));

	if (address->sll_ifindex == 0 || ioctl(fd, SIOCGIFNAME, &request) < 0)
		return;
	snprintf(number, sizeof number, "0x%04x", ntohs(address->sll_protocol));
	snprintf(buffer, size, "%s/%s", request.ifr_name, protocol ? protocol : number);
}

/* The same for a CAN address, which begins with the interface's number. */
static void name_interface(int fd, const struct sockaddr_can *address, char *buffer, size_t size)
{
	struct ifreq request = {.ifr_ifindex = address->can_ifindex};
	char rest[ADDRESS_TEXT_MAX - IFNAMSIZ];

	if (address->can_ifindex == 0) /* none, or all */
		buffer[0] = '\0';
	if (address->can_ifindex <= 0 || ioctl(fd, SIOCGIFNAME, &request) < 0)
		return;
	snprintf(rest, sizeof rest, "%s", buffer + strspn(buffer, "0123456789"));
	snprintf(buffer, size, "%s%s", request.ifr_name, rest);
}

static void format_address(int fd, int type, bool remote, char *buffer, size_t size)
{
	struct sockaddr_storage address = {0};
	socklen_t n = sizeof address;
	int r = remote ? getpeername(fd, (struct sockaddr *)&address, &n)
		       : getsockname(fd, (struct sockaddr *)&address, &n);

	buffer[0] = '\0';
	if (r < 0)
		return;
	n = MIN_OF(n, (socklen_t)sizeof address);
	tidy(type, &address, &n);
	if (address_format(&address, n, buffer, size) < 0)
		buffer[0] = '\0';
	if (address.ss_family == AF_PACKET)
		format_interface(fd, (const struct sockaddr_ll *)&address, buffer, size);
	else if (address.ss_family == AF_CAN)
		name_interface(fd, (const struct sockaddr_can *)&address, buffer, size);
}

/* In host order. A packet socket has its protocol in its address only. */
static int protocol_of(int fd, int domain)
{
	struct sockaddr_ll address = {0};
	socklen_t size = sizeof address;

	if (domain != AF_PACKET)
		return socket_number(fd, SO_PROTOCOL);
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -1;
	return ntohs(address.sll_protocol);
}

static const char *name_or_number(const char *name, int number, char *buffer, size_t size)
{
	if (name)
		return name;
	snprintf(buffer, size, "%d", number);
	return buffer;
}

static json_t *describe(int fd, uint64_t grant)
{
	char local[ADDRESS_TEXT_MAX], remote[ADDRESS_TEXT_MAX], numbers[3][16];
	int domain = socket_number(fd, SO_DOMAIN), type = socket_number(fd, SO_TYPE);
	int protocol = protocol_of(fd, domain);

	format_address(fd, type, false, local, sizeof local);
	format_address(fd, type, true, remote, sizeof remote);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "family",
		name_or_number(constant_family_name(domain), domain, numbers[0], sizeof numbers[0]),
		"type",
		name_or_number(constant_type_name(type), type, numbers[1], sizeof numbers[1]),
		"protocol",
		name_or_number(constant_protocol_name(domain, protocol), protocol, numbers[2],
			sizeof numbers[2]),
		"address", local, "peer", remote, "grant", (json_int_t)grant);
}

static void print_one(const json_t *socket, const char *name, const char *label)
{
	const char *text = json_string_value(json_object_get(socket, name));

	if (!text || !*text)
		return;
	fputs(label, stdout);
	output_safe(stdout, text, false);
}

static void print_socket(const json_t *socket, const char *origin)
{
	json_int_t grant = json_integer_value(json_object_get(socket, "grant"));

	print_one(socket, "family", "");
	print_one(socket, "type", " ");
	print_one(socket, "protocol", " ");
	print_one(socket, "address", ", bound to ");
	print_one(socket, "peer", ", connected to ");
	if (origin)
		printf(", %s\n", origin);
	else if (grant != 0)
		printf(", grant %" JSON_INTEGER_FORMAT "\n", grant);
	else
		puts(", from the kernel without the broker");
}

static int print_sockets(
	enum output_json mode, const int *fds, size_t n, uint64_t grant, const char *origin)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, describe(fds[i], grant));
	if (mode != OUTPUT_JSON_OFF)
		r = output_json(list, mode);
	else
		for (size_t i = 0; i < n; i++)
			print_socket(json_array_get(list, i), origin);
	json_decref(list);
	return r < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
}

int hand_sockets_take(
	const struct arguments *arguments, int *fds, size_t n, uint64_t grant, const char *origin)
{
	if (arguments->command)
		return run_command(arguments->command, fds, n);
	int status = print_sockets(arguments->json, fds, n, grant, origin);
	for (size_t i = 0; i < n; i++)
		close_quietly(fds[i]);
	return status;
}
