/* Generic netlink: which command a message is, as the kernel's families come and go, and who may
 * say so. */
#include <check.h>
#include <linux/ethtool_netlink.h>
#include <linux/fou.h>
#include <linux/genetlink.h>
#include <linux/if_macsec.h>
#include <linux/ip_vs.h>
#include <linux/mptcp.h>
#include <linux/seg6_genl.h>
#include <linux/tcp_metrics.h>
#include <linux/wireguard.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "daemon/generic.h"
#include "lib/generic.h"
#include "proto/constants.h"
#include "proto/macro.h"
#include "proto/netlink-generic.h"
#include "tests/suite.h"

#define FLOOD 20000u

static sd_event *event;
static struct worker *worker;

static const struct {
	const char *name;
	int family, command;
} commands[] = {
#define COMMAND(family, command) \
	{ \
#command, GENERIC_##family, command \
	}
	COMMAND(ETHTOOL, ETHTOOL_MSG_LINKINFO_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_LINKMODES_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_DEBUG_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_WOL_GET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_WOL_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_FEATURES_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_PRIVFLAGS_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_RINGS_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_CHANNELS_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_COALESCE_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_PAUSE_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_EEE_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_CABLE_TEST_ACT),
	COMMAND(ETHTOOL, ETHTOOL_MSG_CABLE_TEST_TDR_ACT),
	COMMAND(ETHTOOL, ETHTOOL_MSG_FEC_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_MODULE_EEPROM_GET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_MODULE_SET),
	COMMAND(ETHTOOL, ETHTOOL_MSG_PSE_SET),
	COMMAND(FOU, FOU_CMD_ADD),
	COMMAND(FOU, FOU_CMD_DEL),
	COMMAND(FOU, FOU_CMD_GET),
	COMMAND(IPVS, IPVS_CMD_NEW_SERVICE),
	COMMAND(IPVS, IPVS_CMD_SET_SERVICE),
	COMMAND(IPVS, IPVS_CMD_DEL_SERVICE),
	COMMAND(IPVS, IPVS_CMD_GET_SERVICE),
	COMMAND(IPVS, IPVS_CMD_NEW_DEST),
	COMMAND(IPVS, IPVS_CMD_SET_DEST),
	COMMAND(IPVS, IPVS_CMD_DEL_DEST),
	COMMAND(IPVS, IPVS_CMD_GET_DEST),
	COMMAND(IPVS, IPVS_CMD_NEW_DAEMON),
	COMMAND(IPVS, IPVS_CMD_DEL_DAEMON),
	COMMAND(IPVS, IPVS_CMD_GET_DAEMON),
	COMMAND(IPVS, IPVS_CMD_SET_CONFIG),
	COMMAND(IPVS, IPVS_CMD_GET_CONFIG),
	COMMAND(IPVS, IPVS_CMD_GET_INFO),
	COMMAND(IPVS, IPVS_CMD_ZERO),
	COMMAND(IPVS, IPVS_CMD_FLUSH),
	COMMAND(MACSEC, MACSEC_CMD_ADD_RXSC),
	COMMAND(MACSEC, MACSEC_CMD_DEL_RXSC),
	COMMAND(MACSEC, MACSEC_CMD_UPD_RXSC),
	COMMAND(MACSEC, MACSEC_CMD_ADD_TXSA),
	COMMAND(MACSEC, MACSEC_CMD_DEL_TXSA),
	COMMAND(MACSEC, MACSEC_CMD_UPD_TXSA),
	COMMAND(MACSEC, MACSEC_CMD_ADD_RXSA),
	COMMAND(MACSEC, MACSEC_CMD_DEL_RXSA),
	COMMAND(MACSEC, MACSEC_CMD_UPD_RXSA),
	COMMAND(MACSEC, MACSEC_CMD_UPD_OFFLOAD),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_ADD_ADDR),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_DEL_ADDR),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_GET_ADDR),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_FLUSH_ADDRS),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_SET_LIMITS),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_SET_FLAGS),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_ANNOUNCE),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_REMOVE),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_SUBFLOW_CREATE),
	COMMAND(MPTCP_PM, MPTCP_PM_CMD_SUBFLOW_DESTROY),
	COMMAND(SEG6, SEG6_CMD_SETHMAC),
	COMMAND(SEG6, SEG6_CMD_DUMPHMAC),
	COMMAND(SEG6, SEG6_CMD_SET_TUNSRC),
	COMMAND(SEG6, SEG6_CMD_GET_TUNSRC),
	COMMAND(TCP_METRICS, TCP_METRICS_CMD_DEL),
	COMMAND(WIREGUARD, WG_CMD_GET_DEVICE),
	COMMAND(WIREGUARD, WG_CMD_SET_DEVICE),
