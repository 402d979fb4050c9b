#include "proto/address-inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define FLOW_PREFIX "/flow="

static int parse_port(const char *text, in_port_t *ret)
{
	uint32_t port;

	if (parse_number(text, UINT16_MAX, &port) < 0)
		return -EINVAL;
	*ret = htons((uint16_t)port);
	return 0;
}

int address_inet_parse(const char *text, struct sockaddr_in *address)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (strcmp(host, "*") != 0 && inet_pton(AF_INET, host, &address->sin_addr) != 1)
		return -EINVAL;
	return colon ? parse_port(colon + 1, &address->sin_port) : 0;
}

static int parse_inet6_host(char *host, struct sockaddr_in6 *address)
{
	char *percent = strchr(host, '%');

	if (strcmp(host, "*") == 0)
		return 0;
	if (percent)
		*percent = '\0';
	if (inet_pton(AF_INET6, host, &address->sin6_addr) != 1)
		return -EINVAL;
	/* A scope is a whole 32 bits to the kernel, though interfaces' numbers are fewer. */
	if (percent && parse_number(percent + 1, UINT32_MAX, &address->sin6_scope_id) == 0)
		return 0;
	return percent ? parse_interface(percent + 1, &address->sin6_scope_id) : 0;
}

int address_inet6_parse(const char *text, struct sockaddr_in6 *address)
{
	char copy[ADDRESS_TEXT_MAX];
	char *host = copy;
	char *flow;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);

	flow = strstr(copy, FLOW_PREFIX);
	if (flow) {
		uint32_t number;

		*flow = '\0';
		if (parse_number(flow + strlen(FLOW_PREFIX), UINT32_MAX, &number) < 0)
			return -EINVAL;
		address->sin6_flowinfo = htonl(number);
	}
	if (*copy == '[') {
		char *end = strchr(copy, ']');

		if (!end)
			return -EINVAL;
		if (end[1] == ':') {
			if (parse_port(end + 2, &address->sin6_port) < 0)
				return -EINVAL;
		} else if (end[1] != '\0') {
			return -EINVAL;
		}
		*end = '\0';
		host = copy + 1;
	}
	return parse_inet6_host(host, address);
}

static void format_port(struct text *text, in_port_t port)
{
	if (port != 0)
		text_add(text, ":%u", ntohs(port));
}

void address_inet_format(const struct sockaddr_in *address, struct text *text)
{
	char host[INET_ADDRSTRLEN] = "*";

	if (address->sin_addr.s_addr != htonl(INADDR_ANY))
		inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
	text_add(text, "%s", host);
	format_port(text, address->sin_port);
}

void address_inet6_format(const struct sockaddr_in6 *address, struct text *text)
{
	char host[INET6_ADDRSTRLEN] = "*";
	bool any = IN6_IS_ADDR_UNSPECIFIED(&address->sin6_addr) && address->sin6_scope_id == 0;
	bool brackets = any || address->sin6_port != 0 || address->sin6_flowinfo != 0;

	if (!any)
		inet_ntop(AF_INET6, &address->sin6_addr, host, sizeof(host));
	text_add(text, "%s%s", brackets ? "[" : "", host);
	if (address->sin6_scope_id != 0)
		text_add(text, "%%%u", address->sin6_scope_id);
	text_add(text, "%s", brackets ? "]" : "");
	format_port(text, address->sin6_port);
	if (address->sin6_flowinfo != 0)
		text_add(text, FLOW_PREFIX "%u", ntohl(address->sin6_flowinfo));
}
