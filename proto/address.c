#include "proto/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proto/address-bluetooth.h"
#include "proto/address-can.h"
#include "proto/address-inet.h"
#include "proto/address-more.h"
#include "proto/address-text.h"
#include "proto/constants.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"

#define RAW_PREFIX "raw:"
#define UNNAMED "\"\""

/* The least that the kernel takes as an address of IPv6: without the scope (SIN6_LEN_RFC2133). */
#define INET6_SIZE_MIN offsetof(struct sockaddr_in6, sin6_scope_id)
#define UNIX_PATH_OFFSET offsetof(struct sockaddr_un, sun_path)
#define UNIX_PATH_MAX_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)
#define PACKET_HARDWARE_OFFSET offsetof(struct sockaddr_ll, sll_addr)
#define PACKET_HARDWARE_MAX 32u /* the kernel's MAX_ADDR_LEN */

static int parse_raw(
	int domain, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	struct sockaddr_storage address = {0};
	unsigned char *bytes = (unsigned char *)&address;
	size_t n = strlen(text);

	if (n % 2 != 0 || n / 2 < sizeof(sa_family_t) || n / 2 > sizeof(address))
		return -EINVAL;
	for (size_t i = 0; i < n / 2; i++)
		if (parse_hex_byte(text + 2 * i, &bytes[i]) < 0)
			return -EINVAL;
	if (address.ss_family != domain && !address_more_is_of(domain, address.ss_family))
		return -EINVAL;
	*ret = address;
	*ret_size = (socklen_t)(n / 2);
	return 0;
}

static int parse_unix(const char *text, struct sockaddr_un *address, socklen_t *ret_size)
{
	bool abstract = *text == '@';
	size_t n = 0;

	if (!*text || strcmp(text, UNNAMED) == 0) {
		*ret_size = UNIX_PATH_OFFSET;
		return 0;
	}
	if (abstract) {
		address->sun_path[n++] = '\0';
		text++;
	}
	while (*text) {
		unsigned char byte = (unsigned char)*text;

		if (n == UNIX_PATH_MAX_SIZE)
			return -EINVAL;
		if (byte == '\\') {
			if (text[1] != 'x' || parse_hex_byte(text + 2, &byte) < 0)
				return -EINVAL;
			text += 3;
		}
		if (byte == '\0' && !abstract)
			return -EINVAL;
		address->sun_path[n++] = (char)byte;
		text++;
	}
	/* A path has its terminating NUL where there is room for it, as everybody writes it. */
	if (!abstract && n < UNIX_PATH_MAX_SIZE)
		n++;
	*ret_size = (socklen_t)(UNIX_PATH_OFFSET + n);
	return 0;
}

static int parse_netlink(const char *text, struct sockaddr_nl *address)
{
	char pid[sizeof("0xffffffff")];
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (n >= sizeof(pid))
		return -EINVAL;
	memcpy(pid, text, n);
	pid[n] = '\0';
	if (parse_number(pid, UINT32_MAX, &address->nl_pid) < 0)
		return -EINVAL;
	return colon ? parse_number(colon + 1, UINT32_MAX, &address->nl_groups) : 0;
}

static int parse_hardware(const char *text, unsigned char *bytes, unsigned char *ret_size)
{
	unsigned n = 0;

	for (;;) {
		if (n == PACKET_HARDWARE_MAX || parse_hex_byte(text, &bytes[n]) < 0)
			return -EINVAL;
		n++;
		text += 2;
		if (!*text)
			break;
		if (*text++ != ':')
			return -EINVAL;
	}
	*ret_size = (unsigned char)n;
	return 0;
}

static int parse_packet(const char *text, struct sockaddr_storage *storage, socklen_t *ret_size)
{
	struct sockaddr_ll *address = (struct sockaddr_ll *)storage;
	char copy[ADDRESS_TEXT_MAX];
	char *protocol, *hardware = NULL;
	uint32_t index, number = 0;
	int r;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	protocol = strchr(copy, '/');
	if (protocol) {
		*protocol++ = '\0';
		hardware = strchr(protocol, '/');
	}
	if (hardware)
		*hardware++ = '\0';

	if (protocol) {
		int known;

		if (constant_protocol_from_name(AF_PACKET, protocol, &known) == 0)
			number = (uint32_t)known;
		else if (parse_number(protocol, UINT16_MAX, &number) < 0)
			return -EINVAL;
	}
	address->sll_halen = 0;
	if (hardware && parse_hardware(hardware, (unsigned char *)storage + PACKET_HARDWARE_OFFSET,
				&address->sll_halen) < 0)
		return -EINVAL;
	r = parse_interface(copy, &index);
	if (r < 0)
		return r;
	address->sll_ifindex = (int)index;
	address->sll_protocol = htons((uint16_t)number);
	*ret_size =
		(socklen_t)MAX_OF(sizeof(*address), PACKET_HARDWARE_OFFSET + address->sll_halen);
	return 0;
}