#undef COMMAND
};

START_TEST(commands_are_those_of_the_headers)
{
	int number = -1;

	ck_assert_int_eq(
		constant_netlink_message_from_name(NETLINK_GENERIC, commands[_i].name, &number), 0);
	ck_assert_int_eq(number, GENERIC_COMMAND(commands[_i].family, commands[_i].command));
	ck_assert_str_eq(constant_netlink_message_name(NETLINK_GENERIC, number), commands[_i].name);
	ck_assert(!constant_netlink_message_is_free(NETLINK_GENERIC, number));
}
END_TEST

/* One message to or of nlctrl, or to a family. */
struct packet {
	struct nlmsghdr header;
	struct genlmsghdr command;
	unsigned char attributes[64];
};

static struct packet packet_of(int type, int command)
{
	return (struct packet){
		.header = {.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_type = (uint16_t)type},
		.command = {.cmd = (uint8_t)command, .version = 1},
	};
}

static void put(struct packet *packet, int type, const void *data, size_t size)
{
	struct nlattr attribute = {
		.nla_len = (uint16_t)(sizeof attribute + size), .nla_type = (uint16_t)type};
	unsigned char *at = (unsigned char *)packet + packet->header.nlmsg_len;

	memcpy(at, &attribute, sizeof attribute);
	memcpy(at + sizeof attribute, data, size);
	packet->header.nlmsg_len += (uint32_t)NLA_ALIGN(sizeof attribute + size);
}

static struct packet news(int command, const char *name, uint16_t id)
{
	struct packet packet = packet_of(GENL_ID_CTRL, command);

