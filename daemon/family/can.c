/*
 * CAN sockets: raw, BCM, ISO-TP and J1939.
 *
 * The kernel asks nobody for a right to them, so that all depends on what holds after the
 * hand-over, measured:
 * - raw: the holder may bind it again, widen CAN_RAW_FILTER and send to every interface of its
 *   namespace. What it receives is kept by a locked socket filter, what it sends only by a mark
 *   that it cannot change and a rule of nftables that drops by it.
 * - BCM after connect(2), ISO-TP and J1939 after bind(2) stay with their interface, ISO-TP also
 *   with its two identifiers, as long as the interface exists: with its end the kernel unbinds
 *   them. A locked filter then still keeps ISO-TP and J1939 from receiving from another one. None
 *   of the three gives its frames the socket's mark.
 */
#include <errno.h>
#include <linux/can.h>
#include <linux/can/isotp.h>
#include <linux/filter.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/family/can-filter.h"
#include "daemon/family/family.h"
#include "proto/address-can.h"
#include "proto/address.h"

/* What the kernel holds of one protocol's sockets. */
static const struct traits {
	int protocol;
	const char *name;
	bool marks;	      /* its frames carry the mark */
	bool keeps_interface; /* after the one step that the request must have */
	enum wire_step_kind step;
	bool keeps_identifiers;
	bool tells_interface; /* what it receives does, to a socket filter */
} all_traits[] = {
	{CAN_RAW, "raw", .marks = true, .step = WIRE_STEP_BIND, .tells_interface = true},
	{CAN_BCM, "BCM", .keeps_interface = true, .step = WIRE_STEP_CONNECT},
	{CAN_ISOTP, "ISO-TP", .keeps_interface = true, .step = WIRE_STEP_BIND,
		.keeps_identifiers = true, .tells_interface = true},
	{CAN_J1939, "J1939", .keeps_interface = true, .step = WIRE_STEP_BIND,
		.tells_interface = true},
};

static const struct traits *find_traits(int protocol)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_traits); i++)
		if (all_traits[i].protocol == protocol)
			return &all_traits[i];
	return NULL;
}

static bool has_limits(const struct rule *rule)
{
	return rule->has_interfaces || rule->identifiers || rule->direction != RULE_DIRECTION_BOTH;
}

static const char *limit_key(const struct rule *rule)
{
	if (rule->direction == RULE_DIRECTION_RECEIVE)
		return "direction";
	return rule->identifiers ? "identifiers" : "interfaces";
}

/* Each protocol that the rule gives must hold all that the rule says. */
static int check_protocol(const struct rule *rule, const struct traits *traits, char *what,
	size_t what_size, const char **ret_key)
{
	bool limits_sending = rule->has_interfaces || rule->identifiers ||
			      rule->direction == RULE_DIRECTION_RECEIVE;

	if (traits->marks) {
		if (limits_sending && !rule->has_mark)
			return family_bad_rule(what, what_size, ret_key, limit_key(rule),
				"the holder of a raw CAN socket may send every identifier on every "
				"interface; add \"mark\" and drop what carries it with nftables "
				"(see sockd.policy(5)), or confine by a network namespace "
				"(\"netns\"), or name another \"protocol\"");
		return 0;
	}
	if (rule->direction == RULE_DIRECTION_RECEIVE)
		return family_bad_rule(what, what_size, ret_key, "direction",
			"nothing keeps the holder of a %s socket from sending; name \"protocol\": "
			"\"raw\", or take \"direction\" out",
			traits->name);
	if (rule->identifiers && !traits->keeps_identifiers)
		return family_bad_rule(what, what_size, ret_key, "identifiers",
			"the holder of a %s socket may send other identifiers; name \"protocol\": "
			"\"isotp\" or \"raw\", or take \"identifiers\" out",
			traits->name);
	return 0;
}

static int check_interfaces(
	const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (rule->has_interfaces && rule->interfaces.n > CAN_FILTER_INTERFACES_MAX)
		return family_bad_rule(what, what_size, ret_key, "interfaces",
			"a rule for CAN names at most %u interfaces; use a trailing *, or split "
			"the rule",
			CAN_FILTER_INTERFACES_MAX);
	return 0;
}

static int check_mark(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	if (!rule->has_mark || rule->n_protocols == 0 ||
		family_rule_has(rule->protocols, rule->n_protocols, CAN_RAW))
		return 0;
	return family_bad_rule(what, what_size, ret_key, "mark",
		"of CAN sockets only raw ones give their frames the mark; take \"mark\" out, or "
		"name \"protocol\": \"raw\"");
}

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	int r = family_check_keys(rule,
		RULE_KEY_INTERFACES | RULE_KEY_IDENTIFIERS | RULE_KEY_DIRECTION, "can", what,
		what_size, ret_key);
	if (r == 0)
		r = check_interfaces(rule, what, what_size, ret_key);
	if (r == 0)
		r = check_mark(rule, what, what_size, ret_key);
	if (r < 0 || rule->deny || !has_limits(rule))
		return r;
	for (size_t i = 0; i < rule->n_protocols; i++)
		if (!find_traits(rule->protocols[i]))
			return family_bad_rule(what, what_size, ret_key, "protocol",
				"nothing is known of what a socket of CAN protocol %d keeps to; "
				"give it a rule without \"interfaces\", \"identifiers\" and "
				"\"direction\"",
				rule->protocols[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(all_traits); i++)
		if (rule->n_protocols == 0 ||
			family_rule_has(rule->protocols, rule->n_protocols, all_traits[i].protocol))
			r = check_protocol(rule, &all_traits[i], what, what_size, ret_key);
	return r;
}

