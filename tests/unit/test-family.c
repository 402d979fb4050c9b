/* Families: which rules are refused at load, which steps a rule gives, and how sockets are opened
 * and bound. */
#include <arpa/inet.h>
#include <check.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/family/family.h"
#include "proto/macro.h"
#include "proto/vm-sockets.h"
#include "tests/suite.h"

static char why[POLICY_REASON_MAX];
static int stream[] = {SOCK_STREAM}, dgram[] = {SOCK_DGRAM}, raw[] = {SOCK_RAW};
static int tcp[] = {IPPROTO_TCP}, udp[] = {IPPROTO_UDP}, sctp[] = {132}, mptcp[] = {262},
	   smc[] = {256}, inet6[] = {AF_INET6}, route[] = {NETLINK_ROUTE};
static struct range web[] = {{80, 80}, {8000, 8010}};

static struct rule inet_rule(int *types, int *protocols)
{
	struct rule rule = {0};

	rule.types = types;
	rule.n_types = types ? 1 : 0;
	rule.protocols = protocols;
	rule.n_protocols = protocols ? 1 : 0;
	return rule;
}

static struct rule with_ports(struct rule rule)
{
	rule.has_ports = true;
	rule.ports = (struct ranges){web, ARRAY_SIZE(web)};
	return rule;
}

static struct rule with_prefix(struct rule rule, struct address_prefix *storage, const char *text)
{
	ck_assert_int_eq(address_prefix_parse(text, storage), 0);
	rule.has_addresses = true;
	rule.prefixes = storage;
	rule.n_prefixes = 1;
	return rule;
}

static struct rule with_interface(struct rule rule, char **name)
{
	rule.has_interfaces = true;
	rule.interfaces = (struct names){name, 1};
	return rule;
}

static struct wire_step option_step(int level, int option, const void *data, size_t size)
{
	return (struct wire_step){
		.kind = WIRE_STEP_OPTION, .a = level, .b = option, .data = data, .data_size = size};
}

static struct wire_step bind_step(int domain, const char *text, struct sockaddr_storage *storage)
{
	socklen_t size;

	ck_assert_int_eq(address_parse(domain, text, storage, &size), 0);
	return (struct wire_step){.kind = WIRE_STEP_BIND, .address = storage, .address_size = size};
}

static struct policy_query query_of(int domain, int type, int protocol)
{
	return (struct policy_query){
		.domain = domain, .type = type, .protocol = protocol, .fd = -1};
}

static bool step_within(
	const struct rule *rule, const struct policy_query *query, const struct wire_step *step)
{
	why[0] = '\0';
	return family_get(query->domain)->step_within(rule, query, step, why, sizeof why);
}

static bool bind_within(const struct rule *rule, const struct policy_query *query, const char *text)
{
	struct sockaddr_storage storage;
	struct wire_step step = bind_step(query->domain, text, &storage);

	return step_within(rule, query, &step);
}

static const char *bad_key(const struct family *family, const struct rule *rule)
{
	const char *key = NULL;

	why[0] = '\0';
	int r = family->check_rule(rule, why, sizeof why, &key);
	ck_assert(r == 0 ? !key : r == -EINVAL && key && why[0]);
	return key ? key : "";
}

