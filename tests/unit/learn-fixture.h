/*
 * Calls in a few words, what --learn makes of them, and the daemon's own reader, which loads that
 * and says what it allows.
 */
#ifndef SOCKD_TESTS_UNIT_LEARN_FIXTURE_H
#define SOCKD_TESTS_UNIT_LEARN_FIXTURE_H

#include <check.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/run/learn.h"
#include "daemon/family/family.h"
#include "proto/address.h"
#include "proto/bluetooth.h"
#include "proto/constants.h"
#include "tests/unit/policy-fixture.h"

#define USER 1000
#define SAMPLES_MAX 8

/* One call in words; zero is what most leave out. */
struct sample {
	int domain, type, protocol;
	const char *bind;
	const char *option;
	int value;
	const char *text;      /* the option's value, where it is no number */
	int message;	       /* netlink */
	const char *interface; /* which it names */
	bool elsewhere;	       /* and another network namespace */
	bool two;	       /* twice in one packet, the second time as a deletion */
	int command;	       /* HCI */
};

struct step {
	struct wire_step step;
	struct sockaddr_storage address;
	uint32_t messages[64];
	unsigned char command[4];
};

static inline unsigned char *add_attribute(
	unsigned char *at, uint16_t type, const void *data, size_t size)
{
	const struct nlattr head = {.nla_len = (uint16_t)(sizeof head + size), .nla_type = type};

	memcpy(at, &head, sizeof head);
	memcpy(at + sizeof head, data, size);
	return at + NLA_ALIGN(head.nla_len);
}

static inline unsigned char *add_message(unsigned char *at, int type, const struct sample *sample)
{
	static const uint32_t pid = 1;
	struct nlmsghdr head = {.nlmsg_type = (uint16_t)type, .nlmsg_flags = NLM_F_REQUEST};
	unsigned char *end = at + sizeof head;

	if (sample->interface) {
		end += sizeof(struct ifinfomsg);
		end = add_attribute(
			end, IFLA_IFNAME, sample->interface, strlen(sample->interface) + 1);
	}
	if (sample->elsewhere)
		end = add_attribute(end, IFLA_NET_NS_PID, &pid, sizeof pid);
	head.nlmsg_len = (uint32_t)(end - at);
	memcpy(at, &head, sizeof head);
	return end;
}

static void make_message(const struct sample *sample, struct step *ret)
{
	unsigned char *start = (unsigned char *)ret->messages;
	unsigned char *end = add_message(start, sample->message, sample);

	if (sample->two)
		end = add_message(end, sample->message + 1, sample);
	ret->step = (struct wire_step){
		.kind = WIRE_STEP_SEND, .data = start, .data_size = (size_t)(end - start)};
}

/* The step of a sample; false: it is a socket. */
static bool make_step(const struct sample *sample, struct step *ret)
{
	*ret = (struct step){0};
	if (sample->bind) {
		socklen_t size;
		ck_assert_msg(
			address_parse(sample->domain, sample->bind, &ret->address, &size) == 0,
			"no address: %s", sample->bind);
		ret->step = (struct wire_step){
			.kind = WIRE_STEP_BIND, .address = &ret->address, .address_size = size};
	} else if (sample->option) {
		const struct option_info *info = option_by_name(sample->option);
		ck_assert_ptr_nonnull(info);
		ret->step = (struct wire_step){.kind = WIRE_STEP_OPTION,
			.a = info->level,
			.b = info->option,
			.data = sample->text ? (const void *)sample->text : &sample->value,
			.data_size = sample->text ? strlen(sample->text) : sizeof sample->value};
	} else if (sample->message) {
		make_message(sample, ret);
	} else if (sample->command) {
		ret->command[0] = HCI_COMMAND_PACKET;
		ret->command[1] = (unsigned char)sample->command;
		ret->command[2] = (unsigned char)(sample->command >> 8);
		ret->step = (struct wire_step){.kind = WIRE_STEP_SEND,
			.data = ret->command,
			.data_size = sizeof ret->command};
	} else
		return false;
	return true;
}

static int learn_sample(struct learn *learn, const struct sample *sample)
{
	struct step step;
	bool has_step = make_step(sample, &step);
	const struct learn_call call = {
		.kind = !has_step			     ? LEARN_SOCKET
			: step.step.kind == WIRE_STEP_BIND   ? LEARN_BIND
			: step.step.kind == WIRE_STEP_OPTION ? LEARN_OPTION
							     : LEARN_SEND,
		.domain = sample->domain,
		.type = sample->type | SOCK_CLOEXEC,
		.protocol = sample->protocol,
		.step = has_step ? &step.step : NULL,
		.pid = 1,
		.program = "some program",
		.reason = "it was refused; see why: sockctl check",
	};
	return learn_add(learn, &call);
}

