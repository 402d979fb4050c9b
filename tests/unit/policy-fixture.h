/*
 * A directory of policy files for one test, and what loading it says. Owns the directory and
 * everything in it.
 */
#ifndef SOCKD_TESTS_UNIT_POLICY_FIXTURE_H
#define SOCKD_TESTS_UNIT_POLICY_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/policy/policy.h"
#include "proto/macro.h"

struct fixture {
	char directory[64];
	char *errors; /* of the last load, with the directory's name taken out */
};

static inline void fixture_make(struct fixture *fixture)
{
	*fixture = (struct fixture){.directory = "/tmp/sockd-policy-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(fixture->directory));
}

static inline void fixture_remove(struct fixture *fixture)
{
	char command[128];

	free(fixture->errors);
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture->directory);
	ck_assert_int_eq(system(command), 0);
}

static inline void fixture_path(
	const struct fixture *fixture, const char *name, char *path, size_t size)
{
	ck_assert_int_lt(snprintf(path, size, "%s/%s", fixture->directory, name), (int)size);
}

static inline void fixture_write_bytes(
	const struct fixture *fixture, const char *name, const char *text, size_t size)
{
	char path[512];
	fixture_path(fixture, name, path, sizeof(path));
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0644), 0);
}

static inline void fixture_write(const struct fixture *fixture, const char *name, const char *text)
{
	fixture_write_bytes(fixture, name, text, strlen(text));
}

/* Takes every "DIRECTORY/" out of the text. */
static inline void fixture_shorten(const struct fixture *fixture, char *text)
{
	size_t size = strlen(fixture->directory);
	char *found;

	while ((found = strstr(text, fixture->directory))) {
		size_t skip = size + (found[size] == '/');
		memmove(found, found + skip, strlen(found + skip) + 1);
	}
}

static inline int fixture_load(struct fixture *fixture, struct policy **ret)
{
	const char *directories[] = {fixture->directory};
	size_t size;

	free(fixture->errors);
	fixture->errors = NULL;
	FILE *out = open_memstream(&fixture->errors, &size);
	ck_assert_ptr_nonnull(out);
	int r = policy_load(directories, 1, geteuid(), out, ret);
	fclose(out);
	fixture_shorten(fixture, fixture->errors);
	return r;
}

/* A policy that must load. */
static inline struct policy *fixture_policy(struct fixture *fixture, const char *text)
{
	struct policy *policy = NULL;

	fixture_write(fixture, "p.json", text);
	int r = fixture_load(fixture, &policy);
	ck_assert_msg(r == 0, "not loaded: %s", fixture->errors);
	return policy;
}

#endif
