#include "client/asker.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/output.h"
#include "proto/macro.h"

static int parse_id(const char *text, uint32_t *ret)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	/* Without a sign: strtoull(3) takes one. The last number means "none" to the kernel. */
	if (errno != 0 || !isdigit((unsigned char)*text) || *end || value >= UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

/* Some of them would make an answer that is not true. */
static int too_many_groups(const char *who)
{
	output_error("%s is in more than %d groups: sockd refuses such a peer everything", who,
		ASKER_GROUPS_MAX);
	return -E2BIG;
}

static int self(struct asker *ret)
{
	int n = getgroups(ASKER_GROUPS_MAX, ret->groups);

	if (n < 0)
		return too_many_groups("the caller");
	ret->uid = geteuid();
	ret->gid = getegid();
	ret->n_groups = (size_t)n;
	return 0;
}

static int other(const char *user, const char *group, struct asker *ret)
{
	int n = ASKER_GROUPS_MAX;
	struct passwd *entry = getpwnam(user);

	if (!entry) {
		if (parse_id(user, &ret->uid) < 0) {
			output_error("there is no user \"%s\"", user);
			return -ENOENT;
		}
		entry = getpwuid(ret->uid);
	}
	if (!entry) {
		if (!group) {
			output_error("user %s has no entry that names its group; give --gid", user);
			return -ENOENT;
		}
		return 0;
	}
	ret->uid = entry->pw_uid;
	ret->gid = entry->pw_gid;
	if (getgrouplist(entry->pw_name, entry->pw_gid, ret->groups, &n) < 0)
		return too_many_groups(entry->pw_name);
	ret->n_groups = (size_t)n;
	return 0;
}

static int find_group(const char *text, gid_t *ret)
{
	struct group *entry = getgrnam(text);

	if (entry)
		*ret = entry->gr_gid;
	else if (parse_id(text, ret) < 0) {
		output_error("there is no group \"%s\"", text);
		return -ENOENT;
	}
	return 0;
}

static int set_groups(const char *list, struct asker *ret)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = NULL;

	if (!copy)
		return -ENOMEM;
	ret->n_groups = 0;
	for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (ret->n_groups == ARRAY_SIZE(ret->groups))
			return too_many_groups("whoever would ask");
		int r = find_group(word, &ret->groups[ret->n_groups]);
		if (r < 0)
			return r;
		ret->n_groups++;
	}
	return 0;
}

int asker_find(const struct arguments *arguments, struct asker *ret)
{
	struct asker asker = {0};
	const char *group = arguments->group;
	int r = arguments->user ? other(arguments->user, group, &asker) : self(&asker);

	if (r < 0)
		return r;
	if (group)
		r = find_group(group, &asker.gid);
	if (r >= 0 && arguments->groups)
		r = set_groups(arguments->groups, &asker);
	if (r < 0)
		return r;
	*ret = asker;
	return 0;
}
