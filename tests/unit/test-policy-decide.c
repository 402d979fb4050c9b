/*
 * Who gets what: whole policies from their text, whole requests, and the decision with its words.
 * The families are the real ones.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "proto/address.h"
#include "proto/constants.h"
#include "tests/suite.h"
#include "tests/unit/policy-fixture.h"

/* One request; zero is what most leave out. */
struct request {
	uid_t uid;
	gid_t gid, group;
	const char *listener;
	struct policy_place place;
	bool lost; /* its place cannot be told */
	bool foreign, apply;
	int domain, type, protocol;
	enum wire_netns netns;
	const char *netns_name;
	const char *bind;
	const char *option;
	int value;
	size_t value_size;  /* 0: all of it */
	const char *device; /* SO_BINDTODEVICE */
	int message;	    /* a netlink message of this type is sent */
	bool listen;
};

struct example {
	const char *rules; /* without the key */
	struct request request;
	const char *rule; /* the one that decides; NULL: none */
	bool allowed;
	const char *reason; /* a part of it */
};

static unsigned places_asked;

static int find_place(void *data, struct policy_place *ret)
{
	const struct request *request = data;

	places_asked++;
	if (request->lost)
		return -ESRCH;
	*ret = request->place;
	return 0;
}

/* "a" and "b" are two names of one. */
static int is_named(
	void *data _unused_, const char *name, enum wire_netns other, const char *other_name)
{
	if (other != WIRE_NETNS_NAMED)
		return -ENODATA;
	return strcmp(name, "y") != 0 && strcmp(other_name, "y") != 0;
}

static void decide(
	const struct policy *policy, const struct request *request, struct policy_decision *ret)
{
	struct sockaddr_storage address;
	struct nlmsghdr message = {
		.nlmsg_len = sizeof(message), .nlmsg_type = (uint16_t)request->message};
	struct wire_step steps[5];
	size_t n = 0;
	socklen_t size;

	if (request->option) {
		const struct option_info *info = option_by_name(request->option);
		ck_assert_ptr_nonnull(info);
		steps[n++] = (struct wire_step){.kind = WIRE_STEP_OPTION,
			.a = info->level,
			.b = info->option,
			.data = &request->value,
			.data_size =
				request->value_size ? request->value_size : sizeof(request->value)};
	}
	if (request->device)
		steps[n++] = (struct wire_step){.kind = WIRE_STEP_OPTION,
			.a = SOL_SOCKET,
			.b = SO_BINDTODEVICE,
			.data = request->device,
			.data_size = strlen(request->device)};
	if (request->bind) {
		ck_assert_int_eq(address_parse(request->domain, request->bind, &address, &size), 0);
		steps[n++] = (struct wire_step){
			.kind = WIRE_STEP_BIND, .address = &address, .address_size = size};
	}
	if (request->listen)
		steps[n++] = (struct wire_step){.kind = WIRE_STEP_LISTEN, .a = 5};
	if (request->message)
		steps[n++] = (struct wire_step){
			.kind = WIRE_STEP_SEND, .data = &message, .data_size = sizeof(message)};

	const struct policy_subject subject = {.uid = request->uid,
		.gid = request->gid,
		.groups = &request->group,
		.n_groups = request->group ? 1 : 0,
		.listener = request->listener ? request->listener : "main",
		.foreign_netns = request->foreign,
		.is_named = is_named,
		.place = find_place,
		.data = (void *)request};
	const struct policy_query query = {.apply = request->apply,
		.domain = request->domain,
		.type = request->type,
		.protocol = request->protocol,
		.netns = request->netns,
		.netns_name = request->netns_name,
		.steps = steps,
		.n_steps = n,
		.fd = -1};
	policy_decide(policy, &subject, &query, ret);
}

#define ALLOW(name, rest) "{\"name\": \"" name "\", \"peers\": \"any\", " rest "}"
#define DENY(name, rest) \
	"{\"name\": \"" name "\", \"peers\": \"any\", \"effect\": \"deny\", " rest "}"
#define PEERS(name, peers) \
	"{\"name\": \"" name "\", \"peers\": " peers ", \"family\": \"inet\", \"type\": " \
	"\"stream\"}"
#define ANY_SWITCH \
	"\"IP_TRANSPARENT\": \"any\", \"IPV6_TRANSPARENT\": \"any\", \"SO_DEBUG\": \"any\", " \
	"\"SO_PREFER_BUSY_POLL\": \"any\", \"SO_BUSY_POLL_BUDGET\": \"any\""