static uint64_t capabilities(const struct rule *rule)
{
	return rule->deny ? 0 : family_option_capabilities(rule);
}

static bool read_address(const struct wire_step *step, struct sockaddr_can *ret)
{
	size_t size = MIN_OF(step->address_size, sizeof *ret);

	*ret = (struct sockaddr_can){0};
	if (size > 0)
		memcpy(ret, step->address, size);
	return size >= offsetof(struct sockaddr_can, can_addr) && ret->can_family == AF_CAN;
}

static bool interface_listed(const struct rule *rule, const char *name, char *why, size_t why_size)
{
	if (!rule->has_interfaces || names_match(&rule->interfaces, name))
		return true;
	return family_no(why, why_size, "interface %s is not in the rule's \"interfaces\"", name);
}

/* What a bind or connect step says of itself; an interface's number is judged in confine(). */
static bool address_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	struct sockaddr_can address;
	char name[WIRE_INTERFACE_MAX + 1] = "";

	if (!read_address(step, &address))
		return family_no(why, why_size, "not an address of a CAN socket");
	if (step->data_size == 0)
		return true;
	memcpy(name, step->data, MIN_OF(step->data_size, WIRE_INTERFACE_MAX));
	if (address.can_ifindex != 0)
		return family_no(why, why_size,
			"the step names interface %s and a number; leave one of them out", name);
	return interface_listed(rule, name, why, why_size);
}

static bool identifier_listed(
	const struct rule *rule, canid_t identifier, const char *which, char *why, size_t why_size)
{
	char text[IDENTIFIER_TEXT_MAX];

	if (identifiers_contain(rule->identifiers, identifier))
		return true;
	identifier_format(identifier, text);
	return family_no(why, why_size, "the %s identifier %s is not in the rule's \"identifiers\"",
		which, text);
}

static bool bind_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	struct sockaddr_can address;

	if (!address_within(rule, step, why, why_size))
		return false;
	if (!rule->identifiers || query->protocol != CAN_ISOTP)
		return true;
	(void)read_address(step, &address);
	return identifier_listed(rule, address.can_addr.tp.rx_id, "receiving", why, why_size) &&
	       identifier_listed(rule, address.can_addr.tp.tx_id, "sending", why, why_size);
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	if (step->kind == WIRE_STEP_OPTION)
		return family_option_within(rule, query, step, why, why_size);
	if (rule->deny)
		return false;
	return step->kind != WIRE_STEP_BIND || bind_within(rule, query, step, why, why_size);
}

static bool has_pattern(const struct rule *rule)
{
	for (size_t i = 0; i < rule->interfaces.n; i++)
		if (strchr(rule->interfaces.items[i], '*'))
			return true;
	return false;
}

/* Must the request itself bind the socket, lest its holder do so elsewhere? */
static bool needs_bind(
	const struct rule *rule, const struct traits *traits, char *why, size_t why_size)
{
	const char *step = traits->step == WIRE_STEP_CONNECT ? "connect" : "bind";

	if (traits->keeps_interface && (rule->has_interfaces || rule->identifiers))
		return !family_no(why, why_size,
			"the rule lists \"%s\": a %s socket that is not bound could be bound "
			"elsewhere by its holder; ask for it with a %s step",
			rule->has_interfaces ? "interfaces" : "identifiers", traits->name, step);
	if (rule->has_interfaces && has_pattern(rule))
		return !family_no(why, why_size,
			"the rule's \"interfaces\" have a *: ask for the socket with a bind step "
			"that says which one");
	return false;
}

static bool open_within(
	const struct rule *rule, const struct policy_query *query, char *why, size_t why_size)
{
	const struct traits *traits = find_traits(query->protocol);

	for (size_t i = 0; i < query->n_steps; i++)
		if (query->steps[i].kind == WIRE_STEP_CONNECT &&
			!address_within(rule, &query->steps[i], why, why_size))
			return false;
	if (!has_limits(rule))
		return true;
	if (!traits)
		return family_no(why, why_size,
			"nothing is known of what a socket of CAN protocol %d keeps to",
			query->protocol);
	if (family_has_step(query, WIRE_STEP_FILTER))
		return family_no(why, why_size,
			"the rule's limits take the place of the one filter that a socket can "
			"have; leave the filter step out");
	return family_has_step(query, traits->step) || !needs_bind(rule, traits, why, why_size);
}

/* The number of an interface in the socket's own namespace, by its name, or a negative errno. */
static int index_of(int fd, const void *name, size_t size)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, name, MIN_OF(size, sizeof request.ifr_name - 1));
	int r = address_find_interface(fd, &request);
	return r < 0 ? r : request.ifr_ifindex;
}