	put(&packet, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	put(&packet, CTRL_ATTR_FAMILY_ID, &id, sizeof id);
	return packet;
}

static void note(struct generic_families *families, const struct packet *packet)
{
	generic_families_note(families, packet, packet->header.nlmsg_len);
}

START_TEST(families_come_and_go)
{
	struct generic_families families = {0};
	struct packet set = packet_of(100, WG_CMD_SET_DEVICE);
	struct packet packet = news(CTRL_CMD_NEWFAMILY, "wireguard", 100);

	ck_assert_int_eq(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);
	note(&families, &packet);
	ck_assert_int_eq(generic_message_number(&families, &set.header),
		GENERIC_COMMAND(GENERIC_WIREGUARD, WG_CMD_SET_DEVICE));
	/* Gone under another number: not this one. */
	packet = news(CTRL_CMD_DELFAMILY, "wireguard", 99);
	note(&families, &packet);
	ck_assert_int_ne(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);
	packet = news(CTRL_CMD_DELFAMILY, "wireguard", 100);
	note(&families, &packet);
	ck_assert_int_eq(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);
	packet = news(CTRL_CMD_NEWFAMILY, "wireguard", 101);
	note(&families, &packet);
	ck_assert_int_eq(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);
	set.header.nlmsg_type = 101;
	ck_assert_int_ne(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);
}
END_TEST

START_TEST(what_is_not_known_is_not_taken_for_another)
{
	static const char *const others[] = {"wireguar", "wireguard2", "WireGuard", "nbd", ""};
	struct generic_families families = {0};
	struct packet set = packet_of(100, 1);

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct packet packet = news(CTRL_CMD_NEWFAMILY, others[i], 100);
		note(&families, &packet);
		ck_assert_int_eq(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);
	}
	/* Not nlctrl's, a number of another size, cut short, without a number. */
	struct packet packet = news(CTRL_CMD_NEWFAMILY, "wireguard", 100);
	packet.header.nlmsg_type = 17;
	note(&families, &packet);
	packet = packet_of(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
	put(&packet, CTRL_ATTR_FAMILY_NAME, "wireguard", 10);
	note(&families, &packet);
	put(&packet, CTRL_ATTR_FAMILY_ID, "\x64\0\0", 4);
	note(&families, &packet);
	packet = news(CTRL_CMD_NEWFAMILY, "wireguard", 100);
	generic_families_note(&families, &packet, packet.header.nlmsg_len - 1);
	packet.header.nlmsg_len = NLMSG_HDRLEN;
	note(&families, &packet);
	ck_assert_int_eq(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);

	/* A message without a command. */
	packet = news(CTRL_CMD_NEWFAMILY, "wireguard", 100);
	note(&families, &packet);
	set.header.nlmsg_len = NLMSG_HDRLEN;
	ck_assert_int_eq(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);
	/* No family has number 0. */
	families = (struct generic_families){0};
	set = packet_of(0, 1);
	ck_assert_int_eq(generic_message_number(&families, &set.header), 0);
}
END_TEST

/* The last message may end where no other could begin: what lies behind is not of the packet. */
START_TEST(nothing_is_read_behind_the_last_message)
{
	struct generic_families families = {0};
	const struct packet set = packet_of(100, 1);
	struct {
		struct packet last, behind;
	} packets = {.last = packet_of(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY),
		.behind = news(CTRL_CMD_NEWFAMILY, "wireguard", 100)};

	packets.last.header.nlmsg_len = sizeof packets.last - 1;
	note(&families, &packets.last);
	ck_assert_int_eq(generic_message_number(&families, &set.header), GENERIC_NO_NUMBER);
}
END_TEST

static bool takes_privilege(uint16_t id, uint8_t command)
{
	const struct packet packet = packet_of(id, command);
	unsigned char bytes[sizeof packet + 1];

	memcpy(bytes + 1, &packet, sizeof packet); /* of no alignment */
	return generic_takes_privilege(bytes + 1, packet.header.nlmsg_len);
}

START_TEST(the_kernel_says_what_takes_a_privilege)
{
	struct generic_families families;

	ck_assert_int_eq(generic_families_read(&families), 0);
	const uint16_t id = families.ids[GENERIC_ETHTOOL];
	if (id == 0) {
		printf("SKIP the_kernel_says_what_takes_a_privilege: the kernel has no ethtool\n");
		return;
	}
	ck_assert(takes_privilege(id, ETHTOOL_MSG_FEATURES_SET));
	ck_assert(takes_privilege(id, ETHTOOL_MSG_WOL_GET));
	ck_assert(!takes_privilege(id, ETHTOOL_MSG_FEATURES_GET));
	ck_assert(!takes_privilege(id, 255));
	/* Where it cannot be told: no such family, no command. */
	ck_assert(takes_privilege(UINT16_MAX, ETHTOOL_MSG_FEATURES_GET));
	const struct packet packet = packet_of(id, ETHTOOL_MSG_FEATURES_GET);
	ck_assert(generic_takes_privilege(&packet, NLMSG_HDRLEN));
}
END_TEST

static bool kernel_has_all_commands(void)
{
	struct utsname kernel;
	unsigned major = 0, minor = 0;

	return uname(&kernel) == 0 && sscanf(kernel.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 1));
}

/* Or they would not be asked of the broker. */
START_TEST(commands_that_rules_name_take_a_privilege)
{
	struct generic_families families;

	if (!kernel_has_all_commands()) {
		printf("SKIP commands_that_rules_name_take_a_privilege: the kernel has no "
		       "commands that are as new as Linux 6.1\n");
		return;
	}
	ck_assert_int_eq(generic_families_read(&families), 0);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		uint16_t id = families.ids[commands[i].family];
		/* This one took a privilege in older kernels only. */
		if (id != 0 && strcmp(commands[i].name, "MPTCP_PM_CMD_GET_ADDR") != 0)
			ck_assert_msg(takes_privilege(id, (uint8_t)commands[i].command), "%s",
				commands[i].name);
	}
}
END_TEST