/* As the daemon decides it: a socket by OPEN, all else by APPLY on one that there is. */
static bool is_allowed(const struct policy *policy, const struct sample *sample, uid_t uid,
	struct policy_decision *ret)
{
	static int netlink = -1;
	const struct family *family = family_get(sample->domain);
	struct step step;
	bool has_step = make_step(sample, &step);
	const struct policy_subject subject = {.uid = uid, .gid = uid, .listener = "default"};

	if (netlink < 0)
		netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct policy_query query = {
		.apply = has_step,
		.domain = sample->domain,
		.type = sample->type,
		.protocol = family->effective_protocol
				    ? family->effective_protocol(sample->type, sample->protocol)
				    : sample->protocol,
		.netns = has_step ? WIRE_NETNS_PEER : WIRE_NETNS_DEFAULT,
		.steps = &step.step,
		.n_steps = has_step ? 1 : 0,
		.fd = has_step ? netlink : -1,
	};
	policy_decide(policy, &subject, &query, ret);
	return ret->allowed;
}

struct example {
	const char *name;
	size_t rules;			  /* in how many it should take */
	struct sample calls[SAMPLES_MAX]; /* up to the one without a domain */
	struct sample others[SAMPLES_MAX];
	const char *part; /* that the file must hold */
};

#define TCP .domain = AF_INET, .type = SOCK_STREAM
#define TCP6 .domain = AF_INET6, .type = SOCK_STREAM
#define UDP .domain = AF_INET, .type = SOCK_DGRAM
#define RAW(p) .domain = AF_INET, .type = SOCK_RAW, .protocol = (p)
#define PING .domain = AF_INET, .type = SOCK_DGRAM, .protocol = IPPROTO_ICMP
#define NETLINK(p) .domain = AF_NETLINK, .type = SOCK_RAW, .protocol = (p)
#define BLUETOOTH(t, p) .domain = AF_BLUETOOTH, .type = (t), .protocol = (p)
#define PLAIN(d, t, p) .domain = (d), .type = (t), .protocol = (p)

static struct fixture fixture;
static char path[512];

static void setup(void)
{
	fixture_make(&fixture);
	fixture_path(&fixture, "p.json", path, sizeof path);
}

static void teardown(void)
{
	fixture_remove(&fixture);
}

static inline struct learn *open_learn(void)
{
	struct learn *learn = NULL;
	int r = learn_open(path, USER, &learn);

	ck_assert_msg(r == 0, "learn_open: %s", learn_reason());
	return learn;
}

static void close_learn(struct learn *learn)
{
	int r = learn_write(learn);

	ck_assert_msg(r == 0, "learn_write: %s", learn_reason());
	learn_free(learn);
}

static inline char *read_file(void)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file) + 1, 0);
	fclose(file);
	return text;
}

/* Loaded, it allows the calls and no others. */
static void check_policy(const struct example *example, bool count)
{
	struct policy_decision decision;
	struct policy *policy = NULL;
	_cleanup_free_ char *text = read_file();
	int r = fixture_load(&fixture, &policy);

	ck_assert_msg(r == 0, "%s: not loaded: %s\n%s", example->name, fixture.errors, text);
	ck_assert_msg(!count || policy_rule_count(policy) == example->rules, "%s: %zu rules:\n%s",
		example->name, policy_rule_count(policy), text);
	ck_assert_msg(!example->part || strstr(text, example->part), "%s: no %s in\n%s",
		example->name, example->part, text);
	for (size_t i = 0; i < SAMPLES_MAX && example->calls[i].domain; i++) {
		ck_assert_msg(is_allowed(policy, &example->calls[i], USER, &decision),
			"%s: call %zu is not allowed: %s\n%s", example->name, i, decision.reason,
			text);
		ck_assert_msg(!is_allowed(policy, &example->calls[i], USER + 1, &decision),
			"%s: call %zu is allowed to another user", example->name, i);
	}
	for (size_t i = 0; i < SAMPLES_MAX && example->others[i].domain; i++)
		ck_assert_msg(!is_allowed(policy, &example->others[i], USER, &decision),
			"%s: other call %zu is allowed\n%s", example->name, i, text);
	(void)policy_unref(policy);
}

#endif