START_TEST(rules_the_kernel_would_not_hold)
{
	static char *device[] = {"eth0"};
	struct address_prefix prefix;
	struct rule rule;

	rule = with_ports(inet_rule(NULL, NULL));
	ck_assert_str_eq(bad_key(&family_inet, &rule), "ports");
	rule = with_ports(inet_rule(raw, NULL));
	ck_assert_str_eq(bad_key(&family_inet, &rule), "ports");
	rule = with_ports(inet_rule(stream, NULL));
	ck_assert_str_eq(bad_key(&family_inet, &rule), "");
	rule = with_prefix(inet_rule(stream, sctp), &prefix, "10.0.0.0/8");
	ck_assert_str_eq(bad_key(&family_inet, &rule), "addresses");
	rule = with_interface(inet_rule(stream, tcp), device);
	ck_assert_str_eq(bad_key(&family_inet, &rule), "");
	/* What an IPv6 listener accepts can be moved; of MPTCP the kernel opens further paths. */
	rule.families = inet6;
	rule.n_families = 1;
	ck_assert_str_eq(bad_key(&family_inet6, &rule), "interfaces");
	rule.has_mark = true;
	ck_assert_str_eq(bad_key(&family_inet6, &rule), "");
	rule = with_interface(inet_rule(stream, mptcp), device);
	ck_assert_str_eq(bad_key(&family_inet, &rule), "interfaces");
	rule.has_mark = true;
	ck_assert_str_eq(bad_key(&family_inet, &rule), "");
	/* What an SCTP listener accepts has none. */
	rule = inet_rule(stream, sctp);
	rule.has_mark = true;
	ck_assert_str_eq(bad_key(&family_inet, &rule), "mark");
	rule = with_interface(inet_rule(stream, NULL), device);
	ck_assert_str_eq(bad_key(&family_inet, &rule), "interfaces");
	rule = with_interface(inet_rule(dgram, udp), device);
	ck_assert_str_eq(bad_key(&family_inet, &rule), "interfaces");
	ck_assert_ptr_nonnull(strstr(why, "AF_UNSPEC"));
	rule = with_interface(inet_rule(NULL, NULL), device);
	ck_assert_str_eq(bad_key(&family_packet, &rule), "interfaces");
	ck_assert_str_eq(bad_key(&family_plain, &rule), "interfaces");
	ck_assert_str_eq(bad_key(&family_netlink, &rule), "interfaces");
	rule = inet_rule(NULL, tcp);
	ck_assert_str_eq(bad_key(&family_packet, &rule), "protocol");
	static struct range from_zero[] = {{0, 100}};
	rule = with_ports(inet_rule(stream, NULL));
	rule.ports = (struct ranges){from_zero, 1};
	ck_assert_str_eq(bad_key(&family_inet, &rule), "ports");
	static char *path[] = {"/run/x"};
	rule = (struct rule){.has_addresses = true, .address_patterns = {path, 1}};
	ck_assert_str_eq(bad_key(&family_unix, &rule), "addresses");
}
END_TEST

START_TEST(rules_of_netlink)
{
	static struct range links[] = {{RTM_NEWLINK, RTM_SETLINK}};
	static struct range queues[] = {{RTM_NEWLINK, RTM_NEWQDISC}};
	static struct range all[] = {{0, UINT32_MAX}};
	static char *device[] = {"eth0"};
	struct rule rule = {.has_messages = true, .messages = {links, 1}};

	ck_assert_str_eq(bad_key(&family_netlink, &rule), "messages");
	rule.protocols = route;
	rule.n_protocols = 1;
	ck_assert_str_eq(bad_key(&family_netlink, &rule), "");
	ck_assert_uint_eq(family_netlink.capabilities(&rule), UINT64_C(1) << CAP_NET_ADMIN);
	rule = with_interface(rule, device);
	ck_assert_str_eq(bad_key(&family_netlink, &rule), "");
	rule.messages.items = queues;
	ck_assert_str_eq(bad_key(&family_netlink, &rule), "messages");
	rule.messages.items = all;
	ck_assert_str_eq(bad_key(&family_netlink, &rule), "messages");
}
END_TEST