static int parse_vsock(const char *text, struct sockaddr_vm *address)
{
	static const struct {
		const char *name;
		uint32_t cid;
	} names[] = {
		{"any", VMADDR_CID_ANY},
		{"hypervisor", 0},
		{"local", 1},
		{"host", 2},
	};
	char cid[sizeof("hypervisor")];
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool found = false;

	if (!colon || n >= sizeof(cid))
		return -EINVAL;
	memcpy(cid, text, n);
	cid[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(cid, names[i].name) == 0) {
			address->svm_cid = names[i].cid;
			found = true;
		}
	}
	if (!found && parse_number(cid, UINT32_MAX, &address->svm_cid) < 0)
		return -EINVAL;
	if (strcmp(colon + 1, "any") == 0)
		address->svm_port = VMADDR_PORT_ANY;
	else if (parse_number(colon + 1, UINT32_MAX, &address->svm_port) < 0)
		return -EINVAL;
	return 0;
}

int address_parse(int domain, const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	struct sockaddr_storage address = {.ss_family = (sa_family_t)domain};
	socklen_t size = 0;
	int r;

	if (strncmp(text, RAW_PREFIX, strlen(RAW_PREFIX)) == 0)
		return parse_raw(domain, text + strlen(RAW_PREFIX), ret, ret_size);

	switch (domain) {
	case AF_INET:
		size = sizeof(struct sockaddr_in);
		r = address_inet_parse(text, (struct sockaddr_in *)&address);
		break;
	case AF_INET6:
		size = sizeof(struct sockaddr_in6);
		r = address_inet6_parse(text, (struct sockaddr_in6 *)&address);
		break;
	case AF_UNIX:
		r = parse_unix(text, (struct sockaddr_un *)&address, &size);
		break;
	case AF_NETLINK:
		size = sizeof(struct sockaddr_nl);
		r = parse_netlink(text, (struct sockaddr_nl *)&address);
		break;
	case AF_PACKET:
		r = parse_packet(text, &address, &size);
		break;
	case AF_VSOCK:
		size = sizeof(struct sockaddr_vm);
		r = parse_vsock(text, (struct sockaddr_vm *)&address);
		break;
	case AF_CAN:
		size = sizeof(struct sockaddr_can);
		r = address_can_parse(text, (struct sockaddr_can *)&address);
		break;
	case AF_BLUETOOTH:
		r = bluetooth_address_parse(text, &address, &size);
		break;
	default:
		r = address_more_parse(domain, text, &address, &size);
		break;
	}
	if (r < 0)
		return r;
	*ret = address;
	*ret_size = size;
	return 0;
}

static void format_unix(const struct sockaddr_un *address, size_t size, struct text *text)
{
	const char *path = address->sun_path;
	size_t n = size - UNIX_PATH_OFFSET;
	bool abstract = n > 0 && path[0] == '\0';

	if (n == 0) {
		text_add(text, UNNAMED);
		return;
	}
	if (abstract) {
		text_add(text, "@");
		path++;
		n--;
	} else {
		n = strnlen(path, n);
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)path[i];
		/* A path must not read as one of the other forms. */
		bool misleading =
			!abstract && i == 0 &&
			(c == '@' || (n >= strlen(RAW_PREFIX) &&
					     memcmp(path, RAW_PREFIX, strlen(RAW_PREFIX)) == 0));

		if (c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || misleading)
			text_add(text, "\\x%02x", c);
		else
			text_add(text, "%c", c);
	}
}

static void format_netlink(const struct sockaddr_nl *address, struct text *text)
{
	text_add(text, "%u:0x%x", address->nl_pid, address->nl_groups);
}

/* False: malformed. */
static bool format_packet(const struct sockaddr_storage *storage, size_t size, struct text *text)
{
	const struct sockaddr_ll *address = (const struct sockaddr_ll *)storage;
	const unsigned char *hardware = (const unsigned char *)storage + PACKET_HARDWARE_OFFSET;
	int protocol = ntohs(address->sll_protocol);
	const char *name = constant_protocol_name(AF_PACKET, protocol);

	if (address->sll_ifindex < 0 || address->sll_halen > PACKET_HARDWARE_MAX ||
		PACKET_HARDWARE_OFFSET + address->sll_halen > size)
		return false;
	text_add(text, "%d", address->sll_ifindex);
	if (protocol == 0 && address->sll_halen == 0)
		return true;
	if (name)
		text_add(text, "/%s", name);
	else
		text_add(text, "/0x%04x", (unsigned)protocol);
	for (unsigned i = 0; i < address->sll_halen; i++)
		text_add(text, "%c%02x", i == 0 ? '/' : ':', hardware[i]);
	return true;
}

