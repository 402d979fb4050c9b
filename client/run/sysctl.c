#include "client/run/sysctl.h"

#include <stdio.h>

unsigned sysctl_number(const char *path)
{
	unsigned number = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	if (fscanf(file, "%u", &number) != 1)
		number = 0;
	(void)fclose(file);
	return number;
}
