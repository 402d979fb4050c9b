/* Route messages that no rule's interfaces judge: which leave the namespace, whatever else they
 * hold, and which do not. */
#include <linux/if_addr.h>
#include <linux/lwtunnel.h>
#include <linux/net_namespace.h>
#include <linux/nexthop.h>
#include <linux/seg6_local.h>
#include <linux/veth.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>

#include "proto/netlink-route.h"
#include "tests/unit/netlink-fixture.h"

static void all_messages(void)
{
	static struct range all[] = {{0, UINT16_MAX}};

	setup();
	rule.has_interfaces = false;
	rule.messages = (struct ranges){all, 1};
}

#define ELSEWHERE "another network namespace"

/* Of several attributes each counts, wherever it stands. */
START_TEST(nothing_behind_it_takes_it_back)
{
	struct ifaddrmsg address = {.ifa_family = AF_INET, .ifa_index = 1};
	static const int leading[] = {NETNSA_PID, NETNSA_FD, NETNSA_TARGET_NSID};
	struct buffer b = {0};
	size_t at = start(&b, RTM_NEWADDR, 0, &address, sizeof address);

	put_number(&b, IFA_LOCAL, 1);
	finish(&b, at);
	assert_allowed(&b);
	put_number(&b, IFA_TARGET_NETNSID, 0);
	put_number(&b, IFA_FLAGS, 0);
	finish(&b, at);
	assert_refused(&b, ELSEWHERE);
	for (size_t i = 0; i < ARRAY_SIZE(leading); i++) {
		b.size = 0;
		at = start(&b, RTM_GETNSID, 0, "\0\0\0", 4);
		put_number(&b, NETNSA_NSID, 1);
		finish(&b, at);
		assert_allowed(&b);
		put_number(&b, leading[i], 1);
		put_number(&b, NETNSA_NSID, 1);
		finish(&b, at);
		assert_refused(&b, ELSEWHERE);
	}
}
END_TEST

/* Link information with data that only a pair's kind has a peer in. */
static void make_kind(struct buffer *b, const char *kind, int number, const void *data, size_t size)
{
	b->size = 0;
	size_t at = start_link(b, RTM_NEWLINK, NLM_F_CREATE, 0);
	put_text(b, IFLA_IFNAME, "a0");
	size_t info = put(b, IFLA_LINKINFO, NULL, 0);
	size_t list = put(b, IFLA_INFO_DATA, NULL, 0);
	put(b, number, data, size);
	end_nested(b, list);
	put_text(b, IFLA_INFO_KIND, kind);
	end_nested(b, info);
	finish(b, at);
}

START_TEST(the_data_of_other_kinds_is_their_own)
{
	static const char *const kinds[] = {"vlan", "ifb", "dummy", "vet", "vethx"};
	struct ifinfomsg header = {0};
	struct buffer b = {0};

	/* IFLA_VLAN_ID, and whatever has the number of a peer. */
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		make_kind(&b, kinds[i], VETH_INFO_PEER, "\5\0", 2);
		assert_allowed(&b);
	}
	make_kind(&b, "netkit", 2, "\1\0\0\0", 4); /* IFLA_NETKIT_PRIMARY... is beside the peer */
	assert_allowed(&b);
	make_kind(&b, "veth", VETH_INFO_PEER, &header, sizeof header);
	assert_allowed(&b);
	make_kind(&b, "veth", VETH_INFO_PEER, &header, sizeof header - 4);
	assert_refused(&b, "malformed");
	/* These are made of a descriptor. */
	make_kind(&b, "gtp", 1, "\3\0\0\0", 4);
	assert_refused(&b, "descriptor");
	make_kind(&b, "ppp", 1, "\3\0\0\0", 4);
	assert_refused(&b, "descriptor");
}
END_TEST

static void put_encap_type(struct buffer *b, int attribute, uint16_t type)
{
	put(b, attribute, &type, sizeof type);
}

static void put_encap_data(struct buffer *b, int attribute, const int *inside, size_t n)
{
	size_t nest = put(b, attribute | NLA_F_NESTED, NULL, 0);

	for (size_t i = 0; i < n; i++)
		put_number(b, inside[i], 1);
	end_nested(b, nest);
}

/* In whatever order: before its type, behind another one, with more behind it. */
START_TEST(a_program_counts_in_any_order)
{
	static const int program[] = {SEG6_LOCAL_BPF, SEG6_LOCAL_TABLE};
	static const int none[] = {SEG6_LOCAL_ACTION, SEG6_LOCAL_TABLE};
	static const struct {
		int message, type, data, other;
	} kinds[] = {{RTM_NEWROUTE, RTA_ENCAP_TYPE, RTA_ENCAP, RTA_OIF},
		{RTM_NEWNEXTHOP, NHA_ENCAP_TYPE, NHA_ENCAP, NHA_OIF}};
	struct buffer b = {0};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct rtmsg route = {.rtm_family = AF_INET6, .rtm_type = RTN_UNICAST};
		struct nhmsg next_hop = {.nh_family = AF_INET6};
		const bool is_route = kinds[i].message == RTM_NEWROUTE;
		const void *header = is_route ? (const void *)&route : (const void *)&next_hop;
		const size_t size = is_route ? sizeof route : sizeof next_hop;

		b.size = 0;
		size_t at = start(&b, kinds[i].message, NLM_F_CREATE, header, size);
		put_number(&b, kinds[i].other, 1);
		put_encap_data(&b, kinds[i].data, none, ARRAY_SIZE(none));
		put_encap_type(&b, kinds[i].type, LWTUNNEL_ENCAP_SEG6_LOCAL);
		put_number(&b, kinds[i].other, 1);
		finish(&b, at);
		assert_allowed(&b);

		b.size = 0;
		at = start(&b, kinds[i].message, NLM_F_CREATE, header, size);
		put_encap_data(&b, kinds[i].data, program, ARRAY_SIZE(program));
		put_encap_type(&b, kinds[i].type, LWTUNNEL_ENCAP_SEG6_LOCAL);
		put_encap_type(&b, kinds[i].type, LWTUNNEL_ENCAP_IP);
		finish(&b, at);
		assert_refused(&b, "descriptor");

		b.size = 0;
		at = start(&b, kinds[i].message, NLM_F_CREATE, header, size);
		put_encap_type(&b, kinds[i].type, LWTUNNEL_ENCAP_BPF);
		put_encap_type(&b, kinds[i].type, LWTUNNEL_ENCAP_IP);
		finish(&b, at);
		assert_refused(&b, "descriptor");
	}
}
END_TEST