/* --- the daemon's --- */

static bool has_namespace;

static void setup(void)
{
	has_namespace = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(worker_new(event, 3, 100, &worker), 0);
	ck_assert_int_eq(generic_start(event, worker), 0);
}

static void teardown(void)
{
	generic_stop();
	worker = worker_free(worker);
	event = sd_event_unref(event);
}

/* A family that this kernel has, and a message to it. */
static int number_here(struct packet *ret)
{
	struct generic_families families;

	ck_assert_int_eq(generic_families_read(&families), 0);
	for (int i = GENERIC_UNKNOWN + 1; i < GENERIC_FAMILIES; i++)
		if (families.ids[i] != 0) {
			*ret = packet_of(families.ids[i], 1);
			return GENERIC_COMMAND(i, 1);
		}
	return GENERIC_NO_NUMBER;
}

static int shout(int fd, const struct packet *packet)
{
	const struct sockaddr_nl group = {
		.nl_family = AF_NETLINK, .nl_groups = UINT32_C(1) << (GENERIC_NOTIFY_GROUP - 1)};

	return (int)sendto(fd, packet, packet->header.nlmsg_len, 0, (const struct sockaddr *)&group,
		sizeof group);
}

START_TEST(only_the_kernel_is_believed)
{
	struct packet forged = news(CTRL_CMD_NEWFAMILY, "wireguard", 1000);
	struct packet set = packet_of(1000, WG_CMD_SET_DEVICE);
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (!has_namespace || shout(fd, &forged) < 0) {
		printf("SKIP: only_the_kernel_is_believed: no network namespace can be made "
		       "here\n");
		return;
	}
	generic_update();
	ck_assert_int_eq(generic_number(&set.header), GENERIC_NO_NUMBER);
}
END_TEST

START_TEST(after_a_loss_the_kernel_is_asked_again)
{
	struct packet noise = packet_of(GENL_ID_CTRL, CTRL_CMD_UNSPEC), message;
	int number = number_here(&message);
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (number == GENERIC_NO_NUMBER || !has_namespace || shout(fd, &noise) < 0) {
		printf("SKIP: after_a_loss_the_kernel_is_asked_again: no network namespace can be "
		       "made here, or the kernel has none of the families\n");
		return;
	}
	ck_assert_int_eq(generic_number(&message.header), number);
	for (unsigned i = 0; i < FLOOD; i++)
		(void)shout(fd, &noise);
	/* Meanwhile nothing is taken for what it may no longer be. */
	generic_update();
	ck_assert_int_eq(generic_number(&message.header), GENERIC_NO_NUMBER);
	for (unsigned i = 0; i < 1000 && generic_number(&message.header) != number; i++)
		ck_assert_int_ge(sd_event_run(event, 10000), 0);
	ck_assert_int_eq(generic_number(&message.header), number);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("generic");
	TCase *messages = tcase_create("messages"), *daemon = tcase_create("daemon");

	tcase_add_loop_test(messages, commands_are_those_of_the_headers, 0, ARRAY_SIZE(commands));
	tcase_add_test(messages, families_come_and_go);
	tcase_add_test(messages, what_is_not_known_is_not_taken_for_another);
	tcase_add_test(messages, nothing_is_read_behind_the_last_message);
	tcase_add_test(messages, the_kernel_says_what_takes_a_privilege);
	tcase_add_test(messages, commands_that_rules_name_take_a_privilege);
	suite_add_tcase(suite, messages);
	tcase_add_checked_fixture(daemon, setup, teardown);
	tcase_add_test(daemon, only_the_kernel_is_believed);
	tcase_add_test(daemon, after_a_loss_the_kernel_is_asked_again);
	suite_add_tcase(suite, daemon);

	return suite_run(suite);
}