#define SWITCHED(option, value) \
	DENY("d", INET ", \"options\": {\"" option "\": " value "}") \
	"," ALLOW("a", STREAM ", \"options\": {" ANY_SWITCH "}")
#define DENIED_22(protocol) \
	DENY("d", INET ", \"protocol\": \"" protocol "\", \"ports\": 22") \
	"," ALLOW("a", STREAM ", \"protocol\": [\"tcp\", \"mptcp\"], \"ports\": \"1-99\"")
#define MPTCP .domain = AF_INET, .type = SOCK_STREAM, .protocol = IPPROTO_MPTCP
#define DENIED_RAW \
	ALLOW("a", "\"family\": \"packet\"") \
	"," DENY("d", "\"family\": \"packet\", \"type\": \"raw\"")
/* IPPROTO_SMC, which old headers do not have */
#define SMC .domain = AF_INET, .type = SOCK_STREAM, .protocol = 256
#define TCP .domain = AF_INET, .type = SOCK_STREAM
/* In the order of the network; htons() is no constant. */
#define ARP (__BYTE_ORDER == __BIG_ENDIAN ? 0x0806 : 0x0608)
#define INET "\"family\": \"inet\""
#define STREAM INET ", \"type\": \"stream\""

static const struct example examples[] = {
	/* nothing is allowed that no rule allows */
	{"", {TCP, .uid = 7}, NULL, false, "no rule for user 7 speaks of such a socket"},
	{ALLOW("a", STREAM), {TCP}, "a", true, ""},
	{ALLOW("a", STREAM), {.domain = AF_INET, .type = SOCK_DGRAM}, NULL, false, "no rule"},
	{ALLOW("a", STREAM), {.domain = AF_INET6, .type = SOCK_STREAM}, NULL, false, "no rule"},

	/* peers: any of those that are named */
	{PEERS("a", "{\"uid\": 5}"), {TCP, .uid = 5}, "a", true, ""},
	{PEERS("a", "{\"uid\": 5}"), {TCP, .uid = 6, .gid = 5}, NULL, false, "no rule"},
	{PEERS("a", "{\"uid\": \"1000-60000\"}"), {TCP, .uid = 60000}, "a", true, ""},
	{PEERS("a", "{\"uid\": \"1000-60000\"}"), {TCP, .uid = 60001}, NULL, false, "no rule"},
	{PEERS("a", "{\"gid\": 5}"), {TCP, .gid = 5}, "a", true, ""},
	{PEERS("a", "{\"gid\": 5}"), {TCP, .group = 5}, "a", true, ""},
	{PEERS("a", "{\"gid\": 5, \"uid\": 9}"), {TCP, .uid = 9}, "a", true, ""},
	{PEERS("a", "{\"user\": \"root\"}"), {TCP, .uid = 0}, "a", true, ""},
	{PEERS("a", "{\"group\": [\"root\"]}"), {TCP, .uid = 5, .gid = 0}, "a", true, ""},

	/* the listener is a further condition */
	{ALLOW("a", STREAM ", \"listener\": [\"x\", \"y\"]"), {TCP, .listener = "y"}, "a", true,
		""},
	{ALLOW("a", STREAM ", \"listener\": \"x\""), {TCP, .listener = "z"}, "a", false,
		"rule a comes nearest: it is for another listener, such as x"},

	/* so is the unit, in whatever form it is named */
	{ALLOW("a", STREAM ", \"unit\": [\"y.service\", \"x.service\"]"),
		{TCP, .place.unit = "x.service"}, "a", true, ""},
	{ALLOW("a", STREAM ", \"unit\": \"x.service\""),
		{TCP, .place.unit = "xx.service", .place.user_unit = "x.service"}, "a", false,
		"rule a comes nearest: it is for another unit, such as x.service, not for "
		"xx.service; see why: sockctl check --uid=0 --gid=0 --listener=main "
		"--unit=xx.service "
		"--user-unit=x.service inet stream"},
	{ALLOW("a", STREAM ", \"unit\": \"x.service\""), {TCP}, "a", false,
		"such as x.service, not for peers outside of any"},
	{ALLOW("a", STREAM ", \"unit\": \"x.service\""),
		{TCP, .place.unit = "x.service", .lost = true}, "a", false,
		"rule a comes nearest: the peer's unit and slice cannot be told: No such process"},
	{ALLOW("a", STREAM ", \"unit\": \"can@*.service\""),
		{TCP, .place.unit = "can@a\\x2db.service"}, "a", true, ""},
	{ALLOW("a", STREAM ", \"unit\": \"can@*.service\""), {TCP, .place.unit = "can@.scope"}, "a",
		false, "unit"},
	{ALLOW("a", STREAM ", \"unit\": \"a\\\\x2d*.service\""),
		{TCP, .place.unit = "a\\x2db.service"}, "a", true, ""},
	{ALLOW("a", STREAM ", \"unit\": \"a\\\\x2db.service\""),
		{TCP, .place.unit = "ax2db.service"}, "a", false,
		"such as a\\x2db.service, not for ax2db.service"},
	{ALLOW("a", STREAM ", \"user-unit\": \"x.service\""),
		{TCP, .place = {.unit = "user@0.service", .user_unit = "x.service"}}, "a", true,
		""},
	{ALLOW("a", STREAM ", \"user-unit\": \"x.service\""), {TCP, .place.unit = "x.service"}, "a",
		false, "it is for another user unit, such as x.service"},
	/* all that is named must hold, and peers beside it */
	{ALLOW("a", STREAM ", \"unit\": \"x.service\", \"slice\": \"system.slice\""),
		{TCP, .place = {.unit = "x.service", .slice = "user-5.slice"}}, "a", false,
		"it is for another slice, such as system.slice, not for user-5.slice"},
	{"{\"name\": \"a\", \"peers\": {\"uid\": 5}, \"unit\": \"x.service\", " STREAM "}",
		{TCP, .uid = 6, .place.unit = "x.service"}, NULL, false, "no rule"},
	/* a slice holds those whose names begin with its own */
	{ALLOW("a", STREAM ", \"slice\": \"a-b.slice\""), {TCP, .place.slice = "a-b.slice"}, "a",
		true, ""},
	{ALLOW("a", STREAM ", \"slice\": \"a.slice\""), {TCP, .place.slice = "a-b-c.slice"}, "a",
		true, ""},
	{ALLOW("a", STREAM ", \"slice\": \"a.slice\""), {TCP, .place.slice = "ab.slice"}, "a",
		false, "slice"},
	{ALLOW("a", STREAM ", \"slice\": \"a-b.slice\""), {TCP, .place.slice = "a.slice"}, "a",
		false, "slice"},
	{ALLOW("a", STREAM ", \"slice\": \"-.slice\""), {TCP, .place.slice = "user-1.slice"}, "a",
		true, ""},
	{ALLOW("a", STREAM ", \"slice\": \"-.slice\""), {TCP}, "a", false, "slice"},
	/* a deny rule holds also where it cannot be told */
	{DENY("d", INET ", \"slice\": \"user.slice\"") "," ALLOW("a", STREAM),
		{TCP, .place.slice = "user-5.slice"}, "d", false, "rule d denies it"},
	{DENY("d", INET ", \"slice\": \"user.slice\"") "," ALLOW("a", STREAM),
		{TCP, .place.slice = "system.slice"}, "a", true, ""},
	{DENY("d", INET ", \"unit\": \"x.service\"") "," ALLOW("a", STREAM), {TCP, .lost = true},
		"d", false, "rule d denies it"},
	{DENY("d", INET ", \"unit\": \"x.service\", \"netns\": \"broker\"") "," ALLOW("a", STREAM),
		{TCP, .lost = true}, "d", false, "rule d denies it"},

	/* protocol 0 is the usual one, also where only the rule or only the request says it
	 */
	{ALLOW("a", STREAM ", \"protocol\": \"tcp\""), {TCP}, "a", true, ""},
	{ALLOW("a", STREAM ", \"protocol\": 0"), {TCP, .protocol = IPPROTO_TCP}, "a", true, ""},
	{ALLOW("a", STREAM ", \"protocol\": \"tcp\""), {TCP, .protocol = IPPROTO_MPTCP}, NULL,
		false, "no rule"},
	/* the kernel holds netlink's two types for one, so that a rule cannot be got round
	 */
	{ALLOW("a", "\"family\": \"netlink\"") "," DENY(
		 "d", "\"family\": \"netlink\", \"type\": \"raw\""),
		{.domain = AF_NETLINK, .type = SOCK_DGRAM}, "d", false, "rule d denies it"},
	{ALLOW("a", INET) "," DENY("d", "\"family\": \"packet\""),
		{.domain = AF_INET, .type = SOCK_PACKET}, "d", false, "rule d denies it"},
	{ALLOW("a", INET), {.domain = AF_INET, .type = SOCK_PACKET}, NULL, false, "no rule"},
	/* the obsolete type is raw */
	{DENIED_RAW, {.domain = AF_INET, .type = SOCK_PACKET}, "d", false, "denies it"},
	{DENIED_RAW, {.domain = AF_PACKET, .type = SOCK_PACKET}, "d", false, "denies it"},
	{DENIED_RAW, {.domain = AF_PACKET, .type = SOCK_DGRAM}, "a", true, ""},

	/* ports: all that is asked must be in one rule */
	{ALLOW("a", STREAM ", \"ports\": [80, \"100-200\"]"), {TCP, .bind = "*:150"}, "a", true,
		""},
	{ALLOW("a", STREAM ", \"ports\": [80, \"100-200\"]"), {TCP, .bind = "*:201"}, "a", false,
		"inet stream, bind *:201: rule a comes nearest: "},
	{ALLOW("a", STREAM ", \"ports\": 80"), {TCP}, "a", false, "rule a comes nearest: "},
	{ALLOW("a", STREAM ", \"ports\": 80") "," ALLOW(
		 "b", STREAM ", \"options\": {\"SO_MARK\": 5}"),
		{TCP, .bind = "*:80", .option = "SO_MARK", .value = 5}, "b", false,
		"rule b comes nearest: port 80 is privileged"},
	{ALLOW("a", STREAM ", \"ports\": 80"), {TCP, .bind = "*:80", .listen = true}, "a", true,
		""},

	/* options and their values */
	{ALLOW("a", STREAM ", \"options\": {\"SO_MARK\": [5, \"7-9\"]}"),
		{TCP, .option = "SO_MARK", .value = 8}, "a", true, ""},
	{ALLOW("a", STREAM ", \"options\": {\"SO_MARK\": [5, \"7-9\"]}"),
		{TCP, .option = "SO_MARK", .value = 6}, "a", false, "does not permit this value"},
	{ALLOW("a", STREAM ", \"options\": {\"SO_MARK\": -1}"),
		{TCP, .option = "SO_MARK", .value = -1}, "a", true, ""},
	{ALLOW("a", STREAM ", \"options\": {\"SO_MARK\": \"any\"}"),
		{TCP, .option = "SO_MARK", .value = 77}, "a", true, ""},
	{ALLOW("a", STREAM), {TCP, .option = "SO_KEEPALIVE", .value = 1}, "a", true, ""},

	/* deny beats allow, wherever it stands */
	{ALLOW("a", STREAM) "," DENY("d", INET), {TCP}, "d", false,
		"inet stream: rule d denies it"},
	{DENY("d", INET) "," ALLOW("a", STREAM), {TCP}, "d", false, "rule d denies it"},
	{DENY("d", "\"family\": \"inet6\"") "," ALLOW("a", STREAM), {TCP}, "a", true, ""},
	/* with ports, options, ... it speaks only of requests that hold one of these */
	{DENY("d", INET ", \"ports\": \"1-79\"") "," ALLOW("a", STREAM ", \"ports\": \"1-1023\""),
		{TCP, .bind = "*:80"}, "a", true, ""},
	{DENY("d", INET ", \"ports\": \"1-79\"") "," ALLOW("a", STREAM ", \"ports\": \"1-1023\""),
		{TCP, .bind = "*:22"}, "d", false, "rule d denies it"},
	{DENY("d", INET ", \"options\": {\"SO_MARK\": 5}") "," ALLOW(
		 "a", STREAM ", \"options\": {\"SO_MARK\": \"any\"}"),
		{TCP, .option = "SO_MARK", .value = 5}, "d", false, "rule d denies it"},
	{DENY("d", INET ", \"options\": {\"SO_MARK\": 5}") "," ALLOW(
		 "a", STREAM ", \"options\": {\"SO_MARK\": \"any\"}"),
		{TCP, .option = "SO_MARK", .value = 6}, "a", true, ""},
	/* what listens for MPTCP or SMC takes TCP connections too, and not the other way round */
	{DENIED_22("tcp"), {MPTCP, .bind = "*:22"}, "d", false, "denies it"},
	{DENIED_22("tcp"), {MPTCP, .bind = "*:23"}, "a", true, ""},
	{DENIED_22("tcp"), {TCP, .bind = "*:22"}, "d", false, "denies it"},
	{DENIED_22("tcp") "," ALLOW("b", STREAM ", \"ports\": \"22-23\""), {SMC, .bind = "*:22"},
		"d", false, "denies it"},
	{DENIED_22("tcp") "," ALLOW("b", STREAM ", \"ports\": \"22-23\""), {SMC, .bind = "*:23"},
		"b", true, ""},
	{DENIED_22("mptcp"), {MPTCP, .bind = "*:22"}, "d", false, "denies it"},
	{DENIED_22("mptcp"), {TCP, .bind = "*:22"}, "a", true, ""},
	{DENY("d", "\"family\": \"inet6\", \"type\": \"stream\", \"netns\": \"broker\"") "," ALLOW(
		 "a", "\"family\": \"inet6\", \"type\": \"stream\", "
		      "\"protocol\": \"mptcp\""),
		{.domain = AF_INET6, .type = SOCK_STREAM, .protocol = IPPROTO_MPTCP}, "d", false,
		"denies it"},
	{DENY("d", "\"family\": \"inet6\", \"protocol\": \"tcp\", \"netns\": \"broker\"") "," ALLOW(
		 "a", "\"family\": \"inet6\", \"type\": \"stream\", "
		      "\"protocol\": \"mptcp\""),
		{.domain = AF_INET6, .type = SOCK_STREAM, .protocol = IPPROTO_MPTCP}, "d", false,
		"denies it"},
	/* of a switch every value but 0 is the same */
	{SWITCHED("IP_TRANSPARENT", "1"), {TCP, .option = "IP_TRANSPARENT", .value = 2}, "d", false,
		"denies it"},
	{SWITCHED("IP_TRANSPARENT", "1"), {TCP, .option = "IP_TRANSPARENT", .value = -1}, "d",
		false, "denies it"},
	{SWITCHED("IP_TRANSPARENT", "-1"), {TCP, .option = "IP_TRANSPARENT", .value = 256}, "d",
		false, "denies it"},
	{SWITCHED("IP_TRANSPARENT", "1"), {TCP, .option = "IP_TRANSPARENT", .value = 0}, "a", true,
		""},
	{SWITCHED("IP_TRANSPARENT", "1"),
		{TCP, .option = "IP_TRANSPARENT", .value = 0x3030303, .value_size = 1}, "d", false,
		"denies it"},
	{SWITCHED("IP_TRANSPARENT", "1"), {TCP, .option = "IPV6_TRANSPARENT", .value = 2}, "d",
		false, "denies it"},
	{SWITCHED("IPV6_TRANSPARENT", "\"1-5\""), {TCP, .option = "IP_TRANSPARENT", .value = 9},
		"d", false, "denies it"},
	{SWITCHED("SO_DEBUG", "1"), {TCP, .option = "SO_DEBUG", .value = 2}, "d", false,
		"denies it"},
	{SWITCHED("SO_PREFER_BUSY_POLL", "1"), {TCP, .option = "SO_PREFER_BUSY_POLL", .value = 256},
		"d", false, "denies it"},
	{SWITCHED("SO_BUSY_POLL_BUDGET", "1"), {TCP, .option = "SO_BUSY_POLL_BUDGET", .value = 2},
		"a", true, ""},
	{DENY("d", "\"family\": \"netlink\", \"protocol\": \"route\", "
		   "\"options\": {\"NETLINK_LISTEN_ALL_NSID\": 1}") "," ALLOW("a",
		 "\"family\": \"netlink\", \"protocol\": \"route\", "
		 "\"options\": {\"NETLINK_LISTEN_ALL_NSID\": \"any\"}"),
		{.domain = AF_NETLINK,
			.type = SOCK_RAW,
			.option = "NETLINK_LISTEN_ALL_NSID",
			.value = 2},
		"d", false, "denies it"},
	{DENY("d", INET ", \"options\": {\"SO_MARK\": 5}") "," ALLOW("a", STREAM), {TCP}, "a", true,
		""},
	{DENY("d", INET ", \"listener\": \"x\"") "," ALLOW("a", STREAM), {TCP, .listener = "y"},
		"a", true, ""},
	{"{\"name\": \"d\", \"peers\": {\"uid\": 5}, \"effect\": \"deny\", " INET
	 "}," ALLOW("a", STREAM),
		{TCP, .uid = 6}, "a", true, ""},

	/* namespaces: unsaid is for peers of the broker's own */
	{ALLOW("a", STREAM), {TCP, .foreign = true}, "a", false, "it says nothing of \"netns\""},
	{ALLOW("a", STREAM), {TCP, .netns = WIRE_NETNS_PEER}, "a", true, ""},
	{ALLOW("a", STREAM), {TCP, .netns = WIRE_NETNS_NAMED, .netns_name = "x"}, "a", false,
		"it opens in another network namespace"},
	{ALLOW("a", STREAM ", \"netns\": \"peer\""), {TCP, .foreign = true}, "a", true, ""},
	{ALLOW("a", STREAM ", \"netns\": \"peer\""),
		{TCP, .foreign = true, .netns = WIRE_NETNS_BROKER}, "a", false,
		"another network namespace"},
	{ALLOW("a", STREAM ", \"netns\": \"broker\""), {TCP, .foreign = true}, "a", true, ""},
	{ALLOW("a", STREAM ", \"netns\": \"broker\""),
		{TCP, .foreign = true, .netns = WIRE_NETNS_PEER}, "a", false,
		"another network namespace"},
	{ALLOW("a", STREAM ", \"netns\": \"broker\""), {TCP, .netns = WIRE_NETNS_PEER}, "a", true,
		""},
	{ALLOW("a", STREAM ", \"netns\": \"x\""),
		{TCP, .foreign = true, .netns = WIRE_NETNS_NAMED, .netns_name = "x"}, "a", true,
		""},
	{ALLOW("a", STREAM ", \"netns\": \"x\""),
		{TCP, .netns = WIRE_NETNS_NAMED, .netns_name = "y"}, "a", false,
		"another network namespace"},
	/* a client's own socket lives where it lives */
	{ALLOW("a", STREAM ", \"netns\": \"x\", \"ports\": 80"),
		{TCP, .apply = true, .netns = WIRE_NETNS_PEER, .bind = "*:80"}, "a", false,
		"another network namespace"},
	{ALLOW("a", STREAM ", \"ports\": 80"),
		{TCP, .apply = true, .netns = WIRE_NETNS_PEER, .bind = "*:80"}, "a", true, ""},
	{ALLOW("a", STREAM ", \"ports\": 80"),
		{TCP, .apply = true, .netns = WIRE_NETNS_PEER, .bind = "*:80", .listen = true}, "a",
		false, "this is no step that sockd does on a client's own socket"},
	/* several: the peer's own first, then the order of the rules */
	{ALLOW("x", STREAM ", \"netns\": \"x\"") "," ALLOW("b",
		 STREAM ", \"netns\": \"broker\"") "," ALLOW("p", STREAM ", \"netns\": \"peer\""),
		{TCP, .foreign = true}, "p", true, ""},
	{ALLOW("x", STREAM ", \"netns\": \"x\"") "," ALLOW("b", STREAM ", \"netns\": \"broker\""),
		{TCP, .foreign = true}, "x", true, ""},
	/* a deny rule of one namespace */
	{DENY("d", INET ", \"netns\": \"broker\"") "," ALLOW("p",
		 STREAM ", \"netns\": \"peer\"") "," ALLOW("b", STREAM ", \"netns\": \"broker\""),
		{TCP, .foreign = true}, "p", true, ""},
	{DENY("d", INET ", \"netns\": \"peer\"") "," ALLOW("p",
		 STREAM ", \"netns\": \"peer\"") "," ALLOW("b", STREAM ", \"netns\": \"broker\""),
		{TCP, .foreign = true}, "b", true, ""},
	{DENY("d", INET ", \"netns\": \"broker\"") "," ALLOW("p", STREAM ", \"netns\": \"peer\""),
		{TCP}, "d", false, "rule d denies it"},
	{DENY("d", INET ", \"netns\": \"x\"") "," ALLOW("x", STREAM ", \"netns\": \"x\""),
		{TCP, .foreign = true}, "d", false, "rule d denies it"},
	{DENY("d", INET ", \"netns\": \"x\"") "," ALLOW("a", STREAM), {TCP}, "d", false,
		"as whether sockd's network namespace is \"x\" cannot be told"},
	{DENY("d", INET ", \"netns\": \"x\"") "," ALLOW("p", STREAM ", \"netns\": \"peer\""),
		{TCP, .foreign = true}, "d", false,
		"as whether the peer's network namespace is \"x\" cannot be told: only the peer"},
	{DENY("d", INET ", \"netns\": \"a\"") "," ALLOW("b", STREAM ", \"netns\": \"b\""),
		{TCP, .foreign = true}, "d", false, "denies it; "},
	{DENY("d", INET ", \"netns\": \"x\"") "," ALLOW("y", STREAM ", \"netns\": \"y\""),
		{TCP, .foreign = true}, "y", true, ""},

	/* an IPv4 address on an inet6 socket */
	{ALLOW("m", "\"family\": \"inet6\", \"type\": \"stream\", \"addresses\": "
		    "\"::ffff:10.0.0.0/104\""),
		{.domain = AF_INET6, .type = SOCK_STREAM, .bind = "[::ffff:10.1.0.1]:8080"}, "m",
		true, ""},
	{ALLOW("m", "\"family\": \"inet6\", \"type\": \"stream\", \"addresses\": "
		    "\"::ffff:10.0.0.0/104\""),
		{.domain = AF_INET6, .type = SOCK_STREAM, .bind = "[::a00:1]:8080"}, "m", false,
		"not in the rule's \"addresses\""},

	/* netlink: messages and groups */
	{ALLOW("n", "\"family\": \"netlink\", \"protocol\": \"route\", \"messages\": "
		    "\"RTM_NEWLINK\""),
		{.domain = AF_NETLINK,
			.type = SOCK_RAW,
			.apply = true,
			.netns = WIRE_NETNS_PEER,
			.message = RTM_NEWLINK},
		"n", true, ""},
	{ALLOW("n", "\"family\": \"netlink\", \"protocol\": \"route\", \"messages\": "
		    "\"any\"") "," DENY("d", "\"family\": \"netlink\", \"protocol\": "
					     "\"route\", \"messages\": [\"RTM_DELLINK\"]"),
		{.domain = AF_NETLINK,
			.type = SOCK_RAW,
			.apply = true,
			.netns = WIRE_NETNS_PEER,
			.message = RTM_DELLINK},
		"d", false,
		"netlink raw route, send RTM_DELLINK: rule d denies it; see why: sockctl check "
		"--uid=0 --gid=0 --listener=main --apply netlink raw route --message=RTM_DELLINK"},

	/* what an administrator runs to see why */
	{"", {TCP, .uid = 65534, .bind = "127.0.0.1:80", .option = "SO_MARK", .value = 5}, NULL,
		false,
		"; see why: sockctl check --uid=65534 --gid=0 --listener=main inet stream "
		"--option=SO_MARK=5 "
		"--bind=127.0.0.1:80"},
	{"", {.domain = AF_INET6, .type = SOCK_DGRAM, .protocol = IPPROTO_UDP, .bind = "[::1]:53"},
		NULL, false,
		"sockctl check --uid=0 --gid=0 --listener=main inet6 dgram udp '--bind=[::1]:53'"},
	{"", {.domain = AF_PACKET, .type = SOCK_RAW, .protocol = ARP}, NULL, false,
		"packet raw arp: no rule"},
	/* with the group that led to the rule: the user's entries may not have it */
	{PEERS("a", "{\"gid\": 7}"), {TCP, .uid = 5, .group = 7, .option = "SO_MARK", .value = 5},
		"a", false,
		"see why: sockctl check --uid=5 --gid=0 --groups=7 --listener=main inet stream "
		"--option=SO_MARK=5"},
	{PEERS("a", "{\"gid\": 7, \"uid\": 5}"),
		{TCP, .uid = 5, .group = 7, .option = "SO_MARK", .value = 5}, "a", false,
		"sockctl check --uid=5 --gid=0 --listener"},
	{PEERS("a", "{\"gid\": [7, 9]}"),
		{TCP, .uid = 5, .gid = 9, .group = 7, .option = "SO_MARK", .value = 5}, "a", false,
		"sockctl check --uid=5 --gid=9 --listener"},
	{PEERS("a", "\"any\""), {TCP, .uid = 5, .group = 7, .option = "SO_MARK", .value = 5}, "a",
		false, "sockctl check --uid=5 --gid=0 --listener"},
	{PEERS("a", "\"any\"") ",{\"name\": \"d\", \"effect\": \"deny\", \"peers\": "
			       "{\"gid\": 7}, " STREAM "}",
		{TCP, .uid = 5, .group = 7}, "d", false,
		"rule d denies it; see why: sockctl check --uid=5 --gid=0 --groups=7 --listener"},
};

