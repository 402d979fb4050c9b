#include "client/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "client/plan-message.h"
#include "proto/address-text.h"
#include "proto/address.h"
#include "proto/constants.h"
#include "proto/macro.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

static int parse_int(const char *text, int *ret)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 0);
	/* Marks and flags are given as unsigned numbers too. */
	if (errno != 0 || end == text || *end || value < INT_MIN || value > UINT_MAX)
		return -EINVAL;
	*ret = (int)value;
	return 0;
}

static int parse_hex(const char *text, unsigned char *ret, size_t max)
{
	size_t length = strlen(text);

	if (length % 2 != 0 || length / 2 > max || strspn(text, "0123456789abcdefABCDEF") != length)
		return -EINVAL;
	for (size_t i = 0; i < length / 2; i++) {
		const char digits[] = {text[2 * i], text[2 * i + 1], '\0'};
		ret[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return (int)(length / 2);
}

/* How an address of the family is written. */
static const char *address_example(int domain)
{
	switch (domain) {
	case AF_INET:
		return "127.0.0.1:80, *:80 (any address) or 10.0.0.1 (any port), without host "
		       "names";
	case AF_INET6:
		return "[::1]:80, [*]:80 (any address) or [fe80::1%eth0]:80, without host names";
	case AF_UNIX:
		return "/a/path or @abstract";
	case AF_NETLINK:
		return "PID:GROUPS, such as 0:1";
	case AF_PACKET:
		return "eth0 or eth0/arp";
	case AF_VSOCK:
		return "CID:PORT, such as any:1024";
	case AF_RDS:
	case AF_SMC:
		return "127.0.0.1:4000 or [::1]:4000, without host names";
	case AF_TIPC:
		return "service:TYPE:INSTANCE or range:TYPE:LOWER-UPPER";
	case AF_ALG:
		return "TYPE/NAME, such as hash/sha256";
	case AF_QIPCRTR:
		return "NODE:PORT, such as 1:16384";
	case AF_XDP:
		return "eth0/0, which is INTERFACE/QUEUE";
	case AF_CAN:
		return "vcan0 (raw, BCM), vcan0/rx=0x123/tx=0x18da10f1 (ISO-TP) or "
		       "vcan0/name=N/pgn=N/addr=N (J1939)";
	case AF_BLUETOOTH:
		return "hci:hci0/raw, l2cap:any/psm=0x1001, rfcomm:any/1 or sco:any";
	default:
		return "raw: and the bytes of the whole address in hexadecimal";
	}
}

/*
 * Cuts the interface's name off an address that is for a socket of another network namespace, where
 * our own numbers mean nothing; it then travels beside the address. NULL: there is none to be cut.
 */
static char *cut_interface(const struct plan *plan, const char *text, char *ret_name)
{
	size_t size = strcspn(text, "/");
	char *rest = NULL;
	uint32_t number;

	if (!address_has_interface(plan->domain) || size == 0 || size > WIRE_INTERFACE_MAX ||
		strncmp(text, "raw:", 4) == 0)
		return NULL;
	if (plan->domain != AF_CAN && !plan->elsewhere)
		return NULL;
	memcpy(ret_name, text, size);
	ret_name[size] = '\0';
	if (parse_number(ret_name, INT_MAX, &number) == 0 ||
		asprintf(&rest, "0%s", text + size) < 0)
		return NULL;
	return rest;
}

static int plan_address(struct plan *plan, size_t i, const char *text)
{
	socklen_t size;
	char *name = plan->memory[i].interface;
	_cleanup_free_ char *rest = cut_interface(plan, text, name);
	int r = address_parse(plan->domain, rest ? rest : text, &plan->memory[i].address, &size);

	if (r == -ENODEV)
		output_error(
			"\"%s\": there is no such interface here; ip link shows their names", text);
	else if (r < 0)
		output_error("\"%s\" is not an address of this family; write %s (see sockctl(1))",
			text, address_example(plan->domain));
	if (r < 0)
		return r;
	plan->steps[i].address = &plan->memory[i].address;
	plan->steps[i].address_size = size;
	if (rest) {
		plan->steps[i].data = name;
		plan->steps[i].data_size = strlen(name);
	}
	return 0;
}

static int plan_value(struct plan *plan, size_t i, const struct option_info *info, const char *text)
{
	unsigned char *value = plan->memory[i].value;
	int number, n = -EINVAL;

	switch (info->value) {
	case OPTION_INT:
		if (parse_int(text, &number) == 0) {
			memcpy(value, &number, sizeof number);
			n = sizeof number;
		}
		break;
	case OPTION_INTERFACE:
		if (strlen(text) < sizeof plan->memory[i].value) {
			memcpy(value, text, strlen(text) + 1);
			n = (int)strlen(text) + 1;
		}
		break;
	case OPTION_BYTES:
		n = parse_hex(text, value, sizeof plan->memory[i].value);
		break;
	}
	if (n < 0) {
		output_error("%s=%s: the value must be %s", info->name, text,
			info->value == OPTION_INT	  ? "a number"
			: info->value == OPTION_INTERFACE ? "an interface's name"
							  : "bytes in hexadecimal");
		return n;
	}
	plan->steps[i].a = info->level;
	plan->steps[i].b = info->option;
	plan->steps[i].data = value;
	plan->steps[i].data_size = (size_t)n;
	return 0;
}

static int plan_option(struct plan *plan, size_t i, const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals) {
		output_error("--option=%s: NAME=VALUE is wanted, such as SO_MARK=7", text);
		return -EINVAL;
	}
	_cleanup_free_ char *name = strndup(text, (size_t)(equals - text));
	if (!name)
		return -ENOMEM;
	const struct option_info *info = option_by_name(name);
	if (!info) {
		output_error("%s is not a socket option that can be asked for; give its name as in "
			     "the C headers, such as SO_MARK",
			name);
		return -ENOENT;
	}
	return plan_value(plan, i, info, equals + 1);
}

static int plan_step(struct plan *plan, size_t i, enum wire_step_kind kind, const char *text)
{
	plan->steps[i] = (struct wire_step){.kind = kind};
	switch (kind) {
	case WIRE_STEP_BIND:
	case WIRE_STEP_CONNECT:
		return plan_address(plan, i, text);
	case WIRE_STEP_OPTION:
		return plan_option(plan, i, text);
	case WIRE_STEP_LISTEN:
		plan->steps[i].a = SOMAXCONN;
		if (text && parse_int(text, &plan->steps[i].a) < 0) {
			output_error("--listen=%s: the backlog must be a number", text);
			return -EINVAL;
		}
		return 0;
	case WIRE_STEP_SEND:
		return plan_message(plan, i, text);
	case WIRE_STEP_FILTER:
		break;
	}
	return -EINVAL;
}

int plan_make(const struct arguments *arguments, struct plan *ret)
{
	const char *const *words = arguments->words;

	memset(ret, 0, sizeof *ret);
	if (constant_family_from_name(words[0], &ret->domain) < 0 &&
		parse_int(words[0], &ret->domain) < 0) {
		output_error("\"%s\" is not a socket family; give one such as inet, packet or "
			     "netlink, or a number",
			words[0]);
		return -ENOENT;
	}
	if (constant_type_from_name(words[1], &ret->type) < 0 &&
		parse_int(words[1], &ret->type) < 0) {
		output_error("\"%s\" is not a socket type; give one such as stream, dgram or raw, "
			     "or a number",
			words[1]);
		return -ENOENT;
	}
	if (arguments->n_words > 2 &&
		constant_protocol_from_name(ret->domain, words[2], &ret->protocol) < 0 &&
		parse_int(words[2], &ret->protocol) < 0) {
		output_error("\"%s\" is not a protocol of the family %s; give one of its names in "
			     "lower case, or a number",
			words[2], words[0]);
		return -ENOENT;
	}
	/* EtherTypes are named in host order and given to socket(2) in network order. */
	if (ret->domain == AF_PACKET)
		ret->protocol = htons((uint16_t)ret->protocol);
	ret->elsewhere = arguments->netns || arguments->foreign;
	for (size_t i = 0; i < arguments->n_steps; i++) {
		int r = plan_step(ret, i, arguments->steps[i].kind, arguments->steps[i].text);
		if (r < 0)
			return r;
	}
	ret->n_steps = arguments->n_steps;
	return 0;
}
