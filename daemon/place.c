#include "daemon/place.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <systemd/sd-login.h>

#include "proto/macro.h"

static void cleanup_place(struct place **place)
{
	place_unref(*place);
}

/* NULL: the process is in none such. */
static int read_name(int (*get)(pid_t pid, char **ret), pid_t pid, const char **ret)
{
	char *name = NULL;
	int r = get(pid, &name);

	if (r < 0 && r != -ENODATA)
		return r;
	*ret = r < 0 ? NULL : name;
	return 0;
}

static int is_alive(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	int n = poll(&ended, 1, 0);

	if (n < 0)
		return negative_errno();
	return n == 0 ? 0 : -ESRCH;
}

/* From within a control group namespace other groups are seen as /../name, which names no unit. */
static int is_visible(pid_t pid)
{
	_cleanup_free_ char *path = NULL;
	int r = sd_pid_get_cgroup(pid, &path);

	if (r < 0)
		return r;
	return strncmp(path, "/..", 3) == 0 ? -ENODATA : 0;
}

int place_read(pid_t pid, int pidfd, struct place **ret)
{
	_cleanup_(cleanup_place) struct place *place = calloc(1, sizeof *place);

	if (!place)
		return -ENOMEM;
	place->references = 1;
	int r = read_name(sd_pid_get_unit, pid, &place->names.unit);
	if (r >= 0)
		r = read_name(sd_pid_get_slice, pid, &place->names.slice);
	if (r >= 0)
		r = read_name(sd_pid_get_user_unit, pid, &place->names.user_unit);
	/* Every control group is in some slice, be it the root one. */
	if (r >= 0 && !place->names.slice)
		r = -ENODATA;
	if (r >= 0 && !place->names.unit && strcmp(place->names.slice, "-.slice") == 0)
		r = is_visible(pid);
	if (r >= 0)
		r = is_alive(pidfd);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(place);
	return 0;
}

struct place *place_ref(struct place *place)
{
	if (place)
		place->references++;
	return place;
}

struct place *place_unref(struct place *place)
{
	if (!place || --place->references > 0)
		return NULL;
	free((char *)place->names.unit);
	free((char *)place->names.slice);
	free((char *)place->names.user_unit);
	free(place);
	return NULL;
}
