/*
 * AF_UNIX sockets. The broker binds only abstract names: a path would be made in the broker's own
 * view of the file system and under its rights. It neither connects, listens nor sends, because the
 * other end would see the broker's credentials for the client's.
 */
#include <fnmatch.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/family/family.h"

static int check_rule(const struct rule *rule, char *what, size_t what_size, const char **ret_key)
{
	for (size_t i = 0; i < rule->address_patterns.n; i++)
		if (rule->address_patterns.items[i][0] != '@')
			return family_bad_rule(what, what_size, ret_key, "addresses",
				"\"%s\": the broker binds only abstract names of unix sockets; a "
				"pattern begins with \"@\", and a path is bound by the program "
				"itself",
				rule->address_patterns.items[i]);
	if (!rule->deny && (rule->netns == RULE_NETNS_BROKER || rule->netns == RULE_NETNS_NAMED))
		return family_bad_rule(what, what_size, ret_key, "netns",
			"a unix socket of another namespace makes its holder a client of that "
			"namespace for every server there, sockd too; take \"unix\" out, or say "
			"\"netns\": \"peer\"");
	return family_check_keys(rule, RULE_KEY_ADDRESSES, "unix", what, what_size, ret_key);
}

static uint64_t capabilities(const struct rule *rule)
{
	return rule->deny ? 0 : family_option_capabilities(rule);
}

static bool name_listed(const struct rule *rule, const char *text)
{
	/* The text escapes bytes with backslashes, so a pattern's are plain characters. */
	for (size_t i = 0; i < rule->address_patterns.n; i++)
		if (fnmatch(rule->address_patterns.items[i], text, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

static bool bind_within(
	const struct rule *rule, const struct wire_step *step, char *why, size_t why_size)
{
	const struct sockaddr_un *address = step->address;
	const size_t name = offsetof(struct sockaddr_un, sun_path);
	char text[ADDRESS_TEXT_MAX];
	bool autobind = step->address_size == name;

	if (step->address_size < name || step->address_size > sizeof *address ||
		address->sun_family != AF_UNIX)
		return family_no(why, why_size, "not an address of a unix socket");
	if (!autobind && address->sun_path[0] != '\0')
		return family_no(why, why_size,
			"the broker binds no path: it would be made in the broker's file system "
			"and under its rights; use an abstract name");
	if (!rule->has_addresses)
		return !rule->deny;
	if (autobind)
		return family_no(why, why_size,
			"the rule lists \"addresses\": a name of the kernel's choice is not one");
	if (address_format(address, step->address_size, text, sizeof text) < 0)
		return family_no(why, why_size, "the name cannot be written as text");
	if (!name_listed(rule, text))
		return family_no(why, why_size, "%s is not in the rule's \"addresses\"", text);
	return true;
}

static bool step_within(const struct rule *rule, const struct policy_query *query,
	const struct wire_step *step, char *why, size_t why_size)
{
	switch (step->kind) {
	case WIRE_STEP_OPTION:
		return family_option_within(rule, query, step, why, why_size);
	case WIRE_STEP_BIND:
		return bind_within(rule, step, why, why_size);
	default:
		if (rule->deny)
			return false;
		return family_no(why, why_size,
			"the other end would see the broker's credentials; do this on the socket "
			"yourself");
	}
}

static bool open_within(
	const struct rule *rule, const struct policy_query *query, char *why, size_t why_size)
{
	if (rule->has_addresses && !family_has_step(query, WIRE_STEP_BIND))
		return family_no(why, why_size,
			"the rule lists \"addresses\": a socket that is not bound could be bound "
			"elsewhere by its holder; ask for it with a bind step");
	return true;
}

static bool step_sleeps(const struct wire_step *step _unused_)
{
	return false;
}

const struct family family_unix = {
	.name = "unix",
	.domain = AF_UNIX,
	.open_steps =
		STEP_BIT(WIRE_STEP_OPTION) | STEP_BIT(WIRE_STEP_FILTER) | STEP_BIT(WIRE_STEP_BIND),
	.apply_steps = STEP_BIT(WIRE_STEP_OPTION),
	/* Its queue may hold its new holder's descriptors, whose own last close may wait. */
	.close_sleeps = true,
	.check_rule = check_rule,
	.capabilities = capabilities,
	.step_within = step_within,
	.open_within = open_within,
	.step_sleeps = step_sleeps,
	.open = family_open_plainly,
	.poll_is_lockless = true,
	.bind = family_bind_plainly,
};
