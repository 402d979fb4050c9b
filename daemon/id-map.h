/*
 * What a user namespace's users or groups are (user_namespaces(7)): as the reader's own namespace
 * has them; of the reader's own, as its parent has them.
 */
#ifndef SOCKD_DAEMON_ID_MAP_H
#define SOCKD_DAEMON_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>

#define ID_EXTENTS_MAX 340u /* the kernel's limit */

struct id_map {
	size_t n;
	struct id_extent {
		unsigned first, outside, n;
	} extents[ID_EXTENTS_MAX];
};

/* Of a file such as /proc/PID/uid_map. Returns 0 or a negative errno. */
int id_map_read(const char *path, struct id_map *ret);
/* The extent that has the id; NULL: none. */
const struct id_extent *id_map_find(const struct id_map *map, unsigned id);
bool id_map_equal(const struct id_map *one, const struct id_map *two);
/* Does it have every user or group that there can be? */
bool id_map_is_whole(const struct id_map *map);

#endif