START_TEST(test_example)
{
	const struct example *example = &examples[_i];
	struct policy_decision decision;
	struct fixture fixture;
	char text[2048];

	fixture_make(&fixture);
	snprintf(text, sizeof(text), "{\"rules\": [%s]}", example->rules);
	struct policy *policy = fixture_policy(&fixture, text);
	decide(policy, &example->request, &decision);
	ck_assert_msg(
		decision.allowed == example->allowed, "%s: %s", example->rules, decision.reason);
	if (example->rule)
		ck_assert_pstr_eq(decision.rule.name, example->rule);
	else
		ck_assert_ptr_null(decision.rule.name);
	ck_assert_msg(strstr(decision.reason, example->reason) != NULL, "\"%s\" is not in \"%s\"",
		example->reason, decision.reason);
	if (example->allowed)
		ck_assert_str_eq(decision.reason, "");
	else
		ck_assert_ptr_nonnull(strstr(decision.reason, ": sockctl check --uid="));
	policy_unref(policy);
	fixture_remove(&fixture);
}
END_TEST

/* What the rest of the daemon is told beside yes and no. */
START_TEST(test_particulars)
{
	struct policy_decision decision;
	struct fixture fixture;

	fixture_make(&fixture);
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": [\n"
		"{\"name\": \"one\", \"peers\": {\"uid\": 1}, \"family\": \"inet\", \"type\": "
		"\"stream\","
		" \"protocol\": \"tcp\", \"interfaces\": \"eth0\", \"netns\": \"blue\", \"owner\": "
		"\"peer\"},\n"
		"{\"name\": \"many\", \"peers\": {\"uid\": 2}, \"family\": \"inet\", \"type\": "
		"\"stream\","
		" \"protocol\": \"tcp\", \"interfaces\": [\"eth*\", \"lo\"]}]}");
	struct request request = {TCP, .uid = 1};

	decide(policy, &request, &decision);
	ck_assert(decision.allowed);
	ck_assert_uint_eq(decision.rule.line, 2);
	ck_assert_ptr_nonnull(strstr(decision.rule.file, "/p.json"));
	ck_assert_int_eq(decision.netns, RULE_NETNS_NAMED);
	ck_assert_str_eq(decision.netns_name, "blue");
	ck_assert(decision.owner_peer);
	ck_assert_str_eq(decision.device, "eth0");

	request.device = "eth0"; /* the request says it itself */
	decide(policy, &request, &decision);
	ck_assert(decision.allowed);
	ck_assert_ptr_null(decision.device);
	request.device = "eth1";
	decide(policy, &request, &decision);
	ck_assert(!decision.allowed);
	ck_assert_int_eq(decision.step, 0);

	request = (struct request){TCP, .uid = 2}; /* which of several, only the request can say */
	decide(policy, &request, &decision);
	ck_assert(!decision.allowed);
	ck_assert_int_eq(decision.step, -1);
	request.device = "eth7";
	decide(policy, &request, &decision);
	ck_assert(decision.allowed);
	ck_assert_ptr_null(decision.device);
	ck_assert_str_eq(decision.rule.name, "many");

	/* a record of a policy that a reload has replaced still names its rule */
	struct policy *kept = policy_ref(policy);
	ck_assert_ptr_null(policy_unref(policy));
	ck_assert_str_eq(decision.rule.name, "many");
	policy_unref(kept);
	fixture_remove(&fixture);
}
END_TEST

