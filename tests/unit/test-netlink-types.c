/* What a netlink message is by its type: batches, what names the sender, what a deny rule speaks
 * of. */
#include <endian.h>
#include <linux/audit.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <net/if.h>

#include "tests/unit/netlink-fixture.h"

START_TEST(batches_of_nfnetlink)
{
	static struct range listed[] = {{0x0a00, 0x0a00}};
	struct nfgenmsg header = {0};
	struct buffer b = {0};

	rule.has_interfaces = false;
	rule.messages = (struct ranges){listed, 1};
	finish(&b, start(&b, NFNL_MSG_BATCH_BEGIN, 0, &header, sizeof header));
	size_t middle = start(&b, 0x0a00, 0, &header, sizeof header);
	finish(&b, middle);
	finish(&b, start(&b, NFNL_MSG_BATCH_END, 0, &header, sizeof header));
	ck_assert(netlink_messages_within(
		&rule, NETLINK_NETFILTER, fd, b.bytes, b.size, why, sizeof why));
	uint16_t other = 0x0a06;
	memcpy(b.bytes + middle + 4, &other, sizeof other);
	ck_assert(!netlink_messages_within(
		&rule, NETLINK_NETFILTER, fd, b.bytes, b.size, why, sizeof why));
}
END_TEST

/* An expression of a rule of nftables, with the name of what it matches by. */
static void make_expression(struct buffer *b, int type, const char *name, const char *match)
{
	struct nfgenmsg header = {.nfgen_family = AF_INET};

	b->size = 0;
	size_t at = start(b, NFNL_SUBSYS_NFTABLES << 8 | type, 0, &header, sizeof header);
	put_text(b, NFTA_RULE_TABLE, "bpf");
	put_text(b, NFTA_RULE_CHAIN, "match");
	size_t list = put(b, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED, NULL, 0);
	size_t first = put(b, NFTA_LIST_ELEM, NULL, 0);
	/* The name counts wherever it stands, and with a NUL or without. */
	size_t data = put(b, NFTA_EXPR_DATA, NULL, 0);
	put_text(b, NFTA_MATCH_NAME, match);
	end_nested(b, data);
	put(b, NFTA_EXPR_NAME, name, strlen(name));
	end_nested(b, first);
	end_nested(b, list);
	finish(b, at);
}

static bool within_protocol(int protocol, const struct buffer *b)
{
	why[0] = '\0';
	return netlink_messages_within(&rule, protocol, fd, b->bytes, b->size, why, sizeof why);
}

static bool audit_within(int type, uint32_t mask, size_t size)
{
	struct buffer b = {0};

	finish(&b, start(&b, type, 0, &mask, size));
	return within_protocol(NETLINK_AUDIT, &b);
}

/* It would be the broker that is named, or what is the broker's. */
START_TEST(nothing_is_about_who_sends_it)
{
	static struct range all[] = {{0, UINT16_MAX}};
	struct inet_diag_req_v2 request = {.sdiag_family = AF_INET6};
	struct inet_diag_req old = {.idiag_family = AF_INET};
	struct buffer b = {0};

	rule.has_interfaces = false;
	rule.messages = (struct ranges){all, 1};
	make_expression(&b, 6, "match", "bpf");
	ck_assert(!within_protocol(NETLINK_NETFILTER, &b));
	ck_assert_ptr_nonnull(strstr(why, "descriptor"));
	make_expression(&b, 12, "match", "bpf"); /* elements of sets have expressions too */
	ck_assert(!within_protocol(NETLINK_NETFILTER, &b));
	make_expression(&b, 6, "match", "comment");
	ck_assert_msg(within_protocol(NETLINK_NETFILTER, &b), "%s", why); /* the table is "bpf" */
	make_expression(&b, 6, "match", "bpfilter");
	ck_assert_msg(within_protocol(NETLINK_NETFILTER, &b), "%s", why);
	make_expression(&b, 6, "counter", "bpf");
	ck_assert_msg(within_protocol(NETLINK_NETFILTER, &b), "%s", why);

	/* INET_DIAG_REQ_SK_BPF_STORAGES */
	b.size = 0;
	size_t at = start(&b, 20, NLM_F_DUMP, &request, sizeof request);
	put_number(&b, INET_DIAG_REQ_BYTECODE, 0);
	finish(&b, at);
	ck_assert_msg(within_protocol(NETLINK_SOCK_DIAG, &b), "%s", why);
	put_number(&b, 2 | NLA_F_NESTED, 0);
	finish(&b, at);
	ck_assert(!within_protocol(NETLINK_SOCK_DIAG, &b));
	request.sdiag_family = AF_INET;
	memcpy(b.bytes + NLMSG_HDRLEN, &request, sizeof request);
	ck_assert(!within_protocol(NETLINK_SOCK_DIAG, &b));
	b.size = 0;
	at = start(&b, TCPDIAG_GETSOCK, NLM_F_DUMP, &old, sizeof old);
	put_number(&b, 2, 0);
	finish(&b, at);
	ck_assert(!within_protocol(NETLINK_SOCK_DIAG, &b));

	/* What asks for other families' sockets has another header, and no such attribute. */
	request.sdiag_family = AF_UNIX;
	b.size = 0;
	at = start(&b, 20, NLM_F_DUMP, &request, sizeof request);
	put_number(&b, 2, 0);
	finish(&b, at);
	ck_assert_msg(within_protocol(NETLINK_SOCK_DIAG, &b), "%s", why);

	/* RDMA_NLDEV_CMD_SET, RDMA_NLDEV_NET_NS_FD */
	b.size = 0;
	at = start(&b, 5 << 10 | 2, 0, NULL, 0);
	put_number(&b, 1, 0);
	finish(&b, at);
	ck_assert_msg(within_protocol(NETLINK_RDMA, &b), "%s", why);
	put_number(&b, 68, 0);
	finish(&b, at);
	ck_assert(!within_protocol(NETLINK_RDMA, &b));
	b.size = 0;
	at = start(&b, 5 << 10 | 1, 0, NULL, 0); /* RDMA_NLDEV_CMD_GET */
	put_number(&b, 68, 0);
	finish(&b, at);
	ck_assert_msg(within_protocol(NETLINK_RDMA, &b), "%s", why);

	ck_assert(audit_within(AUDIT_GET, 0, 0));
	ck_assert(audit_within(AUDIT_SET, AUDIT_STATUS_RATE_LIMIT, 4));
	ck_assert(!audit_within(AUDIT_SET, AUDIT_STATUS_PID | AUDIT_STATUS_RATE_LIMIT, 4));
	/* The kernel takes a shorter mask too: the first byte of it, in its own order. */
	ck_assert(audit_within(AUDIT_SET, AUDIT_STATUS_PID, 1) == (__BYTE_ORDER == __BIG_ENDIAN));
	ck_assert(!audit_within(AUDIT_TTY_SET, 0, 0));
	ck_assert(!audit_within(AUDIT_TTY_GET, 0, 0));
}
END_TEST

