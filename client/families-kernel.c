#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "client/families.h"
#include "proto/macro.h"

static void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static void raise_to(enum family_state *state, enum family_state least)
{
	*state = MAX_OF(*state, least);
}

/* Calls back for each line. False: the file cannot be read. */
static bool each_line(const char *path, void (*callback)(char *line, enum family_state *states),
	enum family_state *states)
{
	_cleanup_(cleanup_file) FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!file)
		return false;
	while (getline(&line, &size, file) > 0)
		callback(line, states);
	return !ferror(file);
}

/* The kernel takes - and _ in a module's name for the same. */
static bool same_module(const char *a, const char *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (b[i] == '\0' || (a[i] != b[i] && (a[i] != '-' || b[i] != '_')))
			return false;
	return b[size] == '\0';
}

static void note_module(
	const char *name, size_t size, enum family_state least, enum family_state *states)
{
	for (size_t i = 0; i < n_family_infos; i++)
		if (family_infos[i].module && same_module(name, family_infos[i].module, size))
			raise_to(&states[i], least);
}

/* "TCP  2880  15 ...": each line begins with a name. */
static void take_protocol(char *line, enum family_state *states)
{
	size_t size = strcspn(line, " \t\n");

	line[size] = '\0';
	for (size_t i = 0; i < n_family_infos; i++)
		for (const char *const *name = family_infos[i].protocols; *name; name++)
			if (strcmp(line, *name) == 0)
				raise_to(&states[i], FAMILY_YES);
}

static void take_loaded(char *line, enum family_state *states)
{
	note_module(line, strcspn(line, " \t\n"), FAMILY_YES, states);
}

/* "kernel/net/can/can.ko.xz: ..." */
static void take_path(char *line, enum family_state least, enum family_state *states)
{
	line[strcspn(line, ":\n")] = '\0';
	const char *slash = strrchr(line, '/'), *name = slash ? slash + 1 : line;
	const char *end = strstr(name, ".ko");

	if (end)
		note_module(name, (size_t)(end - name), least, states);
}

static void take_builtin(char *line, enum family_state *states)
{
	take_path(line, FAMILY_YES, states);
}

static void take_installed(char *line, enum family_state *states)
{
	take_path(line, FAMILY_BY_HAND, states);
}

/* "alias net-pf-29 can" */
static void take_alias(char *line, enum family_state *states)
{
	int domain, end = 0;

	if (sscanf(line, "alias net-pf-%d %n", &domain, &end) != 1 || end == 0)
		return;
	for (size_t i = 0; i < n_family_infos; i++)
		if (family_infos[i].domain == domain)
			raise_to(&states[i], FAMILY_ON_USE);
}

static bool each_line_of_modules(const char *release, const char *name,
	void (*callback)(char *line, enum family_state *states), enum family_state *states)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "/lib/modules/%s/%s", release, name) < 0) {
		path = NULL;
		return false;
	}
	return each_line(path, callback, states);
}

int families_of_kernel(enum family_state *ret_states)
{
	_cleanup_free_ enum family_state *states = calloc(n_family_infos, sizeof *states);
	struct utsname system;
	bool modular, installed;

	if (!states || uname(&system) < 0)
		return -ENOMEM;
	(void)each_line("/proc/net/protocols", take_protocol, states);
	modular = each_line("/proc/modules", take_loaded, states);
	(void)each_line_of_modules(system.release, "modules.builtin", take_builtin, states);
	(void)each_line_of_modules(system.release, "modules.alias", take_alias, states);
	installed = each_line_of_modules(system.release, "modules.dep", take_installed, states);
	for (size_t i = 0; i < n_family_infos; i++) {
		/* What no module brings is there or is not. */
		if (!modular || installed || !family_infos[i].module)
			raise_to(&states[i], FAMILY_NO);
		ret_states[i] = states[i];
	}
	return 0;
}
