#include "daemon/id-map.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/macro.h"

#define IDS_MAX UINT64_C(4294967295)

int id_map_read(const char *path, struct id_map *ret)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return negative_errno();
	memset(ret, 0, sizeof *ret);
	while (ret->n < ID_EXTENTS_MAX) {
		struct id_extent *extent = &ret->extents[ret->n];
		if (fscanf(file, "%u %u %u", &extent->first, &extent->outside, &extent->n) != 3)
			break;
		ret->n++;
	}
	fclose(file);
	return 0;
}

const struct id_extent *id_map_find(const struct id_map *map, unsigned id)
{
	for (size_t i = 0; i < map->n; i++)
		if (id >= map->extents[i].first && id - map->extents[i].first < map->extents[i].n)
			return &map->extents[i];
	return NULL;
}

bool id_map_equal(const struct id_map *one, const struct id_map *two)
{
	return one->n == two->n &&
	       memcmp(one->extents, two->extents, one->n * sizeof one->extents[0]) == 0;
}

bool id_map_is_whole(const struct id_map *map)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < map->n; i++)
		sum += map->extents[i].n;
	return sum >= IDS_MAX;
}