static bool nftables_message_within(int type)
{
	struct nfgenmsg header = {0};
	struct buffer b = {0};

	finish(&b, start(&b, NFNL_SUBSYS_NFTABLES << 8 | type, 0, &header, sizeof header));
	return netlink_messages_within(
		&rule, NETLINK_NETFILTER, fd, b.bytes, b.size, why, sizeof why);
}

/* NFT_MSG_DEL... and NFT_MSG_DESTROY... of tables, chains, rules, sets, elements, objects and flow
 * tables, which only the second part of these numbers old headers do not have. */
START_TEST(deny_of_deletion_is_of_destruction_too)
{
	static const int deletes[] = {2, 5, 8, 11, 14, 20, 24};
	static struct range one[1];

	rule.has_interfaces = false;
	rule.messages = (struct ranges){one, 1};
	for (size_t i = 0; i < ARRAY_SIZE(deletes); i++) {
		int destroys = 26 + (int)i;

		one[0].first = one[0].last = (uint32_t)(NFNL_SUBSYS_NFTABLES << 8 | deletes[i]);
		rule.deny = true;
		ck_assert(nftables_message_within(deletes[i]));
		for (int type = 26; type <= 33; type++)
			ck_assert_msg(nftables_message_within(type) == (type == destroys),
				"deny %d, message %d", deletes[i], type);
		ck_assert(!nftables_message_within(0));
		/* An allow rule is for what it says. */
		rule.deny = false;
		ck_assert(nftables_message_within(deletes[i]));
		ck_assert(!nftables_message_within(destroys));
		/* And a deny of the second for that alone. */
		rule.deny = true;
		one[0].first = one[0].last = (uint32_t)(NFNL_SUBSYS_NFTABLES << 8 | destroys);
		ck_assert(!nftables_message_within(deletes[i]));
		ck_assert(nftables_message_within(destroys));
	}
}
END_TEST

/* Does a deny rule for one message speak of another? */
static bool denies(int protocol, int denied, int type, int flags, int family)
{
	struct ifinfomsg header = {.ifi_family = (unsigned char)family, .ifi_index = 1};
	struct range one = {(uint32_t)denied, (uint32_t)denied};
	struct buffer b = {0};

	rule.deny = true;
	rule.has_interfaces = false;
	rule.messages = (struct ranges){&one, 1};
	finish(&b, start(&b, type, flags, &header, sizeof header));
	bool denied_too = within_protocol(protocol, &b);
	/* An allow rule is for what it says. */
	rule.deny = false;
	ck_assert(type == denied || !within_protocol(protocol, &b));
	return denied_too;
}