/* False: it says more than the text could. */
static bool format_vsock(const struct sockaddr_vm *address, struct text *text)
{
	static const char zeros[sizeof(struct sockaddr)];
	size_t known = offsetof(struct sockaddr_vm, svm_cid) + sizeof(address->svm_cid);

	if (memcmp((const char *)address + known, zeros, sizeof(*address) - known) != 0)
		return false;
	if (address->svm_cid == VMADDR_CID_ANY)
		text_add(text, "any");
	else
		text_add(text, "%u", address->svm_cid);
	if (address->svm_port == VMADDR_PORT_ANY)
		text_add(text, ":any");
	else
		text_add(text, ":%u", address->svm_port);
	return true;
}

static bool format_can(const struct sockaddr_can *address, size_t size, struct text *text)
{
	char can[ADDRESS_CAN_TEXT_MAX];

	if (!address_can_format(address, size, can))
		return false;
	text_add(text, "%s", can);
	return true;
}

/* False: of no size that tells its protocol. */
static bool format_bluetooth(const struct sockaddr_storage *address, size_t size, struct text *text)
{
	char buffer[BLUETOOTH_ADDRESS_TEXT_MAX];

	if (!bluetooth_address_format(address, size, buffer))
		return false;
	text_add(text, "%s", buffer);
	return true;
}

static void format_raw(const struct sockaddr_storage *address, size_t size, struct text *text)
{
	const unsigned char *bytes = (const unsigned char *)address;

	text->size = 0;
	text_add(text, RAW_PREFIX);
	for (size_t i = 0; i < MIN_OF(size, sizeof(*address)); i++)
		text_add(text, "%02x", bytes[i]);
	if (size > sizeof(*address))
		text_add(text, "...");
}

void address_limits(int domain, size_t *ret_min, size_t *ret_max)
{
	size_t min = 0, max = sizeof(struct sockaddr_storage);

	switch (domain) {
	case AF_INET:
		min = sizeof(struct sockaddr_in);
		break;
	case AF_INET6:
		min = INET6_SIZE_MIN;
		break;
	case AF_UNIX:
		min = UNIX_PATH_OFFSET;
		max = sizeof(struct sockaddr_un);
		break;
	case AF_NETLINK:
		min = sizeof(struct sockaddr_nl);
		break;
	case AF_PACKET:
		min = sizeof(struct sockaddr_ll);
		break;
	case AF_VSOCK:
		min = sizeof(struct sockaddr_vm);
		break;
	case AF_CAN:
		min = offsetof(struct sockaddr_can, can_ifindex) + sizeof(int);
		break;
	case AF_BLUETOOTH:
		min = sizeof(sa_family_t);
		break;
	default:
		if (!address_more_limits(domain, &min, &max))
			max = 0;
		break;
	}
	*ret_min = min;
	*ret_max = max;
}

int address_format(const void *address, size_t size, char *buffer, size_t buffer_size)
{
	struct sockaddr_storage copy = {0};
	struct text text = {.size = 0};
	size_t min, max;
	bool known = true;

	if (address && size > 0)
		memcpy(&copy, address, MIN_OF(size, sizeof(copy)));
	else
		size = 0;

	/* A path that fills all of it the kernel returns with a NUL behind. */
	if (size == sizeof(struct sockaddr_un) + 1 && copy.ss_family == AF_UNIX &&
		((const char *)&copy)[UNIX_PATH_OFFSET] != '\0' &&
		((const char *)&copy)[sizeof(struct sockaddr_un)] == '\0')
		size = sizeof(struct sockaddr_un);
	address_limits(size < sizeof(sa_family_t) ? AF_UNSPEC : copy.ss_family, &min, &max);
	if (max == 0 || size < min || size > max) {
		known = false;
	} else {
		switch (copy.ss_family) {
		case AF_INET:
			address_inet_format((const struct sockaddr_in *)&copy, &text);
			break;
		case AF_INET6:
			/* The kernel reads no scope from an address that does not hold all of it.
			 */
			if (size < sizeof(struct sockaddr_in6))
				((struct sockaddr_in6 *)&copy)->sin6_scope_id = 0;
			address_inet6_format((const struct sockaddr_in6 *)&copy, &text);
			break;
		case AF_UNIX:
			format_unix((const struct sockaddr_un *)&copy, size, &text);
			break;
		case AF_NETLINK:
			format_netlink((const struct sockaddr_nl *)&copy, &text);
			break;
		case AF_PACKET:
			known = format_packet(&copy, size, &text);
			break;
		case AF_VSOCK:
			known = format_vsock((const struct sockaddr_vm *)&copy, &text);
			break;
		case AF_CAN:
			known = format_can((const struct sockaddr_can *)&copy, size, &text);
			break;
		case AF_BLUETOOTH:
			known = format_bluetooth(&copy, size, &text);
			break;
		default:
			known = address_more_format(&copy, size, &text);
			break;
		}
	}
	if (!known)
		format_raw(&copy, size, &text);

	if (text.size >= buffer_size)
		return -ENOSPC;
	memcpy(buffer, text.bytes, text.size + 1);
	return 0;
}