/* The interfaces that the socket is kept to: the one that the request binds it to, else all of the
 * rule's. */
struct chosen {
	int indexes[CAN_FILTER_INTERFACES_MAX];
	size_t n;
};

static int choose_asked(int fd, const struct rule *rule, const struct wire_step *step,
	struct chosen *chosen, char *why, size_t why_size)
{
	struct sockaddr_can address;
	struct ifreq request = {0};

	(void)read_address(step, &address);
	int index = step->data_size > 0 ? index_of(fd, step->data, step->data_size)
					: address.can_ifindex;
	if (index <= 0)
		return index;
	request.ifr_ifindex = index;
	if (ioctl(fd, SIOCGIFNAME, &request) < 0)
		return negative_errno();
	if (!interface_listed(rule, request.ifr_name, why, why_size))
		return -EPERM;
	chosen->indexes[0] = index;
	chosen->n = 1;
	return index;
}

static int choose_all(int fd, const struct rule *rule, struct chosen *chosen)
{
	for (size_t i = 0; i < rule->interfaces.n; i++) {
		const char *name = rule->interfaces.items[i];
		int index = index_of(fd, name, strlen(name));
		if (index < 0 && index != -ENODEV)
			return index;
		if (index > 0)
			chosen->indexes[chosen->n++] = index;
	}
	return chosen->n > 0 ? 0 : -ENODEV;
}

static int choose_interfaces(int fd, const struct confine_request *request,
	const struct traits *traits, struct chosen *chosen, int *ret_step, char *why,
	size_t why_size)
{
	for (size_t i = 0; i < request->n_steps; i++) {
		const struct wire_step *step = &request->steps[i];
		if (step->kind != WIRE_STEP_BIND && step->kind != WIRE_STEP_CONNECT)
			continue;
		*ret_step = (int)i;
		int r = choose_asked(fd, request->rule, step, chosen, why, why_size);
		if (r < 0)
			return r;
		if (r > 0 || step->kind != traits->step)
			continue;
		/* Bound to any interface (0). */
		if (traits->keeps_interface || has_pattern(request->rule)) {
			(void)family_no(why, why_size,
				"the rule lists \"interfaces\": say which one, any (0) is not one "
				"of them");
			return -EPERM;
		}
	}
	*ret_step = -1;
	return chosen->n > 0 ? 0 : choose_all(fd, request->rule, chosen);
}

static int lock_filter(int fd, const struct can_bounds *bounds)
{
	struct sock_filter program[CAN_FILTER_MAX];
	struct sock_fprog attached = {.filter = program};
	int on = 1;

	attached.len = (unsigned short)can_filter_build(bounds, program);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) < 0)
		return negative_errno();
	return 0;
}

static int confine(
	int fd, const struct confine_request *request, int *ret_step, char *why, size_t why_size)
{
	const struct rule *rule = request->rule;
	const struct traits *traits = find_traits(request->protocol);
	struct chosen chosen = {.n = 0};
	struct can_bounds bounds = {.nothing = rule->direction == RULE_DIRECTION_SEND};

	if (!has_limits(rule))
		return 0;
	if (!traits)
		return -EPROTONOSUPPORT;
	if (rule->has_interfaces) {
		int r = choose_interfaces(fd, request, traits, &chosen, ret_step, why, why_size);
		if (r < 0)
			return r;
		if (traits->tells_interface) {
			bounds.interfaces = chosen.indexes;
			bounds.n_interfaces = chosen.n;
		}
	}
	if (traits->protocol == CAN_RAW)
		bounds.identifiers = rule->identifiers;
	if (!bounds.nothing && bounds.n_interfaces == 0 && !bounds.identifiers)
		return 0;
	return lock_filter(fd, &bounds);
}

/* SO_PROTOCOL is 0 on every CAN socket. An option of another protocol is refused before any lock.
 */
static int own_protocol(int fd, int type)
{
	unsigned char options[64];
	socklen_t size = sizeof options;

	if (type == SOCK_RAW)
		return CAN_RAW;
	if (getsockopt(fd, SOL_CAN_ISOTP, CAN_ISOTP_LL_OPTS, options, &size) == 0)
		return CAN_ISOTP;
	/* BCM has no options at all. */
	return errno == EINVAL ? CAN_J1939 : CAN_BCM;
}

/* Binding and CAN_RAW_FILTER take rtnl. */
static bool step_sleeps(const struct wire_step *step)
{
	return step->kind == WIRE_STEP_BIND || step->kind == WIRE_STEP_CONNECT ||
	       (step->kind == WIRE_STEP_OPTION && step->a != SOL_SOCKET);
}

const struct family family_can = {
	.name = "can",
	.domain = AF_CAN,
	.open_steps = STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) |
		      STEP_BIT(WIRE_STEP_BIND) | STEP_BIT(WIRE_STEP_CONNECT),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	.close_sleeps = true,
	.marks_packets = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = open_within,
	.confine = confine,
	.step_sleeps = step_sleeps,
	.open = family_open_plainly,
	.own_protocol = own_protocol,
	.bind = family_bind_plainly,
};
