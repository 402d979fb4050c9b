#include "client/run/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/macro.h"

/* Some thousand groups. What has more is nobody who is known here. */
#define STATUS_MAX 32768

/* What follows the name in its line; NULL: there is no such line, or it is not whole. */
static const char *find_line(const char *text, const char *name, size_t *ret_size)
{
	/* What the program may choose, its name, has no line break: those are escaped. */
	const char *line = strstr(text, name);

	if (!line)
		return NULL;
	line += strlen(name);
	const char *end = strchr(line, '\n');
	if (!end)
		return NULL;
	*ret_size = (size_t)(end - line);
	return line;
}

static int read_number(const char *text, const char *name, uint64_t *ret)
{
	size_t size;
	const char *at = find_line(text, name, &size);

	if (!at)
		return -E2BIG;
	*ret = strtoull(at, NULL, 16);
	return 0;
}

int rights_of(pid_t tid, struct rights *ret)
{
	static const char *const names[] = {"\nUid:", "\nGid:", "\nGroups:"};
	char path[64] = "/proc/thread-self/status";
	struct rights rights = {0};
	size_t used = 0, size;

	if (tid != 0)
		snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return negative_errno();
	_cleanup_free_ char *text = malloc(STATUS_MAX), *who = malloc(STATUS_MAX);
	if (!text || !who)
		return -ENOMEM;
	ssize_t n = read(fd, text, STATUS_MAX - 1);
	if (n < 0)
		return negative_errno();
	text[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *at = find_line(text, names[i], &size);
		if (!at)
			return -E2BIG;
		memcpy(who + used, at, size);
		used += size;
		who[used++] = '\n';
	}
	who[used] = '\0';
	int r = read_number(text, "\nCapEff:", &rights.effective);
	if (r == 0)
		r = read_number(text, "\nCapPrm:", &rights.permitted);
	if (r < 0)
		return r;
	rights.who = TAKE_PTR(who);
	*ret = rights;
	return 0;
}

void rights_release(struct rights *rights)
{
	free(rights->who);
	rights->who = NULL;
}

bool rights_same_person(const struct rights *a, const struct rights *b)
{
	return strcmp(a->who, b->who) == 0;
}

bool rights_equal(const struct rights *a, const struct rights *b)
{
	return a->effective == b->effective && rights_same_person(a, b);
}

bool rights_can_change(const struct rights *own)
{
	uid_t uid[3];
	gid_t gid[3];

	/* Without capabilities one can only become whom one is already in part. */
	return own->permitted != 0 || getresuid(&uid[0], &uid[1], &uid[2]) < 0 ||
	       getresgid(&gid[0], &gid[1], &gid[2]) < 0 || uid[0] != uid[1] || uid[0] != uid[2] ||
	       gid[0] != gid[1] || gid[0] != gid[2];
}
