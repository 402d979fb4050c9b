#include "client/run/absolute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/macro.h"

int absolute_path(const char *path, char **ret)
{
	_cleanup_free_ char *directory = NULL;
	char *absolute;

	if (path[0] == '/') {
		absolute = strdup(path);
		if (!absolute)
			return -ENOMEM;
	} else {
		directory = getcwd(NULL, 0);
		if (!directory)
			return negative_errno();
		if (asprintf(&absolute, "%s/%s", directory, path) < 0)
			return -ENOMEM;
	}
	*ret = absolute;
	return 0;
}
