#include "client/management.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "client/output.h"
#include "proto/macro.h"

#define REPLY_MAX (256u * 1024u * 1024u)
#define TIMEOUT 30

static int open_management(const char *path)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0 ||
		connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return negative_errno();
	return TAKE_FD(fd);
}

static int send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return negative_errno();
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int send_request(int fd, const json_t *request)
{
	_cleanup_free_ char *text = json_dumps(request, JSON_COMPACT);

	if (!text)
		return -ENOMEM;
	int r = send_all(fd, text, strlen(text));
	return r < 0 ? r : send_all(fd, "\n", 1);
}

/* Reads up to the first newline, which is replaced by NUL. */
static int receive_line(int fd, char **ret)
{
	_cleanup_free_ char *line = NULL;
	size_t used = 0, room = 0;

	for (;;) {
		if (used == room) {
			if (room >= REPLY_MAX)
				return -EMSGSIZE;
			room = room ? 2 * room : 4096;
			char *larger = realloc(line, room);
			if (!larger)
				return -ENOMEM;
			line = larger;
		}
		ssize_t n = recv(fd, line + used, room - used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0)
			return -ECONNRESET;
		char *end = memchr(line + used, '\n', (size_t)n);
		used += (size_t)n;
		if (end) {
			*end = '\0';
			*ret = TAKE_PTR(line);
			return 0;
		}
	}
}

static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return " (is sockd running, with --management=?)";
	case EACCES:
	case EPERM:
		return " (only administrators may speak to it: try as root)";
	default:
		return "";
	}
}

static int exchange(const char *path, const json_t *request, char **ret)
{
	_cleanup_close_ int fd = open_management(path);

	if (fd < 0)
		return fd;
	int r = send_request(fd, request);
	return r < 0 ? r : receive_line(fd, ret);
}

int management_call(const char *path, const json_t *request, json_t **ret)
{
	_cleanup_free_ char *line = NULL;
	json_error_t error;

	int r = exchange(path, request, &line);
	if (r < 0) {
		output_error("no answer from the management socket %s: %s%s", path, strerror(-r),
			advice(-r));
		return r;
	}
	json_t *reply = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(reply) || !json_is_boolean(json_object_get(reply, "ok"))) {
		output_error("the answer from %s is not understood", path);
		json_decref(reply);
		return -EBADMSG;
	}
	if (!json_is_true(json_object_get(reply, "ok"))) {
		int number = (int)management_integer(reply, "errno");
		output_error("%s", management_string(reply, "error"));
		json_decref(reply);
		return number > 0 ? -number : -EIO;
	}
	json_object_del(reply, "ok");
	*ret = reply;
	return 0;
}

const char *management_string(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

json_int_t management_integer(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}