START_TEST(test_owner_is_never_root)
{
	struct request request = {.domain = AF_INET, .type = SOCK_DGRAM, .uid = 7};
	struct policy_decision decision;
	struct fixture fixture;

	fixture_make(&fixture);
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": [{\"name\": \"own\", \"peers\": \"any\", \"family\": \"inet\", "
		"\"type\": \"dgram\", \"owner\": \"peer\"}]}");
	decide(policy, &request, &decision);
	ck_assert(decision.allowed);
	request.uid = 0;
	decide(policy, &request, &decision);
	ck_assert(!decision.allowed);
	ck_assert_ptr_nonnull(strstr(decision.reason, "never acts as root"));
	policy_unref(policy);
	fixture_remove(&fixture);
}
END_TEST

/* To find a peer's unit costs time: only who names units pays for it, and only once. */
START_TEST(test_place_is_asked_late)
{
	struct request request = {TCP, .uid = 5, .place.unit = "x.service"};
	struct policy_decision decision;
	struct fixture fixture;

	fixture_make(&fixture);
	struct policy *policy = fixture_policy(&fixture,
		"{\"rules\": [" PEERS("a", "{\"uid\": 1}") "," PEERS("b", "{\"uid\": 5}") "," ALLOW(
			"c", "\"family\": \"inet\", \"type\": \"raw\", "
			     "\"unit\": \"y.service\"") "," ALLOW("d",
			"\"family\": \"inet\", \"type\": \"raw\", \"unit\": \"x.service\"") "]}");

	places_asked = 0;
	decide(policy, &request, &decision);
	ck_assert(decision.allowed);
	ck_assert_uint_eq(places_asked, 0);
	request.type = SOCK_RAW;
	decide(policy, &request, &decision);
	ck_assert(decision.allowed);
	ck_assert_str_eq(decision.rule.name, "d");
	ck_assert_uint_eq(places_asked, 1);
	policy_unref(policy);
	fixture_remove(&fixture);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy-decide");
	TCase *tests = tcase_create("decide");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_example, 0, ARRAY_SIZE(examples));
	tcase_add_test(tests, test_particulars);
	tcase_add_test(tests, test_owner_is_never_root);
	tcase_add_test(tests, test_place_is_asked_late);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
