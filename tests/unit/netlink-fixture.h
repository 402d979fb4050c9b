/*
 * Netlink messages put together as programs do, or as none would, and the judge that is to see
 * through them. Interfaces are real ones of a namespace of the test's own.
 */
#ifndef SOCKD_TESTS_UNIT_NETLINK_FIXTURE_H
#define SOCKD_TESTS_UNIT_NETLINK_FIXTURE_H

#include <check.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/family/family.h"
#include "daemon/family/netlink-judge.h"
#include "proto/macro.h"
#include "tests/suite.h"
#include "tests/unit/netlink-message.h"

static char *names[] = {"lo", "t*"};
static struct range types[] = {{RTM_NEWLINK, RTM_SETLINK}, {RTM_NEWADDR, RTM_DELADDR},
	{RTM_NEWROUTE, RTM_DELROUTE}, {RTM_NEWNEIGH, RTM_DELNEIGH}};
static struct rule rule;
static char why[POLICY_REASON_MAX];
static int fd = -1;

static inline void setup(void)
{
	memset(&rule, 0, sizeof rule);
	rule.has_messages = rule.has_interfaces = true;
	rule.messages = (struct ranges){types, ARRAY_SIZE(types)};
	rule.interfaces = (struct names){names, ARRAY_SIZE(names)};
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ck_assert_int_ge(fd, 0);
}

static inline void teardown(void)
{
	close_quietly(fd);
}

static inline bool within(const struct buffer *b)
{
	why[0] = '\0';
	return netlink_messages_within(
		&rule, NETLINK_ROUTE, fd, b->bytes, b->size, why, sizeof why);
}

#define assert_refused(b, words) \
	do { \
		ck_assert(!within(b)); \
		ck_assert_msg(strstr(why, words) != NULL, "reason is \"%s\"", why); \
	} while (0)
#define assert_allowed(b) ck_assert_msg(within(b), "refused: %s", why)

static inline size_t start_link(struct buffer *b, int type, int flags, int index)
{
	struct ifinfomsg link = {.ifi_index = index};

	return start(b, type, flags, &link, sizeof link);
}

/* What `ip link add NAME type KIND` sends. */
static inline void make_link(struct buffer *b, const char *name, const char *kind)
{
	size_t at = start_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	put_text(b, IFLA_IFNAME, name);
	size_t info = put(b, IFLA_LINKINFO, NULL, 0);
	put(b, IFLA_INFO_KIND, kind, strlen(kind));
	end_nested(b, info);
	finish(b, at);
}

/* `ip link add t0 type veth peer name PEER`, with one more attribute in the peer where extra is not
 * 0. */
static inline void make_veth(struct buffer *b, const char *peer, int index, int extra)
{
	struct ifinfomsg header = {.ifi_index = index};
	size_t at = start_link(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	put_text(b, IFLA_IFNAME, "t0");
	size_t info = put(b, IFLA_LINKINFO, NULL, 0);
	put(b, IFLA_INFO_KIND, "veth", 4);
	size_t data = put(b, IFLA_INFO_DATA, NULL, 0);
	size_t nested = put(b, VETH_INFO_PEER | NLA_F_NESTED, &header, sizeof header);
	if (peer)
		put_text(b, IFLA_IFNAME, peer);
	if (extra)
		put_number(b, extra, 1);
	end_nested(b, nested);
	end_nested(b, data);
	end_nested(b, info);
	finish(b, at);
}

static inline int run_judging(const char *name, TCase *tests)
{
	Suite *suite = suite_create(name);

	tcase_add_checked_fixture(tests, setup, teardown);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

#endif
