#include "daemon/strangers.h"

#include <errno.h>

#include "proto/macro.h"

#define IDS_MAX UINT64_C(4294967295)
#define OVERFLOW_USUAL 65534u

static struct policy_strangers strangers;
static bool are_there;

/* Does a map of user_namespaces(7) have every user or group? */
static int is_whole(const char *path, bool *ret)
{
	unsigned first, outside, n;
	uint64_t sum = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return negative_errno();
	while (fscanf(file, "%u %u %u", &first, &outside, &n) == 3)
		sum += n;
	fclose(file);
	*ret = sum >= IDS_MAX;
	return 0;
}

static uint32_t read_number(const char *path)
{
	uint32_t number;
	FILE *file = fopen(path, "re");

	if (!file)
		return OVERFLOW_USUAL;
	if (fscanf(file, "%u", &number) != 1)
		number = OVERFLOW_USUAL;
	fclose(file);
	return number;
}

int strangers_init(void)
{
	bool users, groups;
	int r = is_whole("/proc/self/uid_map", &users);

	if (r >= 0)
		r = is_whole("/proc/self/gid_map", &groups);
	/* A kernel without user namespaces has no maps. */
	if (r == -ENOENT)
		users = groups = true;
	else if (r < 0)
		return r;
	are_there = !users || !groups;
	strangers = (struct policy_strangers){
		.uid = users ? (uid_t)-1 : read_number("/proc/sys/kernel/overflowuid"),
		.gid = groups ? (gid_t)-1 : read_number("/proc/sys/kernel/overflowgid"),
	};
	return 0;
}

const struct policy_strangers *strangers_known(void)
{
	return are_there ? &strangers : NULL;
}

bool strangers_have_user(uid_t uid)
{
	return are_there && uid == strangers.uid;
}

bool strangers_have_group(gid_t gid)
{
	return are_there && gid == strangers.gid;
}
