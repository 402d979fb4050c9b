#include "daemon/strangers.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/id-map.h"

#define OVERFLOW_USUAL 65534u

static struct policy_strangers strangers;
static bool are_there;

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
	static struct id_map user_map, group_map;
	bool users = true, groups = true;
	int r = id_map_read("/proc/self/uid_map", &user_map);

	if (r >= 0)
		r = id_map_read("/proc/self/gid_map", &group_map);
	/* A kernel without user namespaces has no maps. */
	if (r < 0 && r != -ENOENT)
		return r;
	if (r >= 0) {
		users = id_map_is_whole(&user_map);
		groups = id_map_is_whole(&group_map);
	}
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