START_TEST(ports)
{
	struct policy_query query = query_of(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	struct rule plain = inet_rule(stream, NULL), rule = with_ports(plain);

	ck_assert(bind_within(&rule, &query, "127.0.0.1:80"));
	ck_assert(bind_within(&rule, &query, "*:8010"));
	ck_assert(!bind_within(&rule, &query, "*:81"));
	ck_assert(!bind_within(&rule, &query, "*:8080"));
	ck_assert(!bind_within(&rule, &query, "*:0"));
	ck_assert(!bind_within(&plain, &query, "*:1023"));
	ck_assert(bind_within(&plain, &query, "*:1024"));
	ck_assert(bind_within(&plain, &query, "*:0"));
	ck_assert_uint_eq(family_inet.capabilities(&rule), UINT64_C(1) << CAP_NET_BIND_SERVICE);
	ck_assert_uint_eq(family_inet.capabilities(&plain), 0);

	/* Without a bind step the holder would choose. */
	ck_assert(!family_inet.open_within(&rule, &query, why, sizeof why));
	ck_assert(family_inet.open_within(&plain, &query, why, sizeof why));
	struct sockaddr_storage storage;
	struct wire_step step = bind_step(AF_INET, "*:80", &storage);
	query.steps = &step;
	query.n_steps = 1;
	ck_assert(family_inet.open_within(&rule, &query, why, sizeof why));

	rule.deny = true;
	ck_assert(bind_within(&rule, &query, "*:80"));
	ck_assert(!bind_within(&rule, &query, "*:81"));
}
END_TEST

START_TEST(malformed_addresses)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct policy_query query = query_of(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	struct rule rule = with_ports(inet_rule(stream, NULL));
	struct wire_step step = {.kind = WIRE_STEP_BIND, .address = &in, .address_size = sizeof in};

	ck_assert(step_within(&rule, &query, &step));
	for (step.address_size = 0; step.address_size < sizeof in; step.address_size++)
		ck_assert(!step_within(&rule, &query, &step));
	in.sin_family = AF_UNSPEC;
	ck_assert(!step_within(&rule, &query, &step));
	in.sin_family = AF_INET;
	query.domain = AF_INET6;
	ck_assert(!step_within(&rule, &query, &step));
}
END_TEST

START_TEST(addresses)
{
	struct policy_query four = query_of(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	struct policy_query six = query_of(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
	struct address_prefix prefix;
	struct rule rule = with_prefix(inet_rule(dgram, NULL), &prefix, "10.0.0.0/8");

	ck_assert(bind_within(&rule, &four, "10.1.2.3:5000"));
	ck_assert(bind_within(&rule, &six, "[::ffff:10.1.2.3]:5000"));
	ck_assert(!bind_within(&rule, &four, "11.1.2.3:5000"));
	ck_assert(!bind_within(&rule, &four, "*:5000"));
	ck_assert(!bind_within(&rule, &six, "[::]:5000"));
	ck_assert(!bind_within(&rule, &six, "[::ffff:11.1.2.3]:5000"));
	ck_assert(!bind_within(&rule, &four, "10.1.2.3:53"));
	ck_assert(!bind_within(&rule, &four, "10.1.2.3:0"));
	four.type = SOCK_STREAM;
	four.protocol = 132;
	ck_assert(!bind_within(&rule, &four, "10.1.2.3:5000"));
	four.type = SOCK_SEQPACKET;
	four.protocol = 0;
	ck_assert(!bind_within(&rule, &four, "10.1.2.3:5000"));
}
END_TEST

START_TEST(interfaces_of_tcp)
{
	static char *device[] = {"lo"}, *pattern[] = {"l*"};
	struct policy_query query = query_of(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	struct rule one = with_interface(inet_rule(stream, tcp), device);
	struct rule many = with_interface(inet_rule(stream, tcp), pattern);
	struct wire_step lo = option_step(SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	struct wire_step eth = option_step(SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5);
	struct wire_step none = option_step(SOL_SOCKET, SO_BINDTODEVICE, "", 1);
	int index = 1;
	struct wire_step by_index = option_step(SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index);

	ck_assert(step_within(&one, &query, &lo));
	ck_assert(!step_within(&one, &query, &eth));
	ck_assert(!step_within(&one, &query, &none));
	ck_assert(!step_within(&one, &query, &by_index));
	pattern[0] = "*";
	ck_assert(!step_within(&many, &query, &none));
	pattern[0] = "l*";

	ck_assert_str_eq(family_rule_device(&one), "lo");
	ck_assert_ptr_null(family_rule_device(&many));
	ck_assert(family_inet.open_within(&one, &query, why, sizeof why));
	ck_assert(!family_inet.open_within(&many, &query, why, sizeof why));
	query.steps = &lo;
	query.n_steps = 1;
	ck_assert(family_inet.open_within(&many, &query, why, sizeof why));
	/* Whatever comes in before the device is set comes by any. */
	struct sockaddr_storage any;
	struct wire_step late[] = {bind_step(AF_INET, "*:8000", &any), lo};
	query.steps = late;
	query.n_steps = 2;
	ck_assert(!family_inet.open_within(&many, &query, why, sizeof why));
	ck_assert_ptr_nonnull(strstr(why, "first"));
	ck_assert(!family_inet.open_within(&one, &query, why, sizeof why));
	struct wire_step early[] = {lo, late[0]};
	query.steps = early;
	ck_assert(family_inet.open_within(&many, &query, why, sizeof why));

	/* IPv6: unbound, its holder could move it; and so does a scope identifier. */
	query.domain = AF_INET6;
	ck_assert(!family_inet6.open_within(&one, &query, why, sizeof why));
	struct sockaddr_storage storage;
	struct wire_step both[] = {lo, bind_step(AF_INET6, "[::]:8000", &storage)};
	query.steps = both;
	query.n_steps = 2;
	ck_assert(family_inet6.open_within(&one, &query, why, sizeof why));
	ck_assert(!bind_within(&one, &query, "[fe80::1%1]:8000"));
	ck_assert(bind_within(&one, &query, "[fe80::1]:8000"));
}
END_TEST

START_TEST(a_denied_option_has_no_other_name)
{
	static struct range on[] = {{1, 1}};
	static char *device[] = {"eth0"};
	struct rule_option listed[] = {
		{.info = option_by_name("IP_TRANSPARENT"), .values = {on, 1}},
		{.info = option_by_name("SO_BINDTODEVICE"), .texts = {device, 1}},
	};
	struct policy_query query = query_of(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
	struct rule rule = inet_rule(dgram, NULL);
	int one = 1, zero = 0, index = 3;
	struct wire_step transparent = option_step(IPPROTO_IP, IP_TRANSPARENT, &one, sizeof one),
			 twin = option_step(IPPROTO_IPV6, IPV6_TRANSPARENT, &one, sizeof one),
			 off = option_step(IPPROTO_IPV6, IPV6_TRANSPARENT, &zero, sizeof zero),
			 by_index = option_step(SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index),
			 other = option_step(IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof one);

	rule.deny = true;
	rule.options = listed;
	rule.n_options = ARRAY_SIZE(listed);
	ck_assert(step_within(&rule, &query, &transparent));
	ck_assert(step_within(&rule, &query, &twin));
	ck_assert(!step_within(&rule, &query, &off));
	ck_assert(step_within(&rule, &query, &by_index));
	ck_assert(!step_within(&rule, &query, &other));

	/* A policy of IPsec in the words of PF_KEY, and in those of XFRM. */
	static const char *const policies[][2] = {
		{"IP_XFRM_POLICY", "IP_IPSEC_POLICY"}, {"IPV6_XFRM_POLICY", "IPV6_IPSEC_POLICY"}};
	struct rule_option policy = {.any = true};

	rule.options = &policy;
	rule.n_options = 1;
	for (size_t i = 0; i < 4; i++) {
		const struct option_info *twin_info = option_by_name(policies[i / 2][(i + 1) % 2]);

		policy.info = option_by_name(policies[i / 2][i % 2]);
		twin = option_step(twin_info->level, twin_info->option, "12345678", 8);
		ck_assert(step_within(&rule, &query, &twin));
		ck_assert(!step_within(&rule, &query, &transparent));
	}
}
END_TEST

START_TEST(a_mark_is_not_for_sctp_and_smc)
{
	struct policy_query query = query_of(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
	struct rule rule = inet_rule(stream, NULL);

	ck_assert(family_inet.open_within(&rule, &query, why, sizeof why));
	rule.has_mark = true;
	ck_assert(!family_inet.open_within(&rule, &query, why, sizeof why));
	query.type = SOCK_SEQPACKET;
	query.protocol = 0;
	ck_assert(!family_inet.open_within(&rule, &query, why, sizeof why));
	query = query_of(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	ck_assert(family_inet.open_within(&rule, &query, why, sizeof why));
	/* Nor for SMC, whose data goes past every firewall. */
	query.protocol = smc[0];
	ck_assert(!family_inet.open_within(&rule, &query, why, sizeof why));
	rule = inet_rule(stream, smc);
	ck_assert_str_eq(bad_key(&family_inet, &rule), "");
	rule.has_mark = true;
	ck_assert_str_eq(bad_key(&family_inet, &rule), "mark");
}
END_TEST

START_TEST(interfaces_on_a_clients_socket)
{
	static char *pattern[] = {"l*"}, *device[] = {"lo"};
	struct rule many = with_interface(inet_rule(stream, tcp), pattern);
	struct rule one = with_interface(inet_rule(stream, tcp), device);
	struct policy_query query = query_of(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage storage;
	struct wire_step bind80 = bind_step(AF_INET, "*:8000", &storage);
	struct wire_step lo = option_step(SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);

	query.apply = true;
	query.fd = fd;
	struct wire_step before[] = {lo, bind80}, after[] = {bind80, lo};
	query.steps = before;
	query.n_steps = 2;
	ck_assert(step_within(&many, &query, &before[1]));
	query.steps = after;
	ck_assert(!step_within(&many, &query, &after[0]));
	ck_assert(!step_within(&one, &query, &after[0]));
	query.steps = &bind80;
	query.n_steps = 1;
	ck_assert(step_within(&one, &query, &bind80));
	ck_assert(!step_within(&many, &query, &bind80));
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	ck_assert(step_within(&many, &query, &bind80));
}
END_TEST

START_TEST(options)
{
	static struct range marks[] = {{5, 7}};
	struct rule_option listed = {
		.info = option_by_name("SO_MARK"), .values = {marks, ARRAY_SIZE(marks)}};
	struct policy_query query = query_of(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	struct rule rule = inet_rule(stream, NULL);
	int value = 5;
	struct wire_step mark = option_step(SOL_SOCKET, SO_MARK, &value, sizeof value);
	struct wire_step keep = option_step(SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value);
	struct wire_step share = option_step(SOL_SOCKET, SO_REUSEPORT, &value, sizeof value);
	struct wire_step device = option_step(SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	struct wire_step pointer = option_step(SOL_SOCKET, SO_ATTACH_FILTER, &value, 16);

	ck_assert(!step_within(&rule, &query, &mark));
	ck_assert(step_within(&rule, &query, &keep));
	ck_assert(!step_within(&rule, &query, &pointer));
	keep.data_size = 3;
	ck_assert(!step_within(&rule, &query, &keep));
	ck_assert(!step_within(&rule, &query, &share));
	rule.owner_peer = true;
	ck_assert(step_within(&rule, &query, &share));
	rule.owner_peer = false;
	/* On a new socket free; on one that may be bound already a matter of CAP_NET_RAW. */
	ck_assert(step_within(&rule, &query, &device));
	query.apply = true;
	ck_assert(!step_within(&rule, &query, &device));
	ck_assert(step_within(&rule, &query, &share));
	query.apply = false;

	rule.options = &listed;
	rule.n_options = 1;
	ck_assert(step_within(&rule, &query, &mark));
	ck_assert_uint_ne(family_option_capabilities(&rule), 0);
	value = 8;
	ck_assert(!step_within(&rule, &query, &mark));
	rule.deny = true;
	ck_assert(!step_within(&rule, &query, &mark));
	value = 7;
	ck_assert(step_within(&rule, &query, &mark));
	ck_assert(!step_within(&rule, &query, &share));
}
END_TEST

START_TEST(netlink_groups_and_addresses)
{
	static struct range listed[] = {{RTNLGRP_IPV4_MROUTE_R, RTNLGRP_IPV4_MROUTE_R}};
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = 77};
	struct wire_step step = {
		.kind = WIRE_STEP_BIND, .address = &address, .address_size = sizeof address};
	struct policy_query query = query_of(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct rule rule = {0};
	int group = RTNLGRP_IPV4_MROUTE_R;
	struct wire_step join =
		option_step(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);

	address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR;
	ck_assert(step_within(&rule, &query, &step));
	/* Guarded by rtnetlink_bind(), whatever netlink says of the protocol. */
	address.nl_groups = RTMGRP_LINK | UINT32_C(1) << (RTNLGRP_IPV4_MROUTE_R - 1);
	ck_assert(!step_within(&rule, &query, &step));
	ck_assert(!step_within(&rule, &query, &join));
	rule.has_groups = true;
	rule.groups = (struct ranges){listed, 1};
	ck_assert(step_within(&rule, &query, &step));
	ck_assert(step_within(&rule, &query, &join));
	rule.deny = true;
	ck_assert(step_within(&rule, &query, &step));
	address.nl_groups = RTMGRP_LINK;
	ck_assert(!step_within(&rule, &query, &step));
	rule = (struct rule){0};
	group = 1;
	query.protocol = NETLINK_GENERIC;
	ck_assert(!step_within(&rule, &query, &join));
	query.protocol = NETLINK_NETFILTER;
	ck_assert(!step_within(&rule, &query, &join));

	struct nlmsghdr message = {.nlmsg_len = sizeof message + 4, .nlmsg_type = RTM_GETLINK};
	unsigned char packet[sizeof message + 4] = {0};
	memcpy(packet, &message, sizeof message);
	query.protocol = NETLINK_ROUTE;
	step.kind = WIRE_STEP_SEND;
	step.data = packet;
	step.data_size = sizeof packet;
	address = (struct sockaddr_nl){.nl_family = AF_NETLINK};
	ck_assert(step_within(&rule, &query, &step));
	address.nl_pid = 1;
	ck_assert(!step_within(&rule, &query, &step));
	address.nl_pid = 0;
	address.nl_groups = 1;
	ck_assert(!step_within(&rule, &query, &step));
	address.nl_groups = 0;

	/* Not told to name what cannot be named. */
	message.nlmsg_type = 21;
	memcpy(packet, &message, sizeof message);
	query.protocol = NETLINK_GENERIC;
	ck_assert(!step_within(&rule, &query, &step));
	ck_assert_ptr_nonnull(strstr(why, "not a command that a rule can name"));
	ck_assert_ptr_null(strstr(why, "\"messages\""));
}
END_TEST

START_TEST(vsock_binds)
{
	static struct range low[] = {{1000, 1000}};
	static char *cids[] = {"local"};
	struct policy_query query = query_of(AF_VSOCK, SOCK_STREAM, 0);
	struct rule rule = {0};

	ck_assert(bind_within(&rule, &query, "any:1024"));
	ck_assert(!bind_within(&rule, &query, "any:1023"));
	rule.has_ports = true;
	rule.ports = (struct ranges){low, 1};
	ck_assert(bind_within(&rule, &query, "any:1000"));
	ck_assert(!bind_within(&rule, &query, "any:1024"));
	ck_assert_uint_eq(family_vsock.capabilities(&rule), UINT64_C(1) << CAP_NET_BIND_SERVICE);
	rule.has_addresses = true;
	rule.address_patterns = (struct names){cids, 1};
	ck_assert(bind_within(&rule, &query, "1:1000"));
	ck_assert(!bind_within(&rule, &query, "any:1000"));
}
END_TEST

START_TEST(unix_names)
{
	static char *patterns[] = {"@app-*"};
	struct policy_query query = query_of(AF_UNIX, SOCK_STREAM, 0);
	struct rule rule = {0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct wire_step autobind = {.kind = WIRE_STEP_BIND,
		.address = &address,
		.address_size = offsetof(struct sockaddr_un, sun_path)};

	ck_assert(bind_within(&rule, &query, "@anything"));
	ck_assert(!bind_within(&rule, &query, "/run/x"));
	ck_assert(step_within(&rule, &query, &autobind));
	rule.has_addresses = true;
	rule.address_patterns = (struct names){patterns, 1};
	ck_assert(bind_within(&rule, &query, "@app-1"));
	ck_assert(!bind_within(&rule, &query, "@other"));
	ck_assert(!step_within(&rule, &query, &autobind));
	ck_assert(!family_unix.open_within(&rule, &query, why, sizeof why));
}
END_TEST

START_TEST(plain_families_bind_nothing_privileged)
{
	unsigned char bytes[16] = {0};
	struct wire_step step = {
		.kind = WIRE_STEP_BIND, .address = bytes, .address_size = sizeof bytes};
	struct policy_query query = query_of(AF_KCM, SOCK_DGRAM, 0);
	struct rule rule = {0};

	ck_assert_ptr_eq(family_get(AF_KCM), &family_plain);
	ck_assert_ptr_eq(family_get(-1), &family_plain);
	ck_assert(!step_within(&rule, &query, &step));
	query.apply = true;
	ck_assert(!step_within(&rule, &query, &step));
}
END_TEST

static void packet_name(int fd, struct sockaddr_ll *ret)
{
	socklen_t size = sizeof *ret;

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret, &size), 0);
}

/* Opened deaf, bound to what was asked for. */
START_TEST(packet_sockets)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET}, name;
	int protocol = htons(ETH_P_ARP);

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return; /* no namespaces here */
	address.sll_ifindex = (int)if_nametoindex("lo");
	_cleanup_close_ int fd = family_packet.open(AF_PACKET, SOCK_RAW, protocol);
	ck_assert_int_ge(fd, 0);
	packet_name(fd, &name);
	ck_assert_uint_eq(name.sll_protocol, 0);
	ck_assert_int_eq(family_packet.bind(fd, SOCK_RAW, protocol, NULL, 0), 0);
	packet_name(fd, &name);
	ck_assert_uint_eq(name.sll_protocol, htons(ETH_P_ARP));
	ck_assert_int_eq(name.sll_ifindex, 0);

	_cleanup_close_ int bound = family_packet.open(AF_PACKET, SOCK_DGRAM, protocol);
	ck_assert_int_eq(
		family_packet.bind(bound, SOCK_DGRAM, protocol, &address, sizeof address), 0);
	packet_name(bound, &name);
	ck_assert_uint_eq(name.sll_protocol, htons(ETH_P_ARP));
	ck_assert_int_eq(name.sll_ifindex, address.sll_ifindex);
	ck_assert_int_eq(family_packet.bind(bound, SOCK_DGRAM, protocol, &address, 4), -EINVAL);
	ck_assert_int_eq(family_packet.open(AF_PACKET, 7, 0), -ESOCKTNOSUPPORT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("family");
	TCase *tests = tcase_create("families");

	tcase_add_test(tests, rules_the_kernel_would_not_hold);
	tcase_add_test(tests, rules_of_netlink);
	tcase_add_test(tests, ports);
	tcase_add_test(tests, malformed_addresses);
	tcase_add_test(tests, addresses);
	tcase_add_test(tests, interfaces_of_tcp);
	tcase_add_test(tests, a_mark_is_not_for_sctp_and_smc);
	tcase_add_test(tests, a_denied_option_has_no_other_name);
	tcase_add_test(tests, interfaces_on_a_clients_socket);
	tcase_add_test(tests, options);
	tcase_add_test(tests, netlink_groups_and_addresses);
	tcase_add_test(tests, vsock_binds);
	tcase_add_test(tests, unix_names);
	tcase_add_test(tests, plain_families_bind_nothing_privileged);
	tcase_add_test(tests, packet_sockets);
	suite_add_tcase(suite, tests);

	return suite_run(suite);
}