START_TEST(next_hops_lie_within_their_list)
{
	static const int lengths[] = {
		0, 4, sizeof(struct rtnexthop) - 1, sizeof(struct rtnexthop) + 1, 1000};
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
	struct rtnexthop hop = {.rtnh_len = sizeof hop, .rtnh_ifindex = 1};
	struct buffer b = {0};
	size_t at = start(&b, RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof route);

	put(&b, RTA_MULTIPATH, &hop, sizeof hop);
	finish(&b, at);
	assert_allowed(&b);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		hop.rtnh_len = (unsigned short)lengths[i];
		b.size = 0;
		at = start(&b, RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof route);
		put(&b, RTA_MULTIPATH, &hop, sizeof hop);
		finish(&b, at);
		assert_refused(&b, "malformed");
	}
}
END_TEST

/* The kernel refuses it, and there is nothing behind it to be read. */
START_TEST(what_is_shorter_than_its_header_names_nothing)
{
	static const int types_of_message[] = {
		RTM_NEWLINK, RTM_NEWADDR, RTM_NEWNSID, RTM_NEWROUTE, RTM_NEWNEXTHOP};
	static const unsigned char family[4] = {AF_INET};

	for (size_t i = 0; i < ARRAY_SIZE(types_of_message); i++)
		for (size_t size = 0; size <= sizeof family; size += sizeof family) {
			struct buffer b = {0};

			memset(b.bytes, 0xff, sizeof b.bytes);
			finish(&b, start(&b, types_of_message[i], 0, family, size));
			assert_allowed(&b);
		}
}
END_TEST

static void *stays_home(void *message)
{
	return netlink_route_stays_home(message) ? message : NULL;
}

/* Some two thousand peers, each within the other, for a thread with little stack. */
START_TEST(peers_within_peers_end_somewhere)
{
	static _Alignas(8) unsigned char bytes[UINT16_MAX];
	static const uint16_t nests[] = {VETH_INFO_PEER, IFLA_INFO_DATA, IFLA_LINKINFO};
	size_t at = sizeof bytes / NLA_ALIGNTO * NLA_ALIGNTO, end = at;
	pthread_attr_t attributes;
	pthread_t thread;
	void *home;

	while (at > 128) {
		at -= sizeof(struct ifinfomsg);
		for (size_t i = 0; i < ARRAY_SIZE(nests); i++) {
			at -= NLA_HDRLEN;
			const struct nlattr header = {
				.nla_len = (uint16_t)(end - at), .nla_type = nests[i]};
			memcpy(bytes + at, &header, sizeof header);
		}
	}
	/* The kind of the outermost. */
	struct nlattr info = {.nla_len = (uint16_t)(end - at), .nla_type = IFLA_LINKINFO};
	const struct nlattr kind = {.nla_len = NLA_HDRLEN + 4, .nla_type = IFLA_INFO_KIND};
	info.nla_len += kind.nla_len;
	at -= kind.nla_len;
	memcpy(bytes + at, &info, sizeof info);
	memcpy(bytes + at + NLA_HDRLEN, &kind, sizeof kind);
	memcpy(bytes + at + NLA_HDRLEN + sizeof kind, "veth", 4);
	at -= NLMSG_HDRLEN + sizeof(struct ifinfomsg);
	const struct nlmsghdr message = {
		.nlmsg_len = (uint32_t)(end - at), .nlmsg_type = RTM_NEWLINK};
	memcpy(bytes + at, &message, sizeof message);

	ck_assert_int_eq(pthread_attr_init(&attributes), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 512u * 1024u), 0);
	ck_assert_int_eq(pthread_create(&thread, &attributes, stays_home, bytes + at), 0);
	ck_assert_int_eq(pthread_join(thread, &home), 0);
	ck_assert_ptr_null(home);
	pthread_attr_destroy(&attributes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("netlink-home");
	TCase *tests = tcase_create("netlink-home");

	tcase_add_checked_fixture(tests, all_messages, teardown);
	tcase_add_test(tests, nothing_behind_it_takes_it_back);
	tcase_add_test(tests, the_data_of_other_kinds_is_their_own);
	tcase_add_test(tests, a_program_counts_in_any_order);
	tcase_add_test(tests, next_hops_lie_within_their_list);
	tcase_add_test(tests, peers_within_peers_end_somewhere);
	tcase_add_test(tests, what_is_shorter_than_its_header_names_nothing);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
