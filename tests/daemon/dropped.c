#include "tests/daemon/dropped.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/macro.h"
#include "tests/suite.h"

const struct account account = {.uid = USER, .gid = USER};

static char base[] = "/tmp/sockd-dropped-XXXXXX";

void make_directory(char *name, size_t size)
{
	(void)snprintf(name, size, "%s/XXXXXX", base);
	ck_assert_ptr_nonnull(mkdtemp(name));
}

uint64_t read_caps(const char *field)
{
	FILE *file = fopen("/proc/thread-self/status", "re");
	unsigned long long value = 0;
	bool found = false;
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
			found = sscanf(line + strlen(field) + 1, "%llx", &value) == 1;
	(void)fclose(file);
	ck_assert_msg(found, "no %s", field);
	return value;
}

void drop(uint64_t capabilities)
{
	uint64_t missing = 1;
	int r = privilege_drop(&account, capabilities, &missing);

	ck_assert_msg(r == 0, "privilege_drop: %s", strerror(-r));
	ck_assert_uint_eq(missing, 0);
}

void fence(const struct fence_options *options)
{
	uint64_t filters = read_caps("Seccomp_filters");
	const char *how = "";
	int r = privilege_fence(options, &how);

	ck_assert_msg(r == 0, "privilege_fence: %s", strerror(-r));
	filters = read_caps("Seccomp_filters") - filters;
	ck_assert_msg(filters == (strstr(how, "by seccomp") ? 1 : 0), "%s", how);
}

static int remove_entry(const char *name, const struct stat *st _unused_, int type _unused_,
	struct FTW *where _unused_)
{
	return remove(name);
}

int dropped_main(Suite *suite)
{
	if (!mkdtemp(base) || chmod(base, 0755) < 0) {
		perror(base);
		return EXIT_FAILURE;
	}
	int status = suite_run_as_root(suite);
	(void)nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}