START_TEST(deny_has_no_other_number)
{
	static const struct {
		int protocol, denied, type;
		bool both;
	} twins[] = {
		{NETLINK_ROUTE, RTM_SETLINK, RTM_NEWLINK, true},
		{NETLINK_NETFILTER, 0x0a07, 0x0a19, false}, /* NFT_MSG_GETRULE, _RESET */
		{NETLINK_NETFILTER, 0x0a0d, 0x0a21, false}, /* NFT_MSG_GETSETELEM, _RESET */
		{NETLINK_NETFILTER, 0x0a13, 0x0a15, false}, /* NFT_MSG_GETOBJ, _RESET */
		{NETLINK_NETFILTER, 0x0101, 0x0103, false}, /* IPCTNL_MSG_CT_GET, _CTRZERO */
		{NETLINK_NETFILTER, 0x0701, 0x0702, false}, /* NFNL_MSG_ACCT_GET, _CTRZERO */
		{NETLINK_NETFILTER, 0x0607, 0x0608, true},  /* IPSET_CMD_LIST, IPSET_CMD_SAVE */
		{NETLINK_XFRM, XFRM_MSG_NEWPOLICY, XFRM_MSG_UPDPOLICY, false},
		{NETLINK_XFRM, XFRM_MSG_NEWSA, XFRM_MSG_UPDSA, false},
		{NETLINK_XFRM, XFRM_MSG_DELPOLICY, XFRM_MSG_POLEXPIRE, false},
		{NETLINK_XFRM, XFRM_MSG_DELSA, XFRM_MSG_EXPIRE, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(twins); i++) {
		int protocol = twins[i].protocol, denied = twins[i].denied, type = twins[i].type;

		ck_assert_msg(denies(protocol, denied, denied, 0, 0), "twins %zu", i);
		ck_assert_msg(denies(protocol, denied, type, 0, 0), "twins %zu", i);
		ck_assert_msg(
			denies(protocol, type, denied, 0, 0) == twins[i].both, "twins %zu", i);
	}
	/* What only makes a link changes none, and a bridge's port is set by SETLINK alone. */
	ck_assert(denies(NETLINK_ROUTE, RTM_SETLINK, RTM_NEWLINK, NLM_F_CREATE, 0));
	ck_assert(!denies(NETLINK_ROUTE, RTM_SETLINK, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0));
	ck_assert(!denies(NETLINK_ROUTE, RTM_NEWLINK, RTM_SETLINK, 0, AF_BRIDGE));
}
END_TEST

START_TEST(deny_speaks_of_its_interfaces)
{
	static char *denied[] = {"t9"};
	struct buffer b = {0};

	rule.deny = true;
	rule.interfaces = (struct names){denied, 1};
	make_link(&b, "t0", "dummy");
	ck_assert(!within(&b));
	make_link(&b, "t9", "dummy");
	ck_assert(within(&b));
	b.size = 0;
	make_veth(&b, "t9", 0, 0);
	ck_assert(within(&b));
	/* What cannot be judged is spoken of. */
	b.size = 0;
	make_link(&b, "t0", "vxlan");
	ck_assert(within(&b));
}
END_TEST

/* A message before it, or another process, may give the name to an interface of the rule's. */
START_TEST(deny_speaks_of_links_by_name)
{
	static char *denied[] = {"t9"};
	static const int kinds[][2] = {{RTM_SETLINK, 0}, {RTM_SETLINK, NLM_F_CREATE | NLM_F_EXCL},
		{RTM_DELLINK, 0}, {RTM_DELLINK, NLM_F_CREATE | NLM_F_EXCL}, {RTM_NEWLINK, 0},
		{RTM_NEWLINK, NLM_F_CREATE}, {RTM_NEWLINK, NLM_F_CREATE | NLM_F_REPLACE}};
	static const char *const by[] = {"t5", "lo"};
	struct buffer b = {0};

	rule.deny = true;
	rule.interfaces = (struct names){denied, 1};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t j = 0; j < ARRAY_SIZE(by); j++) {
			b.size = 0;
			size_t at = start_link(&b, kinds[i][0], kinds[i][1], 0);
			put_text(&b, IFLA_IFNAME, by[j]);
			finish(&b, at);
			ck_assert_msg(within(&b), "message %zu by %s", i, by[j]);
		}
	/* An allow rule's names are all its own. */
	rule.deny = false;
	rule.interfaces = (struct names){names, ARRAY_SIZE(names)};
	assert_allowed(&b);
	/* By its index, or where there must be none of the name. */
	rule.deny = true;
	rule.interfaces = (struct names){denied, 1};
	b.size = 0;
	finish(&b, start_link(&b, RTM_SETLINK, 0, (int)if_nametoindex("lo")));
	ck_assert(!within(&b));
	make_link(&b, "t5", "dummy");
	ck_assert(!within(&b));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("netlink-types");

	tcase_add_test(tests, batches_of_nfnetlink);
	tcase_add_test(tests, nothing_is_about_who_sends_it);
	tcase_add_test(tests, deny_of_deletion_is_of_destruction_too);
	tcase_add_test(tests, deny_has_no_other_number);
	tcase_add_test(tests, deny_speaks_of_its_interfaces);
	tcase_add_test(tests, deny_speaks_of_links_by_name);
	return run_judging("netlink-types", tests);
}
